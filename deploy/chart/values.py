"""The schema of the chart's values: their kinds from values.yaml, what they may be from here and from the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from consumer.settings import Settings

CHART = Path(__file__).parents[1] / "helm"
VALUES = CHART / "values.yaml"
_COUNT = {"type": "integer", "minimum": 0}
_PERCENT = {"type": "integer", "minimum": 1, "maximum": 100}
_SECONDS = {"type": "number", "minimum": 0}
_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_BROKERS = {"type": "array", "items": {"type": "string", "pattern": r"^[^\s/@]+:\d{1,5}$"}, "minItems": 1}
_GREMLIN = {"type": "array", "items": {"type": "string", "pattern": r"^wss?://[^\s/@]+:\d{1,5}(/\S*)?$"}}
RESOURCES = {
    "type": "object",
    "additionalProperties": False,
    "properties": {k: {"type": "object"} for k in ("requests", "limits", "claims")},
}
FREE = ("podAnnotations", "nodeSelector", "affinity", "annotations", "labels", "podSecurityContext")  # Kubernetes' own
# Settings that the chart makes from other values.
MADE = frozenset(
    {
        "kafka_bootstrap_servers",
        "kafka_security_protocol",
        "kafka_sasl_mechanism",
        "kafka_username",
        "kafka_password",
        "kafka_tls_ca_file",
        "kafka_tls_cert_file",
        "kafka_tls_key_file",
        "kafka_tls_key_password",
        "topics",
        "topic_pattern",
        "group",
        "group_instance",
        "graph_urls",
        "graph_username",
        "graph_password",
        "graph_tls_ca_file",
        "graph_sync_seconds",
        "naming_file",
        "aliases_file",
        "http_host",
        "http_port",
    }
)
LIMITS: Mapping[str, dict[str, Any]] = {
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "kafka.bootstrapServers": _BROKERS,
    "kafka.topics": _TEXTS,
    "kafka.group": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"},
    "kafka.securityProtocol": {"enum": ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]},
    "kafka.saslMechanism": {"enum": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]},
    "graph.urls": _GREMLIN,
    "graph.syncSeconds": _SECONDS,
    "consumer.kind": {"enum": ["Deployment", "StatefulSet"]},
    "consumer.replicas": _COUNT,
    "autoscaling.kind": {"enum": ["none", "hpa", "keda"]},
    "autoscaling.minReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.maxReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.targetCPUUtilizationPercentage": _PERCENT,
    "autoscaling.keda.recordsPerReplica": {"type": "integer", "minimum": 1},
    "autoscaling.keda.cooldownSeconds": _COUNT,
    "api.replicas": _COUNT,
    "api.secondsPerRequest": {"type": "number", "exclusiveMinimum": 0, "maximum": 300},
    "api.origins": {"type": "array", "items": {"type": "string"}},
    "api.service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "janusgraph.replicas": _COUNT,
    "janusgraph.cassandra.hosts": _TEXTS,
    "janusgraph.cassandra.replicationFactor": {"type": "integer", "minimum": 1},
    "podDisruptionBudget.maxUnavailable": {"type": ["integer", "string"]},
}  # fmt: skip


def schema() -> str:
    """As Helm reads it: a misspelt value is an error before anything is installed."""
    made = {"$schema": "http://json-schema.org/draft-07/schema#", **_of(yaml.safe_load(VALUES.read_text("utf-8")), ())}
    made["properties"]["global"] = {"type": "object"}  # Helm's own, for charts that contain this one
    return json.dumps(made, indent=1) + "\n"


def _of(value: Any, path: tuple[str, ...]) -> dict[str, Any]:
    if limit := LIMITS.get(".".join(path)):
        return limit
    if path == ("settings",):
        return _settings()
    if path and path[-1] == "resources":
        return RESOURCES
    match value:
        case dict():
            if path and path[-1] in FREE:
                return {"type": "object"}
            inner = {key: _of(one, (*path, key)) for key, one in value.items()}
            return {"type": "object", "additionalProperties": False, "properties": inner}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case list():
            return {"type": "array"}
    return {"type": "string"}


def _settings() -> dict[str, Any]:
    """The product's other settings, with their own limits; lists and files are given as texts."""
    found = Settings.model_json_schema()["properties"]
    free = {
        name: {k: one[k] for k in ("type", "enum", "minimum", "maximum") if k in one} for name, one in found.items()
    }
    inner = {name: free[name] for name in sorted(free.keys() - MADE)}
    return {"type": "object", "additionalProperties": False, "properties": inner}
