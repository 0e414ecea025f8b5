"""TOML files that operators write: read, checked, and every mistake told with the line it stands in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lineagegraph.errors import LineageError

Model = TypeVar("Model", bound=BaseModel)


def read(path: Path | str, model: type[Model], what: str) -> Model:
    """The file's content; `what` is what people call it ("alias file"). Raises LineageError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LineageError(f"The {what} {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise LineageError(f"The {what} {path} is not UTF-8 text.") from None
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LineageError(f"The {what} {path} is not TOML: {error}.") from None
    except ValidationError as error:
        rows = [f"line {_line(text, p['loc'])}: {_place(p['loc'])}{_says(p['msg'])}" for p in error.errors()]
        raise LineageError(f"The {what} {path} has {len(rows)} mistake(s): " + "; ".join(rows)) from None


def _place(at: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in at) + ": " if at else ""


def _says(message: str) -> str:
    return message.removeprefix("Value error, ")


def _line(text: str, at: tuple[int | str, ...]) -> int:
    """Where the key stands: in the n-th table of that name, else the table's own header."""
    lines = text.splitlines()
    table, nth = (str(at[0]), next((part for part in at if isinstance(part, int)), 0)) if at else ("", 0)
    headers = [n for n, line in enumerate(lines) if re.match(rf"\s*\[\[?\s*{re.escape(table)}\s*\]", line)]
    first = headers[min(nth, len(headers) - 1)] if headers else 0
    rest = range(first + 1, len(lines))
    end = next((n for n in rest if headers and lines[n].lstrip().startswith("[")), len(lines))
    for word in (str(part) for part in reversed(at) if isinstance(part, str)):
        for n in range(first, end):
            if re.search(rf"(^|[{{,\s\"']){re.escape(word)}[\"']?\s*=", lines[n]):
                return n + 1
    return first + 1
