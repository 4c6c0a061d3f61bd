"""The environment application counts as the limits of each day say, and shows the real station file where it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.access import PersonDraft, Role
from beijiang.build import build
from beijiang.demo.applications import bundled
from beijiang.kit import SYSTEM, Actor, new_id
from beijiang.platform import Platform
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

STATIONS = Path(__file__).parents[2].parent / "shared" / "data" / "air" / "stations.json"
HOURS = pa.schema(
    [
        ("站点编码", pa.string()), ("站点名称", pa.string()), ("盟市", pa.string()), ("区划代码", pa.string()),
        ("经度", pa.float64()), ("纬度", pa.float64()), ("监测时间", pa.timestamp("us")), ("AQI", pa.float64()),
        ("PM2.5", pa.float64()), ("PM10", pa.float64()), ("SO2", pa.float64()), ("NO2", pa.float64()), ("CO", pa.float64()),
        ("O3", pa.float64()), ("首要污染物", pa.string()),
    ]
)  # fmt: skip


@dataclass
class Bureau:
    platform: Platform
    steward: Actor

    def write(self, table: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
        path = self.platform.settings.home / "staging" / f"{new_id('env')}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        request = CommitRequest(
            table=table, org_id="environment", staged=(path,), schema=schema, mode=WriteMode.REPLACE, run_id=new_id("run")
        )  # fmt: skip
        self.platform.tables.commit(SYSTEM, request)

    def rows(self, page: str, query: str, **asked: str) -> list[dict[str, Any]]:
        view = self.platform.apps.try_page(self.steward, bundled("environment"), page, asked)
        card = next(card for card in view.cards.values() if card.block.query == query)
        assert card.data is not None, card.why
        return [dict(row) for row in card.data.rows]


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("bureau")))
    built.first_start()
    draft = PersonDraft(login="air", name="专员", org_id="environment", roles=frozenset({Role.STEWARD}))
    _, code = built.access.add_person(SYSTEM, draft)
    built.access.change_password(
        built.access.sign_in("air", code, "tests").actor, code, "Steppe-under-a-wide-sky-26"
    )  # fmt: skip
    made = Bureau(built, built.access.actor_for_person("air"))
    for table, name in (
        ("环境空气质量限值", "air_limits.csv"),
        ("环境空气质量评价规则", "air_rules.csv"),
        ("空气质量指数级别", "air_levels.csv"),
    ):
        made.write(table, *_packaged(name))
    yield made
    built.close()


def _packaged(name: str) -> tuple[list[dict[str, Any]], pa.Schema]:
    rows: list[dict[str, Any]] = list(csv.DictReader(files("beijiang.demo.files").joinpath(name).read_text("utf-8").splitlines()))  # fmt: skip
    types = {}
    for column in rows[0]:
        if column.endswith("日期"):
            types[column] = pa.date32()
            for row in rows:
                row[column] = date.fromisoformat(row[column])
        elif all(row[column].isdigit() for row in rows):
            types[column] = pa.int64()
            for row in rows:
                row[column] = int(row[column])
        else:
            types[column] = pa.string()
    return rows, pa.schema(list(types.items()))


def hour(at: datetime, league: str = "包头市", **values: float) -> dict[str, Any]:
    usual = {"AQI": 60.0, "PM2.5": 20.0, "PM10": 40.0, "SO2": 10.0, "NO2": 20.0, "CO": 0.5, "O3": 80.0}
    place = {
        "站点编码": f"{league}1",
        "站点名称": f"{league}站",
        "盟市": league,
        "区划代码": "150200",
        "经度": 109.8,
        "纬度": 40.6,
    }
    return {**place, "监测时间": at, **usual, **values, "首要污染物": None}


def test_each_day_is_held_against_the_limit_of_that_day(bureau: Bureau) -> None:
    """65 µg/m3 of PM2.5 were within the limit of 75 until February 2026, and are over the 60 that hold since March."""
    days = [date(2026, 2, 27) + timedelta(days=n) for n in range(4)]
    midnights = [datetime(day.year, day.month, day.day) for day in days]  # noqa: DTZ001 - local time, as stations log it
    rows = [hour(at + timedelta(hours=n), **{"PM2.5": 65.0}) for at in midnights for n in range(24)]
    rows += [hour(at + timedelta(hours=n), "赤峰市", O3=200.0 if n in range(10, 18) else 40.0) for at in midnights[:1] for n in range(24)]  # fmt: skip
    bureau.write("空气质量小时数据", rows, HOURS)
    over = bureau.rows("exceedance", "exceed_days")
    assert {(str(row["日期"]), row["盟市"], row["污染物"], row["限值"]) for row in over} == {
        ("2026-03-01", "包头市", "PM2.5", 60),
        ("2026-03-02", "包头市", "PM2.5", 60),
        ("2026-02-27", "赤峰市", "O3", 160),
    }
    total = bureau.rows("exceedance", "exceed_sum")[0]
    assert (total["超标天数"], total["达标率（%）"]) == (3, 40.0)
    assert bureau.rows("exceedance", "exceed_sum", pollutant="O3")[0]["超标天数"] == 1


def test_a_day_counts_only_with_enough_hours_and_is_rounded_before_it_is_held_against_the_limit(bureau: Bureau) -> None:
    """19 hours are no day; 14 means of 8 hours are enough for ozone, and fewer only if they are over; half goes to even."""
    whole, short, few, even = (datetime(2026, 2, n) for n in (2, 4, 6, 8))  # noqa: DTZ001 - local time

    def day(at: datetime, league: str, hours: range, **values: float) -> list[dict[str, Any]]:
        return [hour(at + timedelta(hours=n), league, **values) for n in hours]

    rows = day(whole, "乌海市", range(24), **{"PM2.5": 100.0}) + day(short, "乌海市", range(19), **{"PM2.5": 100.0})
    rows += day(few, "乌海市", range(6, 20), O3=150.0) + day(few, "通辽市", range(6, 20), O3=161.0)
    rows += day(even, "乌海市", range(24), **{"PM2.5": 74.5, "PM10": 151.0, "CO": 4.05})
    rows += day(even, "通辽市", range(24), **{"PM2.5": 75.5, "CO": 4.06})
    bureau.write("空气质量小时数据", rows, HOURS)
    over = {
        (str(row["日期"]), row["盟市"], row["污染物"], row["浓度"]) for row in bureau.rows("exceedance", "exceed_days")
    }
    assert over == {
        ("2026-02-02", "乌海市", "PM2.5", 100.0),
        ("2026-02-06", "通辽市", "O3", 161.0),
        ("2026-02-08", "乌海市", "PM10", 151.0),
        ("2026-02-08", "通辽市", "PM2.5", 76.0),
        ("2026-02-08", "通辽市", "CO", 4.1),
    }
    assert bureau.rows("exceedance", "exceed_sum")[0]["数据截至"] == "2026-02-08 23:00"


def test_a_league_is_the_mean_of_its_stations_that_have_a_valid_day(bureau: Bureau) -> None:
    at = datetime(2026, 2, 2)  # noqa: DTZ001 - local time
    rows = [hour(at + timedelta(hours=n), **{"PM2.5": 60.0}) for n in range(24)]
    rows += [{**row, "站点编码": "second", "PM2.5": 100.0} for row in rows]
    rows += [{**row, "站点编码": "third", "PM2.5": 900.0} for row in rows[:10]]
    bureau.write("空气质量小时数据", rows, HOURS)
    (found,) = bureau.rows("exceedance", "exceed_days")
    assert (found["浓度"], found["站点数"], found["倍数"], found["标准"]) == (80.0, 2, 1.07, "GB 3095—2012")


@pytest.mark.skipif(not STATIONS.exists(), reason="the real station file is not beside this checkout")
def test_it_shows_the_real_stations_as_the_file_has_them(bureau: Bureau) -> None:
    real = [feature for feature in json.loads(STATIONS.read_text("utf-8"))["features"] if feature["geometry"]]
    at = datetime(2026, 11, 1, 8)  # noqa: DTZ001 - local time
    rows = [_station(number, feature, at) for number, feature in enumerate(real)]
    bureau.write("空气质量小时数据", rows, HOURS)
    wanted: dict[str, list[float]] = {}
    for row in rows:
        if row["AQI"] is not None:
            wanted.setdefault(row["盟市"], []).append(row["AQI"])
    shown = {row["盟市"]: row for row in bureau.rows("air", "air_by_league")}
    assert set(shown) == set(wanted)
    for area, values in wanted.items():
        assert shown[area]["站点数"] == len(values)
        assert shown[area]["平均指数"] == pytest.approx(sum(values) / len(values), abs=0.51)
    first = bureau.rows("air", "air_now")[0]
    measured = [value for values in wanted.values() for value in values]
    assert first["站点数"] == len(measured)
    assert first["优良比例（%）"] == pytest.approx(100 * sum(v <= 100 for v in measured) / len(measured), abs=0.06)


def _station(number: int, feature: dict[str, Any], at: datetime) -> dict[str, Any]:
    facts, (longitude, latitude) = feature["properties"], feature["geometry"]["coordinates"]

    def figure(name: str) -> float | None:
        text = str(facts.get(name, "")).strip()
        return float(text) if text.replace(".", "", 1).isdigit() else None

    return {
        "站点编码": f"S{number}", "站点名称": str(facts.get("position_name") or facts.get("positionname") or number), "盟市": facts["area"],
        "区划代码": "", "经度": longitude, "纬度": latitude, "监测时间": at, "AQI": figure("aqi"), "PM2.5": figure("pm2_5"),
        "PM10": figure("pm10"), "SO2": figure("so2"), "NO2": figure("no2"), "CO": figure("co"), "O3": figure("o3"), "首要污染物": None,
    }  # fmt: skip
