"""What time alone breaks: judged again once a day, with the score, the ticket and the alert that follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quality_bureau import Bureau, firm

from beijiang.build import build
from beijiang.ingest import AlertKind
from beijiang.jobs import TERMINAL, Job
from beijiang.kit import SYSTEM
from beijiang.quality import AGING_JOB, Kind, Outcome, Rule, RuleDraft, Run, Severity, TicketQuery, Trigger
from beijiang.quality.store import RunStore
from beijiang.tables import WriteMode
from waiting import until

TABLE = "企业登记信息"
FRESH = RuleDraft(kind=Kind.FRESHNESS, params={"hours": 36}, name="每日到数", severity=Severity.CRITICAL)
VALID = RuleDraft(kind=Kind.VALIDITY, columns=("注销日期",), name="仍在有效期")
YOUNG = RuleDraft(kind=Kind.EXPRESSION, params={"expression": "成立日期 <= current_date"}, name="不在将来")
CALLED = RuleDraft(kind=Kind.NOT_NULL, columns=("联系电话",), where="成立日期 < current_date", name="今天以前的有电话")
FILLED = RuleDraft(kind=Kind.NOT_NULL, columns=("企业名称",), name="有名称")


def ruled(bureau: Bureau, *rules: RuleDraft) -> Run:
    """Put rules in force, write a version, and return what was judged of it."""
    for rule in rules:
        bureau.platform.quality.add(bureau.steward, TABLE, rule)
    return written(bureau)


def written(bureau: Bureau) -> Run:
    ends = bureau.clock.now().date() + timedelta(days=3)
    rows = [firm(n, 注销日期=ends if n == 1 else None) for n in range(4)]
    bureau.write(rows, mode=WriteMode.REPLACE)
    bureau.platform.db.deliver_waiting()
    return newest(bureau)


def newest(bureau: Bureau) -> Run:
    found = bureau.platform.quality.report(bureau.steward, TABLE).run
    assert found is not None
    return found


def outcomes(run: Run) -> dict[str, tuple[Outcome, int]]:
    return {fact.name: (fact.outcome, fact.failing) for fact in run.facts if fact.rule_id}


def jobs(bureau: Bureau) -> list[Job]:
    return [job for job in bureau.platform.jobs.jobs(SYSTEM) if job.name == AGING_JOB]


def tickets(bureau: Bureau) -> list[tuple[str | None, bool]]:
    """Return for each ticket the run that it stands at, and whether it is over."""
    found, _ = bureau.platform.tickets.tickets(bureau.steward, TicketQuery(table=TABLE))
    return [(one.run_id, one.state.is_over) for one in found]


def looked(bureau: Bureau) -> None:
    """Let the dispatcher look at the clock, and wait until the day was reckoned with."""
    platform, today = bureau.platform, bureau.clock.now().date()
    platform.quality.watch()

    def done() -> bool:
        with platform.db.read() as connection:
            return RunStore(connection).aged().get(TABLE) == today

    until(done)
    until(lambda: all(job.state in TERMINAL for job in jobs(bureau)))
    platform.db.deliver_waiting()


def test_a_table_that_stops_coming_loses_its_score_and_opens_its_ticket(bureau: Bureau) -> None:
    bureau.write([firm(n) for n in range(4)])
    first = ruled(bureau, FRESH, VALID, YOUNG, FILLED)
    assert set(outcomes(first).values()) == {(Outcome.PASSED, 0)}
    platform = bureau.platform
    before = platform.quality.report(bureau.steward, TABLE).score
    assert before is not None
    assert before.total == 100
    bureau.clock.advance(timedelta(days=1))
    looked(bureau)
    assert newest(bureau).id == first.id, "nothing is new after a day, so no run is written"
    bureau.clock.advance(timedelta(days=1))
    looked(bureau)
    aged = newest(bureau)
    assert (aged.version, aged.trigger, aged.by, aged.rows) == (first.version, Trigger.TIME, SYSTEM.id, first.rows)
    assert outcomes(aged) == {
        "每日到数": (Outcome.FAILED, 1),
        "仍在有效期": (Outcome.PASSED, 0),
        "不在将来": (Outcome.PASSED, 0),
        "有名称": (Outcome.PASSED, 0),
    }
    assert [f for f in aged.facts if f.rule_id is None] == [f for f in first.facts if f.rule_id is None]
    after = platform.quality.report(bureau.steward, TABLE).score
    assert after is not None
    assert after.total is not None
    assert after.total < before.total
    until(lambda: tickets(bureau) == [(aged.id, False)])
    assert [a.subject for a in platform.alerts.alerts(bureau.steward) if a.kind is AlertKind.QUALITY] == [TABLE]
    bureau.clock.advance(timedelta(days=2))
    looked(bureau)
    later = outcomes(newest(bureau))
    assert (later["每日到数"], later["仍在有效期"]) == ((Outcome.FAILED, 1), (Outcome.FAILED, 1))
    again = written(bureau)
    assert (again.trigger, set(outcomes(again).values())) == (Trigger.WRITTEN, {(Outcome.PASSED, 0)})
    until(lambda: [over for _, over in tickets(bureau)] == [True, True])
    until(lambda: AlertKind.QUALITY not in {a.kind for a in platform.alerts.alerts(bureau.steward)})


def test_a_day_is_looked_at_once_also_after_a_restart_and_by_two_processes(bureau: Bureau) -> None:
    bureau.write([firm(n) for n in range(4)])
    ruled(bureau, FRESH)
    bureau.clock.advance(timedelta(days=3))
    looked(bureau)
    runs = [run.id for run in bureau.platform.quality.runs(bureau.steward, TABLE)]
    assert len(runs) == 2
    bureau.platform.quality.watch()
    other = build(bureau.platform.settings, bureau.clock)
    try:
        assert other.quality._waiting() == []
        other.quality.watch()
        assert not other.quality._age(TABLE), "whoever comes second writes nothing"
    finally:
        other.close()
    assert [run.id for run in bureau.platform.quality.runs(bureau.steward, TABLE)] == runs
    assert len(jobs(bureau)) == 1


@pytest.mark.parametrize("time_first", [True, False])
def test_a_check_and_the_day_at_a_time_leave_what_holds(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch, *, time_first: bool
) -> None:
    """Somebody adds a rule and checks while the day is reckoned with: whichever ends first, what he checked stays."""
    bureau.write([firm(n) for n in range(4)])
    first = ruled(bureau, FRESH)
    quality = bureau.platform.quality
    bureau.clock.advance(timedelta(days=2))

    def check() -> Run:
        quality.add(bureau.steward, TABLE, FILLED)
        return quality.check_now(bureau.steward, TABLE)

    if time_first:
        looked(bureau)
        checked = check()
    else:
        made = quality._judged_again

        def slow(*asked: Any) -> Any:
            found = made(*asked)
            monkeypatch.undo()
            assert found is not None
            assert check().version == found.run.version == first.version
            return found

        monkeypatch.setattr(quality, "_judged_again", slow)
        assert quality._age(TABLE) is False
        checked = newest(bureau)
    assert (newest(bureau).id, checked.trigger) == (checked.id, Trigger.ASKED)
    assert outcomes(checked) == {"每日到数": (Outcome.FAILED, 1), "有名称": (Outcome.PASSED, 0)}
    assert quality._waiting() == []
    with bureau.platform.db.read() as connection:
        assert [run.trigger for run in RunStore(connection).of_table(TABLE, 9) if run.trigger is Trigger.TIME] == (
            [Trigger.TIME] if time_first else []
        )
        assert [run.id for run in RunStore(connection).all_newest()] == [checked.id]


def test_only_rules_that_age_are_counted_and_a_retired_one_leaves_the_run(bureau: Bureau) -> None:
    bureau.write([firm(n) for n in range(4)])
    ruled(bureau, FRESH, FILLED, CALLED)
    quality = bureau.platform.quality
    rules = {rule.name: rule for rule in quality.rules(bureau.steward, TABLE)}
    assert {name for name, rule in rules.items() if rule.ages} == {"每日到数", "今天以前的有电话"}
    quality.retire(bureau.steward, rules["有名称"].id, "不再需要")
    bureau.clock.advance(timedelta(days=3))
    looked(bureau)
    assert set(outcomes(newest(bureau))) == {"每日到数", "今天以前的有电话"}


def test_a_table_without_such_rules_waits_for_nothing(bureau: Bureau) -> None:
    bureau.write([firm(n) for n in range(4)])
    ruled(bureau, FILLED)
    bureau.clock.advance(timedelta(days=9))
    assert bureau.platform.quality._waiting() == []
    bureau.platform.quality.watch()
    assert jobs(bureau) == []


@pytest.mark.parametrize(
    ("query", "ages"),
    [
        ("SELECT MAX(座位) FROM {table}", False),
        ("SELECT COUNT(*) FROM {table} WHERE 到期 < Current_Date", True),
        ("SELECT MAX(到期 - today()) FROM {table}", True),
        ("SELECT snowfall FROM {table}", False),
    ],
)
def test_a_query_that_asks_for_the_day_ages(query: str, ages: bool) -> None:
    rule = Rule(
        id="r",
        table=TABLE,
        revision=1,
        by="x",
        at=datetime(2026, 3, 10, tzinfo=UTC),
        kind=Kind.SQL,
        params={"query": query, "must": "< 1"},
    )
    assert rule.ages is ages
