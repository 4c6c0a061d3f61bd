"""The national air stations and the townships of the region, taken in as they are published."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from conftest import Desk

DATA = Path(__file__).parents[3] / "shared" / "data"
STATIONS = 1_495
TOWNS = 1_225


def test_the_air_stations_with_their_missing_readings(desk: Desk) -> None:
    path = DATA / "air" / "stations.json"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert len(features) == STATIONS
    run = desk.take([path], "空气站点")
    assert run.error is None
    report = run.report
    assert (report["read"], report["good"], report["bad"], report["duplicates"]) == (STATIONS, STATIONS, 0, 0)
    table = desk.rows("空气站点")
    for column in ("pm10", "pm2_5", "o3"):
        published = [f["properties"][column] for f in features]
        missing = sum(1 for value in published if value == "-;")
        assert missing > 0
        assert table[column].null_count() == missing
        assert table[column].cast(pl.Float64).sum() == sum(float(v) for v in published if v != "-;")
    assert sorted(table["stationcode"].to_list()) == sorted(f["properties"]["stationcode"] for f in features)
    assert round(table["经度"].cast(pl.Float64).sum(), 4) == round(
        sum(f["geometry"]["coordinates"][0] for f in features), 4
    )


def test_the_townships_keep_their_codes_as_text(desk: Desk) -> None:
    path = DATA / "regions" / "towns.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        published = sorted((r["code"], r["name"], r["parent"]) for r in csv.DictReader(file))
    assert len(published) == TOWNS
    run = desk.take([path], "乡镇", key=("code",))
    assert run.error is None
    assert (run.report["read"], run.report["good"], run.report["bad"]) == (TOWNS, TOWNS, 0)
    table = desk.rows("乡镇")
    assert table.schema["code"] == pl.String
    taken = sorted(table.select("code", "name", "parent").rows())
    digest = [hashlib.sha256(repr(rows).encode()).hexdigest() for rows in (published, taken)]
    assert digest[0] == digest[1]
