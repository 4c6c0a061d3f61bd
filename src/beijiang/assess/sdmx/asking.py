"""Read the key and the span of a question for data, and pick the values that it means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.assess.models import Period
from beijiang.kit import Invalid, Malformed

if TYPE_CHECKING:
    from beijiang.assess.models import OpenFigure, Value

__all__ = ["PARAMETERS", "Selection", "selected"]

PARAMETERS: Final = (
    "startPeriod", "endPeriod", "firstNObservations", "lastNObservations", "detail", "dimensionAtObservation",
)  # fmt: skip
_DETAILS: Final = ("full", "dataonly")
_AT: Final = ("TIME_PERIOD", "AllDimensions")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Values of one indicator, series by series, and whether attributes go with them."""

    flow: OpenFigure
    series: Mapping[tuple[str, ...], Sequence[Value]]
    with_attributes: bool


def selected(flow: OpenFigure, key: str, words: Mapping[str, str]) -> Selection:
    """Return the values that a key and the parameters pick; oldest first in every series.

    Raises:
        Malformed: an unknown parameter, or one that cannot be read.

    """
    unknown = next((name for name in words if name not in PARAMETERS), None)
    if unknown is not None:
        raise _wrong(
            unknown, f"不认识；可用：{'、'.join(PARAMETERS)}", f"is unknown; use one of {', '.join(PARAMETERS)}"
        )
    wanted = _key(key, len(flow.dimensions))
    begin, end = (_edge(words, name) for name in ("startPeriod", "endPeriod"))
    detail = _choice(words, "detail", _DETAILS)
    _choice(words, "dimensionAtObservation", _AT)
    first, last = (_count(words, name) for name in ("firstNObservations", "lastNObservations"))
    series: dict[tuple[str, ...], list[Value]] = defaultdict(list)
    for value in sorted(flow.values, key=lambda v: (flow.key(v), v.period.first)):
        mine = flow.key(value)
        meant = all(not choice or part in choice for part, choice in zip(mine, wanted, strict=True))
        after = begin is None or value.period.first >= begin[0]
        before = end is None or value.period.last <= end[1]
        if meant and after and before:
            series[mine].append(value)
    cut = {mine: _ends(values, first, last) for mine, values in series.items()}
    return Selection(flow=flow, series=cut, with_attributes=detail == "full")


def _ends(values: list[Value], first: int | None, last: int | None) -> list[Value]:
    if first is None and last is None:
        return values
    kept = range(len(values))
    wanted = {*kept[: first or 0], *(kept[-last:] if last else ())}
    return [value for place, value in enumerate(values) if place in wanted]


def _key(key: str, count: int) -> list[frozenset[str]]:
    if key in {"", "all"}:
        return [frozenset()] * count
    parts = key.split(".")
    if len(parts) != count:
        raise _wrong("key", f"应有 {count} 段，以“.”相隔", f"has {count} parts with dots between them")
    return [frozenset(part.split("+")) - {""} for part in parts]


def _edge(words: Mapping[str, str], name: str) -> tuple[date, date] | None:
    """Return the first and the last day of a period: a year, a quarter, a month or a day."""
    if name not in words:
        return None
    said = words[name]
    try:
        if _DAY.fullmatch(said):
            day = date.fromisoformat(said)
            return day, day
        if len(said) <= _LONGEST:
            period = Period.parse(said.replace("-Q", "Q"))
            return period.first, _last(period)
    except (ValueError, OverflowError, Invalid):
        pass
    raise _wrong(name, "应写作 2026、2026-Q3、2026-10 或 2026-10-01", "is written 2026, 2026-Q3, 2026-10 or 2026-10-01")


def _last(period: Period) -> date:
    try:
        return period.last
    except ValueError:  # the last month that there is
        return date.max - timedelta(0)


def _count(words: Mapping[str, str], name: str) -> int | None:
    if name not in words:
        return None
    said = words[name]
    if not (said.isascii() and said.isdecimal() and len(said) < 8) or int(said) < 1:  # noqa: PLR2004 - digits
        raise _wrong(name, "应为正整数", "is a whole number from 1 on")
    return int(said)


def _choice(words: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    said = words.get(name, choices[0])
    if said not in choices:
        raise _wrong(name, f"可选：{'、'.join(choices)}", f"is one of {', '.join(choices)}")
    return said


def _wrong(name: str, zh: str, en: str) -> Malformed:
    return Malformed(
        f"参数 {name[:80]} {zh}。", f"{name[:80]} {en}.", code="bad_parameter", detail={"parameter": name[:80]}
    )
