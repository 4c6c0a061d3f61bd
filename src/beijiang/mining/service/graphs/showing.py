"""From places in a network to parties of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from beijiang.mining.models import Party, Relation, Shown, ShownEdge
from beijiang.mining.models.network.arrays import ALWAYS, KINDS, NEVER, RELATIONS

if TYPE_CHECKING:
    from beijiang.mining.service.graphs.base import Opened

__all__ = ["DRAWN", "LISTED", "Answer"]

DRAWN: Final = 60
"""Parties that are drawn at most; the others are counted."""
LISTED: Final = 1000
"""Parties that an answer lists at most."""
EPOCH: Final = date(1970, 1, 1).toordinal()


class Answer:
    """Collects parties and relations of one answer, each once."""

    def __init__(self, opened: Opened, question: str) -> None:
        self._opened = opened
        self._network = opened.kept.network
        self._question = question
        self._parties: list[Party] = []
        self._places: dict[int, int] = {}
        self._edges: dict[int, ShownEdge] = {}

    def party(self, node: int, **words: Any) -> Party:
        """Return a node as a party."""
        network, kept = self._network, self._opened.kept
        return Party(ref=kept.ref(node), name=str(network.names[node]), kind=KINDS[int(network.kinds[node])], **words)

    def add(self, node: int, **words: Any) -> None:
        """Add a node, if it is not there."""
        if node not in self._places:
            self._places[node] = len(self._parties)
            self._parties.append(self.party(node, **words))

    def join(self, edges: Iterable[int], *, strong: Iterable[int] = ()) -> None:
        """Add those relations whose two ends are both there."""
        network, marked = self._network, {int(one) for one in strong}
        for one in (*edges, *marked):
            edge, tail, head = int(one), int(network.tail[one]), int(network.head[one])
            if tail not in self._places or head not in self._places:
                continue
            relation, since, until = (
                RELATIONS[network.relation[edge]],
                int(network.since[edge]),
                int(network.until[edge]),
            )
            self._edges[edge] = ShownEdge(
                tail=self._places[tail],
                head=self._places[head],
                relation=relation,
                share=float(network.share[edge]) if relation is Relation.HOLDING else None,
                since=None if since == ALWAYS else date.fromordinal(EPOCH + since),
                until=None if until == NEVER else date.fromordinal(EPOCH + until),
                strong=edge in marked,
            )

    def shown(self, total: int, *, cut: bool = False, facts: Mapping[str, Any] | None = None) -> Shown:
        """Return the answer."""
        return Shown(
            question=self._question,
            graph=self._opened.graph.id,
            at=self._opened.at,
            parties=tuple(self._parties),
            edges=tuple(self._edges.values()),
            total=total,
            cut=cut,
            facts=facts or {},
            grade=self._opened.kept.summary.grade,
            receipts=self._opened.receipts,
        )
