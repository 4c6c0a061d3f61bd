"""What is told of the use of an application: coarse numbers, what its pages cost, and nobody's name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from asking import FIRMS, OTHER, OWNER, SECRET, Office
from hosting import bundle, released, renamed
from sqlalchemy import text

from beijiang.apps import AudienceKind, Card, CardState, Usage, coarse
from beijiang.apps.store import UsageStore
from beijiang.kit import Denied, NotFound

BOTH = (OWNER, OTHER)


@pytest.fixture(scope="module")
def app(office: Office) -> str:
    files = renamed(bundle(), "counted")
    files["app.toml"] = files["app.toml"].replace(f'["{FIRMS}"]', f'["{FIRMS}", "{SECRET}"]')
    files["queries/total.sql"] = f'SELECT count(*) AS "户数" FROM "{SECRET}" WHERE $league IS NULL'
    files["tests/shape.toml"] = ""
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    return "counted"


def test_what_several_count_at_once_is_the_sum(office: Office) -> None:
    day, times = date(2026, 3, 2), 20
    one = Usage(app_id="at-once", version=1, day=day, runs=1, seconds=0.5)

    def count(_: int) -> None:
        with office.platform.db.begin() as tx:
            UsageStore(tx.connection).add(one)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(times)))
    with office.platform.db.read() as connection:
        (found,) = UsageStore(connection).since(day, "at-once")
    assert (found.runs, found.seconds, found.calls) == (times, times * 0.5, 0)


def test_opens_denials_and_costs_are_counted(office: Office, app: str) -> None:
    apps = office.platform.apps
    apps.sql._answers.forget()
    for login in ("colleague", "first", "first"):
        apps.page(office[login], app, "overview", {})
    day = apps.usage(office["steward"], app)[0]
    assert (day.opens, day.viewers, day.failed, day.version) == (3, 2, 0, 1)
    assert day.denied == 4, "two cards each time that the other department looked"
    assert day.readings == 1, "the page was read once, and both departments see the leagues alike"
    assert day.scanned == 70
    assert day.seconds > 0
    apps.page(office["second"], app, "overview", {})
    again = apps.usage(office["reviewer"], app)[0]
    assert (again.opens, again.viewers, again.readings) == (4, 3, 1)
    assert apps.costs(office["reviewer"])[app].scanned == 70
    with pytest.raises(NotFound):
        apps.usage(office["first"], app)
    with pytest.raises(Denied):
        apps.costs(office["steward"])


def test_calls_of_end_points_are_counted_with_what_they_cost_and_were_denied(office: Office) -> None:
    files, apps = renamed(bundle(), "by-program"), office.platform.apps
    files["app.toml"] = files["app.toml"].replace(f'["{FIRMS}"]', f'["{FIRMS}", "{SECRET}"]')
    files["queries/total.sql"] = f'SELECT count(*) AS "户数" FROM "{SECRET}" WHERE $league IS NULL'
    files["api/total.toml"] = 'query = "total"\nsummary = { zh = "户数", en = "Number" }\n'
    files["tests/shape.toml"] = ""
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    apps.sql._answers.forget()
    for _ in range(2):
        apps.data(office["first"], "by-program", "leagues", {})
    with pytest.raises(Denied):
        apps.data(office["first"], "by-program", "total", {})
    with pytest.raises(NotFound):
        apps.data(office["first"], "by-program", "no-such-end", {})
    day = apps.usage(office["steward"], "by-program")[0]
    assert (day.opens, day.viewers, day.calls, day.runs, day.failed, day.denied) == (0, 0, 3, 0, 0, 1)
    assert (day.readings, day.scanned) == (1, 60), "the second came from memory, the third read nothing"
    assert day.seconds > 0
    told = office.browser_json("steward").get("/api/v1/apps/by-program/usage").json()["days"][0]
    assert (told["calls"], told["runs"]) == (3, 0)
    assert "接口请求" in office.browser("steward").get("/console/apps/by-program").text
    assert apps.costs(office["reviewer"])["by-program"].calls == 3


def test_nobody_is_kept(office: Office, app: str) -> None:
    office.platform.apps.page(office["first"], app, "overview", {})
    office.platform.apps.counting.write()
    with office.platform.db.read() as connection:
        rows = str(connection.execute(text("SELECT * FROM hosted_usage")).all())
    assert office["first"].id not in rows
    assert office["first"].name not in rows
    assert [coarse(n) for n in (0, 1, 9, 10, 19, 123)] == ["<10", "<10", "<10", "10+", "10+", "120+"]


def test_late_and_failed_cards_are_told_apart(office: Office) -> None:
    counting = office.platform.apps.counting
    view = office.platform.apps.page(office["colleague"], "counted", "overview", {})
    block = view.cards[0].block
    cards = [Card(number=n, block=block, state=state) for n, state in enumerate(CardState)]
    counting.note(("made-up", 3), date(2026, 1, 1), None, cards)
    assert counting._counted["made-up", 3, date(2026, 1, 1)] == Usage(
        app_id="made-up", version=3, day=date(2026, 1, 1), failed=1, denied=1, slow=1
    )


def test_the_pages_show_age_cost_and_the_way_to_ask(office: Office, app: str) -> None:
    page = office.browser("first").get(f"/apps/{app}/overview").text
    assert "/console/sharing/find" in page
    assert "计算于" in page
    assert "成本" not in page, "the cost is for the maker"
    preview = office.browser("steward").get(f"/console/apps/{app}/versions/1/overview").text
    assert "成本：" in preview
    made = office.browser("steward").get(f"/console/apps/{app}").text
    assert "近 30 天使用情况" in made
    assert "&lt;10" in made
    assert "扫描行数" in office.browser("reviewer").get("/console/apps").text
    assert "扫描行数" not in office.browser("steward").get("/console/apps").text
    days = office.browser("steward").get(f"/api/v1/apps/{app}/usage").json()["days"]
    assert days[0]["viewers"] == "<10"
