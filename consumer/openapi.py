"""What the HTTP ingest takes and answers, as an OpenAPI document for clients, gateways and tests."""

from __future__ import annotations

from typing import Any

from consumer import program_version

OPENAPI = "/api/v1/openapi.json"  # where it is served, to whoever asks

_TEXT = {"type": "string"}
_NAME = {"type": "string", "minLength": 1, "maxLength": 2048}
_FACETS = {"type": "object"}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_DATASET = _object(("namespace", "name"), namespace=_NAME, name=_NAME, facets=_FACETS)
_JOB = _object(("namespace", "name"), namespace=_NAME, name=_NAME, facets=_FACETS)
_SCHEMAS = {
    "Event": {
        **_object(
            ("eventTime",),
            eventTime={**_TEXT, "description": "RFC 3339, from the year 2000 to a day from now."},
            eventType={"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
            run=_object(("runId",), runId=_NAME, facets=_FACETS),
            job=_ref("Job"),
            dataset=_ref("Dataset"),
            inputs=_list(_ref("Dataset")),
            outputs=_list(_ref("Dataset")),
            producer=_TEXT,
            schemaURL=_TEXT,
        ),
        "description": "An OpenLineage event of a run (with its job), a job or a dataset.",
        "anyOf": [{"required": ["job"]}, {"required": ["dataset"]}],
    },
    "Job": _JOB,
    "Dataset": _DATASET,
    "Taken": _object(("status", "received"), status={"const": "success"}, received={"type": "integer", "minimum": 1}),
    "Bad": _object(
        ("index", "code", "message", "remedy"),
        index={"type": "integer", "minimum": 0, "description": "Its place in the list."},
        code=_TEXT,
        message=_TEXT,
        remedy=_TEXT,
        pointer={**_TEXT, "description": "JSON pointer to what is wrong."},
    ),
    "Refused": _object(("status", "errors"), status={"const": "refused"}, errors=_list(_ref("Bad"))),
    "Problem": _object(
        ("errors",),
        errors=_list(_object(("message", "extensions"), message=_TEXT, extensions=_object(("code",), code=_TEXT))),
    ),
}
_ANSWERS = {
    201: ("The brokers have acknowledged every event.", ("Taken",)),
    400: ("The body is not JSON, or an empty list; nothing was sent.", ("Problem",)),
    401: ("No valid token.", ("Problem",)),
    403: ("The token may not write, or not to a namespace of an event; nothing was sent.", ("Problem", "Refused")),
    408: ("The body did not come in time.", ("Problem",)),
    413: ("The body or list is too large; nothing was sent.", ("Problem",)),
    415: ("The body is not `application/json`, or compressed.", ("Problem",)),
    422: ("Something is no OpenLineage event; nothing was sent.", ("Refused",)),
    503: ("Not acknowledged, or too many at once: send it again, that is safe.", ("Problem",)),
}


def document(paths: tuple[str, ...]) -> dict[str, Any]:
    """The document for an ingest at these paths."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "lineagegraph: OpenLineage events over HTTP", "version": program_version()},
        "paths": {path: {"post": _operation(path)} for path in paths},
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: str) -> dict[str, Any]:
    body = {"anyOf": [_ref("Event"), {**_list(_ref("Event")), "minItems": 1, "maxItems": 1000}]}
    return {
        "operationId": "take" + "Batch" * path.endswith("/batch"),
        "summary": "Send OpenLineage events to Kafka: one, or a list of which all are taken or none.",
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {str(status): _response(*told) for status, told in _ANSWERS.items()},
    }


def _response(text: str, schemas: tuple[str, ...]) -> dict[str, Any]:
    shapes = [_ref(name) for name in schemas]
    schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    return {"description": text, "content": {"application/json": {"schema": schema}}}
