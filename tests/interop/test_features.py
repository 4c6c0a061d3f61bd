"""OGC API Features, Part 1 Core (OGC 17-069r4): its requirements against a running server, and its features as GDAL (and so QGIS) reads them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from features_portal import PARKS, ROADS, stations

from beijiang.access import Role
from beijiang.tables import Filter, FilterOp
from opendata.conftest import Portal, as_csv, person

CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def portal(lands: Portal) -> Portal:
    return lands


def items(portal: Portal, name: str, **words: Any) -> dict[str, Any]:
    answer = portal.get(f"/ogc/collections/{portal.ids[name]}/items", params=words)
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["content-type"] == "application/geo+json"
    found: dict[str, Any] = answer.json()
    assert found["numberReturned"] == len(found["features"])
    return found


def walk(portal: Portal, name: str, **words: Any) -> list[dict[str, Any]]:
    """Follow the links to the next pages to the end; the count is told the same on each, and comes true."""
    found: list[dict[str, Any]] = []
    page = items(portal, name, **words)
    matched = page["numberMatched"]
    for _ in range(100):
        found += page["features"]
        assert page["numberMatched"] == matched
        onward = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not onward:
            assert len(found) == matched
            assert len({one["id"] for one in found}) == matched
            return found
        assert onward[0].startswith(portal.platform.opendata.base), "not the public address"
        page = portal.json(onward[0].removeprefix(portal.platform.opendata.base))
    raise AssertionError("the walk does not end")


def every_link(told: Any) -> Iterator[dict[str, str]]:
    if isinstance(told, dict):
        if "href" in told:
            yield told
        for value in told.values():
            yield from every_link(value)
    if isinstance(told, list):
        for value in told:
            yield from every_link(value)


def placed() -> dict[str, tuple[float, float]]:
    """Return the stations that have a place, as the file says."""
    found = {row[0]: (float(row[2] or "nan"), float(row[3] or "nan")) for row in stations()}
    return {name: (x, y) for name, (x, y) in found.items() if -180 <= x <= 180 and -90 <= y <= 90 and (x, y) != (0, 0)}


def test_the_landing_page_leads_everywhere(portal: Portal) -> None:
    told = portal.json("/ogc")
    assert told == portal.json("/ogc/")
    rels = {link["rel"]: link for link in told["links"]}
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= set(rels)
    assert rels["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    for link in every_link(told):
        assert link["type"]
        answer = portal.get(urlsplit(link["href"]).path)
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].split(";")[0] == link["type"].split(";")[0]
    assert CORE in portal.json("/ogc/conformance")["conformsTo"]


def test_every_link_says_what_it_is_and_begins_at_the_public_address(portal: Portal) -> None:
    for path in ("/ogc", "/ogc/collections", f"/ogc/collections/{portal.ids['parks']}", f"/ogc/collections/{portal.ids['parks']}/items?limit=2"):  # fmt: skip
        links = list(every_link(portal.client.get(path, headers={"host": "evil.test"}).json()))
        assert links
        for link in links:
            assert link["rel"]
            assert link["type"]
            assert link["href"].startswith((portal.platform.opendata.base, "https://creativecommons.org/", "https://"))
            assert "evil" not in link["href"]


def test_collections_are_the_open_sets_that_lie_on_the_earth(portal: Portal) -> None:
    told = portal.json("/ogc/collections")
    listed = {one["id"]: one for one in told["collections"]}
    assert set(listed) == {portal.ids[name] for name in ("towers", "stations", "trees", "parks", "roads")}
    for id_, one in listed.items():
        assert portal.json(f"/ogc/collections/{id_}") == one, "identical in both"
        assert one["itemType"] == "feature"
        assert one["crs"] == ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]
        assert any(link["rel"] == "items" for link in one["links"])
    xs, ys = zip(*placed().values(), strict=True)
    extent = listed[portal.ids["stations"]]["extent"]
    assert extent["spatial"]["bbox"] == [[min(xs), min(ys), max(xs), max(ys)]], "what has no place widens no extent"
    days = sorted(row[4] for row in stations() if row[4])
    assert [end[:10] for end in extent["temporal"]["interval"][0]] == [days[0], days[-1]]
    assert listed[portal.ids["parks"]]["extent"]["spatial"]["bbox"] == [[100, 40, 119, 41]]


def test_pages_follow_each_other_and_lose_nothing(portal: Portal) -> None:
    rows = {row[0]: row for row in stations()}
    for limit in (1, 7, 40, 10_000):
        found = walk(portal, "stations", limit=limit)
        assert {one["id"] for one in found} == set(rows)
    where = placed()
    for one in found:
        point = one["geometry"]
        assert (tuple(point["coordinates"]) if point else None) == where.get(one["id"])
        assert one["properties"]["名称"] == rows[one["id"]][1]
    assert len(items(portal, "stations")["features"]) == 10, "the default"
    assert len(items(portal, "stations", limit=999_999_999)["features"]) == 40, "more than the greatest is the greatest"
    assert len(walk(portal, "towers", limit=7)) == 60


@pytest.mark.parametrize(
    "box", ["105,39,110,43", "100,38,100,38", "-180,-90,180,90", "105,39,0,110,43,9000", "50,0,60,5", "110,-90,105,90"]
)
def test_a_box_holds_what_touches_it_and_what_has_no_place(portal: Portal, box: str) -> None:
    numbers = [float(one) for one in box.split(",")]
    west, south, east, north = numbers if len(numbers) == 4 else (numbers[0], numbers[1], numbers[3], numbers[4])

    def inside(x: float, y: float) -> bool:
        across = west <= x <= east if west <= east else x >= west or x <= east
        return across and south <= y <= north

    where = placed()
    expected = {row[0] for row in stations() if row[0] not in where or inside(*where[row[0]])}
    assert {one["id"] for one in walk(portal, "stations", bbox=box, limit=5)} == expected


def test_a_shape_is_looked_at_itself_not_at_the_box_around_it(portal: Portal) -> None:
    def names(box: str) -> set[str]:
        return {one["properties"]["园名"] for one in walk(portal, "parks", bbox=box, limit=3)}

    assert names("100.5,40.5,102.5,40.6") == {"公园0", "公园1", "无界公园"}
    assert names("106.4,40.4,106.6,40.6") == {"无界公园"}, "in the hole of the fourth"
    assert names("101,40,102,41") == {"公园0", "公园1", "无界公园"}, "edges touch"
    roads = {one["properties"]["路线"]: one["geometry"] for one in walk(portal, "roads", bbox="100.9,42.0,101,42.05")}
    assert set(roads) == {"G1", "G4"}, "the line of G0 passes the corner by; G4 has no shape that can be read"
    assert roads["G1"] == {"type": "LineString", "coordinates": [[101.0, 42.0], [102.0, 43.0]]}
    assert roads["G4"] is None


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [("2005-06-15", "2005-06-15", "2005-06-15"), ("2005-01-01/2008-12-31", "2005-01-01", "2008-12-31"), ("../2003-12-31", "", "2003-12-31"),
     ("2015-01-01T00:00:00Z/..", "2015-01-01", "9"), ("2015-01-01T00:00:00+08:00/", "2015-01-01", "9"), ("2006-07-14T16:00:00Z", "2006-07-15", "2006-07-15")],
)  # fmt: skip
def test_a_time_holds_what_falls_into_it_and_what_has_none(portal: Portal, said: str, low: str, high: str) -> None:
    expected = {row[0] for row in stations() if not row[4] or low <= row[4] <= high}
    assert {one["id"] for one in walk(portal, "stations", datetime=said)} == expected


def test_properties_are_compared_and_conditions_hold_together(portal: Portal) -> None:
    found = walk(portal, "stations", 等级="2", bbox="100,38,110,50", limit=2)
    where = placed()
    assert {one["id"] for one in found} == {row[0] for row in stations() if row[5] == "2" and where[row[0]][0] <= 110}
    assert [one["id"] for one in walk(portal, "stations", 名称="第7站")] == ["S007"]
    assert walk(portal, "stations", 名称="' OR 1=1 --") == []


def test_one_feature_is_the_one_of_the_list(portal: Portal) -> None:
    for name in ("stations", "parks", "roads", "trees"):
        listed = walk(portal, name)
        for one in (listed[0], listed[-1]):
            answer = portal.get(f"/ogc/collections/{portal.ids[name]}/items/{quote(one['id'], safe='')}")
            assert answer.status_code == 200
            alone = answer.json()
            links = alone.pop("links")
            assert {"self", "collection"} <= {link["rel"] for link in links}
            assert alone == one
            again = portal.get(urlsplit(next(link["href"] for link in links if link["rel"] == "self")).path)
            assert again.json()["id"] == one["id"]
    assert portal.get(f"/ogc/collections/{portal.ids['stations']}/items/S999").status_code == 404
    other = walk(portal, "parks")[0]["id"]
    assert portal.get(f"/ogc/collections/{portal.ids['roads']}/items/{other}").status_code == 404, (
        "a name of another set"
    )


@pytest.mark.parametrize(
    "said",
    ["nonsense=1", "limit=unlimited", "limit=0", "limit=-1", "limit=1.5", "bbox=1,2,3", "bbox=1,2,3,4,5", "bbox=a,b,c,d", "bbox=nan,1,2,3",
     "bbox=1,9,2,3", "bbox=", "datetime=soon", "datetime=2026-13-01", "datetime=../..", "datetime=a/b/c", "datetime=2020-01-01/2019-01-01",
     "cursor=abc", "limit=1&limit=2", "等级=many", "经度__gt=1", "f=json"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_400(portal: Portal, said: str) -> None:
    answer = portal.get(f"/ogc/collections/{portal.ids['stations']}/items?{said}")
    assert answer.status_code == 400, answer.text[:200]
    told = answer.json()
    assert set(told) == {"code", "description", "request_id"}
    assert told["description"]


def test_hidden_closed_and_unknown_look_the_same(portal: Portal) -> None:
    bodies = set()
    for id_ in (portal.ids["closed"], portal.ids["firms"], "res_00000000000000000000"):
        for rest in ("", "/items", "/items/1"):
            answer = portal.get(f"/ogc/collections/{id_}{rest}")
            assert answer.status_code == 404
            bodies.add(re.sub(r'"request_id":"\w+"', "", answer.text))
    assert len(bodies) == 1
    wrong = portal.get("/ogc/nothing")
    assert (wrong.status_code, set(wrong.json())) == (404, {"code", "description", "request_id"})


@pytest.mark.threat("TM-01")
def test_a_coarse_place_is_coarse_everywhere(portal: Portal) -> None:
    found = walk(portal, "trees")
    assert {tuple(one["geometry"]["coordinates"]) for one in found} == {(110.0, 42.0)}
    assert portal.json(f"/ogc/collections/{portal.ids['trees']}")["extent"]["spatial"]["bbox"] == [
        [110.0, 42.0, 110.0, 42.0]
    ]
    assert items(portal, "trees", bbox="110.1,41.5,110.3,41.7")["numberMatched"] == 0, (
        "the true places are not looked for"
    )
    assert items(portal, "trees", bbox="109.9,41.9,110.1,42.1")["numberMatched"] == 12
    assert items(portal, "trees", 经度="110.12345")["numberMatched"] == 0
    for path in ("/ogc/collections", f"/ogc/collections/{portal.ids['trees']}/items?limit=100", "/ogc/api"):
        assert not re.search(r"110\.1\d|41\.5\d", portal.get(path).text), path


@pytest.mark.threat("TM-01")
def test_rows_kept_back_are_not_there_and_leave_no_gap(portal: Portal) -> None:
    before = {one["id"] for one in walk(portal, "parks")}
    steward = person("steward", "forest", Role.STEWARD)
    protection = portal.platform.protection
    hidden = (Filter("面积", FilterOp.LT, "2"),)
    rule = protection.restrict(steward, PARKS, hidden, reason="边界未核定")
    try:
        found = walk(portal, "parks", limit=1)
        assert {one["properties"]["园名"] for one in found} == {"公园0", "公园1", "无界公园"}
        assert portal.json(f"/ogc/collections/{portal.ids['parks']}")["extent"]["spatial"]["bbox"] == [
            [100, 40, 103, 41]
        ]
        assert items(portal, "parks", bbox="110,40,119,41")["numberMatched"] == 1
        assert not before & {one["id"] for one in found}, "a name tells nothing of the rows between"
        assert len({len(one["id"]) for one in found}) == 1
        assert portal.get(f"/ogc/collections/{portal.ids['parks']}/items/{before.pop()}").status_code == 404
    finally:
        protection.lift(steward, rule.id, "核定完成")


def test_a_mark_of_another_version_is_refused(portal: Portal) -> None:
    onward = next(link["href"] for link in items(portal, "roads", limit=2)["links"] if link["rel"] == "next")
    path = onward.removeprefix(portal.platform.opendata.base)
    assert portal.get(path).status_code == 200
    with portal.working():
        portal.take_in(ROADS, "forest", "公路2.csv", as_csv(["路线", "WKT"], [["G99", "POINT (120 45)"]]))
    answer = portal.get(path)
    if portal.platform.opendata.dataset(person("x", "forest"), portal.ids["roads"]).table_version == 1:
        assert answer.status_code == 200, "the new version waits for its release"
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, "page_token")


def test_the_reading_is_on_record_as_it_was_sent(portal: Portal) -> None:
    answer = portal.get(f"/ogc/collections/{portal.ids['stations']}/items?limit=5")
    told = portal.receipt(answer.headers["x-beijiang-receipt"])
    assert hashlib.sha256(answer.content).hexdigest() in json.dumps(told)


def test_the_description_names_every_collection_and_its_parameters(portal: Portal) -> None:
    told = portal.json("/ogc/api")
    assert told["openapi"].startswith("3.0")
    for id_ in (portal.ids["stations"], portal.ids["parks"]):
        operation = told["paths"][f"/collections/{id_}/items"]["get"]
        parameters = {one["name"]: one for one in operation["parameters"]}
        assert parameters["bbox"]["schema"] == {
            "type": "array",
            "minItems": 4,
            "maxItems": 6,
            "items": {"type": "number"},
        }
        assert (parameters["bbox"]["style"], parameters["bbox"]["explode"]) == ("form", False)
        assert parameters["limit"]["schema"]["type"] == "integer"
        assert parameters["datetime"]["schema"] == {"type": "string"}
        assert "200" in operation["responses"]
    assert "等级" in {
        one["name"] for one in told["paths"][f"/collections/{portal.ids['stations']}/items"]["get"]["parameters"]
    }


def test_gdal_reads_collections_boxes_and_shapes(portal: Portal, client: Run) -> None:
    lines = """
import json, sys
from pyogrio import list_layers, raw
address, stations, parks = sys.argv[1:]
source = "OAPIF:" + address
layers = [str(name) for name in list_layers(source)[:, 0]]
meta, _, shapes, fields = raw.read(source, layer=stations)
boxed = raw.read(source, layer=stations, bbox=(105, 39, 110, 43))[2]
kinds = raw.read(source, layer=parks)
picked = raw.read(source, layer=stations, where="\\"等级\\" = 2")[2]
print("RESULT" + json.dumps([layers, len(shapes), str(meta["crs"]), sorted(map(str, meta["fields"])),
    sum(s is not None for s in boxed), len(kinds[2]), str(kinds[0]["geometry_type"]), len(picked)]))
"""
    base = portal.platform.opendata.base
    layers, count, crs, fields, boxed, parks, kind, picked = client(
        lines, f"{base}/ogc", portal.ids["stations"], portal.ids["parks"]
    )
    assert set(layers) == {portal.ids[name] for name in ("towers", "stations", "trees", "parks", "roads")}
    assert count == len(stations())
    assert crs in {"OGC:CRS84", "EPSG:4326"}
    assert {"名称", "等级", "设站日期"} <= set(fields)
    assert boxed == sum(105 <= x <= 110 and 39 <= y <= 43 for x, y in placed().values())
    assert parks == 11
    assert "Polygon" in kind
    assert picked == sum(row[5] == "2" for row in stations())


def test_schemathesis_finds_no_answer_that_is_not_described(portal: Portal, python: Path, tmp_path: Path) -> None:
    words = [
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance",
        "--phases",
        "fuzzing,coverage",
    ]
    words += [
        "--max-examples",
        "4",
        "--seed",
        "7",
        "--mode",
        "all",
        "--continue-on-failure",
        "--generation-database",
        "none",
        "--no-color",
    ]
    document = tmp_path / "api.json"
    document.write_bytes(portal.get("/ogc/api").content)
    address = f"{portal.platform.opendata.base}/ogc"
    done = subprocess.run(
        [str(python.with_name("schemathesis")), "run", str(document), "--url", address, *words],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[:6000] + done.stderr[-500:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested, done.stdout[-2000:]
    assert int(tested[1]) >= 15
