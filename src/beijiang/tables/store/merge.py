"""Query trees that compare incoming rows with a table by key, and that rewrite only the files they touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.binding import type_name
from beijiang.engine.port import LAKE, PART
from beijiang.tables.models import HIDDEN

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = [
    "REMOVED",
    "STAGED",
    "TARGET",
    "S",
    "T",
    "changed_by_file",
    "column",
    "columns_of",
    "count_without_partner",
    "differs",
    "duplicates",
    "insertion",
    "leaves",
    "ordered",
    "relation",
    "rewrite",
    "same_key",
    "typed_null",
]

REMOVED: Final = "removed"
STAGED: Final = "staged"
TARGET: Final = "target"
S: Final = "s"
T: Final = "t"
"""What trees call a row of ``staged`` and one of ``target``."""


def duplicates(name: str, key: Sequence[str]) -> exp.Query:
    """Count (rows without a full key, keys that occur more than once) of a relation."""
    from sqlglot import exp

    empty = exp.or_(*(column(None, name).is_(exp.null()) for name in key))
    nulls = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(relation(name)).where(empty)
    grouped = exp.select(exp.Literal.number(1).as_("one")).from_(relation(name)).group_by(*columns_of(None, key))
    grouped = grouped.having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    twice = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(grouped.subquery("g"))
    return exp.select(nulls.subquery().as_("nulls"), twice.subquery().as_("twice"))


def changed_by_file(key: Sequence[str], compared: Sequence[str]) -> exp.Query:
    """Count per file of the target (``part``) how many of its rows have a partner, and how many differ from it."""
    from sqlglot import exp

    changed = exp.CountIf(this=differs(compared))
    return (
        exp.select(column(T, PART).as_("part"), exp.Count(this=exp.Star()).as_("matched"), changed.as_("changed"))
        .from_(relation(TARGET, T))
        .join(relation(STAGED, S), on=same_key(key))
        .group_by(column(T, PART))
    )


def removed_by_file(key: Sequence[str]) -> exp.Query:
    """Count per file of the target (``part``) how many of its rows leave."""
    from sqlglot import exp

    return (
        exp.select(column(T, PART).as_("part"), exp.Count(this=exp.Star()).as_("removed"))
        .from_(relation(TARGET, T))
        .where(leaves(key))
        .group_by(column(T, PART))
    )


def count_without_partner(of: str, other: str, key: Sequence[str]) -> exp.Query:
    """Count the rows of one relation whose key the other does not have."""
    from sqlglot import exp

    return exp.select(exp.Count(this=exp.Star()).as_("n")).from_(_anti(exp.select("1"), of, other, key).subquery("a"))


def insertion(schema: pa.Schema, incoming: Sequence[str], key: Sequence[str]) -> exp.Query:
    """Return the staged rows whose key the target does not have, in the table's columns and types."""
    from sqlglot import exp

    values = {f.name: column(S, f.name) if f.name in incoming else typed_null(f) for f in schema}
    picked = [value.as_(name, quoted=True) for name, value in values.items()]
    return _anti(exp.select(*picked), STAGED, TARGET, key)


def rewrite(
    columns: Sequence[str],
    incoming: Sequence[str],
    key: Sequence[str],
    compared: Sequence[str],
    *,
    removing: bool = False,
) -> exp.Query:
    """Return the target's rows with each row that differs from its partner replaced by it, without those that leave.

    Columns that the incoming rows lack keep their stored values. Rows that do not differ keep their origin too.
    """
    from sqlglot import exp

    has_partner = exp.not_(column(S, key[0]).is_(exp.null()))
    flag = exp.and_(has_partner, differs(compared)).as_("_new")
    stored = [column(T, name).as_(f"t{i}") for i, name in enumerate(columns)]
    offered = [column(S, name).as_(f"s{i}") for i, name in enumerate(columns) if name in incoming]
    joined = (
        exp.select(*stored, *offered, flag)
        .from_(relation(TARGET, T))
        .join(relation(STAGED, S), on=same_key(key), join_type="left")
    )
    if removing:
        joined = joined.where(exp.not_(leaves(key)))
    return exp.select(*(_chosen(i, name, incoming) for i, name in enumerate(columns))).from_(joined.subquery("j"))


def ordered(columns: Sequence[str], key: Sequence[str]) -> exp.Query:
    """Return all rows of the target, sorted by key so that a point look-up reads one row group."""
    from sqlglot import exp

    query = exp.select(*columns_of(None, columns)).from_(relation(TARGET))
    return query.order_by(*columns_of(None, key)) if key else query


def plain(columns: Sequence[str]) -> exp.Query:
    """Return the staged rows in the table's columns; casts are made by the scan's schema."""
    from sqlglot import exp

    return exp.select(*columns_of(None, columns)).from_(relation(STAGED))


def _chosen(index: int, name: str, incoming: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    if name not in incoming:
        return exp.column(f"t{index}").as_(name, quoted=True)
    case = exp.Case().when(exp.column("_new"), exp.column(f"s{index}")).else_(exp.column(f"t{index}"))
    return case.as_(name, quoted=True)


def _anti(select: exp.Select, of: str, other: str, key: Sequence[str]) -> exp.Select:
    from sqlglot import exp

    left, right = (S, T) if of == STAGED else (T, S)
    partner = exp.select("1").from_(relation(other, right)).where(same_key(key))
    return select.from_(relation(of, left)).where(exp.not_(exp.Exists(this=partner)))


def leaves(key: Sequence[str]) -> exp.Expr:
    """Return whether the key of a row of the target is among those that leave."""
    from sqlglot import exp

    same = exp.and_(*(exp.EQ(this=column(T, name), expression=column("r", name)) for name in key))
    return exp.Exists(this=exp.select("1").from_(relation(REMOVED, "r")).where(same))


def same_key(key: Sequence[str]) -> exp.Expr:
    """Return whether a row of the target and a staged one are of one key."""
    from sqlglot import exp

    return exp.and_(*(exp.EQ(this=column(T, name), expression=column(S, name)) for name in key))


def differs(compared: Sequence[str]) -> exp.Expr:
    """Return whether a row of the target and a staged one have different values."""
    from sqlglot import exp

    if not compared:
        return exp.false()
    pairs: list[Any] = [
        exp.NullSafeNEQ(this=column(T, name), expression=column(S, name)) for name in compared if name not in HIDDEN
    ]
    return exp.paren(exp.or_(*pairs)) if pairs else exp.false()


def relation(name: str, alias: str | None = None) -> exp.Table:
    """Return a relation that the engine binds."""
    from sqlglot import exp

    return exp.table_(name, db=LAKE, alias=alias)


def column(of: str | None, name: str) -> exp.Column:
    """Return a column, of a relation where that has to be said."""
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table=of)


def columns_of(of: str | None, names: Sequence[str]) -> list[exp.Column]:
    """Return columns."""
    return [column(of, name) for name in names]


def typed_null(field: pa.Field) -> exp.Expr:
    """Return NULL in a column's type, so that the file says what it is."""
    from sqlglot import exp

    return exp.cast(exp.null(), type_name(field.type), dialect="duckdb")
