"""Rules of time: every kind in words and as moments, across changes of the clock, and what is no rule."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from beijiang.ingest import QuietWindow, Timing
from beijiang.kit import Invalid
from beijiang.standards import Standards

CALENDAR = Standards().calendar


def moments(start: str, count: int, zone: str = "Asia/Shanghai", **timing: Any) -> list[str]:
    place = ZoneInfo(zone)
    after = datetime.fromisoformat(start).replace(tzinfo=place).astimezone(UTC)
    found = Timing.from_json(timing).checked().upcoming(after, count, place, CALENDAR.is_working)
    return [m.astimezone(place).strftime("%m-%d %H:%M") for m in found]


@pytest.mark.parametrize(
    ("timing", "zh", "en", "expected"),
    [
        ({"kind": "every", "minutes": 30}, "每 30 分钟", "every 30 minutes", ["09-25 10:30", "09-25 11:00"]),
        ({"kind": "every", "minutes": 420}, "每 7 小时", "every 7 hours", ["09-25 13:00", "09-25 20:00"]),
        ({"kind": "every", "minutes": 120}, "每 2 小时", "every 2 hours", ["09-25 12:00", "09-25 14:00"]),
        ({"kind": "daily", "at": ["06:30", "12:00"]}, "每天 06:30、12:00", "every day at 06:30 and 12:00",
         ["09-25 12:00", "09-26 06:30"]),
        ({"kind": "weekly", "days": [1, 5], "at": ["08:00"]}, "每周一、五 08:00", "every Monday and Friday at 08:00",
         ["09-26 08:00", "09-29 08:00"]),
        ({"kind": "monthly", "days": [-1, 15], "at": ["00:10"]}, "每月 15 日、最后一天 00:10",
         "on day 15 and the last day of every month at 00:10", ["09-30 00:10", "10-15 00:10"]),
        ({"kind": "monthly", "days": [31], "at": ["00:10"]}, "每月 31 日 00:10", "on day 31 of every month at 00:10",
         ["09-30 00:10", "10-31 00:10", "11-30 00:10"]),
        ({"kind": "month_working_day", "days": [3], "at": ["09:00"]}, "每月第 3 个工作日 09:00",
         "on the 3rd working day of every month at 09:00", ["10-11 09:00", "11-05 09:00"]),
        ({"kind": "cron", "cron": "15 6 * * 1-5"}, "按 cron 表达式 15 6 * * 1-5", "by the cron expression 15 6 * * 1-5",
         ["09-26 06:15", "09-29 06:15"]),
    ],
)  # fmt: skip
def test_every_kind_in_words_and_moments(timing: Any, zh: str, en: str, expected: list[str]) -> None:
    assert moments("2025-09-25 10:15", len(expected), **timing) == expected
    rule = Timing.from_json(timing).checked()
    assert (rule.text().zh, rule.text().en) == (zh, en)
    assert Timing.from_json(rule.to_json()) == rule


def test_an_hour_that_is_skipped_or_comes_twice() -> None:
    zone = "America/New_York"
    daily = {"kind": "daily", "at": ["02:30"]}
    assert moments("2026-03-07 12:00", 3, zone, **daily) == ["03-08 03:30", "03-09 02:30", "03-10 02:30"]
    for twice in ({"kind": "daily", "at": ["01:30"]}, {"kind": "cron", "cron": "30 1 * * *"}):
        assert moments("2026-10-31 12:00", 3, zone, **twice) == ["11-01 01:30", "11-02 01:30", "11-03 01:30"]
    hourly = moments("2026-10-31 23:30", 4, zone, kind="every", minutes=60)
    assert hourly == ["11-01 00:00", "11-01 01:00", "11-01 01:00", "11-01 02:00"], "25 hours, 25 runs"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "every"}, {"kind": "every", "minutes": 50_000}, {"kind": "daily"}, {"kind": "daily", "at": ["6:30"]},
        {"kind": "daily", "at": ["24:00"]}, {"kind": "weekly", "at": ["06:30"]}, {"kind": "weekly", "days": [8], "at": ["06:30"]},
        {"kind": "monthly", "days": [0], "at": ["06:30"]}, {"kind": "month_working_day", "days": [24], "at": ["06:30"]},
        {"kind": "after"}, {"kind": "cron", "cron": "* * *"}, {"kind": "cron", "cron": "99 * * * *"}, {"kind": "cron", "cron": "@daily"},
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(wrong: Any) -> None:
    with pytest.raises(Invalid):
        Timing.from_json(wrong).checked()


def test_quiet_hours_over_midnight_and_on_working_days() -> None:
    zone = ZoneInfo("Asia/Shanghai")

    def end(window: QuietWindow, text: str) -> str | None:
        found = window.end_of(datetime.fromisoformat(text).replace(tzinfo=zone), zone, CALENDAR.is_working)
        return None if found is None else found.strftime("%m-%d %H:%M")

    night = QuietWindow(start="22:00", end="06:00")
    assert end(night, "2025-09-25 23:00") == end(night, "2025-09-26 05:59") == "09-26 06:00"
    assert end(night, "2025-09-26 06:00") is None
    office = QuietWindow(start="08:00", end="18:00", working_days=True)
    assert end(office, "2025-09-28 09:00") == "09-28 18:00"
    assert end(office, "2025-10-03 09:00") is None
    assert CALENDAR.is_working(date(2025, 9, 28))
