"""`python -m tests.truth`: how true the answers are, as a table."""

import sys

from tests.truth.score import all_scopes, table

scopes = all_scopes()
print(table(scopes))
complaints = [f"{name}: {text}" for name, score in scopes.items() for text in score.complaints()]
complaints += [
    f"{name}: {text}" for name in ("sum", "folded together") for text in scopes[name].recall_complaints()
]  # fmt: skip
print("\n".join(complaints) or "as it must be")
sys.exit(1 if complaints else 0)
