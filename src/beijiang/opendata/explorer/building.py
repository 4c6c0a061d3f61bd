"""Read what was clicked in the explorer's forms and make a view of it; what is unfinished changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from beijiang.opendata import tableview
from beijiang.opendata.explorer.address import AS_IT_IS, BINS, WORDS, parse, read_by
from beijiang.opendata.explorer.suggesting import fitted, natural
from beijiang.opendata.explorer.view import NUMERIC, By, Form, Order, View
from beijiang.tables import GovernedColumn, Measure, MeasureFn, Sort

__all__ = ["CUTS", "FIELDS", "built"]

FIELDS: Final = frozenset(
    {
        "form",
        "by1",
        "cut1",
        "by2",
        "cut2",
        "fn1",
        "of1",
        "fn2",
        "of2",
        "fn3",
        "of3",
        "x",
        "y",
        "order",
        "top",
        "sort",
        "way",
    }
    | {"column", "op", "value", "build"}
)
"""Names of the fields; a filter's own name holds its operator, so that no column is mistaken for one."""
CUTS: Final = ("year", "quarter", "month", "week", "day", BINS, AS_IT_IS)
NEEDS_NUMBER: Final = frozenset({MeasureFn.SUM, MeasureFn.AVG, MeasureFn.MEDIAN, MeasureFn.MIN, MeasureFn.MAX})


def built(asked: Sequence[tuple[str, str]], columns: Sequence[GovernedColumn]) -> View:
    """Return the view that the form describes.

    Raises:
        Invalid: as ``parse`` and ``fitted`` do.

    """
    fields = {name: value for name, value in asked if name in FIELDS and value}
    picked = tuple(value for name, value in asked if name == "_col")
    carried = [(name, value) for name, value in asked if name not in FIELDS]
    carried = tableview.added(carried, fields.get("column", ""), fields.get("op", ""), fields.get("value", ""))
    if "build" not in fields:
        return fitted(parse(carried), columns)
    filters = parse([pair for pair in carried if pair[0] not in WORDS]).filters
    known = {c.name: c for c in columns}
    by = [_by(fields, place, known) for place in ("1", "2")]
    measures = [_measure(fields, place, columns) for place in ("1", "2", "3")]
    view = View(
        form=Form(fields["form"]) if fields.get("form") in set(Form) else Form.TABLE,
        by=tuple(one for one in by if one is not None),
        measures=tuple(one for one in measures if one is not None),
        x=fields.get("x"),
        y=fields.get("y"),
        filters=filters,
        columns=() if len(picked) == len(columns) else picked,
        sort=Sort(fields["sort"], descending=fields.get("way") == "down") if "sort" in fields else None,
        order=Order(fields["order"]) if fields.get("order") in set(Order) else None,
        top=int(fields["top"]) if fields.get("top", "").isdecimal() and len(fields["top"]) < 5 else None,  # noqa: PLR2004
    )
    counted = view.measures == (Measure(MeasureFn.COUNT),) and view.by
    return fitted(replace(view, measures=()) if counted else view, columns)


def _by(fields: Mapping[str, str], place: str, known: Mapping[str, GovernedColumn]) -> By | None:
    column, cut = fields.get(f"by{place}"), fields.get(f"cut{place}", "")
    if column is None:
        return None
    if column not in known:
        return By(column)
    return read_by(f"{column}:{cut}") if cut else natural(known[column])


def _measure(fields: Mapping[str, str], place: str, columns: Sequence[GovernedColumn]) -> Measure | None:
    """Return a measure; a sum of nothing yet is one of the first column of numbers."""
    word, column = fields.get(f"fn{place}", ""), fields.get(f"of{place}")
    if word not in set(MeasureFn):
        return None
    fn = MeasureFn(word)
    if fn is MeasureFn.COUNT:
        return Measure(fn)
    kinds = {c.name: c.type for c in columns}
    if fn is MeasureFn.DISTINCT:
        return Measure(fn, column or columns[0].name)
    if kinds.get(column or "") in NUMERIC:
        return Measure(fn, column)
    first = next((name for name, kind in kinds.items() if kind in NUMERIC), None)
    return None if first is None else Measure(fn, first)
