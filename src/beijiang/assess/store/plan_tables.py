"""Which departments have the work plan written into tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, null, select, update

from beijiang.assess.models import PlanTableSet
from beijiang.assess.store.schema import plan_table_set
from beijiang.kit import Actor, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
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
        moved = {"moves": one.moves, "moved_at": one.moved_at}
        self._connection.execute(insert(plan_table_set).values(**values, **moved, owner=one.owner.to_json()))

    def mark(self, at: datetime) -> None:
        """Say that the plan is another than the tables hold; in the transaction that changes it."""
        self._connection.execute(update(plan_table_set).values(moves=_C.moves + 1, moved_at=at))

    def begin(self, org_id: str, before: str, writer: str) -> bool:
        """Say that a ``writer`` is at the tables and nobody knows what they hold; False if another was quicker, or they are not kept."""
        return self._where(org_id, before, {"digest": writer})

    def note(self, kept: PlanTableSet, before: str, digest: str, at: datetime) -> bool:
        """Write down what was read ``at`` and the tables hold now; False if another said what they hold since ``before``."""
        values = {"digest": digest, "written_at": at, "tried_at": at, "moves_written": kept.moves, "trouble": null()}
        return self._where(kept.org_id, before, values)

    def doubt(self, org_id: str, writer: str, at: datetime) -> None:
        """Have the tables written anew if another than the ``writer`` began or ended meanwhile: the older rows may be the later ones."""
        values = {"digest": "", "moves": _C.moves + 1, "moved_at": at}
        doubted = update(plan_table_set).where(_C.org_id == org_id, _C.digest != writer)
        self._connection.execute(doubted.values(**values))

    def _where(self, org_id: str, digest: str, values: Mapping[str, Any]) -> bool:
        kept = update(plan_table_set).where(_C.org_id == org_id, _C.digest == digest)
        return self._connection.execute(kept.values(**values)).rowcount == 1

    def fail(self, kept: PlanTableSet, why: Text, at: datetime) -> bool:
        """Write down why the tables could not be written; False if they were written or taken over since, or are not kept."""
        values = {"tried_at": at, "trouble": {"zh": why.zh, "en": why.en}}
        same = (_C.by_name == kept.by_name, _C.written_at.is_not_distinct_from(kept.written_at))
        failed = update(plan_table_set).where(_C.org_id == kept.org_id, *same)
        return self._connection.execute(failed.values(**values)).rowcount == 1

    def hand_over(self, org_id: str, owner: Actor, at: datetime) -> bool:
        """Let another person answer for the tables and have them written anew; tell whether they are kept."""
        values = {"owner": owner.to_json(), "by_name": owner.name, "tried_at": null(), "trouble": null()}
        values |= {"moves": _C.moves + 1, "moved_at": at}
        return (
            self._connection.execute(update(plan_table_set).where(_C.org_id == org_id).values(**values)).rowcount == 1
        )

    def drop(self, org_id: str) -> bool:
        """Take one away; tell whether there was one."""
        return self._connection.execute(delete(plan_table_set).where(_C.org_id == org_id)).rowcount == 1
