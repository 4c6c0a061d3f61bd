"""A geography library is asked where: in which region a spot is, and what is near it; rows through the gate."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from library_bureau import Archive
from typer.testing import CliRunner

from agreed import lowered
from beijiang import terminal
from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.fusion import Element, LibraryDraft, LinkDraft, Spot
from beijiang.fusion.commands import commands
from beijiang.fusion.models.atlas import Atlas
from beijiang.kit import Denied, Invalid, Language, NotFound
from beijiang.protection import Level

PASSWORD = "Steppe-under-a-wide-sky-26"
STATIONS = Path(__file__).parents[3] / "shared" / "data" / "air" / "stations.json"
FEATURES = pa.schema([("编号", pa.string()), ("名称", pa.string()), ("类别", pa.string()), ("位置", pa.string())])
ELEMENTS = (
    Element(name="要素标识", element="geography.feature_id"),
    Element(name="要素名称", element="geography.feature_name"),
    Element(name="要素分类代码", element="geography.feature_class"),
    Element(name="几何图形", element="geography.geometry", type="G"),
)
COLUMNS = {"要素标识": "编号", "要素名称": "名称", "要素分类代码": "类别", "几何图形": "位置"}
CITY = "POLYGON ((111 40, 112 40, 112 41, 111 41, 111 40))"
DISTRICT = {
    "type": "Polygon",
    "coordinates": [[[111.5, 40.5], [111.8, 40.5], [111.8, 40.9], [111.5, 40.9], [111.5, 40.5]]],
}
ROWS = (
    ("G1", "某市", "区划", CITY),
    ("G2", "某区", "区划", json.dumps(DISTRICT)),
    ("G3", "某站", "站点", "POINT (111.60 40.60)"),
    ("G4", "远站", "站点", "POINT (112.50 40.60)"),
    ("G5", "某路", "道路", "LINESTRING (111.9 40.0, 111.9 41.0)"),
    ("G6", "坏图形", "站点", "POINT (111.6"),
    ("G7", "无图形", "站点", None),
)


@pytest.fixture(scope="module")
def library(archive: Archive) -> Any:
    rows = [dict(zip(FEATURES.names, row, strict=True)) for row in ROWS]
    table = archive.table(rows, name="地理要素", schema=FEATURES)
    draft = LibraryDraft(kind="geography", name="空间地理库", target="空间地理库", elements=ELEMENTS, key=("要素标识",))
    made = archive.platform.fusion.declare(archive.keeper, draft)
    offered = archive.platform.fusion.propose(
        archive.steward, made.id, LinkDraft(table=table, columns=COLUMNS, key=("编号",))
    )
    archive.platform.fusion.agree(archive.keeper, offered.id)
    archive.run(made)
    return made


def names(found: Any) -> list[str]:
    return [one.row["要素名称"] for one in found.places]


def test_the_smallest_region_comes_first_and_then_what_is_near(archive: Archive, library: Any) -> None:
    found = archive.platform.fusion.near(archive.keeper, library.id, Spot(111.7, 40.6), km=40)
    assert names(found) == ["某区", "某市", "某站", "某路"]
    assert [one.inside for one in found.places] == [True, True, False, False]
    assert found.places[2].km == pytest.approx(8.44, abs=0.02)
    assert found.places[3].km == pytest.approx(16.88, abs=0.05), "to the nearest point of a line"
    assert found.left_out == 2
    outside = archive.platform.fusion.near(archive.keeper, library.id, Spot(112.22, 40.6), km=30)
    assert names(outside) == ["某市", "远站", "某路"]
    assert not outside.places[0].inside
    assert names(archive.platform.fusion.near(archive.keeper, library.id, Spot(80, 30))) == []
    assert names(archive.platform.fusion.near(archive.keeper, library.id, Spot(111.7, 40.6), limit=1)) == ["某区"]


def test_a_new_version_is_asked_at_once(archive: Archive, library: Any) -> None:
    there = Spot(115.0, 43.0)
    assert names(archive.platform.fusion.near(archive.keeper, library.id, there)) == []
    rows = (*ROWS, ("G8", "新站", "站点", "POINT (115.01 43.0)"))
    more = [dict(zip(FEATURES.names, row, strict=True)) for row in rows]
    archive.table(more, name="地理要素", schema=FEATURES)
    archive.run(library)
    assert names(archive.platform.fusion.near(archive.keeper, library.id, there)) == ["新站"]


def test_what_does_not_fit_is_said(archive: Archive, library: Any) -> None:
    fusion = archive.platform.fusion
    with pytest.raises(Invalid):
        Spot(40.8, 111.7)
    for km in (0, 501):
        with pytest.raises(Invalid):
            fusion.near(archive.keeper, library.id, Spot(111.7, 40.6), km=km)
    persons = archive.declare()
    with pytest.raises(Invalid) as none:
        fusion.near(archive.keeper, persons.id, Spot(111.7, 40.6))
    assert none.value.reason == "no_geometry"
    with pytest.raises(NotFound):
        fusion.near(archive.stranger, library.id, Spot(111.7, 40.6))


def test_who_does_not_see_geometries_cannot_find_by_them(archive: Archive, library: Any) -> None:
    protection = archive.platform.protection
    before = archive.platform.fusion.near(archive.reviewer, library.id, Spot(111.7, 40.6))
    assert before.places
    protection.correct(archive.keeper, library.target, "几何图形", level=Level.L3, reason="大比例尺")
    try:
        with pytest.raises(Denied) as hidden:
            archive.platform.fusion.near(archive.reviewer, library.id, Spot(111.7, 40.6))
        assert hidden.value.reason == "geometry_hidden"
    finally:
        lowered(protection, archive.keeper, library.target, "几何图形", level=Level.L2, reason="复原")


def test_distances_are_those_of_the_sphere() -> None:
    dice = random.Random(7)  # noqa: S311 - places, no secret
    spots = [(dice.uniform(97, 126), dice.uniform(37, 53)) for _ in range(400)]
    atlas = Atlas([str(i) for i in range(400)], [f"POINT ({lon} {lat})" for lon, lat in spots])
    for _ in range(20):
        here = Spot(dice.uniform(100, 123), dice.uniform(39, 51))
        found = atlas.near(here, 300, 400)
        real = {str(i): _sphere(here, *spot) for i, spot in enumerate(spots)}
        assert {one.name for one in found} >= {name for name, km in real.items() if km < 299.9}
        assert all(abs(one.km - real[one.name]) < 1e-6 * real[one.name] + 1e-6 for one in found)
        assert [one.km for one in found] == sorted(one.km for one in found)


def test_real_stations_are_found_around_hohhot() -> None:
    if not STATIONS.exists():
        pytest.skip("the stations of ../shared/data are not here")
    features = json.loads(STATIONS.read_text())["features"]
    names = [one["properties"]["area"] + one["properties"]["positionname"] for one in features]
    atlas = Atlas(names, [json.dumps(one["geometry"]) for one in features])
    here = Spot(111.67, 40.82)
    found = atlas.near(here, 40, 50)
    assert len(found) >= 3
    assert all(one.name.startswith("呼和浩特市") for one in found)
    near = min(_sphere(here, *one["geometry"]["coordinates"]) for one in features)
    assert found[0].km == pytest.approx(near, rel=0.01)


def _sphere(here: Spot, lon: float, lat: float) -> float:
    a, b = math.radians(here.lat), math.radians(lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon - here.lon) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(half))


def test_programs_pages_and_the_terminal_ask_too(archive: Archive, library: Any) -> None:
    access = archive.platform.access
    signed = access.sign_in("keeper", PASSWORD, "tests")
    scopes = frozenset(str(p) for p in Permission if p.startswith(("fusion:", "tables:", "protection:rows:")))
    _, secret = access.issue_key(signed.actor, KeyDraft(name="找地方", scopes=scopes, days=1))
    program = TestClient(create_app(archive.platform), headers={"Authorization": f"Bearer {secret}"})
    at = f"/api/v1/libraries/{library.id}/places"
    told = program.get(at, params={"lon": 111.7, "lat": 40.6, "km": 10}).json()
    assert [(one["要素名称"], one["inside"]) for one in told["places"]] == [
        ("某区", True), ("某市", True), ("某站", False),
    ]  # fmt: skip
    assert told["receipt"]
    for wrong in ({"lon": 111.7}, {"lon": 200, "lat": 40}, {"lon": "nan", "lat": 40}, {"lon": 111, "lat": 40, "km": 0}):
        assert program.get(at, params=wrong).status_code == 422, wrong
    terminal.set_style(as_json=True, language=Language.EN)
    group = commands(lambda: archive.platform.fusion, lambda: access)
    done = CliRunner().invoke(group, ["places", "111.7", "40.6", "--library", library.id, "--as", "keeper"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert [row["要素名称"] for row in json.loads(done.output)][:2] == ["某区", "某市"]
    origin = "https://testserver"
    with TestClient(create_app(archive.platform), base_url=origin, headers={"Accept": "text/html"}) as page:
        words = {"login": "keeper", "password": PASSWORD, "target": "/console", "_csrf": ""}
        assert page.post("/console/sign-in", data=words, headers={"Origin": origin}).status_code == 200
        here = f"/console/libraries/{library.id}"
        assert f"{here}/places" in page.get(here).text
        assert "某区" in page.get(f"{here}/places", params={"spot": "111.7，40.6"}).text
        assert "不是位置" in page.get(f"{here}/places", params={"spot": "呼和浩特"}).text
        assert "这一带没有" in page.get(f"{here}/places", params={"spot": "80, 30"}).text
