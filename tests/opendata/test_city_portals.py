"""Portals of cities: the same catalog narrowed to a region, at a path or at a host that is configured, and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang.access import Role
from beijiang.app import create_app
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, ActorKind, Conflict, Denied, Invalid, NotFound
from beijiang.opendata import PortalDraft
from beijiang.opendata.cities import contrast
from statements import asked

if TYPE_CHECKING:
    from conftest import Portal

BAOTOU, HOHHOT, DISTRICT = "150200", "150100", "150203"
HOST = "data.baotou.example"
_AGO = re.compile(r"\d+ (?:秒|分钟|小时)前|刚刚")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def draft(**words: Any) -> PortalDraft:
    facts: dict[str, Any] = {
        "code": "baotou",
        "name_zh": "包头市",
        "name_en": "Baotou",
        "region_code": BAOTOU,
        "header_mn": "ᠪᠤᠭᠤᠲᠤ",
        "colour": "#0a5a3c",
        "host": HOST,
        "contact": "包头市大数据局 0472-0000000",
    }
    return PortalDraft(**{**facts, **words})


@pytest.fixture(scope="module")
def cities(own_portal: Portal) -> Portal:
    """One set of a district of Baotou, one of Hohhot; the closed one has no region."""
    own_portal.publish("森林防火瞭望塔", update_cycle="6", region_code=DISTRICT)
    own_portal.publish("企业登记信息", region_code=HOHHOT)
    portals = own_portal.platform.portals
    portals.put(SYSTEM, draft())
    portals.put(SYSTEM, draft(code="hohhot", name_zh="呼和浩特市", name_en="Hohhot", region_code=HOHHOT, host=""))
    return own_portal


@pytest.fixture(scope="module")
def visitor(cities: Portal) -> TestClient:
    return TestClient(create_app(cities.platform), headers={"accept-language": "zh-CN"})


def test_a_visitor_sees_what_the_region_and_all_below_offer(cities: Portal, visitor: TestClient) -> None:
    towers, firms = cities.ids["towers"], cities.ids["firms"]
    for at, headers in (("/p/baotou", {}), ("", {"host": HOST})):
        page = visitor.get(f"{at}/datasets", headers=headers)
        assert page.status_code == 200
        assert towers in page.text
        assert firms not in page.text
        home = visitor.get(f"{at}/", headers=headers).text
        assert "包头市" in home
        assert firms not in home
        told = visitor.get(f"{at}/api/v1/datasets", headers=headers).json()
        assert [hit["id"] for hit in told["hits"]] == [towers]
        assert [one["value"] for one in told["facets"]["region"]] == [DISTRICT]
        assert not any(one["selected"] for one in told["facets"]["region"])
        for path in ("/feed.xml", "/sitemap-1.xml", "/catalog.ttl", "/data.json"):
            face = visitor.get(f"{at}{path}", headers=headers)
            assert face.status_code == 200, path
            assert towers in face.text, path
            assert firms not in face.text, path
        departments = visitor.get(f"{at}/departments", headers=headers).text
        assert "/departments/forest" in departments
        assert "/departments/market" not in departments
        assert visitor.get(f"{at}/departments/market", headers=headers).status_code == 404
    whole = visitor.get("/api/v1/datasets").json()
    assert {towers, firms} <= {hit["id"] for hit in whole["hits"]}


def test_a_region_outside_cannot_be_chosen_inside(cities: Portal, visitor: TestClient) -> None:
    assert visitor.get(f"/p/baotou/api/v1/datasets?region={HOHHOT}").json()["total"] == 0
    found = visitor.get(f"/p/baotou/api/v1/datasets?region={HOHHOT},{DISTRICT}").json()
    assert [hit["id"] for hit in found["hits"]] == [cities.ids["towers"]]


def test_a_data_set_has_one_canonical_address(cities: Portal, visitor: TestClient) -> None:
    towers, base = cities.ids["towers"], cities.platform.opendata.base
    for headers in ({}, {"host": HOST}):
        page = visitor.get(f"/datasets/{towers}", headers=headers).text
        assert f'<link rel="canonical" href="{base}/datasets/{towers}">' in page
    for address, headers in (("/p/baotou", {}), ("", {"host": HOST})):
        for path in ("/", "/datasets"):
            page = visitor.get(f"{address}{path}", headers=headers).text
            assert re.findall(r'rel="canonical" href="([^"]*)"', page) == [f"{base}/p/baotou{path}"]
    assert visitor.get(f"/p/baotou/datasets/{towers}").status_code == 404
    for headers in ({}, {"host": HOST}, {"host": "evil.example"}):
        feed = visitor.get("/feed.xml", headers=headers).text
        assert "evil.example" not in feed
        assert HOST not in feed
        assert f"{base}/datasets/{towers}" in feed


def test_a_host_that_is_not_configured_means_nothing(cities: Portal, visitor: TestClient) -> None:
    plain = visitor.get("/datasets").text
    for host in ("evil.example", f"{HOST}.evil.example", "", "baotou", "[::1]:80", f"{HOST}@evil"):
        page = visitor.get("/datasets", headers={"host": host} if host else {})
        assert page.status_code == 200
        assert cities.ids["firms"] in page.text
        assert "evil" not in page.text
        assert _AGO.sub("", page.text) == _AGO.sub("", plain)
    assert visitor.get("/datasets", headers={"host": f"{HOST.upper()}:8443"}).text.count("包头市") > 0


def test_what_a_portal_does_not_have_is_not_there(visitor: TestClient) -> None:
    for path in ("/p/nowhere/", "/p/baotou/console", "/p/baotou/my", "/p/baotou/api/v1/exchange/requests", "/p/"):
        assert visitor.get(path).status_code == 404, path
    assert visitor.post("/p/baotou/console/sign-in").status_code in {404, 405}


def test_theme_and_logo_come_without_a_cookie_and_under_the_policy(cities: Portal, visitor: TestClient) -> None:
    portals = cities.platform.portals
    found = portals.put_logo(SYSTEM, "baotou", PNG)
    page = visitor.get("/p/baotou/").text
    assert found.style in page
    assert found.logo in page
    assert "style=" not in page.split("<main")[0]
    sheet = visitor.get(found.style, headers={"cookie": "__Host-beijiang-session=whatever"})
    assert sheet.headers["content-type"].startswith("text/css")
    assert "#0a5a3c" in sheet.text
    assert "set-cookie" not in sheet.headers
    picture = visitor.get(found.logo)
    assert (picture.headers["content-type"], picture.content) == ("image/png", PNG)
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert visitor.get("/static/portals/baotou-ffffff.css").status_code == 404
    for bad in (b"<svg onload='alert(1)'/>", b"GIF89a", PNG + bytes(300 * 1024)):
        with pytest.raises(Invalid):
            portals.put_logo(SYSTEM, "baotou", bad)
    assert portals.put_logo(SYSTEM, "baotou", b"").logo == ""


def test_what_will_not_do_is_told(cities: Portal) -> None:
    portals = cities.platform.portals
    for words, code in (
        ({"colour": "#7fcb9d"}, "low_contrast"),
        ({"colour": "red;}"}, "bad_portal"),
        ({"code": "包头"}, "bad_portal"),
        ({"region_code": "999999"}, "unknown_region"),
        ({"host": "https://x"}, "bad_portal"),
        ({"name_zh": " "}, "bad_portal"),
    ):
        with pytest.raises(Invalid) as error:
            portals.put(SYSTEM, draft(**words))
        assert error.value.reason == code
    for host in (HOST, cities.platform.opendata.base.split("//")[1].split(":")[0]):
        if "." in host:
            with pytest.raises(Conflict):
                portals.put(SYSTEM, draft(code="other", host=host))
    assert contrast("#000000") > 15
    assert contrast("#ffffff") < 1.5


def test_only_the_authority_sets_portals(cities: Portal) -> None:
    portals = cities.platform.portals
    member = Actor("person_m", "m", ActorKind.PERSON, None, frozenset({"member"}))
    steward = Actor("person_s", "s", ActorKind.PERSON, "market", frozenset({str(Role.STEWARD)}))
    officer = Actor("person_o", "o", ActorKind.PERSON, "bureau", frozenset({str(Role.BUREAU_REVIEWER)}))
    for who in (member, steward):
        for verb in (
            lambda a: portals.put(a, draft()),
            lambda a: portals.put_logo(a, "baotou", PNG),
            lambda a: portals.remove(a, "baotou"),
        ):
            with pytest.raises(Denied):
                verb(who)
    portals.put(officer, draft(code="gone", host=""))
    portals.remove(officer, "gone")
    with pytest.raises(NotFound):
        portals.portal(ANONYMOUS, "gone")
    assert {one.code for one in portals.portals(ANONYMOUS)} == {"baotou", "hohhot"}


def test_people_of_a_host_portal_sign_in_at_the_region(visitor: TestClient, cities: Portal) -> None:
    base = cities.platform.opendata.base
    page = visitor.get("/", headers={"host": HOST}).text
    assert f'href="{base}/console/sign-in"' in page
    for path in ("/register", "/voice?kind=request", "/my", "/console/sign-in?next=/my", "/datasets/x/apply"):
        led = visitor.get(path, headers={"host": HOST}, follow_redirects=False)
        assert (led.status_code, led.headers["location"]) == (302, f"{base}{path}")
    assert 'href="/console/sign-in"' in visitor.get("/p/baotou/").text


def test_a_portal_costs_no_more_statements_however_many_there_are(cities: Portal, visitor: TestClient) -> None:
    def cost(path: str) -> int:
        assert visitor.get(path).status_code == 200  # what is known for a while is looked up
        with asked(cities.platform.db) as statements:
            assert visitor.get(path).status_code == 200
        assert statements
        return len(statements)

    few = cost("/p/baotou/datasets"), cost("/datasets")
    try:
        for number in range(20):
            cities.platform.portals.put(SYSTEM, draft(code=f"more{number}", host=f"m{number}.example"))
        many = cost("/p/baotou/datasets"), cost("/datasets")
    finally:
        for number in range(20):
            cities.platform.portals.remove(SYSTEM, f"more{number}")
    assert few == many
    assert few[0] <= few[1] + 1


def test_api_and_terminal(cities: Portal, visitor: TestClient) -> None:
    told = visitor.get("/api/v1/portals").json()["portals"]
    assert [one["code"] for one in told] == ["baotou", "hohhot"]
    assert visitor.put(
        "/api/v1/portals/x1", json={"name_zh": "a", "name_en": "b", "region_code": BAOTOU}
    ).status_code in {
        401,
        403,
    }
    from beijiang.opendata.commands import cities as commands

    group = commands(lambda: cities.platform.portals, lambda: cities.platform.access)
    made = CliRunner().invoke(
        group, ["set", "wuhai", "--name-zh", "乌海市", "--name-en", "Wuhai", "--region", "150300"]
    )
    assert made.exit_code == 0, made.output
    assert "wuhai" in CliRunner().invoke(group, ["list"]).output
    assert CliRunner().invoke(group, ["remove", "wuhai"]).exit_code == 0
