"""A sync that keeps history: every state that a row of the source ever had, from when and up to when it held."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from beijiang.ingest import FileRules, IngestRequest, RunMode, SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.ingest.commands.sources import add_runs, sources
from beijiang.ingest.routes import sources_router
from beijiang.kit import SYSTEM, BeijiangError, Language, new_id
from beijiang.outbound import Target
from beijiang.terminal import set_style

STUDENTS = (
    """CREATE TABLE "学生" ("学号" text PRIMARY KEY, "姓名" text, "学分" numeric(6,1), "更新" timestamptz)""",
    """COMMENT ON COLUMN "学生"."学分" IS '累计学分'""",
    """INSERT INTO "学生" SELECT lpad(g::text, 4, '0'), '学生' || g, g * 0.5,
       timestamptz '2026-01-01 08:00+08' + g * interval '1 min' FROM generate_series(1, 300) g""",
)
WAYS: list[dict[str, Any]] = [
    {"mode": SyncMode.FULL},
    {"mode": SyncMode.INCREMENTAL, "cursor": "更新", "overlap": "600", "deletes": True},
]


@pytest.fixture
def students(department: Any) -> Any:
    department.sql(*STUDENTS)
    department.connect()
    return department


def states(made: Any, key: str, table: str = "学籍", of: str = "学号") -> list[dict[str, Any]]:
    rows = made.platform.sql.run(SYSTEM, f"""SELECT * FROM "{table}" WHERE "{of}" = '{key}' ORDER BY valid_from""").rows
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def at(made: Any, version: int, table: str = "学籍") -> Any:
    """Return the moment of a version."""
    return next(v.at for v in made.platform.tables.history(SYSTEM, table) if v.version == version)


def as_of(made: Any, moment: Any, table: str = "学籍") -> list[dict[str, Any]]:
    rows = made.platform.sql.run(SYSTEM, made.platform.tables.as_of(SYSTEM, table, moment)).rows.to_pylist()
    return sorted(({k: v for k, v in r.items() if not k.startswith("valid_")} for r in rows), key=str)


def source_rows(made: Any, feed: str) -> list[dict[str, Any]]:
    with made.database.connect() as connection:
        found = connection.execute(sa.text(f'SELECT * FROM "{feed}"')).mappings().all()
    return sorted(({**row} for row in found), key=str)


@pytest.mark.parametrize("way", WAYS)
def test_changed_unchanged_deleted_and_returned_rows(students: Any, way: dict[str, Any]) -> None:
    students.take("学生", "学籍", history=True, **way)
    plan = students.platform.sources.plan(SYSTEM, "学籍")
    assert plan.to_json()["states"] == {"held": 0, "begins": 300, "ends": 0}
    first = students.run("学籍")
    assert (first.mode, first.report["rows_added"], first.report["rows"]) == (RunMode.HISTORY, 300, 300)
    students.sql(
        """UPDATE "学生" SET "姓名" = '改', "更新" = '2026-02-01' WHERE "学号" = '0300'""",
        """DELETE FROM "学生" WHERE "学号" = '0001'""",
        """INSERT INTO "学生" VALUES ('0901', '新', 1, '2026-02-01')""",
    )
    second = students.run("学籍")
    assert [second.report[f"rows_{n}"] for n in ("added", "changed", "removed")] == [1, 1, 1]
    assert second.report["rows"] == 302
    students.sql("""INSERT INTO "学生" VALUES ('0001', '学生1', 0.5, '2026-02-02')""")
    third = students.run("学籍")
    for run in (first, second, third):
        assert students.certificate(run).verdict is Verdict.EQUAL, students.certificate(run).body
    one, two, three = (at(students, n) for n in (1, 2, 3))
    assert [(s["姓名"], s["valid_from"], s["valid_to"]) for s in states(students, "0300")] == [
        ("学生300", one, two),
        ("改", two, None),
    ]
    assert [(s["valid_from"], s["valid_to"]) for s in states(students, "0001")] == [(one, two), (three, None)]
    assert [(s["valid_from"], s["valid_to"]) for s in states(students, "0299")] == [(one, None)]
    assert as_of(students, three) == source_rows(students, "学生")
    told = f"""SELECT count(*) AS n FROM "学籍" WHERE valid_from <= TIMESTAMPTZ '{two:%Y-%m-%d %H:%M:%S.%f+00}'
        AND (valid_to IS NULL OR valid_to > TIMESTAMPTZ '{two:%Y-%m-%d %H:%M:%S.%f+00}')"""
    assert students.platform.sql.run(SYSTEM, told).rows.to_pylist() == [{"n": 300}], "as the manual writes it"
    proof = students.platform.sources.verify(SYSTEM, "学籍")
    assert (proof.verdict, proof.body["held"]["rows"], proof.body["columns_gone"]) == (Verdict.EQUAL, 301, [])
    columns = {c.name: c.comment for c in students.platform.tables.get(SYSTEM, "学籍").columns}
    assert list(columns)[-2:] == ["valid_from", "valid_to"]
    assert all(columns[n] for n in ("学分", "valid_from", "valid_to"))
    plan = students.platform.sources.plan(SYSTEM, "学籍")
    assert plan.states is not None
    assert (plan.states.held, plan.states.begins) == (301, 0)
    assert plan.states.ends == (0 if way["mode"] is SyncMode.FULL else None)


@pytest.mark.parametrize("way", WAYS)
def test_reading_the_same_rows_again_adds_nothing(students: Any, way: dict[str, Any]) -> None:
    students.take("学生", "学籍", history=True, **way)
    students.run("学籍")
    for words in ({}, {"whole": True}):
        run = students.run("学籍", **words)
        assert (run.report["rows_added"], run.report["rows_changed"], run.report["rows"]) == (0, 0, 300)
        assert students.certificate(run).verdict is Verdict.EQUAL
    students.sql("""INSERT INTO "学生" VALUES ('0900', '迟到', 1, '2026-01-01 12:59+08')""")
    run = students.run("学籍")  # ten minutes are read again, nine rows of which are as they were
    assert (run.report["rows_added"], run.report["rows"]) == (1, 301)
    assert students.certificate(run).verdict is Verdict.EQUAL


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        ("""UPDATE "学生" SET "学分" = 99.9 WHERE "学号" = '0042'""", "altered"),
        ("""INSERT INTO "学生" VALUES ('0000', '漏', 1, '2020-01-01')""", "missing"),
        ("""DELETE FROM "学生" WHERE "学号" = '0299'""", "extra"),
    ],
)
def test_an_alteration_behind_the_cursors_back_is_found_and_mended(students: Any, planted: str, kind: str) -> None:
    students.take("学生", "学籍", history=True, mode=SyncMode.INCREMENTAL, cursor="更新", deletes=True)
    students.run("学籍")
    students.sql("""UPDATE "学生" SET "姓名" = '改', "更新" = '2026-02-01' WHERE "学号" = '0007'""")
    students.run("学籍")
    students.sql(planted)
    proof = students.platform.sources.verify(SYSTEM, "学籍")
    assert (proof.verdict, [d["kind"] for d in proof.body["differences"]]) == (Verdict.DIFFERENT, [kind])
    run_id = students.platform.sources.repair(SYSTEM, "学籍")
    assert students.platform.ingest.wait(SYSTEM, run_id).error is None
    assert students.platform.sources.verify(SYSTEM, "学籍").verdict is Verdict.EQUAL
    assert students.platform.sources.repair(SYSTEM, "学籍") is None
    assert len(states(students, "0007")) == 2, "what was closed before stays as it was"


def test_a_rollback_takes_states_and_position_back(students: Any) -> None:
    students.take("学生", "学籍", history=True, mode=SyncMode.INCREMENTAL, cursor="更新")
    students.run("学籍")
    students.sql("""UPDATE "学生" SET "姓名" = '改', "更新" = '2026-02-01' WHERE "学号" = '0007'""")
    students.run("学籍")
    students.platform.tables.rollback(SYSTEM, "学籍", 1, "误取")
    assert [s["valid_to"] for s in states(students, "0007")] == [None]
    assert students.certificate(students.run("学籍")).verdict is Verdict.EQUAL
    assert [(s["姓名"], s["valid_to"]) for s in states(students, "0007")] == [("学生7", at(students, 4)), ("改", None)]
    assert students.platform.sources.verify(SYSTEM, "学籍").verdict is Verdict.EQUAL


def test_a_new_column_of_the_source_comes_along(students: Any) -> None:
    students.take("学生", "学籍", history=True)
    students.run("学籍")
    students.sql(
        """ALTER TABLE "学生" ADD "电话" text""", """UPDATE "学生" SET "电话" = '0991' WHERE "学号" < '0003'"""
    )
    run = students.run("学籍")
    assert (run.report["rows_changed"], students.certificate(run).verdict) == (2, Verdict.EQUAL)
    assert [s["电话"] for s in states(students, "0001")] == [None, "0991"]
    assert len(states(students, "0003")) == 1


def test_rows_that_cannot_be_kept_end_the_state_and_the_mended_ones_begin_the_next(department: Any) -> None:
    department.sql(
        """CREATE TABLE "活动" ("编号" int PRIMARY KEY, "日期" date)""",
        """INSERT INTO "活动" SELECT g, '2026-01-01' FROM generate_series(1, 100) g""",
    )
    department.connect()
    department.take("活动", "活动", history=True)
    department.run("活动")
    department.sql("""UPDATE "活动" SET "日期" = 'infinity' WHERE "编号" = 7""")
    run = department.run("活动")
    assert (run.report["bad"], department.certificate(run).verdict) == (1, Verdict.EXPLAINED)
    assert [s["valid_to"] for s in states(department, "7", "活动", "编号")] == [at(department, 2, "活动")]
    department.sql("""UPDATE "活动" SET "日期" = '2026-03-01' WHERE "编号" = 7""")
    assert department.certificate(department.run("活动")).verdict is Verdict.EQUAL
    assert len(states(department, "7", "活动", "编号")) == 2


def test_what_cannot_be_kept_is_said_before_anything_is_read(students: Any) -> None:
    students.sql(
        """CREATE TABLE "无主键" (a text, b text)""", """CREATE TABLE "自带" (a int PRIMARY KEY, "VALID_TO" date)"""
    )
    students.take("学生", "平表")
    students.run("平表")
    students.take("学生", "学籍", history=True)
    students.run("学籍")
    students.platform.sources.leave(SYSTEM, "平表")
    students.platform.sources.leave(SYSTEM, "学籍")
    for feed, table, words, code in (
        ("无主键", "t", {"history": True}, "key_required"),
        ("自带", "t", {"history": True}, "history_column_taken"),
        ("学生", "平表", {"history": True}, "not_a_history_table"),
        ("学生", "学籍", {}, "history_table"),
    ):
        with pytest.raises(BeijiangError) as caught:
            students.take(feed, table, **words)
        assert caught.value.reason == code
    students.sql('INSERT INTO "自带" VALUES (1)')
    students.take("自带", "自带", history=True, columns=("a",))
    assert students.certificate(students.run("自带")).verdict is Verdict.EQUAL


PEOPLE = (
    """CREATE TABLE "人口" ("编号" int PRIMARY KEY, "姓名" text, "档案" text)""",
    """INSERT INTO "人口" SELECT g, '名' || g, repeat(md5(g::text), 200) FROM generate_series(1, 100) g""",
    """ALTER TABLE "人口" ALTER COLUMN "档案" SET STORAGE EXTERNAL""",
)


def test_a_log_is_followed_with_key_updates_deletions_and_truncation(logged_department: Any) -> None:
    people = logged_department
    people.sql(*PEOPLE)
    people.connect()
    people.take("人口", "人口", mode=SyncMode.CAPTURE, history=True)
    assert people.certificate(people.run("人口")).verdict is Verdict.EQUAL
    people.sql(
        """INSERT INTO "人口" VALUES (200, '新', 'x')""",
        """UPDATE "人口" SET "姓名" = '改' WHERE "编号" = 50""",
        """UPDATE "人口" SET "编号" = 300 WHERE "编号" = 60""",
        """DELETE FROM "人口" WHERE "编号" IN (7, 8)""",
        """UPDATE "人口" SET "姓名" = "姓名" WHERE "编号" = 9""",
    )
    run = people.run("人口")
    assert [run.report[f"rows_{n}"] for n in ("added", "changed", "removed")] == [2, 1, 3]
    assert people.certificate(run).verdict is Verdict.EQUAL
    second = at(people, 2, "人口")
    of = {n: states(people, str(n), "人口", "编号") for n in (7, 9, 50, 60, 300)}
    assert [(s["姓名"], s["valid_to"]) for s in of[50]] == [("名50", second), ("改", None)]
    assert of[50][0]["档案"] == of[50][1]["档案"], "what an update left out is in the new state too"
    assert [s["valid_to"] for s in of[60] + of[7]] == [second, second]
    assert [(s["姓名"], s["valid_from"], s["valid_to"]) for s in of[300]] == [("名60", second, None)]
    assert len(of[9]) == 1
    people.sql("""TRUNCATE "人口" """, """INSERT INTO "人口" VALUES (7, '重来', 'x')""")
    run = people.run("人口")
    assert people.certificate(run).verdict is Verdict.EQUAL
    assert [s["valid_to"] for s in states(people, "7", "人口", "编号")] == [second, None]
    assert as_of(people, at(people, 3, "人口"), "人口") == source_rows(people, "人口")
    assert len(as_of(people, second, "人口")) == 99
    again = people.run("人口", whole=True)  # a new snapshot is held against what holds
    assert (again.report["rows_added"], again.report["rows_removed"], again.report["rows_changed"]) == (0, 0, 0)
    people.sql("""DELETE FROM "人口" """)
    assert people.run("人口", whole=True).report["rows_removed"] == 1
    assert people.platform.sources.verify(SYSTEM, "人口").verdict is Verdict.EQUAL
    assert as_of(people, at(people, 5, "人口"), "人口") == []


def test_files_keep_history_too(platform: Any, tmp_path: Path) -> None:
    platform.first_start()
    folder = tmp_path / "来件"
    folder.mkdir()

    def write(name: str, *rows: tuple[str, str]) -> Path:
        path = folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("编号", "名称"), *rows])
        return path

    platform.sources.allow(SYSTEM, Target(folder=str(folder)), "来件")
    draft = SourceDraft(name="来件", kind="folder", org_id="education", options={"path": str(folder)})
    platform.sources.add(SYSTEM, draft)
    rules = FileRules(patterns=("*.csv",), quiet=0)
    platform.sources.take(
        SYSTEM, SyncDraft(source_id="来件", feed=".", table="名册", key=("编号",), files=rules, history=True)
    )
    sync = platform.sources.sync(SYSTEM, "名册")
    assert (sync.history, sync.write_mode) == (True, RunMode.HISTORY)
    write("1.csv", ("1", "甲"), ("2", "乙"))
    for name in ("", "2.csv"):
        if name:
            write(name, ("1", "甲改"), ("3", "丙"))
        run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册"))
        assert run.error is None, run.error
        proof = platform.sources.certificate(SYSTEM, run.id)
        assert proof.verdict is Verdict.EQUAL, proof.body
    found = platform.sql.run(SYSTEM, 'SELECT "名称", valid_to IS NULL AS "现" FROM "名册" ORDER BY 1').rows.to_pylist()
    assert [(r["名称"], r["现"]) for r in found] == [("丙", True), ("乙", True), ("甲", False), ("甲改", True)]


def test_the_api_and_the_terminal_take_with_history(students: Any) -> None:
    app = FastAPI()
    app.include_router(sources_router(students.platform.sources))

    @app.middleware("http")
    async def as_the_platform(request: Request, call_next: Any) -> Any:
        request.state.actor = SYSTEM
        return await call_next(request)

    client = TestClient(app)
    order = {"feed": "学生", "table": "学籍", "history": True}
    assert client.post("/api/v1/sources/学籍库/syncs", json=order).json()["history"] is True
    assert client.get("/api/v1/syncs/学籍/plan").json()["states"] == {"held": 0, "begins": 300, "ends": 0}
    set_style(as_json=True, language=Language.ZH)
    try:
        run, group = CliRunner(), sources(lambda: students.platform.sources)
        taken = run.invoke(group, ["take", "学籍库", "学生", "--into", "学籍二", "--history"])
        assert json.loads(taken.stdout)["history"] is True, taken.output
        set_style(as_json=False, language=Language.ZH)
        ingest = typer.Typer()
        add_runs(ingest, lambda: students.platform.sources)
        assert (
            "保留历史：现有 0 个成立的状态，将新增 300 个，结束 0 个" in run.invoke(ingest, ["plan", "学籍二"]).output
        )
    finally:
        set_style(as_json=False, language=Language.ZH)


def test_a_file_handed_in_keeps_history_by_itself_or_where_the_table_does(platform: Any, tmp_path: Path) -> None:
    platform.first_start()

    def hand_in(text: str, **how: Any) -> Any:
        path = tmp_path / f"{new_id('f')}.csv"
        path.write_text(text)
        landed = platform.ingest.land(SYSTEM, path, path.name, "education").sha256
        request = IngestRequest(files=(landed,), into="名册", org_id="education", **how)
        return platform.ingest.wait(SYSTEM, platform.ingest.submit(SYSTEM, request))

    rows = "".join(f"{n},名{n}\n" for n in range(50))
    assert hand_in(f"编号,名称\n{rows}", mode=RunMode.HISTORY, key=("编号",)).mode is RunMode.HISTORY
    again = hand_in("编号,名称\n1,改\n")
    assert (again.mode, again.key, again.report["rows_changed"]) == (RunMode.HISTORY, ("编号",), 1)
    with pytest.raises(BeijiangError) as caught:
        hand_in("编号,名称\n1,又\n", mode=RunMode.MERGE)
    assert caught.value.reason == "history_table"
    assert [s["名称"] for s in states_of_1(platform)] == ["名1", "改"]


def states_of_1(platform: Any) -> Any:
    return platform.sql.run(SYSTEM, 'SELECT * FROM "名册" WHERE "编号" = 1 ORDER BY valid_from').rows.to_pylist()


CHANGES = st.lists(
    st.dictionaries(st.integers(1, 4), st.sampled_from(["甲", "乙", None]), max_size=4), min_size=1, max_size=4
)


@pytest.mark.parametrize("way", WAYS)
def test_as_of_each_run_the_table_is_what_the_source_was(department: Any, way: dict[str, Any]) -> None:
    department.connect()

    @settings(max_examples=4, deadline=None, phases=[Phase.generate])
    @given(changes=CHANGES)
    def replay(changes: list[dict[int, str | None]]) -> None:
        name = new_id("t")
        department.sql(f"""CREATE TABLE "{name}" (k int PRIMARY KEY, v text, "更新" timestamptz)""")
        department.sql(f"""INSERT INTO "{name}" VALUES (0, '始', '2026-01-01')""")
        department.take(name, name, history=True, **way)
        past = []
        for number, change in enumerate(changes):
            for key, value in change.items():
                department.sql(f"""DELETE FROM "{name}" WHERE k = {key}""")
                if value is not None:
                    when = f"timestamptz '2026-01-02' + {number} * interval '1 min'"
                    department.sql(f"""INSERT INTO "{name}" VALUES ({key}, '{value}', {when})""")
            run = department.run(name)
            assert department.certificate(run).verdict is Verdict.EQUAL
            version = department.platform.tables.get(SYSTEM, name).version
            past.append((at(department, version, name), source_rows(department, name)))
            for moment, then in past:
                assert as_of(department, moment, name) == then

    replay()
