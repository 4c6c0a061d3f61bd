"""月度统计: one long CSV of monthly indicators by league, with trend, season and the moving Spring Festival in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, ShareType
from beijiang.demo.files.scene import DEMO_NOTE, Scene

__all__ = ["FIRST", "LAST", "TABLE", "write_monthly"]

TABLE = "月度统计"
FIRST = date(2016, 1, 1)
LAST = date(2026, 10, 1)
COLUMNS = ("月份", "地区代码", "地区", "指标", "数值", "单位", "统计口径")
_REGION = ("150000", "全区")
_BEFORE, _AFTER = 7, 14
# Relative size of each league's economy and residents; invented, in the order of the region table.
_ECONOMY = (22, 24, 4, 12, 10, 34, 10, 7, 7, 5, 8, 3)
_PEOPLE = (345, 271, 56, 404, 287, 215, 224, 154, 171, 142, 111, 26)
_GAPS = 9


@dataclass(frozen=True, slots=True)
class _Indicator:
    """What is counted: in which unit, from which sizes, how it grows, swings with the seasons and moves with the festival."""

    name: str
    unit: str
    sizes: tuple[float, ...]
    growth: float
    season: tuple[float, float, float]
    """Swing over the year, its month of the top, and a second swing of half a year."""
    festival: float
    """Change of a month's value (as logarithm) if the whole festival lies in it."""
    noise: float
    first: date = FIRST
    redefined: date | None = None


def _sized(factor: float, sizes: Sequence[int]) -> tuple[float, ...]:
    return tuple(factor * size for size in sizes)


_INDICATORS = (
    _Indicator("社会消费品零售总额", "亿元", _sized(2.4, _ECONOMY), 0.055, (0.05, 10, 0.03), 0.11, 0.012),
    _Indicator("规模以上工业增加值", "亿元", _sized(1.9, _ECONOMY), 0.060, (0.06, 8, 0.02), -0.16, 0.015),
    _Indicator("全社会用电量", "亿千瓦时", _sized(1.5, _ECONOMY), 0.070, (0.09, 12, 0.05), -0.09, 0.010),
    _Indicator("一般公共预算收入", "亿元", _sized(0.38, _ECONOMY), 0.050, (0.08, 6, 0.09), -0.05, 0.030),
    _Indicator("公路客运量", "万人次", _sized(0.6, _PEOPLE), -0.015, (0.10, 7, 0.02), 0.30, 0.020),
    _Indicator("旅游接待人次", "万人次", _sized(0.9, _ECONOMY), 0.080, (0.55, 8, 0.10), 0.20, 0.040, redefined=date(2025, 7, 1)),
    _Indicator("快递业务量", "万件", _sized(21.0, _ECONOMY), 0.160, (0.10, 11, 0.04), -0.25, 0.030, first=date(2025, 9, 1)),
)  # fmt: skip


def write_monthly(scene: Scene) -> HandIn:
    """Write the table: a line for each month, league and indicator; the region itself is the sum of its leagues."""
    path = scene.path("月度主要经济指标_分盟市.csv")
    rows = [row for indicator in _INDICATORS for row in _rows(scene, indicator)]
    path.write_bytes(lines([COLUMNS, *rows]).encode("utf-8-sig"))
    return HandIn(
        path=path,
        org_key="statistics",
        table_name=TABLE,
        title="各盟市月度主要经济指标",
        summary="各盟市零售、工业、用电、财政、客运、旅游和快递的月度数值，2016年1月起，含全区合计；"
        "单位和统计口径见各行。" + DEMO_NOTE,
        columns=COLUMNS,
        key_columns=("月份", "地区代码", "指标"),
        rows=len(rows),
        category="307000",
        update_cycle="4",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=COLUMNS,
        licence=OPEN_LICENCE,
        planted={"missing_months": _GAPS},
    )


def _rows(scene: Scene, indicator: _Indicator) -> list[tuple[str, ...]]:
    """Compute the leagues' series and the region's, and lose some months of one league's passengers."""
    rng = scene.rng(f"monthly {indicator.name}")
    months = [month for month in _months() if month >= indicator.first]
    festival = [_festival_share(month, scene.lunar_new_years) for month in months]
    leagues = list(scene.leagues.items())
    series = [_series(rng, indicator, size, months, festival) for size in indicator.sizes]
    whole = [sum(values) for values in zip(*series, strict=True)]
    rows: list[tuple[str, ...]] = []
    for place, values in zip([_REGION, *leagues], [whole, *series], strict=True):
        lost = range(40, 40 + _GAPS) if indicator.name == "公路客运量" and place == leagues[-1] else range(0)
        rows += [
            (f"{month:%Y-%m}", *place, indicator.name, f"{value:.2f}", indicator.unit, _definition(indicator, month))
            for number, (month, value) in enumerate(zip(months, values, strict=True))
            if number not in lost
        ]
    return rows


def _series(
    rng: Random, indicator: _Indicator, size: float, months: Sequence[date], festival: Sequence[float]
) -> list[float]:
    swing, top, half = indicator.season
    swing *= 0.8 + 0.4 * rng.random()
    drift, values = 0.0, []
    for number, (month, share) in enumerate(zip(months, festival, strict=True)):
        drift += rng.gauss(0, indicator.noise / 4)
        turn = 2 * math.pi * (month.month - top) / 12
        known = swing * math.cos(turn) + half * math.cos(2 * turn) + indicator.festival * share
        level = indicator.growth * number / 12 + drift + known + rng.gauss(0, indicator.noise)
        wider = 1.35 if indicator.redefined is not None and month >= indicator.redefined else 1.0
        values.append(round(size * wider * math.exp(level), 2))
    return values


def _definition(indicator: _Indicator, month: date) -> str:
    return "2025年口径" if indicator.redefined is not None and month >= indicator.redefined else "2016年口径"


def _months() -> list[date]:
    count = (LAST.year - FIRST.year) * 12 + LAST.month - FIRST.month + 1
    return [date(FIRST.year + number // 12, number % 12 + 1, 1) for number in range(count)]


def _festival_share(month: date, new_years: Sequence[date]) -> float:
    """Return which part of the weeks around a Spring Festival lies in a month."""
    around = (first + timedelta(days=day) for first in new_years for day in range(-_BEFORE, _AFTER))
    return sum((day.year, day.month) == (month.year, month.month) for day in around) / (_BEFORE + _AFTER)
