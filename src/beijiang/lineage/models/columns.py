"""The column lineage of a query: which columns of which tables make each of its columns, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from beijiang.kit.text import Text
from beijiang.lineage.models.expressions import TooMuch
from beijiang.lineage.models.origins import Origins, Relation, folded, numbered, unknown
from beijiang.lineage.models.queries import Queries
from beijiang.lineage.models.scopes import Scope
from beijiang.tables import Origin

__all__ = ["SelectLineage", "Unresolved", "columns_of"]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A column whose origins could not be told; it has all columns of all tables of the statement (``*``: any column not named)."""

    column: str
    why: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectLineage:
    """Where the columns of a query come from.

    Each has its direct origins (identity, transformation, aggregation) and, since they influence it too, what decides
    which rows there are: joins, filters, groups, the order where only some rows are kept.
    """

    columns: Mapping[str, tuple[Origin, ...]]
    """Origins of each column of the result, in order; names that stand twice are numbered as DuckDB does (``a_1``)."""
    tables: tuple[str, ...]
    """Tables that the statement names, of those it was given."""
    unresolved: tuple[Unresolved, ...] = ()
    rest: tuple[Origin, ...] | None = None
    """Origins of columns whose names only the engine knows (``PIVOT`` without its values); none where all are listed."""

    def of(self, names: Sequence[str]) -> dict[str, tuple[Origin, ...]]:
        """Return the origins of the columns that the engine really gave: by place where as many are listed, else by name."""
        listed = list(self.columns.values())
        if self.rest is None and len(listed) == len(names):
            return dict(zip(names, listed, strict=True))
        by_name = {folded(name): origins for name, origins in self.columns.items()}
        others = self.rest if self.rest is not None else tuple(sorted({o for found in listed for o in found}))
        return {name: by_name.get(folded(name), others) for name in names}


MOST_EDGES: Final = 100_000
"""Influences that are told column by column; beyond it all columns have the same origins, those of the whole statement."""

_WHY: Final[Mapping[str, Text]] = {
    "no_column": Text("语句中没有这一列", "the statement has no such column"),
    "ambiguous": Text("几张表都有这一列，未写明是哪一张", "several tables have this column, and it is not said which"),
    "no_table": Text("不认识这张表", "the table is not known"),
    "table_function": Text("表函数给出的列事先无从知道", "what a table function gives cannot be known beforehand"),
    "too_wide": Text(
        "列太多，又都受同一些列左右，只按整条语句记录",
        "there are too many columns that too many others decide: they are taken together",
    ),
    "too_much": Text("语句过大或嵌套过深", "the statement is too large or nested too deep"),
}


def columns_of(query: exp.Expr, tables: Mapping[str, Sequence[str]]) -> SelectLineage:
    """Return what each column of ``query`` (a tree of DuckDB's SQL) is made from.

    Args:
        query: a ``SELECT``, set operation, bracketed query, ``PIVOT``, ``UNPIVOT`` or ``VALUES``. It is not changed.
        tables: columns of each table, by the name that the query uses.

    What cannot be resolved has all columns of all tables that the statement names, and says why: it is never less strict
    than it should be. The work is bounded; a statement beyond it is unresolved as a whole. It raises nothing.

    """
    queries = Queries(tables)
    try:
        relation = queries.read(query, Scope())
    except (TooMuch, RecursionError):
        relation = Relation((), rest=unknown("too_much"))
        return _finished(relation, _named(query, tables), tables)
    return _finished(relation, queries.used, tables)


def _finished(relation: Relation, used: Iterable[str], tables: Mapping[str, Sequence[str]]) -> SelectLineage:
    """Let the influences stand with every column, and replace marks of the unresolved by everything."""
    named = tuple(used)
    everything = frozenset(Origin(table, column) for table in named or tables for column in tables[table])
    unresolved: list[Unresolved] = []
    shared: dict[Origins, tuple[Origin, ...]] = {}

    def final(column: str, origins: Origins) -> tuple[Origin, ...]:
        whole = origins | relation.influences
        whys = sorted({o.column for o in whole if not o.table})
        unresolved.extend(Unresolved(column, _WHY[why]) for why in whys)
        if whys:
            whole = frozenset(o for o in whole if o.table) | everything
        if whole not in shared:
            shared[whole] = tuple(sorted(whole, key=Origin.to_json))
        return shared[whole]

    columns = numbered(list(relation.columns))
    if len(columns) * len(relation.influences) > MOST_EDGES:
        unresolved.append(Unresolved("*", _WHY["too_wide"]))
        alike = final("*", relation.everything())
        found = {name: alike for name, _ in columns}
    else:
        found = {name: final(name, origins) for name, origins in columns}
    rest = None if relation.rest is None else final("*", relation.rest)
    return SelectLineage(columns=found, tables=named, unresolved=tuple(unresolved), rest=rest)


def _named(query: exp.Expr, tables: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the given tables that a query names."""
    by_name = {folded(name): name for name in tables}
    found: dict[str, None] = {}
    for node in query.find_all(exp.Table):
        parts = [part.name for part in node.parts]
        known = (by_name.get(folded(".".join(parts[count:]))) for count in range(len(parts)))
        name = next((one for one in known if one is not None), None)
        if name is not None:
            found[name] = None
    return tuple(found)
