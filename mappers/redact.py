"""Secrets in text: whatever the graph stores as free text passes here first.

Producers copy connection strings, command lines and SQL into facets; a password in one of them must not
become a fact. What is cut is replaced by `***`, so that a reader sees that something was there.
"""

from __future__ import annotations

import re

MOST_TEXT = 8_000

_WORDS = (
    r"password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key"
    r"|credential|signature|\bsig|authorization|auth[_-]"
)
_SECRETS = (
    # postgres://user:password@host
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*(?=@)"), "***"),
    # password=…, "token": "…", aws_secret_access_key …, also as …_PASSWORD or db.password
    (
        re.compile(
            r"(?i)((?:" + _WORDS + r")[\w.-]*[\"']?\s*(?:=>|[=:])\s*)"
            r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&\"')}\]]+)"
        ),
        r"\1***",
    ),
    # --password …
    (re.compile(r"(?i)(--?[\w.-]*(?:" + _WORDS + r")[\w.-]*\s+)([^\s-]\S*)"), r"\1***"),
    # CREATE USER x IDENTIFIED BY 'y'
    (re.compile(r"(?i)(identified\s+by\s+)('[^']*'|\"[^\"]*\"|\S+)"), r"\1***"),
    # Authorization: Bearer …, Basic …
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 ***"),
    # keys that are known by their shape: AWS, GitHub, Slack, Google, JSON Web Tokens
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,}"
            r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
        ),
        "***",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), "***"),
)
_HINT = re.compile(
    r"(?i)pass|pwd|secret|token|key|credential|sig|auth|identified|bearer|basic|://[^/]*@|AKIA|ASIA|gh[pousr]_|xox|AIza|eyJ"
)


def redact(text: str, most: int = MOST_TEXT) -> str:
    """The text without secrets and not longer than `most` characters."""
    if len(text) > 4 * most:
        text = text[: 4 * most]
    if _HINT.search(text):
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
    return text if len(text) <= most else text[: most - 1] + "…"


def without_userinfo(namespace: str) -> str:
    """A namespace without the user and password that some producers leave in it."""
    return re.sub(r"(?<=://)[^/@]*@(?=[^/])", "", namespace) if "@" in namespace else namespace
