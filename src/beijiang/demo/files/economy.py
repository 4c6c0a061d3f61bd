"""Quarterly accounts of the leagues, and the rule that lights their early-warning lamps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date

from beijiang.demo.files.handin import HandIn
from beijiang.demo.files.plain import Named, PlainCell, write_plain
from beijiang.demo.files.scene import DEMO_NOTE, Scene

__all__ = ["write_accounts", "write_warning_rules"]

FIRST_YEAR, LAST = 2019, (2026, 3)
_REGION = "全区"
# Relative size of each league's economy, in the order of the region table, and how much of it digs, makes and farms.
_SIZES = (22, 24, 4, 12, 10, 34, 10, 7, 7, 5, 8, 3)
_FARM = (0.05, 0.04, 0.02, 0.2, 0.22, 0.04, 0.21, 0.25, 0.18, 0.35, 0.15, 0.09)
_MAKE = (0.33, 0.46, 0.62, 0.3, 0.28, 0.6, 0.34, 0.3, 0.4, 0.24, 0.52, 0.58)
# Indicator: unit, size of a quarter beside the economy, yearly growth, swing of the seasons, peak quarter.
_OTHERS = {
    "固定资产投资": ("亿元", 0.31, 0.05, 0.55, 3),
    "社会消费品零售总额": ("亿元", 0.24, 0.042, 0.08, 4),
    "一般公共预算收入": ("亿元", 0.12, 0.05, 0.1, 2),
    "规模以上工业用电量": ("亿千瓦时", 1.6, 0.06, 0.06, 4),
    "货运量": ("万吨", 24.0, 0.04, 0.15, 3),
}
_NOISE = 0.035
_RULES = (
    ("地区生产总值", 4.0, 2.0), ("第一产业增加值", 2.0, 0.0), ("第二产业增加值", 4.0, 1.0), ("第三产业增加值", 4.0, 2.0),
    ("固定资产投资", 3.0, 0.0), ("社会消费品零售总额", 3.0, 1.0), ("一般公共预算收入", 3.0, 0.0),
    ("规模以上工业用电量", 3.0, 0.0), ("货运量", 2.0, -2.0),
)  # fmt: skip


def write_accounts(scene: Scene) -> HandIn:
    """Write the quarters, one row a league, quarter and indicator; the region is the sum of its leagues."""
    named = Named(
        table="季度经济指标",
        title="各盟市季度主要经济指标（2019年起）",
        summary="地区生产总值及三次产业增加值、固定资产投资、社会消费品零售总额、一般公共预算收入、工业用电量和货运量的当季数，含全区合计。",
        org_key="statistics",
        category="307000",
        update_cycle="5",
        columns=("盟市", "季度", "季末日期", "指标", "单位", "数值"),
        key=("盟市", "季度", "指标"),
    )
    rows = list(_leagues(scene))
    whole: dict[tuple[str, date, str, str], float] = {}
    for _, quarter, day, indicator, unit, value in rows:
        key = (quarter, day, indicator, unit)
        whole[key] = whole.get(key, 0.0) + value
    sums: list[list[PlainCell]] = [[_REGION, *key, round(value, 2)] for key, value in whole.items()]
    return write_plain(scene, named, [*sums, *rows])


def _leagues(scene: Scene) -> Iterator[tuple[str, str, date, str, str, float]]:
    quarters = [(y, q) for y in range(FIRST_YEAR, LAST[0] + 1) for q in range(1, 5) if (y, q) <= LAST]
    for place, league in enumerate(scene.leagues.values()):
        rng = scene.rng(f"accounts {league}")
        pace = 0.045 + rng.random() * 0.03
        for n, (year, quarter) in enumerate(quarters):
            day = date(year, 3 * quarter, 31 if quarter in {1, 4} else 30)
            label = f"{year}Q{quarter}"
            base = 20.0 * _SIZES[place] * (1 + pace) ** (n / 4) * (1 - 0.04 * (year == 2020 and quarter == 1))  # noqa: PLR2004
            autumn = (0.1, 0.45, 2.3, 1.15)[quarter - 1]
            farm = base * _FARM[place] * autumn * (1 + (rng.random() - 0.5) * 2 * _NOISE)
            make = base * _MAKE[place] * (1 + 0.05 * (quarter - 2)) * (1 + (rng.random() - 0.5) * 2 * _NOISE)
            serve = base * (1 - _FARM[place] - _MAKE[place]) * (1 + (rng.random() - 0.5) * _NOISE)
            parts = {"第一产业增加值": farm, "第二产业增加值": make, "第三产业增加值": serve}
            yield league, label, day, "地区生产总值", "亿元", round(sum(round(v, 2) for v in parts.values()), 2)
            for name, value in parts.items():
                yield league, label, day, name, "亿元", round(value, 2)
            for name, (unit, share, growth, swing, peak) in _OTHERS.items():
                season = 1 + swing * math.cos((quarter - peak) * math.pi / 2)
                drift = (1 + growth) ** (n / 4) * (1 + (rng.random() - 0.5) * 2.4 * _NOISE)
                yield league, label, day, name, unit, round(20.0 * _SIZES[place] * share * season * drift, 2)


def write_warning_rules(scene: Scene) -> HandIn:
    """Write below which growth a lamp turns yellow or red; the rule is data, with its basis and its days."""
    named = Named(
        table="经济预警规则",
        title="宏观经济运行预警规则",
        summary="各项经济指标同比增速低于黄灯线、红灯线时亮灯，含依据和有效期。",
        org_key="ndrc",
        category="206001",
        update_cycle="9",
        columns=("指标", "黄灯线（%）", "红灯线（%）", "依据", "生效日期", "失效日期"),
        key=("指标", "生效日期"),
    )
    basis = f"运行监测会商意见（第{1}号）{DEMO_NOTE}"
    rows: list[list[PlainCell]] = []
    for indicator, yellow, red in _RULES:
        rows.append([indicator, yellow + 1, red + 1, basis, date(2019, 1, 1), date(2023, 12, 31)])
        rows.append([indicator, yellow, red, basis.replace("1", "2"), date(2024, 1, 1), date(2099, 12, 31)])
    return write_plain(scene, named, rows)
