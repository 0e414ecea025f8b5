"""Names to vertices: the only place where natural keys are made.

Namespaces and names are brought to one form per OpenLineage's naming rules, so that one table has one key
whichever client version wrote it; what a name means to people is the naming file's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from mappers.redact import without_userinfo

_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfs": "abfss", "wasb": "wasbs"}
_OBJECT_STORES = frozenset({"s3", "gs", "abfss", "wasbs", "oss", "cosn", "obs"})  # keys have no leading slash
_FILE_SYSTEMS = frozenset({"file", "hdfs", "dbfs", "webhdfs", "viewfs"})  # paths have one
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/|$)")


def normalised(namespace: str, name: str) -> tuple[str, str]:
    """One form for all spellings of a dataset's namespace and name."""
    namespace, name = without_userinfo(namespace), without_userinfo(name)
    match = _SCHEME.match(namespace)
    scheme = match.group(1).lower() if match else namespace.lower()
    scheme = _SCHEMES.get(scheme, scheme)
    if match:
        namespace = scheme + namespace[match.end(1) :]
        if len(namespace) > len(scheme) + 3:
            namespace = namespace.rstrip("/")
    if scheme == "file" and not namespace[4:].strip(":/"):
        namespace = "file"
    if scheme in _OBJECT_STORES or scheme in _FILE_SYSTEMS:
        name = re.sub(r"/{2,}", "/", name)
        name = name.rstrip("/") or "/"
        if scheme in _OBJECT_STORES:
            name = name.lstrip("/") or "/"
    return namespace, name


def is_location(namespace: str, name: str) -> bool:
    """Whether a normalised name is a place in a store of files, not a catalogue's name for a table."""
    match = _SCHEME.match(namespace)
    scheme = match.group(1) if match else namespace
    if scheme not in _OBJECT_STORES and scheme not in _FILE_SYSTEMS:
        return False
    authority = namespace[len(scheme) + 1 :].lstrip("/")
    return "/" in name and "/" not in authority and not (scheme == "file" and authority)


def located(uri: str) -> tuple[str, str] | None:
    """Namespace and name of a place in a store of files (`s3://bucket/path`), None for any other text."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/]*))?(/.+)$", uri)
    scheme = match.group(1).lower() if match else ""
    scheme = _SCHEMES.get(scheme, scheme)
    if match is None or (scheme not in _OBJECT_STORES and scheme not in _FILE_SYSTEMS):
        return None
    return (f"{scheme}://{match.group(2)}" if match.group(2) else scheme), match.group(3)


@dataclass(frozen=True, slots=True)
class Described:
    """What a dataset's namespace and name alone tell: its vertex, its facts, the filter that leaves it out."""

    vertex: Vertex
    facts: Facts  # shared by all events that name it
    artificial: str | None


@lru_cache(maxsize=50_000)
def described(namespace: str, name: str, naming: Naming) -> Described:
    """The Dataset of a namespace and name as an event gives them."""
    namespace, name = normalised(namespace, name)
    key = (namespace, naming.fold(name))
    properties = {"dataset_id": naming.dataset_id(*key)}
    if layer := naming.layer(*key):
        properties["layer"] = layer
    facts = Facts()
    return Described(facts.vertex(Vertex("Dataset", key), properties), facts, naming.artificial("/".join(key)))


def dataset(namespace: str, name: str, naming: Naming) -> Vertex:
    """The vertex alone."""
    return described(namespace, name, naming).vertex


@lru_cache(maxsize=20_000)
def pipeline(namespace: str, name: str, naming: Naming) -> Vertex:
    """The Pipeline of a job."""
    return Vertex("Pipeline", (without_userinfo(namespace), naming.job_name(without_userinfo(name))))


def version(of: Vertex, text: str) -> Vertex:
    """A Dataset's version by its exact text, or by `~` and the damaged number."""
    return Vertex("DatasetVersion", (*of.key, text))
