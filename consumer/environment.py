"""Settings by the environment: a variable each, and for each secret also a file; what is wrong in a sentence.

A secret may stand in a file that `LINEAGE_<NAME>_FILE` names, and is never printed.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource

PREFIX = "LINEAGE_"

Settings = type[BaseSettings]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def origin(settings: Settings, name: str) -> str:
    """Where the setting's value comes from: environment, file or default."""
    if variable(name) in os.environ:
        return "environment"
    return "file" if is_secret(settings, name) and f"{variable(name)}_FILE" in os.environ else "default"


def unknown(settings: Settings) -> list[str]:
    """Variables with our prefix that are no setting, each with the one that was probably meant."""
    known = {variable(name) for name in settings.model_fields}
    known |= {f"{variable(name)}_FILE" for name in settings.model_fields if is_secret(settings, name)}
    found = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    return [
        f"{name} is not a setting of the consumer" + (f"; did you mean {near[0]}?" if near else "")
        for name in found
        for near in [difflib.get_close_matches(name, known, n=1)]
    ]


class Environment(EnvSettingsSource):
    """The environment, and for secrets the files that it names."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        for name in self.settings_cls.model_fields:
            path = os.environ.get(f"{variable(name)}_FILE") if is_secret(self.settings_cls, name) else None
            if path is None:
                continue
            # What stands in the file is checked like a value; what cannot be read becomes an error of its field.
            try:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                values[name] = Path(path)
        return values


def is_secret(settings: Settings, name: str) -> bool:
    """Whether the setting is never printed, and may stand in a file instead."""
    return "SecretStr" in str(settings.model_fields[name].annotation)


def sentence(settings: Settings, problem: Any) -> str:
    """What is wrong with a setting, by its variable, with an example; never with a secret."""
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    name = str(problem["loc"][0])
    if is_secret(settings, name):
        return f"{variable(name)}_FILE: the file cannot be read"
    message = message.replace("Input should be", "must be").replace("String should", "must")
    given = problem["input"]
    shown = (
        f" (given {given!r})"
        if isinstance(given, str | int | float) and not set("'@") & set(f"{message}{given}")
        else ""
    )
    # every field has an example: `_field` gives it one
    return f"{variable(name)}: {message}{shown}, for example {settings.model_fields[name].examples[0]}"  # type: ignore[index]
