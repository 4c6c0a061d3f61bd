"""What a reader wants to see: the form, what is grouped, what is measured, which rows; and which of it fits together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from beijiang.kit import Invalid, Word
from beijiang.protection import rowquery
from beijiang.tables import DateUnit, Filter, GovernedColumn, Measure, MeasureFn, Sort

NUMERIC: Final = frozenset({"integer", "decimal", "double"})
MOMENTS: Final = frozenset({"date", "timestamp"})
ADDITIVE: Final = frozenset({MeasureFn.COUNT, MeasureFn.SUM})
"""Measures whose parts add up to the whole, which a pie and a stack of bars need."""
AUTOMATIC: Final = Decimal(0)
"""A width of steps that is chosen from the values."""
MAX_TOP: Final = 1000
MAX_MEASURES: Final = 3
RUNNING: Final = 120
"""Bars along time or numbers, where a gap would mislead and names need less room."""
CROSSED: Final = 4800
"""Cells of a cross at most; the gate lets no more groups out at once."""


class Form(Word):
    """How a view is shown."""

    TABLE = "table", "表格", "Table"
    BAR = "bar", "柱状图", "Bars"
    STACKED = "stacked", "堆叠柱状图", "Stacked bars"
    LINE = "line", "折线图", "Line"
    AREA = "area", "面积图", "Area"
    PIE = "pie", "饼图", "Pie"
    SCATTER = "scatter", "散点图", "Scatter"
    HISTOGRAM = "histogram", "直方图", "Histogram"
    HEAT = "heat", "热力图", "Heat map"
    REGIONS = "regions", "按区域上图", "Map by region"
    POINTS = "points", "按坐标上图", "Map by points"


class Order(Word):
    """In which order groups come, and so which ones are shown where there are too many."""

    MOST = "most", "从大到小", "largest first"
    LEAST = "least", "从小到大", "smallest first"
    FIRST = "first", "按分组顺序", "in the order of the groups"
    LAST = "last", "按分组倒序", "in the reverse order of the groups"


PLACED: Final = frozenset({Form.SCATTER, Form.POINTS})
"""Forms that set one column of numbers against another."""
ALONG: Final = frozenset({Form.LINE, Form.AREA, Form.HISTOGRAM})
"""Forms whose groups stand along an axis, in their own order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a form can show: how many groupings, measures and groups."""

    by: tuple[int, int]
    measures: int = 1
    top: int
    side: int = 8
    """Groups of the second grouping."""
    parts: bool = False
    """Whether the measure must add up."""


SHAPES: Final[Mapping[Form, Shape]] = {
    Form.TABLE: Shape(by=(0, 2), measures=MAX_MEASURES, top=100, side=30),
    Form.BAR: Shape(by=(1, 2), measures=MAX_MEASURES, top=30),
    Form.STACKED: Shape(by=(2, 2), top=30, parts=True),
    Form.LINE: Shape(by=(1, 2), measures=MAX_MEASURES, top=500),
    Form.AREA: Shape(by=(1, 2), measures=MAX_MEASURES, top=500),
    Form.PIE: Shape(by=(1, 1), top=8, parts=True),
    Form.SCATTER: Shape(by=(0, 0), measures=0, top=MAX_TOP),
    Form.HISTOGRAM: Shape(by=(1, 1), top=200),
    Form.HEAT: Shape(by=(2, 2), top=40, side=60),
    Form.REGIONS: Shape(by=(1, 1), top=200),
    Form.POINTS: Shape(by=(0, 0), measures=0, top=MAX_TOP),
}


@dataclass(frozen=True, slots=True)
class By:
    """One grouping: a column as it is, its dates cut to a unit, or its numbers to steps."""

    column: str
    unit: DateUnit = DateUnit.NONE
    width: Decimal | None = None
    """The width of a step; ``AUTOMATIC`` takes one that fits the values."""

    @property
    def runs(self) -> bool:
        """Tell whether the groups have an order of their own: time, or numbers."""
        return self.unit is not DateUnit.NONE or self.width is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of a data set; without groupings and measures it is the rows themselves."""

    form: Form = Form.TABLE
    by: tuple[By, ...] = ()
    """The second grouping lies across: columns of a pivot, series of a chart."""
    measures: tuple[Measure, ...] = ()
    """None counts rows."""
    x: str | None = None
    y: str | None = None
    """For a scatter and a map by points: the columns of numbers, longitude and latitude."""
    filters: tuple[Filter, ...] = ()
    columns: tuple[str, ...] = ()
    sort: Sort | None = None
    """Columns and order of the rows, where rows are shown."""
    order: Order | None = None
    top: int | None = None

    @property
    def is_rows(self) -> bool:
        """Tell whether rows are shown and not groups."""
        return self.form is Form.TABLE and not self.by and not self.measures

    @property
    def measured(self) -> tuple[Measure, ...]:
        """Return what is measured, counting rows where nothing is named."""
        return self.measures or (Measure(MeasureFn.COUNT),)

    @property
    def shape(self) -> Shape:
        """Return what the form can show."""
        return SHAPES[self.form]

    @property
    def shown(self) -> int:
        """Return how many groups are shown at most."""
        usual = SHAPES[self.form].top
        limit = MAX_TOP if self.form is Form.TABLE else usual
        if self.by and self.by[0].runs and self.form in {Form.BAR, Form.STACKED, Form.HEAT}:
            usual = limit = RUNNING
        if len(self.by) > 1:
            limit = min(limit, CROSSED // self.shape.side)
        return min(self.top or usual, limit)

    @property
    def ordered(self) -> Order:
        """Return the order of the groups, the form's own where none is named."""
        if self.order is not None:
            return self.order
        own = self.form in ALONG or (bool(self.by) and self.by[0].runs)
        return Order.FIRST if own else Order.MOST


def check(view: View, columns: Sequence[GovernedColumn]) -> None:
    """Refuse what does not fit together or names a column that this reader does not have.

    Raises:
        Invalid: ``unknown_column`` or ``bad_view``.

    """
    kinds = {column.name: column.type for column in columns}
    for name in _named(view):
        if name not in kinds:
            raise rowquery.unknown_column(name, kinds)
    if view.top is not None and not 1 <= view.top <= MAX_TOP:
        raise _bad(f"_top 应在 1 到 {MAX_TOP} 之间。", f"_top is from 1 to {MAX_TOP}.")
    _check_shape(view)
    for one in view.by:
        _check_cut(one, kinds[one.column])
    for measure in view.measures:
        _check_measure(measure, kinds)
    if view.form is Form.HISTOGRAM and view.by[0].width is None:
        raise _bad(
            "直方图要把一个数值列分段，例如 _by=注册资本:bins。",
            "A histogram cuts a column of numbers to steps, as _by=capital:bins does.",
        )
    if view.form in PLACED and any(kinds[name or ""] not in NUMERIC for name in (view.x, view.y)):
        raise _bad("_x 和 _y 应是数值列。", "_x and _y are columns of numbers.")


def _named(view: View) -> list[str]:
    names = [one.column for one in view.by] + [m.column for m in view.measures if m.column is not None]
    names += [name for name in (view.x, view.y) if name is not None]
    names += [f.column for f in view.filters] + list(view.columns)
    return [*names, view.sort.column] if view.sort else names


def _check_shape(view: View) -> None:
    least, most = view.shape.by
    name = view.form.text
    if view.form in PLACED and (view.x is None or view.y is None):
        raise _bad(
            f"{name.zh}要用 _x 和 _y 各指定一个数值列。", f"{name.en}: name a column of numbers in _x and in _y."
        )
    if view.form not in PLACED and (view.x is not None or view.y is not None):
        raise _bad("_x 和 _y 只用于散点图和按坐标上图。", "_x and _y are for a scatter and a map by points only.")
    if not least <= len(view.by) <= most:
        counts = (str(least), str(least)) if least == most else (f"{least} 到 {most}", f"{least} to {most}")
        raise _bad(f"{name.zh}要 {counts[0]} 个分组（_by）。", f"{name.en} takes {counts[1]} groupings (_by).")
    measures = 1 if len(view.by) == 2 else view.shape.measures  # noqa: PLR2004 - a cross holds one number a cell
    if len(view.measures) > measures:
        raise _bad(f"这里最多 {measures} 个指标（_measure）。", f"At most {measures} measures (_measure) fit here.")
    if (
        len(set(view.by)) < len(view.by)
        or len(set(view.measures)) < len(view.measures)
        or (view.x and view.x == view.y)
    ):
        raise _bad("同一个分组、指标或坐标给了两次。", "A grouping, measure or axis is given twice.")
    if view.shape.parts and view.measured[0].fn not in ADDITIVE:
        raise _bad(
            f"{name.zh}的各部分要能相加，只能用行数或合计。",
            f"The parts of {name.en.lower()} add up: count rows or take a sum.",
        )
    if not view.is_rows and (view.columns or view.sort):
        raise _bad("_col 和 _sort 只用于看明细行。", "_col and _sort are for views of the rows themselves.")
    if view.order is not None and not view.by:
        raise _bad("_order 只用于有分组的视图。", "_order is for views with groups.")


def _check_cut(one: By, kind: str) -> None:
    if kind == "geometry":
        raise _bad("几何列不能分组。", "A column of geometries cannot be grouped.")
    if one.unit is not DateUnit.NONE and kind not in MOMENTS:
        raise _bad(
            f"列“{one.column}”不是日期，不能按时间归并。", f"Column “{one.column}” is no date and has no units of time."
        )
    if one.width is not None and kind not in NUMERIC:
        raise _bad(f"列“{one.column}”不是数值，不能分段。", f"Column “{one.column}” is no number and has no steps.")


def _check_measure(measure: Measure, kinds: Mapping[str, str]) -> None:
    if measure.column is None:
        if measure.fn is not MeasureFn.COUNT:
            raise _bad(
                "除行数外，指标要写明列，如 sum:列名。", "A measure but count names its column, as sum:column does."
            )
        return
    kind = kinds[measure.column]
    fits = {
        MeasureFn.COUNT: True,
        MeasureFn.DISTINCT: kind != "geometry",
        MeasureFn.MIN: kind in NUMERIC | MOMENTS,
        MeasureFn.MAX: kind in NUMERIC | MOMENTS,
    }
    if not fits.get(measure.fn, kind in NUMERIC):
        raise _bad(
            f"列“{measure.column}”不能求这个指标，请换一个数值列。",
            f"Column “{measure.column}” has no such measure; take a column of numbers.",
        )


def _bad(zh: str, en: str) -> Invalid:
    return Invalid(zh, en, code="bad_view")
