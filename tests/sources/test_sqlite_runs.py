"""A department's SQLite file, with the dirt that such files have: what fits arrives, what does not is set aside unchanged."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.ingest import SyncMode, Verdict
from beijiang.kit import SYSTEM, Actor, ActorKind, BeijiangError, Denied
from beijiang.outbound import Target

STUDENTS = (
    """CREATE TABLE "学生" ("学号" TEXT PRIMARY KEY, "姓名" TEXT, "学分" DECIMAL(6,1), "入学" DATE, "更新" DATETIME)""",
    """WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 1000)
       INSERT INTO "学生" SELECT printf('%06d', g), '学生' || g, g * 0.5, date('2020-09-01', g || ' days'),
       datetime('2026-01-01 08:00', g || ' minutes') FROM s""",
)


@pytest.fixture
def office(department: Any, tmp_path: Path) -> Iterator[Any]:
    """A department that keeps its data in a file."""
    folder = tmp_path / "教育局"
    folder.mkdir()
    path = folder / "学籍 100%.db"
    database = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=sa.NullPool)
    department.platform.sources.allow(SYSTEM, Target(folder=str(folder)), "教育局的文件")
    made = type(department)(department.platform, database, database.url, "sqlite", {"path": str(path)})
    made.sql("SELECT 1")
    yield made
    database.dispose()


@pytest.fixture
def students(office: Any) -> Any:
    with office.database.connect() as connection:
        for statement in STUDENTS:
            connection.exec_driver_sql(statement)
        connection.commit()
    office.connect()
    return office


def _digest(office: Any) -> str:
    return hashlib.sha256(Path(office.reach["path"]).read_bytes()).hexdigest()


def test_a_full_run_brings_everything_and_leaves_the_file_as_it_was(students: Any) -> None:
    before = _digest(students)
    assert [f.name for f in students.platform.sources.feeds(SYSTEM, "学籍库")] == ["学生"]
    students.take("学生", "学生名册")
    run = students.run("学生名册")
    proof = students.certificate(run)
    assert (proof.verdict, proof.body["counted_by"], proof.body["consistent"]) == (Verdict.EQUAL, "reread", True)
    first = students.rows("学生名册")[0]
    assert first == {
        "学号": "000001", "姓名": "学生1", "学分": Decimal("0.5"), "入学": dt.date(2020, 9, 2),
        "更新": dt.datetime(2026, 1, 1, 0, 1, tzinfo=dt.UTC),
    }  # fmt: skip
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL
    assert _digest(students) == before
    assert [p.name for p in Path(students.reach["path"]).parent.iterdir()] == [Path(students.reach["path"]).name]


def test_values_of_rows_are_shown_to_those_who_may_see_them(students: Any) -> None:
    sources = students.platform.sources
    students.take("学生", "学生名册")
    run = students.run("学生名册")
    with students.database.connect() as connection:
        connection.exec_driver_sql("""UPDATE "学生" SET "姓名" = '改' WHERE "学号" = '000007'""")
        connection.commit()
    steward = Actor("p1", "专员", ActorKind.PERSON, "education", frozenset({"steward"}))
    needed = {"ingest:source:manage", "ingest:source:read", "ingest:run:read", "ingest:run:submit",
              "tables:table:read_metadata", "tables:table:write"}  # fmt: skip
    key = replace(steward, kind=ActorKind.APPLICATION, scopes=frozenset(needed))
    assert sources.verify(steward, "学生名册").body["differences"]
    for found in (sources.verify(key, "学生名册"), *sources.certificates(key, "学生名册"), *sources.certificates(key)):
        assert found.body["differences"] == [], "a key that may see no quarantined row sees no keys of rows"
    assert sources.certificates(steward, "学生名册")[0].body["differences"]
    assert sources.certificate(key, run.id) is not None
    with pytest.raises(Denied):
        sources.preview(key, "学籍库", "学生")
    seen = replace(key, scopes=frozenset({*needed, "ingest:cell:read"}))
    assert sources.preview(seen, "学籍库", "学生").rows == sources.preview(steward, "学籍库", "学生").rows != ()


def test_an_incremental_run_brings_what_is_new_and_takes_away_what_is_gone(students: Any) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新", overlap="600", deletes=True)
    assert students.run("学生名册").report["rows_added"] == 1000
    with students.database.connect() as connection:
        for statement in (
            """INSERT INTO "学生" VALUES ('900001', '新', 1, '2026-09-01', '2026-01-04T00:00:00+00:00')""",
            """INSERT INTO "学生" VALUES ('900002', '无时间', 1, '2026-09-01', NULL)""",
            """UPDATE "学生" SET "姓名" = '改', "更新" = '2026-01-04 00:01:00.5' WHERE "学号" = '000007'""",
            """DELETE FROM "学生" WHERE "学号" IN ('000005', '001000')""",
        ):
            connection.exec_driver_sql(statement)
        connection.commit()
    run = students.run("学生名册")
    assert run.report["read"] < 20, "the overlap and what is new, not everything"
    report = run.report
    assert (report["rows_added"], report["rows_changed"], report["rows_removed"], report["rows"]) == (2, 1, 2, 1000)
    assert students.certificate(run).verdict is Verdict.EQUAL
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL
    assert students.run("学生名册").report["rows_added"] == 0


def test_a_planted_difference_is_found(students: Any) -> None:
    students.take("学生", "学生名册")
    students.run("学生名册")
    students.sql("""UPDATE "学生" SET "学分" = 99.9 WHERE "学号" = '000042'""")
    proof = students.platform.sources.verify(SYSTEM, "学生名册")
    assert proof.body["counted_by"] == "reread", "a file counts nothing by itself"
    assert (proof.verdict, proof.body["differences"]) == (
        Verdict.DIFFERENT,
        [{"kind": "altered", "key": ["000042"], "columns": ["学分"]}],
    )


DIRT: list[tuple[str, str, Any]] = [
    ("INTEGER", "'十二'", "十二"),
    ("INTEGER", "3.5", "3.5"),
    ("INTEGER", "x'c4e3'", "\\xc4e3"),
    ("INTEGER", "9223372036854775808", "9223372036854776000"),
    ("DECIMAL(4,2)", "123.45", "123.45"),
    ("DECIMAL(4,2)", "0.125", "0.125"),
    ("DECIMAL(4,2)", "'1,000'", "1,000"),
    ("REAL", "'约三'", "约三"),
    ("BOOLEAN", "2", "2"),
    ("BOOLEAN", "'是'", "是"),
    ("DATE", "20260101", "20260101"),
    ("DATE", "'2026/1/1'", "2026/1/1"),
    ("DATE", "'2026-02-30'", "2026-02-30"),
    ("DATE", "'2026-01-01 08:00:00'", "2026-01-01 08:00:00"),
    ("DATETIME", "1767225600", "'1767225600'"),
    ("DATETIME", "'2026-01-01'", "'2026-01-01'"),
    ("DATETIME", "'2026-01-01 08:00:00.1234567'", "'2026-01-01 08:00:00.1234567'"),
    ("DATETIME", "'2026-1-1 8:00:00'", "'2026-1-1 8:00:00'"),
    ("DATETIME", "'2026-02-30 08:00:00'", "'2026-02-30 08:00:00'"),
    ("DATETIME", "CAST(x'c4e3bac3' AS TEXT)", "'\\xc4e3bac3'"),
]
VALUES: list[tuple[str, str, Any]] = [
    ("INTEGER", "-9223372036854775808", -9223372036854775808),
    ("INTEGER", "'12'", 12),
    ("DECIMAL(10,2)", "12.3", Decimal("12.30")),
    ("DECIMAL(20,10)", "0.0000001", Decimal("0.0000001000")),
    ("REAL", "1e300", 1e300),
    ("REAL", "0.1 + 0.2", 0.30000000000000004),
    ("REAL", "9e999", float("inf")),
    ("BOOLEAN", "1", True),
    ("BOOLEAN", "'false'", False),
    ("DATE", "'2026-01-01'", dt.date(2026, 1, 1)),
    ("DATETIME", "'2026-01-01 08:00'", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ("DATETIME", "'2026-01-01T08:00:00.000001'", dt.datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)),
    ("TIMESTAMP", "'2026-01-01 00:00:00Z'", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ("TEXT", "'鄂尔多斯'", "鄂尔多斯"),
    ("TEXT", "''", ""),
    ("TEXT", "CAST(x'c4e3bac3' AS TEXT)", "\\xc4e3bac3"),
    ("BLOB", "x'00ff'", "\\x00ff"),
    ("NUMERIC", "12.50", "12.5"),
    ("", "7", "7"),
]


def _fill(office: Any, kind: str, value: str) -> None:
    with office.database.connect() as connection:
        connection.exec_driver_sql(f"CREATE TABLE t (k INTEGER PRIMARY KEY, c {kind})")
        connection.exec_driver_sql(f"INSERT INTO t VALUES (1, {value})")
        connection.exec_driver_sql(
            "WITH RECURSIVE s(g) AS (SELECT 2 UNION ALL SELECT g + 1 FROM s WHERE g < 10) INSERT INTO t SELECT g, NULL FROM s"
        )
        connection.commit()
    office.connect()
    office.take("t", "表")


@pytest.mark.parametrize(("kind", "value", "cell"), DIRT)
def test_a_dirty_cell_is_set_aside_as_it_is(office: Any, kind: str, value: str, cell: str) -> None:
    _fill(office, kind, value)
    run = office.run("表")
    assert run.report["bad_by_reason"] == {"untypable": 1}
    (aside,) = office.platform.ingest.quarantine(SYSTEM, run_id=run.id).rows
    assert (aside.column, list(aside.cells)) == ("c", ["1", cell])
    assert [r["k"] for r in office.rows("表")] == [*range(2, 11)]
    assert office.certificate(run).verdict is Verdict.EXPLAINED


@pytest.mark.parametrize(("kind", "value", "wanted"), VALUES)
def test_a_value_arrives_exactly(office: Any, kind: str, value: str, wanted: Any) -> None:
    _fill(office, kind, value)
    run = office.run("表")
    assert (office.rows("表")[0], office.certificate(run).verdict) == ({"k": 1, "c": wanted}, Verdict.EQUAL)


@pytest.mark.parametrize(
    ("kind", "first", "dirt", "more"),
    [
        ("INTEGER", "5", "'九'", "6"),
        ("DECIMAL(6,2)", "5.25", "'九'", "5.5"),
        ("DATE", "'2026-01-05'", "'九'", "'2026-01-06'"),
        ("DATETIME", "'2026-01-05 08:00:00'", "'九'", "'2026-01-05T00:00:01Z'"),
    ],
)
def test_dirt_in_a_cursor_moves_no_position(office: Any, kind: str, first: str, dirt: str, more: str) -> None:
    _fill(office, kind, first)
    office.platform.sources.leave(SYSTEM, "表")
    office.sql(f"UPDATE t SET c = {dirt} WHERE k = 2")
    office.take("t", "表二", mode=SyncMode.INCREMENTAL, cursor="c")
    run = office.run("表二")
    assert (run.report["bad"], run.report["rows"]) == (1, 9)
    office.sql(f"INSERT INTO t VALUES (99, {more})".replace(":0", r"\:0"))
    office.sql("DELETE FROM t WHERE k = 2")
    run = office.run("表二")
    assert run.report["rows_added"] == 1
    assert office.certificate(run).verdict is Verdict.EQUAL


def test_one_moment_is_read_while_the_department_writes(students: Any) -> None:
    """In WAL mode the reader holds nobody up, and sees nothing of what comes meanwhile."""
    from beijiang.ingest.connectors import Wanted
    from beijiang.ingest.connectors.sqlite import SQLite, SQLiteOptions

    with sqlite3.connect(students.reach["path"]) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        made = SQLite(SQLiteOptions(**students.reach), students.platform.sources.outbound)
        feed = made.describe("学生")
        with made.open(Wanted(feed=feed, key=feed.key)) as reading:
            assert sum(b.num_rows for b in reading.batches()) == 1000
            writer.execute("""INSERT INTO "学生" ("学号") VALUES ('x')""")
            writer.commit()
            assert sum(b.num_rows for b in reading.batches()) == 1000
        with made.open(Wanted(feed=feed, key=feed.key)) as reading:
            assert sum(b.num_rows for b in reading.batches()) == 1001
    writer.close()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("没有.db", "source_object_missing"),
        ("words.db", "source_object_missing"),
        ("../outside.db", "folder_not_allowed"),
    ],
)
def test_what_cannot_be_read_is_said_in_our_words(office: Any, name: str, code: str) -> None:
    folder = Path(office.reach["path"]).parent
    (folder / "words.db").write_text("这不是数据库" * 100)
    office.connect(path=str(folder / name))
    with pytest.raises(BeijiangError) as refused:
        office.platform.sources.feeds(SYSTEM, "学籍库")
    assert refused.value.reason == code


def test_a_missing_table_is_said_to_be_missing(students: Any) -> None:
    with pytest.raises(BeijiangError) as missing:
        students.platform.sources.feed(SYSTEM, "学籍库", "没有")
    assert missing.value.reason == "unknown_feed"


def test_a_zone_that_does_not_exist_is_refused(office: Any) -> None:
    with pytest.raises(BeijiangError) as refused:
        office.connect(time_zone="Asia/Hohhot")
    assert refused.value.reason
