"""Grouped summaries as query trees."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from sqlglot import exp

from beijiang.kit import Invalid
from beijiang.protection.models.conditions import column_ref, literal, unknown_column
from beijiang.tables import Aggregate, DateUnit, Filter, FilterOp, GroupBy, Measure, MeasureFn, Quantile

__all__ = ["summary_query"]

_NUMBERS: Final = {"integer", "decimal", "double"}
_TIMES: Final = {"date", "timestamp"}
_FUNCTIONS: Final[dict[MeasureFn, type[exp.AggFunc]]] = {
    MeasureFn.COUNT: exp.Count,
    MeasureFn.SUM: exp.Sum,
    MeasureFn.AVG: exp.Avg,
    MeasureFn.MIN: exp.Min,
    MeasureFn.MAX: exp.Max,
}
_OF_NUMBERS: Final = {MeasureFn.SUM, MeasureFn.AVG, MeasureFn.MEDIAN}


def summary_query(spec: Aggregate, types: Mapping[str, str], limit: int) -> tuple[exp.Select, list[str]]:
    """Return the select list, grouping, order and limit (without FROM), and the columns it names.

    Raises:
        Invalid: unknown column, or a unit or measure that does not fit the column's type.

    """
    groups = [_group(one, types) for one in spec.group]
    measures = [_measure(one, types) for one in spec.measures]
    quantiles = [_quantile(one, types) for one in spec.quantiles]
    if not measures and not groups and not quantiles:
        raise Invalid("请至少给出一个分组或指标。", "Give at least one group or measure.", code="empty_summary")
    titles = [f"p{one.at * 100:f}_{one.column}" for one in spec.quantiles]
    names = _unique([g.column for g in spec.group] + [_title(m) for m in spec.measures] + titles)
    shown = [
        exp.alias_(part, name, quoted=True, copy=False)
        for part, name in zip([*groups, *measures, *quantiles], names, strict=True)
    ]
    query = exp.select(*shown, copy=False)
    if groups:
        query = query.group_by(*(g.copy() for g in groups), copy=False)
    for one, part in zip(spec.group, groups, strict=True):
        if one.only is not None:
            query = query.where(_only(one, part, types), copy=False)
    for position, descending in spec.order:
        if not 0 <= position < len(names):
            raise Invalid("排序列的序号超出范围。", "The position to order by is out of range.", code="unknown_column")
        place = exp.Literal.number(position + 1)
        query = query.order_by(exp.Ordered(this=place, desc=descending, nulls_first=False), copy=False)
    columns = [g.column for g in spec.group] + [m.column for m in spec.measures if m.column is not None]
    columns += [one.column for one in spec.quantiles]
    return query.limit(max(1, limit), copy=False), columns


def _group(one: GroupBy, types: Mapping[str, str]) -> exp.Expr:
    if one.column not in types:
        raise unknown_column(one.column, types)
    column = column_ref(one.column)
    if one.width is not None:
        return _step(one, column, types)
    if one.unit is DateUnit.NONE:
        return column
    if types[one.column] not in _TIMES:
        raise Invalid(
            f"列“{one.column}”不是日期，不能按年、月、日分组。",
            f'Column "{one.column}" is no date and cannot be grouped by year, month or day.',
            code="group_unit",
        )
    cut = exp.Anonymous(this="DATE_TRUNC", expressions=[exp.Literal.string(str(one.unit)), column])
    return exp.cast(cut, "DATE")


def _step(one: GroupBy, column: exp.Expr, types: Mapping[str, str]) -> exp.Expr:
    """Return how many whole widths fit below a number; as a floating number, which also holds what is infinite."""
    if types[one.column] not in _NUMBERS or one.unit is not DateUnit.NONE:
        raise Invalid(
            f"列“{one.column}”不是数字，不能按数值分段。",
            f'Column "{one.column}" is no number and cannot be cut to steps.',
            code="group_unit",
        )
    if one.width is None or not one.width.is_finite() or one.width <= 0:
        raise Invalid("分段的宽度应大于零。", "The width of a step is above zero.", code="group_unit")
    width = exp.cast(exp.Literal.number(f"{one.width:f}"), "DOUBLE")
    return exp.Floor(this=exp.Div(this=exp.cast(column, "DOUBLE"), expression=width))


def _only(one: GroupBy, part: exp.Expr, types: Mapping[str, str]) -> exp.Expr:
    """Return the condition that a row lies in one of the named groups."""
    kind = types[one.column] if one.unit is DateUnit.NONE else "date"
    kind = "double" if one.width is not None else kind
    named = [literal(v, kind, Filter(one.column, FilterOp.EQ, v)) for v in one.only or () if v is not None]
    found: exp.Expr = exp.In(this=part.copy(), expressions=named) if named else exp.false()
    if None in (one.only or ()):
        found = exp.or_(found, exp.Is(this=part.copy(), expression=exp.null()))
    return found


def _measure(one: Measure, types: Mapping[str, str]) -> exp.Expr:
    if one.column is None:
        if one.fn is not MeasureFn.COUNT:
            raise Invalid("该指标需要指定列。", "This measure needs a column.", code="measure_type")
        return exp.Count(this=exp.Star())
    if one.column not in types:
        raise unknown_column(one.column, types)
    if one.fn in _OF_NUMBERS and types[one.column] not in _NUMBERS:
        raise Invalid(
            f"列“{one.column}”不是数字，不能求和、求平均或中位数。",
            f'Column "{one.column}" is no number; it has no sum, average or median.',
            code="measure_type",
        )
    if one.fn is MeasureFn.DISTINCT:
        return exp.Count(this=exp.Distinct(expressions=[column_ref(one.column)]))
    if one.fn is MeasureFn.MEDIAN:  # of decimals the engine would give one with their digits, cut and not rounded
        return exp.Median(this=exp.cast(column_ref(one.column), "DOUBLE"))
    return _FUNCTIONS[one.fn](this=column_ref(one.column))


def _quantile(one: Quantile, types: Mapping[str, str]) -> exp.Expr:
    """Return a quantile that is one of the values, which engines agree on to the last digit; what lies between two is not."""
    if one.column not in types:
        raise unknown_column(one.column, types)
    if types[one.column] not in _NUMBERS | _TIMES or not 0 < one.at <= 1:
        raise Invalid(
            f"列“{one.column}”不是数字或日期，或分位不在 0 到 1 之间，没有分位数。",
            f'Column "{one.column}" is neither numbers nor days, or the share is not between 0 and 1: there is no quantile.',
            code="measure_type",
        )
    column, zero = column_ref(one.column), exp.cast(exp.Literal.string("1970-01-01"), "DATE")
    if types[one.column] in _NUMBERS:
        return _at(exp.cast(column, "DOUBLE"), one.at)
    days = exp.DateDiff(this=exp.cast(column, "DATE"), expression=zero, unit=exp.var("DAY"))
    found = exp.cast(_at(exp.cast(days, "INT"), one.at), "INT")
    return exp.cast(exp.DateAdd(this=zero.copy(), expression=found, unit=exp.var("DAY")), "DATE")


def _at(value: exp.Expr, share: Decimal) -> exp.Expr:
    order = exp.Order(expressions=[exp.Ordered(this=value, nulls_first=False)])
    return exp.WithinGroup(this=exp.PercentileDisc(this=exp.Literal.number(f"{share:f}")), expression=order)


def _title(one: Measure) -> str:
    return str(one.fn) if one.column is None else f"{one.fn}_{one.column}"


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result
