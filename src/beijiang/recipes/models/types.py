"""Types of values: what an expression of the closed grammar comes to, and texts written as other types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from sqlglot import exp

from beijiang.kit import Invalid
from beijiang.recipes.models.frame import literal

__all__ = ["made_as", "type_of", "typed"]

_SQL: Final = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DOUBLE",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}
_KNOWN: Final[tuple[tuple[tuple[type[exp.Expr], ...], str], ...]] = (
    ((exp.Concat, exp.DPipe, exp.Left, exp.Lower, exp.Right, exp.Substring, exp.Trim, exp.Upper), "text"),
    ((exp.Ceil, exp.DateDiff, exp.Day, exp.Floor, exp.Length, exp.Month, exp.Year), "integer"),
    ((exp.Div,), "double"),
    ((exp.CurrentDate,), "date"),
)
_CAST: Final = {
    "BIGINT": "integer",
    "INT": "integer",
    "DOUBLE": "double",
    "DECIMAL": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMPTZ": "timestamp",
    "BOOLEAN": "boolean",
}


def type_of(tree: exp.Expr, types: Mapping[str, str]) -> str:
    """Return the platform's word for what an expression comes to; decimals are computed as floating-point numbers."""
    if isinstance(tree, exp.Column):
        kind = types.get(tree.name, "text")
        return {"decimal": "double", "geometry": "text"}.get(kind, kind)
    if isinstance(tree, exp.Literal):
        return "text" if tree.is_string else "integer" if tree.is_int else "double"
    if isinstance(tree, exp.Cast | exp.TryCast):
        return _CAST.get(tree.to.this.name, "text")
    if isinstance(tree, exp.Add | exp.Sub | exp.Mul | exp.Mod):
        return _arithmetic(tree, types)
    several = _several(tree)
    if several:
        return _common(several, types)
    return next((word for nodes, word in _KNOWN if isinstance(tree, nodes)), "boolean")


def _several(tree: exp.Expr) -> list[exp.Expr]:
    """Return the expressions one of which a tree comes to."""
    if isinstance(tree, exp.Case):
        rest = tree.args.get("default")
        return [*(branch.args["true"] for branch in tree.args["ifs"]), *([rest] if rest else [])]
    if isinstance(tree, exp.Coalesce | exp.Greatest | exp.Least):
        return [tree.this, *tree.expressions]
    return [tree.this] if isinstance(tree, exp.Abs | exp.Neg | exp.Nullif | exp.Paren | exp.Round) else []


def _common(parts: list[exp.Expr], types: Mapping[str, str]) -> str:
    found = {type_of(part, types) for part in parts if not isinstance(part, exp.Null)}
    if not found:
        return "text"
    if len(found) == 1:
        return found.pop()
    return "double" if found <= {"integer", "double"} else "text"


def _arithmetic(tree: exp.Binary, types: Mapping[str, str]) -> str:
    sides = {type_of(tree.this, types), type_of(tree.expression, types)}
    if sides & {"date", "timestamp"}:
        raise Invalid(
            "日期不能直接加减，请写 date_diff('day', 开始日期, 结束日期)。",
            "Dates cannot be added or subtracted; write date_diff('day', start, end).",
            code="condition_not_allowed",
        )
    return "integer" if sides == {"integer"} else "double"


def made_as(value: exp.Expr, kind: str) -> exp.Expr:
    """Return a value in exactly its type, so that both engines hand over the same; what does not fit is NULL."""
    return exp.TryCast(this=value, to=exp.DataType.build(_SQL[kind], dialect="duckdb"))


def typed(words: str, kind: str) -> exp.Expr:
    """Return a text as a literal of a column's type.

    Raises:
        Invalid: it is none.

    """
    words = words.strip()
    try:
        if kind == "date":
            date.fromisoformat(words)
        elif kind == "timestamp":
            datetime.fromisoformat(words)
        elif kind == "boolean":
            words = {"true": "true", "false": "false", "是": "true", "否": "false"}[words.casefold()]
        else:
            words = format(Decimal(words), "f")
    except (ValueError, InvalidOperation, KeyError):
        raise Invalid(
            f"“{words[:40]}”与列的类型不符：日期写 2024-03-01，数字写 12.5。",
            f'"{words[:40]}" does not fit the column; write dates as 2024-03-01, numbers as 12.5.',
            code="step_parameter",
        ) from None
    return exp.cast(literal(words), _SQL[kind], dialect="duckdb")
