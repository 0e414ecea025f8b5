"""Secrets in text: whatever the graph stores as free text passes here first.

Producers copy connection strings, command lines and SQL into facets; a password in one of them must not
become a fact. What is cut is replaced by `***`, so that a reader sees that something was there. Where it is not
clear whether something is a secret it is cut. Every repetition in a pattern is bounded or starts at one place
only, so that no text makes the search slow.
"""

from __future__ import annotations

import re
from functools import lru_cache

MOST_TEXT = 8_000

_WORDS = (
    r"password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key"
    r"|credential|signature|\bsig(?![a-z])|authorization|auth[_-]"
)
_KEY = re.compile(r"(?i)" + _WORDS)
_SECRETS = (
    # postgres://user:password@host; a password may hold what a URL should have escaped
    (re.compile(r"(?<=://)[^\s/@:]{0,200}:[^\s@]{0,200}(?=@)"), "***"),
    # https://token@host
    (re.compile(r"(?i)(?<=http://|ttps://)[^\s/@:]{1,200}(?=@)"), "***"),
    # Authorization: Bearer …, Basic …
    (re.compile(r"(?i)\b(bearer|basic)\s{1,8}[\w.~+/=-]{8,}"), r"\1 ***"),
    # password=…, "token": "…", aws_secret_access_key …, also as …_PASSWORD or db.password
    (
        re.compile(
            r"(?i)((?:" + _WORDS + r")[\w.-]{0,64}[\"']?\s{0,8}(?:=>|[=:])\s{0,8})"
            r"(\"(?:[^\"\\]|\\.)*+(?:\"|$)|'(?:[^'\\]|\\.)*+(?:'|$)|[^\s,;&\"')}\]]+)"
        ),
        r"\1***",
    ),
    # --password …
    (re.compile(r"(?i)((?<![\w.-])--?[\w.-]{0,64}(?:" + _WORDS + r")[\w.-]{0,64}\s{1,8})([^\s-]\S*)"), r"\1***"),
    # CREATE USER x IDENTIFIED BY 'y'
    (re.compile(r"(?i)(identified\s{1,8}by\s{1,8})('[^']*+(?:'|$)|\"[^\"]*+(?:\"|$)|\S+)"), r"\1***"),
    # keys that are known by their shape: AWS, GitHub, Slack, Google, JSON Web Tokens
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,})"
            r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
        ),
        "***",
    ),
    (
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S),
        "***",
    ),
)
_HINTS = (
    *("pass", "pwd", "secret", "token", "key", "credential", "sig", "auth", "identified", "bearer", "basic", "://"),
    *("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "aiza", "eyj"),
)
_SHORT = 200


def redact(text: str, most: int = MOST_TEXT) -> str:
    """The text without secrets and not longer than `most` characters."""
    # The short ones are types, versions, names of engines: a few texts, again and again.
    text = _redacted(text) if len(text) <= _SHORT else _without_secrets(text[: 4 * most])
    return text if len(text) <= most else text[: most - 1] + "…"


def redact_value(key: str, value: str, most: int = MOST_TEXT) -> str:
    """The value of a named setting or tag; the name alone may say that it is a secret."""
    return "***" if _KEY.search(key) else redact(value, most)


def _without_secrets(text: str) -> str:
    lower = text.lower()
    if any(hint in lower for hint in _HINTS):
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
    return text


_redacted = lru_cache(maxsize=4_096)(_without_secrets)

_USERINFO = re.compile(r"(?<=://)(?:[^/]*|[^/@:]*:(?!\d{1,5}/).*)@(?=[^/])")
_SETTING = re.compile(r"(?i)(?<=[?&;])([^?&;=]*(?:" + _WORDS + r")[^?&;=]*=)[^?&;]*")
_CONTAINERS = ("abfs", "wasb")  # abfss://container@account: here it is no user


def without_userinfo(name: str) -> str:
    """A namespace or name without the user and the password that some producers leave in it."""
    if "@" in name and not name.lower().startswith(_CONTAINERS):
        name = _USERINFO.sub("", name, count=1)
    return _SETTING.sub(r"\1***", name) if "=" in name else name
