"""Requests and grants as long lists: what stands in their columns, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, exists, false, not_, or_

from beijiang.db import Shelf, age_of, part_of
from beijiang.exchange.models import ENDS_SOON, GrantState, Move
from beijiang.exchange.store.grants import grant_of, grants_asked
from beijiang.exchange.store.requests import request_of, requests_asked
from beijiang.exchange.store.schema import exchange_grant, exchange_request, exchange_step
from beijiang.kit import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection

    from beijiang.exchange.models import Grant, GrantQuery, Request, RequestQuery
    from beijiang.exchange.models.turns import Judge
    from beijiang.kit import Wanted

__all__ = ["MatterLists"]

_R, _G, _S = exchange_request.c, exchange_grant.c, exchange_step.c
_ASKED = (Move.SUBMIT.value, Move.SUPPLY.value)
_AGREED = (Move.APPROVE.value, Move.NARROW.value)


class MatterLists:
    """Parts of the long lists of sharing, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def requests(
        self,
        query: RequestQuery,
        wanted: Wanted,
        orgs: Collection[str],
        person_id: str,
        now: datetime,
        *,
        every: bool,
        judges: Sequence[Judge] = (),
    ) -> Part[Request]:
        """Return a part of the requests by or to some departments, newest first.

        Of those that wait for the reader, the oldest first: the first of ``judges`` is the reader, those for whom the reader stands in follow.
        """
        asked = requests_asked(query, orgs, person_id, every=every or query.mine)
        shelf = Shelf(
            rows=asked.where(_waits(judges)) if query.mine else asked,
            columns={
                "due": _R.due_on,
                "pace": case((_R.warned_at.is_(None), None), (_R.late_at < now, "late"), (_R.warned_at <= now, "soon")),
                "resource": _R.resource_name,
                "table": _R.table_name,
                "use": _R.draft["use"].as_string(),
                "consumer": _R.org_id,
                "provider": _R.provider_id,
                "purpose": _R.draft["purpose"].as_string(),
                "state": _R.state,
                "by": _R.by_name,
                "turn": case((_R.by == person_id, "mine"), else_="others"),
                "submitted": _R.submitted_at,
                "decided": _R.decided_at,
                "age": age_of(_R.decided_at, now),
                "id": _R.id,
            },
            counted=("consumer", "provider", "purpose", "state", "pace", "turn", "age"),
            words=("resource", "table", "use", "by", "id"),
            order=(_R.submitted_at.asc() if query.mine else _R.created_at.desc(), _R.id),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([request_of(row) for row in rows], found, counts)

    def grants(
        self, query: GrantQuery, wanted: Wanted, orgs: Collection[str], person_id: str, today: date, *, every: bool
    ) -> Part[Grant]:
        """Return a part of the grants of or to some departments, newest first."""
        standing = _standing(today)
        soon = and_(standing == GrantState.ACTIVE.value, _G.until <= today + ENDS_SOON)
        rows = grants_asked(query, orgs, person_id, every=every)
        shelf = Shelf(
            rows=rows if query.state is None else rows.where(standing == query.state.value),
            columns={
                "resource": _G.resource_name,
                "table": _G.table_name,
                "consumer": _G.org_id,
                "kind": _G.grantee_kind,
                "provider": _G.provider_id,
                "since": _G.terms["since"].as_string(),
                "until": _G.until,
                "purpose": _G.purpose,
                "state": standing,
                "ending": case((soon, "soon")),
                "id": _G.id,
            },
            counted=("consumer", "kind", "provider", "purpose", "state", "ending"),
            words=("resource", "table", "id"),
            order=(_G.made_at.desc(), _G.id),
        )
        found_rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([grant_of(row) for row in found_rows], found, counts)


def _waits(judges: Sequence[Judge]) -> ColumnElement[bool]:
    """Say in SQL whether one of the judges may decide the stage that is worked at: what ``_may_decide`` says of one request."""
    ways, better = [], list[Any]()
    for judge in judges:
        entitled = or_(
            false(), *(and_(_R.asks == right, _R.provider_id.in_(orgs)) for right, orgs in judge.orgs.items())
        )
        if judge is not judges[0]:  # nobody stands in for whoever asked
            entitled = and_(entitled, _R.by != judge.person_id)
        who = {judges[0].person_id, judge.person_id}
        ways.append(and_(entitled, *(not_(one) for one in better), not_(_is_party(who))))
        better.append(entitled)
    return and_(_R.asks.is_not(None), or_(false(), *ways))


def _is_party(who: Collection[str]) -> ColumnElement[bool]:
    """Say in SQL whether somebody asked for a request, or had a say in another stage of it."""
    here = _S.matter_id == _R.id
    behalf = _S.detail["behalf"].as_string()
    earlier = and_(_S.move.in_(_AGREED), _S.stage != _R.stage, or_(_S.by.in_(who), behalf.in_(who)))
    later = exchange_step.alias("later")
    again = exists().where(
        later.c.matter_id == _S.matter_id, later.c.move == Move.REOPEN.value, later.c.place > _S.place
    )
    refused = and_(_S.move == Move.REFUSE.value, not_(again), _S.by.in_(who))
    spoke = or_(and_(_S.move.in_(_ASKED), _S.by.in_(who)), refused, earlier)
    return or_(_R.by.in_(who), exists().where(here, spoke))


def _standing(today: date) -> ColumnElement[Any]:
    """Say in SQL what ``Grant.standing`` says."""
    over = and_(_G.state != GrantState.REVOKED.value, _G.until < today)
    early = and_(_G.state == GrantState.ACTIVE.value, _G.terms["since"].as_string() > today.isoformat())
    return case((over, GrantState.EXPIRED.value), (early, GrantState.WAITING.value), else_=_G.state)
