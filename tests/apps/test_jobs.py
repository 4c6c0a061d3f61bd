"""Jobs of released applications: they run once at their times as who answers for them, tell once, and write graded tables."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from asking import FIRMS, OWNER, Office, firm
from hosting import bundle, released, renamed

from beijiang.apps import AudienceKind, JobStanding
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Denied, Invalid, NotFound, Refused

TABLE = """query = "firms"
schedule = "daily 06:30"
table = "firms_listed"
"""
ALERT = """query = "firms"
condition = "many"
schedule = "every 30m"
to = "analyst"
text = { zh = "企业超过限额。", en = "Too many firms." }
"""


@pytest.fixture(scope="module")
def app(office: Office) -> str:
    files = renamed(bundle(jobs__list_toml=TABLE, jobs__many_toml=ALERT), "with-jobs")
    files["queries/many.sql"] = f'SELECT count(*) AS n FROM "{FIRMS}" HAVING count(*) > 60'
    released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    return "with-jobs"


class Later:
    """A clock that is ahead."""

    def __init__(self, **by: int) -> None:
        self._by = timedelta(**by)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


def ran(office: Office, app: str, name: str) -> JobStanding:
    """Have a job run and wait for its end."""
    platform = office.platform
    job = platform.app_jobs.run(office["steward"], app, name)
    ended = platform.jobs.wait(job, timeout=60)
    assert ended.ended, ended
    found = {spec.name: now for spec, now in platform.app_jobs.standing(office["steward"], app)}[name]
    assert found is not None
    return found


def test_a_table_holds_what_the_person_sees_and_keeps_its_grade(office: Office, app: str) -> None:
    found = ran(office, app, "list")
    assert found.error is None
    assert found.rows == 60
    answer = office.platform.sql.run(office["colleague"], 'SELECT * FROM "firms_listed" ORDER BY 1')
    assert answer.rows.num_rows == 60
    source = {c.name: c.grade for c in office.platform.sql.run(office["colleague"], f'SELECT * FROM "{FIRMS}"').shown}
    made = {c.name: c.grade for c in answer.shown}
    assert {name: made[name] >= source[name] for name in made} == dict.fromkeys(made, True)
    with pytest.raises(Refused):
        office.platform.sql.run(office["first"], 'SELECT * FROM "firms_listed"')


def test_a_table_holds_more_rows_than_an_answer_on_a_page_and_none_of_too_many(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = renamed(bundle(jobs__all_toml=TABLE.replace("firms", "pairs")), "with-pairs")
    files["queries/pairs.sql"] = f'SELECT a."企业名称" AS "甲", b."企业名称" AS "乙" FROM "{FIRMS}" a, "{FIRMS}" b'
    released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    found = ran(office, "with-pairs", "all")
    assert (found.error, found.rows) == (None, 60 * 60)
    assert found.rows > office.platform.settings.query_rows
    count = 'SELECT count(*) AS n FROM "pairs_listed"'
    assert office.platform.sql.run(office["colleague"], count).rows.column("n").to_pylist() == [3600]
    monkeypatch.setattr(office.platform.app_jobs, "_most", 3599)
    failed = ran(office, "with-pairs", "all").error
    assert failed is not None
    assert "3,599" in failed.en
    assert office.platform.sql.run(office["colleague"], count).rows.column("n").to_pylist() == [3600]


def told(office: Office, login: str, subject: str = "app_alert") -> list[str]:
    office.platform.evidence.flush()
    while office.platform.notices.take():
        pass
    shown = office.platform.notices.notices(office[login])
    return [one.seen.title.en for one in shown if one.notice.subject == subject and one.seen is not None]


def test_an_alert_is_told_once_and_again_after_it_was_gone(office: Office, app: str) -> None:
    jobs = office.platform.app_jobs
    assert not ran(office, app, "many").raised
    office.write([firm(n) for n in range(61)])
    assert ran(office, app, "many").raised
    assert ran(office, app, "many").raised
    assert told(office, "colleague") == ["Too many firms."], "the analyst of the department hears of it once"
    assert told(office, "steward") == [], "only the role that the job names"
    assert told(office, "first") == []
    office.write([firm(n) for n in range(60)])
    assert not ran(office, app, "many").raised
    office.write([firm(n) for n in range(61)])
    assert ran(office, app, "many").raised
    office.write([firm(n) for n in range(60)])
    alerts = jobs.alerts(office["colleague"], app)
    assert [one.ended_at is None for one in alerts] == [True, False]
    assert all(one.rows == 1 for one in alerts)
    with pytest.raises(NotFound):
        jobs.alerts(office["first"], app)
    with pytest.raises(NotFound):
        jobs.alert(office["first"], alerts[0].id)
    page = office.browser("colleague").get(f"/console/apps/{app}/alerts")
    assert page.status_code == 200
    assert "企业超过限额。" in page.text
    assert office.browser("first").get(f"/console/apps/{app}/alerts").status_code == 404


def test_each_moment_runs_once_whoever_looks(office: Office, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = office.platform.app_jobs
    jobs.watch()
    now = office.platform.apps.clock.now()
    first = {spec.name: at for spec, at in jobs.standing(office["steward"], app)}
    assert all(at is not None and at.next_at is not None and at.next_at > now for at in first.values())

    monkeypatch.setattr(office.platform.apps, "clock", Later(minutes=31))
    before = runs(office)
    for _ in range(3):
        jobs.watch()
    assert runs(office) == before + 1, "the alert is due and the table is not, and it is due once"


def runs(office: Office) -> int:
    return sum(1 for one in office.platform.jobs.jobs(SYSTEM) if one.name == "apps.job")


def test_a_job_of_a_version_that_is_not_in_use_does_nothing(office: Office) -> None:
    released(
        office,
        renamed(bundle(jobs__list_toml=TABLE.replace("firms_listed", "never")), "off-jobs"),
        AudienceKind.DEPARTMENTS,
        OWNER,
    )
    office.platform.apps.switch(office["publisher"], "off-jobs", off=True, reason="x")
    jobs = office.platform.app_jobs
    with pytest.raises(NotFound):
        jobs.run(office["steward"], "off-jobs", "list")
    jobs.watch()
    assert jobs.standing(office["steward"], "off-jobs") == []


def test_a_job_fails_in_words_when_the_right_is_gone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from beijiang.access import Role

    files = renamed(bundle(jobs__list_toml=TABLE.replace("firms_listed", "of_another")), "lost-right")
    released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    access, jobs = office.platform.access, office.platform.app_jobs
    assert ran(office, "lost-right", "list").error is None
    access.set_roles(SYSTEM, office["steward"].id, frozenset({Role.ANALYST}))
    try:
        monkeypatch.setattr(office.platform.apps, "clock", Later(days=2))
        jobs.watch()
        until = time.monotonic() + 60
        while (standing := jobs.standing(office["reviewer"], "lost-right")[0][1]) and standing.error is None:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert standing is not None
        assert standing.error is not None
        assert "not do this" in standing.error.en
    finally:
        access.set_roles(SYSTEM, office["steward"].id, frozenset({Role.STEWARD}))


def test_the_department_is_told_once_when_a_job_begins_to_fail_and_when_it_works_again(office: Office) -> None:
    files = renamed(bundle(jobs__list_toml=TABLE.replace("firms_listed", "told_of")), "tells-failures")
    files["app.toml"] = files["app.toml"].replace('zh = "企业一览"\nen = "Firms"', 'zh = "会失败"\nen = "It may fail"')
    released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    assert ran(office, "tells-failures", "list").error is None
    day = office.platform.apps.usage(office["steward"], "tells-failures")[0]
    assert (day.opens, day.runs, day.failed) == (0, 1, 0)
    version = office.platform.tables.get(SYSTEM, "told_of").version
    office.write([firm(1)], table="told_of")  # somebody else fills it now
    for times in (1, 2):
        assert ran(office, "tells-failures", "list").error is not None
        assert told(office, "steward", "app").count("It may fail") == 1, "however often it fails"
        assert office.platform.apps.usage(office["steward"], "tells-failures")[0].failed == times
    assert told(office, "first_keeper", "app") == []
    assert told(office, "reviewer", "app") == [], "who builds nothing hears nothing"
    assert version < office.platform.tables.get(SYSTEM, "told_of").version
    log = office.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target="tells-failures")).records
    assert [one.action for one in log].count("apps.job_fail") == 1


def test_a_job_for_which_nobody_answers_is_told_too_and_its_recovery(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = renamed(bundle(jobs__list_toml=TABLE.replace("firms_listed", "told_again")), "nobody-answers")
    released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    assert ran(office, "nobody-answers", "list").error is None
    jobs = office.platform.app_jobs
    with monkeypatch.context() as later:
        later.setattr(office.platform.apps, "clock", Later(days=2))

        def gone(*_words: object) -> None:
            raise NotFound("没有这个人。", "There is no such person.")

        later.setattr(type(jobs.access), "person", gone)
        jobs.watch()
    log = EvidenceQuery(target="nobody-answers")
    actions = [one.action for one in office.platform.evidence_reader.search(SYSTEM, log).records]
    assert actions.count("apps.job_fail") == 1
    assert ran(office, "nobody-answers", "list").error is None
    actions = [one.action for one in office.platform.evidence_reader.search(SYSTEM, log).records]
    assert (actions.count("apps.job_fail"), actions.count("apps.job_recover")) == (1, 1)


def test_a_job_fills_no_table_that_has_a_source(office: Office) -> None:
    with pytest.raises(Invalid) as caught:
        office.platform.apps.submit(
            office["steward"], renamed(bundle(jobs__list_toml=TABLE.replace("firms_listed", FIRMS)), "over-all")
        )
    assert "fills a table of this application" in caught.value.text.en, "least of all the table that it reads"
    office.write([firm(1)], table="handed_in")
    files = renamed(bundle(jobs__list_toml=TABLE.replace("firms_listed", "handed_in")), "over-all")
    released(office, files, AudienceKind.DEPARTMENTS, OWNER)
    before = office.platform.tables.get(SYSTEM, "handed_in").version
    ended = ran(office, "over-all", "list")
    assert ended.error is not None
    assert "filled from elsewhere" in ended.error.en
    assert office.platform.tables.get(SYSTEM, "handed_in").version == before


def test_who_may_run_a_job(office: Office, app: str) -> None:
    jobs = office.platform.app_jobs
    with pytest.raises(NotFound):
        jobs.run(office["first"], app, "list")
    with pytest.raises(Denied):
        jobs.run(office["reviewer"], app, "list")
    with pytest.raises(NotFound):
        jobs.run(office["steward"], app, "moon")
    answer = office.browser("steward").get(f"/api/v1/apps/{app}/jobs")
    assert {one["name"]: one["table"] for one in answer.json()["jobs"]} == {"list": "firms_listed", "many": ""}
    assert "现在运行" in office.browser("steward").get(f"/console/apps/{app}").text
