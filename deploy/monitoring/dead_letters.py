"""Alerts about dead letters; docs/dead-letters.md is their runbook by class."""

from __future__ import annotations

from deploy.monitoring.alert import Alert

_MORE = "[Dead letters](dead-letters.md) says what to do by class."

DEAD_LETTERS = (
    Alert(
        "LineageDeadLetterRate",
        "sum(rate(lineage_dead_letters_total[10m])) > 0.05 * sum(rate(lineage_records_received_total[10m]))\n",
        "5m",
        "warning",
        "More than 5 % of the records become dead letters.",
        f"`lineagegraph dlq stats since=1h --by producer` names who sends them. {_MORE}",
    ),
    Alert(
        "LineageDeadLetterNewClass",
        "max by (topic) (lineage_dead_letter_new_classes) > 0\n",
        "",
        "warning",
        "{{ $labels.topic }}: dead letters of a class that was not there before.",
        f"`lineagegraph dlq stats since=1h --by fingerprint`. {_MORE}",
    ),
    Alert(
        "LineageDeadLetterNewCause",
        "max by (topic) (lineage_dead_letter_new_fingerprints) > 0\n",
        "",
        "info",
        "{{ $labels.topic }}: dead letters with a cause that was not there before.",
        f"`lineagegraph dlq stats since=1h --by fingerprint`. {_MORE}",
    ),
    Alert(
        "LineagePartitionHalted",
        "max by (topic, partition) (lineage_partition_halted) > 0\n",
        "1m",
        "critical",
        "{{ $labels.topic }}-{{ $labels.partition }} is halted by the brake.",
        "Almost nothing in it can be read, so that it was stopped before all of it became dead letters. "
        "`lineagegraph dlq peek -n 3 since=1h`, mend the cause, then `lineagegraph resume` with topic and partition.",
    ),
    Alert(
        "LineageDeadLetterBacklog",
        "max by (topic) (lineage_dead_letter_oldest_open_timestamp_seconds > 0) < time() - 86400\n",
        "10m",
        "warning",
        "{{ $labels.topic }}: a dead letter has been open for more than a day.",
        f"`lineagegraph dlq ls 'first<1d'`. {_MORE}",
    ),
    Alert(
        "LineageDeadLetterNumbersStale",
        "max by (topic) (lineage_dead_letter_numbers_timestamp_seconds) < time() - 300\n",
        "5m",
        "warning",
        "{{ $labels.topic }}: nobody counts the dead letters.",
        "Look whether `lineagegraph dlq stats --listen` runs.",
    ),
    Alert(
        "LineageDeadLettersCannotBeBuried",
        "sum(increase(lineage_dead_letter_failures_total[5m])) > 0\n",
        "5m",
        "critical",
        "The dead-letter topic or the ledger does not take what is sent; partitions wait.",
        "The consumer's log names the topic and what is missing: the topic itself, rights, or its size limit.",
    ),
)
