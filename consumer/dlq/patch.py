"""JSON Patch (RFC 6902) on the values of dead letters. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonpatch
import jsonpointer

from consumer.errors import BadFilter

FRAME = 5  # bytes before the value, where a schema registry put them
EXAMPLE = '[{"op": "replace", "path": "/eventType", "value": "COMPLETE"}]'
Refused = (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException)


class DoesNotFit(Exception):
    """The patch cannot be applied to this value; the message says why."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Operations that are applied together or not at all."""

    operations: Sequence[dict[str, Any]]

    @classmethod
    def parse(cls, text: str) -> Patch:
        """The patch in a text. Raises BadFilter."""
        try:
            operations = json.loads(text)
            jsonpatch.JsonPatch(operations)
        except (ValueError, *Refused) as error:
            raise BadFilter(f"This is no JSON Patch ({error}). An example: {EXAMPLE}") from None
        return cls(tuple(operations))

    @property
    def text(self) -> str:
        """The patch on one line."""
        return json.dumps(self.operations)

    def apply(self, value: bytes | None) -> bytes:
        """The value after the patch; integers stay exact, a schema registry's frame stays. Raises DoesNotFit."""
        value = value or b""
        frame = value[:FRAME] if value[:1] == b"\0" else b""
        try:
            changed = jsonpatch.apply_patch(json.loads(value[len(frame) :]), list(self.operations))
        except Refused as error:
            raise DoesNotFit(str(error)) from None
        except (ValueError, RecursionError):
            raise DoesNotFit("its value is no JSON that could be patched: give the whole value with --value") from None
        return frame + json.dumps(changed, separators=(",", ":")).encode()
