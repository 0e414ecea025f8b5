"""What a stranger's query may cost, decided from its text before anything is validated, resolved or asked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse,
)

from lineagegraph.api.arguments import MOST
from lineagegraph.errors import LineageError

# The lists of introspection with what they hold, about; its standard query nests three of them, a bomb nests more.
INTROSPECTED = {"types": 40, "fields": 6, "args": 3, "inputFields": 3, "interfaces": 3, "possibleTypes": 3}
OBJECTS = {"properties": 10}  # values that hold values
DIGITS = 10  # of an Int; longer ones are none, and dear to read


class TooComplex(LineageError):
    """The query would cost more than one request may."""


class BadQuery(LineageError):
    """The text is no GraphQL document."""


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Caps of one request; `cost` counts the values that the answer may hold."""

    tokens: int = 3_000
    depth: int = 15
    fields: int = 600
    questions: int = 10
    cost: int = 50_000
    introspected: int = 3
    repeats: int = 100  # of a name in one selection: telling whether they agree compares each with each


def check(text: str, variables: Mapping[str, Any], limits: QueryLimits = QueryLimits()) -> DocumentNode:
    """The document. Raises BadQuery, TooComplex."""
    try:
        document = parse(text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        if "tokens" in error.message:
            raise TooComplex(f"The query has more than {limits.tokens} tokens; ask for less at once.") from None
        raise BadQuery(error.message) from None
    except RecursionError:
        raise TooComplex("The query is nested too deeply.") from None
    except GraphQLError as error:
        raise BadQuery(error.message) from None
    _Walk(document, variables, limits).check()
    return document


class _Walk:
    """One way through the document as it would be executed, fragments in their places."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any], limits: QueryLimits) -> None:
        self._limits = limits
        self._variables = variables
        self._operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._used: set[str] = set()
        self._defaults: Mapping[str, ValueNode | None] = {}
        self._fields = self._cost = self._visits = self._repeats = 0

    def check(self) -> None:
        for operation in self._operations:
            self._defaults = {v.variable.name.value: v.default_value for v in operation.variable_definitions or ()}
            questions = sum(1 for _ in self._of(operation.selection_set, ()))
            if questions > self._limits.questions:
                raise TooComplex(f"One request may ask {self._limits.questions} questions; this asks {questions}.")
            self._selected(operation.selection_set, 1, 1, 0, ())
        if self._fragments.keys() - self._used:  # not counted, but validated
            raise BadQuery("A fragment is not used.")

    def _selected(self, chosen: SelectionSetNode, depth: int, times: int, lists: int, open_: tuple[str, ...]) -> None:
        if depth > self._limits.depth:
            raise TooComplex(f"The query is nested deeper than {self._limits.depth} levels.")
        called: set[str] = set()
        for node, inside in self._of(chosen, open_):
            name = node.name.value
            within = lists + (name in INTROSPECTED)
            if within > self._limits.introspected:
                raise TooComplex("The introspection is nested too deeply.")
            known_as = node.alias.value if node.alias else name
            self._count(times * OBJECTS.get(name, 1), known_as in called)
            called.add(known_as)
            if node.selection_set is not None:
                self._selected(node.selection_set, depth + 1, times * self._page(node), within, inside)

    def _count(self, values: int, again: bool) -> None:
        self._fields += 1
        self._cost += values
        self._repeats += again
        if self._fields > self._limits.fields:
            raise TooComplex(f"The query selects more than {self._limits.fields} fields, counting fragments.")
        if self._cost > self._limits.cost:
            raise TooComplex(f"The answer could hold more than {self._limits.cost} values; lower `first`.")
        if self._repeats > self._limits.repeats:
            raise TooComplex(f"The query repeats more than {self._limits.repeats} fields.")

    def _of(self, chosen: SelectionSetNode, open_: tuple[str, ...]) -> Iterator[tuple[FieldNode, tuple[str, ...]]]:
        """The fields of a selection. Every visit counts, so that fragments that multiply end soon."""
        for node in chosen.selections:
            self._seen()
            match node:
                case FieldNode():
                    yield node, open_
                case InlineFragmentNode():
                    yield from self._of(node.selection_set, open_)
                case FragmentSpreadNode():
                    name = node.name.value
                    if name in open_:
                        raise BadQuery("A fragment contains itself.")
                    if (fragment := self._fragments.get(name)) is not None:
                        self._used.add(name)
                        yield from self._of(fragment.selection_set, (*open_, name))

    def _seen(self) -> None:
        self._visits += 1
        if self._visits > 10 * self._limits.fields:
            raise TooComplex(f"The query selects more than {self._limits.fields} fields, counting fragments.")

    def _page(self, node: FieldNode) -> int:
        """How many values the field may hold."""
        name = node.name.value
        for argument in node.arguments or ():
            if argument.name.value == "first":
                return self._asked(argument.value)
        return LISTS.get(name) or INTROSPECTED.get(name, 1)

    def _asked(self, value: ValueNode) -> int:
        """What a `first` asks for; at least the most that is given where the text does not tell."""
        if isinstance(value, VariableNode):
            name = value.name.value
            given = self._variables.get(name)
            if isinstance(given, int | float):
                return max(1, int(given)) if math.isfinite(given) else MOST
            default = self._defaults.get(name)
            return self._asked(default) if isinstance(default, IntValueNode) else MOST
        if isinstance(value, IntValueNode):
            return max(1, int(value.value)) if len(value.value) <= DIGITS else 10**DIGITS
        return MOST


LISTS = {"at": 20}  # how long lists are where the query does not say; the schema adds those that take `first`
