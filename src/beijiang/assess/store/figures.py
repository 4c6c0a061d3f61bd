"""Statistical indicators with their versions, values with their revisions, targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from beijiang.assess.models import (
    Better,
    Figure,
    Operator,
    Period,
    PeriodKind,
    Stage,
    Target,
    Value,
    ValueKind,
    ValueState,
)
from beijiang.assess.store.schema import assess_figure, assess_figure_target, assess_figure_value

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["FigureStore"]

_F, _V, _T = assess_figure.c, assess_figure_value.c, assess_figure_target.c
_FIGURE = (
    "code", "version", "retired", "name_zh", "name_en", "definition", "unit_zh", "unit_en", "formula", "source",
    "org_id", "basis", "reason", "by", "by_name", "at",
)  # fmt: skip
_VALUE = (
    "id", "code", "region", "dimension", "revision", "value", "source", "reason", "by", "by_name", "at", "decided_by",
    "decided_name", "decided_at", "decision",
)  # fmt: skip
_TARGET = ("code", "region", "value", "basis", "org_id", "by_name", "at")


class FigureStore:
    """Read and write statistical indicators on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def figures(self) -> list[Figure]:
        """Return the indicators in force, by code."""
        query = select(assess_figure).where(_F.is_current, _F.retired.is_(False)).order_by(_F.code)
        return [_figure(row) for row in self._connection.execute(query)]

    def versions(self, code: str) -> list[Figure]:
        """Return the versions of an indicator, the newest first."""
        query = select(assess_figure).where(_F.code == code).order_by(_F.version.desc())
        return [_figure(row) for row in self._connection.execute(query)]

    def add(self, figure: Figure) -> None:
        """Add a version of an indicator, which is then the current one."""
        self._connection.execute(update(assess_figure).where(_F.code == figure.code).values(is_current=False))
        values = {name: getattr(figure, name) for name in _FIGURE}
        self._connection.execute(
            insert(assess_figure).values(
                **values,
                is_current=True,
                period_kind=figure.period_kind.value,
                value_kind=figure.value_kind.value,
                better=figure.better.value,
                dimensions=list(figure.dimensions),
            )
        )

    def values(self, code: str | None = None, state: ValueState | None = None) -> list[Value]:
        """Return revisions of values, the newest first."""
        query = select(assess_figure_value).order_by(_V.at.desc(), _V.revision.desc(), _V.id)
        if code is not None:
            query = query.where(_V.code == code)
        if state is not None:
            query = query.where(_V.state == state.value)
        return [_value(row) for row in self._connection.execute(query)]

    def value(self, value_id: str) -> Value | None:
        """Return one revision."""
        row = self._connection.execute(select(assess_figure_value).where(_V.id == value_id)).one_or_none()
        return None if row is None else _value(row)

    def next_revision(self, place: tuple[str, str, str, str]) -> int:
        """Return the number of the next revision of a value."""
        code, region, period, dimension = place
        same = (_V.code == code, _V.region == region, _V.period == period, _V.dimension == dimension)
        return int(self._connection.execute(select(func.max(_V.revision)).where(*same)).scalar_one() or 0) + 1

    def add_values(self, values: Iterable[Value]) -> None:
        """Add revisions."""
        rows = [
            {
                **{name: getattr(value, name) for name in _VALUE},
                "period": str(value.period),
                "stage": value.stage.value,
                "state": value.state.value,
            }
            for value in values
        ]
        if rows:
            self._connection.execute(insert(assess_figure_value), rows)

    def decide(self, value: Value) -> bool:
        """Write the decision on a revision that waits; False where there is one already."""
        names = ("decided_by", "decided_name", "decided_at", "decision")
        values = {name: getattr(value, name) for name in names}
        waiting = update(assess_figure_value).where(_V.id == value.id, _V.state == ValueState.PROPOSED.value)
        return self._connection.execute(waiting.values(**values, state=value.state.value)).rowcount == 1

    def targets(self, code: str | None = None) -> list[Target]:
        """Return targets, by indicator and period."""
        query = select(assess_figure_target).order_by(_T.code, _T.period, _T.region)
        if code is not None:
            query = query.where(_T.code == code)
        return [_target(row) for row in self._connection.execute(query)]

    def put_target(self, target: Target) -> None:
        """Write a target in place of the one of its indicator, region and period."""
        same = (_T.code == target.code, _T.region == target.region, _T.period == str(target.period))
        self._connection.execute(delete(assess_figure_target).where(*same))
        values = {name: getattr(target, name) for name in _TARGET}
        self._connection.execute(
            insert(assess_figure_target).values(**values, period=str(target.period), operator=target.operator.value)
        )


def _figure(row: Row[Any]) -> Figure:
    return Figure(
        **{name: getattr(row, name) for name in _FIGURE},
        period_kind=PeriodKind(row.period_kind),
        value_kind=ValueKind(row.value_kind),
        better=Better(row.better),
        dimensions=tuple(row.dimensions),
    )


def _value(row: Row[Any]) -> Value:
    return Value(
        **{name: getattr(row, name) for name in _VALUE},
        period=Period.parse(row.period),
        stage=Stage(row.stage),
        state=ValueState(row.state),
    )


def _target(row: Row[Any]) -> Target:
    return Target(
        **{name: getattr(row, name) for name in _TARGET},
        period=Period.parse(row.period),
        operator=Operator(row.operator),
    )
