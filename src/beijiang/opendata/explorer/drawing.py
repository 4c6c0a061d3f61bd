"""Lay an answer out: as the data of a drawing for the page's chart script, and as the table that stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from beijiang.kit import Language, Text
from beijiang.kit.errors import JsonValue
from beijiang.opendata.explorer.answer import Answer, Field, Pivot
from beijiang.opendata.explorer.telling import group_label, measure_name, name_of, rounded, written
from beijiang.opendata.explorer.view import By, Form, Order, View
from beijiang.tables import DateUnit, Measure, MeasureFn

__all__ = ["Grid", "drawing", "grid"]

AXIS: Final = 1500
"""Groups along an axis, those without rows among them."""
DAYS: Final = {DateUnit.DAY: 1, DateUnit.WEEK: 7}
MONTHS: Final = {DateUnit.MONTH: 1, DateUnit.QUARTER: 3, DateUnit.YEAR: 12}
OTHERS = Text("其他", "Others")
TOTAL = Text("总计", "Total")


@dataclass(frozen=True, slots=True)
class Grid:
    """A printed table: heads with whether they are numbers, rows with as many cells, the number of cells that name a row."""

    heads: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    named: int
    foot: tuple[str, ...] = ()
    masked: tuple[int, ...] = ()


def grid(answer: Answer, language: Language) -> Grid:
    """Return the table of an answer as people read it."""
    if answer.pivot is not None:
        return _pivoted(answer, answer.pivot, language)
    heads = [(name_of(f, language), _is_number(f)) for f in answer.fields]
    rows = [[written(v, f, language) for v, f in zip(row, answer.fields, strict=True)] for row in answer.rows]
    if answer.drawn.form is Form.REGIONS:
        heads.insert(1, (Text("区划代码", "Region code").in_language(language), False))
        for row, cells in zip(answer.rows, rows, strict=True):
            cells[0] = _region(answer, row[0], cells[0], language)
            cells.insert(1, answer.places.get(row[0], ("—",))[0])
    foot: tuple[str, ...] = ()
    if answer.others is not None:
        measured = [
            written(v, f, language) for v, f in zip(answer.others, answer.fields[-len(answer.others) :], strict=True)
        ]
        blank = len(heads) - len(measured)
        foot = (OTHERS.in_language(language), *([""] * (blank - 1)), *measured) if blank else ()
    named = len(answer.drawn.by)
    masked = tuple(i for i, f in enumerate(answer.fields) if f.masked)
    return Grid(tuple(heads), tuple(map(tuple, rows)), named, foot, masked)


def _pivoted(answer: Answer, pivot: Pivot, language: Language) -> Grid:
    first, second, value = answer.fields
    total = TOTAL.in_language(language)
    columns = [group_label(key, second.by, language) if second.by else "" for key in pivot.columns]
    heads = [(name_of(first, language), False), *((name, True) for name in columns), (total, True)]
    rows = []
    for i, key in enumerate(pivot.rows):
        cells = [written(pivot.cells.get((i, j)), value, language) for j in range(len(pivot.columns))]
        rows.append((written(key, first, language), *cells, written(pivot.row_totals[i], value, language)))
    feet = (*(written(v, value, language) for v in pivot.column_totals), written(pivot.total, value, language))
    return Grid(tuple(heads), tuple(rows), 1, (total, *feet))


def _is_number(field: Field) -> bool:
    return field.measure is not None or (field.by is None and field.type in {"integer", "decimal", "double"})


def drawing(answer: Answer, language: Language) -> dict[str, JsonValue] | None:
    """Return the data of the drawing, None where the table is all there is."""
    form = answer.drawn.form
    if form is Form.TABLE or not answer.rows:
        return None
    if form is Form.POINTS:
        return {"points": [_point(row, language) for row in answer.rows], "boundary": None}
    if form is Form.SCATTER:
        return _scatter(answer)
    if answer.pivot is not None:
        return _heat(answer, answer.pivot, language) if form is Form.HEAT else _series(answer, answer.pivot, language)
    by = answer.drawn.by[0]
    places = laid_out(by, [row[0] for row in answer.rows], answer.drawn)
    names: list[JsonValue] = [_region(answer, key, group_label(key, by, language), language) for key, _ in places]
    measured = answer.drawn.measured
    values = [
        [nothing(m) if at is None else number(answer.rows[at][1 + i], m) for _, at in places]
        for i, m in enumerate(measured)
    ]
    ranked = form in {Form.BAR, Form.PIE} and answer.drawn.ordered in {Order.MOST, Order.LEAST}
    if ranked and answer.others is not None and all(v is not None for v in answer.others):
        names.append(OTHERS.in_language(language))
        for some, value, m in zip(values, answer.others, measured, strict=True):
            some.append(number(value, m))
    series: list[JsonValue] = [
        {"name": measure_name(m, language), "values": [*some]} for m, some in zip(measured, values, strict=True)
    ]
    return _frame(form, names, series, answer, language)


def _frame(
    form: Form, names: list[JsonValue], series: list[JsonValue], answer: Answer, language: Language
) -> dict[str, JsonValue]:
    kinds = {Form.STACKED: "bar", Form.HISTOGRAM: "bar", Form.REGIONS: "bar"}
    unit = measure_name(answer.drawn.measured[0], language) if len(answer.drawn.measured) == 1 else ""
    found: dict[str, JsonValue] = {
        "type": kinds.get(form, form.value),
        "x": names,
        "x_name": "",
        "series": series,
        "unit": unit,
    }
    if form is Form.STACKED:
        found["stacked"] = True
    if answer.drawn.by[0].runs:
        found["along"] = True
    if form is Form.HISTOGRAM:
        found["tight"] = True
    return found


def _series(answer: Answer, pivot: Pivot, language: Language) -> dict[str, JsonValue]:
    first, second = answer.drawn.by
    measure = answer.drawn.measured[0]
    places = laid_out(first, pivot.rows, answer.drawn)
    names: list[JsonValue] = [group_label(key, first, language) for key, _ in places]
    series: list[JsonValue] = []
    for j, key in enumerate(pivot.columns):
        held = [None if at is None else pivot.cells.get((at, j)) for _, at in places]
        values: list[JsonValue] = [nothing(measure) if value is None else number(value, measure) for value in held]
        series.append({"name": group_label(key, second, language), "values": values})
    if answer.drawn.form is Form.STACKED and (rest := _rest(pivot, measure)):
        series.append(
            {"name": OTHERS.in_language(language), "values": [0 if at is None else rest[at] for _, at in places]}
        )
    return _frame(answer.drawn.form, names, series, answer, language)


def _rest(pivot: Pivot, measure: Measure) -> list[JsonValue]:
    """Return what the series that are not shown add to each bar, empty where all are."""
    shown = [sum(pivot.cells.get((i, j)) or 0 for j in range(len(pivot.columns))) for i in range(len(pivot.rows))]
    rest = [(total or 0) - part for total, part in zip(pivot.row_totals, shown, strict=True)]
    return [number(value, measure) for value in rest] if pivot.more_columns else []


def laid_out(by: By, keys: Sequence[Any], view: View) -> list[tuple[Any, int | None]]:
    """Return the groups along an axis with where each stands in the answer; along time and numbers none is left out."""
    found = [(key, at) for at, key in enumerate(keys)]
    known = {key: at for key, at in found if key is not None}
    if not by.runs or view.ordered is not Order.FIRST or len(known) < 2:  # noqa: PLR2004 - a gap lies between two
        return [*found]
    whole: list[tuple[Any, int | None]] = []
    key, last = min(known), max(known)
    while key <= last and len(whole) < AXIS:
        whole.append((key, known.get(key)))
        key = _next(key, by)
    if sum(at is not None for _, at in whole) < len(known):  # the gaps are longer than an axis can show
        return [*found]
    return whole + [(key, at) for key, at in found if key is None]


def _next(key: Any, by: By) -> Any:
    if by.width is not None:
        return key + by.width
    if by.unit in DAYS:
        return key + timedelta(days=DAYS[by.unit])
    months = key.year * 12 + key.month - 1 + MONTHS[by.unit]
    return key.replace(year=months // 12, month=months % 12 + 1)


def nothing(measure: Measure) -> JsonValue:
    """Return what a group without rows comes to: none are counted, and of the rest there is nothing to say."""
    return 0 if measure.fn is MeasureFn.COUNT else None


def _heat(answer: Answer, pivot: Pivot, language: Language) -> dict[str, JsonValue]:
    first, second = answer.drawn.by
    measure = answer.drawn.measured[0]
    cells: list[JsonValue] = [[j, i, number(v, measure)] for (i, j), v in sorted(pivot.cells.items()) if v is not None]
    return {
        "type": "heat",
        "x": [group_label(key, second, language) for key in pivot.columns],
        "y": [group_label(key, first, language) for key in pivot.rows],
        "cells": cells,
        "unit": measure_name(measure, language),
    }


def _scatter(answer: Answer) -> dict[str, JsonValue]:
    points: list[JsonValue] = [[plain(row[0]), plain(row[1]), row[2]] for row in answer.rows]
    view = answer.drawn
    return {
        "type": "bubbles",
        "points": points,
        "x_name": view.x or "",
        "y_name": view.y or "",
        "gathered": answer.gathered,
    }


def _point(row: tuple[Any, ...], language: Language) -> JsonValue:
    place = str(row[3] or "") if len(row) > 3 else ""  # noqa: PLR2004 - the fourth column names the place
    place = place or f"{float(row[0]):g}, {float(row[1]):g}"
    count = Text(f"{row[2]:,} 行", f"{row[2]:,} rows").in_language(language)
    name = place if row[2] == 1 else f"{place} · {count}"
    return {"name": name, "lon": float(row[0]), "lat": float(row[1]), "value": row[2]}


def _region(answer: Answer, value: Any, otherwise: str, language: Language) -> str:
    found = answer.places.get(value)
    return otherwise if found is None else found[1] if language is Language.ZH else found[2] or found[1]


def number(value: Any, measure: Measure) -> JsonValue:
    """Return a measured value for the drawing."""
    return None if value is None else plain(rounded(value, measure))


def plain(value: Any) -> JsonValue:
    """Return a value as JSON has it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 1 << 53 else float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
