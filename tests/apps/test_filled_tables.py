"""Pages that read what a job of their application fills: checked before the table is there, released when it is, as old as its run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asking import FIRMS, OTHER, OWNER, Office, firm
from hosting import bundle, renamed

from beijiang.apps import AudienceKind, CardState
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound

TABLE = "盟市户数"
JOB = f'query = "counted"\nschedule = "daily 06:30"\ntable = "{TABLE}"\n'
COUNTED = f'SELECT "盟市", count(*) AS "户数", max("注册资本") AS "注册资本" FROM "{FIRMS}" GROUP BY 1'


def files(name: str, **changes: str | None) -> dict[str, str]:
    made = renamed(
        bundle(
            jobs__count_toml=JOB,
            queries__counted_sql=COUNTED,
            queries__by_league_sql=f'SELECT t."盟市", t."户数" FROM "{TABLE}" AS t WHERE ($league IS NULL OR t."盟市" = $league) ORDER BY 1',
            **changes,
        ),
        name,
    )
    made["app.toml"] = made["app.toml"].replace(f'resources = ["{FIRMS}"]', f'resources = ["{FIRMS}", "{TABLE}"]')
    made["i18n/en.toml"] += '"注册资本" = "Capital"\n'
    return made


def approved(office: Office, made: dict[str, str]) -> int:
    app, version = office.platform.apps.submit(office["steward"], made)
    office.platform.apps.review(office["reviewer"], app.id, version.number, approve=True, note="可以")
    return version.number


def filled(office: Office, app: str, number: int) -> None:
    for job in office.platform.app_jobs.fill(office["steward"], app, number):
        assert office.platform.jobs.wait(job, timeout=60).state.value == "done"


@pytest.fixture(autouse=True)
def sixty(office: Office) -> None:
    """Let every test begin with the sixty firms that the bundle's own tests count."""
    office.write([firm(n) for n in range(60)])


@pytest.fixture(scope="module")
def app(office: Office) -> str:
    """Return an application whose table is filled, released to two departments."""
    office.write([firm(n) for n in range(60)])
    number = approved(office, files("standing"))
    filled(office, "standing", number)
    office.platform.apps.release(office["publisher"], "standing", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    return "standing"


def test_it_is_checked_before_its_table_is_there_and_released_once_it_is(office: Office) -> None:
    apps, table = office.platform.apps, "另一张盟市户数"
    made = {name: text.replace(TABLE, table) for name, text in files("filled").items()}
    number = approved(office, made)
    view = apps.preview(office["reviewer"], "filled", number, "overview", {})
    assert next(card.data.rows for card in view.cards.values() if card.data and card.block.query == "by_league") == [
        {"盟市": "包头市", "户数": 20},
        {"盟市": "呼和浩特市", "户数": 20},
        {"盟市": "赤峰市", "户数": 20},
    ], "a preview shows what the table will hold"
    with pytest.raises(Conflict) as caught:
        apps.release(office["publisher"], "filled", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    assert caught.value.reason == "app_table_waits"
    began = datetime.now(UTC)
    filled(office, "filled", number)
    apps.release(office["publisher"], "filled", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    office.write([firm(n) for n in range(30)])
    view = apps.page(office["colleague"], "filled", "overview", {})
    card = next(card for card in view.cards.values() if card.block.query == "by_league")
    assert card.data is not None
    assert [row["户数"] for row in card.data.rows] == [20, 20, 20], "what the job counted, until it runs again"
    assert card.data.as_of is not None
    assert card.data.as_of >= began.replace(microsecond=0), "it is as old as the run"
    filled(office, "filled", number)
    view = apps.page(office["colleague"], "filled", "overview", {})
    assert next([row["户数"] for row in c.data.rows] for c in view.cards.values() if c.data and c.block.query == "by_league") == [10, 10, 10]  # fmt: skip


def test_its_table_has_lineage_and_labels_and_is_closed_to_whom_it_is_not_shared_with(office: Office, app: str) -> None:
    platform = office.platform
    touched = platform.lineage.impact(office["steward"], FIRMS, "盟市")
    assert TABLE in str(touched)
    source = {one.name: one.grade for one in platform.sql.run(office["colleague"], f'SELECT * FROM "{FIRMS}"').shown}
    made = {one.name: one.grade for one in platform.sql.run(office["colleague"], f'SELECT * FROM "{TABLE}"').shown}
    assert made["盟市"] >= source["盟市"]
    assert made["注册资本"] >= source["注册资本"]
    view = platform.apps.page(office["first"], app, "overview", {})
    states = {card.block.query: card.state for card in view.cards.values() if card.block.query}
    assert states["by_league"] is CardState.DENIED


def test_who_may_fill_it_and_of_which_version(office: Office, app: str) -> None:
    jobs = office.platform.app_jobs
    unread, version = office.platform.apps.submit(office["steward"], files("unreviewed"))
    with pytest.raises(Conflict):
        jobs.fill(office["steward"], unread.id, version.number)
    with pytest.raises(NotFound):
        jobs.fill(office["steward"], unread.id, 9)
    with pytest.raises(NotFound):
        jobs.fill(office["first"], app, 1)
    with pytest.raises(Denied):
        jobs.fill(office["reviewer"], app, 1)
    office.platform.apps.switch(office["publisher"], app, off=True, reason="x")
    (job,) = jobs.fill(office["steward"], app, 1)
    before = office.platform.tables.get(SYSTEM, TABLE).version
    assert office.platform.jobs.wait(job, timeout=60).result == {"gone": True}
    assert office.platform.tables.get(SYSTEM, TABLE).version == before
    office.platform.apps.switch(office["publisher"], app, off=False, reason="x")


def test_the_console_and_the_api_have_it_filled(office: Office) -> None:
    number = approved(office, files("by-console"))
    page = office.browser("steward").get("/console/apps/by-console").text
    assert "先算表" in page
    assert TABLE in page
    done = office.browser("steward").post(f"/console/apps/by-console/versions/{number}/fill")
    assert done.status_code == 303
    answer = office.browser_json("steward").post(f"/api/v1/apps/by-console/versions/{number}/fill")
    assert answer.status_code == 202
    (job,) = answer.json()["jobs"]
    assert office.platform.jobs.wait(job, timeout=60).ended
    assert office.browser_json("first").post(f"/api/v1/apps/by-console/versions/{number}/fill").status_code == 404


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (f'SELECT "盟市" FROM "{FIRMS}" WHERE ($league IS NULL OR "盟市" = $league)', "no parameters"),
        (f'SELECT "盟市", "户数" FROM "{TABLE}"', "reads no table"),
    ],
)
def test_what_cannot_stand_in_for_the_table_is_told(office: Office, query: str, told: str) -> None:
    with pytest.raises(Invalid) as caught:
        office.platform.apps.submit(office["steward"], {**files("unfit"), "queries/counted.sql": query})
    assert told in caught.value.text.en
    assert caught.value.reason == "app_faulty"


def test_a_table_that_no_job_fills_is_still_missed(office: Office) -> None:
    made = files("no-job")
    del made["jobs/count.toml"]
    with pytest.raises(Invalid) as caught:
        office.platform.apps.submit(
            office["steward"], {**made, "app.toml": made["app.toml"].replace(TABLE, "月球户数")}
        )
    assert "月球户数" in caught.value.text.zh
