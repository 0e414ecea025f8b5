"""Errors are named by what follows from them, and each message says how to mend it.

Whoever catches one of these knows what to do without reading the message: correct the input, dead-letter
the facts, or wait and try again. Any other exception is a bug.
"""

from __future__ import annotations


class LineageError(Exception):
    """Something that the user can mend; the message is one sentence that names the remedy."""


class GraphRejected(LineageError):
    """The graph will never take these facts: the same request would be refused again."""


class GraphUnavailable(LineageError):
    """The graph did not answer or could not; the same request may succeed later."""


class SchemaMismatch(LineageError):
    """The graph's schema, naming file or identity is not the one that this program was started for."""


class NotFound(LineageError):
    """Nothing in the graph has this name; the message says how names are given."""


class Ambiguous(LineageError):
    """Several things have this name; the message lists them."""
