"""Columns made one layer above the other, each value computed once, and looked up in small tables by joins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from beijiang.engine import LAKE

__all__ = ["Layers", "LookUp", "cell", "cut", "is_null", "literal", "long", "number"]

_ROWS: Final = "t"
_KEPT: Final = "bj_k"


def literal(value: str) -> exp.Expr:
    """Return a text as a literal."""
    return exp.Literal.string(value)


def number(value: float) -> exp.Expr:
    """Return a number as a literal."""
    return exp.Literal.number(value)


def cell(name: str) -> exp.Column:
    """Return a column of the layer below."""
    return exp.column(exp.to_identifier(name, quoted=True), table=_ROWS)


def is_null(value: exp.Expr) -> exp.Expr:
    """Test for NULL."""
    return exp.Is(this=value.copy(), expression=exp.null())


def cut(value: exp.Expr, start: int, length: int | None = None) -> exp.Expr:
    """Return characters (code points, never bytes) of a text from a place that counts from one."""
    size = None if length is None else number(length)
    return exp.Substring(this=value.copy(), start=number(start), length=size)


def long(value: exp.Expr) -> exp.Expr:
    """Return how many characters a text has."""
    return exp.Length(this=value.copy())


@dataclass(frozen=True, eq=False)
class LookUp:
    """The row of a small table whose first column is what an expression gives, and what is taken from it."""

    table: str
    key: str
    value: exp.Expr
    taken: Mapping[str, str]
    """New column by column of the table."""


class Layers:
    """A query that grows by a layer for each step."""

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        shown = [exp.column(exp.to_identifier(name, quoted=True)) for name in columns]
        self._query = exp.select(*shown).from_(exp.table_(table, db=LAKE))
        self._serial = 0

    def put(self, made: Mapping[str, exp.Expr]) -> None:
        """Add columns, made of those there are."""
        self._above([exp.alias_(value, name, quoted=True) for name, value in made.items()])

    def keep(self, value: exp.Expr) -> exp.Expr:
        """Compute a value in a layer below and return the column that it is."""
        if isinstance(value, exp.Column):
            return value
        self._serial += 1
        name = f"{_KEPT}{self._serial}"
        self.put({name: value})
        return cell(name)

    def look_up(self, wanted: Sequence[LookUp]) -> None:
        """Add columns of small tables; NULL where they have no such row."""
        shown = [
            exp.alias_(exp.column(column, table=f"d{place}"), name, quoted=True)
            for place, one in enumerate(wanted)
            for column, name in one.taken.items()
        ]
        above = self._above(shown)
        for place, one in enumerate(wanted):
            on = exp.EQ(this=exp.column(one.key, table=f"d{place}"), expression=one.value.copy())
            source = exp.alias_(exp.table_(one.table, db=LAKE), f"d{place}", table=True)
            above.join(source, on=on, join_type="left", copy=False)

    def query(self, names: Sequence[str]) -> exp.Select:
        """Return the query with these of its columns."""
        shown = [exp.alias_(cell(name), name, quoted=True) for name in names]
        return exp.select(*shown).from_(self._query.subquery(_ROWS, copy=False))

    def _above(self, shown: Sequence[exp.Expr]) -> exp.Select:
        star = exp.Column(this=exp.Star(), table=exp.to_identifier(_ROWS))
        self._query = exp.select(star, *shown).from_(self._query.subquery(_ROWS, copy=False))
        return self._query
