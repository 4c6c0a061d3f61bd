"""Which departments have the work plan written into tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, null, select, update

from beijiang.assess.models import PlanTableSet
from beijiang.assess.store.schema import plan_table_set
from beijiang.kit import Actor, Text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["PlanTableStore"]

_C = plan_table_set.c


class PlanTableStore:
    """Read and write them on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[PlanTableSet]:
        """Return every set of tables that is kept."""
        rows = self._connection.execute(select(plan_table_set).order_by(_C.org_id))
        return [
            PlanTableSet(
                org_id=row.org_id,
                owner=Actor.from_json(row.owner),
                by_name=row.by_name,
                set_at=row.set_at,
                digest=row.digest,
                written_at=row.written_at,
                moves=row.moves,
                moved_at=row.moved_at,
                moves_written=row.moves_written,
                tried_at=row.tried_at,
                trouble=None if row.trouble is None else Text(row.trouble["zh"], row.trouble["en"]),
            )
            for row in rows
        ]

    def add(self, one: PlanTableSet) -> None:
        """Add one; a department has one."""
        values = {"org_id": one.org_id, "by_name": one.by_name, "set_at": one.set_at, "digest": one.digest}
        self._connection.execute(insert(plan_table_set).values(**values, owner=one.owner.to_json()))

    def mark(self, at: datetime) -> None:
        """Say that the plan is another than the tables hold; in the transaction that changes it."""
        self._connection.execute(update(plan_table_set).values(moves=_C.moves + 1, moved_at=at))

    def note(self, org_id: str, digest: str, moves: int, at: datetime) -> None:
        """Write down what the tables hold now, up to which change of the plan."""
        values = {"digest": digest, "written_at": at, "tried_at": at, "moves_written": moves, "trouble": null()}
        self._connection.execute(update(plan_table_set).where(_C.org_id == org_id).values(**values))

    def fail(self, org_id: str, why: Text, at: datetime) -> None:
        """Write down why the tables could not be written."""
        values = {"tried_at": at, "trouble": {"zh": why.zh, "en": why.en}}
        self._connection.execute(update(plan_table_set).where(_C.org_id == org_id).values(**values))

    def hand_over(self, org_id: str, owner: Actor) -> bool:
        """Let another person answer for the tables; tell whether they are kept."""
        values = {"owner": owner.to_json(), "by_name": owner.name}
        return (
            self._connection.execute(update(plan_table_set).where(_C.org_id == org_id).values(**values)).rowcount == 1
        )

    def drop(self, org_id: str) -> bool:
        """Take one away; tell whether there was one."""
        return self._connection.execute(delete(plan_table_set).where(_C.org_id == org_id)).rowcount == 1
