"""What a contract promises of the values of one column beyond its type: what is counted of it, and what is said and not counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from beijiang.kit import Text
from beijiang.quality import Kind, RuleDraft, Severity

if TYPE_CHECKING:
    from beijiang.contracts.models.terms import DataObject, Field
    from beijiang.kit.errors import JsonValue

__all__ = ["DERIVED_SHOWN", "RELATION", "Left", "grave", "of_options", "unheld"]

RELATION: Final = Text(
    "引用关系仅供查阅；需要计数时请为表添加“引用”规则。", "A relationship is shown; add a reference rule to count it."
)
DERIVED_SHOWN: Final = Text(
    "度量或维度由列算出，表中没有这一列，仅供查阅。",
    "A measure or dimension is reckoned from columns; the table has no such column, and it is shown.",
)
_FORM: Final = {"pattern": "pattern", "minLength": "shortest", "maxLength": "longest"}
_SIZE: Final = {"minimum": "low", "maximum": "high", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
_NUMBERS: Final = frozenset({"number", "integer"})
_DAYS: Final = frozenset({"date", "timestamp"})


@dataclass(frozen=True, slots=True)
class Left:
    """A term that is kept and shown, and not counted by the platform."""

    where: str
    text: Text


def grave(name: str, kind: Kind, columns: Sequence[str], **words: object) -> RuleDraft:
    """Return a rule of the shape of a table, which holds a version back."""
    params = {key: value for key, value in words.items() if isinstance(value, str | int | float)}
    severity = Severity.CRITICAL
    return RuleDraft(kind=kind, columns=tuple(columns), params=params, name=name[:200], severity=severity)


def of_options(one: Field) -> Iterator[RuleDraft]:
    """Return the rules that the options of a column's logical type and its list of values come to."""
    if one.allowed:
        values = json.dumps(one.allowed, ensure_ascii=False)
        yield grave(f"契约：{one.column} 取值列表", Kind.VALUES, [one.column], values=values)
    held = _held(one)
    form = {name: held[key] for key, name in _FORM.items() if key in held}
    if form:
        yield grave(f"契约：{one.column} 格式", Kind.FORMAT, [one.column], **form)
    size = {name: held[key] for key, name in _SIZE.items() if key in held}
    if size:
        yield grave(f"契约：{one.column} 取值范围", Kind.RANGE, [one.column], **size)
    if "multipleOf" in held:
        quoted = one.column.replace('"', '""')
        whole = held["multipleOf"]
        name = f"契约：{one.column} 为 {whole} 的倍数"
        yield grave(name, Kind.EXPRESSION, (), expression=f'"{quoted}" % {whole} = 0')


def unheld(found: DataObject, one: Field) -> Iterator[Left]:
    """Return what a column promises that is not counted: other options, parts of its values, relationships."""
    where = f"{found.name}.{one.name}"
    held = _held(one)
    rest = [key for key in one.options if key not in held]
    if rest:
        words = ", ".join(rest)[:200]
        yield Left(
            f"{where} {words}",
            Text(
                "平台无法在这一类型的列上计数，仅供查阅。",
                "It cannot be counted in a column of this type; it is shown.",
            ),
        )
    if one.parts:
        yield Left(
            where,
            Text(
                "列内部的结构保存为文字，不逐项计数。",
                "What its values are made of is kept as text and not counted part by part.",
            ),
        )
    for to in one.relationships:
        yield Left(f"{where} → {to}", RELATION)


def _held(one: Field) -> Mapping[str, JsonValue]:
    """Return the options that can be counted in columns of the logical type, as they are written."""
    return {key: value for key, value in one.options.items() if _counts(one.logical_type, key, value)}


def _counts(logical: str, key: str, value: JsonValue) -> bool:
    if key == "pattern":
        return isinstance(value, str) and bool(value)
    if isinstance(value, bool):
        return False
    if key in _FORM:
        return isinstance(value, int) and value >= 0
    if key == "multipleOf":  # a part of one cannot be told exactly in columns of doubles
        return logical in _NUMBERS and isinstance(value, int) and value > 0
    if key not in _SIZE:
        return False
    return (
        isinstance(value, int | float) if logical not in _DAYS else isinstance(value, str) and _moment(logical, value)
    )


def _moment(logical: str, words: str) -> bool:
    try:
        date.fromisoformat(words) if logical == "date" else datetime.fromisoformat(words)
    except ValueError:
        return False
    return True
