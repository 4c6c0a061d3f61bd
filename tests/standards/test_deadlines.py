"""Limits of law as they run: over Spring Festival and made-up days, paused, extended, warned of, gone up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beijiang.kit import BeijiangError, Text
from beijiang.standards import (
    Case,
    CaseState,
    Edition,
    PauseReason,
    Rule,
    Standards,
    WorkingCalendar,
    begin,
    deadline,
    extend,
    pause,
    resume,
    stop,
)

ZONE = ZoneInfo("Asia/Shanghai")
WORKS = Standards().calendar


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZONE)


def case(began: str, value: int, unit: str = "working_day", **words: object) -> Case:
    rule = Rule(
        id="t",
        kind="time_limit",
        topic=Text("答复", "reply"),
        profile="reg809",
        value=str(value),
        unit=unit,
        extension_value="10",
        extension_unit=unit,
        can_pause=bool(words.get("can_pause", True)),
        on_overdue="escalate",
        basis="测试",
        edition=Edition(version=3),
    )
    return begin(rule, at(began))


@pytest.mark.parametrize(
    ("began", "value", "unit", "last"),
    [
        ("2025-09-26T10:00", 10, "working_day", "2025-10-16"),  # a made-up Sunday, National Day, a made-up Saturday
        ("2025-09-30T10:00", 1, "working_day", "2025-10-09"),
        ("2025-09-27T10:00", 2, "working_day", "2025-09-29"),
        ("2025-10-10T10:00", 1, "working_day", "2025-10-11"),
        ("2025-01-24T16:00", 1, "working_day", "2025-01-26"),  # the Sunday before Spring Festival is worked
        ("2025-01-24T16:00", 3, "working_day", "2025-02-05"),  # New Year's Eve to the 7th of the first month
        ("2025-02-07T09:00", 1, "working_day", "2025-02-08"),  # and the Saturday after it
        ("2025-04-25T09:00", 2, "working_day", "2025-04-28"),  # Sunday 27 April is worked for Labour Day
        ("2025-01-24T23:59", 3, "day", "2025-01-27"),
        ("2025-01-24T09:00", 5, "day", "2025-02-05"),  # ends in the festival: on to the first day of work
        ("2025-03-31T09:00", 6, "month", "2025-09-30"),
        ("2025-08-31T09:00", 6, "month", "2026-02-28"),  # a Saturday on which people work, after the festival
        ("2026-08-31T09:00", 6, "month", "2027-03-01"),  # 28 February 2027 is a Sunday
        ("2025-02-28T09:00", 3, "year", "2028-02-28"),
    ],
)
def test_the_last_day_of_a_limit(began: str, value: int, unit: str, last: str) -> None:
    found = deadline(case(began, value, unit), at(began), WORKS, ZONE)
    assert (found.due - timedelta(seconds=1)).astimezone(ZONE).date() == date.fromisoformat(last)
    assert found.due.astimezone(ZONE).time().isoformat() == "00:00:00"  # it ends at 24:00
    assert found.provisional == (date.fromisoformat(last).year not in {2025, 2026})


def test_hours_ignore_the_calendar() -> None:
    found = deadline(case("2025-10-01T10:30", 24, "hour"), at("2025-10-01T12:00"), WORKS, ZONE)
    assert found.due == at("2025-10-02T10:30")


def test_spring_festival_of_another_year_once_its_calendar_is_loaded() -> None:
    days = frozenset(date(2026, 2, 15) + timedelta(days=n) for n in range(9))
    works = WorkingCalendar(days, frozenset({date(2026, 2, 14), date(2026, 2, 28)}), frozenset({2026}))
    found = deadline(case("2026-02-13T09:00", 6), at("2026-02-13T09:00"), works, ZONE)
    assert (found.due - timedelta(seconds=1)).astimezone(ZONE).date() == date(2026, 2, 28)
    assert not found.provisional
    blind = deadline(case("2027-02-05T09:00", 6), at("2027-02-05T09:00"), WORKS, ZONE)
    assert blind.provisional


def test_a_pause_keeps_the_days_that_were_used() -> None:
    begun = case("2025-06-09T09:00", 10)  # Monday
    still = pause(begun, PauseReason.PAPERS, date(2025, 6, 12))  # three days used
    waiting = deadline(still, at("2025-06-20T09:00"), WORKS, ZONE)
    assert (waiting.state, waiting.paused_days) == (CaseState.PAUSED, 6)
    on = resume(still, date(2025, 6, 23))  # seven are left
    found = deadline(on, at("2025-06-24T09:00"), WORKS, ZONE)
    assert (found.due - timedelta(seconds=1)).astimezone(ZONE).date() == date(2025, 7, 2)
    assert found.paused_days == 7
    for wrong in (
        lambda: resume(begun, date(2025, 6, 12)),
        lambda: pause(still, PauseReason.THIRD_PARTY, date(2025, 6, 13)),
        lambda: pause(case("2025-06-09T09:00", 1, can_pause=False), PauseReason.PAPERS, date(2025, 6, 9)),
        lambda: pause(stop(begun, at("2025-06-10T09:00")), PauseReason.PAPERS, date(2025, 6, 11)),
    ):
        with pytest.raises(BeijiangError):
            wrong()


def test_an_extension_comes_once_before_the_day_and_with_a_consent() -> None:
    begun = case("2025-06-09T09:00", 5)
    longer = extend(begun, 10, at("2025-06-16T23:00"), WORKS, ZONE, "数据局同意：需核对历史数据")
    assert deadline(longer, at("2025-06-20T09:00"), WORKS, ZONE).due == at("2025-07-01T00:00")
    for wrong in (
        lambda: extend(begun, 11, at("2025-06-10T09:00"), WORKS, ZONE, "同意"),
        lambda: extend(begun, 5, at("2025-06-10T09:00"), WORKS, ZONE, " "),
        lambda: extend(longer, 1, at("2025-06-20T09:00"), WORKS, ZONE, "同意"),
        lambda: extend(begun, 5, at("2025-06-17T00:01"), WORKS, ZONE, "同意"),
    ):
        with pytest.raises(BeijiangError):
            wrong()


@pytest.mark.parametrize(
    ("now", "state", "step"),
    [
        ("2025-06-10T09:00", CaseState.RUNNING, 0),
        ("2025-06-17T09:00", CaseState.WARNED, 0),
        ("2025-06-23T23:59", CaseState.WARNED, 0),
        ("2025-06-24T00:01", CaseState.OVERDUE, 1),
        ("2025-06-25T09:00", CaseState.OVERDUE, 1),
        ("2025-06-26T09:00", CaseState.OVERDUE, 2),
        ("2025-06-30T09:00", CaseState.OVERDUE, 3),
        ("2025-12-01T09:00", CaseState.OVERDUE, 3),
    ],
)
def test_it_is_warned_of_and_goes_up_two_working_days_at_a_time(now: str, state: CaseState, step: int) -> None:
    begun = case("2025-06-09T09:00", 10)
    found = deadline(begun, at(now), WORKS, ZONE)
    assert (found.state, found.step) == (state, step)
    assert found.warnings == tuple(sorted(found.warnings))
    assert found.warnings[-1] == at("2025-06-20T00:00")
    assert deadline(stop(begun, at("2025-06-11T09:00")), at(now), WORKS, ZONE).state is CaseState.ANSWERED
    assert (begun.rule_version, begun.basis) == (3, "测试")
