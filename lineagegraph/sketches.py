"""Named nodes and arrows as text for Graphviz and Mermaid."""

from __future__ import annotations

from collections.abc import Hashable

SHAPES = {"Dataset": "box", "Pipeline": "ellipse", "Model": "hexagon", "Feature": "note"}
BRACKETS = {"Pipeline": ("([", "])"), "Model": ("{{", "}}"), "Feature": ("[/", "/]")}


class Sketch:
    """Nodes and arrows, each once, in the order in which they are added."""

    def __init__(self) -> None:
        self._nodes: dict[Hashable, tuple[str, str]] = {}
        self._edges: dict[tuple[Hashable, Hashable, str], None] = {}

    def node(self, key: Hashable, name: str, label: str = "Dataset") -> None:
        """A node; its label decides its shape."""
        self._nodes.setdefault(key, (name, label))

    def edge(self, source: Hashable, target: Hashable, text: str = "") -> None:
        """An arrow between two nodes, in the direction in which data flows."""
        self._edges[source, target, text] = None

    def as_dot(self) -> str:
        """Graphviz; data flows from left to right."""
        number = {key: f"n{at}" for at, key in enumerate(self._nodes)}
        lines = ["digraph lineage {", "  rankdir=LR;"]
        for key, (name, label) in self._nodes.items():
            lines.append(f'  {number[key]} [label="{_quoted(name)}", shape={SHAPES[label]}];')
        for source, target, text in self._edges:
            told = f' [label="{_quoted(text)}"]' if text else ""
            lines.append(f"  {number[source]} -> {number[target]}{told};")
        return "\n".join([*lines, "}"])

    def as_mermaid(self) -> str:
        """Mermaid, as GitHub and GitLab draw it."""
        number = {key: f"n{at}" for at, key in enumerate(self._nodes)}
        lines = ["flowchart LR"]
        for key, (name, label) in self._nodes.items():
            begin, end = BRACKETS.get(label, ("[", "]"))
            lines.append(f'  {number[key]}{begin}"{_escaped(name)}"{end}')
        for source, target, text in self._edges:
            told = f"|{text}|" if text.isidentifier() else f'|"{_escaped(text)}"|' if text else ""
            lines.append(f"  {number[source]} -->{told} {number[target]}")
        return "\n".join(lines)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _escaped(text: str) -> str:
    return text.replace('"', "#quot;").replace("\n", " ")
