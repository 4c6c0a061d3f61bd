"""Questions about a whole graph: circles, shared addresses and telephones, communities."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.access import Permission
from beijiang.kit import Invalid
from beijiang.mining.models import Relation, Shown
from beijiang.mining.models.network.arrays import Clockwork
from beijiang.mining.models.network.circles import circles, members
from beijiang.mining.models.network.walking import communities
from beijiang.mining.service.graphs.base import Base
from beijiang.mining.service.graphs.showing import DRAWN, Answer

if TYPE_CHECKING:
    from beijiang.kit import Actor

__all__ = ["Whole"]

NAMED: Final = 12
"""Members of a circle or community that are named."""
LISTED: Final = 200


class Whole(Base):
    """Ask about everybody at once."""

    def circles(self, actor: Actor, graph_id: str, at: date | None = None, number: int | None = None) -> Shown:
        """Return all circles of holdings, largest first, or one of them with its members and holdings.

        Raises:
            NotFound: no such graph.

        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        opened = self._open(actor, graph_id, at)
        network = opened.kept.network
        edges = network.in_force(opened.day)
        found = members(circles(network.count, network.tail[edges], network.head[edges]))
        answer = Answer(opened, "circles")
        facts = {
            "circles": [
                {
                    "number": place,
                    "size": len(nodes),
                    "members": [
                        {"ref": one.ref, "name": one.name} for one in (answer.party(int(n)) for n in nodes[:NAMED])
                    ],
                }
                for place, nodes in enumerate(found[:LISTED])
            ],
            "number": number,
        }
        if number is not None and 0 <= number < len(found):
            chosen = found[number]
            for node in chosen[:DRAWN]:
                answer.add(int(node))
            inside = network.leaving(chosen[:DRAWN], opened.day)
            answer.join(inside[np.isin(network.head[inside], chosen)])
        return answer.shown(len(found), facts=facts)

    def meeting_places(
        self, actor: Actor, graph_id: str, relation: Relation = Relation.ADDRESS, at: date | None = None
    ) -> Shown:
        """Return the addresses, telephones or representatives that several enterprises have, most enterprises first.

        Raises:
            Invalid: the relation is none that is shared (``graph_relation``).

        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        if relation is Relation.HOLDING:
            raise Invalid(
                "请选择地址、电话或法定代表人。",
                "Choose addresses, telephones or representatives.",
                code="graph_relation",
            )
        opened = self._open(actor, graph_id, at)
        network = opened.kept.network
        edges = network.in_force(opened.day, (relation,))
        many = np.bincount(network.tail[edges], minlength=network.count)
        order = np.lexsort((np.arange(network.count), -many))
        order = order[: int((many > 1).sum())]
        answer = Answer(opened, "meeting-places")
        for node in order[:LISTED]:
            heads = network.head[network.leaving(np.array([node]), opened.day, (relation,))][:NAMED]
            answer.add(int(node), count=int(many[node]), via=tuple(str(network.names[one]) for one in heads))
        return answer.shown(len(order), facts={"relation": relation.value})

    def communities(self, actor: Actor, graph_id: str, at: date | None = None, seed: int = 1) -> Shown:
        """Return the communities of a graph by label propagation, largest first; equal seeds give equal communities."""
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        opened = self._open(actor, graph_id, at)
        network = opened.kept.network
        labels = communities(network, opened.day, seed=seed, clock=Clockwork(self.settings.graph_seconds))
        sizes = np.bincount(labels[labels >= 0])
        answer = Answer(opened, "communities")
        ties = np.bincount(network.tail, minlength=network.count) + np.bincount(network.head, minlength=network.count)
        found = []
        for number in range(min(LISTED, int((sizes > 1).sum()))):
            nodes = np.flatnonzero(labels == number)
            chief = nodes[np.lexsort((nodes, -ties[nodes]))][:NAMED]
            parties = [answer.party(int(node)) for node in chief]
            found.append(
                {
                    "number": number,
                    "size": len(nodes),
                    "members": [{"ref": one.ref, "name": one.name} for one in parties],
                }
            )
        return answer.shown(int((sizes > 1).sum()), facts={"communities": found, "seed": seed})
