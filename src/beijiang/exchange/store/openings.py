"""Conditions of conditional openings, and the applications of the public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select

from beijiang.exchange.models import PUBLIC, Conditions, RequestState, Way
from beijiang.exchange.store.requests import request_of
from beijiang.exchange.store.schema import exchange_opening, exchange_request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection, Row

    from beijiang.exchange.models import Request

__all__ = ["OpeningStore"]

_O, _R = exchange_opening.c, exchange_request.c
_DECIDED: Final = (RequestState.APPROVED.value, RequestState.PARTLY_APPROVED.value, RequestState.REFUSED.value)


class OpeningStore:
    """Read and write them on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self, resource_ids: Collection[str]) -> Mapping[str, Conditions]:
        """Return the newest version of the conditions of each set that has some."""
        rows = self._connection.execute(
            select(exchange_opening).where(_O.resource_id.in_(list(resource_ids))).order_by(_O.version)
        )
        return {row.resource_id: _conditions(row) for row in rows}

    def version(self, resource_id: str, number: int) -> Conditions | None:
        """Return one version."""
        found = select(exchange_opening).where(_O.resource_id == resource_id, _O.version == number)
        row = self._connection.execute(found).one_or_none()
        return None if row is None else _conditions(row)

    def add(self, made: Conditions) -> None:
        """Add a version; the primary key keeps two from having one number."""
        self._connection.execute(
            insert(exchange_opening).values(
                resource_id=made.resource_id,
                version=made.version,
                who=made.who,
                purposes=sorted(made.purposes),
                ways=sorted(way.value for way in made.ways),
                duties=made.duties,
                months=made.months,
                agreement=made.agreement,
                by=made.by,
                at=made.at,
            )
        )

    def of_person(self, person_id: str, limit: int) -> list[Request]:
        """Return the applications of a member of the public, newest first."""
        mine = select(exchange_request).where(_R.org_id == PUBLIC, _R.by == person_id)
        rows = self._connection.execute(mine.order_by(_R.created_at.desc(), _R.id).limit(limit))
        return [request_of(row) for row in rows]

    def decided(self, resource_id: str, limit: int) -> list[Request]:
        """Return decided applications of a set, or of all, newest first."""
        found = select(exchange_request).where(_R.org_id == PUBLIC, _R.state.in_(_DECIDED))
        if resource_id:
            found = found.where(_R.resource_id == resource_id)
        rows = self._connection.execute(found.order_by(_R.decided_at.desc(), _R.id).limit(limit))
        return [request_of(row) for row in rows]

    def counts(self, resource_id: str) -> Mapping[RequestState, int]:
        """Return how many applications stand how."""
        found = select(_R.state, func.count().label("n")).where(_R.org_id == PUBLIC).group_by(_R.state)
        if resource_id:
            found = found.where(_R.resource_id == resource_id)
        return {RequestState(row.state): row.n for row in self._connection.execute(found)}


def _conditions(row: Row[Any]) -> Conditions:
    return Conditions(
        resource_id=row.resource_id,
        version=row.version,
        who=row.who,
        purposes=frozenset(row.purposes),
        ways=frozenset(Way(way) for way in row.ways),
        duties=row.duties,
        months=row.months,
        agreement=row.agreement,
        by=row.by,
        at=row.at,
    )
