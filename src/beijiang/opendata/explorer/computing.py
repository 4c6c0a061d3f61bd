"""Compute a view by a few governed summaries: nothing is fetched but what is shown, whatever the size of the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beijiang.opendata import maps
from beijiang.opendata.explorer.address import written_by, written_measure
from beijiang.opendata.explorer.answer import Answer, Field, Pivot
from beijiang.opendata.explorer.view import ADDITIVE, AUTOMATIC, MOMENTS, By, Form, Order, View, check
from beijiang.tables import (
    Aggregate,
    DateUnit,
    Filter,
    FilterOp,
    GovernedTable,
    GroupBy,
    Measure,
    MeasureFn,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MARKS", "compute", "nice_width"]

MARKS: Final = 2000
"""Points of a scatter or map at most; more are gathered in a grid before they leave the engine."""
CELLS_ASIDE: Final = 43
STEPS: Final = 30
COUNT: Final = Measure(MeasureFn.COUNT)


def compute(governed: GovernedTable, view: View, zone: str) -> Answer:
    """Return what is seen; moments in ``zone``.

    Raises:
        Invalid: the view does not fit the table.

    """
    check(view, governed.columns)
    return _Computing(governed, view, ZoneInfo(zone)).answer()


class _Computing:
    def __init__(self, governed: GovernedTable, view: View, zone: ZoneInfo) -> None:
        self._governed = governed
        self._view = view
        self._zone = zone
        self._kinds = {column.name: column.type for column in governed.columns}
        self._masked = {column.name for column in governed.columns if column.masked}

    def answer(self) -> Answer:
        if self._view.is_rows:
            found = self._rows()
        elif self._view.x is not None and self._view.y is not None:
            found = self._points(self._view.x, self._view.y)
        else:
            drawn = replace(self._view, by=tuple(self._resolved(one) for one in self._view.by))
            found = self._crossed(drawn) if len(drawn.by) > 1 else self._listed(drawn)
        return replace(found, version=self._governed.version, receipt=self._governed.receipt)

    # Rows and groups

    def _rows(self) -> Answer:
        view = self._view
        page = self._governed.page(filters=view.filters, sort=view.sort, limit=view.shown)
        names = list(dict.fromkeys(view.columns)) or [column.name for column in self._governed.columns]
        fields = tuple(Field(key=n, type=self._kinds[n], masked=n in self._masked) for n in names)
        return Answer(
            view=view, drawn=view, fields=fields, rows=self._values(page.rows.select(names)), cut=page.next is not None
        )

    def _listed(self, view: View) -> Answer:
        groups = tuple(_group(one) for one in view.by)
        parts = _parts(view.measured)
        order = _order(view.ordered, len(groups)) if groups else ()
        found = self._summary(groups, parts, order=order, limit=view.shown + 1)
        shown = found[: view.shown]
        cut = len(found) > len(shown)
        width = len(groups) + len(view.measured)
        others = self._others(view, parts, [row[len(groups) :] for row in shown]) if cut else None
        rows = tuple((*self._named(view.by, row), *row[len(groups) : width]) for row in shown)
        return Answer(view=self._view, drawn=view, fields=self._fields(view), rows=rows, cut=cut, others=others)

    def _others(self, view: View, parts: Sequence[Measure], shown: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
        """Return what the groups that are not shown come to, as far as it follows from the whole and the shown."""
        whole = self._summary((), parts)[0]
        rest = {part: _less(whole[i], [row[i] for row in shown]) for i, part in enumerate(parts) if part.fn in ADDITIVE}
        return tuple(_other(measure, rest) for measure in view.measured)

    def _crossed(self, view: View) -> Answer:
        measure = view.measured[:1]
        first, second = view.by
        across = Order.FIRST if second.runs else Order.MOST
        rows = self._summary((_group(first),), measure, order=_order(view.ordered, 1), limit=view.shown + 1)
        columns = self._summary((_group(second),), measure, order=_order(across, 1), limit=view.shape.side + 1)
        some, many = rows[: view.shown], columns[: view.shape.side]
        down, over = _group(first, [r[0] for r in some]), _group(second, [c[0] for c in many])
        cells = self._summary((down, over), measure, limit=max(1, len(some) * len(many)))
        total = self._summary((), measure)[0][0]
        here = {key[0]: i for i, key in enumerate(some)}
        there = {key[0]: i for i, key in enumerate(many)}
        held = {(here[r], there[c]): value for r, c, value in cells if r in here and c in there}
        pivot = Pivot(
            rows=tuple(self._named((first,), row)[0] for row in some),
            columns=tuple(self._named((second,), row)[0] for row in many),
            cells=held,
            row_totals=tuple(row[1] for row in some),
            column_totals=tuple(row[1] for row in many),
            total=total,
            more_columns=len(columns) > len(many),
        )
        listed = tuple((pivot.rows[i], pivot.columns[j], held[i, j]) for i, j in sorted(held))
        cut = len(rows) > len(some) or len(columns) > len(many)
        return Answer(view=self._view, drawn=view, fields=self._fields(view), rows=listed, cut=cut, pivot=pivot)

    # Points

    def _points(self, x: str, y: str) -> Answer:
        filters = (*self._view.filters, *(_within(self._view.form, x, y)))
        few = self._governed.count(filters) <= MARKS
        label = self._label(x, y) if few else None
        rows = self._singly(x, y, label, filters) if few else self._gathered(x, y, filters)
        fields: tuple[Field, ...] = (
            Field(key=x, type=self._kinds[x], masked=x in self._masked),
            Field(key=y, type=self._kinds[y], masked=y in self._masked),
            Field(key="count", type="integer", measure=COUNT),
        )
        if label is not None:
            fields = (*fields, Field(key=label, type="text", masked=label in self._masked))
        return Answer(view=self._view, drawn=self._view, fields=fields, rows=rows, gathered=not few)

    def _label(self, x: str, y: str) -> str | None:
        """Return the column that names the places, on a map."""
        plan = maps.plan(self._governed.columns) if self._view.form is Form.POINTS else None
        return plan.label if plan is not None and plan.columns == (x, y) else None

    def _singly(self, x: str, y: str, label: str | None, filters: tuple[Filter, ...]) -> tuple[tuple[Any, ...], ...]:
        groups = tuple(GroupBy(name) for name in (x, y, label) if name is not None)
        order = ((len(groups), True), *((i, False) for i in range(len(groups))))
        found = self._summary(groups, (COUNT,), order=order, limit=MARKS, filters=filters)
        return tuple((row[0], row[1], row[-1], *row[2:-1]) for row in found)

    def _gathered(self, x: str, y: str, filters: tuple[Filter, ...]) -> tuple[tuple[Any, ...], ...]:
        """Gather points in a grid of at most ``MARKS`` cells; each stands at the mean of its points."""
        spans = [Measure(fn, name) for name in (x, y) for fn in (MeasureFn.MIN, MeasureFn.MAX)]
        low_x, high_x, low_y, high_y = self._summary((), spans, filters=filters)[0]
        groups = tuple(
            GroupBy(name, width=_grid_width(low, high)) for name, low, high in ((x, low_x, high_x), (y, low_y, high_y))
        )
        means = (COUNT, Measure(MeasureFn.AVG, x), Measure(MeasureFn.AVG, y))
        found = self._summary(groups, means, order=((2, True), (0, False), (1, False)), limit=MARKS, filters=filters)
        return tuple((_rounded(row[3]), _rounded(row[4]), row[2]) for row in found)

    # Pieces

    def _resolved(self, one: By) -> By:
        if one.width != AUTOMATIC:
            return one
        spans = (Measure(MeasureFn.MIN, one.column), Measure(MeasureFn.MAX, one.column))
        low, high = self._summary((), spans)[0]
        width = nice_width(low, high, STEPS)
        return replace(one, width=max(width, Decimal(1)) if self._kinds[one.column] == "integer" else width)

    def _fields(self, view: View) -> tuple[Field, ...]:
        groups = [
            Field(
                key=written_by(asked),
                type="decimal"
                if one.width is not None
                else "date"
                if one.unit is not DateUnit.NONE
                else self._kinds[one.column],
                by=one,
                masked=one.column in self._masked,
            )
            for asked, one in zip(self._view.by, view.by, strict=True)
        ]
        measures = [Field(key=written_measure(m), type=self._measure_type(m), measure=m) for m in view.measured]
        return (*groups, *measures)

    def _measure_type(self, measure: Measure) -> str:
        if measure.fn in {MeasureFn.COUNT, MeasureFn.DISTINCT} or measure.column is None:
            return "integer"
        kind = self._kinds[measure.column]
        return kind if measure.fn in {MeasureFn.MIN, MeasureFn.MAX} and kind in MOMENTS else "decimal"

    def _named(self, by: Sequence[By], row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(_lower_end(value, one) for one, value in zip(by, row, strict=False))

    def _summary(
        self,
        groups: tuple[GroupBy, ...],
        measures: Sequence[Measure],
        *,
        order: tuple[tuple[int, bool], ...] = (),
        limit: int = 1,
        filters: tuple[Filter, ...] | None = None,
    ) -> tuple[tuple[Any, ...], ...]:
        spec = Aggregate(
            group=groups,
            measures=tuple(measures),
            filters=self._view.filters if filters is None else filters,
            order=order,
            limit=limit,
        )
        return self._values(self._governed.aggregate(spec))

    def _values(self, found: pa.Table) -> tuple[tuple[Any, ...], ...]:
        columns = [[self._plain(value) for value in column.to_pylist()] for column in found.columns]
        return tuple(zip(*columns, strict=True))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(self._zone)
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value


def _group(one: By, only: Sequence[Any] | None = None) -> GroupBy:
    return GroupBy(one.column, one.unit, one.width, None if only is None else tuple(only))


def _parts(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """Return the measures and what the mean of the others is made from."""
    means = [m for m in measures if m.fn is MeasureFn.AVG]
    extra = [Measure(fn, m.column) for m in means for fn in (MeasureFn.SUM, MeasureFn.COUNT)]
    return tuple(dict.fromkeys([*measures, *extra]))


def _less(whole: Any, parts: Sequence[Any]) -> Any:
    return None if whole is None else whole - sum(part for part in parts if part is not None)


def _other(measure: Measure, rest: dict[Measure, Any]) -> Any:
    if measure.fn is MeasureFn.AVG:
        total, count = rest[Measure(MeasureFn.SUM, measure.column)], rest[Measure(MeasureFn.COUNT, measure.column)]
        return None if not count else float(total) / count
    return rest.get(measure)


def _order(order: Order, groups: int) -> tuple[tuple[int, bool], ...]:
    by_group = tuple((i, order is Order.LAST) for i in range(groups))
    if order in {Order.FIRST, Order.LAST}:
        return by_group
    return ((groups, order is Order.MOST), *((i, False) for i in range(groups)))


def _within(form: Form, x: str, y: str) -> tuple[Filter, ...]:
    """Return the filters that leave out what cannot be placed: nothing, and off the earth."""
    there = (Filter(x, FilterOp.NOTNULL), Filter(y, FilterOp.NOTNULL))
    if form is not Form.POINTS:
        return there
    edges = ((x, "180"), (y, "90"))
    low = tuple(Filter(name, FilterOp.GTE, f"-{edge}") for name, edge in edges)
    return (*there, *low, *(Filter(name, FilterOp.LTE, edge) for name, edge in edges))


def _lower_end(value: Any, one: By) -> Any:
    """Return a step by its lower end; another group is its own name."""
    return Decimal(int(value)) * one.width if one.width is not None and value is not None else value


def _rounded(value: Any) -> Any:
    return None if value is None else float(f"{float(value):.9g}")


def _grid_width(low: Any, high: Any) -> Decimal:
    """Return a width by which the span is ``CELLS_ASIDE`` steps long, so at most one more is touched."""
    if low is None or high is None or high <= low:
        return Decimal(1)
    width = (Decimal(str(high)) - Decimal(str(low))) / CELLS_ASIDE
    return width.quantize(Decimal(1).scaleb(width.adjusted() - 5), ROUND_UP)


def nice_width(low: Any, high: Any, steps: int) -> Decimal:
    """Return a width of 1, 2 or 5 times a power of ten by which the span is at most ``steps`` steps long."""
    span = Decimal(str(high)) - Decimal(str(low)) if low is not None and high is not None else Decimal(0)
    if not span.is_finite() or span <= 0:
        return Decimal(1)
    wanted = span / steps
    power = Decimal(1).scaleb(wanted.adjusted())
    factor = next(f for f in (1, 2, 5, 10) if power * f >= wanted)
    return (power * factor).normalize() + 0
