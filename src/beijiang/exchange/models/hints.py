"""Hints of Delta Sharing: conditions by which files that hold no matching row are spared. What is not understood spares nothing.

A hint never decides what somebody sees: it is held against bounds of the served file, whose values are masked already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.protection import CopyPart

__all__ = ["hints_of", "may_match"]

_DEEPEST: Final = 20
_LONGEST: Final = 20_000
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "int": int,
    "long": int,
    "string": str,
    "date": lambda text: date.fromisoformat(text).isoformat(),
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
}
_SQL: Final = {
    "EQ": "equal",
    "LT": "lessThan",
    "LTE": "lessThanOrEqual",
    "GT": "greaterThan",
    "GTE": "greaterThanOrEqual",
}
_TURNED: Final = {
    "equal": "equal",
    "lessThan": "greaterThan",
    "lessThanOrEqual": "greaterThanOrEqual",
    "greaterThan": "lessThan",
    "greaterThanOrEqual": "lessThanOrEqual",
}
_TESTS: Final[Mapping[str, Callable[[Any, Any, Any], bool]]] = {
    "equal": lambda low, high, value: low <= value <= high,
    "lessThan": lambda low, _high, value: low < value,
    "lessThanOrEqual": lambda low, _high, value: low <= value,
    "greaterThan": lambda _low, high, value: high > value,
    "greaterThanOrEqual": lambda _low, high, value: high >= value,
}


def hints_of(sql: object, tree: object) -> Sequence[Mapping[str, Any]]:
    """Read both kinds of hints as trees; what cannot be read is left out."""
    found: list[Mapping[str, Any]] = []
    if isinstance(tree, str) and len(tree) <= _LONGEST:
        try:
            read = json.loads(tree)
        except (ValueError, RecursionError):
            read = None
        found += [read] if isinstance(read, dict) else []
    texts = [text for text in sql if isinstance(text, str)] if isinstance(sql, list) else []
    if sum(map(len, texts)) > _LONGEST:
        return found  # a hint only makes quicker, and reading so much would not
    for text in texts:
        read = _from_sql(text)
        found += [] if read is None else [read]
    return found


def may_match(part: CopyPart, hint: Mapping[str, Any], depth: int = 0) -> bool:
    """Tell whether a file may hold a row that meets a condition."""
    children, op = hint.get("children"), hint.get("op")
    if depth > _DEEPEST or not isinstance(children, list) or not all(isinstance(child, dict) for child in children):
        return True
    if op == "and":
        return all(may_match(part, child, depth + 1) for child in children)
    if op == "or":
        return not children or any(may_match(part, child, depth + 1) for child in children)
    if op == "isNull" and len(children) == 1:
        nulls = part.nulls.get(str(children[0].get("name")))
        return nulls is None or nulls > 0
    return _compared(part, str(op), children)


def _compared(part: CopyPart, op: str, children: Sequence[Mapping[str, Any]]) -> bool:
    if op not in _TESTS or len(children) != 2:  # noqa: PLR2004 - a comparison has two sides
        return True
    left, right = children
    if left.get("op") == "literal":
        left, right, op = right, left, _TURNED[op]
    if left.get("op") != "column" or right.get("op") != "literal":
        return True
    name = str(left.get("name"))
    low, high = part.low.get(name), part.high.get(name)
    try:
        value = _READ[str(right.get("valueType"))](str(right.get("value")))
        known = low is not None and high is not None and type(low) is type(value)
        return not known or _TESTS[op](low, high, value)
    except (KeyError, ValueError, TypeError):
        return True


def _from_sql(text: str) -> Mapping[str, Any] | None:
    import sqlglot

    try:
        return _tree(sqlglot.parse_one(text, dialect="spark"))
    except (sqlglot.errors.SqlglotError, RecursionError):
        return None


def _tree(node: exp.Expr) -> Mapping[str, Any] | None:
    from sqlglot import exp

    if isinstance(node, exp.Paren):
        return _tree(node.this)
    if isinstance(node, exp.And):
        sides = [side for side in (_tree(node.left), _tree(node.right)) if side is not None]
        return {"op": "and", "children": sides}
    op = _SQL.get(type(node).__name__)
    if op is None or not isinstance(node, exp.Binary):
        return None
    left, right = _side(node.left), _side(node.right)
    return None if left is None or right is None else {"op": op, "children": [left, right]}


def _side(node: exp.Expr) -> Mapping[str, Any] | None:
    from sqlglot import exp

    if isinstance(node, exp.Column) and not node.table:
        return {"op": "column", "name": node.name}
    if isinstance(node, exp.Literal):
        return {"op": "literal", "value": node.this, "valueType": "string" if node.is_string else "long"}
    if isinstance(node, exp.Boolean):
        return {"op": "literal", "value": str(node.this), "valueType": "bool"}
    return None
