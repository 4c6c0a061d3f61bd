"""What members keep and make: favourites with notices, stars, works that use the data; feeds for everybody."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, Conflict, Denied, Invalid, NotFound, Unauthenticated
from beijiang.opendata import WorkDraft, WorkKind, WorkState

if TYPE_CHECKING:
    from conftest import Portal

PASSWORD = "a long pass phrase 2026"
XSS = "<script>alert(1)</script>"
ATOM = "{http://www.w3.org/2005/Atom}"


def person(portal: Portal, login: str, org: str | None, role: Role) -> Actor:
    access = portal.platform.access
    if login not in {one.login for one in access.people(SYSTEM)}:
        draft = PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role}))
        _, code = access.add_person(SYSTEM, draft)
        access.sign_in(login, code, "test")
        access.change_password(access.actor_for_person(login), code, PASSWORD)
    return access.actor_for_person(login)


@pytest.fixture(scope="module")
def portal(own_portal: Portal) -> Portal:
    return own_portal


@pytest.fixture(scope="module")
def browser(portal: Portal) -> TestClient:
    return TestClient(create_app(portal.platform), base_url="https://testserver")


@pytest.fixture(scope="module")
def maker(portal: Portal) -> Actor:
    return person(portal, "maker", None, Role.MEMBER)


@pytest.fixture(scope="module")
def officer(portal: Portal) -> Actor:
    return person(portal, "works-officer", "bureau", Role.BUREAU_REVIEWER)


@pytest.fixture(scope="module")
def signed_in(browser: TestClient, maker: Actor) -> TestClient:
    own = TestClient(browser.app, base_url="https://testserver")
    assert maker.id
    own.post("/console/sign-in", data={"login": "maker", "password": PASSWORD})
    return own


def draft(portal: Portal, **changes: Any) -> WorkDraft:
    given = {
        "kind": WorkKind.APPLICATION,
        "title": "企业地图",
        "author": "某某大学",
        "words": "按盟市看企业",
        "link": "https://example.edu.cn/map",
        "datasets": (portal.ids["firms"],),
    }
    return WorkDraft(**{**given, **changes})


def test_a_work_is_looked_at_then_shown_and_linked_from_its_data_set(
    portal: Portal, browser: TestClient, maker: Actor, officer: Actor
) -> None:
    keepings = portal.platform.keepings
    address = f"/datasets/{portal.ids['firms']}"
    made = keepings.hand_in(maker, draft(portal, title="只此一件"))
    assert "只此一件" not in browser.get("/works").text + browser.get(address).text
    assert made.id not in browser.get("/api/v1/portal/works").text
    keepings.decide(officer, made.id, shown=True)
    assert "只此一件" in browser.get(address).text
    page = browser.get("/works").text
    assert f'href="{address}"' in page
    assert 'rel="nofollow noopener noreferrer ugc"' in page
    told = next(one for one in browser.get("/api/v1/portal/works").json()["works"] if one["id"] == made.id)
    assert told["datasets"] == [{"id": portal.ids["firms"], "title": "企业登记信息"}]
    assert "by" not in told
    with pytest.raises(Conflict) as stale:
        keepings.decide(officer, made.id, shown=False, reason="链接已失效", seen=made.shown.token)
    assert (stale.value.reason, stale.value.detail["changed"]) == ("changed_since_seen", ["what was decided of it"])
    (now,) = [one for one in keepings.handed_in(officer, WorkState.SHOWN) if one.id == made.id]
    keepings.decide(officer, made.id, shown=False, reason="链接已失效", seen=now.shown.token)
    assert "只此一件" not in browser.get("/works").text
    assert next(w for w in keepings.own_works(maker) if w.id == made.id).reason == "链接已失效"


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http://a@evil.example",
        'https://x/"onclick=',
        "ftp://a.b",
    ],
)
def test_a_link_that_could_hurt_is_refused(portal: Portal, maker: Actor, link: str) -> None:
    with pytest.raises(Invalid) as refused:
        portal.platform.keepings.hand_in(maker, draft(portal, link=link))
    assert refused.value.reason == "link_wrong"


def test_a_work_names_data_sets_that_are_published(portal: Portal, maker: Actor) -> None:
    with pytest.raises(NotFound):
        portal.platform.keepings.hand_in(maker, draft(portal, datasets=("res_00000000000000000000",)))
    with pytest.raises(Invalid):
        portal.platform.keepings.hand_in(maker, draft(portal, datasets=()))


def test_no_field_of_a_work_runs(portal: Portal, browser: TestClient, maker: Actor, officer: Actor) -> None:
    made = portal.platform.keepings.hand_in(maker, draft(portal, title=XSS, author=XSS, words=XSS))
    portal.platform.keepings.decide(officer, made.id, shown=True)
    for address in ("/works", f"/datasets/{portal.ids['firms']}"):
        page = browser.get(address).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_members_decide_nothing_and_visitors_keep_nothing(portal: Portal, maker: Actor) -> None:
    keepings = portal.platform.keepings
    made = keepings.hand_in(maker, draft(portal))
    with pytest.raises(Denied):
        keepings.decide(maker, made.id, shown=True)
    with pytest.raises(Denied):
        keepings.handed_in(maker)
    for verb in (
        lambda: keepings.keep(ANONYMOUS, portal.ids["firms"]),
        lambda: keepings.rate(ANONYMOUS, portal.ids["firms"], 5),
        lambda: keepings.hand_in(ANONYMOUS, draft(portal)),
    ):
        with pytest.raises(Unauthenticated):
            verb()


def test_stars_count_once_a_person_and_show_nobody(portal: Portal, browser: TestClient, maker: Actor) -> None:
    keepings, towers = portal.platform.keepings, portal.ids["towers"]
    keepings.rate(maker, towers, 1)
    keepings.rate(maker, towers, 4)
    echo = keepings.rate(person(portal, "second", None, Role.MEMBER), towers, 5)
    assert (echo.average, echo.ratings) == (4.5, 2)
    page = browser.get(f"/datasets/{towers}").text
    assert "4.5" in page
    assert "maker" not in page
    with pytest.raises(Invalid):
        keepings.rate(maker, towers, 6)


def test_a_kept_set_says_when_its_rows_changed(
    portal: Portal, maker: Actor, signed_in: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    keepings = portal.platform.keepings
    found = re.search(r'name="_csrf" value="([^"]+)"', signed_in.get("/my").text)
    assert found
    sent = {"_csrf": found[1], "on": "yes"}
    address = f"/datasets/{portal.ids['firms']}"
    assert "企业登记信息" in signed_in.post(f"{address}/keep", data=sent).text
    assert [(one.dataset_id, one.fresh) for one in keepings.kept(maker)] == [(portal.ids["firms"], False)]
    data_at = portal.platform.catalog.published(ANONYMOUS, portal.ids["firms"]).promise.data_at
    assert data_at is not None
    monkeypatch.setattr(keepings.parts.clock, "now", lambda: data_at - timedelta(minutes=1), raising=False)
    keepings.keep(maker, portal.ids["firms"])  # as somebody did who kept it before the rows came
    monkeypatch.undo()
    assert keepings.kept(maker)[0].fresh
    assert "有更新" in signed_in.get("/my").text
    signed_in.post("/my/seen", data={"_csrf": found[1]})
    assert "有更新" not in signed_in.get("/my").text
    signed_in.post(f"{address}/keep", data={**sent, "on": "no"})
    assert not keepings.kept(maker)


def test_there_is_a_feed_of_each_set_and_each_search(portal: Portal, browser: TestClient) -> None:
    one = ET.fromstring(browser.get(f"/datasets/{portal.ids['firms']}/feed.xml").content)  # noqa: S314 - our own
    assert one.findtext(f"{ATOM}title") == "企业登记信息"
    assert len(one.findall(f"{ATOM}entry")) >= 2, "one entry a version"
    found = ET.fromstring(browser.get("/feed.xml", params={"q": "瞭望塔"}).content)  # noqa: S314 - our own
    assert [entry.findtext(f"{ATOM}title") for entry in found.findall(f"{ATOM}entry")] == ["森林防火瞭望塔"]
    assert "%E7%9E%AD" in str(found.findtext(f"{ATOM}id")), "each search has an id of its own"
    assert browser.get(f"/datasets/{portal.ids['closed']}/feed.xml").status_code == 200
    assert browser.get("/datasets/res_00000000000000000000/feed.xml").status_code == 404


def test_the_terminal_shows_and_refuses(portal: Portal, maker: Actor, officer: Actor) -> None:
    from beijiang.opendata.commands import works

    made = portal.platform.keepings.hand_in(maker, draft(portal, title="终端成果"))
    group = works(lambda: portal.platform.keepings, lambda: portal.platform.access)
    assert officer.id
    assert made.id in CliRunner().invoke(group, ["list", "--as", "works-officer"]).output
    refused = CliRunner().invoke(group, ["show", made.id, "--as", "works-officer"], input="n\n")
    assert (refused.exit_code, made.words in refused.output) == (1, True), "it is shown before it is asked"
    assert CliRunner().invoke(group, ["show", made.id, "--as", "works-officer"], input="y\n").exit_code == 0
    assert CliRunner().invoke(group, ["refuse", made.id, "--reason", "试验"], input="y\n").exit_code == 0
