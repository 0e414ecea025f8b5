"""Who may ask and write: bearer tokens, of which only hashes are kept, each with its scopes and namespaces.

A token is 256 random bits, so one SHA-256 protects it as well as a slow hash would. The file is read again when it
changes: a token that is taken out of it ends within seconds.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lineagegraph import toml_file
from lineagegraph.errors import LineageError
from lineagegraph.sight import EVERYTHING, Sight

PREFIX = "lg_"
LOOK_AGAIN = 1.0  # seconds

Scope = Literal["read", "write"]


class _Token(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: tuple[Scope, ...] = Field(min_length=1)
    namespaces: tuple[str, ...] | None = Field(default=None, min_length=1)
    expires: date | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    token: tuple[_Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the bearer of a token may do, and what they see."""

    name: str
    scopes: frozenset[Scope]
    sight: Sight = EVERYTHING


ANYONE = Grant("anyone", frozenset({"read", "write"}))  # where access is off: on loopback only


class Tokens:
    """The tokens of a file. Raises LineageError at start if it cannot be used; later the last good one stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked = time.monotonic()
        self._changed = self._stamp()
        self._rows = self._read()

    def grant(self, token: str) -> Grant | None:
        """What this token grants today; None if nothing."""
        self._refresh()
        digest = digest_of(token)
        found = None
        for row in self._rows:  # all of them, so that the time tells nothing
            if hmac.compare_digest(row.sha256, digest):
                found = row
        if found is None or (found.expires and found.expires < datetime.now(UTC).date()):
            return None
        return Grant(found.name, frozenset(found.scopes), Sight(found.namespaces))

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_AGAIN:
            return
        self._looked = now
        try:
            if (stamp := self._stamp()) != self._changed:
                self._rows, self._changed = self._read(), stamp
        except (LineageError, OSError):
            return  # half-written; it is looked at again in a second

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _read(self) -> tuple[_Token, ...]:
        return toml_file.read(self._path, _File, "token file").token


def digest_of(token: str) -> str:
    """What the token file keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """A token that nobody has; it is shown once and kept nowhere."""
    return PREFIX + secrets.token_urlsafe(32)


def as_toml(
    token: str, name: str, scopes: tuple[str, ...], namespaces: tuple[str, ...], expires: date | None = None
) -> str:
    """The token's lines in the token file."""
    lines = ["[[token]]", f"name = {json.dumps(name)}", f'sha256 = "{digest_of(token)}"']
    lines.append(f"scopes = {json.dumps(list(scopes))}")
    if namespaces:
        lines.append(f"namespaces = {json.dumps(list(namespaces))}")
    if expires:
        lines.append(f"expires = {expires.isoformat()}")
    return "\n".join(lines)
