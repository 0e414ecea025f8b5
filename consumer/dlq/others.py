"""Who else reads a topic: whoever replays into a source topic sends the same events to them again."""

from __future__ import annotations

from aiokafka.errors import KafkaError

from consumer.dlq.desk import Desk
from consumer.errors import KafkaUnusable


async def other_groups(desk: Desk) -> list[str]:
    """The other groups that have committed offsets of the source topic. Raises KafkaUnusable."""
    own, found = desk.settings.group, []
    try:
        for group, *_ in await desk.admin.list_consumer_groups():
            if group != own:
                offsets = await desk.admin.list_consumer_group_offsets(group)
                if any(place.topic == desk.names.source and row.offset >= 0 for place, row in offsets.items()):
                    found.append(str(group))
    except KafkaError as error:
        raise KafkaUnusable(
            f"Kafka does not tell who else reads {desk.names.source!r} ({type(error).__name__}): nothing is replayed "
            "into it. Grant DESCRIBE on groups, or replay to the retry topic: --to retry."
        ) from None
    return sorted(found)


def not_named(others: list[str], named: tuple[str, ...], source: str) -> str | None:
    """What to say if not exactly these groups were named."""
    if set(others) == set(named):
        return None
    if missing := [group for group in others if group not in named]:
        flags = " ".join(f"--and-group {group}" for group in others)
        return (
            f"{len(others)} other group{'s' * (len(others) > 1)} would get these events from {source!r} again: "
            f"{', '.join(missing)} not named. If that is meant, say so: {flags}"
        )
    return f"{', '.join(sorted(set(named) - set(others)))}: no such group reads {source!r}."
