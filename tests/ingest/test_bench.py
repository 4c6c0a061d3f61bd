"""The bench: rows that were set aside are mended, sent back, dismissed, and taken in once, whatever happens meanwhile."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from beijiang.build import Platform, build
from beijiang.evidence import EvidenceQuery
from beijiang.ingest import BenchQuery, CheckSpec, Fix, FixKind, IngestRequest, MendState, Run, RunMode, RunState
from beijiang.kit import SYSTEM, Conflict, Invalid, Language
from beijiang.settings import Settings

ORG = "education"
GOOD = [f"A{n:03d},第{n}小学,2026-03-{1 + n % 28:02d},{n}.5,1540047{n:04d}" for n in range(1, 301)]
HEADER = "编号,校名,日期,得分,电话"
FIRST = len(GOOD) + 2
"""Line of the first row after the good ones."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def office(home: Path) -> Iterator[Platform]:
    built = build(Settings.for_tests(home, bad_row_limit=0.5))
    built.first_start()
    yield built
    built.close()


def take_in(office: Platform, home: Path, table: str, rows: list[str], **how: Any) -> str:
    path = home / f"{table}.csv"
    path.write_text("\n".join([HEADER, *GOOD, *rows]) + "\n", encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, ORG)
    words = {"key": ("编号",), "checks": (CheckSpec.parse("校名=not_null"),), **how}
    request = IngestRequest(files=(landed.sha256,), into=table, org_id=ORG, **words)
    run = office.ingest.wait(SYSTEM, office.ingest.submit(SYSTEM, request))
    assert run.error is None, run.error
    return run.id


def content(office: Platform, table: str) -> dict[str, dict[str, Any]]:
    return {r["编号"]: r for r in office.sql.run(SYSTEM, f'SELECT * FROM "{table}"').rows.to_pylist()}


def counts(office: Platform, table: str) -> tuple[int, int, int, int, int]:
    c = next(c for c in office.bench.counts(SYSTEM) if c.table == table)
    return c.open, c.fixed, c.sent_back, c.dismissed, c.resolved


BAD = [
    "B001,坏一小学,2026-03-01,九十,15400479001",
    "B002,,2026-03-02,80,15400479002",
    "B003,坏三小学,03/15/2026,80,15400479003",
    "B004,坏四小学,03/16/2026,80,15400479004,多一格",
    ",无号小学,2026-03-05,80,15400479005",
    "A001,改名小学,2026-03-02,1.5,15400470001",
]


def test_rows_are_mended_checked_and_taken_in_once(office: Platform, home: Path) -> None:  # noqa: PLR0915  # one story
    table = "补正"
    run = take_in(office, home, table, BAD)
    bench, where = office.bench, BenchQuery(table=table)
    page = bench.rows(SYSTEM, where)
    assert page.total == 6
    assert counts(office, table) == (6, 0, 0, 0, 0)
    assert page.columns["得分"] == 1
    assert page.files == {f"{table}.csv": 6}
    by_line = {r.row.line: r for r in page.rows}
    first = by_line[FIRST]
    assert [c.problem is not None for c in first.cells] == [False, False, False, True, False], (
        "the reason stands beside its cell"
    )

    tried = bench.check(SYSTEM, run, first.row.seq, {"得分": "九十一"})
    assert next(c for c in tried.cells if c.column == "得分").problem is not None
    assert counts(office, table)[0] == 6, "a look keeps nothing"
    kept = bench.correct(SYSTEM, run, first.row.seq, {"得分": "90"})
    assert kept.ready
    assert kept.cells[3].raw == "九十"
    again = bench.row(SYSTEM, run, first.row.seq)
    assert (again.cells[3].raw, again.cells[3].text, again.ready) == ("九十", "90", True)

    half = bench.correct(SYSTEM, run, by_line[FIRST + 1].row.seq, {"日期": "2026-03-22"})
    assert not half.ready, "the name is still missing"
    assert bench.correct(SYSTEM, run, by_line[FIRST + 4].row.seq, {"编号": "B005"}).ready
    wide = by_line[FIRST + 3]
    assert wide.extra == ("多一格",)
    assert not bench.correct(SYSTEM, run, wide.row.seq, {}).ready, "its date is none"
    with pytest.raises(Invalid):
        bench.correct(SYSTEM, run, wide.row.seq, {"没有": "x"})

    fix = Fix(kind=FixKind.DATE, column="日期", find="MM/DD/YYYY")
    before = bench.preview_fix(SYSTEM, where, fix)
    assert (before.matched, before.changed, before.passing) == (6, 2, 2)
    assert before.samples[0].after.startswith("2026-03-1")
    done = bench.fix(SYSTEM, where, fix)
    assert counts(office, table) == (1, 5, 0, 0, 0)
    assert bench.undo(SYSTEM, done.id) == 2
    assert counts(office, table) == (2, 4, 0, 0, 0), "the wide row keeps what a person said of it"
    bench.fix(SYSTEM, where, fix)

    plan = bench.plan_replay(SYSTEM, where)
    assert (plan.ready, plan.wrong, plan.mode) == (4, 1, "merge")
    queued = bench.replay(SYSTEM, where)
    assert bench.replay(SYSTEM, where) == queued, "the same run while it is unfinished"
    with pytest.raises(Conflict):
        bench.correct(SYSTEM, run, first.row.seq, {"得分": "91"})
    replay = office.ingest.wait(SYSTEM, queued)
    assert replay.state is RunState.COMMITTED
    assert (replay.report["read"], replay.report["good"], replay.report["bad"]) == (4, 4, 0)
    rows = content(office, table)
    assert len(rows) == len(GOOD) + 4
    assert str(rows["B001"]["得分"]) in {"90", "90.0"}
    assert str(rows["B004"]["日期"]) == "2026-03-16"
    assert counts(office, table) == (1, 1, 0, 0, 4)
    with pytest.raises(Invalid):
        bench.replay(SYSTEM, where)
    assert {o.line for o, how in bench.origins(SYSTEM, queued) if how == "good"} == {
        FIRST,
        FIRST + 2,
        FIRST + 3,
        FIRST + 4,
    }
    landed = pq.read_table(office.ingest.landing.path(replay.files[0][0])).to_pylist()
    assert {r["_bj_origin_line"] for r in landed} == {FIRST, FIRST + 2, FIRST + 3, FIRST + 4}
    assert {r["_bj_origin_run"] for r in landed} == {run}
    assert next(r for r in landed if r["编号"] == "B001")["_bj_corrected"] == ["得分"]
    record = office.evidence_reader.search(SYSTEM, EvidenceQuery(action="ingest.replay")).records[0]
    assert record.detail["corrected"] == {"得分": 1, "日期": 2, "编号": 1}
    assert "B005" not in json.dumps(record.detail, ensure_ascii=False)


def test_what_still_fails_stays_with_its_new_reason_and_is_not_doubled(office: Platform, home: Path) -> None:
    table = "再坏"
    run = take_in(office, home, table, ["C001,一,2026-03-01,x,1", "C002,二,2026-03-01,y,2", "C003,三,2026-03-01,z,3"])
    bench, where = office.bench, BenchQuery(table=table)
    seqs = {r.row.line: r.row.seq for r in bench.rows(SYSTEM, where).rows}
    bench.correct(SYSTEM, run, seqs[FIRST], {"编号": "C009", "得分": "1"})
    bench.correct(SYSTEM, run, seqs[FIRST + 1], {"编号": "C009", "得分": "2"})
    replay = office.ingest.wait(SYSTEM, bench.replay(SYSTEM, where))
    assert replay.report["bad_by_reason"] == {"duplicate_key": 1}
    assert counts(office, table) == (2, 0, 0, 0, 2), "one never touched, one with a new reason"
    stays = next(r for r in bench.rows(SYSTEM, BenchQuery(run_id=replay.id)).rows)
    assert stays.row.reason == "duplicate_key"
    assert stays.origin is not None
    assert stays.origin.run_id == run
    assert stays.origin.line in {FIRST, FIRST + 1}
    bench.correct(SYSTEM, replay.id, stays.row.seq, {"编号": "C010"})
    office.ingest.wait(SYSTEM, bench.replay(SYSTEM, where))
    assert {"C009", "C010"} <= set(content(office, table))
    assert counts(office, table) == (1, 0, 0, 0, 3)


def test_without_a_key_a_replay_appends_and_appends_once(office: Platform, home: Path) -> None:
    table = "流水"
    run = take_in(office, home, table, ["D001,一,2026-03-01,x,1"], key=())
    bench, where = office.bench, BenchQuery(table=table)
    bench.correct(SYSTEM, run, 0, {"得分": "7"})
    queued = bench.replay(SYSTEM, where)
    office.ingest.cancel(SYSTEM, queued)
    assert counts(office, table) == (0, 1, 0, 0, 0), "cancelled: the draft waits"
    replay = office.ingest.wait(SYSTEM, bench.replay(SYSTEM, where, reason="再试"))
    assert replay.id != queued
    assert office.tables.get(SYSTEM, table).rows == len(GOOD) + 1
    assert counts(office, table) == (0, 0, 0, 0, 1)


def test_rows_go_back_and_what_came_of_them_is_seen(office: Platform, home: Path) -> None:
    table = "退回"
    run = take_in(
        office, home, table, ["E001,一,2026-03-01,=1+1,1", "E002,二,2026-03-01,y,2", "E003,三,2026-03-01,z,3"]
    )
    bench = office.bench
    sending = bench.send_back(SYSTEM, BenchQuery(rows=((run, 0), (run, 1))), "请核对得分")
    assert counts(office, table) == (1, 0, 2, 0, 0)
    book = load_workbook(bench.sending_file(SYSTEM, sending.id))
    lines = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    assert lines[0] == ["文件", "行号", "问题列", "原因", "编号", "校名", "日期", "得分", "电话"]
    assert [line[7] for line in lines[1:]] == ["=1+1", "y"]
    text = bench.sending_file(SYSTEM, sending.id, form="csv", language=Language.EN).read_text("utf-8-sig")
    assert next(iter(csv.reader(text.splitlines())))[:4] == ["File", "Line", "Column", "Reason"]
    assert "'=1+1" in text
    take_in(office, home, table, ["E001,一,2026-03-01,88,1"])
    back = bench.sending(SYSTEM, sending.id)
    assert (back.back, back.rows, len(back.runs)) == (1, 2, 1)
    assert counts(office, table) == (1, 0, 1, 0, 1)

    with pytest.raises(Invalid):
        bench.dismiss(SYSTEM, BenchQuery(table=table), " ")
    assert bench.dismiss(SYSTEM, BenchQuery(table=table, state=MendState.OPEN), "测试数据") == 1
    assert counts(office, table) == (0, 0, 1, 1, 1)
    assert bench.rows(SYSTEM, BenchQuery(table=table, state=MendState.DISMISSED)).rows[0].note == "测试数据"
    assert bench.revert(SYSTEM, BenchQuery(table=table, state=MendState.DISMISSED)) == 1
    assert counts(office, table) == (1, 0, 1, 0, 1)


def test_rows_of_a_table_that_was_replaced_since_do_not_go_in(office: Platform, home: Path) -> None:
    from beijiang.ingest import RunMode

    table = "替换"
    run = take_in(office, home, table, ["F001,一,2026-03-01,x,1"], mode=RunMode.REPLACE)
    office.bench.correct(SYSTEM, run, 0, {"得分": "7"})
    take_in(office, home, table, ["F002,二,2026-03-01,y,1"], mode=RunMode.REPLACE)
    assert counts(office, table) == (1, 0, 0, 0, 0)
    old = office.bench.rows(SYSTEM, BenchQuery(run_id=run)).rows[0]
    assert old.state is MendState.SUPERSEDED
    assert office.bench.plan_replay(SYSTEM, BenchQuery(table=table)).ready == 0


def test_fixes_do_what_they_say() -> None:
    cases = [
        (Fix(kind=FixKind.TRIM, column="x"), "　 a b \u00a0", "a b"),
        (Fix(kind=FixKind.HALF_WIDTH, column="x"), "１２．５", "12.5"),
        (Fix(kind=FixKind.REPLACE, column="x", find="元", text=""), "12元", "12"),
        (Fix(kind=FixKind.SET, column="x", text="0"), "?", "0"),
        (Fix(kind=FixKind.DATE, column="x", find="DD/MM/YYYY"), "15/03/2026", "2026-03-15"),
        (Fix(kind=FixKind.DATE, column="x", find="YYYY年M月D日 HH:mm"), "2026年3月5日 07:08", "2026-03-05 07:08:00"),
        (Fix(kind=FixKind.DATE, column="x", find="YYYYMMDD"), "二月", "二月"),
    ]
    for fix, before, after in cases:
        fix.check()
        assert fix.apply(before) == after
        assert Fix.from_json(json.loads(json.dumps(fix.to_json()))) == fix
    for fix in (
        Fix(kind=FixKind.DATE, column="x", find="YYYY"),
        Fix(kind=FixKind.REPLACE, column="x"),
        Fix(kind=FixKind.SET, column=""),
    ):
        with pytest.raises(Invalid):
            fix.check()


@pytest.mark.parametrize("history", [False, True])
def test_what_a_source_brought_is_mended_in_the_region_s_time(office: Platform, home: Path, history: bool) -> None:
    """Instants that a source wrote as texts are shown and read in the region's time, and stay the same instants."""
    import sqlite3

    from beijiang.ingest import SourceDraft, SyncDraft
    from beijiang.outbound import Target

    name = f"记录{history}"
    database = sqlite3.connect(home / f"{name}.db")
    database.execute('CREATE TABLE "记录" ("编号" TEXT PRIMARY KEY, "数量" INTEGER, "时间" TIMESTAMP)')
    rows = [(f"R{n}", n, f"2026-03-01 08:00:{n % 60:02d}") for n in range(100)]
    database.executemany('INSERT INTO "记录" VALUES (?, ?, ?)', [*rows, ("R900", "很多", "2026-03-01 09:30:00")])
    database.commit()
    database.close()
    office.sources.allow(SYSTEM, Target(folder=str(home)), "测试")
    options = {"path": str(home / f"{name}.db"), "time_zone": "Asia/Shanghai"}
    office.sources.add(SYSTEM, SourceDraft(name=name, kind="sqlite", org_id=ORG, options=options))
    sync = office.sources.take(SYSTEM, SyncDraft(source_id=name, feed="记录", table=name, history=history))
    run = office.ingest.wait(SYSTEM, office.sources.run(SYSTEM, sync.id))
    assert run.report["bad"] == 1, run.error
    where = BenchQuery(table=name)
    (row,) = office.bench.rows(SYSTEM, where).rows
    told = {c.column: c.text for c in row.cells}
    assert told["时间"].startswith("2026-03-01 09:30:00")
    office.bench.correct(SYSTEM, run.id, row.row.seq, {"数量": "12"})
    assert office.bench.plan_replay(SYSTEM, where).from_source
    office.ingest.wait(SYSTEM, office.bench.replay(SYSTEM, where))
    found = content(office, name)
    assert found["R900"]["时间"] - found["R1"]["时间"] == timedelta(minutes=89, seconds=59)
    assert len(found) == 101
    again = office.ingest.wait(SYSTEM, office.sources.run(SYSTEM, sync.id))
    assert again.report["bad"] == 1, "not mended at the source, so it is set aside again"
    assert counts(office, name)[0] == 1
    sql = f"""SELECT count(*) AS n FROM "{name}" WHERE "编号" = 'R900'"""
    assert office.sql.run(SYSTEM, sql).rows.to_pylist() == [{"n": 1 if history else 0}], "a state that was, or no row"


def take_out(office: Platform, home: Path, table: str, text: str) -> Run:
    path = home / f"{table}-删.csv"
    path.write_text(text, encoding="utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, ORG)
    request = IngestRequest(files=(landed.sha256,), into=table, org_id=ORG, mode=RunMode.REMOVE)
    return office.ingest.wait(SYSTEM, office.ingest.submit(SYSTEM, request))


def test_a_mended_row_of_a_removal_takes_its_row_out(office: Platform, home: Path) -> None:
    table, bench = "删行补正", office.bench
    take_in(office, home, table, [])
    first = take_out(office, home, table, "编号,备注\nA001,x\n,漏写编号\nA003,x\n")
    assert (first.report["rows_removed"], first.report["bad_by_reason"]) == (2, {"missing_key": 1})
    later = take_in(office, home, table, ["C001,新校,2026-03-01,九十,15400470999"])
    query = BenchQuery(table=table)
    wrong, coming = sorted(bench.rows(SYSTEM, query).rows, key=lambda row: row.row.run_id)
    assert (wrong.row.run_id, coming.row.run_id) == (first.id, later)
    assert [c.column for c in wrong.cells if c.problem is not None] == ["编号"], "its other columns are not looked at"
    assert bench.correct(SYSTEM, first.id, wrong.row.seq, {"编号": "A002"}).ready
    assert bench.correct(SYSTEM, later, coming.row.seq, {"得分": "90"}).ready
    plan = bench.plan_replay(SYSTEM, query)
    assert (plan.mode, plan.ready, plan.later) == ("remove", 1, 1)

    done = office.ingest.wait(SYSTEM, bench.replay(SYSTEM, query))
    assert (done.state, done.mode, done.error) == (RunState.COMMITTED, RunMode.REMOVE, None)
    assert (done.report["rows_removed"], done.report["rows_changed"]) == (1, 0)
    assert "A002" not in content(office, table)
    plan = bench.plan_replay(SYSTEM, query)
    assert (plan.mode, plan.ready, plan.later) == ("merge", 1, 0)
    office.ingest.wait(SYSTEM, bench.replay(SYSTEM, query))
    assert content(office, table)["C001"]["校名"] == "新校"
    assert counts(office, table) == (0, 0, 0, 0, 2)
