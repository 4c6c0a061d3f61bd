"""Turn filters of a reader into conditions of the query tree: typed literals only, never text of SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Final

from sqlglot import exp

from beijiang.kit import Invalid, half_width
from beijiang.tables import AnyPart, Filter, FilterOp

__all__ = ["column_ref", "condition", "conditions", "literal", "unknown_column"]

VALUES_LIMIT: Final = 3000
PARTS_LIMIT: Final = 50_000
TEXT_LIMIT: Final = 2000
_TEXT_OPS: Final = {FilterOp.CONTAINS, FilterOp.STARTSWITH, FilterOp.ENDSWITH}
_ORDER_OPS: Final[dict[FilterOp, type[exp.Binary]]] = {
    FilterOp.EQ: exp.EQ,
    FilterOp.NE: exp.NEQ,
    FilterOp.GT: exp.GT,
    FilterOp.GTE: exp.GTE,
    FilterOp.LT: exp.LT,
    FilterOp.LTE: exp.LTE,
}
_BIGGEST: Final = 1 << 63
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")


def column_ref(name: str) -> exp.Column:
    """Return a quoted reference to a column."""
    return exp.column(exp.to_identifier(name, quoted=True))


def unknown_column(name: str, visible: Iterable[str]) -> Invalid:
    """Return the error for a column that is not there for this reader, naming the nearest that are."""
    known = list(visible)
    shown = name[:60]
    near = get_close_matches(shown, known, n=3, cutoff=0.4) or known[:3]
    names_zh, names_en = "、".join(near), ", ".join(near)
    return Invalid(
        f"没有名为“{shown}”的列。相近的列：{names_zh}。请使用列清单中的名称。",
        f'There is no column "{shown}". Near it: {names_en}. Use a name from the list of columns.',
        code="unknown_column",
        detail={"column": shown, "near": list(near)},
    )


def conditions(filters: Sequence[Filter], types: Mapping[str, str]) -> exp.Expr | None:
    """Return the filters joined by AND, or None for no filter.

    Raises:
        Invalid: unknown column (``unknown_column``), or a value that does not fit the column (``filter_value``).

    """
    parts = [condition(one, types) for one in filters]
    return exp.and_(*parts, copy=False) if parts else None


def condition(one: Filter, types: Mapping[str, str]) -> exp.Expr:
    """Return one filter as a condition on a visible column."""
    if one.column not in types:
        raise unknown_column(one.column, types)
    kind, column = types[one.column], column_ref(one.column)
    if isinstance(one, AnyPart):
        return _any_part(one, column, kind)
    if one.op in {FilterOp.ISNULL, FilterOp.NOTNULL}:
        is_null = exp.Is(this=column, expression=exp.null())
        return is_null if one.op is FilterOp.ISNULL else exp.Not(this=is_null)
    if one.op in {FilterOp.IN_, FilterOp.NOTIN}:
        return _membership(one, column, kind)
    if one.op in _TEXT_OPS:
        return _text_match(one, column, kind)
    if kind == "boolean" and one.op not in {FilterOp.EQ, FilterOp.NE}:
        raise _unfit(one, "是否类型的列只能判断等于或不等于", "a yes/no column can only be compared for equality")
    return _ORDER_OPS[one.op](this=column, expression=literal(one.value, kind, one))


def _membership(one: Filter, column: exp.Expr, kind: str) -> exp.Expr:
    values = one.value.split(",") if isinstance(one.value, str) else one.value
    if not isinstance(values, Sequence) or not 1 <= len(values) <= VALUES_LIMIT:
        raise _unfit(one, f"请给出 1 到 {VALUES_LIMIT} 个值", f"give 1 to {VALUES_LIMIT} values")
    inside = exp.In(this=column, expressions=[literal(value, kind, one) for value in values])
    return inside if one.op is FilterOp.IN_ else exp.Not(this=inside)


def _any_part(one: AnyPart, column: exp.Expr, kind: str) -> exp.Expr:
    """Look up each piece of the text among the parts, by their length: a join by value, not one search a part."""
    parts = one.value if isinstance(one.value, Sequence) and not isinstance(one.value, str) else ()
    if kind != "text" or not 1 <= len(parts) <= PARTS_LIMIT or not all(parts):
        raise _unfit(
            one, f"请对文本列给出 1 到 {PARTS_LIMIT} 段文字", f"give 1 to {PARTS_LIMIT} texts for a text column"
        )
    sized: dict[int, list[exp.Expr]] = {}
    for part in parts:
        sized.setdefault(len(str(part)), []).append(literal(part, "text", one))
    return exp.or_(*(_holds(column, size, listed) for size, listed in sized.items()), copy=False)


def _holds(column: exp.Expr, size: int, parts: list[exp.Expr]) -> exp.Expr:
    """Tell whether a piece of ``size`` characters anywhere in a text is among some."""
    whole = exp.Anonymous(this="LENGTH", expressions=[column.copy()])
    end = exp.Add(this=exp.Sub(this=whole, expression=exp.Literal.number(size)), expression=exp.Literal.number(2))
    places = exp.Anonymous(this="RANGE", expressions=[exp.Literal.number(1), end])
    spots = exp.select(
        exp.alias_(exp.Anonymous(this="UNNEST", expressions=[places]), "_bj_spot", copy=False), copy=False
    )
    piece = exp.Anonymous(
        this="SUBSTRING", expressions=[column.copy(), exp.column("_bj_spot"), exp.Literal.number(size)]
    )
    found = exp.select(exp.Literal.number(1), copy=False).from_(spots.subquery("_bj_spots", copy=False), copy=False)
    return exp.Exists(this=found.where(exp.In(this=piece, expressions=parts), copy=False))


def _text_match(one: Filter, column: exp.Expr, kind: str) -> exp.Expr:
    if kind != "text":
        raise _unfit(one, "只有文本列可以按部分内容筛选", "only text columns can be matched by part")
    if one.value is None or str(one.value) == "":
        raise _unfit(one, "请给出要查找的文字", "give the words to look for")
    name = {FilterOp.CONTAINS: "CONTAINS", FilterOp.STARTSWITH: "STARTS_WITH", FilterOp.ENDSWITH: "ENDS_WITH"}[one.op]
    return exp.Anonymous(this=name, expressions=[column, literal(one.value, "text", one)])


def literal(value: Any, kind: str, one: Filter) -> exp.Expr:
    """Return a value as a literal of the column's type.

    Raises:
        Invalid: the value does not fit (``filter_value``); it is not repeated in the message.

    """
    try:
        return _LITERALS.get(kind, _text)(value)
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        zh, en = _WANTED.get(kind, ("文本", "text"))
        raise _unfit(one, f"需要{zh}", f"{en} is needed") from None


def _text(value: Any) -> exp.Expr:
    if value is None:
        raise ValueError
    words = value.isoformat() if isinstance(value, date) else str(value)
    if "\x00" in words or len(words) > TEXT_LIMIT:
        raise ValueError
    return exp.Literal.string(words)


def _integer(value: Any) -> exp.Expr:
    number = _decimal_of(value)
    if number == number.to_integral_value() and abs(number) < _BIGGEST:
        return exp.Literal.number(int(number)) if number >= 0 else exp.Neg(this=exp.Literal.number(-int(number)))
    return _decimal(value)


def _decimal(value: Any) -> exp.Expr:
    number = _decimal_of(value)
    size = exp.Literal.number(f"{abs(number):f}")
    return size if number >= 0 else exp.Neg(this=size)


def _decimal_of(value: Any) -> Decimal:
    if isinstance(value, bool) or value is None:
        raise ValueError
    text = half_width(str(value)).strip().replace(",", "")
    if isinstance(value, float) and math.isfinite(value):
        text = f"{Decimal(repr(value)):f}"
    if not _PLAIN_NUMBER.fullmatch(text):
        raise ValueError
    return Decimal(text)


def _double(value: Any) -> exp.Expr:
    number = float(half_width(value).strip()) if isinstance(value, str) else float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError
    return exp.cast(exp.Literal.string(repr(number)), "DOUBLE")


def _boolean(value: Any) -> exp.Expr:
    known = {"true": True, "1": True, "是": True, "yes": True, "false": False, "0": False, "否": False, "no": False}
    words = str(value).strip().lower()
    if words not in known:
        raise ValueError
    return exp.true() if known[words] else exp.false()


def _date(value: Any) -> exp.Expr:
    if isinstance(value, datetime):
        value = value.date()
    day = value if isinstance(value, date) else date.fromisoformat(half_width(str(value)).strip().replace("/", "-"))
    return exp.cast(exp.Literal.string(day.isoformat()), "DATE")


def _timestamp(value: Any) -> exp.Expr:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        moment = datetime.fromisoformat(half_width(str(value)).strip())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return exp.cast(exp.Literal.string(aware.isoformat(sep=" ")), "TIMESTAMPTZ", dialect="duckdb")


_LITERALS: Final[dict[str, Callable[[Any], exp.Expr]]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "double": _double,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}
_WANTED: Final = {
    "integer": ("整数", "a whole number"),
    "decimal": ("数字", "a number"),
    "double": ("数字", "a number"),
    "boolean": ("是或否", "yes or no"),
    "date": ("日期，如 2024-03-01", "a date such as 2024-03-01"),
    "timestamp": ("时间，如 2024-03-01 08:00", "a time such as 2024-03-01 08:00"),
}


def _unfit(one: Filter, zh: str, en: str) -> Invalid:
    return Invalid(
        f"列“{one.column}”的筛选条件不适用：{zh}。",
        f'The filter on column "{one.column}" does not fit: {en}.',
        code="filter_value",
        detail={"column": one.column, "op": str(one.op)},
    )
