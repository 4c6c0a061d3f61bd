"""The rows of a recipe while it is compiled: a chain of queries that grows by a link for each layer of a step.

Columns are named ``t."列"`` in every link, as the closed grammar of conditions names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.port import AT, LAKE, PART
from beijiang.quality import ROWS, cell

if TYPE_CHECKING:
    from beijiang.tables import Column

__all__ = ["HIDDEN_MARK", "Frame", "Made", "cell", "differ", "holding", "is_blank", "is_null", "literal", "number"]

HIDDEN_MARK: Final = "_bj_"
"""No column of a person's table begins so."""
_DICTIONARY: Final = "d"


def literal(value: str) -> exp.Expr:
    """Return a text as a literal."""
    return exp.Literal.string(value)


def number(value: int) -> exp.Expr:
    """Return a whole number as a literal."""
    return exp.Literal.number(value)


def is_null(value: exp.Expr) -> exp.Expr:
    """Test for NULL."""
    return exp.Is(this=value.copy(), expression=exp.null())


def differ(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    """Test whether two values are not the same, NULL being a value; never NULL itself."""
    return (
        exp.Case()
        .when(is_null(one), exp.not_(is_null(other)))
        .when(is_null(other), exp.true())
        .else_(exp.NEQ(this=one.copy(), expression=other.copy()))
    )


def is_blank(value: exp.Expr, kind: str) -> exp.Expr:
    """Test whether a cell carries no value: NULL, or nothing but blanks."""
    if kind != "text":
        return is_null(value)
    return exp.EQ(
        this=exp.Coalesce(this=exp.Trim(this=value.copy()), expressions=[literal("")]), expression=literal("")
    )


def holding(rows: exp.Select) -> exp.Select:
    """Keep the states of a history table that hold now."""
    return rows.where(is_null(exp.column("valid_to", quoted=True)), copy=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A column that a step makes: its expression over ``t`` and the platform's word for its type."""

    value: exp.Expr
    type: str


class Frame:
    """Visible columns with their types, hidden columns, and the links so far."""

    def __init__(
        self, table: str, columns: Sequence[Column], *, history: bool, positions: bool, apart: bool = False
    ) -> None:
        self._apart = apart
        self.types: dict[str, str] = {column.name: column.type for column in columns}
        self.comments: dict[str, str] = {column.name: column.comment for column in columns}
        self._hidden: list[str] = [PART, AT] if positions else []
        self._links: list[exp.Select] = []
        shown = [exp.column(exp.to_identifier(name, quoted=True)) for name in self._names()]
        rows = exp.select(*shown).from_(exp.table_(exp.to_identifier(table, quoted=True), db=LAKE))
        self._links.append(holding(rows) if history else rows)

    def put(self, made: Mapping[str, Made], hidden: Mapping[str, exp.Expr] | None = None) -> None:
        """Add columns or replace them in place; what they are made of are those of the link before."""
        values = {name: one.value for name, one in made.items()} | dict(hidden or {})
        self._link(values)
        self.types |= {name: one.type for name, one in made.items()}
        self._hidden += [name for name in hidden or {} if name not in self._hidden]

    def only(self, condition: exp.Expr) -> None:
        """Keep the rows that meet a condition."""
        self._links.append(self._select({}).where(condition, copy=False))

    def keep(self, names: Mapping[str, str]) -> None:
        """Keep some columns in the order given, under the names given (old to new)."""
        shown = [exp.alias_(cell(old), new, quoted=True) for old, new in names.items()]
        shown += [exp.alias_(cell(name), name, quoted=True) for name in self._hidden]
        self._links.append(exp.select(*shown).from_(self._above()))
        self.types = {new: self.types[old] for old, new in names.items()}
        self.comments = {new: self.comments.get(old, "") for old, new in names.items()}

    def forget(self, names: Iterable[str]) -> None:
        """Drop hidden columns with the next link."""
        gone = set(names)
        self._hidden = [name for name in self._hidden if name not in gone]

    def join(self, rows: exp.Query, on: exp.Expr, taken: Mapping[str, exp.Expr]) -> None:
        """Join the one row of ``rows`` (named ``d``) that meets ``on``, if there is one, and take hidden columns from it.

        Such a join neither adds nor removes rows, so it tells nothing of the other columns. Told ``apart``, each value
        is looked up by itself, as lineage is to see it; for an engine that would be slow.
        """
        if self._apart:
            found = {
                name: exp.select(value.copy()).from_(rows.subquery(_DICTIONARY)).where(on.copy()).subquery()
                for name, value in taken.items()
            }
            self.put({}, found)
            return
        self._link(taken)
        joined = self._links[-1].join(rows.subquery(_DICTIONARY), on=on, join_type="left", copy=False)
        self._links[-1] = joined
        self._hidden += [name for name in taken if name not in self._hidden]

    @property
    def hidden(self) -> Sequence[str]:
        """Return the hidden columns that the last link has."""
        return tuple(self._hidden)

    def query(self, shown: Sequence[exp.Expr] | None = None) -> exp.Select:
        """Return the query of all links; ``shown`` replaces what its last select hands over."""
        if shown is None:
            shown = [exp.alias_(cell(name), name, quoted=True) for name in self.types]
        query = exp.select(*shown).from_(self._above())
        for place, link in enumerate(self._links):
            # Written out, each link is computed where it is read; kept, all rows would be copied at each.
            query = query.with_(f"s{place}", as_=link.copy(), materialized=False, copy=False)
        return query

    def _names(self) -> list[str]:
        return [*self.types, *self._hidden]

    def _above(self) -> exp.Expr:
        return exp.alias_(exp.table_(f"s{len(self._links) - 1}"), ROWS, table=True)

    def _select(self, values: Mapping[str, exp.Expr]) -> exp.Select:
        names = list(dict.fromkeys([*self._names(), *values]))
        shown = [exp.alias_(values.get(name, cell(name)), name, quoted=True) for name in names]
        return exp.select(*shown).from_(self._above())

    def _link(self, values: Mapping[str, exp.Expr]) -> None:
        self._links.append(self._select(values))


def of_dictionary(name: str) -> exp.Column:
    """Return a column of the joined rows."""
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(_DICTIONARY))


def dictionary(names: Sequence[str], rows: Iterable[Sequence[str | None]]) -> exp.Query:
    """Return a relation of constants, all texts."""
    tuples = [exp.Tuple(expressions=[exp.null() if v is None else literal(v) for v in row]) for row in rows]
    alias = exp.TableAlias(
        this=exp.to_identifier("v"), columns=[exp.to_identifier(name, quoted=True) for name in names]
    )
    values = exp.Values(expressions=tuples, alias=alias)
    return exp.select(*(exp.column(exp.to_identifier(name, quoted=True)) for name in names)).from_(values)
