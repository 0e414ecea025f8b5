"""Names to vertices: the only place where natural keys are made.

Namespaces and names are brought to one form per OpenLineage's naming rules, so that one table has one key
whichever client version wrote it; what a name means to people is the naming file's business.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lineagegraph.facts import Vertex
from lineagegraph.naming import Naming
from mappers.redact import without_userinfo

_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfs": "abfss", "wasb": "wasbs"}
_OBJECT_STORES = frozenset({"s3", "gs", "abfss", "wasbs", "oss", "cosn", "obs"})  # keys have no leading slash
_FILE_SYSTEMS = frozenset({"file", "hdfs", "dbfs", "webhdfs", "viewfs"})  # paths have one
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)")


@lru_cache(maxsize=50_000)
def normalised(namespace: str, name: str) -> tuple[str, str]:
    """One form for all spellings of a dataset's namespace and name."""
    namespace = without_userinfo(namespace)
    match = _SCHEME.match(namespace)
    scheme = match.group(1).lower() if match else namespace.lower()
    if match:
        scheme = _SCHEMES.get(scheme, scheme)
        namespace = scheme + namespace[match.end(1) :]
        if len(namespace) > len(scheme) + 3:
            namespace = namespace.rstrip("/")
        if scheme == "file" and not namespace[5:].strip("/"):
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


def dataset(namespace: str, name: str, naming: Naming) -> Vertex:
    """The Dataset of a namespace and name as an event gives them."""
    namespace, name = normalised(namespace, name)
    return Vertex("Dataset", (namespace, naming.fold(name)))


def pipeline(namespace: str, name: str, naming: Naming) -> Vertex:
    """The Pipeline of a job."""
    return Vertex("Pipeline", (without_userinfo(namespace), naming.job_name(name)))


def version(of: Vertex, text: str) -> Vertex:
    """A Dataset's version by its exact text, or by `~` and the damaged number."""
    return Vertex("DatasetVersion", (*of.key, text))
