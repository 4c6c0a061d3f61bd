"""Rules in SQL: one SELECT whose numbers are held against a limit, counted beside the table's other rules.

The text is read by the parser of the SQL gateway, and a tree of allowed parts is all that comes of it. ``{table}`` names
the judged table and ``{column}`` the rule's column; both are put into the tree, never into the text. Numbers are compared
in the query, so that only counts leave, as of every rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.kit import Invalid
from beijiang.quality.models.grammar import holding_now
from beijiang.quality.models.limits import Limit

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Reader", "Spelled", "as_they_are_now", "counts_of", "spelled"]

Reader = Callable[[str], tuple[exp.Query, tuple[str, ...]]]
"""Reads a query of people into a tree over ``lake.<table>`` and the names of its tables: wall 1 of the gateway."""

THIS: Final = "_bj_this_table"
COLUMN: Final = "_bj_this_column"
LONGEST: Final = 4000
_MARK: Final = "_bj_"
_PLACES: Final = re.compile(r"\$?\{(?:(?P<table>table|object|model)|(?P<column>column|property|field))\}")

Spelled = tuple[exp.Query, tuple[str, ...]]


def spelled(
    text: str, table: str, columns: tuple[str, ...], read: Reader, called: Collection[str | None] = ()
) -> Spelled:
    """Return the tree of a rule's query, with the judged table marked, and the other tables that it names.

    ``called`` are names by which a contract calls the judged table; its query names no other one.

    Raises:
        Refused: it is not a query that is allowed (``sql_not_allowed``).
        Invalid: it is not one that a rule can have (``rule_query``).

    """
    if len(text) > LONGEST:
        raise _wrong(f"最多 {LONGEST} 个字符", f"it has {LONGEST} characters at most")
    if _MARK in text.casefold():
        raise _wrong(f"不能使用以 {_MARK} 开头的名称", f"names that begin with {_MARK} cannot be used")
    tree, names = read(_PLACES.sub(lambda found: f'"{THIS}"' if found["table"] else f'"{COLUMN}"', text))
    _check(tree)
    for node in list(tree.find_all(exp.Identifier)):
        if node.name == COLUMN:
            if len(columns) != 1:
                raise _wrong("用到 {column} 时请选一列", "choose a column, which {column} stands for")
            node.set("this", columns[0])
    own = {THIS, *(called or (table,))}
    if not own & set(names):
        raise _wrong("请查询本表（写作 {table}）", "read this table in it, written {table}")
    for place in tree.find_all(exp.Table):
        if place.db == LAKE and place.name in own:
            place.set("db", None)
            place.set("this", exp.to_identifier(THIS))
    others = tuple(name for name in names if name not in own)
    if called and others:
        raise _wrong("契约的查询只能读它所约束的表", "the query of a contract reads the table that it binds only")
    return tree, others


def _check(tree: exp.Query) -> None:
    shown = tree.selects
    if len(shown) != 1 or shown[0].is_star:
        raise _wrong("只查询一列数", "it selects one column of numbers")
    for node in tree.walk():
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise _wrong("不能递归", "it cannot be recursive")
        if isinstance(node, exp.Lateral | exp.Values):
            raise _wrong("不能使用 LATERAL 与 VALUES", "LATERAL and VALUES cannot be used")
        if isinstance(node, exp.Join) and not _joins_by_columns(node):
            raise _wrong(
                "关联两表时，ON 中须有两表各一列相等，并写明是哪张表的列，如 ON a.编号 = b.编号",
                "ON makes a column of one table equal to a column of the other, each with its table: ON a.code = b.code",
            )
        if isinstance(node, exp.CTE) and node.alias.casefold().startswith("base"):
            raise _wrong("WITH 中请换一个名称", "choose another name in WITH")


def _joins_by_columns(join: exp.Join) -> bool:
    """Tell whether a join pairs rows by equal columns of its two sides; any other pairs each row with each."""
    on, parent = join.args.get("on"), join.parent
    if join.args.get("using"):
        return True
    if on is None or parent is None:
        return False
    first = parent if isinstance(parent, exp.Table) else parent.args["from_"].this
    left, right = _sides(first, *(one.this for one in parent.args["joins"] if one is not join)), _sides(join.this)
    for test in on.flatten() if isinstance(on, exp.And) else (on,):
        sides = (_plain(test.this), _plain(test.expression)) if isinstance(test, exp.EQ) else ()
        tables = [one.table.casefold() for one in sides if isinstance(one, exp.Column)]
        if len(tables) == 2 and any(a in right and b in left - right for a, b in (tables, tables[::-1])):  # noqa: PLR2004
            return True
    return False


def _sides(*trees: exp.Expr) -> set[str]:
    """Return the names by which columns of some sides of a join are called."""
    found: set[str] = set()
    for tree in trees:
        bare = isinstance(tree, exp.Subquery) and not tree.alias
        found |= _sides(tree.this) if bare else {tree.alias_or_name.casefold()}
        if not isinstance(tree, exp.Query) or bare:
            found |= _sides(*(one.this for one in tree.args.get("joins") or ()))
    return found


def _plain(value: exp.Expr) -> exp.Expr:
    """Return what a side of an equality compares, without what only tidies it."""
    while isinstance(value, exp.Paren | exp.Cast | exp.TryCast | exp.Trim | exp.Upper | exp.Lower):
        value = value.this
    return value


def as_they_are_now(tree: exp.Query, tables: Collection[str]) -> exp.Query:
    """Let a query see of tables that keep history only the rows that hold now."""
    for place in list(tree.find_all(exp.Table)):
        if place.db == LAKE and place.name in tables:
            now = exp.select("*").from_(exp.table_(place.this.copy(), db=LAKE)).where(holding_now())
            place.replace(exp.Subquery(this=now, alias=place.args["alias"], joins=place.args.get("joins")))
    return tree


def counts_of(tree: exp.Query, base: str, limit: Limit, now: datetime) -> tuple[exp.Expr, exp.Expr]:
    """Return how many numbers a query comes to, and how many of them are not within the limit."""
    query = _dated(tree.copy(), now)
    for node in query.find_all(exp.Table):
        if node.name == THIS and not node.db:
            node.set("this", exp.to_identifier(base))
    value = "_bj_value"
    query = _named(query, value)
    number = exp.TryCast(this=exp.column(value), to=exp.DataType.build("DOUBLE"))
    holds = _holds(number, limit)
    rows = query.subquery("q")
    known = exp.select(exp.Count(this=number.copy())).from_(rows, copy=False).subquery()
    one, none = exp.Literal.number(1), exp.Literal.number(0)
    each = exp.Case().when(exp.Not(this=exp.paren(holds, copy=False)), one).else_(none)
    outside = exp.Coalesce(this=exp.Sum(this=each), expressions=[none.copy()])  # Sail cannot count a MAX by COUNT_IF
    return known, exp.select(outside).from_(rows.copy(), copy=False).subquery()


def _named(query: exp.Query, name: str) -> exp.Query:
    """Give the one column of a query a name that its author cannot have given it."""
    named = exp.TableAlias(this=exp.to_identifier("a"), columns=[exp.to_identifier(name)])
    return exp.select(exp.column(name)).from_(exp.Subquery(this=query, alias=named), copy=False)


def _dated(tree: exp.Query, now: datetime) -> exp.Query:
    """Say which day and moment it is, and let a cast that fails be NULL."""

    def step(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.CurrentDate):
            return exp.cast(exp.Literal.string(now.date().isoformat()), "DATE")
        if isinstance(node, exp.CurrentTimestamp):
            return exp.cast(exp.Literal.string(now.isoformat(sep=" ")), "TIMESTAMPTZ", dialect="duckdb")
        if type(node) is exp.Cast:
            return exp.TryCast(this=node.this, to=node.to)
        return node

    found = tree.transform(step)
    assert isinstance(found, exp.Query)  # noqa: S101 - a query stays one
    return found


def _holds(number: exp.Expr, limit: Limit) -> exp.Expr:
    low, high = (_literal(limit.bounds[at]) for at in (0, -1))
    simple = {"<=": exp.LTE, ">=": exp.GTE, "!=": exp.NEQ, "<": exp.LT, ">": exp.GT, "=": exp.EQ}
    if limit.operator in simple:
        return simple[limit.operator](this=number.copy(), expression=low)
    between = exp.Between(this=number.copy(), low=low, high=high)
    return between if limit.operator == "between" else exp.Not(this=exp.paren(between, copy=False))


def _literal(value: float) -> exp.Expr:
    size = exp.cast(exp.Literal.string(f"{abs(value):.15g}"), "DOUBLE")
    return size if value >= 0 else exp.Neg(this=size)


def _wrong(zh: str, en: str) -> Invalid:
    return Invalid(
        f"规则的查询不可用：{zh}。写法示例：SELECT MAX(座位数量) FROM {{table}}",
        f"The query of the rule cannot be used: {en}. Write for example: SELECT MAX(seats) FROM {{table}}",
        code="rule_query",
    )
