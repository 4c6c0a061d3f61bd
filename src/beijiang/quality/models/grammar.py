"""The closed grammar of conditions: columns of one table, literals, comparisons, arithmetic and a few functions.

A person's text is parsed, every node is looked at, and the tree is built anew from what is allowed: no sub-query, no other
table, no function outside the list, and no cast that can fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from beijiang.engine.checksums import full_match
from beijiang.engine.parsing import statements
from beijiang.kit import Invalid

__all__ = ["PART_MARK", "ROWS", "cell", "columns_in", "condition", "iso_day", "unknown_column"]

ROWS: Final = "t"
"""Alias of the table whose rows are judged."""
PART_MARK: Final = "_bj_part_of:"
"""No column of a person's table begins so."""
LONGEST: Final = 2000
_NODES_MOST: Final = 300
_DEEPEST: Final = 40

_PLAIN: Final = (
    exp.Add,
    exp.And,
    exp.Between,
    exp.Boolean,
    exp.Case,
    exp.Div,
    exp.EQ,
    exp.GT,
    exp.GTE,
    exp.If,
    exp.In,
    exp.Is,
    exp.LT,
    exp.LTE,
    exp.Like,
    exp.Mod,
    exp.Mul,
    exp.NEQ,
    exp.Neg,
    exp.Not,
    exp.Null,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Or,
    exp.Paren,
    exp.Sub,
)
_FUNCTIONS: Final = (
    exp.Abs,
    exp.Ceil,
    exp.Coalesce,
    exp.Concat,
    exp.CurrentDate,
    exp.DPipe,
    exp.DateDiff,
    exp.Day,
    exp.EndsWith,
    exp.Floor,
    exp.Greatest,
    exp.Least,
    exp.Left,
    exp.Length,
    exp.Lower,
    exp.Month,
    exp.Nullif,
    exp.RegexpLike,
    exp.Right,
    exp.Round,
    exp.StartsWith,
    exp.Substring,
    exp.Trim,
    exp.Upper,
    exp.Year,
)
_TYPES: Final = {"BIGINT", "INT", "DOUBLE", "DECIMAL", "VARCHAR", "TEXT", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "BOOLEAN"}
_HOLDERS: Final = (exp.Identifier, exp.Var, exp.DataType, exp.DataTypeParam)


def holding_now() -> exp.Expr:
    """Test whether a row of a table that keeps history is what holds now."""
    return exp.Is(this=exp.column("valid_to", quoted=True), expression=exp.null())


def cell(name: str, part: str = "") -> exp.Column:
    """Return a column of the judged table, or a part of it that is computed beforehand (see ``measure``)."""
    word = f"{PART_MARK}{part}:{name}" if part else name
    return exp.column(exp.to_identifier(word, quoted=True), table=exp.to_identifier(ROWS))


def condition(text: str, types: Mapping[str, str], today: date) -> exp.Expr:
    """Read a condition over the columns of a table; names in Chinese need no quotes, ``current_date`` is ``today``.

    Raises:
        Invalid: it cannot be read, names an unknown column, or uses what the grammar does not have.

    """
    parsed = _parsed(text)
    nodes = list(parsed.walk())
    if len(nodes) > _NODES_MOST or _depth(parsed) > _DEEPEST:
        raise _wrong("太长或嵌套太深，请拆成几条规则", "it is too long or nested too deeply; make several rules of it")
    for node in nodes:
        _allow(node, types)
    return exp.paren(_safe(parsed, types, today), copy=False)


def columns_in(text: str) -> tuple[str, ...]:
    """Return the columns that a condition names, in order."""
    return tuple(dict.fromkeys(column.name for column in _parsed(text).find_all(exp.Column)))


def _parsed(text: str) -> exp.Expr:
    if not text.strip() or len(text) > LONGEST:
        raise _wrong(f"条件应为 1 到 {LONGEST} 个字符", f"a condition has 1 to {LONGEST} characters")
    try:
        found = statements(text)
    except (SqlglotError, RecursionError):
        found = []
    if len(found) != 1:
        raise _wrong(
            "读不懂。写法示例：开始日期 <= 结束日期 AND 金额 > 0",
            "it cannot be read; write for example: 开始日期 <= 结束日期 AND 金额 > 0",
        )
    return found[0]


def _depth(tree: exp.Expr) -> int:
    """Return how deep a tree is, without recursion."""
    deepest, todo = 0, [(tree, 1)]
    while todo:
        node, depth = todo.pop()
        deepest = max(deepest, depth)
        todo += [(child, depth + 1) for child in node.iter_expressions()]
    return deepest


def _allow(node: exp.Expr, types: Mapping[str, str]) -> None:
    if isinstance(node, exp.Column):
        if node.table:
            raise _wrong("只能使用本表的列，不写表名", "only columns of this table can be used, without a table's name")
        if node.name not in types:
            raise unknown_column(node.name, types)
        return
    if isinstance(node, exp.Cast | exp.TryCast):
        name = node.to.this.name if isinstance(node.to.this, exp.DataType.Type) else ""
        if name not in _TYPES:
            raise _wrong(f"不能转换为 {node.to.sql()}", f"nothing can be cast to {node.to.sql()}")
        return
    if isinstance(node, exp.Literal) or type(node) in _ALLOWED or isinstance(node, _HOLDERS):
        return
    raise _wrong(f"不能使用 {_spoken(node)}", f"{_spoken(node)} cannot be used")


_ALLOWED: Final = frozenset((*_PLAIN, *_FUNCTIONS))


def _spoken(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.this)[:40]
    return node.key.upper().replace("_", " ")


def iso_day(value: exp.Expr) -> exp.Expr:
    """Read a text as a day written 2024-03-01; anything else, and days that do not exist, are NULL.

    Engines differ in what else they take for a day, so nothing else is.
    """
    shape = full_match(value, "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
    return exp.Case().when(shape, exp.TryCast(this=value.copy(), to=exp.DataType.build("DATE")))


def _safe(tree: exp.Expr, types: Mapping[str, str], today: date) -> exp.Expr:
    """Name the table of each column, let a cast that fails be NULL, and say which day today is."""

    def step(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return cell(node.name)
        if isinstance(node, exp.CurrentDate):
            return exp.cast(exp.Literal.string(today.isoformat()), "DATE")
        if isinstance(node, exp.Cast):
            inner = _safe(node.this, types, today)
            text = isinstance(node.this, exp.Column) and types[node.this.name] == "text"
            if text and node.to.this is exp.DataType.Type.DATE:
                return exp.paren(iso_day(exp.Trim(this=inner)), copy=False)
            return exp.TryCast(this=inner, to=node.to)
        return node

    return tree.transform(step)


def unknown_column(name: str, known: Iterable[str]) -> Invalid:
    """Return the error for a column that a table does not have, naming the nearest that it has."""
    names = list(known)
    near = get_close_matches(name, names, n=3, cutoff=0.4) or names[:3]
    return Invalid(
        f"没有名为“{name[:60]}”的列。相近的列：{'、'.join(near)}。",
        f'There is no column "{name[:60]}". Near it: {", ".join(near)}.',
        code="unknown_column",
        detail={"column": name[:60], "near": list(near)},
    )


def _wrong(zh: str, en: str) -> Invalid:
    return Invalid(f"条件不可用：{zh}。", f"The condition cannot be used: {en}.", code="condition_not_allowed")
