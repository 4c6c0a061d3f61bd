"""Turn a few words (what along the axis, what is measured, which form) into one governed summary and its drawing.

Nothing here reads a row: a chart is an ``Aggregate`` that the gate computes on masked values, so that a chart can never
show more than the table beneath it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from beijiang.kit import Invalid, Language, Text
from beijiang.kit.errors import JsonValue
from beijiang.tables import Aggregate, DateUnit, Filter, GovernedColumn, GroupBy, Measure, MeasureFn

if TYPE_CHECKING:
    import pyarrow as pa

NUMERIC = frozenset({"integer", "decimal", "double"})
MOMENTS = frozenset({"date", "timestamp"})
UNDRAWABLE = frozenset({"geometry"})
WORDS = ("_x", "_unit", "_y", "_fn", "_type")


class ChartType(StrEnum):
    """Forms that are drawn."""

    BAR = "bar"
    LINE = "line"
    PIE = "pie"
    SCATTER = "scatter"

    @property
    def text(self) -> Text:
        """Return the name of the form."""
        return CHART_NAMES[self]

    @property
    def groups(self) -> int:
        """Return how many groups the form can still show legibly."""
        return CHART_GROUPS[self]


CHART_NAMES = {
    ChartType.BAR: Text("柱状图", "Bars"),
    ChartType.LINE: Text("折线图", "Line"),
    ChartType.PIE: Text("饼图", "Pie"),
    ChartType.SCATTER: Text("散点图", "Scatter"),
}
CHART_GROUPS = {ChartType.BAR: 40, ChartType.LINE: 1000, ChartType.PIE: 10, ChartType.SCATTER: 1000}
MEASURE_NAMES = {
    MeasureFn.COUNT: Text("行数", "Rows"),
    MeasureFn.SUM: Text("合计", "Sum"),
    MeasureFn.AVG: Text("平均", "Average"),
    MeasureFn.MIN: Text("最小", "Smallest"),
    MeasureFn.MAX: Text("最大", "Largest"),
    MeasureFn.MEDIAN: Text("中位数", "Median"),
    MeasureFn.DISTINCT: Text("不同值个数", "Different values"),
}
UNIT_NAMES = {
    DateUnit.NONE: Text("原值", "as it is"),
    DateUnit.YEAR: Text("按年", "by year"),
    DateUnit.QUARTER: Text("按季度", "by quarter"),
    DateUnit.MONTH: Text("按月", "by month"),
    DateUnit.WEEK: Text("按周", "by week"),
    DateUnit.DAY: Text("按日", "by day"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """One chart: group by ``x``, measure ``y`` (none counts rows). A scatter sets ``x`` against ``y`` value by value."""

    x: str
    unit: DateUnit = DateUnit.NONE
    y: str | None = None
    fn: MeasureFn = MeasureFn.COUNT
    form: ChartType = ChartType.BAR
    filters: tuple[Filter, ...] = ()

    def aggregate(self) -> Aggregate:
        """Return the summary to ask for: one group more than is drawn, to know whether there are more."""
        limit = self.form.groups + 1
        if self.form is ChartType.SCATTER and self.y is not None:
            pair = (GroupBy(self.x), GroupBy(self.y))
            return Aggregate(group=pair, filters=self.filters, order=((2, True), (0, False), (1, False)), limit=limit)
        by_group = self.form is ChartType.LINE or self.unit is not DateUnit.NONE
        order = ((0, False),) if by_group else ((1, True), (0, False))
        measure = Measure(self.fn, self.y if self.fn is not MeasureFn.COUNT else None)
        group = (GroupBy(self.x, self.unit),)
        return Aggregate(group=group, measures=(measure,), filters=self.filters, order=order, limit=limit)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters that ``parse`` reads back as this chart, its filters left out."""
        found = [("_x", self.x), ("_unit", self.unit.value), ("_fn", self.fn.value), ("_type", self.form.value)]
        return [*found, ("_y", self.y)] if self.y else found

    def measure_name(self, language: Language) -> str:
        """Return what the numbers are, in words."""
        word = MEASURE_NAMES[self.fn].in_language(language)
        if self.form is ChartType.SCATTER:
            return self.y or ""
        if self.fn is MeasureFn.COUNT or self.y is None:
            return MEASURE_NAMES[MeasureFn.COUNT].in_language(language)
        return f"{self.y} · {word}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A computed chart: ``points`` are (group, value) or, for a scatter, (x, y, rows); ``cut`` when there were more."""

    spec: ChartSpec
    points: tuple[tuple[Any, ...], ...]
    cut: bool
    version: int

    def as_json(self) -> dict[str, JsonValue]:
        """Return the chart as data for programs."""
        heads = ["x", "y", "rows"] if self.spec.form is ChartType.SCATTER else ["x", "y"]
        points: list[JsonValue] = [dict(zip(heads, map(_plain, p), strict=False)) for p in self.points]
        return {
            "x": self.spec.x,
            "unit": self.spec.unit.value,
            "y": self.spec.y,
            "fn": self.spec.fn.value,
            "type": self.spec.form.value,
            "version": self.version,
            "cut": self.cut,
            "points": points,
        }


def parse(words: Mapping[str, str], columns: Sequence[GovernedColumn], filters: tuple[Filter, ...]) -> ChartSpec:
    """Read a chart from a form or query string; what is left out is proposed from the columns' types.

    Raises:
        Invalid: ``bad_chart`` when a word or a pairing makes no chart; ``unknown_column``.

    """
    proposed = propose(columns)
    x = words.get("_x") or (proposed.x if proposed else "")
    if not x:
        raise Invalid("这个数据集没有可以画图的列。", "This dataset has no column to draw.", code="bad_chart")
    kinds = {column.name: column.type for column in columns}
    unasked = proposed if not any(words.get(name) for name in ("_x", "_y", "_fn")) else None
    y = words.get("_y") or (unasked.y if unasked else None)
    same = proposed is not None and x == proposed.x
    spec = ChartSpec(
        x=x,
        y=y,
        unit=_word(DateUnit, words.get("_unit"), proposed.unit if proposed and same else _unit_of(kinds.get(x))),
        fn=_word(MeasureFn, words.get("_fn"), unasked.fn if unasked else MeasureFn.SUM if y else MeasureFn.COUNT),
        form=_word(ChartType, words.get("_type"), proposed.form if proposed and same else ChartType.BAR),
        filters=filters,
    )
    _check(spec, kinds)
    return spec


def _word(kind: type[Any], value: str | None, default: Any) -> Any:
    if not value:
        return default
    try:
        return kind(value)
    except ValueError:
        offered = [str(member.value) for member in kind]
        raise Invalid(
            f"不认识“{value[:40]}”。可选：{'、'.join(offered)}。",
            f"“{value[:40]}” is not known here. Choose one of: {', '.join(offered)}.",
            code="bad_chart",
            detail={"offered": [*offered]},
        ) from None


def _check(spec: ChartSpec, kinds: Mapping[str, str]) -> None:
    for name in filter(None, (spec.x, spec.y)):
        if name not in kinds:
            raise Invalid(
                f"没有“{name[:80]}”这一列。",
                f"There is no column “{name[:80]}”.",
                code="unknown_column",
                detail={"column": name[:80]},
            )
    if spec.unit is not DateUnit.NONE and kinds[spec.x] not in MOMENTS:
        raise Invalid(
            "只有日期列能按年、月、日归并。", "Only a date column is cut to years, months or days.", code="bad_chart"
        )
    needs_number = spec.form is ChartType.SCATTER or spec.fn in {MeasureFn.SUM, MeasureFn.AVG, MeasureFn.MEDIAN}
    if needs_number and (spec.y is None or kinds[spec.y] not in NUMERIC):
        raise Invalid(
            "合计、平均、中位数和散点图需要一个数值列作纵轴。",
            "A sum, an average, a median and a scatter need a column of numbers along the vertical axis.",
            code="bad_chart",
        )
    if spec.fn is MeasureFn.DISTINCT and spec.y is None:
        raise Invalid(
            "请指明数哪一列的不同值。", "Say of which column the different values are counted.", code="bad_chart"
        )
    if spec.fn in {MeasureFn.MIN, MeasureFn.MAX} and (spec.y is None or kinds[spec.y] not in NUMERIC):
        raise Invalid(
            "最小与最大需要一个数值列。", "The smallest and the largest need a column of numbers.", code="bad_chart"
        )
    if spec.form is ChartType.SCATTER and kinds[spec.x] not in NUMERIC:
        raise Invalid("散点图的横轴应是数值列。", "The horizontal axis of a scatter is numbers.", code="bad_chart")


def propose(columns: Sequence[GovernedColumn]) -> ChartSpec | None:
    """Choose a first chart from the columns alone.

    Readings with a time become a line of daily means; a cross table (one column a year) the newest year by its first
    category; other dates rows per year; anything else rows by a short category.
    """
    drawable = [c for c in columns if c.type not in UNDRAWABLE]
    moments = [c for c in drawable if c.type in MOMENTS and not c.masked]
    measures = [c for c in drawable if c.type in NUMERIC and not c.masked and not is_place(c.name)]
    readings = [c for c in moments if c.type == "timestamp"]
    if readings and measures:
        return ChartSpec(
            x=readings[0].name, unit=DateUnit.DAY, fn=MeasureFn.AVG, y=measures[0].name, form=ChartType.LINE
        )
    ranked = sorted((c for c in drawable if c.type in {"text", "boolean"} and not c.masked), key=category_rank)
    years = [c for c in measures if _YEAR.search(c.name)]
    if ranked and len(years) > 1:
        return ChartSpec(x=ranked[0].name, fn=MeasureFn.SUM, y=years[-1].name, form=ChartType.BAR)
    if moments:
        return ChartSpec(x=moments[0].name, unit=DateUnit.YEAR, form=ChartType.BAR)
    if ranked:
        return ChartSpec(x=ranked[0].name, form=ChartType.BAR)
    return ChartSpec(x=drawable[0].name, form=ChartType.BAR) if drawable else None


_YEAR = re.compile(r"(?:19|20)\d\d")


def is_place(name: str) -> bool:
    """Tell whether a column of numbers is a longitude or latitude, which nobody sums."""
    return any(word in name.lower() for word in ("经度", "纬度", "longitude", "latitude"))


CATEGORY_WORDS = (
    "类型",
    "类别",
    "分类",
    "行业",
    "等级",
    "级别",
    "状态",
    "盟市",
    "旗县",
    "地区",
    "区域",
    "性别",
    "民族",
    "月",
    "年",
)
SINGULAR_WORDS = ("名称", "编号", "代码", "号码", "地址", "姓名", "电话", "文号", "内容", "备注", "证")


def category_rank(column: GovernedColumn) -> tuple[int, int]:
    """Return how well a column serves as a category, the least the best; the first number is 1 for names and numbers."""
    likely = min((i for i, word in enumerate(CATEGORY_WORDS) if word in column.name), default=len(CATEGORY_WORDS))
    singular = any(word in column.name for word in SINGULAR_WORDS) and likely == len(CATEGORY_WORDS)
    return int(singular), likely


def _unit_of(kind: str | None) -> DateUnit:
    return DateUnit.YEAR if kind in MOMENTS else DateUnit.NONE


def shown(value: Any, fn: MeasureFn) -> Any:
    """Return a measured value for the drawing and the table beneath: a mean to two decimals; the API keeps every digit."""
    if fn is not MeasureFn.AVG or not isinstance(value, float | Decimal):
        return value
    return round(value, 2) if abs(float(value)) >= 1 else float(f"{value:.3g}")


def computed(spec: ChartSpec, summary: pa.Table, version: int) -> Chart:
    """Make the chart from the gate's summary, in the summary's order."""
    rows = list(zip(*(column.to_pylist() for column in summary.columns), strict=True))
    drawn = rows[: spec.form.groups]
    return Chart(spec=spec, points=tuple(drawn), cut=len(rows) > len(drawn), version=version)


def _plain(value: Any) -> JsonValue:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - the one test for "not a number"
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def label(value: Any, unit: DateUnit, language: Language) -> str:
    """Return how a group is called on the axis and in the table beneath."""
    if value is None:
        return Text("（空）", "(empty)").in_language(language)
    if value == "":
        return Text("（空文本）", "(empty text)").in_language(language)
    if isinstance(value, bool):
        return Text("是", "yes").in_language(language) if value else Text("否", "no").in_language(language)
    if isinstance(value, date | datetime):
        if unit is DateUnit.QUARTER:
            return f"{value.year}-Q{(value.month + 2) // 3}"
        length = {DateUnit.YEAR: 4, DateUnit.MONTH: 7, DateUnit.WEEK: 10, DateUnit.DAY: 10}.get(unit)
        return value.isoformat(sep=" ")[:length] if isinstance(value, datetime) else value.isoformat()[:length]
    return str(value)


def drawing(chart: Chart, language: Language) -> dict[str, JsonValue]:
    """Return the drawing for the page's chart script: data only; colours come from the page, code from nowhere."""
    spec = chart.spec
    drawn = [p for p in chart.points if p[0] is not None and p[1] is not None] if _is_scatter(spec) else chart.points
    names: list[JsonValue] = [_plain(p[0]) if _is_scatter(spec) else label(p[0], spec.unit, language) for p in drawn]
    values: list[JsonValue] = [_plain(shown(p[1], spec.fn)) for p in drawn]
    measure = spec.measure_name(language)
    series: list[JsonValue] = [{"name": measure, "values": values}]
    along = spec.x if _is_scatter(spec) else ""
    return {"type": spec.form.value, "x": names, "x_name": along, "series": series, "unit": measure}


def _is_scatter(spec: ChartSpec) -> bool:
    return spec.form is ChartType.SCATTER
