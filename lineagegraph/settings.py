"""How the graph is reached: one frozen object, made by whoever reads the options or the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lineagegraph.corrections import Corrections
from lineagegraph.naming import Naming


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """The servers of one graph (any of them will do) and the limits within which we talk to them."""

    urls: tuple[str, ...] = ("ws://127.0.0.1:8182/gremlin",)
    username: str | None = None
    password: str | None = None
    tls_ca_file: Path | None = None  # for wss; without it the system's certificates are trusted
    traversal_source: str = "g"  # by this the server knows the graph
    timeout_seconds: float = 30.0  # for one request
    connect_seconds: float = 5.0
    connections: int = 4  # requests in flight
    max_request_bytes: int = 1_000_000  # below the servers' maxContentLength
    naming_file: Path | None = None  # the naming rules that the graph is filled with; without it the defaults
    aliases_file: Path | None = None  # the operator's alias and ignore file; what is in it is applied to answers only
    cache_elements: int = 300_000  # acknowledged vertices and edges that are remembered

    def __post_init__(self) -> None:
        if not self.urls:
            raise ValueError("urls must name at least one server")
        for url in self.urls:
            if not url.startswith(("ws://", "wss://")):
                raise ValueError(f"{url!r} is not a ws:// or wss:// address")

    def naming(self) -> Naming:
        """The naming rules in force. Raises LineageError if the file cannot be used."""
        return Naming.load(self.naming_file)

    def corrections(self) -> Corrections:
        """The operator's corrections. Raises LineageError if the file cannot be used."""
        return Corrections.load(self.aliases_file)
