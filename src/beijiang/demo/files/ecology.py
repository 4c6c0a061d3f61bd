"""Environment and ecology: limits of the air by their dates, sources, surface water and grassland."""

from __future__ import annotations

import math
from datetime import date

from beijiang.demo.files.handin import HandIn
from beijiang.demo.files.plain import Named, PlainCell, write_plain
from beijiang.demo.files.scene import Scene, packaged_rows

__all__ = [
    "write_air_levels",
    "write_air_limits",
    "write_air_rules",
    "write_grassland",
    "write_sections",
    "write_sources",
]

_RIVERS = {
    "150100": "黄河", "150200": "黄河", "150300": "黄河", "150400": "西辽河", "150500": "西辽河", "150600": "黄河",
    "150700": "额尔古纳河", "150800": "黄河", "150900": "永定河", "152200": "嫩江", "152500": "滦河", "152900": "黑河",
}  # fmt: skip
_CLASSES = ("Ⅰ类", "Ⅱ类", "Ⅲ类", "Ⅳ类", "Ⅴ类", "劣Ⅴ类")
SECTIONS, MONTHS = 40, 24
_KINDS = {"工业源": 0.38, "移动源": 0.27, "生活源": 0.17, "扬尘源": 0.12, "农业源": 0.06}
_LOADS = (24, 40, 18, 22, 20, 46, 18, 16, 21, 8, 13, 9)
# Grassland of each league: 10,000 mu, cover in percent of 2016, sheep units over what the grass bears, in percent.
_GRASS = (
    (850, 40, 13), (2900, 38, 15), (150, 26, 18), (7000, 43, 14), (4800, 47, 16), (8900, 41, 12),
    (12500, 66, 8), (7900, 25, 14), (5200, 37, 15), (4500, 58, 11), (28900, 45, 9), (26400, 18, 10),
)  # fmt: skip
GRASS_YEARS = range(2016, 2027)


def write_air_limits(scene: Scene) -> HandIn:
    """Write the limits of the national standard by pollutant and span of time, old ones too, each with its days."""
    table = packaged_rows("demo", "files", "air_limits.csv")
    columns = tuple(table[0])
    named = Named(
        table="环境空气质量限值",
        title="环境空气污染物浓度限值",
        summary="国家环境空气质量标准规定的污染物浓度限值（一级、二级），按标准版本和实施阶段列出起止日期和依据；“待核对”的未对照标准原文。",
        org_key="environment",
        category="211001",
        update_cycle="9",
        columns=columns,
        key=("污染物", "平均时间", "生效日期"),
        is_made_up=False,
    )
    return write_plain(scene, named, [list(row.values()) for row in table])


def write_air_rules(scene: Scene) -> HandIn:
    """Write how many hours and means a day needs to be held against the limits, each rule with its days."""
    table = packaged_rows("demo", "files", "air_rules.csv")
    named = Named(
        table="环境空气质量评价规则",
        title="环境空气质量日评价的数据有效性规则",
        summary="判定一天是否超标所需的最少有效小时数和滑动平均个数，按标准版本列出起止日期和依据；“待核对”的未对照标准原文。",
        org_key="environment",
        category="211001",
        update_cycle="9",
        columns=tuple(table[0]),
        key=("评价规则", "生效日期"),
        is_made_up=False,
    )
    return write_plain(scene, named, [list(row.values()) for row in table])


def write_sources(scene: Scene) -> HandIn:
    """Write what the kinds of sources of each league gave off, by year and pollutant."""
    rng = scene.rng("sources")
    rows: list[list[PlainCell]] = []
    for (league, load), year in ((pair, y) for pair in zip(scene.leagues.values(), _LOADS, strict=True) for y in (2023, 2024, 2025)):  # fmt: skip
        for pollutant, scale in (("颗粒物", 900.0), ("氮氧化物", 1100.0), ("二氧化硫", 620.0)):
            for kind, share in _KINDS.items():
                fit = 0.15 if (pollutant, kind) == ("二氧化硫", "移动源") else 1.0
                amount = load * scale * share * fit * (0.94 ** (year - 2023)) * (0.85 + 0.3 * rng.random())
                rows.append([year, league, kind, pollutant, round(amount, 1)])
    named = Named(
        table="大气污染源排放",
        title="大气污染源分类排放量",
        summary="各盟市按源类统计的颗粒物、氮氧化物、二氧化硫年排放量，单位吨。",
        org_key="environment",
        category="211001",
        update_cycle="6",
        columns=("年份", "盟市", "源类", "污染物", "排放量（吨）"),
        key=("年份", "盟市", "源类", "污染物"),
    )
    return write_plain(scene, named, rows)


def write_sections(scene: Scene) -> HandIn:
    """Write the class of the water at each section, month by month; winters are a little worse."""
    rng = scene.rng("water sections")
    heaviest = sorted(scene.counties, key=lambda county: (-county.weight, county.code))
    chosen = {c.league_code: c for c in reversed(heaviest)}
    counties = [*chosen.values(), *(c for c in heaviest if c not in chosen.values())][:SECTIONS]
    rows: list[list[PlainCell]] = []
    for number, county in enumerate(sorted(counties, key=lambda c: c.code), start=1):
        longitude, latitude = scene.near(rng, county, 0.2)
        river, goal, level = _RIVERS[county.league_code], rng.choice((1, 2, 2, 2, 3)), 1.1 + rng.random() * 2.2
        for month in range(MONTHS):
            moment = date(2024 + (10 + month) // 12, (10 + month) % 12 + 1, 1)
            cold = 0.5 * math.cos((moment.month - 2) * math.pi / 6)
            now = min(max(round(level + cold + (rng.random() - 0.5) * 1.3 - month * 0.012), 0), 5)
            rows.append([
                f"DM15{number:03d}", f"{county.name}{river}断面", county.league, river, moment, _CLASSES[now], _CLASSES[goal],
                "是" if now <= goal else "否", round(1.5 + 1.6 * now + rng.random(), 1), round(0.12 + 0.24 * now + 0.2 * rng.random(), 2),
                longitude, latitude,
            ])  # fmt: skip
    named = Named(
        table="地表水断面水质",
        title="地表水考核断面水质月报",
        summary="地表水断面逐月水质类别、目标类别、是否达标、高锰酸盐指数和氨氮（毫克/升）以及位置，2024年11月起。",
        org_key="environment",
        category="211001",
        update_cycle="4",
        columns=("断面编号", "断面名称", "盟市", "流域", "月份", "水质类别", "目标类别", "是否达标", "高锰酸盐指数", "氨氮", "经度", "纬度"),
        key=("断面编号", "月份"),
    )  # fmt: skip
    return write_plain(scene, named, rows)


def write_grassland(scene: Scene) -> HandIn:
    """Write how well each league's grassland is covered, what it yields, and by how much it is overgrazed."""
    rng = scene.rng("grassland")
    rows: list[list[PlainCell]] = []
    for (area, cover, over), league in zip(_GRASS, scene.leagues.values(), strict=True):
        for n, year in enumerate(GRASS_YEARS):
            now = min(cover + 0.35 * n + (rng.random() - 0.5) * 2.4, 92.0)
            grass = area * now * 0.0032 * (0.85 + 0.3 * rng.random())
            rows.append([
                year, league, area, round(now, 1), round(grass, 1), round(max(over - 0.7 * n + (rng.random() - 0.5) * 2, 0.5), 1),
                round(area * 0.012 * (0.7 + 0.6 * rng.random()), 1),
            ])  # fmt: skip
    named = Named(
        table="草原生态监测",
        title="草原生态监测年度指标",
        summary="各盟市天然草原面积（万亩）、草原综合植被盖度（%）、鲜草产量（万吨）、牲畜超载率（%）和当年修复面积（万亩）。",
        org_key="forestry",
        category="211003",
        update_cycle="6",
        columns=(
            "年份",
            "盟市",
            "草原面积（万亩）",
            "植被盖度（%）",
            "鲜草产量（万吨）",
            "超载率（%）",
            "修复面积（万亩）",
        ),
        key=("年份", "盟市"),
    )
    return write_plain(scene, named, rows)


def write_air_levels(scene: Scene) -> HandIn:
    """Write the classes of the air quality index, from the packaged list."""
    table = packaged_rows("demo", "files", "air_levels.csv")
    columns = tuple(table[0])
    named = Named(
        table="空气质量指数级别",
        title="环境空气质量指数（AQI）级别",
        summary="环境空气质量指数六个级别的名称和上下限，含标准、起止日期和依据。",
        org_key="environment",
        category="211001",
        update_cycle="9",
        columns=columns,
        key=("级别", "生效日期"),
        is_made_up=False,
    )
    return write_plain(scene, named, [list(row.values()) for row in table])
