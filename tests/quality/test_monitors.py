"""Monitors: what is usual is learned by itself; a year of deliveries alarms nobody, and each fault is found."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.ingest import IngestRequest, RunMode
from beijiang.kit import SYSTEM, Conflict, Denied, FixedClock, Invalid, NotFound
from beijiang.quality import Decision, FindingState, Monitor, Observation, limits_on
from beijiang.quality.models.monitors import judge_volume, volume_band
from beijiang.settings import Settings
from beijiang.standards import Standards
from beijiang.tables import CommitRequest, WriteMode

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import OWNER, Bureau

CALENDAR = Standards().calendar
START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PAYMENTS = pa.schema([("编号", pa.string()), ("盟市", pa.string()), ("金额", pa.float64()), ("经办人", pa.string())])
PLACES = ("呼和浩特市", "包头市", "赤峰市", "通辽市")


def delivered(day: date, chance: random.Random, *, rests: bool) -> int | None:
    """Return the rows of a day: a weekly pattern, a month-end peak, nothing or a trickle at Spring Festival."""
    if date(2026, 2, 15) <= day <= date(2026, 2, 23):
        return None if rests else int(30 * chance.lognormvariate(0, 0.3))
    if not CALENDAR.is_working(day):
        return int((100 if date(2026, 10, 1) <= day <= date(2026, 10, 7) else 300) * chance.lognormvariate(0, 0.08))
    following = (day + timedelta(days=n) for n in range(1, 12))
    peak = not any(d.month == day.month and CALENDAR.is_working(d) for d in following)
    return int(1000 * (1.6 if day.weekday() == 0 else 1) * (3 if peak else 1) * chance.lognormvariate(0, 0.08))


def test_a_year_with_its_seasons_alarms_nobody_and_halves_and_doubles_are_found() -> None:
    alarms, days, found, faults = 0, 0, 0, 0
    for seed in (1, 2):
        chance, known = random.Random(seed), []  # noqa: S311 - a history that is the same each time
        for n in range(365):
            day = date(2026, 1, 1) + timedelta(days=n)
            rows = delivered(day, chance, rests=bool(seed % 2))
            if rows is None:
                continue
            one = Observation(
                table="t",
                version=n + 1,
                org_id=OWNER,
                day=day,
                at=START,
                mode="append",
                rows=rows,
                moved=rows,
                columns=(),
            )
            limits = limits_on(day, Monitor.VOLUME)
            calls = judge_volume(known, one, CALENDAR, limits)
            alarms, days = alarms + bool(calls), days + 1
            plain = n > 60 and CALENDAR.is_working(day) and rows < 2500
            for factor in (0.5, 2) if plain and n % 3 == 0 else ():
                faults += 1
                found += bool(judge_volume(known, replace(one, moved=int(rows * factor)), CALENDAR, limits))
            known.append(replace(one, expected=not calls))
    assert days > 700
    assert alarms == 0
    assert found / faults > 0.97, (found, faults)


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(START)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("monitors")), clock)
    built.first_start()
    built.jobs.start_worker()
    yield Bureau(built, built.settings.home / "staging", clock)
    built.close()


def payments(count: int, **changes: Any) -> list[dict[str, Any]]:
    chance = random.Random(count)  # noqa: S311
    return [
        {
            "编号": f"P{n:06d}",
            "盟市": PLACES[n % 4],
            "金额": round(chance.lognormvariate(5, 1), 2),
            "经办人": f"经办{n % 50}" if n % 10 else None,
            **changes,
        }
        for n in range(count)
    ]


def deliver(bureau: Bureau, rows: list[dict[str, Any]], table: str, mode: WriteMode, **words: Any) -> list[str]:
    """Hand a day's rows in, have the dispatcher look, and return what goes on: the aspect and column of each finding."""
    bureau.clock.advance(timedelta(days=1))
    while not CALENDAR.is_working(bureau.clock.now().date()):
        bureau.clock.advance(timedelta(days=1))
    bureau.write(rows, table, words.pop("schema", PAYMENTS), mode=mode, **words)
    bureau.platform.dispatcher.tick()
    report = bureau.platform.monitors.report(bureau.steward, table)
    return [f"{f.call.aspect} {f.call.column}".strip() for f in report.findings if f.stands]


def test_every_fault_of_a_delivery_is_found_and_goes_when_it_is_mended(bureau: Bureau) -> None:
    table, monitors = "补贴发放", bureau.platform.monitors
    for n in range(9):
        assert deliver(bureau, payments(400 + 7 * (n % 5)), table, WriteMode.APPEND) == [], n
    good = payments(410)
    codes = [{**row, "盟市": "满洲里市"} if n % 40 == 0 else row for n, row in enumerate(good)]
    faults: dict[str, tuple[set[str], list[dict[str, Any]]]] = {
        "half": ({"low"}, payments(190)),
        "double": ({"high"}, payments(900)),
        "columns": (
            {"filled 经办人", "size 金额", "shift 盟市"},
            [{**row, "经办人": " ", "金额": row["金额"] * 1000, "盟市": PLACES[0]} for row in good],
        ),
        "code": ({"codes 盟市"}, codes),
    }
    for name, (expected, rows) in faults.items():
        assert set(deliver(bureau, rows, table, WriteMode.APPEND)) == expected, name
        assert alerted(bureau, table)
        after = deliver(bureau, good, table, WriteMode.APPEND)
        if name == "code":  # it stays in the table, and is told of until somebody says that it may
            assert after == ["codes 盟市"]
            one = next(f for f in monitors.report(bureau.steward, table).findings if f.stands)
            monitors.decide(bureau.steward, one.id, Decision.EXPECTED, "满洲里单列")
            after = deliver(bureau, good, table, WriteMode.APPEND)
        assert after == [], name
    assert not alerted(bureau, table)


def taken_out(bureau: Bureau, table: str, *keys: str, mode: WriteMode = WriteMode.MERGE) -> list[str]:
    """Take rows out of a table by their keys, as a version of its own."""
    path = bureau.folder / f"{table}-{keys[0]}.keys.parquet"
    pq.write_table(pa.table({"编号": [*keys]}), path)
    return deliver(bureau, [], table, mode, staged=(), removed=(path,), key=("编号",))


@pytest.mark.parametrize("mode", [WriteMode.MERGE, WriteMode.HISTORY])
def test_rows_that_are_taken_out_are_no_delivery_of_none(bureau: Bureau, mode: WriteMode) -> None:
    table, monitors = f"删行{mode.value}", bureau.platform.monitors
    for n in range(12):
        rows = [{**row, "编号": f"{n}-{row['编号']}"} for row in payments(400 + 7 * (n % 5))]
        assert deliver(bureau, rows, table, mode, key=("编号",)) == [], n
    assert taken_out(bureau, table, "3-P000003", "3-P000004", mode=mode) == []
    assert not alerted(bureau, table)
    report = monitors.report(bureau.steward, table)
    last = report.observations[-1]
    assert (last.version, last.mode, last.expected, last.moved) == (13, "remove", True, 0)
    day = bureau.clock.now().date()
    limits = limits_on(day, Monitor.VOLUME)
    before = volume_band(report.observations[:-1], day, whole=False, calendar=CALENDAR, limits=limits)
    assert report.band is not None
    assert (report.band, report.known) == before, "nothing is learned from it"

    few = [{**row, "编号": f"few-{row['编号']}"} for row in payments(50)]
    assert deliver(bureau, few, table, mode, key=("编号",)) == ["low"]
    assert taken_out(bureau, table, "3-P000005", mode=mode) == ["low"], "what goes on is not over for rows that left"
    assert deliver(bureau, [few[0]], table, mode, key=("编号",)) == ["low"], (
        "a delivery that brings nothing is still one"
    )


def test_a_smaller_whole_is_still_judged(bureau: Bureau) -> None:
    table = "整表变小"
    for n in range(9):
        assert deliver(bureau, payments(400 + 7 * (n % 5)), table, WriteMode.REPLACE, key=("编号",)) == [], n
    assert deliver(bureau, payments(60), table, WriteMode.REPLACE, key=("编号",)) == ["low"]


def alerted(bureau: Bureau, table: str) -> bool:
    return any(a.subject == table and a.kind.value == "monitor" for a in bureau.platform.alerts.alerts(bureau.steward))


def test_columns_that_change_are_told_in_plain_words(bureau: Bureau) -> None:
    table = "换列表"
    assert deliver(bureau, payments(30), table, WriteMode.REPLACE) == []
    renamed = pa.schema([("编号", pa.string()), ("盟市", pa.string()), ("金额", pa.float64()), ("办理人", pa.string())])
    rows = [{("办理人" if k == "经办人" else k): v for k, v in row.items()} for row in payments(30)]
    request = CommitRequest(table=table, org_id=OWNER, staged=(), schema=renamed, mode=WriteMode.REPLACE, run_id="plan")
    token = bureau.platform.tables.plan(bureau.steward, request).token
    assert deliver(bureau, rows, table, WriteMode.REPLACE, schema=renamed, accept_plan=token) == [
        "removed 经办人",
        "added 办理人",
    ]
    gone = next(
        f for f in bureau.platform.monitors.report(bureau.steward, table).findings if f.call.aspect == "removed"
    )
    assert gone.call.words.zh == "少了列“经办人”，可能改名为“办理人”"
    assert deliver(bureau, rows, table, WriteMode.REPLACE, schema=renamed) == []


def test_a_decision_is_recorded_and_the_band_learns_from_it(bureau: Bureau) -> None:
    table, monitors = "学习表", bureau.platform.monitors
    for n in range(9):
        deliver(bureau, payments(300 + n), table, WriteMode.REPLACE)
    emptied = [{**row, "盟市": None, "金额": row["金额"] * 1000} for row in payments(305)]
    assert set(deliver(bureau, emptied, table, WriteMode.REPLACE)) == {"filled 盟市", "size 金额"}
    assert deliver(bureau, payments(800), table, WriteMode.REPLACE) == ["high"]
    finding = next(f for f in monitors.report(bureau.steward, table).findings if f.stands)
    assert "偏多" in finding.call.words.zh
    with pytest.raises(NotFound):
        monitors.decide(bureau.stranger, finding.id, Decision.EXPECTED, "x")
    with pytest.raises(Invalid):
        monitors.decide(bureau.steward, finding.id, Decision.EXPECTED, " ")
    with pytest.raises(Invalid):
        monitors.decide(bureau.steward, finding.id, Decision.SNOOZE, "忙", None)
    until = bureau.clock.now().date() + timedelta(days=9)
    deliver(bureau, payments(1600), table, WriteMode.REPLACE)
    with pytest.raises(Conflict) as stale:
        monitors.decide(bureau.steward, finding.id, Decision.EXPECTED, "正常", seen=finding.shown.token)
    assert (stale.value.reason, stale.value.detail["changed"]) == ("changed_since_seen", ["what was found"])
    deliver(bureau, payments(800), table, WriteMode.REPLACE)
    seen = next(f for f in monitors.report(bureau.steward, table).findings if f.id == finding.id).shown.token
    snoozed = monitors.decide(bureau.steward, finding.id, Decision.SNOOZE, "核实中", until, seen=seen)
    assert snoozed.state is FindingState.SNOOZED
    assert not [a for a in bureau.platform.alerts.alerts(bureau.steward) if a.subject == table]
    monitors.decide(bureau.steward, finding.id, Decision.EXPECTED, "新增三个旗县")
    assert deliver(bureau, payments(820), table, WriteMode.REPLACE) == []
    told = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=table, action="quality.monitor_decide"))
    assert len(told.records) == 2
    with pytest.raises(Invalid):
        monitors.set_monitor(bureau.steward, table, Monitor.VOLUME, "x", limits={"没有": 1})
    monitors.set_monitor(bureau.steward, table, Monitor.VOLUME, "本表波动大", is_on=False)
    assert deliver(bureau, payments(5000), table, WriteMode.REPLACE) == []
    with pytest.raises((Denied, NotFound)):
        monitors.report(bureau.sysadmin, table)
    assert {f.table for f in monitors.findings(bureau.reviewer)} >= {table}
    assert monitors.findings(bureau.stranger) == []
    assert monitors.look(bureau.steward, table).observations[-1].looks is not None


def test_rows_that_are_taken_out_are_no_delivery(bureau: Bureau) -> None:
    table, monitors, office = "删行监测", bureau.platform.monitors, bureau.platform
    merged: dict[str, Any] = {"key": ("编号",)}
    for n in range(9):
        rows = [{**row, "编号": f"{n}-{row['编号']}"} for row in payments(400 + 7 * (n % 5))]
        assert deliver(bureau, rows, table, WriteMode.MERGE, **merged) == [], n

    def take_out(*keys: str) -> list[str]:
        file = io.BytesIO("\n".join(["编号", *keys]).encode())
        landed = office.ingest.land(SYSTEM, file, "删.csv", OWNER)
        request = IngestRequest(files=(landed.sha256,), into=table, org_id=OWNER, mode=RunMode.REMOVE)
        run = office.ingest.wait(SYSTEM, office.ingest.submit(SYSTEM, request))
        assert run.report["rows_removed"] == len(keys), run.error
        office.dispatcher.tick()
        return [f.call.aspect for f in monitors.report(bureau.steward, table).findings if f.stands]

    assert take_out("1-P000003", "1-P000004") == []
    assert not alerted(bureau, table)
    few = [{**row, "编号": f"f-{row['编号']}"} for row in payments(30)]
    assert deliver(bureau, few, table, WriteMode.MERGE, **merged) == ["low"]
    assert take_out("1-P000005") == ["low"], "what was found in a delivery is not over by a removal"
    finding = next(f for f in monitors.report(bureau.steward, table).findings if f.stands)
    monitors.decide(bureau.steward, finding.id, Decision.EXPECTED, "月中少")
    report = monitors.report(bureau.steward, table)
    assert not report.observations[-1].brings
    delivered_only = [o for o in report.observations if o.brings]
    assert len(delivered_only) == len(report.observations) - 2
    today, limits = bureau.clock.now().date(), limits_on(bureau.clock.now().date(), Monitor.VOLUME)
    learned = volume_band(delivered_only, today, whole=False, calendar=CALENDAR, limits=limits)
    assert (report.band, report.known) == learned, "bands learn from deliveries alone"
    assert report.band is not None
