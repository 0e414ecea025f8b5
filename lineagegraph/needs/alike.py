"""What the rules about names need."""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph import rules
from lineagegraph.facts import Vertex
from lineagegraph.needs.hops import NAMES
from lineagegraph.reader import Reader, Wish


def names(reader: Reader, datasets: Iterable[Vertex] = (), guess: Wish = ((), ())) -> None:
    """For `physical` and `names_of`: all that are linked to these datasets, or to any that was reached, by SAME_AS.

    And what a client says about their bare dataset_id, and whatever else has the dataset_id of such a statement.
    The guess comes with the first of it.
    """
    while (news := reader.unnamed(datasets)) or guess[0]:
        bare = {Vertex("Dataset", (rules.CLIENT, text)) for d in news if (text := reader.view.text(d, "dataset_id"))}
        reader.fetch_all((sorted(news), NAMES), (sorted(bare), ()), guess=guess)
        stated = {d for d in news | bare if d.key[0] == rules.CLIENT and reader.view.knows(d)} - reader.joined
        reader.joined |= stated
        reader.fetch(sorted(stated), NAMES)
        reader.look_up([("dataset_id", d.key[1])] for d in sorted(stated))
        guess, datasets = ((), ()), ()
