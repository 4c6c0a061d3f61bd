"""Compute a view by a few governed summaries: nothing is fetched but what is shown, whatever the size of the table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beijiang.opendata import maps
from beijiang.opendata.explorer.address import written_by, written_measure
from beijiang.opendata.explorer.answer import Answer, Field, Pivot
from beijiang.opendata.explorer.view import ADDITIVE, AUTOMATIC, CROSSED, MOMENTS, By, Form, Order, View, check
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
        found = self._added_up(view) or self._crossed_anew(view)
        rows, columns = found.rows[: view.shown], found.columns[: view.shape.side]
        here = {key: i for i, (key, _) in enumerate(rows)}
        there = {key: i for i, (key, _) in enumerate(columns)}
        held = {(here[r], there[c]): value for r, c, value in found.cells if r in here and c in there}
        first, second = view.by
        pivot = Pivot(
            rows=tuple(_lower_end(key, first) for key, _ in rows),
            columns=tuple(_lower_end(key, second) for key, _ in columns),
            cells=held,
            row_totals=tuple(total for _, total in rows),
            column_totals=tuple(total for _, total in columns),
            total=found.total,
            more_columns=len(found.columns) > len(columns),
        )
        listed = tuple((pivot.rows[i], pivot.columns[j], held[i, j]) for i, j in sorted(held))
        cut = len(found.rows) > len(rows) or pivot.more_columns
        return Answer(view=self._view, drawn=view, fields=self._fields(view), rows=listed, cut=cut, pivot=pivot)

    def _added_up(self, view: View) -> _Cross | None:
        """Cross by one summary, where the measure adds up and the gate lets all cells out; else None."""
        measure = view.measured[0]
        if measure.fn not in ADDITIVE:
            return None
        cells = self._summary((_group(view.by[0]), _group(view.by[1])), (measure,), limit=CROSSED + 1)
        if len(cells) > CROSSED:
            return None
        cells = tuple((*key, value) for key, value in _totals((cell[:2], cell[2]) for cell in cells).items())
        across = Order.FIRST if view.by[1].runs else Order.MOST
        rows = _sorted(_totals((row, value) for row, _, value in cells), view.ordered)
        columns = _sorted(_totals((column, value) for _, column, value in cells), across)
        whole = _totals((None, value) for *_, value in cells)
        nothing = 0 if measure.fn is MeasureFn.COUNT else None
        return _Cross(rows=rows, columns=columns, cells=cells, total=whole.get(None, nothing))

    def _crossed_anew(self, view: View) -> _Cross:
        """Ask for the first rows, the first columns, the cells of both, and the total: right for any measure and size."""
        measure = view.measured[:1]
        first, second = view.by
        across = Order.FIRST if second.runs else Order.MOST
        rows = self._summary((_group(first),), measure, order=_order(view.ordered, 1), limit=view.shown + 1)
        columns = self._summary((_group(second),), measure, order=_order(across, 1), limit=view.shape.side + 1)
        down = [key for key, _ in rows[: view.shown]]
        over = [key for key, _ in columns[: view.shape.side]]
        groups = (_group(first, down), _group(second, over))
        cells = self._summary(groups, measure, limit=max(1, len(down) * len(over)))
        return _Cross(rows=rows, columns=columns, cells=cells, total=self._summary((), measure)[0][0])

    # Points

    def _points(self, x: str, y: str) -> Answer:
        filters = (*self._view.filters, Filter(x, FilterOp.NOTNULL), Filter(y, FilterOp.NOTNULL))
        count, *span = self._span(x, y, filters)
        if self._view.form is Form.POINTS and count and not _on_earth(span):
            filters = (*filters, *_edges(x, y))
            count, *span = self._span(x, y, filters)
        few = count <= MARKS
        label = self._label(x, y) if few else None
        rows = self._singly(x, y, label, filters) if few else self._gathered(x, y, filters, span)
        fields: tuple[Field, ...] = (
            Field(key=x, type=self._kinds[x], masked=x in self._masked),
            Field(key=y, type=self._kinds[y], masked=y in self._masked),
            Field(key="count", type="integer", measure=COUNT),
        )
        if label is not None:
            fields = (*fields, Field(key=label, type="text", masked=label in self._masked))
        return Answer(view=self._view, drawn=self._view, fields=fields, rows=rows, gathered=not few)

    def _span(self, x: str, y: str, filters: tuple[Filter, ...]) -> tuple[Any, ...]:
        """Return how many rows are placed, and the least and greatest of both columns."""
        ends = [Measure(fn, name) for name in (x, y) for fn in (MeasureFn.MIN, MeasureFn.MAX)]
        return self._summary((), (COUNT, *ends), filters=filters)[0]

    def _label(self, x: str, y: str) -> str | None:
        """Return the column that names the places, on a map."""
        plan = maps.plan(self._governed.columns) if self._view.form is Form.POINTS else None
        return plan.label if plan is not None and plan.columns == (x, y) else None

    def _singly(self, x: str, y: str, label: str | None, filters: tuple[Filter, ...]) -> tuple[tuple[Any, ...], ...]:
        groups = tuple(GroupBy(name) for name in (x, y, label) if name is not None)
        order = ((len(groups), True), *((i, False) for i in range(len(groups))))
        found = self._summary(groups, (COUNT,), order=order, limit=MARKS, filters=filters)
        return tuple((row[0], row[1], row[-1], *row[2:-1]) for row in found)

    def _gathered(
        self, x: str, y: str, filters: tuple[Filter, ...], span: Sequence[Any]
    ) -> tuple[tuple[Any, ...], ...]:
        """Gather points in a grid of at most ``MARKS`` cells; each stands at the mean of its points."""
        low_x, high_x, low_y, high_y = span
        groups = (GroupBy(x, width=_grid_width(low_x, high_x)), GroupBy(y, width=_grid_width(low_y, high_y)))
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


def _on_earth(span: Sequence[Any]) -> bool:
    low_x, high_x, low_y, high_y = span
    ends = ((low_x, high_x, 180), (low_y, high_y, 90))
    return all(low is not None and -edge <= low and high <= edge for low, high, edge in ends)


def _edges(x: str, y: str) -> tuple[Filter, ...]:
    """Return the filters that leave out what lies off the earth."""
    ends = ((x, "180"), (y, "90"))
    low = tuple(Filter(name, FilterOp.GTE, f"-{edge}") for name, edge in ends)
    return (*low, *(Filter(name, FilterOp.LTE, edge) for name, edge in ends))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cross:
    """Groups with their totals in order, one more than is shown where there are more, and the cells."""

    rows: Sequence[tuple[Any, ...]]
    columns: Sequence[tuple[Any, ...]]
    cells: Sequence[tuple[Any, ...]]
    total: Any


def _totals(parts: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Add up by key; nothing at all stays nothing."""
    found: dict[Any, Any] = {}
    for key, value in parts:
        known = found.get(key)
        found[key] = value if known is None else known if value is None else known + value
    return found


def _sorted(totals: dict[Any, Any], order: Order) -> list[tuple[Any, ...]]:
    """Order groups as the engine does: nothing comes last either way, ties in the order of the groups."""
    named = sorted((item for item in totals.items() if item[0] is not None), key=lambda item: item[0])
    if order is Order.LAST:
        named.reverse()
    every = [*named, *((None, totals[None]) for _ in range(None in totals))]
    if order in {Order.FIRST, Order.LAST}:
        return every
    valued = [item for item in every if item[1] is not None]
    valued.sort(key=lambda item: -item[1] if order is Order.MOST else item[1])
    return [*valued, *(item for item in every if item[1] is None)]


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
