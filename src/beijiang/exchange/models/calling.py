"""From the parameters of a consumer to a request, and from an answer to rows that fit what was declared. No input or output."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from beijiang.exchange.models.services import Parameter, ParameterPlace, ServiceField, ServiceSpec, ValueType
from beijiang.kit import Invalid
from beijiang.protection import canonical

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["Bound", "Fitted", "bound", "fitted"]

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TOLD: Final = 20
"""Fields that are named at most when an answer does not fit."""
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Bound:
    """A call with its parameters in their places."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None
    items: Mapping[str, str]
    """Values that stand for fields of the answer."""
    values: Mapping[str, str]
    """All values as text, for the digest."""


def bound(spec: ServiceSpec, given: Mapping[str, Scalar]) -> Bound:
    """Return the request that a call makes.

    Raises:
        Invalid: an unknown parameter, one that is missing, or a value that does not fit; no value is repeated.

    """
    known = {one.name: one for one in spec.parameters}
    for name in given:
        if name not in known:
            raise _wrong("parameter_unknown", str(name)[:60], "没有这个参数", "there is no such parameter")
    values = {one.name: _text(one, given[one.name]) for one in spec.parameters if _is_given(given, one)}
    for one in spec.parameters:
        if one.required and one.name not in values:
            raise _wrong("parameter_missing", one.name, "必填", "it is required")
    path = spec.path
    for one in spec.parameters:
        if one.place is ParameterPlace.PATH:
            path = path.replace("{" + one.name + "}", quote(values[one.name], safe=""))
    query = [
        (one.name, values[one.name])
        for one in spec.parameters
        if one.place is ParameterPlace.QUERY and one.name in values
    ]
    body = {
        one.name: _typed(one, values[one.name])
        for one in spec.parameters
        if one.place is ParameterPlace.BODY and one.name in values
    }
    url = spec.base_url.rstrip("/") + path
    return Bound(
        url=f"{url}?{urlencode(query)}" if query else url,
        headers={
            one.name: quote(values[one.name], safe=" !#$&'()*+,/:;=?@[]\"<>^`|~")
            for one in spec.parameters
            if one.place is ParameterPlace.HEADER and one.name in values
        },
        body=canonical(body).encode() if spec.method == "POST" else None,
        items={one.item: values[one.name] for one in spec.parameters if one.item and one.name in values},
        values=values,
    )


def _is_given(given: Mapping[str, Scalar], one: Parameter) -> bool:
    return one.name in given and given[one.name] is not None and given[one.name] != ""


def _text(one: Parameter, value: Scalar) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value).strip()
    if not isinstance(value, str | int | float) or _CONTROL.search(text) or len(text) > one.longest:
        raise _wrong("parameter_value", one.name, f"最多 {one.longest} 个字符", f"at most {one.longest} characters")
    if one.choices and text not in one.choices:
        raise _wrong("parameter_value", one.name, "不在可选值之内", "it is none of the values that may be chosen")
    if one.place is ParameterPlace.PATH and (
        text == "." or {"/", "\\", ".."} & {*text, *(text[i : i + 2] for i in range(len(text)))}
    ):
        raise _wrong("parameter_value", one.name, "不能有斜线或两点", "it cannot hold slashes or dots in a row")
    if not _READ[one.type](text):
        raise _wrong("parameter_value", one.name, f"应为{one.type.text.zh}", f"it has to be a {one.type.text.en}")
    return text


def _typed(one: Parameter, text: str) -> Any:
    if one.type is ValueType.INTEGER:
        return int(text)
    if one.type is ValueType.DOUBLE:
        return float(text)
    return text == "true" if one.type is ValueType.BOOLEAN else text


def _wrong(code: str, name: str, zh: str, en: str) -> Invalid:
    return Invalid(
        f"参数“{name}”有误：{zh}。请对照服务接口的参数说明。",
        f'The parameter "{name}" is wrong: {en}. See the parameters of the service.',
        code=code,
        detail={"parameter": name},
    )


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


_READ: Final[Mapping[ValueType, Callable[[str], bool]]] = {
    ValueType.TEXT: lambda _: True,
    ValueType.INTEGER: lambda text: bool(_WHOLE.fullmatch(text)),
    ValueType.DOUBLE: _number,
    ValueType.BOOLEAN: lambda text: text in {"true", "false"},
    ValueType.DATE: _day,
    ValueType.TIMESTAMP: _moment,
}


@dataclass(slots=True)
class Fitted:
    """An answer held against what was declared."""

    rows: list[dict[str, str | None]] = field(default_factory=list)
    records: int = 0
    more: bool = False
    unfit: int = 0
    problems: dict[str, int] = field(default_factory=dict)
    """Field and reason, and in how many records; never a value."""
    filled: dict[str, int] = field(default_factory=dict)

    @property
    def told(self) -> tuple[str, ...]:
        """Return the problems, those of most records first."""
        most = sorted(self.problems.items(), key=lambda one: (-one[1], one[0]))[:_TOLD]
        return tuple(f"{words} × {count}" for words, count in most)


Find = Callable[[Any, str], "tuple[bool, Any]"]
Read = Callable[[Any], "tuple[str, str | None]"]


def fitted(spec: ServiceSpec, document: Any, find: Find, read: Read, zone: ZoneInfo) -> Fitted:
    """Return the records of an answer as cells, and which do not fit."""
    made = Fitted()
    there, found = find(document, spec.rows)
    records: Sequence[Any] = found if isinstance(found, list) else [found] if isinstance(found, dict) else []
    if not there or (found is not None and not isinstance(found, list | dict)):
        made.problems[f"{spec.rows or '/'}: records_missing"] = 1
        made.unfit = 1
        return made
    made.more = len(records) > spec.max_rows
    for record in records[: spec.max_rows]:
        made.records += 1
        cells, wrong = _cells(spec, record, find, read, zone)
        for words in wrong:
            made.problems[words] = made.problems.get(words, 0) + 1
        if wrong:
            made.unfit += 1
            continue
        made.rows.append(cells)
        for name, value in cells.items():
            made.filled[name] = made.filled.get(name, 0) + (value is not None)
    return made


def _cells(
    spec: ServiceSpec, record: Any, find: Find, read: Read, zone: ZoneInfo
) -> tuple[dict[str, str | None], list[str]]:
    if not isinstance(record, dict):
        return {}, ["record: not_an_object"]
    cells: dict[str, str | None] = {}
    wrong = []
    for one in spec.fields:
        value = find(record, one.path)[1] if one.path else record.get(one.column)
        kind, text = read(value)
        if text is None:
            if one.required:
                wrong.append(f"{one.column}: missing")
            cells[one.column] = None
            continue
        reason, cells[one.column] = _cell(one, kind, text, zone)
        if reason:
            wrong.append(f"{one.column}: {reason}")
    return cells, wrong


_OF: Final[Mapping[ValueType, frozenset[str]]] = {
    ValueType.TEXT: frozenset({"string", "number"}),
    ValueType.INTEGER: frozenset({"number"}),
    ValueType.DOUBLE: frozenset({"number"}),
    ValueType.BOOLEAN: frozenset({"boolean"}),
    ValueType.DATE: frozenset({"string"}),
    ValueType.TIMESTAMP: frozenset({"string"}),
}


def _cell(one: ServiceField, kind: str, text: str, zone: ZoneInfo) -> tuple[str, str]:
    """Return what is wrong with a value, and the value as its type is read."""
    if kind not in _OF[one.type] or not _READ[one.type](text):
        return f"not_{one.type.value}", text
    if len(text) > one.longest or "\x00" in text:
        return "too_long", text
    if one.choices and text not in one.choices:
        return "not_a_choice", text
    if one.type is ValueType.TIMESTAMP:
        moment = datetime.fromisoformat(text)
        return "", (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat(sep=" ")
    return "", text
