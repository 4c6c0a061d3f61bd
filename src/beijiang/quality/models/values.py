"""Cells and parameters of a rule as expressions of the query tree, and what a rule is compiled by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.checksums import full_match
from beijiang.kit import Invalid
from beijiang.quality.models.grammar import cell, iso_day
from beijiang.quality.models.rules import RuleDraft

if TYPE_CHECKING:
    from beijiang.quality.models.queries import Reader
    from beijiang.standards import CodeSpan, DataElement
    from beijiang.tables import Measured

__all__ = [
    "Facts",
    "all_filled",
    "comparable",
    "dashed",
    "fails",
    "filled",
    "is_null",
    "limit_of",
    "listed",
    "moment",
    "negated",
    "number",
    "param",
    "whole_number",
]

_DIGITS: Final = 30


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule is compiled for: a version, what other tables and standards say, and the moment."""

    table: Measured
    types: Mapping[str, str]
    now: datetime
    codes: Callable[[str], Sequence[str]]
    """The codes of a code set that hold today."""
    named: Callable[[str], Sequence[tuple[str, str]]]
    """Those codes with their Chinese names."""
    spans: Callable[[str], Sequence[CodeSpan]]
    """All codes that a code set ever had, by the days on which they hold."""
    element: Callable[[str], DataElement]
    """A data element of the registry."""
    columns_of: Callable[[str], Mapping[str, str]]
    """The columns of another table, with their types."""
    keeps_history: Callable[[str], bool]
    """Whether the rows of another table are states, of which only some hold now."""
    read: Reader
    """Reads a query of people."""


def number(value: int) -> exp.Expr:
    """Return a whole number as a literal."""
    return exp.Literal.number(value)


def is_null(value: exp.Expr) -> exp.Expr:
    """Test for NULL."""
    return exp.Is(this=value, expression=exp.null())


def filled(name: str, facts: Facts) -> exp.Expr:
    """Test whether a cell carries a value: blanks are none."""
    if facts.types[name] != "text":
        return exp.Not(this=is_null(cell(name)))
    return exp.NEQ(this=cell(name, "text"), expression=exp.Literal.string(""))


def all_filled(names: Sequence[str], facts: Facts) -> exp.Expr:
    """Test whether each of some cells carries a value."""
    return exp.and_(*(filled(name, facts) for name in names), copy=False)


def negated(test: exp.Expr) -> exp.Expr:
    """Return the opposite of a test; NULL stays NULL."""
    return exp.Not(this=exp.paren(test, copy=False))


def fails(test: exp.Expr) -> exp.Expr:
    """A test that comes to NULL has failed."""
    return negated(exp.Coalesce(this=test, expressions=[exp.false()]))


def param(rule: RuleDraft, name: str) -> str:
    """Return a parameter of a rule as text, empty where it was not given."""
    value = rule.params.get(name)
    return "" if value is None else str(value).strip()


def listed(rule: RuleDraft, name: str) -> tuple[str | None, ...]:
    """Return a parameter that lists values: a JSON list, in which null may stand, or words between semicolons."""
    words = param(rule, name)
    if not words.startswith("["):
        return tuple(dict.fromkeys(part.strip() for part in words.replace("；", ";").split(";") if part.strip()))
    try:
        found = json.loads(words)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(value is None or isinstance(value, str | int | float) for value in found):
        raise Invalid(
            f"参数 {name} 应为值的清单，以分号分隔。",
            f"Parameter {name} is a list of values with semicolons between them.",
            code="rule_parameter",
        )
    shown = (str(value).lower() if isinstance(value, bool) else value for value in found)
    return tuple(dict.fromkeys(None if value is None else str(value).strip() for value in shown))


def whole_number(rule: RuleDraft, name: str) -> int | None:
    """Return a parameter that counts something, None where it was not given."""
    words = param(rule, name)
    if not words:
        return None
    try:
        found = int(words)
    except ValueError:
        found = -1
    if not 0 <= found < 1 << 53:
        raise Invalid(
            f"参数 {name} 应为非负整数。", f"Parameter {name} is a whole number from 0.", code="rule_parameter"
        )
    return found


def limit_of(words: str, kind: str, name: str) -> exp.Expr:
    """Return a limit as a literal of the column's type; text is compared as a number."""
    try:
        if kind == "date":
            return exp.cast(exp.Literal.string(date.fromisoformat(words).isoformat()), "DATE")
        if kind == "timestamp":
            then = datetime.fromisoformat(words)
            return exp.cast(exp.Literal.string(then.isoformat(sep=" ")), "TIMESTAMPTZ", dialect="duckdb")
        found = Decimal(words)
        fits = found.is_finite() and abs(found.adjusted()) < _DIGITS
    except (ValueError, InvalidOperation):
        fits = False
    if not fits:
        raise Invalid(
            f"参数 {name} 的值“{words[:40]}”与列的类型不符：日期写 2024-03-01，数字写 12.5。",
            f'Parameter {name}: "{words[:40]}" does not fit the column; write dates as 2024-03-01, numbers as 12.5.',
            code="rule_parameter",
        )
    size = exp.Literal.number(f"{abs(found):f}")
    return size if found >= 0 else exp.Neg(this=size)


def comparable(name: str, facts: Facts) -> exp.Expr:
    """Return a cell that can be compared with numbers; text that is none is NULL."""
    if facts.types[name] == "text":
        return exp.TryCast(this=cell(name, "text"), to=exp.DataType.build("DOUBLE"))
    return cell(name)


def moment(name: str, facts: Facts) -> exp.Expr:
    """Return a cell as a day or moment; text is read as an ISO day, and what is none is NULL."""
    if facts.types[name] == "text":
        return iso_day(cell(name, "text"))
    if facts.types[name] not in {"date", "timestamp"}:
        raise Invalid(
            f"列“{name}”不是日期或时间。", f'Column "{name}" holds no dates or moments.', code="rule_parameter"
        )
    return cell(name)


def dashed(value: exp.Expr) -> exp.Expr:
    """Return a day of eight digits with dashes, anything else as it is."""
    parts: list[exp.Expr] = []
    for start, length in ((1, 4), (5, 2), (7, 2)):
        if parts:
            parts.append(exp.Literal.string("-"))
        parts.append(exp.Substring(this=value.copy(), start=number(start), length=number(length)))
    dashed = exp.Concat(expressions=parts, safe=True)
    return exp.Case().when(full_match(value, "[0-9]{8}"), dashed).else_(value.copy())
