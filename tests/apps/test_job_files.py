"""Jobs of a bundle are read with the same suspicion as the rest of it: every fault has its file, line and mend."""

from __future__ import annotations

import pytest
from hosting import bundle
from test_bundle import faults

from beijiang.apps import parse_bundle

ALERT = """query = "by_league"
condition = "total"
schedule = "every 30m"
parameters = { league = "包头市" }
to = "steward"
text = { zh = "包头市企业过少。", en = "Too few firms in Baotou." }
"""
TABLE = """query = "by_league"
schedule = "working-days 06:30"
table = "firms_by_league"
"""


def test_an_alert_and_a_table_are_read() -> None:
    jobs = parse_bundle(bundle(jobs__few_toml=ALERT, jobs__sum_toml=TABLE)).jobs
    assert list(jobs) == ["few", "sum"]
    few, summed = jobs["few"], jobs["sum"]
    assert (few.is_alert, few.asks, few.to, few.parameters) == (True, "total", "steward", {"league": "包头市"})
    assert few.text is not None
    assert few.text.en == "Too few firms in Baotou."
    assert (summed.is_alert, summed.asks, summed.table) == (False, "by_league", "firms_by_league")


@pytest.mark.parametrize(
    "schedule", ["every 1m", "every 2h", "every 1d", "daily 23:59", "weekly 7 00:00", "monthly -1 06:30"]
)
def test_schedules_that_are_taken(schedule: str) -> None:
    assert (
        parse_bundle(bundle(jobs__sum_toml=TABLE.replace("working-days 06:30", schedule))).jobs["sum"].schedule
        == schedule
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (TABLE.replace("working-days 06:30", "whenever"), 2, "schedule is missing or cannot"),
        (TABLE.replace("06:30", "24:00"), 2, "schedule is missing or cannot"),
        (TABLE.replace('"by_league"', '"by_moon"'), 1, "there is no query by_moon"),
        (TABLE.replace('"firms_by_league"', '"../x"'), 3, "table is missing or cannot"),
        (TABLE + 'to = "steward"\n', 4, "to is missing or cannot"),
        (TABLE + 'shell = "rm"\n', 4, "shell is missing or cannot"),
        (ALERT.replace('"steward"', '"sys_admin"'), 5, "to is missing or cannot"),
        (ALERT.replace(', en = "Too few firms in Baotou."', ""), 6, "text is missing or cannot"),
        (ALERT.replace("league =", "moon ="), 4, "there is no parameter moon"),
        (ALERT.replace('"total"', '"moon"'), 2, "there is no query moon"),
        ("query = 1 = 2", 1, "this is no TOML"),
    ],
)  # fmt: skip
def test_a_fault_of_a_job_is_told_with_its_line(text: str, line: int, words: str) -> None:
    found = faults(bundle(jobs__job_toml=text))
    assert any(f == "jobs/job.toml" and n == line and words in told for f, n, told in found), found


def test_two_jobs_do_not_write_one_table() -> None:
    found = faults(bundle(jobs__one_toml=TABLE, jobs__two_toml=TABLE))
    assert [(f, n) for f, n, _ in found] == [("jobs/two.toml", 3)]
