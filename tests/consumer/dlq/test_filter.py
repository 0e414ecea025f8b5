"""The filter language: what each term means, and what is told of one that means nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consumer.dlq.fields import FIELDS
from consumer.dlq.filter import parse
from consumer.errors import BadFilter
from tests.consumer.dlq.made import a_case
from tests.consumer.fakes import TIME

HOUR = 3_600_000
CASE = replace(
    a_case(42, "json_syntax"),
    letter=replace(
        a_case(42, "json_syntax").letter,
        namespace="air",
        job="daily load [1]",
        producer="https://spark/1.2",
        attempts=3,
        failed_at=TIME,
        stated_at=TIME - 5 * HOUR,
    ),
)


@pytest.mark.parametrize(
    ("term", "holds"),
    [
        ("class=json_syntax", True),
        ("class=encoding,json_syntax", True),
        ("class!=json_syntax", False),
        ("class!=encoding,names", True),
        ("producer=*spark*", True),
        ("producer=spark", False),
        ("job=daily load [1]", True),
        ("job=daily*", True),
        ("job~^daily", True),
        ("job!~load", False),
        ("partition=0", True),
        ("partition=0..2", True),
        ("offset=41,42", True),
        ("offset=43..", False),
        ("offset=..42", True),
        ("offset!=40..50", False),
        ("attempts>=3", True),
        ("attempts>3", False),
        ("attempts<4", True),
        ("attempts<=2", False),
        ("since=1h", True),
        ("until=1h", False),
        ("time<3h", True),
        ("time>=2026-11-18", True),
        ("time=2026-11-18..2026-11-19", True),
        ("state=open", True),
        ("state=parked,discarded", False),
        ("events-0-42", True),
        ("events-0-43", False),
    ],
)
def test_a_term_means_what_it_says(term: str, holds: bool) -> None:
    assert parse([term], TIME + 60_000)(CASE) is holds


def test_all_terms_must_hold_and_none_at_all_lets_everything_pass() -> None:
    assert parse([], TIME)(CASE)
    assert parse(["class=json_syntax", "attempts=3"], TIME)(CASE)
    assert not parse(["class=json_syntax", "attempts=4"], TIME)(CASE)


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("clas=x", "Did you mean 'class'"),
        ("json_syntax", "no term such as class=json_syntax"),
        ("colour=red", "which letters do not have. Fields: class, "),
        ("attempts~3", "it takes =, !=, <, <=, > and >="),
        ("attempts=many", "'many' is not a whole number"),
        ("class>a", "it takes =, !=, ~ and !~"),
        ("job~(", "no regular expression"),
        ("state=closed", "'closed' is no state"),
        ("since=yesterday", "neither a time such as"),
        ("since>2h", "write since=2h"),
        ("offset>1..3", "only = and != take"),
        ("class=", "has no value; an example: class=json_syntax"),
    ],
)
def test_a_term_without_a_meaning_is_told_with_the_remedy(term: str, says: str) -> None:
    with pytest.raises(BadFilter) as caught:
        parse([term], TIME)
    assert says in str(caught.value)


@pytest.mark.parametrize("field", FIELDS)
def test_the_example_of_every_field_can_be_parsed(field: str) -> None:
    parse([FIELDS[field].example], TIME)


def test_the_parsed_terms_mean_the_same_later() -> None:
    terms = ["since=2h", "time=..2026-11-20T10:00", "job=daily load*", "attempts=1..3,5", "class!=names", "first<3d"]
    once = parse(terms, TIME)
    again = parse(once.terms, TIME + 1000 * HOUR)
    assert again.terms == once.terms
    assert "failed>=2026-11-18T" in once.text
    assert "'job=daily load*'" in once.text, "what holds a space is quoted as in a shell"


def test_closed_letters_are_left_alone_unless_asked_for() -> None:
    def passes(*terms: str, **case: Any) -> bool:
        return parse(terms, TIME).unless_stated("open")(replace(CASE, **case))

    assert passes()
    assert not passes(state="resolved")
    assert passes("state=resolved", state="resolved")
    assert passes("events-0-42", state="resolved"), "a letter that is named is meant"
