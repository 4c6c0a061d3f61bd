"""Questions about one party: who is it, who holds it, what does it hold, who controls it, who is related to it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from beijiang.access import Permission
from beijiang.kit import Invalid
from beijiang.mining.models import ControlState, Direction, Party, Related, Relation, Shown, Summary
from beijiang.mining.models.control import rule_at
from beijiang.mining.models.network.arrays import Clockwork
from beijiang.mining.models.network.control import controlled_by, controller
from beijiang.mining.models.network.shares import region, shares
from beijiang.mining.models.network.walking import shortest
from beijiang.mining.service.graphs.base import Base
from beijiang.mining.service.graphs.showing import DRAWN, LISTED, Answer

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.mining.models.network.arrays import Array
    from beijiang.mining.models.network.control import Control
    from beijiang.mining.models.network.shares import Region
    from beijiang.mining.service.graphs.base import Opened

__all__ = ["Asking"]

REACH: Final = 200_000
"""Parties that one chain looks at; a larger one says that it is cut."""
FOUND: Final = 30
WORDS_LONGEST: Final = 200
STEPS: Final = 12
CROWD: Final = 200
"""Enterprises at one address or telephone from which on it says little: they are listed, and said to be many."""


class Asking(Base):
    """Ask about one party; every question is decided on anew, under the asker's own rights."""

    def summary(self, actor: Actor, graph_id: str) -> Summary:
        """Return what the graph is made of, as the actor may see it."""
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        return self._open(actor, graph_id, None).kept.summary

    def find(self, actor: Actor, graph_id: str, words: str) -> Sequence[Party]:
        """Return the parties whose name holds the words, or whose code is the words; the whole name first, then the shortest.

        A name that is masked for the actor is found by what the mask left.
        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        wanted = words.strip()
        if not wanted or len(wanted) > WORDS_LONGEST:
            raise Invalid("请填写要查找的名称。", "Say which name is looked for.", code="graph_words")
        opened = self._open(actor, graph_id, None)
        network = opened.kept.network
        hits = pc.match_substring(network.names, wanted, ignore_case=True).to_numpy(zero_copy_only=False)
        places = np.flatnonzero(hits)[: LISTED * 10]
        exact = pc.index(network.keys, _scalar(network.keys, wanted.upper())).as_py()
        names = network.names.take(places).to_pylist()
        order = sorted(range(len(places)), key=lambda one: (len(names[one]), names[one], int(places[one])))
        chosen = [int(places[one]) for one in order[:FOUND]]
        if exact >= 0 and exact not in chosen:
            chosen.insert(0, int(exact))
        answer = Answer(opened, "find")
        return [answer.party(node) for node in chosen]

    def chain(
        self, actor: Actor, graph_id: str, ref: str, direction: Direction = Direction.UP, at: date | None = None
    ) -> Shown:
        """Return who holds a party, or what it holds, over all steps, with effective shares, the largest first.

        Raises:
            NotFound: no such graph or party.

        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        opened = self._open(actor, graph_id, at)
        node, clock = opened.kept.node(ref), self._clockwork()
        up = direction is Direction.UP
        found = region(opened.kept.network, node, opened.day, up=up, most=REACH, clock=clock)
        solved = shares(found, clock)
        answer = Answer(opened, f"chain-{direction.value}")
        answer.add(node, share=None, count=0)
        values = np.where(np.isfinite(solved.values), solved.values, -1.0)
        order = np.lexsort((found.distance, -values))
        for place in order[order != 0][:LISTED]:
            value = float(solved.values[place])
            answer.add(
                int(found.nodes[place]),
                share=value if math.isfinite(value) else None,
                distance=int(found.distance[place]),
                count=int(solved.circle[place] >= 0),
            )
        drawn = np.zeros(len(found.nodes), dtype=bool)
        drawn[order[:DRAWN]] = drawn[0] = True
        answer.join(found.edges[drawn[found.tail] & drawn[found.head]])
        facts = {
            "itself": solved.itself if math.isfinite(solved.itself) else None,
            "settled": solved.settled,
            "exact": solved.exact,
            "direct": round(float(found.share[(found.head if up else found.tail) == 0].sum()), 9),
            "circles": len(np.unique(solved.circle[solved.circle >= 0])),
            "deepest": int(found.distance.max()),
        }
        return answer.shown(len(found.nodes) - 1, cut=found.cut, facts=facts)

    def controller(self, actor: Actor, graph_id: str, ref: str, at: date | None = None) -> Shown:
        """Return the real controller of an enterprise by the rule of the day, with the chain and all blocks of votes.

        Raises:
            NotFound: no such graph or party.
            Invalid: no rule is on file for that day (``graph_no_rule``).

        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        opened = self._open(actor, graph_id, at)
        node, clock = opened.kept.node(ref), self._clockwork()
        found = region(opened.kept.network, node, opened.day, up=True, most=REACH, clock=clock)
        rule = rule_at(opened.at)
        ended = controller(found, opened.kept.network.kinds, rule, clock)
        values = shares(found, clock).values
        answer = Answer(opened, "controller")
        answer.add(node)
        known = ended.state in {ControlState.MAJORITY, ControlState.LARGEST}
        for place in _on_chain(found, ended)[:DRAWN]:
            value = float(values[place])
            answer.add(
                int(found.nodes[place]),
                share=value if math.isfinite(value) else None,
                distance=int(found.distance[place]),
                reasons=(Related.CONTROLS.value,) if known and place == ended.at else (),
                via=("",),
            )
        answer.join((), strong=found.edges[ended.chain])
        facts = {
            "state": ended.state.value,
            "controller": _told(answer.party(int(found.nodes[ended.at]))) if ended.at or not known else None,
            "several": [_told(answer.party(int(found.nodes[one]))) for one in ended.several],
            "votes": [
                {**_told(answer.party(int(found.nodes[one.holder]))), "votes": one.votes}
                for one in ended.blocks[:DRAWN]
            ],
            "rule": rule.id,
            "basis": {"zh": rule.basis.zh, "en": rule.basis.en},
        }
        return answer.shown(len(_on_chain(found, ended)), cut=found.cut, facts=facts)

    def related(self, actor: Actor, graph_id: str, ref: str, at: date | None = None) -> Shown:
        """Return the related parties of a party, each with its reasons.

        Raises:
            NotFound: no such graph or party.

        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        opened = self._open(actor, graph_id, at)
        node, clock = opened.kept.node(ref), self._clockwork()
        reasons: dict[int, dict[Related, str]] = {}

        def note(nodes: Array, why: Related, via: str = "") -> None:
            for one in nodes.tolist():
                if one != node:
                    reasons.setdefault(one, {}).setdefault(why, via)

        crowded = self._common(opened, node, note)
        self._same_hand(opened, node, note, clock)
        network, day = opened.kept.network, opened.day
        note(network.tail[network.arriving(np.array([node]), day)], Related.HOLDS)
        note(network.head[network.leaving(np.array([node]), day)], Related.HELD)
        order = sorted(reasons, key=lambda one: (-len(reasons[one]), one))
        answer = Answer(opened, "related")
        answer.add(node)
        for one in order[:LISTED]:
            words = reasons[one]
            answer.add(
                one, reasons=tuple(why.value for why in words), via=tuple(words.values()), distance=1, count=len(words)
            )
        shown = np.array([node, *order[: DRAWN - 1]])
        answer.join(network.arriving(shown, day, tuple(Relation)))
        return answer.shown(len(order), facts={"crowded": crowded, "crowd": CROWD})

    def path(
        self,
        actor: Actor,
        graph_id: str,
        start: str,
        end: str,
        at: date | None = None,
        by: Collection[Relation] = (Relation.HOLDING, Relation.REPRESENTATIVE),
    ) -> Shown:
        """Return a shortest chain between two parties, whatever way the relations point.

        Raises:
            NotFound: no such graph or party.

        """
        self.access.require(actor, Permission.MINING_GRAPH_READ)
        opened = self._open(actor, graph_id, at)
        ends = (opened.kept.node(start), opened.kept.node(end))
        found = shortest(
            opened.kept.network, *ends, opened.day, by=by or tuple(Relation), most=STEPS, clock=self._clockwork()
        )
        answer = Answer(opened, "path")
        for distance, node in enumerate(found.nodes if found else ends):
            answer.add(node, distance=distance)
        answer.join((), strong=found.edges if found else ())
        facts = {"there": found is not None, "steps": len(found.edges) if found else None, "most": STEPS}
        return answer.shown(len(found.nodes) if found else 0, facts=facts)

    def _clockwork(self) -> Clockwork:
        return Clockwork(self.settings.graph_seconds)

    def _common(self, opened: Opened, node: int, note: Any) -> dict[str, int]:
        """Note who has a representative, an address or a telephone in common with a node; return what many have."""
        network, day, crowded = opened.kept.network, opened.day, {}
        for relation in (Relation.REPRESENTATIVE, Relation.ADDRESS, Relation.PHONE):
            here = np.array([node])
            hubs = network.tail[network.arriving(here, day, (relation,))]
            if relation is Relation.REPRESENTATIVE:
                note(network.head[network.leaving(here, day, (relation,))], Related.REPRESENTATIVE)
            for hub in np.unique(hubs):
                edges = network.leaving(np.array([hub]), day, (relation,))
                note(network.head[edges], Related(relation.value), str(network.names[hub]))
                if len(edges) > CROWD:
                    crowded[str(network.names[hub])] = len(edges)
        return crowded

    def _same_hand(self, opened: Opened, node: int, note: Any, clock: Clockwork) -> None:
        """Note who controls a node, and what else that hand controls."""
        network, rule = opened.kept.network, rule_at(opened.at)
        found = region(network, node, opened.day, up=True, most=REACH, clock=clock)
        ended = controller(found, network.kinds, rule, clock)
        if ended.state not in {ControlState.MAJORITY, ControlState.LARGEST, ControlState.UNKNOWN}:
            return
        hand = int(found.nodes[ended.at])
        name = str(network.names[hand])
        note(np.array([hand]), Related.CONTROLS)
        note(controlled_by(network, hand, opened.day, rule, clock), Related.CONTROLLER, name)


def _on_chain(found: Region, ended: Control) -> list[int]:
    """Return the places on the chain of control, nearest first."""
    on = np.unique(np.concatenate((found.tail[ended.chain], found.head[ended.chain], [ended.at, *ended.several])))
    return [int(one) for one in on[np.argsort(found.distance[on], kind="stable")] if one != 0]


def _told(party: Party) -> dict[str, str]:
    return {"ref": party.ref, "name": party.name, "kind": party.kind.value}


def _scalar(keys: Any, word: str) -> Any:
    import pyarrow as pa

    return pa.scalar(word, keys.type)
