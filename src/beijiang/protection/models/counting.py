"""What the release check counts in a view of masked rows, as query trees that come to one row of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.protection.models.conditions import column_ref

__all__ = ["classes", "closeness", "derivable", "differing", "rows_of", "small_cells"]

_ROWS: Final = "_bj_rows"


def _table(name: str) -> exp.Table:
    return exp.table_(exp.to_identifier(name, quoted=True), db=LAKE)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _sum_where(condition: exp.Expr, then: exp.Expr, name: str) -> exp.Expr:
    case = exp.Case().when(condition, then).else_(_number(0))
    return exp.alias_(exp.cast(exp.Sum(this=case), "BIGINT"), name)


def _grouped(table: str, keys: Sequence[str], more: Sequence[exp.Expr] = ()) -> exp.Select:
    """Return rows per equivalence class; empty values are alike."""
    columns = [exp.alias_(column_ref(name), f"k{i}") for i, name in enumerate(keys)]
    count = exp.alias_(exp.Count(this=exp.Star()), _ROWS)
    query = exp.select(*columns, count, *more).from_(_table(table))
    return query.group_by(*(column_ref(name) for name in keys)) if keys else query


def rows_of(table: str) -> exp.Select:
    """Count the rows."""
    return exp.select(exp.alias_(exp.Count(this=exp.Star()), "rows")).from_(_table(table))


def classes(table: str, keys: Sequence[str], sensitive: Sequence[str], k: int) -> exp.Select:
    """Measure classes of equal quasi-identifiers: how many, the smallest, rows in small ones, single ones; and least diversity."""
    distinct = [
        exp.alias_(exp.Count(this=exp.Distinct(expressions=[column_ref(name)])), f"d{i}")
        for i, name in enumerate(sensitive)
    ]
    size = exp.column(_ROWS)
    parts = [
        exp.alias_(exp.Count(this=exp.Star()), "classes"),
        exp.alias_(exp.Min(this=size.copy()), "k"),
        _sum_where(exp.LT(this=size.copy(), expression=_number(k)), size.copy(), "rows_below"),
        _sum_where(exp.EQ(this=size.copy(), expression=_number(1)), _number(1), "unique"),
        *(exp.alias_(exp.Min(this=exp.column(f"d{i}")), f"l{i}") for i in range(len(sensitive))),
    ]
    return exp.select(*parts).from_(_grouped(table, keys, distinct).subquery("classes"))


def small_cells(table: str, counts: Sequence[str], least: int) -> exp.Select:
    """Count cells of persons that are small and not zero."""
    parts = []
    for i, name in enumerate(counts):
        column = column_ref(name)
        small = exp.and_(
            exp.GT(this=column.copy(), expression=_number(0)), exp.LT(this=column.copy(), expression=_number(least))
        )
        parts.append(_sum_where(small, _number(1), f"c{i}"))
    return exp.select(*parts).from_(_table(table))


def differing(table: str, before: str, keys: Sequence[str], k: int) -> exp.Select:
    """Count classes that are new and small, and those of both releases whose sizes differ by few: their difference shows a few persons."""
    now = _grouped(table, keys).subquery("now")
    then = _grouped(before, keys).subquery("then")
    same: list[exp.Expr] = [
        exp.NullSafeEQ(this=exp.column(f"k{i}", table="now"), expression=exp.column(f"k{i}", table="then"))
        for i in range(len(keys))
    ]
    old, new = exp.column(_ROWS, table="then"), exp.column(_ROWS, table="now")
    is_new = exp.and_(exp.Is(this=old.copy(), expression=exp.null()), exp.LT(this=new.copy(), expression=_number(k)))
    change = exp.Abs(this=exp.Sub(this=new.copy(), expression=old.copy()))
    few = exp.and_(exp.GT(this=change, expression=_number(0)), exp.LT(this=change.copy(), expression=_number(k)))
    parts = [_sum_where(is_new, _number(1), "new_below"), _sum_where(few, _number(1), "changed_by_few")]
    return exp.select(*parts).from_(now).join(then, on=exp.and_(*same), join_type="left")


def closeness(table: str, keys: Sequence[str], sensitive: str) -> exp.Select:
    """Measure t-closeness in thousandths: how far the values of a sensitive attribute in a class are from those of all rows.

    The distance is half the sum of the differences of shares (earth mover's distance where values have no order); values that a class
    does not have count too.
    """
    names = [f"k{i}" for i in range(len(keys))]
    grouped = _grouped(table, [*keys, sensitive]).subquery("values")
    value = exp.column(f"k{len(keys)}")
    of_class = exp.Window(this=exp.Sum(this=exp.column(_ROWS)), partition_by=[exp.column(name) for name in names])
    of_value = exp.Window(this=exp.Sum(this=exp.column(_ROWS)), partition_by=[value])
    of_all = exp.Window(this=exp.Sum(this=exp.column(_ROWS)), partition_by=[])
    shares = exp.select(
        *(exp.column(name) for name in names),
        exp.alias_(exp.Div(this=exp.cast(exp.column(_ROWS), "DOUBLE"), expression=of_class), "here"),
        exp.alias_(exp.Div(this=exp.cast(of_value, "DOUBLE"), expression=of_all), "everywhere"),
    ).from_(grouped)
    apart = exp.Sum(this=exp.Abs(this=exp.Sub(this=exp.column("here"), expression=exp.column("everywhere"))))
    missing = exp.Sub(this=_number(1), expression=exp.Sum(this=exp.column("everywhere")))
    half = exp.Mul(this=exp.Paren(this=exp.Add(this=apart, expression=missing)), expression=_number(500))
    of_classes = exp.select(exp.alias_(half, "t")).from_(shares.subquery("shares"))
    of_classes = of_classes.group_by(*(exp.column(name) for name in names))
    most = exp.cast(
        exp.Ceil(this=exp.Sub(this=exp.Max(this=exp.column("t")), expression=exp.Literal.number("0.000001"))), "BIGINT"
    )
    return exp.select(exp.alias_(most, "t")).from_(of_classes.subquery("distances"))


def derivable(table: str, keys: Sequence[str], count: str, totals: Sequence[str]) -> exp.Select:
    """Count suppressed cells that can be told all the same: the only empty one of a row or column whose total is shown.

    ``keys`` are the dimensions of the aggregate; a total is a row that says so in one of them.
    """
    parts: list[exp.Select] = []
    source = exp.select(
        *(exp.alias_(exp.cast(column_ref(k), "VARCHAR"), f"k{i}") for i, k in enumerate(keys)),
        exp.alias_(column_ref(count), "n"),
    )
    for i in range(len(keys)):
        is_total = exp.In(
            this=exp.Trim(this=exp.column(f"k{i}")), expressions=[exp.Literal.string(word) for word in totals]
        )
        others = [exp.column(f"k{j}") for j in range(len(keys)) if j != i]
        empty = exp.Is(this=exp.column("n"), expression=exp.null())
        total = exp.Coalesce(this=is_total, expressions=[exp.false()])
        lines = exp.select(
            _sum_where(exp.and_(exp.not_(total.copy()), empty.copy()), _number(1), "empty"),
            _sum_where(exp.and_(total.copy(), exp.not_(empty.copy())), _number(1), "totals"),
        ).from_(source.copy().from_(_table(table)).subquery("cells"))
        lines = lines.group_by(*others) if others else lines
        one = exp.and_(
            exp.EQ(this=exp.column("empty"), expression=_number(1)),
            exp.GT(this=exp.column("totals"), expression=_number(0)),
        )
        parts.append(exp.select(_sum_where(one, _number(1), "found")).from_(lines.subquery("lines")))
    columns = [exp.alias_(part.subquery(copy=False), f"d{i}") for i, part in enumerate(parts)]
    return exp.select(*columns)
