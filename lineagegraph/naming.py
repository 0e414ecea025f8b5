"""Naming: what people type for a dataset, its layer, and which names are one and the same thing.

Defaults need no file. A naming file (TOML) adds rules; it is part of every key and immutable property, so
its hash is stored in the graph and a consumer with another hash refuses to start.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from lineagegraph import toml_file

LAYERS = ("raw", "landing", "staging", "bronze", "silver", "gold", "curated", "mart")

# Names that grow without end: a query id or a moment in the name would make a Pipeline of every run.
JOB_RULES = (
    (r"^\d{8}_\d{6}_\d{5}_[a-z0-9]{5}$", "query"),  # Trino: the job's name is the query's id
    (r"[._-]jr_[0-9a-f]{64}(?=$|[._-])", ""),  # AWS Glue: the id of the job run
    (r"(?<=[^\d])[._-]?\d{13}(?=$|[._-])", ""),  # milliseconds since 1970
    (r"[._-]\d{8}[T_-]?\d{6}(?=$|[._-])", ""),  # 20260101_123000
)

# Datasets that never were: working directories of engines and the tables in which dbt keeps failed rows.
ARTIFICIAL = (
    r"(^|/)_(temporary|spark_metadata|delta_log)(/|$)",
    r"(^|/)\.(spark|hive)-staging",
    r"(^|/)\.spark-bigquery-",
    r"//tmp/hive/",
    r"(^|[./])[^./]*_dbt_test__audit([./]|$)",
)


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str
    replace: str = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return _regular(value)

    @model_validator(mode="after")
    def _expands(self) -> _Rule:
        _template(self.pattern, self.replace)
        return self


class _DatasetRule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: str = ".*"
    name: str
    dataset_id: str | None = None
    layer: str | None = None

    @field_validator("namespace", "name")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return _regular(value)

    @model_validator(mode="after")
    def _expands(self) -> _DatasetRule:
        for template in (self.dataset_id, self.layer):
            _template(self.name, template or "")
        return self


class _File(BaseModel):
    """The naming file: every table in it is optional, an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layers: tuple[str, ...] = LAYERS
    fold_partitions: bool = True
    default_job_rules: bool = True
    default_filters: bool = True
    dataset: tuple[_DatasetRule, ...] = ()
    job: tuple[_Rule, ...] = ()
    ignore: tuple[str, ...] = ()

    @field_validator("layers")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(layer.lower() for layer in value)

    @field_validator("ignore")
    @classmethod
    def _compile(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_regular(pattern) for pattern in value)


def _regular(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return pattern


def _template(pattern: str, template: str) -> None:
    try:
        re.sub(pattern, template, "")
    except (re.error, IndexError) as error:
        raise ValueError(f"{template!r} does not fit the pattern {pattern!r}: {error}") from None


@dataclass(frozen=True, eq=False)
class Naming:
    """The rules in force. Equal rules have equal hashes, whatever the file's layout; the defaults are part of them."""

    rules: _File = field(default_factory=_File)

    @classmethod
    def load(cls, path: Path | str | None = None) -> Naming:
        """Read a naming file; without one the defaults hold. Raises LineageError with line numbers."""
        return cls() if path is None else cls(toml_file.read(path, _File, "naming file"))

    @cached_property
    def hash(self) -> str:
        rules = {**self.rules.model_dump(mode="json"), "defaults": (JOB_RULES, ARTIFICIAL)}
        content = orjson.dumps(rules, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()[:16]

    def dataset_id(self, namespace: str, name: str) -> str:
        """What people type: by rule, else the last two segments of the name (`gold/customers`)."""
        return self._described(namespace, name)[0]

    def layer(self, namespace: str, name: str) -> str | None:
        """By rule, else the first segment of the name that is a layer's name."""
        return self._described(namespace, name)[1]

    def job_name(self, name: str) -> str:
        """The name without its query id or moment; a name that is nothing else stays as it is."""
        return self._job_name(name)

    def fold(self, name: str) -> str:
        """A path without its partition directories (`…/dt=2026-01-01/hour=7`), where that is wanted."""
        if "=" not in name or not self.rules.fold_partitions:
            return name
        head, _, last = name.rpartition("/")
        while head and last.find("=") > 0:
            name = head
            head, _, last = name.rpartition("/")
        return name

    def artificial(self, name: str) -> str | None:
        """The filter that says this dataset never was, or None."""
        found = self._ignore.search(name) if self._ignore else None
        return found.group(0) if found else None

    @cached_property
    def _ignore(self) -> re.Pattern[str] | None:
        patterns = (*(ARTIFICIAL if self.rules.default_filters else ()), *self.rules.ignore)
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None

    @cached_property
    def _job_name(self) -> Callable[[str], str]:
        rules = [(rule.pattern, rule.replace) for rule in self.rules.job]
        rules += JOB_RULES if self.rules.default_job_rules else ()
        compiled = [(re.compile(pattern), replace) for pattern, replace in rules]

        @lru_cache(maxsize=20_000)
        def normalised(name: str) -> str:
            for pattern, replace in compiled:
                name = pattern.sub(replace, name) or name
            return name

        return normalised

    @cached_property
    def _described(self) -> Callable[[str, str], tuple[str, str | None]]:
        layers = frozenset(self.rules.layers)
        rules = [(re.compile(r.namespace), re.compile(r.name), r.dataset_id, r.layer) for r in self.rules.dataset]

        @lru_cache(maxsize=100_000)
        def described(namespace: str, name: str) -> tuple[str, str | None]:
            segments = [s for s in re.split(r"/" if "/" in name else r"\.", name) if s]
            dataset_id = "/".join(segments[-2:]) or name
            layer = next((s.lower() for s in re.split(r"[/.]", name) if s.lower() in layers), None)
            for at, called, to_id, to_layer in rules:
                if at.fullmatch(namespace) and (match := called.fullmatch(name)):
                    dataset_id = (match.expand(to_id) if to_id else "") or dataset_id
                    layer = (match.expand(to_layer) if to_layer else "") or layer
                    break
            return dataset_id, layer

        return described
