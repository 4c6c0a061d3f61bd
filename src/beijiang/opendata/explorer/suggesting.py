"""Suggest good first views from the columns alone, and bring what was clicked together to the nearest view that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from beijiang.kit import Invalid
from beijiang.opendata import charts, maps
from beijiang.opendata.explorer.view import (
    ADDITIVE,
    AUTOMATIC,
    MOMENTS,
    NUMERIC,
    PLACED,
    By,
    Form,
    View,
    check,
)
from beijiang.tables import DateUnit, GovernedColumn, Measure, MeasureFn

__all__ = ["fitted", "natural", "suggestions"]

MOST: Final = 7


def suggestions(columns: Sequence[GovernedColumn]) -> tuple[View, ...]:
    """Return views worth a first look, the best first, the plain rows last; at least one."""
    found: list[View] = []
    first = charts.propose(columns)
    categories = _categories(columns)
    moments = [c.name for c in columns if c.type in MOMENTS and not c.masked]
    numbers = _numbers(columns)
    if first is not None and (first.form is not charts.ChartType.BAR or first.x in categories or first.x in moments):
        measures = (Measure(first.fn, first.y),) if first.fn is not MeasureFn.COUNT else ()
        found.append(View(form=Form(first.form.value), by=(By(first.x, first.unit),), measures=measures))
    found += _crossing(categories, moments)
    place = maps.plan(columns)
    if place is not None and place.kind is maps.MapKind.POINTS:
        found.append(View(form=Form.POINTS, x=place.columns[0], y=place.columns[1]))
    elif place is not None:
        found.append(View(form=Form.REGIONS, by=(By(place.columns[0]),)))
    if numbers:
        found.append(View(form=Form.HISTOGRAM, by=(By(numbers[0], width=AUTOMATIC),)))
    if len(numbers) > 1:
        found.append(View(form=Form.SCATTER, x=numbers[0], y=numbers[1]))
    kept = [view for view in dict.fromkeys(found) if _fits(view, columns)]
    return (*kept[: MOST - 1], View())


def _crossing(categories: Sequence[str], moments: Sequence[str]) -> list[View]:
    if not categories:
        return []
    second = By(moments[0], DateUnit.YEAR) if moments else By(categories[1]) if len(categories) > 1 else None
    if second is None:
        return [View(form=Form.PIE, by=(By(categories[0]),))]
    return [
        View(form=Form.STACKED, by=(second, By(categories[0])) if second.runs else (By(categories[0]), second)),
        View(form=Form.HEAT, by=(By(categories[0]), second)),
    ]


def _fits(view: View, columns: Sequence[GovernedColumn]) -> bool:
    try:
        check(view, columns)
    except Invalid:
        return False
    return True


def _categories(columns: Sequence[GovernedColumn]) -> list[str]:
    texts = sorted((c for c in columns if c.type in {"text", "boolean"} and not c.masked), key=charts.category_rank)
    return [c.name for c in texts if charts.category_rank(c)[0] == 0]


def _numbers(columns: Sequence[GovernedColumn]) -> list[str]:
    return [c.name for c in columns if c.type in NUMERIC and not c.masked and not charts.is_place(c.name)]


def natural(column: GovernedColumn) -> By:
    """Return the grouping that suits a column: dates by year, moments by day, numbers in steps."""
    if column.type in MOMENTS:
        return By(column.name, DateUnit.YEAR if column.type == "date" else DateUnit.DAY)
    return By(column.name, width=AUTOMATIC) if column.type in {"decimal", "double"} else By(column.name)


def fitted(view: View, columns: Sequence[GovernedColumn]) -> View:
    """Return the nearest view that fits: choosing another form by a click must not end in an error.

    Raises:
        Invalid: the data set has no columns for this form, or something else does not fit.

    """
    if view.form in PLACED:
        x, y = _axes(view, columns)
        view = replace(view, x=x, y=y, by=(), measures=(), columns=(), sort=None, order=None, top=None)
    else:
        view = _grouped(view, columns)
    check(view, columns)
    return view


def _grouped(view: View, columns: Sequence[GovernedColumn]) -> View:
    least, most = view.shape.by
    kinds = {c.name: c for c in columns}
    by = [_cut_fitting(one, kinds) for one in view.by]
    by += [natural(c) for c in _next(columns, {one.column for one in by})][: max(0, least - len(by))]
    by = list(dict.fromkeys(by))[:most]
    if view.form is Form.HISTOGRAM:
        by = [_steps(by, columns)]
    measures = tuple(dict.fromkeys(view.measures))[: 1 if len(by) > 1 else max(1, view.shape.measures)]
    if view.shape.parts and measures and measures[0].fn not in ADDITIVE:
        measures = ()
    view = replace(view, x=None, y=None, by=tuple(by), measures=measures)
    if not view.is_rows:
        view = replace(view, columns=(), sort=None)
    return view if by else replace(view, order=None)


def _cut_fitting(one: By, kinds: dict[str, GovernedColumn]) -> By:
    """Drop a cut that the column cannot have; what was said of another column stays no error."""
    kind = kinds[one.column].type if one.column in kinds else ""
    unit = one.unit if kind in MOMENTS else DateUnit.NONE
    return By(one.column, unit, one.width if kind in NUMERIC else None)


def _next(columns: Sequence[GovernedColumn], taken: set[str]) -> list[GovernedColumn]:
    known = {c.name: c for c in columns if c.name not in taken and c.type != "geometry"}
    ranked = [*_categories(columns), *(c.name for c in columns if c.type in MOMENTS and not c.masked), *known]
    return [known[name] for name in dict.fromkeys(ranked) if name in known]


def _steps(by: Sequence[By], columns: Sequence[GovernedColumn]) -> By:
    kinds = {c.name: c.type for c in columns}
    named = next((one for one in by if kinds.get(one.column) in NUMERIC), None)
    if named is not None:
        return replace(named, width=named.width if named.width is not None else AUTOMATIC)
    numbers = _numbers(columns) or [c.name for c in columns if c.type in NUMERIC]
    if not numbers:
        raise _lacking()
    return By(numbers[0], width=AUTOMATIC)


def _axes(view: View, columns: Sequence[GovernedColumn]) -> tuple[str, str]:
    kinds = {c.name: c.type for c in columns}
    named = [name for name in (view.x, view.y) if name is not None and kinds.get(name, "") in NUMERIC]
    place = maps.plan(columns)
    if view.form is Form.POINTS and place is not None and place.kind is maps.MapKind.POINTS:
        axes = list(place.columns) if len(named) < 2 else named  # noqa: PLR2004 - two axes
    else:
        axes = [*named, *_numbers(columns), *(n for n in kinds if kinds[n] in NUMERIC)]
    axes = list(dict.fromkeys(axes))
    if len(axes) < 2:  # noqa: PLR2004 - two axes
        raise _lacking()
    return axes[0], axes[1]


def _lacking() -> Invalid:
    return Invalid(
        "这个数据集没有足够的数值列用于这种图形。",
        "This data set has not enough columns of numbers for this form.",
        code="bad_view",
    )
