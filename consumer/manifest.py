"""What a backup says of itself: `manifest.json`, written last of all, so that a folder without it is no backup."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from lineagegraph.errors import LineageError
from lineagegraph.nodes import Archive

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Kafka:
    """A group's offsets: [topic, partition, offset, metadata]."""

    group: str
    offsets: tuple[tuple[str, int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `hash` is that of the graph's export, if nothing was written while it was made."""

    format: int
    program: str
    at: str
    graph: str
    schema_version: int
    naming: str
    horizon: int
    keyspace: str
    schema: str
    hash: str | None
    kafka: Kafka
    nodes: tuple[Archive, ...]


def write(manifest: Manifest, folder: Path) -> None:
    """All of it at once."""
    path = folder / NAME
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        file.write(orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(folder: Path) -> Manifest:
    """The manifest of a backup. Raises LineageError."""
    try:
        content: dict[str, Any] = orjson.loads((folder / NAME).read_bytes())
        if content["format"] != FORMAT:
            raise LineageError(f"{str(folder)!r} is of format {content['format']}. Use the lineagegraph that made it.")
        kafka = Kafka(content["kafka"]["group"], tuple(map(tuple, content["kafka"]["offsets"])))
        archives = tuple(Archive(**row) for row in content["nodes"])
        return Manifest(**{**content, "kafka": kafka, "nodes": archives})
    except OSError:
        raise LineageError(f"{str(folder)!r} is no whole backup: it has no {NAME}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise LineageError(f"The manifest in {str(folder)!r} is damaged ({type(error).__name__}).") from None
