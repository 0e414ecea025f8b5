"""Bytes to event: the envelope is checked strictly, facets stay dictionaries and are read one by one.

Hard requirements are what a graph needs (a time, a job or a dataset by name, a run's id); everything else is
left to the facets, each of which can only cost itself. Nothing but `Malformed` is ever raised.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mappers.times import event_time

MOST_NAME_BYTES = 2_048
MOST_DATASETS = 10_000  # inputs and outputs
MOST_FIELDS = 50_000  # columns, and whatever else facets list by name

# Why a value is not an event; the dead letter's class. A closed list: operators group and alert by it.
REASONS = (
    "empty_value",
    "encoding",
    "json_syntax",
    "json_depth",
    "not_object",
    "envelope",
    "event_type",
    "event_time",
    "names",
    "limits",
)


class Malformed(Exception):
    """The value is not an OpenLineage event; it will never be one and belongs to the dead letters."""

    def __init__(self, reason: str, pointer: str, message: str, producer: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.pointer = pointer
        self.message = message
        self.producer = producer


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@lru_cache(maxsize=20_000)
def check_name(value: str) -> str:
    """A name as it may stand in the graph. Raises ValueError."""
    if not value or value.isspace():
        raise ValueError("names: is empty")
    if len(value) * 4 > MOST_NAME_BYTES and len(value.encode()) > MOST_NAME_BYTES:
        raise ValueError(f"limits: is longer than {MOST_NAME_BYTES} bytes")
    if not value.isprintable() and _CONTROL.search(value):
        raise ValueError("names: holds control characters")
    return value


def _event_type(value: Any) -> str | None:
    if value is None:
        return None
    kind = value.upper() if isinstance(value, str) else ""
    if kind not in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"):
        raise ValueError("event_type: is none of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER")
    return kind


def _event_time(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("event_time: is not a text")
    try:
        return event_time(value)
    except ValueError as error:
        raise ValueError(f"event_time: {error}") from None


def _or_empty(empty: type) -> BeforeValidator:
    return BeforeValidator(lambda value: empty() if value is None else value)


Name = Annotated[str, AfterValidator(check_name)]
RunId = Annotated[str, AfterValidator(check_name), AfterValidator(str.lower)]
Facets = Annotated[dict[str, Any], _or_empty(dict)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Run(_Part):
    """The run; its id is lower-cased text, a UUID or not."""

    id: RunId = Field(alias="runId")
    facets: Facets = Field(default_factory=dict)


class Job(_Part):
    """The job, a Pipeline of the graph."""

    namespace: Name
    name: Name
    facets: Facets = Field(default_factory=dict)


class Dataset(_Part):
    """A dataset as one event shows it; input and output facets only where the spec has them."""

    namespace: Name
    name: Name
    facets: Facets = Field(default_factory=dict)
    input_facets: Facets = Field(default_factory=dict, alias="inputFacets")
    output_facets: Facets = Field(default_factory=dict, alias="outputFacets")


def _datasets(value: Any) -> Any:
    if value is None:
        return []
    return [one for one in value if one is not None] if isinstance(value, list) and None in value else value


Datasets = Annotated[list[Dataset], BeforeValidator(_datasets), Field(max_length=MOST_DATASETS)]


class Event(_Part):
    """One OpenLineage event. A run makes it a RunEvent, else a job a JobEvent, else a dataset a DatasetEvent.

    Null is absent everywhere: producers write it though the spec knows no null.
    """

    event_type: Annotated[str | None, BeforeValidator(_event_type)] = Field(default=None, alias="eventType")
    time: Annotated[int, BeforeValidator(_event_time)] = Field(alias="eventTime")
    producer: Annotated[str | None, BeforeValidator(lambda v: v if isinstance(v, str) else None)] = None
    run: Run | None = None
    job: Job | None = None
    dataset: Dataset | None = None
    inputs: Datasets = Field(default_factory=list)
    outputs: Datasets = Field(default_factory=list)

    @property
    def event_time_ms(self) -> int:
        return self.time

    @property
    def run_id(self) -> str | None:
        return self.run.id if self.run else None

    @property
    def kind(self) -> str:
        return "run" if self.run else "job" if self.job else "dataset"


def decode(value: bytes | None) -> Event:
    """The event that these bytes are. Raises Malformed."""
    if not value:
        raise Malformed("empty_value", "", "The value is empty.")
    document = _parse(value)
    if not isinstance(document, dict):
        raise Malformed("not_object", "", "The value is JSON, but not an object.")
    producer = document.get("producer")
    producer = producer[:200] if isinstance(producer, str) else None
    try:
        event = Event.model_validate(document)
    except ValidationError as error:
        raise _malformed(error, producer) from None
    except RecursionError:
        raise Malformed("json_depth", "", "The event is nested too deeply.", producer) from None
    if event.run and not event.job:
        raise Malformed("envelope", "/job", "The event has a run but no job.", producer)
    if not (event.job or event.dataset):
        raise Malformed("envelope", "", "The event has neither a run, nor a job, nor a dataset.", producer)
    if len(event.inputs) + len(event.outputs) > MOST_DATASETS:
        raise Malformed("limits", "/inputs", f"The event names more than {MOST_DATASETS} datasets.", producer)
    return event


def _parse(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        text = str(error).lower()
    if "depth" in text or "recursion" in text:  # the words of orjson changed
        raise Malformed("json_depth", "", "The JSON is nested too deeply.")
    try:
        value.decode("utf-8")
    except UnicodeDecodeError as problem:
        message = f"The value is not UTF-8: byte {problem.start} is {value[problem.start]:#04x}."
        raise Malformed("encoding", "", message) from None
    if value[:3] == b"\xef\xbb\xbf" or "surrogate" in text:
        raise Malformed("encoding", "", "The value starts with a byte order mark or holds a lone surrogate.")
    place = re.search(r"line (\d+) column (\d+)", text)
    where = f" at {place.group(0)}" if place else ""
    raise Malformed("json_syntax", "", f"The value is not JSON{where}.")


def _malformed(error: ValidationError, producer: str | None) -> Malformed:
    """The first problem of the envelope, in words that hold no content of the event but field names."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    pointer = "".join(f"/{part}" for part in problem["loc"])
    reason, message = "envelope", problem["msg"]
    if problem["type"] == "too_long":
        reason, message = "limits", f"holds more than {MOST_DATASETS} datasets"
    elif problem["type"] == "value_error":
        reason, _, message = message.removeprefix("Value error, ").partition(": ")
    return Malformed(reason, pointer, f"{pointer.lstrip('/') or 'The event'}: {message}", producer)
