"""What is written down about an edit of a dead letter's value: by whom, when, why, of what, and how. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

MOST_PATCH = 4_000  # characters of a patch that is kept whole


@dataclass(frozen=True, slots=True)
class EditNote:
    """The latest edit of a value, and how many there were; `patch` is JSON Patch, or what was done instead of one."""

    number: int
    by: str
    at: int  # milliseconds
    reason: str
    of: str  # partition@offset of the letter that was edited
    original_sha256: str
    patch: str

    def text(self) -> str:
        """As a header of the new letter."""
        return json.dumps(
            {
                "n": self.number,
                "by": self.by,
                "at": self.at,
                "reason": self.reason,
                "of": self.of,
                "original_sha256": self.original_sha256,
                "patch": self.patch,
            }
        )

    @classmethod
    def parse(cls, text: str) -> EditNote | None:
        """The note in a header; None if there is none, or it is not ours."""
        try:
            told: dict[str, Any] = json.loads(text)
            return cls(
                int(told["n"]),
                *(str(told["by"]), int(told["at"]), str(told["reason"]), str(told["of"])),
                *(str(told["original_sha256"]), str(told["patch"])),
            )
        except (ValueError, TypeError, KeyError):
            return None


def shortened(patch: str) -> str:
    """The patch, or its hash if it is too long for a header."""
    if len(patch) <= MOST_PATCH:
        return patch
    return f"sha256:{hashlib.sha256(patch.encode()).hexdigest()}"
