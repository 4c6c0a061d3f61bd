"""Rows by number as query trees: the number of a row, conditions over several columns, orders by several columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp

from beijiang.engine.port import AT, LAKE, PART
from beijiang.protection.models.conditions import column_ref, condition, conditions, literal, unknown_column
from beijiang.tables import NUMBER, Filter, FilterOp, Sift

__all__ = ["after", "asked_columns", "number_of", "numbered", "sifted", "tallied"]

_NUMBERED: Final = "numbered"
_FILE_ROWS: Final = 1 << 40
"""More rows than a file has; a condition on a row position alone breaks the engine (2.0) where few rows are taken."""
_LOWER: Final = {FilterOp.EQ: 1, FilterOp.GT: 0, FilterOp.GTE: 1}


def asked_columns(asked: Sift, types: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the columns that are shown, and all that the question needs beside the number.

    Raises:
        Invalid: one of them is not there for this reader (``unknown_column``).

    """
    own = [name for name in types if name != NUMBER]
    shown = list(dict.fromkeys(asked.columns)) or [NUMBER, *own]
    texts = own if any(not name for name, _ in asked.words) else []
    named = [name for name, _ in asked.words if name]
    wanted = [*shown, *(one.column for one in asked.filters), *named, *(one.column for one in asked.order)]
    for name in wanted:
        if name not in types and name != NUMBER:
            raise unknown_column(name, types)
    texts = [name for name in texts if types[name] == "text"]
    return shown, [name for name in dict.fromkeys([*wanted, *texts]) if name != NUMBER]


def after(asked: Sift) -> int:
    """Return a number that everything asked for comes after, as far as the question itself says so."""
    found = asked.start if asked.is_plain else 0
    for one in asked.filters:
        if one.column == NUMBER and one.op in _LOWER and isinstance(one.value, int):
            found = max(found, one.value - _LOWER[one.op])
    return found


def number_of(starts: Sequence[int] | None) -> exp.Expr:
    """Return the number of a row: by how many rows lie in front of each file; of those that a filter lets through if None.

    The list stands there for a single file too: the engine (2.0) breaks where it can turn a condition on the number into one on
    its own row positions and takes the first few rows of an order.
    """
    if starts is None:
        place = exp.Order(expressions=[exp.Ordered(this=column_ref(n), nulls_first=False) for n in (PART, AT)])
        return exp.Window(this=exp.RowNumber(), order=place)
    known = exp.Array(expressions=[exp.Literal.number(n) for n in starts or (0,)])
    which = exp.Add(this=column_ref(PART), expression=exp.Literal.number(1))
    first = exp.Anonymous(this="LIST_EXTRACT", expressions=[known, _whole(which)])
    at = exp.Add(this=_whole(column_ref(AT)), expression=exp.Literal.number(1))
    return exp.Add(this=at, expression=_whole(first))


def _whole(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "BIGINT", dialect="duckdb")


def numbered(names: Sequence[str], source: str, number: exp.Expr, skipped: int = 0) -> exp.Select:
    """Return the columns of a relation that has places, with the number of each row; ``skipped`` rows of its one file are left out."""
    shown = [*(column_ref(name) for name in names), exp.alias_(number, NUMBER, quoted=True)]
    query = exp.select(*shown, copy=False).from_(exp.table_(exp.to_identifier(source), db=LAKE), copy=False)
    if skipped:
        start = exp.Mul(this=column_ref(PART), expression=exp.Literal.number(_FILE_ROWS))
        place = exp.Add(this=start, expression=column_ref(AT))
        query = query.where(exp.GTE(this=place, expression=exp.Literal.number(skipped)), copy=False)
    return query


def sifted(asked: Sift, shown: Sequence[str], source: exp.Select, types: Mapping[str, str]) -> exp.Select:
    """Return the rows that fit, in order, without a limit.

    Raises:
        Invalid: a value that does not fit its column (``filter_value``).

    """
    query = exp.select(*(column_ref(name) for name in shown), copy=False)
    query = _where(query.from_(source.subquery(_NUMBERED, copy=False), copy=False), asked, types)
    if asked.distinct:
        query = query.distinct(copy=False)
    order = [(one.column, one.descending) for one in asked.order]
    if asked.distinct:
        order = [one for one in order if one[0] in shown]
        order += [(name, False) for name in shown if name not in dict(order)]
    elif order and NUMBER not in dict(order):
        order.append((NUMBER, False))
    parts = [exp.Ordered(this=column_ref(name), desc=down, nulls_first=False) for name, down in order]
    return query.order_by(*parts, copy=False) if parts else query


def tallied(
    asked: Sift, shown: Sequence[str], source: exp.Select, types: Mapping[str, str], most: int | None
) -> exp.Select:
    """Return a query for how many rows fit, up to ``most`` and one, and the highest number among those that were counted."""
    inner: exp.Select = exp.select(*(column_ref(name) for name in (shown if asked.distinct else [NUMBER])), copy=False)
    inner = _where(inner.from_(source.subquery(_NUMBERED, copy=False), copy=False), asked, types)
    if asked.distinct:
        inner = inner.distinct(copy=False)
    if most is not None:
        inner = inner.limit(most + 1, copy=False)
    highest = exp.Max(this=column_ref(NUMBER)) if not asked.distinct else exp.null()
    counted = [exp.alias_(exp.Count(this=exp.Star()), "n"), exp.alias_(highest, "highest")]
    return exp.select(*counted, copy=False).from_(inner.subquery("found", copy=False), copy=False)


def _where(query: exp.Select, asked: Sift, types: Mapping[str, str]) -> exp.Select:
    known = {**types, NUMBER: "integer"}
    fits = conditions(asked.filters, known)
    parts = [] if fits is None else [fits]
    parts += [_spoken(name, word, types) for name, word in asked.words]
    return query.where(*parts, copy=False) if parts else query


def _spoken(name: str, word: str, types: Mapping[str, str]) -> exp.Expr:
    """Return the condition that a word stands in a text column, or in any of them, whatever its case."""
    if name:
        condition(Filter(name, FilterOp.CONTAINS, word), types)  # says what does not fit
    texts = [name] if name else [column for column, kind in types.items() if kind == "text"]
    wanted = literal(word.lower(), "text", Filter(name, FilterOp.CONTAINS, word))
    found = [
        exp.Anonymous(this="CONTAINS", expressions=[exp.Lower(this=column_ref(column)), wanted.copy()])
        for column in texts
    ]
    return exp.or_(*found, copy=False) if found else exp.false()
