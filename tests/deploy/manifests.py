"""Manifests against the schemas of Kubernetes, KEDA and the Prometheus operator, unknown fields refused.

schemas/ holds of each only what the chart uses, without descriptions; `python -m tests.deploy.manifests` takes it from
the package kubernetes-validate and from the Go modules of KEDA and of the operator, all of them Apache-2.0:

    python -m tests.deploy.manifests _definitions.json scaledobjects.yaml servicemonitors.yaml prometheusrules.yaml
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

FILE = Path(__file__).with_name("schemas") / "manifests.json"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
KINDS = {
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "apps/v1/StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
    "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "batch/v1/Job": "io.k8s.api.batch.v1.Job",
    "networking.k8s.io/v1/Ingress": "io.k8s.api.networking.v1.Ingress",
    "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "v1/ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "v1/Service": "io.k8s.api.core.v1.Service",
    "v1/ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
}


def kind_of(manifest: Mapping[str, Any]) -> str:
    """apiVersion and kind as one text."""
    return f"{manifest.get('apiVersion')}/{manifest.get('kind')}"


def wrong(manifest: Mapping[str, Any]) -> list[str]:
    """What its schema has against it."""
    if (validator := _validators().get(kind_of(manifest))) is None:
        return [f"there is no schema of {kind_of(manifest)}"]
    found = [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(manifest)]
    return found + [f"{field} is missing" for field in ("apiVersion", "kind", "metadata") if field not in manifest]


@cache
def _validators() -> dict[str, Any]:
    made = json.loads(FILE.read_text("utf-8"))
    return {
        kind: jsonschema_rs.Draft202012Validator({"$defs": made["$defs"], "$ref": f"#/$defs/{name}"})
        for kind, name in made["kinds"].items()
    }


def taken(definitions: Path, crds: list[Path]) -> str:
    """The file, made anew."""
    source = json.loads(definitions.read_text("utf-8"))["$defs"]
    kinds, defs = dict(KINDS), {}
    for crd in (yaml.safe_load(path.read_text("utf-8")) for path in crds):
        group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
        (version,) = (one for one in crd["spec"]["versions"] if one["storage"])
        defs[kind] = _bare(version["schema"]["openAPIV3Schema"], strict=True)
        defs[kind]["properties"]["metadata"] = {"$ref": f"#/$defs/{META}"}
        kinds[f"{group}/{version['name']}/{kind}"] = kind
    wanted = [*KINDS.values(), META]
    while wanted:
        name = wanted.pop()
        if name not in defs:
            defs[name] = _bare(source[name])
            wanted += [ref.rpartition("/")[2] for ref in _refs(defs[name])]
    made = {"$comment": "Apache-2.0; made by tests/deploy/manifests.py", "kinds": kinds, "$defs": defs}
    return json.dumps(made, sort_keys=True, separators=(",", ":")) + "\n"


def _bare(schema: Any, strict: bool = False) -> Any:
    """Without what decides nothing; strict: what a definition does not name is refused."""
    if isinstance(schema, list):
        return [_bare(one, strict) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: _bare(one, strict) for name, one in value.items()}
        elif key not in ("description", "format", "default", "example") and not key.startswith(
            ("x-", "$schema", "$id")
        ):
            made[key] = _bare(value, strict)
    if strict and "properties" in made and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from _refs(one)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value
            else:
                yield from _refs(value)


if __name__ == "__main__":
    FILE.write_text(taken(Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]]), "utf-8")
    print(FILE)
