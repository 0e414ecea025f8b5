"""How text for people is laid out: readable at 100 columns, and without what could command a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 100
GAP = 3  # between two columns
LEAST = 8  # of a column that is cut
LEAST_NAME = 16  # of one that is folded
MOST_NAME = 40  # columns of a name that is shown whole; a longer one is folded
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def console() -> Console:
    """Standard output: as wide as the terminal, else 100 columns."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH, color_system=None)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = (), cut: Sequence[str] = ()
) -> Table:
    """A table; where there is no room the columns of `cut` end in an ellipsis, very long names are folded."""
    texts = [[plain(cell) for cell in row] for row in rows]
    widths = [max([len(head), *(row[n].cell_len for row in texts)]) for n, head in enumerate(heads)]
    widths = [width if head in cut else min(width, MOST_NAME) for head, width in zip(heads, widths, strict=True)]
    _shrink(widths, [n for n, head in enumerate(heads) if head in cut], LEAST)
    _shrink(widths, [n for n, head in enumerate(heads) if head not in right], LEAST_NAME)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for head, width in zip(heads, widths, strict=True):
        justify: Literal["left", "right"] = "right" if head in right else "left"
        short = head in cut
        made.add_column(head, justify=justify, width=width, no_wrap=short, overflow="ellipsis" if short else "fold")
    for row in texts:
        made.add_row(*row)
    return made


def _shrink(widths: list[int], columns: Sequence[int], least: int) -> None:
    """Take from the widest of these columns, one by one, until all fit or none can give more."""
    room = console().width
    while sum(widths) + GAP * len(widths) > room and (wide := [n for n in columns if widths[n] > least]):
        widths[max(wide, key=lambda n: widths[n])] -= 1


def line(whole: str, cut: str) -> str:
    """One line: the first part whole, of the second what there is room for."""
    made = plain(" ".join(f"{whole}  {cut}".split("\n")))
    room = max(console().width, plain(whole).cell_len)
    made.truncate(room, overflow="ellipsis")
    return made.plain.rstrip()


def plain(text: str) -> Text:
    """Text without what could command a terminal."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def escaped(text: str) -> str:
    """The same, with what could command a terminal spelt out."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def age(then_ms: int, now_ms: int) -> str:
    """How long ago, in one unit."""
    if then_ms < 0:
        return "–"
    for size, unit in _UNITS:
        if now_ms - then_ms >= size:
            return f"{(now_ms - then_ms) // size} {unit}"
    return "now"


def moment(ms: int) -> str:
    """A time, to the second, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if ms >= 0 else "–"
