"""Fetching by Maven: exactly the coordinates of the lock, each with all its dependencies excluded.

Resolving the poms again would let a version range or a changed BOM pick other jars than the lock names.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from deploy.local.errors import LocalStackError
from deploy.local.jars import Jar

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>lineagegraph.local</groupId><artifactId>exact</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
DEPENDENCY = """\
    <dependency>
      <groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version>{3}
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>"""


def maven() -> str | None:
    return shutil.which("mvn")


def exact_pom(jars: Sequence[Jar]) -> str:
    """A pom of these jars and nothing that they depend on."""
    return POM.format(dependencies="\n".join(_dependency(jar) for jar in jars))


def _dependency(jar: Jar) -> str:
    group, artifact, version, classifier = (escape(part) for part in jar.parts)
    return DEPENDENCY.format(group, artifact, version, f"<classifier>{classifier}</classifier>" if classifier else "")


def fetch(jars: Sequence[Jar], into: Path, repository: Path | None, seen: Callable[[int], None]) -> None:
    """Copy the jars into a folder; a repository of its own makes Maven forget a damaged cache."""
    pom = into.with_name(f"{into.name}.xml")
    pom.write_text(exact_pom(jars), "utf-8")
    command = [maven() or "mvn", "-B", "-f", str(pom), f"{PLUGIN}:copy-dependencies", f"-DoutputDirectory={into}"]
    if repository is not None:
        command.append(f"-Dmaven.repo.local={repository}")
    lines: list[str] = []
    fetched = 0
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None  # noqa: S101  (asked for above)
            for line in process.stdout:
                lines.append(line.rstrip())
                if "Downloaded" in line and ".jar " in line:
                    fetched += 1
                    seen(fetched)
        if process.returncode:
            raise LocalStackError(f"Maven could not fetch the jars ({_reason(lines)}). {ADVICE}")
    except OSError as error:
        raise LocalStackError(f"Maven cannot be run ({error}). {ADVICE}") from None
    finally:
        pom.unlink(missing_ok=True)


ADVICE = "Check the network and Maven's settings."


def _reason(lines: Sequence[str]) -> str:
    errors = [line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")]
    return next((line for line in errors if line), lines[-1] if lines else "no output")[:400]
