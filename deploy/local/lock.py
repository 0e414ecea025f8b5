"""Regenerates artifacts.lock from the three pom files: the one place where versions are resolved, by Maven.

    python -m deploy.local.lock

Everyone else fetches the exact coordinates written there and compares hashes.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from deploy.local.fetch_maven import PLUGIN
from deploy.local.jars import COMPONENTS, LOCK_FILE, Jar, sha256_of

POMS = Path(__file__).with_name("poms")
HEADER = """\
# Every jar that the local stack may run: component, coordinate, file name, SHA-256.
# Made by `python -m deploy.local.lock` from poms/*.xml; do not edit.
"""
RESOLVED = re.compile(
    r"^ {3}(?P<group>[^:\s]+):(?P<artifact>[^:]+):jar(?::(?P<classifier>[^:]+))?:(?P<version>[^:]+)"
    r":(?:compile|runtime):(?P<path>.+?\.jar)(?: -- module .*)?$"
)


def resolve(component: str) -> list[Jar]:
    """What Maven resolves for one component's pom, with the hashes of the files it fetched."""
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "list")
        subprocess.run(
            ["mvn", "-B", "-q", "-f", str(POMS / f"{component}.xml"), f"{PLUGIN}:list", "-DincludeScope=runtime",
             "-DoutputAbsoluteArtifactFilename=true", f"-DoutputFile={listing}"],
            check=True,
        )  # fmt: skip
        return [_jar(component, line) for line in listing.read_text("utf-8").splitlines() if line.startswith("   ")]


def _jar(component: str, line: str) -> Jar:
    found = RESOLVED.match(line)
    if found is None:
        raise SystemExit(f"Maven resolved something that is not a jar for {component}: {line.strip()}")
    path = Path(found["path"])
    names = (found["group"], found["artifact"], found["version"], found["classifier"])
    return Jar(component, ":".join(name for name in names if name), path.name, sha256_of(path))


def main() -> None:
    jars = [jar for component in COMPONENTS for jar in sorted(resolve(component))]
    LOCK_FILE.write_text(HEADER + "".join(f"{jar.line}\n" for jar in jars), "utf-8")
    print(f"{LOCK_FILE.name}: {len(jars)} jars")


if __name__ == "__main__":
    main()
