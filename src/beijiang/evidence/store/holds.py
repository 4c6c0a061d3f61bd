"""Legal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, String, Table, Text, insert, select, update

from beijiang.db import UtcDateTime, metadata
from beijiang.evidence.models.holds import Held, Hold, HoldKind, HoldState

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["HoldStore", "evidence_hold"]

evidence_hold = Table(
    "evidence_hold",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("name", String(200), nullable=False),
    Column("basis", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("asked_by", String(100), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("confirmed_by", String(100), nullable=False),
    Column("lift_basis", Text, nullable=False),
    Column("lift_by", String(100), nullable=False),
    Column("lifted_by", String(100), nullable=False),
    Column("ended_at", UtcDateTime),
)
_H = evidence_hold.c
_OVER = (HoldState.LIFTED.value, HoldState.DECLINED.value)
_PLAIN = (
    "id",
    "name",
    "basis",
    "asked_by",
    "asked_at",
    "confirmed_by",
    "lift_basis",
    "lift_by",
    "lifted_by",
    "ended_at",
)


class HoldStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Hold) -> None:
        """Add a hold."""
        self._connection.execute(insert(evidence_hold).values(**_values(one)))

    def change(self, before: Hold, after: Hold) -> bool:
        """Write a hold if it still stands as before; tell whether it did."""
        same = (_H.id == before.id, _H.state == before.state.value, _H.lift_basis == before.lift_basis)
        return bool(self._connection.execute(update(evidence_hold).where(*same).values(**_values(after))).rowcount)

    def get(self, hold_id: str) -> Hold | None:
        """Return one."""
        row = self._connection.execute(select(evidence_hold).where(_H.id == hold_id)).one_or_none()
        return None if row is None else _hold(row)

    def all(self) -> list[Hold]:
        """Return every hold there was, newest first."""
        rows = select(evidence_hold).order_by(_H.asked_at.desc(), _H.id)
        return [_hold(row) for row in self._connection.execute(rows)]

    def held(self) -> Held:
        """Return what is held now."""
        rows = self._connection.execute(select(_H.kind, _H.name).where(_H.state.not_in(_OVER))).all()
        names = {kind: frozenset(row.name for row in rows if row.kind == kind.value) for kind in HoldKind}
        return Held(names[HoldKind.PERSON], names[HoldKind.TARGET], names[HoldKind.TABLE])


def _values(one: Hold) -> dict[str, Any]:
    return {"kind": one.kind.value, "state": one.state.value, **{name: getattr(one, name) for name in _PLAIN}}


def _hold(row: Row[Any]) -> Hold:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return Hold(kind=HoldKind(row.kind), state=HoldState(row.state), **plain)
