"""Demands and duties."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from beijiang.exchange.models.demands import (
    Demand,
    DemandState,
    Evaluation,
    Fulfilment,
    draft_from_json,
    draft_to_json,
)
from beijiang.exchange.store.schema import exchange_demand
from beijiang.standards import Case

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from beijiang.exchange.models.demands import DemandQuery

__all__ = ["DemandStore", "demand_of", "demands_asked"]

_D = exchange_demand.c
_SAME = (
    "id", "org_id", "by", "by_name", "source_org", "named_org", "resource_id", "supply_by", "urged", "revision",
    "created_at", "changed_at", "ended_at",
)  # fmt: skip
_OVER = tuple(state.value for state in DemandState if state.is_over)


class DemandStore:
    """Read and write demands on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, demand_id: str) -> Demand | None:
        """Return one demand."""
        row = self._connection.execute(select(exchange_demand).where(_D.id == demand_id)).one_or_none()
        return None if row is None else demand_of(row)

    def add(self, made: Demand) -> None:
        """Add a demand."""
        self._connection.execute(insert(exchange_demand).values(**_values(made)))

    def save(self, changed: Demand) -> bool:
        """Write the next revision of a demand; False where somebody was faster."""
        unchanged = (_D.id == changed.id, _D.revision == changed.revision - 1)
        done = self._connection.execute(update(exchange_demand).where(*unchanged).values(**_values(changed)))
        return done.rowcount == 1

    def running(self) -> list[Demand]:
        """Return the demands that are not over, or wait for their evaluation."""
        waits = or_(_D.state.not_in(_OVER), (_D.state == DemandState.COMPLETED.value) & _D.evaluation.is_(None))
        rows = self._connection.execute(select(exchange_demand).where(waits).order_by(_D.created_at, _D.id))
        return [demand_of(row) for row in rows]

    def find(self, query: DemandQuery, orgs: Collection[str], *, every: bool) -> tuple[list[Demand], int]:
        """Return demands of or for some departments, newest first, and how many there are."""
        wanted = demands_asked(query, orgs, every=every)
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        rows = self._connection.execute(wanted.order_by(_D.created_at.desc(), _D.id).limit(query.limit))
        return [demand_of(row) for row in rows], count

    def organisations(self) -> set[str]:
        """Return the departments that ever needed something or were asked for it."""
        asked = select(_D.org_id).union(select(_D.source_org).where(_D.source_org.is_not(None)))
        return set(self._connection.execute(asked).scalars())


def _values(one: Demand) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _SAME},
        "title": one.draft.title,
        "draft": draft_to_json(one.draft),
        "state": one.state.value,
        "fulfilment": None if one.fulfilment is None else one.fulfilment.value,
        "evaluation": None if one.evaluation is None else one.evaluation.value,
        "clock": None if one.case is None else one.case.to_json(),
    }


def demands_asked(query: DemandQuery, orgs: Collection[str], *, every: bool) -> Select[Any]:
    """Return the query for demands of or for some departments."""
    wanted = select(exchange_demand)
    if not every:
        wanted = wanted.where(or_(_D.org_id.in_(orgs), _D.source_org.in_(orgs)))
    if query.states:
        wanted = wanted.where(_D.state.in_(sorted(query.states)))
    if query.duties:
        wanted = wanted.where(_D.fulfilment == Fulfilment.COLLECT.value)
    if query.words:
        wanted = wanted.where(or_(_D.title.contains(query.words, autoescape=True), _D.id == query.words))
    return wanted


def demand_of(row: Row[Any]) -> Demand:
    """Make a demand of its row."""
    return Demand(
        **{name: getattr(row, name) for name in _SAME},
        draft=draft_from_json(row.draft),
        state=DemandState(row.state),
        fulfilment=None if row.fulfilment is None else Fulfilment(row.fulfilment),
        evaluation=None if row.evaluation is None else Evaluation(row.evaluation),
        case=None if row.clock is None else Case.from_json(row.clock),
    )
