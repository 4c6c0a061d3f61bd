"""Pages and end-points: every query as the reader, through the gate; nobody gets another's answer, nothing runs as code."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from asking import FIRMS, OTHER, OWNER, SECRET, Office, firm
from fastapi.testclient import TestClient
from hosting import HEAD, OVERVIEW, bundle, released, renamed

from beijiang.apps import AudienceKind, CardState
from beijiang.apps.service import lanes
from beijiang.apps.service.lanes import EACH, EACH_APP, Lanes, Meter
from beijiang.kit import ANONYMOUS, Denied, Invalid, NotFound, Throttled, Unavailable

BOTH = (OWNER, OTHER)


@pytest.fixture(scope="module")
def app(office: Office) -> str:
    released(office, bundle(), AudienceKind.DEPARTMENTS, *BOTH)
    return "firms-app"


@pytest.fixture(scope="module")
def public(office: Office) -> str:
    files = renamed(bundle(), "public-app")
    files["queries/firms.sql"] = (
        f'SELECT "企业名称", "盟市" FROM "{FIRMS}" WHERE ($league IS NULL OR "盟市" = $league) AND "注册资本" >= $least ORDER BY 1'
    )
    released(office, files, AudienceKind.PUBLIC)
    return "public-app"


def rows(
    office: Office, login: str, app: str, page: str = "leagues", number: int = 1, **asked: str
) -> list[dict[str, Any]]:
    card = office.platform.apps.page(office[login], app, page, asked).cards[number]
    assert card.state is CardState.READY, card.why
    assert card.data is not None
    return [dict(row) for row in card.data.rows]


@pytest.mark.threat("TM-27")
def test_two_viewers_of_one_page_see_what_each_may_see(office: Office, app: str) -> None:
    own, others = rows(office, "colleague", app), rows(office, "first", app)
    assert len(own) == len(others) == 60
    assert {row["法定代表人"] for row in own} != {row["法定代表人"] for row in others}
    real = {firm(n)["法定代表人"] for n in range(60)}
    assert not {row["法定代表人"] for row in others} & real


@pytest.mark.threat("TM-02")
def test_the_cache_is_shared_by_one_policy_and_never_by_two(office: Office, app: str) -> None:
    apps = office.platform.apps
    asked = {"league": "赤峰市"}
    answers = {
        login: apps.page(office[login], app, "leagues", asked).cards[1].data
        for login in ("first", "second", "colleague", "first")
    }
    assert answers["first"] is not None
    assert answers["second"] is not None
    assert answers["colleague"] is not None
    assert answers["second"].cached, "another person under the same policy is answered from memory"
    assert [dict(r) for r in answers["second"].rows] == [dict(r) for r in answers["first"].rows]
    assert [dict(r) for r in answers["colleague"].rows] != [dict(r) for r in answers["first"].rows]


def test_a_new_version_of_the_table_is_seen_at_once(office: Office, app: str) -> None:
    before = rows(office, "colleague", app, "overview", 0)[0]["户数"]
    office.write([firm(n) for n in range(61)])
    assert rows(office, "colleague", app, "overview", 0)[0]["户数"] == 61
    office.write([firm(n) for n in range(60)])
    assert rows(office, "colleague", app, "overview", 0)[0]["户数"] == before == 60


@pytest.mark.threat("TM-03")
@pytest.mark.parametrize(
    "league",
    [
        "' OR '1'='1",
        "赤峰市' UNION SELECT 1,2,3 --",
        f'\'; SELECT * FROM "{SECRET}"; --',
        "$1",
        "?",
        "\\' OR 1=1 --",
        "赤峰市\u2019 OR 1=1",
    ],
)
def test_a_parameter_is_a_value_and_never_sql(office: Office, app: str, league: str) -> None:
    assert rows(office, "first", app, league=league) == []


def test_values_that_do_not_fit_are_refused_and_not_repeated(office: Office, app: str) -> None:
    page = office.browser("first").get(f"/apps/{app}/leagues", params={"least": "<script>alert(1)</script>"})
    assert page.status_code == 422
    assert "alert(1)" not in page.text
    with pytest.raises(Invalid):
        office.platform.apps.page(office["first"], app, "leagues", {"league": "x\x00"})


@pytest.mark.threat("TM-27")
def test_a_card_over_data_that_the_reader_may_not_see_says_so_and_names_nothing(office: Office) -> None:
    files = renamed(bundle(), "denied-card")
    files["app.toml"] = files["app.toml"].replace(f'["{FIRMS}"]', f'["{FIRMS}", "{SECRET}"]')
    files["queries/total.sql"] = f'SELECT count(*) AS "户数" FROM "{SECRET}" WHERE $league IS NULL'
    files["api/secret.toml"] = 'query = "total"\nsummary = { zh = "数", en = "Number" }\n'
    files["tests/shape.toml"] = ""
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    apps = office.platform.apps
    assert apps.page(office["colleague"], "denied-card", "overview", {}).cards[0].first == {"户数": 10}
    view = apps.page(office["first"], "denied-card", "overview", {})
    states = [view.cards[n].state for n in range(3)]
    assert states == [CardState.DENIED, CardState.READY, CardState.DENIED]
    page = office.browser("first").get("/apps/denied-card/overview")
    assert page.status_code == 200
    assert "没有向您开放" in page.text
    assert SECRET not in page.text
    with pytest.raises(Denied):
        apps.data(office["first"], "denied-card", "secret", {})


def test_the_public_opens_what_is_for_the_public(office: Office, public: str) -> None:
    with TestClient(office.app) as visitor:
        store = visitor.get("/apps")
        assert store.status_code == 200
        assert "企业一览" in store.text
        page = visitor.get(f"/apps/{public}/overview")
        assert page.status_code == 200
        assert ">60" in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]
        english = visitor.get(f"/apps/{public}/overview", params={"lang": "en"})
        assert "By league" in english.text
        assert "各盟市" not in english.text
        api = visitor.get(f"/api/v1/apps/{public}/data/leagues")
        assert api.json()["columns"] == ["盟市", "户数"]
        assert visitor.get("/apps/firms-app/overview").status_code == 404
        assert visitor.get(f"/apps/{public}/nothing").status_code == 404
        assert visitor.get(f"/apps/{public}/overview/cards/99").status_code == 404
        for path in ("..", "%2e%2e%2fapp.toml", "overview.md", "..%2f..%2fetc%2fpasswd"):
            assert visitor.get(f"/apps/{public}/{path}").status_code in {307, 404, 200}


@pytest.mark.threat("TM-11")
def test_an_end_point_is_called_with_a_key_within_its_scopes(office: Office, app: str) -> None:
    from beijiang.access import KeyDraft

    access = office.platform.access
    _, good = access.issue_key(
        office.codes["first"],
        KeyDraft(name="应用", scopes=frozenset({"apps:app:open", "protection:rows:read_shared"}), days=1),
    )
    _, other = access.issue_key(
        office.codes["first"], KeyDraft(name="别的", scopes=frozenset({"protection:sql:run"}), days=1)
    )
    with TestClient(office.app) as program:
        answer = program.get(f"/api/v1/apps/{app}/data/leagues", headers={"Authorization": f"Bearer {good}"})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["rows"]) == 3
        refused = program.get(f"/api/v1/apps/{app}/data/leagues", headers={"Authorization": f"Bearer {other}"})
        assert refused.status_code == 403


@pytest.mark.threat("TM-22")
def test_hostile_texts_of_the_bundle_and_of_cells_are_shown_as_text(office: Office) -> None:
    evil = "</script><script>alert(1)</script>"
    table = "坏值"
    office.write([firm(n, 企业名称=f"{evil}{n}", 盟市=evil) for n in range(3)], table=table)
    head = HEAD.replace(FIRMS, table).replace("企业一览", evil).replace('en = "Firms"', f'en = "{evil}"')
    head = head.replace('zh = "看企业。"', f'zh = "{evil}"').replace('zh = "盟市"', f'zh = "{evil}"')
    files = {name: text.replace(FIRMS, table) for name, text in bundle().items()}
    files |= {"app.toml": head, "tests/shape.toml": ""}
    files["pages/overview.md"] = OVERVIEW.replace("各盟市", evil).replace("企业很多。", evil)
    files["pages/overview.md"] = files["pages/overview.md"].replace("现在看的是 {{league}}。", f"{{{{league}}}} {evil}")
    files = renamed(files, "hostile")
    released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    client = office.browser("colleague")
    for address in ("/apps", "/apps/hostile", "/apps/hostile/overview", "/apps/hostile/leagues"):
        for language in ("zh-CN", "en"):
            page = client.get(
                address, params={"lang": language, "league": evil} if "/hostile/" in address else {"lang": language}
            )
            assert page.status_code == 200, (address, page.text[:300])
            assert "<script>alert(1)" not in page.text
            assert "</script><script>" not in page.text
    shown = client.get("/apps/hostile/overview").text
    data = shown.split('id="card-1-data">')[1].split("</template>")[0]
    assert json.loads(data)["x"] == [evil]
    assert evil in unescape(client.get("/apps/hostile/leagues").text)


def test_cards_of_one_query_are_one_question_and_those_of_one_page_one_reading(office: Office, app: str) -> None:
    apps = office.platform.apps
    apps.sql._answers.forget()
    view = apps.page(office["first"], app, "overview", {})
    found = [card.data for card in view.cards.values() if card.data is not None]
    assert len(view.cards) == 4
    assert len(found) == 3
    assert found[0] is found[2], "the number and the text show one answer"
    assert len({one.reading for one in found}) == 1, "both queries were read in one scan"
    assert len({one.receipt for one in found}) == 1, "the page is one access to the table"
    assert not any(one.cached for one in found)


@pytest.mark.threat("TM-02")
def test_readers_share_an_answer_that_their_policies_do_not_touch_and_no_other(office: Office, app: str) -> None:
    """Both see the leagues; the heads of firms are masked for one of them."""
    apps = office.platform.apps
    apps.sql._answers.forget()
    asked = {"league": "赤峰市"}
    mine = {page: apps.page(office["colleague"], app, page, asked) for page in ("overview", "leagues")}
    theirs = {page: apps.page(office["first"], app, page, asked) for page in ("overview", "leagues")}
    counted, listed = theirs["overview"].cards[0].data, theirs["leagues"].cards[1].data
    assert counted is not None
    assert listed is not None
    assert counted.cached
    assert not listed.cached
    assert counted.receipt != mine["overview"].cards[0].data.receipt, "each has a receipt of his own"  # type: ignore[union-attr]
    assert listed.masked == ("法定代表人",)
    assert mine["leagues"].cards[1].data.masked == ()  # type: ignore[union-attr]


def test_a_card_that_takes_long_is_loading_and_comes_later(
    office: Office, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = office.platform.apps
    gate = threading.Event()
    real = type(apps.sql).answer_all

    def answer_all(*words: Any, **more: Any) -> Any:
        gate.wait(300)
        return real(*words, **more)

    monkeypatch.setattr(apps, "patience", 0.0)
    monkeypatch.setattr(type(apps.sql), "answer_all", answer_all)
    page = office.browser("first").get(f"/apps/{app}/leagues", params={"league": "包头市"}).text
    assert 'hx-get="/apps/firms-app/leagues/cards/1?league=' in page
    assert "加载中" in page
    gate.set()
    card = office.browser("first").get(f"/apps/{app}/leagues/cards/1", params={"league": "包头市"})
    assert card.status_code == 200
    assert "内蒙古第" in card.text
    assert "<html" not in card.text


def test_old_data_are_marked_as_old(office: Office, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    files = renamed(bundle(), "gets-old")
    files["app.toml"] = files["app.toml"].replace("pages = [", 'schedule = "daily"\npages = [')
    released(office, files, AudienceKind.DEPARTMENTS, OTHER)
    apps = office.platform.apps
    assert not apps.page(office["first"], "gets-old", "overview", {}).cards[0].old
    now = office.platform.clock.now()

    class Later:
        def now(self) -> Any:
            return now + timedelta(days=10)

    monkeypatch.setattr(apps, "clock", Later())
    assert apps.page(office["first"], "gets-old", "overview", {}).cards[0].old


def test_quotas_of_an_application_and_of_a_reader(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MINUTE", 3600.0)  # all that follows is asked in one of them
    files = renamed(bundle(), "quota")
    files["app.toml"] = files["app.toml"].replace("pages = [", "per_minute = 3\npages = [")
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    apps = office.platform.apps
    for login in ("first", "second", "colleague"):
        apps.page(office[login], "quota", "overview", {})
    with pytest.raises(Throttled) as caught:
        apps.page(office["first"], "quota", "overview", {})
    assert caught.value.reason == "app_quota"
    meter = Meter()
    for _ in range(120):
        meter.take("a", 600, "one")
    with pytest.raises(Throttled):
        meter.take("b", 600, "one")
    meter.take("a", 600, "two")


def test_cards_that_no_page_owes_are_counted_as_views(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MINUTE", 3600.0)  # all that follows is asked in one of them
    files, apps = renamed(bundle(), "card-quota"), office.platform.apps
    files["app.toml"] = files["app.toml"].replace('version = "1.0.0"', 'version = "1.0.0"\nper_minute = 3')
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    monkeypatch.setattr(apps, "meter", Meter())
    monkeypatch.setattr(apps, "patience", 0.0)
    gate, real = threading.Event(), type(apps.sql).answer_all

    def answer_all(*words: Any, **more: Any) -> None:
        assert gate.wait(90)
        real(*words, **more)

    def card(login: str, **asked: str) -> CardState:
        return apps.card(office[login], "card-quota", "overview", 0, asked).cards[0].state

    with monkeypatch.context() as slow:
        slow.setattr(type(apps.sql), "answer_all", answer_all)
        late = list(apps.page(office["first"], "card-quota", "overview", {}).cards.values())
        assert [one.state for one in late].count(CardState.LOADING) == 3
        gate.set()
    assert {card("first") for _ in range(3)} == {CardState.READY}, "what its page owes is not counted again"
    assert {card("first", league=f"a{n}") for n in range(2)} == {CardState.READY}
    with pytest.raises(Throttled) as caught:
        card("first", league="a2")
    assert caught.value.reason == "app_quota"
    with pytest.raises(Throttled):
        card("second", league="a3")
    assert not apps.meter._late.get(("card-quota", "overview", office["second"].id))


def test_what_a_page_owes_is_each_readers_own_and_ends_with_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now, meter = [1000.0], Meter(reader_per_minute=1)
    monkeypatch.setattr(lanes.time, "monotonic", lambda: now[0])
    meter.owe("a", "p", "one", 2)
    meter.take_card("a", "p", 600, "one")
    for page, reader in (("q", "two"), ("p", "three")):
        meter.take_card("a", page, 600, reader)
        with pytest.raises(Throttled):
            meter.take_card("a", page, 600, reader)
    meter.take("a", 600, "one")
    now[0] += 59
    meter.take_card("a", "p", 600, "one")
    with pytest.raises(Throttled):
        meter.take_card("a", "p", 600, "one")
    meter.owe("a", "p", "one", 1)
    now[0] += 61
    meter.take_card("a", "p", 600, "one")
    assert not meter._late


def waits(gate: threading.Event) -> Callable[[], None]:
    def work() -> None:
        gate.wait(300)

    return work


def test_nobodys_long_page_holds_up_another_reader() -> None:
    lanes, gate, done = Lanes(), threading.Event(), []
    slow = [lanes.put("app", "slow", waits(gate)) for _ in range(50)]
    quick = [lanes.put("app", "quick", lambda: done.append(2)) for _ in range(5)]
    assert not any(future.exception(timeout=90) for future in quick)
    assert len(done) == 5
    assert sum(future.running() for future in slow) == EACH
    assert not any(future.done() for future in slow)
    with pytest.raises(Unavailable):
        deque((lanes.put("app", "slow", waits(gate)) for _ in range(200)), maxlen=0)
    gate.set()
    assert not any(future.exception(timeout=90) for future in slow)


def test_no_application_holds_up_another() -> None:
    lanes, gate = Lanes(), threading.Event()
    slow = [lanes.put("slow", f"reader {n % 20}", waits(gate)) for n in range(40)]
    quick = [lanes.put("quick", f"reader {n}", lambda: None) for n in range(5)]
    assert not any(future.exception(timeout=90) for future in quick)
    assert sum(future.running() for future in slow) == EACH_APP
    gate.set()
    assert not any(future.exception(timeout=90) for future in slow)


def test_work_that_fails_tells_who_waits_and_frees_its_place() -> None:
    lanes = Lanes()

    def fail() -> None:
        raise ZeroDivisionError

    failed = [lanes.put("app", "one", fail) for _ in range(10)]
    assert all(isinstance(future.exception(timeout=90), ZeroDivisionError) for future in failed)
    assert lanes.put("app", "one", lambda: None).exception(timeout=90) is None


def test_a_previewed_version_is_for_those_who_have_to_do_with_it(office: Office, app: str) -> None:
    apps = office.platform.apps
    number = apps.submit(office["steward"], renamed(bundle(), "previewed"))[1].number
    assert apps.preview(office["reviewer"], "previewed", number, "", {}).page.name == "overview"
    for stranger in (office["first"], office["member"], ANONYMOUS):
        with pytest.raises(NotFound):
            apps.preview(stranger, "previewed", number, "", {})
    assert apps.try_page(office["steward"], bundle(), "", {}).cards[0].first == {"户数": 60}
    with pytest.raises(Denied):
        apps.try_page(office["first"], bundle(), "", {})


@pytest.mark.threat("TM-02")
def test_a_resource_that_is_withdrawn_is_gone_at_the_next_request(office: Office) -> None:
    files = renamed(bundle(), "withdrawn")
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    apps, catalog = office.platform.apps, office.platform.catalog
    assert apps.page(office["first"], "withdrawn", "overview", {}).cards[1].state is CardState.READY
    resource = catalog.resource_for_table(FIRMS)
    assert resource is not None
    catalog.withdraw(office["steward"], resource.id, "收回")
    states = {card.state for card in apps.page(office["first"], "withdrawn", "overview", {}).cards.values()}
    assert CardState.DENIED in states
