"""空气质量小时数据: sixty days of hourly values from forty-five stations, with the gaps that instruments leave."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, LoadMode, ShareType
from beijiang.demo.files.scene import DEMO_NOTE, County, Scene

__all__ = ["DAYS", "LATER_DAYS", "STATIONS", "write_air", "write_later_air"]

STATIONS, DAYS, LATER_DAYS = 45, 60, 10
COLUMNS = ("站点编码", "站点名称", "盟市", "区划代码", "经度", "纬度", "监测时间", "AQI", "PM2.5", "PM10", "SO2", "NO2", "CO", "O3", "首要污染物")  # fmt: skip
_START = datetime(2026, 9, 1)  # noqa: DTZ001 - local time as the station's log has it
_FIRST_VALUE = COLUMNS.index("AQI")
_LEVELS = (0, 50, 100, 150, 200, 300, 400, 500)
# Concentration limits of the levels above, in µg/m3 (HJ 633, hourly report).
_LIMITS = {
    "PM2.5": (0, 35, 75, 115, 150, 250, 350, 500),
    "PM10": (0, 50, 150, 250, 350, 420, 500, 600),
    "NO2": (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    "O3": (0, 160, 200, 300, 400, 800, 1000, 1200),
}


@dataclass(frozen=True, slots=True)
class _Station:
    code: str
    name: str
    county: County
    longitude: float
    latitude: float
    load: float


def _stations(scene: Scene, rng: Random) -> list[_Station]:
    """Spread the stations over distinct counties, the populous ones first."""
    heaviest = sorted(scene.counties, key=lambda county: (-county.weight, county.code))[:STATIONS]
    chosen = sorted(heaviest, key=lambda county: county.code)
    names = ("实验小学", "环保大楼", "人民公园", "市政府", "第一中学", "气象局", "体育馆")
    stations = []
    for number, county in enumerate(chosen, start=1):
        longitude, latitude = scene.near(rng, county, 0.02)
        name = f"{county.name}{rng.choice(names)}"
        stations.append(_Station(f"15D{number:03d}A", name, county, longitude, latitude, 0.6 + rng.random()))
    return stations


def _index(pollutant: str, value: float) -> int:
    """Return the air quality index of one pollutant by straight lines between the limits."""
    limits = _LIMITS[pollutant]
    at = min(max(bisect_left(limits, value), 1), len(limits) - 1)
    low, high = limits[at - 1], limits[at]
    share = min((value - low) / (high - low), 1.0)
    return math.ceil(_LEVELS[at - 1] + (_LEVELS[at] - _LEVELS[at - 1]) * share)


def write_air(scene: Scene) -> HandIn:
    """Write the values of the first sixty days."""
    return _write(scene, "空气质量小时数据_202609-202610.csv", _START, DAYS)


def write_later_air(scene: Scene) -> HandIn:
    """Write the ten days that follow, as the next regular delivery brings them."""
    return _write(scene, "空气质量小时数据_202611上旬.csv", _START + timedelta(days=DAYS), LATER_DAYS)


def _write(scene: Scene, name: str, start: datetime, full_days: int) -> HandIn:
    """Write the values station by station, hour by hour."""
    stations = _stations(scene, scene.rng("air stations"))
    rng = scene.rng(f"air {start:%Y%m%d}")
    hours = [start + timedelta(hours=hour) for hour in range(24 * max(2, round(full_days * scene.scale)))]
    rows: list[list[str]] = []
    for station in stations:
        rows += _station_rows(rng, station, hours)
    planted = _soil(scene, rng, rows)
    path = scene.path(name)
    path.write_bytes(lines([COLUMNS, *rows]).encode())
    return HandIn(
        path=path,
        org_key="environment",
        table_name="空气质量小时数据",
        title="全区空气质量监测站小时数据",
        summary="全区45个空气质量监测站的小时浓度和空气质量指数，单位微克/立方米（CO为毫克/立方米），缺测以“—”或“-;”表示。"
        + DEMO_NOTE,
        columns=COLUMNS,
        key_columns=("站点编码", "监测时间"),
        rows=len(rows),
        category="211001",
        update_cycle="2",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=COLUMNS,
        licence=OPEN_LICENCE,
        mode=LoadMode.MERGE,
        planted=planted,
    )


def _station_rows(rng: Random, station: _Station, hours: list[datetime]) -> list[list[str]]:
    """Let dust and gases drift about a daily rhythm, with a storm now and then."""
    head = [
        station.code,
        station.name,
        station.county.league,
        station.county.code,
        f"{station.longitude}",
        f"{station.latitude}",
    ]
    level, rows = 1.0, []
    for moment in hours:
        level += (1.0 - level) * 0.06 + (rng.random() - 0.5) * 0.3
        level = max(level, 0.15)
        if rng.random() < 0.0008:  # noqa: PLR2004 - a dust storm about every fifty days
            level += 4
        warm = math.sin((moment.hour - 8) / 24 * 2 * math.pi)
        values = {
            "PM2.5": max(1, round(26 * station.load * level * (1 - 0.2 * warm))),
            "PM10": max(2, round(58 * station.load * level * (1 + 0.3 * rng.random()))),
            "NO2": max(1, round(22 * station.load * (1 - 0.4 * warm) + 8 * rng.random())),
            "O3": max(2, round(78 + 45 * warm + 20 * rng.random())),
        }
        indices = {name: _index(name, value) for name, value in values.items()}
        worst = max(indices, key=lambda name: indices[name])
        rows.append([
            *head,
            f"{moment:%Y-%m-%d %H:%M}",
            str(indices[worst]),
            str(values["PM2.5"]),
            str(values["PM10"]),
            str(max(1, round(9 * station.load + 6 * rng.random()))),
            str(values["NO2"]),
            f"{0.3 + 0.4 * station.load * rng.random():.1f}",
            str(values["O3"]),
            worst if indices[worst] > 50 else "—",  # noqa: PLR2004 - no leading pollutant on a good hour
        ])  # fmt: skip
    return rows


def _soil(scene: Scene, rng: Random, rows: list[list[str]]) -> dict[str, int]:
    """Lose single values and whole hours, and send some hours twice."""
    sizes = {"missing_value": len(rows) * 3 // 200, "offline_hour": max(1, len(rows) // 200)}
    dirty: set[int] = set()
    for kind, chosen in scene.disjoint(rng, len(rows), sizes):
        dirty.update(chosen)
        for i in chosen:
            if kind == "missing_value":
                rows[i][_FIRST_VALUE + 1 + int(rng.random() * 6)] = "—"
            else:
                rows[i][_FIRST_VALUE:] = ["-;"] * (len(COLUMNS) - _FIRST_VALUE)
    twice = max(1, len(rows) // 1000)
    rows += rng.sample([cells for i, cells in enumerate(rows) if i not in dirty], twice)
    return sizes | {"duplicate_row": twice}
