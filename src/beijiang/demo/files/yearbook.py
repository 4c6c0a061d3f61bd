"""统计年鉴: one workbook, a sheet an indicator, the years as columns, a title above and a merged header."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, ShareType
from beijiang.demo.files.scene import DEMO_NOTE, Scene
from beijiang.demo.files.sheets import Cell, Group, Sheet, flat_columns, write_workbook

__all__ = ["YEARS", "write_yearbook"]

YEARS = range(2010, 2026)
_REGION = "150000"
# Relative size of each league's economy, farming and herding; invented, in the order of the region table.
_ECONOMY = (22, 24, 4, 12, 10, 34, 10, 7, 7, 5, 8, 3)
_FARMING = (14, 10, 1, 45, 70, 13, 52, 28, 14, 56, 6, 2)
_HERDING = (5, 4, 1, 14, 16, 11, 13, 12, 9, 10, 17, 2)
_PEOPLE = (345, 271, 56, 404, 287, 215, 224, 154, 171, 142, 111, 26)


@dataclass(frozen=True, slots=True)
class _Indicator:
    """A sheet: what is counted, in which unit, from which sizes, and how it grows."""

    sheet: str
    title: str
    unit: str
    sizes: tuple[float, ...]
    growth: float
    digits: int
    category: str
    averaged: bool = False


_INDICATORS = (
    _Indicator("地区生产总值", "各盟市地区生产总值", "亿元", tuple(42.0 * size for size in _ECONOMY), 0.062, 1, "307001"),
    _Indicator("常住人口", "各盟市年末常住人口", "万人", tuple(1.02 * size for size in _PEOPLE), -0.002, 2, "101002"),
    _Indicator("粮食产量", "各盟市粮食总产量", "万吨", tuple(7.1 * size for size in _FARMING), 0.027, 2, "307002"),
    _Indicator("牲畜存栏", "各盟市年末牲畜存栏", "万头（只）", tuple(62.0 * size for size in _HERDING), 0.013, 2, "307003"),
    _Indicator("财政收入", "各盟市一般公共预算收入", "亿元", tuple(4.6 * size for size in _ECONOMY), 0.055, 2, "307004"),
    _Indicator("居民收入", "各盟市居民人均可支配收入", "元", tuple(11_500.0 + 90 * size for size in _ECONOMY), 0.075, 0, "307005", averaged=True),
)  # fmt: skip
_GAPS = 2


def write_yearbook(scene: Scene) -> list[HandIn]:
    """Write the workbook; each of its sheets is handed in as a table of its own."""
    path = scene.path("内蒙古统计资料_分盟市_2010-2025.xlsx")
    sheets = []
    handins = []
    for number, indicator in enumerate(_INDICATORS, start=1):
        headings = (Group("地区代码"), Group("地区"), Group(indicator.sheet, tuple(f"{year}年" for year in YEARS)))
        rows = _rows(scene, indicator)
        above = (f"表1-{number}  {indicator.title}（2010-2025年）", f"单位：{indicator.unit}　　2025年为初步核算数")
        sheets.append(Sheet(indicator.sheet, headings, rows, above))
        handins.append(_describe(scene, indicator, flat_columns(headings), len(rows)))
    write_workbook(path, sheets)
    return handins


def _describe(scene: Scene, indicator: _Indicator, columns: tuple[str, ...], rows: int) -> HandIn:
    return HandIn(
        path=scene.path("内蒙古统计资料_分盟市_2010-2025.xlsx"),
        org_key="statistics",
        table_name=f"年度统计_{indicator.sheet}",
        title=f"{indicator.title}（2010-2025年）",
        summary=f"{indicator.title}，单位：{indicator.unit}，2010年至2025年，含全区合计或平均。" + DEMO_NOTE,
        columns=columns,
        unit=indicator.unit,
        key_columns=("地区代码",),
        rows=rows,
        category=indicator.category,
        update_cycle="6",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=columns,
        licence=OPEN_LICENCE,
        sheet=indicator.sheet,
        planted={"dash_for_missing": _GAPS},
    )


def _rows(scene: Scene, indicator: _Indicator) -> list[list[Cell]]:
    """Compute the leagues' series and the row of the region, then lose a few early values."""
    rng = scene.rng(f"yearbook {indicator.sheet}")
    series = [_series(rng, size, indicator.growth, indicator.digits) for size in indicator.sizes]
    count = len(series) if indicator.averaged else 1
    whole = [round(sum(values) / count, indicator.digits) for values in zip(*series, strict=True)]
    rows: list[list[Cell]] = [[_REGION, "全区", *whole]]
    rows += [[code, name, *values] for (code, name), values in zip(scene.leagues.items(), series, strict=True)]
    for row in rng.sample(range(1, len(rows)), _GAPS):
        rows[row][2 + int(rng.random() * 3)] = "—"
    return rows


def _series(rng: Random, size: float, growth: float, digits: int) -> list[float]:
    values = []
    for _ in YEARS:
        values.append(round(size, digits) if digits else int(size))
        size *= 1 + growth + (rng.random() - 0.5) * 0.05
    return values
