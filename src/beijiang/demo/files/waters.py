"""Reservoirs day by day, and the warnings of the weather service."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from beijiang.demo.files.handin import HandIn, LoadMode
from beijiang.demo.files.plain import Named, PlainCell, write_plain
from beijiang.demo.files.scene import AS_OF, Scene
from beijiang.demo.files.words import VILLAGES

__all__ = ["write_reservoirs", "write_weather_warnings"]

RESERVOIRS, DAYS, WARNINGS = 24, 92, 240
_BASINS = {
    "150100": "黄河", "150200": "黄河", "150300": "黄河", "150400": "西辽河", "150500": "西辽河", "150600": "黄河",
    "150700": "嫩江", "150800": "黄河", "150900": "永定河", "152200": "嫩江", "152500": "滦河", "152900": "内陆河",
}  # fmt: skip
_LEVELS = ("蓝色", "黄色", "橙色", "红色")
# Kind of warning, what it says, the months in which it comes.
_WARNINGS = (
    ("暴雨", "预计未来{hours}小时降水量将达{amount}毫米以上", (8, 9)),
    ("大风", "预计未来{hours}小时平均风力可达{force}级以上", (8, 9, 10)),
    ("寒潮", "预计未来{hours}小时最低气温下降{amount}度以上", (9, 10)),
    ("霜冻", "预计未来{hours}小时地面最低气温将降至零度以下", (9, 10)),
    ("沙尘暴", "预计未来{hours}小时可能出现能见度小于1000米的沙尘天气", (10,)),
    ("暴雪", "预计未来{hours}小时降雪量将达{force}毫米以上", (10,)),
)


def write_reservoirs(scene: Scene) -> HandIn:
    """Write level, store and flow of each reservoir, with the level that the flood season allows."""
    rng = scene.rng("reservoirs")
    leagues = list(scene.leagues)
    rows: list[list[PlainCell]] = []
    for number in range(1, RESERVOIRS + 1):
        code = leagues[number % len(leagues)]
        county = rng.choice([c for c in scene.counties if c.league_code == code])
        longitude, latitude = scene.near(rng, county, 0.3)
        name = f"{rng.choice(VILLAGES)}{rng.choice(VILLAGES)}水库"
        limit, able, height = (
            300 + int(rng.random() * 900),
            800 + int(rng.random() ** 2 * 42_000),
            0.78 + 0.16 * rng.random(),
        )
        for n in range(DAYS):
            day = AS_OF - timedelta(days=DAYS - 1 - n)
            wave = 0.07 * math.sin((n + number * 7) / 17) + 0.05 * math.exp(-(((n - 20) / 9) ** 2))
            fill = min(height + wave + 0.01 * rng.random(), 1.06)
            inflow = max(0.4, able / 2600 * (1 + 9 * max(wave, 0)) * (0.7 + 0.6 * rng.random()))
            rows.append([
                f"SK15{number:03d}", name, scene.leagues[code], _BASINS[code], day, round(limit - 6 + 6.2 * fill, 2), float(limit),
                round(able * fill, 1), able, round(inflow, 1), round(inflow * (0.75 + 0.4 * rng.random()), 1), longitude, latitude,
            ])  # fmt: skip
    named = Named(
        table="水库水情",
        title="重点水库每日水情",
        summary="重点水库每日水位和汛限水位（米）、蓄水量和兴利库容（万立方米）、入库和出库流量（立方米/秒）及位置，2026年8月起。",
        org_key="water",
        category="212001",
        update_cycle="2",
        columns=("水库编号", "水库名称", "盟市", "流域", "日期", "水位", "汛限水位", "蓄水量", "兴利库容", "入库流量", "出库流量", "经度", "纬度"),
        key=("水库编号", "日期"),
        mode=LoadMode.MERGE,
    )  # fmt: skip
    return write_plain(scene, named, rows)


def write_weather_warnings(scene: Scene) -> HandIn:
    """Write the warnings that were issued, and when each was lifted."""
    rng = scene.rng("weather warnings")
    rows: list[list[PlainCell]] = []
    for number in range(1, WARNINGS + 1):
        kind, words, months = rng.choice(_WARNINGS)
        county = rng.choice(scene.counties)
        at = datetime(2026, rng.choice(months), 1 + int(rng.random() * 30), int(rng.random() * 24), 10 * int(rng.random() * 6))  # noqa: DTZ001  # fmt: skip
        level = rng.choices(range(4), weights=(55, 30, 12, 3))[0]
        hours = rng.choice((6, 12, 24))
        said = words.format(hours=hours, amount=8 + 12 * level + int(rng.random() * 8), force=6 + level)
        rows.append([
            f"YJ2026{number:04d}", kind, _LEVELS[level], level + 1, county.league, county.name, at,
            at + timedelta(hours=hours, minutes=20), f"{said}，请注意防范。",
        ])  # fmt: skip
    named = Named(
        table="气象灾害预警",
        title="气象灾害预警信号",
        summary="各旗县气象台发布的气象灾害预警信号的类型、级别、发布和解除时间及内容，2026年8月起。",
        org_key="meteorology",
        category="212001",
        update_cycle="1",
        columns=("预警编号", "类型", "级别", "级别序号", "盟市", "旗县", "发布时间", "解除时间", "内容"),
        key=("预警编号",),
    )
    return write_plain(scene, named, sorted(rows, key=lambda row: str(row[6])))
