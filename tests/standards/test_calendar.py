"""The working-day calendar as dated data: a year comes in by a file and an approval, and limits of law follow at once."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from typer import Typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1]))
from beijiang import terminal
from beijiang.build import Platform, build
from beijiang.kit import ANONYMOUS, BeijiangError, Language
from beijiang.standards import (
    Action,
    Change,
    EntryKind,
    Planned,
    SheetFormat,
    Standards,
    WorkingCalendar,
    begin,
    deadline,
)
from beijiang.standards.commands import add_calendar
from beijiang.standards.routes import calendar_router, registry_router
from waiting import until

NOTICE = "国务院办公厅关于2027年部分节假日安排的通知"
YEAR = """\
2027-01-01,holiday,元旦
2027-02-05,放假,春节
2027-02-06,holiday,春节
2027-02-08,holiday,春节
2027-02-14,调休上班,春节调休
2027-05-01,holiday,劳动节
2027-05-02,holiday,劳动节
2027-10-01,holiday,国庆节
2027-10-02,holiday,国庆节
2027-10-03,holiday,国庆节
2027-10-09,adjusted_workday,国庆节调休
"""
"""An arrangement as it might be: the real one is not known yet."""


def sheet(rows: str = YEAR, basis: str = NOTICE, head: str = "日期,安排,节日,依据文件,已核实") -> bytes:
    lines = [f"{line},{basis},true" for line in rows.splitlines()]
    return "\n".join([head, *lines]).encode("gb18030")


def refusals(planned: Any) -> list[tuple[int, str]]:
    assert {one.outcome for one in planned} == {"refused"}
    return [(one.row, one.reason.zh) for one in planned]


def test_years_are_wanted_as_soon_as_limits_reach_them() -> None:
    known = WorkingCalendar(frozenset(), frozenset(), frozenset({2025, 2026}))
    assert known.wanting(date(2026, 3, 10)) == ()
    assert known.wanting(date(2026, 11, 1)) == ()
    assert known.wanting(date(2026, 11, 2)) == (2027,)
    assert known.wanting(date(2027, 12, 1)) == (2027, 2028)
    assert Standards().calendar.years == {2025, 2026}
    assert Standards().is_working(date(2026, 2, 14))
    assert not Standards().is_working(date(2026, 2, 16))


def test_a_year_comes_in_by_a_file_and_limits_follow_at_once_in_every_process(late: Any) -> None:
    platform: Platform = late.platform
    registry, standards = platform.registry, platform.standards
    rule = standards.rule("share.reply.conditional.809")
    case = begin(rule, datetime(2026, 12, 25, 2, 0, tzinfo=UTC))
    zone, now = registry.books._zone, late.clock.now()
    assert deadline(case, now, standards.calendar, zone).provisional
    assert registry.years_wanting(late.steward) == (2027,)
    finding = next(one for one in platform.health.examine() if one.name == "calendar")
    assert (finding.ok, finding.warns) == (True, True)
    assert "2027" in finding.text.zh
    other = build(platform.settings, late.clock)  # another process of the same home, that has read the calendar before
    try:
        assert 2027 not in other.standards.calendar.years
        made = registry.propose_import(late.steward, "2027.csv", sheet(), "国务院办公厅已公布")
        assert made.about == ("add calendar 2027",)
        shown = registry.differences(late.reviewer, made)[0][1]
        assert {d.what.zh: d.after for d in shown}["2027-02-14"] == "调休上班 春节调休"
        assert {d.what.zh: d.after for d in shown}["依据文件"] == NOTICE
        assert 2027 not in standards.calendar.years  # proposed is not approved
        with pytest.raises(BeijiangError, match="may not"):
            registry.approve(late.steward, made.id)
        registry.approve(late.reviewer, made.id, "同意")
        assert not standards.is_working(date(2027, 2, 5))
        assert standards.is_working(date(2027, 2, 14))
        assert not platform.schedules.is_working(date(2027, 10, 1))
        after = deadline(case, now, standards.calendar, zone)
        assert not after.provisional
        until(lambda: 2027 in other.standards.calendar.years)
        assert other.standards.is_working(date(2027, 10, 9))
    finally:
        other.close()
    status, versions = registry.calendar_year(ANONYMOUS, 2027)
    assert (status.value, len(versions), versions[0].basis, versions[0].verified) == ("in_force", 1, NOTICE, True)
    assert len(versions[0].days) == 11
    assert registry.years_wanting(late.steward) == ()
    assert not next(one for one in platform.health.examine() if one.name == "calendar").warns
    assert {one.outcome for one in registry.plan(late.steward, "2027.csv", sheet())} == {"unchanged"}


def test_a_change_of_a_year_is_a_version_and_its_end_takes_it_out(late: Any) -> None:
    registry, standards = late.platform.registry, late.platform.standards
    moved = YEAR.replace("2027-10-09,adjusted_workday", "2027-10-10,adjusted_workday")
    registry.approve(late.reviewer, registry.propose_import(late.steward, "2027.csv", sheet(), "公布").id)
    planned = registry.plan(late.steward, "2027.csv", sheet(moved, "国办补充通知"))
    assert [(one.outcome, one.id) for one in planned] == [("changed", "2027")]
    assert {d.what.en for d in planned[0].differences} == {"basis", "2027-10-09", "2027-10-10"}
    made = registry.propose_import(late.steward, "2027.csv", sheet(moved, "国办补充通知"), "调休改期")
    registry.approve(late.reviewer, made.id)
    assert standards.is_working(date(2027, 10, 10))
    assert not standards.is_working(date(2027, 10, 9))
    assert [one.edition.version for one in registry.calendar_year(ANONYMOUS, 2027)[1]] == [2, 1]
    change = registry.change_of(late.steward, Action.RETIRE, EntryKind.CALENDAR, {"id": "2027"})
    registry.approve(late.reviewer, registry.propose(late.steward, [change], "误录").id)
    assert 2027 not in standards.calendar.years
    assert registry.years_wanting(ANONYMOUS) == (2027,)


@pytest.mark.parametrize(
    ("rows", "row", "words"),
    [
        (YEAR.replace("2027-05-01", "2027-5-1"), 7, "日期写成"),
        (YEAR.replace("2027-05-01,holiday", "2027-05-01,party"), 7, "应为 放假、调休上班"),
        (YEAR.replace("2027-10-09", "2027-10-11"), 12, "不是周六、周日"),
        (YEAR.replace("2027-05-02,holiday,劳动节\n", ""), 2, "缺少法定节假日 2027-05-02 劳动节"),
        (YEAR.replace("2027-02-06,holiday,春节\n", ""), 2, "缺少法定节假日 2027-02-06 春节"),
        (YEAR + "2027-01-01,holiday,元旦\n", 2, "2027-01-01 重复"),
    ],
)
def test_rows_that_cannot_be_are_named_and_the_whole_year_stays_out(
    office: Any, rows: str, row: int, words: str
) -> None:
    found = refusals(office.registry.plan(office.steward, "2027.csv", sheet(rows)))
    assert found[0][0] == row
    assert words in found[0][1]
    with pytest.raises(BeijiangError, match="nothing is imported"):
        office.registry.propose_import(office.steward, "2027.csv", sheet(rows), "试")


def test_a_year_bears_one_document_and_needs_one(office: Any) -> None:
    two = sheet() + b"\n2027-10-04,holiday,x,y,true"
    assert [row for row, _ in refusals(office.registry.plan(office.steward, "x.csv", two))] == [13]
    assert "依据文件" in refusals(office.registry.plan(office.steward, "x.csv", sheet(basis="")))[0][1]
    plain = [{"date": "2027-01-01", "kind": "holiday", "note": ""}]
    form = {"id": "2027", "basis": NOTICE}
    change = office.registry.change_of(office.steward, Action.ADD, EntryKind.CALENDAR, form, plain)
    with pytest.raises(BeijiangError, match="lacks the holiday 2027-02-06"):  # by the API nobody goes round the check
        office.registry.propose(office.steward, [change], "试")
    with pytest.raises(BeijiangError, match="1999"):
        office.registry.calendar_year(ANONYMOUS, 1999)
    assert isinstance(change, Change)
    assert all(isinstance(one, Planned) for one in office.registry.plan(office.steward, "x.csv", sheet()))


def test_the_calendar_over_http_and_at_the_terminal(office: Any) -> None:
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = office.steward if request.headers.get("x-actor") else ANONYMOUS
        return await call_next(request)

    app.include_router(registry_router(office.registry))
    app.include_router(calendar_router(office.registry))
    here = "/api/v1/standards"
    with TestClient(app) as door:
        found = door.get(f"{here}/calendar").json()
        assert [(one["id"], one["status"], one["version"]) for one in found["years"]][:2] == [
            ("2025", "in_force", 1),
            ("2026", "in_force", 1),
        ]
        assert found["wanting"] == []
        days = door.get(f"{here}/calendar/2026").json()["versions"][0]["days"]
        assert {"date": "2026-02-14", "kind": "adjusted_workday", "note": "春节调休"} in days
        template = door.get(f"{here}/export/calendar.csv", params={"id": "2026", "language": "en"}).content
        assert template.decode("utf-8-sig").splitlines()[0] == "date,arrangement,occasion,basis,verified"
        files = {"file": ("2026.csv", template, "text/csv")}
        planned = door.post(f"{here}/plan", files=files, headers={"x-actor": "steward"}).json()["planned"]
        assert [(one["outcome"], one["kind"]) for one in planned] == [("unchanged", "calendar")]
    terminal.set_style(as_json=True, language=Language.EN)
    group = Typer()
    group.callback()(lambda: None)
    add_calendar(group, lambda: office.registry, lambda: office.platform.access)
    answer = CliRunner().invoke(group, ["calendar", "2026", "--as", "steward"])
    assert {"date": "2026-02-14", "kind": "make-up working day", "note": "春节调休"} in json.loads(answer.stdout)
    answer = CliRunner().invoke(group, ["calendar"])
    assert [(one["year"], one["version"]) for one in json.loads(answer.stdout)][:2] == [("2025", 1), ("2026", 1)]
    assert office.registry.export(ANONYMOUS, EntryKind.CALENDAR, SheetFormat.PDF).startswith(b"%PDF")


def test_the_terminal_says_which_year_is_wanting(late: Any) -> None:
    registry = late.platform.registry
    terminal.set_style(as_json=False, language=Language.EN)
    group = Typer()
    group.callback()(lambda: None)
    add_calendar(group, lambda: registry, lambda: late.platform.access)
    assert "The holidays of 2027 are not in" in CliRunner().invoke(group, ["calendar"]).output
