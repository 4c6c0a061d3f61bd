"""Read what is asked of a collection's items; what is not known, or cannot be read, is refused with 400."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from beijiang.kit import Malformed
from beijiang.opendata.placing import Box, Moments
from beijiang.tables import Filter, FilterOp

__all__ = ["DEFAULT_LIMIT", "MOST", "WORDS", "Asked", "parse"]

DEFAULT_LIMIT: Final = 10
MOST: Final = 10_000
WORDS: Final = ("bbox", "datetime", "limit", "cursor")
MAX_FILTERS: Final = 30
_VALUE: Final = 2_000
_CORNERS: Final = {4: (0, 1, 2, 3), 6: (0, 1, 3, 4)}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which features, and how many of them at once."""

    box: Box | None = None
    moments: Moments | None = None
    filters: tuple[Filter, ...] = ()
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    """What was said, without the cursor; the next page says it again."""


def parse(pairs: Sequence[tuple[str, str]], properties: Sequence[str], zone: str) -> Asked:
    """Read the query string of ``items``; ``properties`` may be compared for equality.

    Raises:
        Malformed: an unknown or repeated parameter, or one that cannot be read.

    """
    words: dict[str, str] = {}
    filters: list[Filter] = []
    for name, value in pairs:
        if name in WORDS:
            if name in words:
                raise _wrong(name, "只能给一次", "is given once only")
            words[name] = value
        elif name in properties:
            if len(value) > _VALUE or len(filters) >= MAX_FILTERS:
                raise _wrong(name, "太长或条件太多", "is too long, or there are too many conditions")
            filters.append(Filter(name, FilterOp.EQ, value))
        else:
            raise _unknown(name, properties)
    kept = tuple(pair for pair in pairs if pair[0] != "cursor")
    return Asked(
        box=_box(words),
        moments=_moments(words, ZoneInfo(zone)),
        filters=tuple(filters),
        limit=_limit(words),
        cursor=words.get("cursor"),
        pairs=kept,
    )


def _box(words: Mapping[str, str]) -> Box | None:
    if "bbox" not in words:
        return None
    try:
        numbers = [float(part) for part in words["bbox"].split(",")]
    except ValueError:
        numbers = []
    corners = _CORNERS.get(len(numbers))
    if corners is None or not all(math.isfinite(number) for number in numbers):
        raise _wrong("bbox", "应为 4 个或 6 个以逗号分隔的数", "is 4 or 6 numbers with commas between them")
    west, south, east, north = (numbers[i] for i in corners)
    if south > north:
        raise _wrong("bbox", "的南边应不大于北边", "has its south before its north")
    return Box(west, south, east, north)


def _limit(words: Mapping[str, str]) -> int:
    if "limit" not in words:
        return DEFAULT_LIMIT
    said = words["limit"]
    if not (said.isascii() and said.isdecimal() and len(said) < 10) or int(said) < 1:  # noqa: PLR2004 - digits
        raise _wrong("limit", f"应为 1 到 {MOST} 的整数", f"is a whole number from 1 to {MOST}")
    return min(int(said), MOST)


def _moments(words: Mapping[str, str], zone: ZoneInfo) -> Moments | None:
    if "datetime" not in words:
        return None
    ends = words["datetime"].split("/")
    begin: datetime | None
    end: datetime | None
    if len(ends) == 1:
        begin, end = _moment(ends[0], zone, last=False), _moment(ends[0], zone, last=True)
    elif len(ends) == 2:  # noqa: PLR2004 - an interval
        begin, end = (
            None if said in {"", ".."} else _moment(said, zone, last=place == 1) for place, said in enumerate(ends)
        )
        if begin is None and end is None:
            raise _no_time()
    else:
        raise _no_time()
    if begin is not None and end is not None and begin > end:
        raise _wrong("datetime", "的起点应不晚于终点", "begins before it ends")
    return Moments(begin, end)


def _moment(said: str, zone: ZoneInfo, *, last: bool) -> datetime:
    """Return a moment, or of a day its first or last one."""
    said = said.replace(" ", "+")  # a plus sign that was not encoded
    try:
        if _DAY.fullmatch(said):
            day = datetime.fromisoformat(said).replace(tzinfo=zone)
            return day + timedelta(days=1) - timedelta(microseconds=1) if last else day
        if _MOMENT.fullmatch(said):
            return datetime.fromisoformat(said.upper())
    except (ValueError, OverflowError):
        pass
    raise _no_time()


def _no_time() -> Malformed:
    return _wrong(
        "datetime",
        "应为 RFC 3339 的时间或区间，如 2026-01-01T00:00:00Z/..",
        "is a moment of RFC 3339 or an interval of them, such as 2026-01-01T00:00:00Z/..",
    )


def _wrong(name: str, zh: str, en: str) -> Malformed:
    return Malformed(
        f"参数 {name[:80]} {zh}。", f"{name[:80]} {en}.", code="bad_parameter", detail={"parameter": name[:80]}
    )


def _unknown(name: str, properties: Sequence[str]) -> Malformed:
    known = [*WORDS, *properties]
    return Malformed(
        f"不认识参数 {name[:80]}。可用：{'、'.join(known)}。",
        f"Unknown parameter {name[:80]}. Use one of: {', '.join(known)}.",
        code="unknown_parameter",
        detail={"parameter": name[:80]},
    )
