"""Which topics belong together: a source, its dead letters, its retry topic, its ledger."""

from __future__ import annotations

from dataclasses import dataclass

from consumer.errors import BadFilter
from consumer.settings import Settings


@dataclass(frozen=True, slots=True)
class Names:
    """The topics of one desk; `shared` if the letters of other sources lie in the same topic."""

    source: str
    letters: str
    retry: str
    ledger: str
    shared: bool = False


def names(settings: Settings, source: str | None = None, letters: str | None = None) -> Names:
    """Those of this source topic, which may be left out if only one is read. Raises BadFilter.

    `letters` is a dead-letter topic of somebody else; what is done with its letters stands in our own ledger.
    """
    if source is None:
        if settings.topic_pattern or len(settings.topics) != 1:
            known = settings.topic_pattern or ", ".join(settings.topics)
            raise BadFilter(f"Several topics are read ({known}): say which one with --topic.")
        source = settings.topics[0]
    ours = settings.dead_letters_of(source)
    return Names(
        source,
        letters or ours,
        settings.retry_of(source),
        settings.ledger_of(source),
        shared=letters is None and "{topic}" not in settings.dead_letter_topic,
    )
