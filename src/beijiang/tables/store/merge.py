"""Query trees that compare incoming rows with a table by key, and that rewrite only the files they touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine.port import LAKE, PART
from beijiang.tables.models import HIDDEN

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = [
    "REMOVED",
    "STAGED",
    "TARGET",
    "changed_by_file",
    "count_without_partner",
    "duplicates",
    "insertion",
    "ordered",
    "rewrite",
]

REMOVED: Final = "removed"
STAGED: Final = "staged"
TARGET: Final = "target"
_S, _T = "s", "t"


def duplicates(name: str, key: Sequence[str]) -> exp.Query:
    """Count (rows without a full key, keys that occur more than once) of a relation."""
    from sqlglot import exp

    empty = exp.or_(*(_column(None, column).is_(exp.null()) for column in key))
    nulls = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(_relation(name)).where(empty)
    grouped = exp.select(exp.Literal.number(1).as_("one")).from_(_relation(name)).group_by(*_columns(None, key))
    grouped = grouped.having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    twice = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(grouped.subquery("g"))
    return exp.select(nulls.subquery().as_("nulls"), twice.subquery().as_("twice"))


def changed_by_file(key: Sequence[str], compared: Sequence[str]) -> exp.Query:
    """Count per file of the target (``part``) how many of its rows have a partner, and how many differ from it."""
    from sqlglot import exp

    differs = exp.CountIf(this=_differs(compared))
    return (
        exp.select(_column(_T, PART).as_("part"), exp.Count(this=exp.Star()).as_("matched"), differs.as_("changed"))
        .from_(_relation(TARGET, _T))
        .join(_relation(STAGED, _S), on=_same_key(key))
        .group_by(_column(_T, PART))
    )


def removed_by_file(key: Sequence[str]) -> exp.Query:
    """Count per file of the target (``part``) how many of its rows leave."""
    from sqlglot import exp

    return (
        exp.select(_column(_T, PART).as_("part"), exp.Count(this=exp.Star()).as_("removed"))
        .from_(_relation(TARGET, _T))
        .where(_leaves(key))
        .group_by(_column(_T, PART))
    )


def count_without_partner(of: str, other: str, key: Sequence[str]) -> exp.Query:
    """Count the rows of one relation whose key the other does not have."""
    from sqlglot import exp

    return exp.select(exp.Count(this=exp.Star()).as_("n")).from_(_anti(exp.select("1"), of, other, key).subquery("a"))


def insertion(columns: Sequence[str], incoming: Sequence[str], key: Sequence[str]) -> exp.Query:
    """Return the staged rows whose key the target does not have, in the table's columns."""
    from sqlglot import exp

    picked = [_column(_S, name).as_(name, quoted=True) if name in incoming else _null(name) for name in columns]
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

    has_partner = exp.not_(_column(_S, key[0]).is_(exp.null()))
    flag = exp.and_(has_partner, _differs(compared)).as_("_new")
    stored = [_column(_T, name).as_(f"t{i}") for i, name in enumerate(columns)]
    offered = [_column(_S, name).as_(f"s{i}") for i, name in enumerate(columns) if name in incoming]
    joined = (
        exp.select(*stored, *offered, flag)
        .from_(_relation(TARGET, _T))
        .join(_relation(STAGED, _S), on=_same_key(key), join_type="left")
    )
    if removing:
        joined = joined.where(exp.not_(_leaves(key)))
    return exp.select(*(_chosen(i, name, incoming) for i, name in enumerate(columns))).from_(joined.subquery("j"))


def ordered(columns: Sequence[str], key: Sequence[str]) -> exp.Query:
    """Return all rows of the target, sorted by key so that a point look-up reads one row group."""
    from sqlglot import exp

    query = exp.select(*_columns(None, columns)).from_(_relation(TARGET))
    return query.order_by(*_columns(None, key)) if key else query


def plain(columns: Sequence[str]) -> exp.Query:
    """Return the staged rows in the table's columns; casts are made by the scan's schema."""
    from sqlglot import exp

    return exp.select(*_columns(None, columns)).from_(_relation(STAGED))


def _chosen(index: int, name: str, incoming: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    if name not in incoming:
        return exp.column(f"t{index}").as_(name, quoted=True)
    case = exp.Case().when(exp.column("_new"), exp.column(f"s{index}")).else_(exp.column(f"t{index}"))
    return case.as_(name, quoted=True)


def _anti(select: exp.Select, of: str, other: str, key: Sequence[str]) -> exp.Select:
    from sqlglot import exp

    left, right = (_S, _T) if of == STAGED else (_T, _S)
    partner = exp.select("1").from_(_relation(other, right)).where(_same_key(key))
    return select.from_(_relation(of, left)).where(exp.not_(exp.Exists(this=partner)))


def _leaves(key: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    same = exp.and_(*(exp.EQ(this=_column(_T, name), expression=_column("r", name)) for name in key))
    return exp.Exists(this=exp.select("1").from_(_relation(REMOVED, "r")).where(same))


def _same_key(key: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    return exp.and_(*(exp.EQ(this=_column(_T, name), expression=_column(_S, name)) for name in key))


def _differs(compared: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    if not compared:
        return exp.false()
    pairs: list[Any] = [
        exp.NullSafeNEQ(this=_column(_T, name), expression=_column(_S, name)) for name in compared if name not in HIDDEN
    ]
    return exp.paren(exp.or_(*pairs)) if pairs else exp.false()


def _relation(name: str, alias: str | None = None) -> exp.Table:
    from sqlglot import exp

    return exp.table_(name, db=LAKE, alias=alias)


def _column(relation: str | None, name: str) -> exp.Column:
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table=relation)


def _columns(relation: str | None, names: Sequence[str]) -> list[exp.Column]:
    return [_column(relation, name) for name in names]


def _null(name: str) -> exp.Expr:
    from sqlglot import exp

    return exp.null().as_(name, quoted=True)
