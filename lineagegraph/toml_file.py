"""TOML files that operators write: read, checked, and every mistake told with the line it stands in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lineagegraph.errors import LineageError

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]  # ("alias", 2, "name"): the name of the third [[alias]]
Mistake = tuple[Place, str]


def read(
    path: Path | str, model: type[Model], what: str, check: Callable[[Model], Iterable[Mistake]] = lambda _: ()
) -> Model:
    """The file's content; `what` is what people call it ("alias file"). Raises LineageError.

    `check` finds the mistakes that lie between several of its tables.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LineageError(f"The {what} {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise LineageError(f"The {what} {path} is not UTF-8 text.") from None
    try:
        content = model.model_validate(tomllib.loads(text))
        mistakes = list(check(content))
    except tomllib.TOMLDecodeError as error:
        raise LineageError(f"The {what} {path} is not TOML: {error}.") from None
    except ValidationError as error:
        mistakes = [(problem["loc"], problem["msg"].removeprefix("Value error, ")) for problem in error.errors()]
    if mistakes:
        rows = [f"line {_line(text, at)}: {_place(at)}{says}" for at, says in mistakes]
        raise LineageError(f"The {what} {path} has {len(rows)} mistake(s): " + "; ".join(rows))
    return content


def _place(at: Place) -> str:
    return ".".join(str(part) for part in at) + ": " if at else ""


def _line(text: str, at: Place) -> int:
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
