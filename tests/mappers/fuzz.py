"""Coverage-guided fuzzing of bytes to facts, by atheris, which is no dependency: install it beside the others.

    pip install atheris
    python -m tests.mappers.fuzz --seconds 600

starts from the corpus, damages documents (`tests.mappers.mutate`) and bytes, and stops at the first input that ends
neither in lawful facts nor in a classified dead letter; that input is written to a file whose name is printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MOST_BYTES = 30_000  # larger inputs make it slow and no wiser
MISSING = "Fuzzing needs atheris: install it with `pip install atheris` (Linux, CPython 3.11 to 3.13)."


def main() -> int:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=600)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    if find_spec("atheris") is None:
        print(MISSING, file=sys.stderr)
        return 1
    _fuzz(chosen.seconds, chosen.seed)
    return 0


def _fuzz(seconds: int, seed: int) -> None:
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["mappers", "lineagegraph"]):
        from tests.mappers.events import corpus
        from tests.mappers.mutate import USED, judge

    _mutate = _mutator(atheris)
    with tempfile.TemporaryDirectory() as seeds:
        small = [value for value in corpus() if len(value) <= MOST_BYTES]
        for number, value in enumerate(small):
            Path(seeds, str(number)).write_bytes(value)
        words = Path(seeds).with_suffix(".dict")
        words.write_text("".join(f'"{word}"\n' for word in USED), encoding="ascii")
        print(f"{len(small)} seeds, {seconds} s", flush=True)
        arguments = [
            f"-max_total_time={seconds}",
            f"-seed={seed}",
            f"-dict={words}",
            f"-max_len={MOST_BYTES}",
            "-timeout=30",
        ]
        kept = f"-artifact_prefix={tempfile.gettempdir()}/fuzz-"
        atheris.Setup([sys.argv[0], seeds, *arguments, kept], judge, custom_mutator=_mutate)
        atheris.Fuzz()  # ends the process


def _mutator(atheris: Any) -> Any:
    from tests.mappers.mutate import mutant

    def mutate(value: bytes, most: int, seed: int) -> bytes:
        """Damage the document if it is one, else the bytes."""
        draw = random.Random(seed)
        try:
            damaged = mutant(value, draw) if draw.random() < 0.8 else b""
        except (ValueError, TypeError, RecursionError):  # no JSON, no container, too deep to write
            damaged = b""
        changed: bytes = damaged if 0 < len(damaged) <= most else atheris.Mutate(value, most)
        return changed

    return mutate


if __name__ == "__main__":
    sys.exit(main())
