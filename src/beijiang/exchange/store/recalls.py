"""Recalls and the duties of who received."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from beijiang.exchange.models.recalls import Duty, DutyState, Kept, Recall, Remedy
from beijiang.exchange.store.schema import exchange_recall, exchange_recall_duty
from beijiang.standards import Case

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from beijiang.exchange.models.recalls import RecallQuery

__all__ = ["RecallStore"]

_R, _D = exchange_recall.c, exchange_recall_duty.c
_SAME = ("id", "resource_id", "resource_name", "provider_id", "reason", "by", "by_name", "at", "served", "outside")
_SAME_DUTY = ("recall_id", "org_id", "reads", "last_at", "words", "by_name", "at", "urged", "revision")


class RecallStore:
    """Read and write recalls on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: Recall, duties: Collection[Duty]) -> None:
        """Add a recall with the duties that come of it."""
        values = {name: getattr(made, name) for name in _SAME}
        facts = {"table_name": made.table, "versions": [*made.versions], "remedy": made.remedy.value}
        self._connection.execute(insert(exchange_recall).values(**values, **facts))
        for duty in duties:
            self._connection.execute(insert(exchange_recall_duty).values(**_duty_values(duty)))

    def get(self, recall_id: str) -> Recall | None:
        """Return one recall."""
        row = self._connection.execute(select(exchange_recall).where(_R.id == recall_id)).one_or_none()
        return None if row is None else _recall(row)

    def of_table(self, table: str) -> list[Recall]:
        """Return the recalls of a table, newest first."""
        rows = self._connection.execute(
            select(exchange_recall).where(_R.table_name == table).order_by(_R.at.desc(), _R.id)
        )
        return [_recall(row) for row in rows]

    def of_resource(self, resource_id: str) -> list[Recall]:
        """Return the recalls of an entry, newest first."""
        rows = select(exchange_recall).where(_R.resource_id == resource_id).order_by(_R.at.desc(), _R.id)
        return [_recall(row) for row in self._connection.execute(rows)]

    def find(self, query: RecallQuery, orgs: Collection[str], *, every: bool) -> tuple[list[Recall], int]:
        """Return recalls by or for some departments, newest first, and how many there are."""
        wanted = select(exchange_recall)
        if not every:
            mine = select(_D.recall_id).where(_D.org_id.in_(orgs))
            wanted = wanted.where(or_(_R.provider_id.in_(orgs), _R.id.in_(mine)))
        if query.table:
            wanted = wanted.where(_R.table_name == query.table)
        if query.ids is not None:
            wanted = wanted.where(_R.id.in_(query.ids))
        if query.words:
            words = _R.resource_name.contains(query.words, autoescape=True)
            wanted = wanted.where(or_(words, _R.id == query.words))
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        rows = self._connection.execute(wanted.order_by(_R.at.desc(), _R.id).limit(query.limit))
        return [_recall(row) for row in rows], count

    def duties(self, recall_id: str) -> list[Duty]:
        """Return the duties of a recall."""
        rows = select(exchange_recall_duty).where(_D.recall_id == recall_id).order_by(_D.org_id)
        return [_duty(row) for row in self._connection.execute(rows)]

    def waiting(self) -> list[Duty]:
        """Return every duty that is not confirmed, the oldest first."""
        rows = select(exchange_recall_duty).join(exchange_recall, _R.id == _D.recall_id)
        rows = rows.where(_D.state == DutyState.WAITING.value).order_by(_R.at, _D.org_id)
        return [_duty(row) for row in self._connection.execute(rows)]

    def count_waiting(self) -> dict[str, int]:
        """Return how many duties each department has yet to confirm."""
        query = select(_D.org_id, func.count()).where(_D.state == DutyState.WAITING.value).group_by(_D.org_id)
        return {org: int(count) for org, count in self._connection.execute(query)}

    def save(self, changed: Duty) -> bool:
        """Write the next revision of a duty; False where somebody was faster."""
        unchanged = (
            _D.recall_id == changed.recall_id,
            _D.org_id == changed.org_id,
            _D.revision == changed.revision - 1,
        )
        done = self._connection.execute(update(exchange_recall_duty).where(*unchanged).values(**_duty_values(changed)))
        return done.rowcount == 1

    def organisations(self) -> set[str]:
        """Return the departments that ever recalled or received."""
        known = select(_R.provider_id).union(select(_D.org_id))
        return set(self._connection.execute(known).scalars())


def _recall(row: Row[Any]) -> Recall:
    return Recall(
        **{name: getattr(row, name) for name in _SAME},
        table=row.table_name,
        versions=tuple(row.versions),
        remedy=Remedy(row.remedy),
    )


def _duty_values(duty: Duty) -> dict[str, Any]:
    return {
        **{name: getattr(duty, name) for name in _SAME_DUTY},
        "state": duty.state.value,
        "kept": None if duty.kept is None else duty.kept.value,
        "clock": None if duty.case is None else duty.case.to_json(),
    }


def _duty(row: Row[Any]) -> Duty:
    return Duty(
        **{name: getattr(row, name) for name in _SAME_DUTY},
        state=DutyState(row.state),
        kept=None if row.kept is None else Kept(row.kept),
        case=None if row.clock is None else Case.from_json(row.clock),
    )
