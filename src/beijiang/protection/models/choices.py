"""Masks that a steward chooses for a column instead of the default: functions and parameters of a closed list.

The functions are those of `standards.md` 7.5 (families of GB/T 37964-2019). Keyed ones (``KEYED``) cannot be expressions of a
query, because no key may stand in SQL: their results are made beforehand (``service/keyed.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from beijiang.kit import Invalid, Text, half_width

__all__ = [
    "KEYED",
    "PARAMETERS",
    "TYPES",
    "MaskChoice",
    "MaskFunction",
    "Parameter",
    "for_outsiders",
    "in_force",
    "number_of",
    "plain",
    "read_parameters",
    "weakens",
]

Parameter: TypeAlias = "str | int | float | tuple[float, ...]"


class MaskFunction(StrEnum):
    """What may be done to the values of a column."""

    KEEP = "keep"
    TRUNCATE = "truncate"
    REGION_UP = "region_up"
    BUCKET = "bucket"
    ROUND_TO = "round_to"
    DATE_TRUNC = "date_trunc"
    CLAMP = "clamp"
    SUPPRESS = "suppress"
    PSEUDONYM = "pseudonym"
    ENCRYPT = "encrypt"
    SHIFT_DATES = "shift_dates"
    NOISE = "noise"

    @property
    def text(self) -> Text:
        """Return its name for people."""
        return _NAMES[self]


_NAMES: Final = {
    MaskFunction.KEEP: Text("保留首尾", "keep both ends"),
    MaskFunction.TRUNCATE: Text("截断", "truncate"),
    MaskFunction.REGION_UP: Text("区划上卷", "generalise the region"),
    MaskFunction.BUCKET: Text("分段", "intervals"),
    MaskFunction.ROUND_TO: Text("取整", "round"),
    MaskFunction.DATE_TRUNC: Text("日期取整", "truncate dates"),
    MaskFunction.CLAMP: Text("封顶保底", "top and bottom coding"),
    MaskFunction.SUPPRESS: Text("隐去", "suppress"),
    MaskFunction.PSEUDONYM: Text("假名（HMAC-SM3）", "pseudonym (HMAC-SM3)"),
    MaskFunction.ENCRYPT: Text("保格式加密（FF1）", "format-preserving encryption (FF1)"),
    MaskFunction.SHIFT_DATES: Text("日期平移", "shift dates"),
    MaskFunction.NOISE: Text("加噪", "add noise"),
}

KEYED: Final = frozenset({MaskFunction.PSEUDONYM, MaskFunction.ENCRYPT, MaskFunction.SHIFT_DATES, MaskFunction.NOISE})
"""Functions under a secret key; results are made at each version and read from there."""

_NUMBERS: Final = frozenset({"integer", "decimal", "double"})
TYPES: Final[Mapping[MaskFunction, frozenset[str]]] = MappingProxyType(
    {
        MaskFunction.KEEP: frozenset({"text", "integer"}),
        MaskFunction.TRUNCATE: frozenset({"text", "integer"}),
        MaskFunction.REGION_UP: frozenset({"text", "integer"}),
        MaskFunction.BUCKET: _NUMBERS,
        MaskFunction.ROUND_TO: _NUMBERS,
        MaskFunction.DATE_TRUNC: frozenset({"date", "timestamp"}),
        MaskFunction.CLAMP: _NUMBERS,
        MaskFunction.SUPPRESS: _NUMBERS | {"text", "date", "timestamp", "boolean", "geometry"},
        MaskFunction.PSEUDONYM: frozenset({"text", "integer"}),
        MaskFunction.ENCRYPT: frozenset({"text"}),
        MaskFunction.SHIFT_DATES: frozenset({"date"}),
        MaskFunction.NOISE: _NUMBERS,
    }
)
"""Types of columns that a function fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskChoice:
    """What a steward chose for a column; it takes the place of the default mask until it is ended."""

    id: str
    table: str
    column: str
    function: MaskFunction
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    weaker: bool
    """Whether it may show more than the default mask, so that outsiders get it only with a publication that followed."""
    reason: str
    by: str
    at: datetime
    ended_at: datetime | None = None

    def holds_at(self, moment: datetime) -> bool:
        """Tell whether it was in force at a moment."""
        return self.at <= moment and (self.ended_at is None or moment < self.ended_at)

    @property
    def words(self) -> str:
        """Return function and parameters in one line: part of digests, receipts and the columns that readers see."""
        inside = ", ".join(f"{name}={_written(value)}" for name, value in sorted(self.parameters.items()))
        return f"{self.function}({inside})"


def in_force(choices: Iterable[MaskChoice]) -> dict[str, MaskChoice]:
    """Return the choices that hold now, by column."""
    return {one.column: one for one in choices if one.ended_at is None}


def for_outsiders(
    choices: Sequence[MaskChoice], published: datetime | None, raw: Container[str]
) -> dict[str, MaskChoice]:
    """Return the choices that hold for those who read what was published at that moment, by column.

    What was published stays until the next publication, which two others decide; what hides more comes at once: a mask
    instead of the default that shows no more, any mask on one of the ``raw`` columns, and no value at all.
    """
    then = {} if published is None else {one.column: one for one in choices if one.holds_at(published)}
    now = in_force(choices)
    held = dict(then)
    for column, one in now.items():
        stricter = one.function is MaskFunction.SUPPRESS or (column not in then and (column in raw or not one.weaker))
        if stricter:
            held[column] = one
    return held


def _written(value: Parameter) -> str:
    if isinstance(value, tuple):
        return "/".join(plain(one) for one in value)
    return plain(value) if isinstance(value, float) else str(value)


def plain(number: float) -> str:
    """Return a number as people write it: 30, not 30.0."""
    return str(int(number)) if number == int(number) else repr(number)


def number_of(parameters: Mapping[str, Parameter], name: str) -> float:
    """Return a parameter that is a number."""
    value = parameters[name]
    if isinstance(value, str | tuple):
        msg = f"{name} is no number"
        raise TypeError(msg)
    return value


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return read


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or abs(number) > 1e12:  # noqa: PLR2004 - beyond it a double has no fine parts
        raise ValueError
    return number


def _positive(text: str) -> float:
    number = _number(text)
    if number <= 0:
        raise ValueError
    return number


def _step(text: str) -> float:
    number = _positive(text)
    if number != int(number) and number not in {0.1, 0.01, 0.001, 0.0001}:
        raise ValueError
    return number


def _edges(text: str) -> tuple[float, ...]:
    edges = tuple(_number(one) for one in text.replace("/", " ").split())
    if not 1 <= len(edges) <= _EDGES_MOST or list(edges) != sorted(set(edges)):
        raise ValueError
    return edges


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return read


def _name(text: str) -> str:
    if not 1 <= len(text) <= _NAME_LENGTH:
        raise ValueError
    return text


_EDGES_MOST: Final = 100
_NAME_LENGTH: Final = 100
PARAMETERS: Final[Mapping[MaskFunction, Mapping[str, Callable[[str], Parameter]]]] = MappingProxyType(
    {
        MaskFunction.KEEP: {"prefix": _whole(0, 12), "suffix": _whole(0, 12)},
        MaskFunction.TRUNCATE: {"length": _whole(1, 50)},
        MaskFunction.REGION_UP: {"tier": _one_of("province", "prefecture", "county")},
        MaskFunction.BUCKET: {"width": _whole(1, 10**9), "edges": _edges},
        MaskFunction.ROUND_TO: {"step": _step},
        MaskFunction.DATE_TRUNC: {"unit": _one_of("year", "quarter", "month")},
        MaskFunction.CLAMP: {"low": _number, "high": _number},
        MaskFunction.SUPPRESS: {},
        MaskFunction.PSEUDONYM: {"key": _name},
        MaskFunction.ENCRYPT: {"key": _name},
        MaskFunction.SHIFT_DATES: {"days": _whole(1, 3650), "by": _name, "key": _name},
        MaskFunction.NOISE: {"scale": _positive, "by": _name, "key": _name},
    }
)
"""The parameters of each function and how their text is read. ``key`` is optional; ``by`` names the column of the row key."""
_OPTIONAL: Final = frozenset({"key"})


def read_parameters(function: MaskFunction, given: Mapping[str, str]) -> dict[str, Parameter]:
    """Return the parameters of a function from their texts.

    Raises:
        Invalid: one is missing, unknown or does not fit (``mask_parameters``).

    """
    known = PARAMETERS[function]
    texts = {name: half_width(value).strip() for name, value in given.items() if value.strip()}
    try:
        found = {name: known[name](text) for name, text in texts.items()}
    except (KeyError, ValueError, OverflowError):
        raise _wrong(function) from None
    missing = set(known) - set(found) - _OPTIONAL
    if function is MaskFunction.BUCKET:
        missing = set() if len(found) == 1 else {"width"}
    if function is MaskFunction.KEEP and not missing and not (found["prefix"] or found["suffix"]):
        missing = {"prefix"}
    if function is MaskFunction.CLAMP and not missing and number_of(found, "low") >= number_of(found, "high"):
        missing = {"low"}
    if missing:
        raise _wrong(function)
    return found


def _wrong(function: MaskFunction) -> Invalid:
    wanted = _WANTED[function]
    return Invalid(
        f"“{function.text.zh}”的参数不对。需要：{wanted.zh}。",
        f'The parameters of "{function}" do not fit. Needed: {wanted.en}.',
        code="mask_parameters",
        detail={"function": str(function), "parameters": list(PARAMETERS[function])},
    )


_WANTED: Final = {
    MaskFunction.KEEP: Text(
        "prefix 与 suffix（0 到 12 的整数，不能都为 0）", "prefix and suffix, whole, 0 to 12, not both 0"
    ),
    MaskFunction.TRUNCATE: Text("length（1 到 50）", "length, 1 to 50"),
    MaskFunction.REGION_UP: Text("tier（province、prefecture 或 county）", "tier: province, prefecture or county"),
    MaskFunction.BUCKET: Text(
        "width（正整数），或 edges（递增的数，用 / 分开）",
        "width, whole and positive; or edges, rising numbers with / between",
    ),
    MaskFunction.ROUND_TO: Text("step（正整数，或 0.1 至 0.0001）", "step, a whole number or 0.1 to 0.0001"),
    MaskFunction.DATE_TRUNC: Text("unit（year、quarter 或 month）", "unit: year, quarter or month"),
    MaskFunction.CLAMP: Text("low 小于 high", "low less than high"),
    MaskFunction.SUPPRESS: Text("没有参数", "no parameter"),
    MaskFunction.PSEUDONYM: Text("key（密钥名，可省略）", "key, a name, may be left out"),
    MaskFunction.ENCRYPT: Text("key（密钥名，可省略）", "key, a name, may be left out"),
    MaskFunction.SHIFT_DATES: Text(
        "days（1 到 3650）与 by（行主键列）", "days, 1 to 3650, and by, the column of the row's key"
    ),
    MaskFunction.NOISE: Text("scale（正数）与 by（行主键列）", "scale, positive, and by, the column of the row's key"),
}

_ENDS: Final = {"identity": (6, 4), "phone": (3, 2), "card": (0, 4), "passport": (2, 2), "name": (1, 0)}
"""How many characters the default masks show at both ends, at least."""


_ROUND: Final = 0.01
"""Of a degree: the step to which the default mask rounds."""


def weakens(mask: str, function: MaskFunction, parameters: Mapping[str, Parameter]) -> bool:
    """Tell whether a choice may show more than the default mask of that name; what is not known to show less, may.

    A keyed pseudonym tells persons apart and lets rows be joined, which no default mask does.
    """
    if function is MaskFunction.SUPPRESS:
        return False
    prefix, suffix = _ENDS.get(mask, (-1, -1))
    if function is MaskFunction.KEEP:
        return number_of(parameters, "prefix") > prefix or number_of(parameters, "suffix") > suffix
    if function is MaskFunction.TRUNCATE:
        return number_of(parameters, "length") > prefix
    if function is MaskFunction.DATE_TRUNC:
        return mask != "year" or parameters["unit"] != "year"
    if function is MaskFunction.ROUND_TO:
        return mask != "round" or number_of(parameters, "step") < _ROUND
    return True
