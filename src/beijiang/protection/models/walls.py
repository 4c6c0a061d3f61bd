"""Walls 0-2 of the SQL gateway (security.md 3.1): one query, made of what ``allowed`` lists, with its tables by scope.

A refusal says where in the text it looked, never what stands there: whether a table is unknown or hidden looks the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from beijiang.kit import Refused
from beijiang.protection.models.allowed import ARGUMENTS, FUNCTIONS, NODES, OF_THE_MOMENT, PLAIN_FUNCTIONS, TYPES

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = [
    "fold",
    "function_words",
    "governed_tables",
    "parameters",
    "parse",
    "place_of",
    "read_query",
    "refusal",
    "timeless",
    "unknown_entries",
]

LENGTH_LIMIT: Final = 20_000
NODES_LIMIT: Final = 5_000
DEPTH_LIMIT: Final = 64
WIDTH_LIMIT: Final = 10_000
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_ ]{0,40}")
_FOLD: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

Belongs: TypeAlias = Callable[[str, str, str], bool]
"""Tells whether a site (or nothing), a department and a table go together for somebody who may see that table."""

_WIDTHS: Final = frozenset({"Pad", "Repeat"})
_PLAIN_WIDTHS: Final = frozenset({"lpad", "rpad", "repeat"})


def refusal(text: str = "", at: int | None = None) -> Refused:
    """Return the one error for SQL that the walls do not let through; it names the place and repeats nothing of the text."""
    zh = en = ""
    detail: dict[str, JsonValue] = {}
    if at is not None:
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        zh, en = f"问题在第 {line} 行第 {column} 列。", f" The trouble is at line {line}, column {column}."
        detail = {"line": line, "column": column}
    return Refused(
        f"这条查询不被允许：只能使用一条 SELECT 语句，查询目录中您有权使用的表，以及常用的运算和函数。{zh}",
        f"This query is not allowed: write one SELECT over catalogued tables that you may use, with common operators and functions.{en}",
        code="sql_not_allowed",
        detail=detail,
    )


def place_of(node: exp.Expr) -> int | None:
    """Return where a node begins in the text, as far as the parser remembers."""
    return next((found.meta["start"] for found in node.walk() if "start" in found.meta), None)


def fold(name: str) -> str:
    """Return a name as the engine compares it: only A-Z have a lower case."""
    return name.translate(_FOLD)


def parse(text: str, values: Sequence[exp.Expr] = (), belongs: Belongs | None = None) -> exp.Query:
    """Return the tree of exactly one query that is made of allowed parts only, with every name quoted.

    ``values`` take the places of its parameters (``?`` or ``$1``) as literals of the tree, and pass the same walls. Names of
    sites and departments before a table's are not allowed, but where ``belongs`` knows them they are left out first.

    Raises:
        Refused: anything else (``sql_not_allowed``).

    """
    from beijiang.engine.parsing import statements  # brings the parser of a dialect, which few commands need

    if len(text) > LENGTH_LIMIT or "\x00" in text:
        raise refusal()
    try:
        found = statements(text)
        if len(found) != 1 or not isinstance(found[0], exp.Query):
            raise refusal()
        tree = found[0]
        if values:
            _fill(tree, values)
        if belongs is not None:
            _shorten(tree, belongs)
        _check(tree)
    except ParseError as error:
        raise refusal(text, _fault(text, error)) from None
    except _Barred as barred:
        raise refusal(text, barred.at) from None
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, KeyError, IndexError):
        raise refusal() from None
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", True)
    for node in tree.walk():
        node.pop_comments()
    return tree


def read_query(text: str) -> tuple[exp.Query, tuple[str, ...]]:
    """Return the tree of an allowed query and the names of its tables, as they are written.

    Raises:
        Refused: anything else (``sql_not_allowed``).

    """
    tree = parse(text)
    return tree, tuple(dict.fromkeys(place.name for place in governed_tables(tree)))


def parameters(text: str) -> int:
    """Return how many parameters a text has; 0 too where it cannot be read, which ``parse`` tells of."""
    from beijiang.engine.parsing import statements

    if len(text) > LENGTH_LIMIT or ("?" not in text and "$" not in text):
        return 0
    try:
        found = statements(text)
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, KeyError, IndexError):
        return 0
    return max((_number(node) for tree in found for node in tree.find_all(exp.Placeholder)), default=0)


def _number(node: exp.Placeholder) -> int:
    word = str(node.this or "")
    return int(word) if word.isascii() and word.isdigit() and len(word) < len(str(LENGTH_LIMIT)) else 0


def _fill(tree: exp.Query, values: Sequence[exp.Expr]) -> None:
    """Put a value in the place of each parameter; a parameter without a value stays, and is not allowed."""
    for node in [*tree.find_all(exp.Placeholder)]:
        number = _number(node)
        if 0 < number <= len(values):
            node.replace(values[number - 1].copy())


def _shorten(tree: exp.Query, belongs: Belongs) -> None:
    """Leave out what stands before the name of a table that is known there, at the table and at its columns."""
    known = set()
    for table in tree.find_all(exp.Table):
        named = table.catalog, table.db, table.name
        if table.db and isinstance(table.this, exp.Identifier) and belongs(*named):
            known.add(tuple(map(fold, named)))
            table.set("db", None)
            table.set("catalog", None)
    for column in tree.find_all(exp.Column) if known else ():
        if column.db and tuple(map(fold, (column.catalog, column.db, column.table))) in known:
            column.set("db", None)
            column.set("catalog", None)


class _Barred(Exception):
    """A part that is not allowed, by where it stands."""

    def __init__(self, node: exp.Expr) -> None:
        super().__init__()
        self.at = place_of(node)


def _fault(text: str, error: ParseError) -> int | None:
    """Return where the parser stopped: the token that it did not expect."""
    found = error.errors[0] if error.errors else {}
    before, token = found.get("start_context"), found.get("highlight")
    line, end = found.get("line"), found.get("col")
    if (
        not isinstance(before, str)
        or not isinstance(token, str)
        or not isinstance(line, int)
        or not isinstance(end, int)
    ):
        return None
    start = sum(len(one) + 1 for one in text.split("\n")[: line - 1])
    return max(start, min(len(text), start + end - len(token)))


def _check(tree: exp.Query) -> None:
    count = 0
    stack: list[tuple[exp.Expr, int]] = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > NODES_LIMIT or depth > DEPTH_LIMIT:
            raise _Barred(node)
        _check_node(node)
        step = 0 if isinstance(node, exp.Connector | exp.Add | exp.DPipe) and isinstance(node.this, type(node)) else 1
        stack += [(child, depth + step) for child in node.iter_expressions()]


def _check_node(node: exp.Expr) -> None:
    name = type(node).__name__
    if isinstance(node, exp.Anonymous):
        _check_plain_function(node)
    elif name not in NODES and name not in FUNCTIONS:
        raise _Barred(node)
    allowed = ARGUMENTS.get(name)
    for key, value in node.args.items():
        if value is None or value is False or value == []:
            continue
        if allowed is not None and key not in allowed:
            raise _Barred(node)
        if isinstance(value, str) and not _may_hold_text(node) and not _WORD.fullmatch(value):
            raise _Barred(node)
    check = _CHECKS.get(name)
    if check is not None and not check(node):
        raise _Barred(node)
    if name in _WIDTHS:
        _check_width(node, node.args.get("expression") or node.args.get("times"))


def _may_hold_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Identifier | exp.Literal | exp.Anonymous)


def _check_plain_function(node: exp.Anonymous) -> None:
    if not isinstance(node.this, str) or fold(node.this) not in PLAIN_FUNCTIONS:
        raise _Barred(node)
    if fold(node.this) in _PLAIN_WIDTHS:
        _check_width(node, node.expressions[1] if len(node.expressions) > 1 else None)


def _check_width(node: exp.Expr, width: exp.Expr | None) -> None:
    """A width that is computed can fill the memory before any limit of the engine sees it (security.md 3.3)."""
    if not isinstance(width, exp.Literal) or width.is_string or not str(width.this).isdigit():
        raise _Barred(node)
    if int(width.this) > WIDTH_LIMIT:
        raise _Barred(node)


def _plain_table(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Identifier)


def _simple_type(node: exp.Expr) -> bool:
    kind = node.this
    return isinstance(kind, exp.DataType.Type) and kind.name in TYPES


def _lateral_query(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Subquery)


def _plain_word(node: exp.Expr) -> bool:
    return isinstance(node.this, str) and _WORD.fullmatch(node.this) is not None


def _no_positional_join(node: exp.Expr) -> bool:
    return not isinstance(node.this, exp.Table) or _plain_table(node.this)


_CHECKS: Final[dict[str, Callable[[exp.Expr], bool]]] = {
    "Table": _plain_table,
    "DataType": _simple_type,
    "Lateral": _lateral_query,
    "Var": _plain_word,
    "Join": _no_positional_join,
}


def governed_tables(tree: exp.Query) -> list[exp.Table]:
    """Return the table nodes that no CTE binds, by lexical scope: a body sees itself only if it is recursive.

    Raises:
        Refused: the tree is nested too deep.

    """
    found: list[exp.Table] = []
    try:
        _visit(tree, frozenset(), found)
    except RecursionError:
        raise refusal() from None
    return found


def _visit(node: exp.Expr, bound: frozenset[str], found: list[exp.Table]) -> None:
    with_ = node.args.get("with_")
    if isinstance(with_, exp.With):
        recursive = bool(with_.args.get("recursive"))
        for cte in with_.expressions:
            name = fold(cte.alias)
            _visit(cte.this, bound | {name} if recursive else bound, found)
            bound |= {name}
    if isinstance(node, exp.Table) and fold(node.name) not in bound:
        found.append(node)
    for key, value in node.args.items():
        if key == "with_":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, exp.Expr):
                _visit(child, bound, found)


def timeless(tree: exp.Query) -> bool:
    """Tell whether a query gives the same answer on the same rows at any time."""
    return not any(
        type(node).__name__ in OF_THE_MOMENT or (isinstance(node, exp.Anonymous) and fold(node.this) in OF_THE_MOMENT)
        for node in tree.walk()
    )


@cache
def function_words() -> tuple[str, ...]:
    """Return the functions that a query may use, by the names that people write; for completion and the manual."""
    known = {getattr(exp, name).sql_name().lower() for name in FUNCTIONS}
    return tuple(sorted({word for word in {*PLAIN_FUNCTIONS, *known} if not word.startswith("ts_or_ds")} - {"pad"}))


@cache
def unknown_entries() -> tuple[str, ...]:
    """Return listed nodes that this parser does not have; a test keeps it empty."""
    return tuple(sorted(name for name in NODES | FUNCTIONS if not isinstance(getattr(exp, name, None), type)))
