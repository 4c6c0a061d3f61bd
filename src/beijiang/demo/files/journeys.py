"""Visitors of the scenic spots and traffic on the trunk roads, day by day."""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random

from beijiang.demo.files.handin import HandIn, LoadMode
from beijiang.demo.files.places import spot_rows
from beijiang.demo.files.plain import Named, PlainCell, write_plain
from beijiang.demo.files.scene import AS_OF, County, Scene

__all__ = ["write_traffic", "write_visitors"]

SPOTS, STATIONS, DAYS = 48, 36, 92
_HOLIDAY = (date(2026, 10, 1), date(2026, 10, 7))
_ROADS = ("G6 京藏高速", "G7 京新高速", "G10 绥满高速", "G16 丹锡高速", "G18 荣乌高速", "G65 包茂高速", "G110 国道", "G111 国道", "G207 国道", "G303 国道")  # fmt: skip
_FULL = 0.8


def _busy(day: date) -> float:
    """Return how much livelier a day is than a working day."""
    if _HOLIDAY[0] <= day <= _HOLIDAY[1]:
        return 3.2
    return 1.7 if day.weekday() >= 5 else 1.0  # noqa: PLR2004 - Saturday and Sunday


def _season(day: date) -> float:
    """Return the share of summer that is left: visitors come for grass in August and for colours in September."""
    return 0.35 + 0.65 * max(0.0, math.cos((day - date(2026, 8, 5)).days / 110 * math.pi / 2))


def write_visitors(scene: Scene) -> HandIn:
    """Write visitors and takings of the best-known spots, which carry the numbers that the register gives them."""
    rng = scene.rng("visitors")
    known = sorted(spot_rows(scene), key=lambda row: (row[2], row[0]), reverse=True)[:SPOTS]
    rows: list[list[PlainCell]] = []
    for code, name, grade, league, _, _, _, ticket, most, *_ in known:
        limit, price = int(most.replace(",", "")), 0 if ticket == "免费" else int(ticket)
        pull = 0.1 + 0.3 * rng.random()
        for n in range(DAYS):
            day = AS_OF - timedelta(days=DAYS - 1 - n)
            came = int(limit * min(pull * _busy(day) * _season(day) * (0.75 + 0.5 * rng.random()), 1.08))
            rows.append([code, name, grade, league, day, came, round(came * (price * 0.8 + 35) / 10_000, 2), limit])
    named = Named(
        table="景区客流",
        title="重点景区每日客流",
        summary="重点旅游景区每日游客人次、旅游收入（万元）和核定的最大承载量，2026年8月起。",
        org_key="tourism",
        category="201002",
        update_cycle="2",
        columns=("景区编号", "景区名称", "质量等级", "盟市", "日期", "游客人次", "收入（万元）", "最大承载量"),
        key=("景区编号", "日期"),
        mode=LoadMode.MERGE,
    )
    return write_plain(scene, named, rows)


def write_traffic(scene: Scene) -> HandIn:
    """Write the counts of the stations along the trunk roads."""
    rng = scene.rng("traffic")
    heaviest = sorted(scene.counties, key=lambda county: (-county.weight, county.code))[:STATIONS]
    rows = [row for n, county in enumerate(heaviest, start=1) for row in _counts(scene, rng, n, county)]
    named = Named(
        table="公路交通量",
        title="国省干线交通量观测",
        summary="国省干线观测站每日客车、货车交通量（辆）、平均车速（公里/小时）、设计通行能力和拥挤度，2026年8月起。",
        org_key="transport",
        category="201004",
        update_cycle="2",
        columns=(
            "观测站",
            "路线",
            "盟市",
            "日期",
            "客车",
            "货车",
            "交通量",
            "平均车速",
            "通行能力",
            "拥挤度",
            "经度",
            "纬度",
        ),
        key=("观测站", "日期"),
        mode=LoadMode.MERGE,
    )
    return write_plain(scene, named, rows)


def _counts(scene: Scene, rng: Random, number: int, county: County) -> list[list[PlainCell]]:
    longitude, latitude = scene.near(rng, county, 0.15)
    able = rng.choice((15_000, 30_000, 45_000, 60_000))
    use, freight = 0.25 + 0.35 * rng.random(), 0.15 + 0.35 * rng.random()
    rows: list[list[PlainCell]] = []
    for n in range(DAYS):
        day = AS_OF - timedelta(days=DAYS - 1 - n)
        cars = able * use * (1 - freight) * (0.7 + 0.25 * _busy(day)) * (0.9 + 0.2 * rng.random())
        lorries = able * use * freight * (0.5 if _busy(day) > 3 else 1.0) * (0.85 + 0.3 * rng.random())  # noqa: PLR2004
        load = (cars + 1.8 * lorries) / able
        speed = 92 * (1 - 0.45 * max(0.0, load - 0.3)) + rng.random() * 4
        rows.append([
            f"{county.name}{number:02d}站", _ROADS[number % len(_ROADS)], county.league, day, int(cars), int(lorries),
            int(cars) + int(lorries), round(speed, 1), able, round(load, 2), longitude, latitude,
        ])  # fmt: skip
    return rows
