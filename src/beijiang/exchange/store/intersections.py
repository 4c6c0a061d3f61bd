"""Private intersections, and the sealed numbers that their points were made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from beijiang.exchange.models.intersections import Intersection, IntersectionState
from beijiang.exchange.store.schema import exchange_intersection
from beijiang.kit import Actor
from beijiang.tables import Exit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["IntersectionStore"]

_I = exchange_intersection.c
_OVER = {
    "code": "intersection_over",
    "zh": "已放弃或过期，请重新开始。",
    "en": "It was given up, or its time was over; begin anew.",
}
_SAME = (
    "id",
    "grant_id",
    "org_id",
    "version",
    "purpose",
    "obligations",
    "mine",
    "theirs",
    "least",
    "told",
    "receipt",
    "error",
    "at",
    "until",
)


class IntersectionStore:
    """Read and write them on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: Intersection, secret: str) -> None:
        """Add one, with its sealed number."""
        values = {name: getattr(made, name) for name in _SAME}
        facts = {"by": made.by.id, "actor": made.by.to_json(), "table_name": made.table, "columns": [*made.columns]}
        words = {"exit": str(made.exit), "state": made.state.value, "secret": secret}
        self._connection.execute(insert(exchange_intersection).values(**values, **facts, **words))

    def get(self, intersection_id: str) -> Intersection | None:
        """Return one."""
        row = self._connection.execute(select(exchange_intersection).where(_I.id == intersection_id)).one_or_none()
        return None if row is None else _read(row)

    def secret(self, intersection_id: str) -> str:
        """Return the sealed number of one; empty once it was answered."""
        return str(self._connection.execute(select(_I.secret).where(_I.id == intersection_id)).scalar_one())

    def secrets(self) -> list[tuple[str, str]]:
        """Return the sealed numbers that are still kept, each with its intersection."""
        return [
            (row.id, row.secret) for row in self._connection.execute(select(_I.id, _I.secret).where(_I.secret != ""))
        ]

    def put_secret(self, intersection_id: str, sealed: str) -> None:
        """Keep a number under another seal."""
        self._connection.execute(update(exchange_intersection).where(_I.id == intersection_id).values(secret=sealed))

    def of(self, by: str, grant_id: str | None = None) -> list[Intersection]:
        """Return those of a person, the newest first."""
        query = select(exchange_intersection).where(_I.by == by)
        if grant_id is not None:
            query = query.where(_I.grant_id == grant_id)
        return [_read(row) for row in self._connection.execute(query.order_by(_I.at.desc(), _I.id).limit(200))]

    def past(self, now: datetime) -> list[Intersection]:
        """Return those whose time is over and that may still have files."""
        query = select(exchange_intersection).where(_I.until <= now, _I.secret != "")
        return [_read(row) for row in self._connection.execute(query)]

    def move(self, intersection_id: str, before: IntersectionState, after: IntersectionState, **facts: Any) -> bool:
        """Let one go from one state to another; tells whether it was still in the first."""
        here = (_I.id == intersection_id, _I.state == before.value)
        change = update(exchange_intersection).where(*here).values(state=after.value, **facts)
        return self._connection.execute(change).rowcount == 1

    def end(self, intersection_id: str) -> None:
        """Drop the number of one that is over, and let one that was not answered have failed."""
        self._connection.execute(update(exchange_intersection).where(_I.id == intersection_id).values(secret=""))
        open_ = _I.state.not_in([IntersectionState.DONE.value, IntersectionState.FAILED.value])
        late = update(exchange_intersection).where(_I.id == intersection_id, open_)
        self._connection.execute(late.values(state=IntersectionState.FAILED.value, error=_OVER))

    def remove(self, before: datetime) -> None:
        """Forget those that are long over."""
        self._connection.execute(delete(exchange_intersection).where(_I.until <= before))


def _read(row: Row[Any]) -> Intersection:
    return Intersection(
        **{name: getattr(row, name) for name in _SAME},
        by=Actor.from_json(row.actor),
        table=row.table_name,
        columns=tuple(row.columns),
        exit=Exit(row.exit),
        state=IntersectionState(row.state),
    )
