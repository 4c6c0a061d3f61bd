"""Pages that read what a job of their application fills: checked before the table is there, released when it is, as old as its run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asking import FIRMS, OTHER, OWNER, Office, firm
from hosting import bundle, renamed
from sqlalchemy import update

from beijiang.apps import AudienceKind, CanaryKind, CanaryTo, CardState
from beijiang.apps.models import digest_of
from beijiang.apps.store.schema import hosted_version
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound

TABLE = "盟市户数"
JOB = f'query = "counted"\nschedule = "daily 06:30"\ntable = "{TABLE}"\n'
COUNTED = f'SELECT "盟市", count(*) AS "户数", max("注册资本") AS "注册资本" FROM "{FIRMS}" GROUP BY 1'


def files(name: str, *, table: str = "", **changes: str | None) -> dict[str, str]:
    """Return an application whose table bears its name, for a table is filled by one application."""
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
    table = table or (TABLE if name == "standing" else f"{TABLE}-{name}")
    return {file: text.replace(TABLE, table) for file, text in made.items()}


def second(name: str, table: str = "", **changes: str) -> dict[str, str]:
    """Return the second version of an application, with other queries."""
    made = files(name, table=table)
    made["app.toml"] = made["app.toml"].replace('version = "1.0.0"', 'version = "1.1.0"')
    return {**made, **{f"queries/{query}.sql": text for query, text in changes.items()}}


def live(office: Office, name: str) -> None:
    """Release the first version of an application to two departments, its table filled."""
    number = approved(office, files(name))
    filled(office, name, number)
    office.platform.apps.release(office["publisher"], name, number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])


def counts(office: Office, app: str) -> list[object]:
    """Return what a reader's page shows of the table."""
    view = office.platform.apps.page(office["colleague"], app, "overview", {})
    card = next(card for card in view.cards.values() if card.block.query == "by_league")
    return [row["户数"] for row in card.data.rows] if card.data else [card.state]


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
    apps = office.platform.apps
    number = approved(office, files("filled"))
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
    assert f"{TABLE}-by-console" in page
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
        (f'SELECT "盟市", "户数" FROM "{TABLE}-unfit"', "reads no table"),
        ("SELECT count(*) AS FROM WHERE (", "queries/counted.sql, line 1"),
        ("SELECT 1; SELECT 2", "queries/counted.sql, line 1"),
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
            office["steward"], {**made, "app.toml": made["app.toml"].replace(f"{TABLE}-no-job", "月球户数")}
        )
    assert "月球户数" in caught.value.text.zh


THOUSANDS = COUNTED.replace('count(*) AS "户数"', 'count(*) * 1000 AS "户数"')


def test_another_statement_asks_for_another_table_and_readers_keep_theirs(office: Office) -> None:
    apps, steward = office.platform.apps, office["steward"]
    live(office, "changing")
    with pytest.raises(Invalid) as caught:
        apps.submit(steward, second("changing", counted=THOUSANDS))
    assert caught.value.reason == "app_faulty"
    assert "version 1 of changing fills the table" in caught.value.text.en
    assert "jobs/count.toml, line 3" in caught.value.text.en
    number = approved(office, second("changing", f"{TABLE}-千", counted=THOUSANDS))
    with pytest.raises(Conflict) as waits:
        apps.release(office["publisher"], "changing", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    assert waits.value.reason == "app_table_waits"
    filled(office, "changing", number)
    assert counts(office, "changing") == [20, 20, 20], "nobody released the second version yet"
    apps.release(office["publisher"], "changing", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    assert counts(office, "changing") == [20_000, 20_000, 20_000]
    filled(office, "changing", 1)
    assert counts(office, "changing") == [20_000, 20_000, 20_000], "the version before has its own table"
    apps.rollback(office["publisher"], "changing", 1, "回到上一版")
    assert counts(office, "changing") == [20, 20, 20]


def test_columns_that_are_renamed_come_into_a_table_of_their_own(office: Office) -> None:
    apps = office.platform.apps
    live(office, "renaming")
    firms = COUNTED.replace('AS "户数"', 'AS "企业数"')
    page = files("renaming")["queries/by_league.sql"].replace('t."户数"', 't."企业数" AS "户数"')
    with pytest.raises(Invalid) as caught:
        apps.submit(office["steward"], second("renaming", counted=firms, by_league=page))
    assert "name another table" in caught.value.text.en
    table = f"{TABLE}-新"
    own = {
        name: text.replace(f"{TABLE}-renaming", table) for name, text in {"by_league": page, "counted": firms}.items()
    }
    made = second("renaming", table, **own)
    made["i18n/en.toml"] += '"企业数" = "Firms"\n'
    number = approved(office, made)
    filled(office, "renaming", number)
    apps.release(office["publisher"], "renaming", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    assert counts(office, "renaming") == [20, 20, 20]


def test_what_readers_have_is_filled_by_the_version_that_they_have(office: Office) -> None:
    live(office, "sharing")
    laid_out = COUNTED.replace(" FROM", "\n-- all of them\nFROM")
    number = approved(office, second("sharing", counted=laid_out))
    assert office.platform.app_jobs.fills(office["steward"], "sharing") == {number: []}
    office.write([firm(n) for n in range(30)])
    assert office.platform.app_jobs.fill(office["steward"], "sharing", number) == []
    apps, trials = office.platform.apps, office.platform.app_canaries
    trials.begin(office["publisher"], "sharing", number, CanaryTo(kind=CanaryKind.SHARE, percent=50))
    assert office.platform.app_jobs.fill(office["steward"], "sharing", number) == []
    filled(office, "sharing", 1)
    assert counts(office, "sharing") == [10, 10, 10], "the version in use fills its table, beside a trial too"
    trials.withdraw(office["steward"], "sharing", "x")
    office.write([firm(n) for n in range(60)])
    apps.release(office["publisher"], "sharing", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    assert counts(office, "sharing") == [10, 10, 10]
    assert office.platform.app_jobs.fill(office["steward"], "sharing", 1) == [], (
        "an old version fills nothing of the new one"
    )
    filled(office, "sharing", number)
    assert counts(office, "sharing") == [20, 20, 20]


def test_a_run_that_was_queued_before_a_release_does_not_overwrite_what_readers_got(office: Office) -> None:
    jobs, apps = office.platform.app_jobs, office.platform.apps
    live(office, "queued")
    number = approved(office, second("queued"))
    found, versions = apps.app(office["steward"], "queued")
    version = next(one for one in versions if one.number == number)
    queued = jobs._submit(found, version, "count", "late", ahead=True)  # as queued when nobody had the table
    before = office.platform.tables.get(SYSTEM, f"{TABLE}-queued").version
    assert office.platform.jobs.wait(queued, timeout=60).result == {"gone": True}
    assert office.platform.tables.get(SYSTEM, f"{TABLE}-queued").version == before


def test_two_versions_that_wait_together_do_not_both_get_the_table(office: Office) -> None:
    apps, steward = office.platform.apps, office["steward"]
    apps.submit(steward, files("waiting"))
    apps.submit(steward, second("waiting", counted=THOUSANDS))
    apps.review(office["reviewer"], "waiting", 1, approve=True, note="可以")
    with pytest.raises(Conflict) as caught:
        apps.review(office["reviewer"], "waiting", 2, approve=True, note="可以")
    assert caught.value.reason == "app_table_taken"
    apps.review(office["reviewer"], "waiting", 2, approve=False, note="换一个表名")
    with pytest.raises(Invalid):
        apps.submit(steward, files("waiting-too", table=f"{TABLE}-waiting"))


def test_a_version_that_was_approved_under_older_rules_gets_no_table_of_another(office: Office) -> None:
    apps, jobs = office.platform.apps, office.platform.app_jobs
    live(office, "older")
    number = approved(office, second("older", f"{TABLE}-older-2", counted=THOUSANDS))
    as_if_approved(office, "older", number, second("older", counted=THOUSANDS))
    for step in (
        lambda: jobs.fill(office["steward"], "older", number),
        lambda: apps.release(office["publisher"], "older", number, AudienceKind.DEPARTMENTS, [OWNER, OTHER]),
        lambda: office.platform.app_canaries.begin(
            office["publisher"], "older", number, CanaryTo(kind=CanaryKind.SHARE, percent=50)
        ),
    ):
        with pytest.raises(Conflict) as caught:
            step()
        assert caught.value.reason == "app_table_taken"
    assert counts(office, "older") == [20, 20, 20]


def as_if_approved(office: Office, app: str, number: int, made: dict[str, str]) -> None:
    """Write other files into a version, as an earlier release of the platform would have let it in."""
    with office.platform.db.begin() as tx:
        where = (hosted_version.c.app_id == app, hosted_version.c.number == number)
        tx.connection.execute(update(hosted_version).where(*where).values(files=made, digest=digest_of(made)))


def test_a_table_without_the_columns_of_the_job_is_not_released(office: Office) -> None:
    name, table = "foreign", f"{TABLE}-foreign"
    number = approved(office, files(name))
    filled(office, name, number)
    made = files(name)
    made["queries/counted.sql"] = COUNTED.replace('AS "户数"', 'AS "企业数"')
    as_if_approved(office, name, number, made)
    with pytest.raises(Conflict) as caught:
        office.platform.apps.release(office["publisher"], name, number, AudienceKind.DEPARTMENTS, [OWNER, OTHER])
    assert caught.value.reason == "app_table_other"
    assert caught.value.detail == {"job": "count", "table": table, "columns": ["企业数"]}


@pytest.mark.parametrize("verb", ["check", "submit"])
def test_a_slip_in_a_query_of_a_page_is_a_fault_with_its_place(office: Office, verb: str) -> None:
    made = {**files("slip"), "queries/total.sql": f'SELECT count(*) AS "户数" FROM "{FIRMS}" WHERE (('}
    if verb == "submit":
        with pytest.raises(Invalid) as caught:
            office.platform.apps.submit(office["steward"], made)
        assert caught.value.reason == "app_faulty"
        assert "queries/total.sql" in caught.value.text.en
    else:
        assert [one.file for one in office.platform.apps.check(office["steward"], made).faults] == ["queries/total.sql"]


def test_an_application_that_was_released_under_older_rules_goes_on(office: Office) -> None:
    live(office, "upgraded")
    chained, table = files("upgraded"), f"{TABLE}-upgraded"
    chained["jobs/next.toml"] = f'query = "next"\nschedule = "daily 07:00"\ntable = "{table}-2"\n'
    chained["queries/next.sql"] = f'SELECT "盟市", "户数" * 2 AS "户数" FROM "{table}"'
    chained["app.toml"] = chained["app.toml"].replace(f'"{table}"]', f'"{table}", "{table}-2"]')
    with pytest.raises(Invalid):
        office.platform.apps.check(office["steward"], chained)
    as_if_approved(office, "upgraded", 1, chained)
    assert counts(office, "upgraded") == [20, 20, 20]
    filled(office, "upgraded", 1)
    number = approved(office, second("upgraded", f"{table}-3"))
    unread = second("upgraded", f"{table}-3", counted="SELECT ((")
    as_if_approved(office, "upgraded", number, unread)
    assert office.browser("steward").get("/console/apps/upgraded").status_code == 200
    view = office.platform.apps.preview(office["steward"], "upgraded", number, "overview", {})
    assert next(card.state for card in view.cards.values() if card.block.query == "total") is CardState.READY
