"""Graphs of relations on pages: what one says of the party that a reader names, under the reader's own rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.apps.models import CardData, Network
from beijiang.kit import Denied, NotFound, Unauthenticated
from beijiang.mining import Asked, Question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.apps.models import Block
    from beijiang.kit import Actor
    from beijiang.mining import Graphs, Party, RelationGraph

__all__ = ["KEY_MASKED", "NO_GRAPH", "Networks"]

NO_GRAPH = "graph_not_found"
NO_PARTY = "graph_party_not_found"
KEY_MASKED = "graph_key_masked"


class Networks:
    """Asks graphs for pages."""

    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs

    def named(self, actor: Actor, owner: str, name: str) -> RelationGraph:
        """Return the graph of a department that has a name, if the actor may use it.

        Raises:
            NotFound: there is none, or not for the actor, which look the same (``graph_not_found``).

        """
        try:
            there = self._graphs.graphs(actor)
        except (Denied, Unauthenticated):
            there = ()
        found = next((one for one in there if (one.org_id, one.name) == (owner, name)), None)
        if found is None:
            raise NotFound(
                "没有这张关系图，或者您无权使用它。", "There is no such graph, or you may not use it.", code=NO_GRAPH
            )
        return found

    def answer(self, actor: Actor, owner: str, block: Block, values: Mapping[str, object]) -> CardData:
        """Return what the graph of a block says of the party that a parameter names by code or name.

        Raises:
            NotFound: no such graph for the actor (``graph_not_found``).
            Invalid, Refused: as the graph says.

        """
        graph = self.named(actor, owner, str(block.facts["graph"]))
        words = str(values.get(block.facts["about"]) or "").strip()
        question = Question(block.facts["question"])
        if not words:
            return _card(Network(asked=False))
        try:
            return _card(Network(shown=self._graphs.answer(actor, graph.id, Asked(question=question, party=words))))
        except NotFound as error:
            if error.reason != NO_PARTY:
                raise
        meant = self._graphs.find(actor, graph.id, words)
        chosen = _chosen(meant, words)
        if chosen is None:
            return _card(Network(meant=tuple(meant)))
        return _card(Network(shown=self._graphs.answer(actor, graph.id, Asked(question=question, party=chosen.ref))))


def _chosen(meant: Sequence[Party], words: str) -> Party | None:
    """Return the one party that words can only mean: the sole one found, or the sole one of that whole name or code."""
    whole = [one for one in meant if words in {one.name, one.ref} or words.upper() == one.ref]
    return meant[0] if len(meant) == 1 else whole[0] if len(whole) == 1 else None


def _card(network: Network) -> CardData:
    shown = network.shown
    return CardData(
        columns=(),
        rows=(),
        masked=(),
        grade=shown.grade if shown else "",
        as_of=None,
        made_at=None,
        receipt=" ".join(shown.receipts) if shown else "",
        reading="",
        seconds=shown.seconds if shown else 0.0,
        scanned=0,
        shared=1,
        cached=False,
        truncated=shown.cut if shown else False,
        network=network,
    )
