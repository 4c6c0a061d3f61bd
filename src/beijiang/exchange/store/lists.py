"""Requests and grants as long lists: what stands in their columns, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case

from beijiang.db import Shelf, age_of, part_of
from beijiang.exchange.models import ENDS_SOON, GrantState
from beijiang.exchange.store.grants import grant_of, grants_asked
from beijiang.exchange.store.requests import request_of, requests_asked
from beijiang.exchange.store.schema import exchange_grant, exchange_request
from beijiang.kit import Part

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection

    from beijiang.exchange.models import Grant, GrantQuery, Request, RequestQuery
    from beijiang.kit import Wanted

__all__ = ["MatterLists"]

_R, _G = exchange_request.c, exchange_grant.c


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
    ) -> Part[Request]:
        """Return a part of the requests by or to some departments, newest first."""
        shelf = Shelf(
            rows=requests_asked(query, orgs, person_id, every=every),
            columns={
                "resource": _R.resource_name,
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
            counted=("consumer", "provider", "purpose", "state", "turn", "age"),
            words=("resource", "use", "by", "id"),
            order=(_R.created_at.desc(), _R.id),
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
            words=("resource", "id"),
            order=(_G.made_at.desc(), _G.id),
        )
        found_rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([grant_of(row) for row in found_rows], found, counts)


def _standing(today: date) -> ColumnElement[Any]:
    """Say in SQL what ``Grant.standing`` says."""
    over = and_(_G.state != GrantState.REVOKED.value, _G.until < today)
    early = and_(_G.state == GrantState.ACTIVE.value, _G.terms["since"].as_string() > today.isoformat())
    return case((over, GrantState.EXPIRED.value), (early, GrantState.WAITING.value), else_=_G.state)
