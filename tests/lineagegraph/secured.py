"""Gremlin Servers that are locked: by TLS and a password, to large requests, under another name, to every script."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from deploy.local.config import LOOPBACK
from deploy.local.errors import NotReady
from deploy.local.janusgraph import JanusGraph
from lineagegraph.gremlin import SHIPPED
from tests.consumer.secure_kafka import make_keys

SOURCE = "lineage_traversal"  # how this server calls the graph's traversal source; none is called g
USER, PASSWORD = "lineage", "hush-hush"
HASHED = "$2a$04$abcdefghijklmnopqrstuu9AsmTW0GVvQkIMJII9dLx.Ve/x6XdxC"  # of that password, by bcrypt
READ = f"{SOURCE}.V('meta:schema').count().next()"

LOCKS = """
ssl: {{enabled: true, keyStore: {keys}/server.p12, keyStoreType: PKCS12, keyStorePassword: {password}}}
authentication:
  authenticator: org.apache.tinkerpop.gremlin.server.auth.SimpleAuthenticator
  authenticationHandler: org.apache.tinkerpop.gremlin.server.handler.SaslAndHttpBasicAuthenticationHandler
  config: {{credentialsDb: {keys}/users.properties}}
"""
USERS = """\
gremlin.graph=org.apache.tinkerpop.gremlin.tinkergraph.structure.TinkerGraph
gremlin.tinkergraph.vertexIdManager=LONG
gremlin.tinkergraph.graphFormat=graphson
gremlin.tinkergraph.graphLocation={}
"""


class SecuredJanusGraph(JanusGraph):
    """TLS with a certificate of the test, one user, who is kept in a graph in memory, and small requests only."""

    fatal_lines = ("unable to start",)

    @property
    def secure_url(self) -> str:
        return self.url.replace("ws://", "wss://")

    @property
    def authority(self) -> Path:
        """The certificate of who signed the server's."""
        return self.folder / "keys" / "ca.pem"

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        keys = make_keys(self.folder / "keys")
        export = ("pkcs12", "-export", "-in", "server.crt", "-inkey", "server.key", "-passout", f"pass:{PASSWORD}")
        subprocess.run(["openssl", *export, "-out", "server.p12"], cwd=keys, check=True, capture_output=True)
        (keys / "users.json").write_text(json.dumps(_user()), "utf-8")
        (keys / "users.properties").write_text(USERS.format(keys / "users.json"), "utf-8")
        conf = self.folder / "conf"
        file = conf / "janusgraph-server.yaml"
        text = re.sub("maxContentLength: .*", f"maxContentLength: {SHIPPED}", file.read_text("utf-8"))
        file.write_text(text + LOCKS.format(keys=keys, password=PASSWORD), "utf-8")
        (conf / "janusgraph-init.groovy").write_text(f"def globals = [:]\nglobals << [{SOURCE}: graph.traversal()]\n")

    def probe(self, timeout: float) -> None:
        context = ssl.create_default_context(cafile=str(self.authority))
        known = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            self.secure_url.replace("wss://", "https://"),
            json.dumps({"gremlin": READ}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Basic {known}"},
        )
        https = urllib.request.HTTPSHandler(context=context)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({}), https).open(request, timeout=timeout):
                pass
        except OSError as error:
            raise NotReady(str(error)) from None


def _user() -> dict[str, object]:
    """The only vertex of a graph of users, as GraphSON."""

    def number(value: int) -> dict[str, object]:
        return {"@type": "g:Int64", "@value": value}

    known = enumerate({"username": USER, "password": HASHED}.items(), 2)
    properties = {name: [{"id": number(id_), "value": value}] for id_, (name, value) in known}
    return {"id": number(1), "label": "user", "properties": properties}


class WithoutScripts(JanusGraph):
    """A server that evaluates bytecode only."""

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        file = self.folder / "conf" / "janusgraph-server.yaml"
        lines = file.read_text("utf-8").splitlines()
        at = lines.index("scriptEngines:")
        lines[at] = "scriptEngines: {}"
        del lines[at + 1 : lines.index("gremlinPool: 8")]
        file.write_text("\n".join(lines) + "\n", "utf-8")

    def probe(self, timeout: float) -> None:
        """Only that it listens: no script reads its store."""
        try:
            socket.create_connection((LOOPBACK, self.ports["gremlin"]), timeout).close()
        except OSError as error:
            raise NotReady(str(error)) from None
