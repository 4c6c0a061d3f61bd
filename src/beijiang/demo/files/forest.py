"""Forest-fire protection: a duty rota and satellite hot spots to be handed in, and hourly readings that stations send."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, ShareType
from beijiang.demo.files.identity import landline
from beijiang.demo.files.scene import DEMO_NOTE, County, Scene

__all__ = [
    "READING_COLUMNS",
    "Reading",
    "about_alerts",
    "about_readings",
    "danger",
    "readings",
    "write_duty",
    "write_hot_spots",
]

STATIONS, HOURS, SPOTS, DAYS = 36, 48, 90, 31
_WOODED = frozenset({"150700", "152200", "150400", "150500", "152500", "150200"})
_DUTY = ("值班日期", "盟市", "旗县", "班次", "带班岗位", "值班岗位", "值班电话")
_SPOT = ("热点编号", "发现时间", "盟市", "旗县", "经度", "纬度", "卫星", "亮温", "地类", "反馈时间", "核查结论")
READING_COLUMNS = (
    "站点编码", "站点名称", "盟市", "旗县", "经度", "纬度", "观测时间", "气温", "相对湿度", "风速", "干旱因子", "火险指数",
)  # fmt: skip


def danger(temperature: float, humidity: float, wind: float, drought: float) -> float:
    """Return McArthur's forest fire danger index, mark 5.

    By the equation of Noble, Bary and Gill, "McArthur's fire-danger meters expressed as equations", Australian Journal of
    Ecology 5 (1980) 201-203: temperature in degrees Celsius, relative humidity in %, wind in km/h at 10 m, drought factor
    0 to 10. From 12 the danger is high, from 25 very high.
    """
    drought = max(drought, 0.1)
    return 2 * math.exp(-0.450 + 0.987 * math.log(drought) - 0.0345 * humidity + 0.0338 * temperature + 0.0234 * wind)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one station sends at one hour."""

    at: datetime
    cells: dict[str, object]
    """By the names of ``READING_COLUMNS``."""


def _wooded(scene: Scene) -> list[County]:
    return [county for county in scene.counties if county.league_code in _WOODED][:STATIONS]


def readings(scene: Scene, until: datetime) -> Iterator[list[Reading]]:
    """Yield hour by hour what the stations send up to a moment: warm and dry by day, with a windy spell in some banners."""
    stations = [(county, *scene.near(scene.rng(f"fire {county.code}"), county, 0.4)) for county in _wooded(scene)]
    rng = scene.rng("fire weather")
    windy = {
        county.code: rng.randrange(8, HOURS) for county in rng.sample([s[0] for s in stations], len(stations) // 3)
    }
    begin = until.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    for hour in range(HOURS):
        at = begin + timedelta(hours=hour)
        yield [_reading(rng, place, at, hour - windy.get(place[0].code, 10**6)) for place in stations]


def _reading(rng: Random, place: tuple[County, float, float], at: datetime, spell: int) -> Reading:
    """Return one reading; ``spell`` counts hours since a dry wind set in, which lasts for nine."""
    county, longitude, latitude = place
    day = math.sin((((at.hour + 8) % 24) - 8) / 24 * 2 * math.pi)  # hours of the region, whose clocks are eight ahead
    blows = 0 <= spell < 9  # noqa: PLR2004
    temperature = round(6 + 8 * day + 4 * rng.random() + 6 * blows, 1)
    humidity = round(max(8, min(95, 46 - 16 * day + 10 * rng.random() - 24 * blows)))
    wind = round(9 + 6 * rng.random() + 26 * blows * (0.7 + 0.3 * rng.random()), 1)
    drought = 8.5
    values = (
        f"FHQX{county.code}", f"{county.name}防火气象站", county.league, county.name, longitude, latitude,
        at.isoformat(), temperature, humidity, wind, drought, round(danger(temperature, humidity, wind, drought), 2),
    )  # fmt: skip
    return Reading(at, dict(zip(READING_COLUMNS, values, strict=True)))


def write_duty(scene: Scene, today: date) -> HandIn:
    """Write who is on duty for a month, by post; no names."""
    rng = scene.rng("fire duty")
    rows = [
        (
            f"{today + timedelta(days=day)}", county.league, county.name, shift,
            rng.choice(("林草局副局长", "防火办主任", "森林消防大队长")), "防火值班员", landline(rng, county.area_code),
        )
        for day in range(DAYS)
        for county in _wooded(scene)
        for shift in ("白班", "夜班")
    ]  # fmt: skip
    return _hand_in(
        scene, "防火值班表", _DUTY, rows,
        key=("值班日期", "旗县", "班次"),
        title="森林草原防火值班表",
        summary="各旗县防火期每日白班、夜班的带班岗位和值班电话，不含姓名。",
    )  # fmt: skip


def write_hot_spots(scene: Scene, until: datetime) -> HandIn:
    """Write what satellites saw in the last ten days, and what came of it; the newest wait for an answer."""
    rng = scene.rng("hot spots")
    local = until.replace(tzinfo=None) + timedelta(hours=8)
    rows = []
    for number in range(1, SPOTS + 1):
        county = rng.choice(_wooded(scene))
        longitude, latitude = scene.near(rng, county, 0.8)
        age = timedelta(minutes=rng.randrange(20, 10 * 24 * 60))
        seen = local - age
        answered = age > timedelta(hours=5)
        answer = f"{seen + timedelta(minutes=rng.randrange(25, 240)):%Y-%m-%d %H:%M:%S}" if answered else ""
        found = rng.choice(("森林草原火情", "农事用火", "农事用火", "工矿热源", "未发现明火")) if answered else ""
        rows.append(
            (
                f"RD{number:05d}", f"{seen:%Y-%m-%d %H:%M:%S}", county.league, county.name, f"{longitude}",
                f"{latitude}", rng.choice(("风云三号", "风云四号", "高分四号", "葵花")), f"{310 + 60 * rng.random():.1f}",
                rng.choice(("有林地", "灌木林", "草地", "耕地")), answer, found,
            )
        )  # fmt: skip
    return _hand_in(
        scene, "卫星热点", _SPOT, rows,
        key=("热点编号",),
        title="卫星监测热点与核查反馈",
        summary="卫星监测到的热点位置、亮温、地类，以及旗县核查反馈的时间和结论。",
    )  # fmt: skip


def about_readings(scene: Scene, name: str) -> HandIn:
    """Return what a clerk would say of the table that the stations' readings go into."""
    return _described(
        scene, name, READING_COLUMNS, 0,
        key=("站点编码", "观测时间"),
        title="森林火险气象小时观测",
        summary="防火气象站每小时的气温、湿度、风速、干旱因子和按公开公式计算的森林火险指数。",
    )  # fmt: skip


def about_alerts(scene: Scene, name: str, columns: Sequence[str]) -> HandIn:
    """Return what a clerk would say of the table of alerts."""
    return _described(
        scene, name, tuple(columns), 0,
        key=("预警编号",),
        title="森林火险预警记录",
        summary="由数据流规则在读数到达时发出的火险预警，及其恢复和处理状态。",
    )  # fmt: skip


def _hand_in(
    scene: Scene,
    name: str,
    columns: tuple[str, ...],
    rows: Sequence[Sequence[str]],
    *,
    key: tuple[str, ...],
    title: str,
    summary: str,
) -> HandIn:
    described = _described(scene, name, columns, len(rows), key=key, title=title, summary=summary)
    described.path.write_bytes(lines([columns, *rows]).encode())
    return described


def _described(
    scene: Scene, name: str, columns: tuple[str, ...], rows: int, *, key: tuple[str, ...], title: str, summary: str
) -> HandIn:
    return HandIn(
        path=scene.path(f"{name}.csv"),
        org_key="forestry",
        table_name=name,
        title=title,
        summary=summary + DEMO_NOTE,
        columns=columns,
        key_columns=key,
        rows=rows,
        category="103001",
        update_cycle="2",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=columns,
        licence=OPEN_LICENCE,
    )
