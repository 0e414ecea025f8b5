"""What one event costs the graph, counted: the budget that the throughput rests on."""

from __future__ import annotations

from benchmarks import events
from lineagegraph.facts import Facts
from lineagegraph.known import Known
from lineagegraph.schema import EDGES, VERTICES

EVENTS, TOGETHER = 2_000, 500


def cells(news: Facts) -> int:
    """The storage cells of what is sent: with a new vertex come the two that say that it is there and what it is."""
    of_vertices = sum(
        len(stored) + 2 * (VERTICES[vertex.label].key[-1] in stored) for vertex, stored in news.vertices.items()
    )
    return of_vertices + sum(1 + EDGES[edge.label].both_ways for edge in news.edges)


def test_an_event_of_the_benchmarks_shape_costs_at_most_15_elements_and_40_cells_when_all_is_warm() -> None:
    batches = events.folded(list(events.lines("--shape", "pairs", "--count", str(EVENTS))), TOGETHER)
    known, sent = Known(10_000_000), list[tuple[int, int]]()
    for facts in batches:
        news = known.unknown(facts)
        sent.append((len(news), cells(news)))
        known.add(news, facts.parts)
    warm = sent[len(sent) // 2 :]
    elements, stored = (sum(column) / (len(warm) * TOGETHER) for column in zip(*warm, strict=True))
    assert 10 < elements <= 15
    assert 25 < stored <= 40
