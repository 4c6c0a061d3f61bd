"""Demands, disputes and pushes as long lists: what stands in their columns, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, literal, or_

from beijiang.db import Shelf, age_of, part_of
from beijiang.exchange.store.demands import demand_of, demands_asked
from beijiang.exchange.store.disputes import dispute_of, disputes_asked
from beijiang.exchange.store.pushes import push_of, pushes_asked
from beijiang.exchange.store.schema import exchange_demand, exchange_dispute, exchange_push
from beijiang.kit import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from beijiang.exchange.models import Demand, DemandQuery, Dispute, DisputeQuery, Push, PushQuery
    from beijiang.exchange.models.turns import MatterReader, Turn
    from beijiang.kit import Wanted

__all__ = ["LedgerLists"]

_N, _D, _P = exchange_demand.c, exchange_dispute.c, exchange_push.c


class LedgerLists:
    """Parts of the long lists of what departments need, do not agree with, and have brought to them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def demands(self, query: DemandQuery, wanted: Wanted, reader: MatterReader, now: datetime) -> Part[Demand]:
        """Return a part of the demands that a reader may see: the newest first, of those that wait for the reader the oldest."""
        rows = demands_asked(query, reader.orgs, every=reader.every)
        raiser = literal(" ") + _N.by + literal(" ")
        sides = {"consumer": _N.org_id, "authority": _N.org_id, "source": _N.source_org}
        shelf = Shelf(
            rows=rows.where(_waits(_N.state, sides, reader.turns, _N.evaluation, parties=raiser))
            if query.mine
            else rows,
            columns={
                "title": _N.title,
                "items": _N.draft["items"].as_string(),
                "consumer": _N.org_id,
                "source": _N.source_org,
                "supply_by": _N.supply_by,
                "state": _N.state,
                "fulfilment": _N.fulfilment,
                "evaluation": _N.evaluation,
                "by": _N.by_name,
                "at": _N.created_at,
                "age": age_of(_N.created_at, now),
                "id": _N.id,
            },
            counted=("consumer", "source", "state", "fulfilment", "evaluation", "age"),
            words=("title", "items", "by", "id"),
            order=(_N.created_at.asc() if query.mine else _N.created_at.desc(), _N.id),
        )
        found_rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([demand_of(row) for row in found_rows], found, counts)

    def disputes(self, query: DisputeQuery, wanted: Wanted, reader: MatterReader, now: datetime) -> Part[Dispute]:
        """Return a part of the disputes that a reader may see, in the order of demands."""
        rows = disputes_asked(query, reader.orgs, every=reader.every)
        parties = literal(" ") + _D.by + literal(" ") + _D.barred
        sides = {"opener": _D.org_id, "other": _D.against, "authority": _D.against}
        shelf = Shelf(
            rows=rows.where(_waits(_D.state, sides, reader.turns, parties=parties)) if query.mine else rows,
            columns={
                "title": _D.title,
                "kind": _D.kind,
                "org": _D.org_id,
                "against": _D.against,
                "state": _D.state,
                "outcome": _D.outcome,
                "by": _D.by_name,
                "at": _D.created_at,
                "age": age_of(_D.created_at, now),
                "id": _D.id,
            },
            counted=("kind", "org", "against", "state", "outcome", "age"),
            words=("title", "by", "id"),
            order=(_D.created_at.asc() if query.mine else _D.created_at.desc(), _D.id),
        )
        found_rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([dispute_of(row) for row in found_rows], found, counts)

    def pushes(self, query: PushQuery, wanted: Wanted, reader: MatterReader, now: datetime) -> Part[Push]:
        """Return a part of the subscriptions that a reader may see, newest first."""
        shelf = Shelf(
            rows=pushes_asked(query, reader.orgs, every=reader.every),
            columns={
                "name": _P.name,
                "resource": _P.resource_name,
                "consumer": _P.org_id,
                "provider": _P.provider_id,
                "kind": _P.kind,
                "target": _P.target,
                "state": _P.state,
                "version": _P.version,
                "delivered": _P.delivered_at,
                "age": age_of(_P.delivered_at, now),
                "at": _P.created_at,
                "id": _P.id,
            },
            counted=("consumer", "provider", "kind", "state", "age"),
            words=("name", "resource", "target", "id"),
            order=(_P.created_at.desc(), _P.id),
        )
        found_rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([push_of(row) for row in found_rows], found, counts)


def _waits(
    state: ColumnElement[Any],
    sides: Mapping[str, ColumnElement[Any]],
    turns: Sequence[Turn],
    done: ColumnElement[Any] | None = None,
    parties: ColumnElement[Any] | None = None,
) -> ColumnElement[bool]:
    """Say in SQL whether one of the reader's moves is possible; what was ``done`` once is done no more, and ``parties`` do not judge."""
    moves = []
    for turn in turns:
        move = and_(state.in_(turn.states), sides[turn.side].in_(turn.orgs))
        if parties is not None:
            move = and_(move, *(~parties.contains(f" {one} ", autoescape=True) for one in turn.barred))
        moves.append(and_(move, done.is_(None)) if turn.once and done is not None else move)
    return or_(false(), *moves)
