"""What would become of dead letters now: the worker's own reading, on the record that a replay would send.

Nothing is written. A letter whose record killed its reader is read in a process of its own, which may die of it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from consumer.batch import Good, Reader, Skip
from consumer.deadletters import DeadLetter, Parcel
from consumer.dlq.again import again, as_received, obstacle
from consumer.dlq.cases import Case
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.letters import Letter
from consumer.records import Record
from consumer.settings import Settings
from lineagegraph.naming import Naming

End = Literal["written", "skipped", "fails", "kills", "cannot_be_sent"]
BREATH = 25  # letters between two turns of the event loop
SECONDS = 30.0  # that a record may take which killed its reader before
BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a replay of this letter would end; class, pointer and message if it would fail."""

    id: str
    end: End
    reason: str = ""
    pointer: str = ""
    message: str = ""
    fingerprint: str = ""

    @property
    def well(self) -> bool:
        """Whether the letter would be resolved."""
        return self.end in ("written", "skipped")


def reader_of(settings: Settings) -> Reader:
    """The reading of the worker with these settings."""
    return Reader(Naming.load(settings.naming_file), settings.max_event_bytes, settings.on_tombstone)


def trial(reader: Reader, letter: Letter, record: Record) -> Outcome:
    """What this program's reading would make of the letter whose record in the dead-letter topic is `record`."""
    if why := obstacle(letter, record):
        return Outcome(letter.id, "cannot_be_sent", message=why)
    return _outcome(letter.id, reader.read(as_received(again(letter, record, "trial", 0, 1), "trial", now_ms())))


def _outcome(id_: str, result: Good | Skip | DeadLetter) -> Outcome:
    match result:
        case Good():
            return Outcome(id_, "written")
        case Skip():
            return Outcome(id_, "skipped")
        case DeadLetter():
            return Outcome(id_, "fails", result.reason, result.pointer, result.message, result.fingerprint)


async def trials(desk: Desk, cases: Sequence[Case]) -> AsyncIterator[tuple[Case, Outcome]]:
    """The outcome of each of these."""
    reader, count = reader_of(desk.settings), 0
    async for case, record in desk.values(cases):
        if case.letter.disposition == "crash":
            yield case, await asyncio.to_thread(alone, desk.settings, case.letter, record)
            continue
        yield case, trial(reader, case.letter, record)
        if (count := count + 1) % BREATH == 0:
            await asyncio.sleep(0)


def alone(settings: Settings, letter: Letter, record: Record) -> Outcome:
    """The trial in a process of its own."""
    if why := obstacle(letter, record):
        return Outcome(letter.id, "cannot_be_sent", message=why)
    sent = again(letter, record, "trial", 0, 1)
    task = {
        "naming": str(settings.naming_file) if settings.naming_file else None,
        "most": settings.max_event_bytes,
        "tombstone": settings.on_tombstone,
        "bytes": BYTES,
        "key": _text(sent.key),
        "value": _text(sent.value),
        "headers": [[name, _text(value)] for name, value in sent.headers],
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "consumer.dlq.trial"],
            input=json.dumps(task).encode(),
            capture_output=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Outcome(letter.id, "kills", "crash", message=f"Reading it takes more than {SECONDS:g} seconds.")
    if done.returncode:
        return Outcome(letter.id, "kills", "crash", message=f"It still kills its reader (exit code {done.returncode}).")
    return Outcome(**{**json.loads(done.stdout), "id": letter.id})


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def main() -> None:
    """The process of its own: the task on standard input, the outcome on standard output."""
    task: dict[str, Any] = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (task["bytes"], task["bytes"]))
    reader = Reader(Naming.load(task["naming"]), task["most"], task["tombstone"])
    headers = tuple((name, _bytes(value)) for name, value in task["headers"])
    result = reader.read(as_received(Parcel(0, _bytes(task["key"]), _bytes(task["value"]), headers), "trial", now_ms()))
    print(json.dumps(asdict(_outcome("", result))))


if __name__ == "__main__":
    main()
