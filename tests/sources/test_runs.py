"""What stands in a department's database stands in the table, and each run proves it."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, update

from beijiang.access import Permission, PersonDraft, Role
from beijiang.ingest import SyncDraft, SyncMode, Verdict
from beijiang.ingest.connectors.sql import Snapshot
from beijiang.ingest.store.metadata import ingest_run
from beijiang.kit import SYSTEM, Actor, ActorKind, Conflict, Invalid

STUDENTS = (
    """CREATE TABLE "学生" ("学号" text PRIMARY KEY, "姓名" text, "学分" numeric(6,1), "入学" date, "更新" timestamptz)""",
    """COMMENT ON COLUMN "学生"."学分" IS '累计学分'""",
    """INSERT INTO "学生" SELECT lpad(g::text, 6, '0'), '学生' || g, g * 0.5, date '2020-09-01' + (g % 900)::int,
       timestamptz '2026-01-01 08:00+08' + g * interval '1 min' FROM generate_series(1, 3000) g""",
)


@pytest.fixture
def students(department: Any) -> Any:
    department.sql(*STUDENTS)
    department.connect()
    return department


def test_a_full_run_brings_everything_and_certifies_it(students: Any) -> None:
    students.take("学生", "学生名册")
    run = students.run("学生名册")
    assert (run.report["read"], run.report["good"], run.report["bad"]) == (3000, 3000, 0)
    proof = students.certificate(run)
    assert (proof.verdict, proof.version) == (Verdict.EQUAL, 1)
    assert proof.body["source"] == proof.body["held"]
    assert (proof.body["source"]["rows"], proof.body["counted_by"], proof.body["consistent"]) == (3000, "source", True)
    columns = {c.name: (c.type, c.comment) for c in students.platform.tables.get(SYSTEM, "学生名册").columns}
    assert columns["学分"] == ("decimal", "累计学分")
    assert columns["学号"] == ("text", "")
    assert students.rows("学生名册", "学号, 学分")[0] == {
        "学号": "000001",
        "学分": students.rows("学生名册", "0.5::DECIMAL(6,1) AS x")[0]["x"],
    }


def test_the_next_full_run_makes_the_table_what_the_source_has_become(students: Any) -> None:
    students.take("学生", "学生名册")
    students.run("学生名册")
    students.sql(
        """DELETE FROM "学生" WHERE "学号" < '000011'""", """UPDATE "学生" SET "姓名" = '改' WHERE "学号" = '000100'"""
    )
    run = students.run("学生名册")
    assert (run.report["rows"], run.report["rows_removed"], run.report["rows_changed"]) == (2990, 10, 1)
    assert students.certificate(run).verdict is Verdict.EQUAL


def test_an_incremental_run_brings_what_is_new_changed_or_late(students: Any) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新", overlap="600")
    assert students.run("学生名册").report["rows_added"] == 3000
    students.sql(
        """INSERT INTO "学生" VALUES ('900001', '新', 1, '2026-09-01', '2026-01-04 00:00+08')""",
        """UPDATE "学生" SET "姓名" = '改', "更新" = '2026-01-04 00:01+08' WHERE "学号" = '000007'""",
        """INSERT INTO "学生" VALUES ('900002', '迟', 1, '2026-09-01', timestamptz '2026-01-01 08:00+08' + interval '2995 min')""",
        """INSERT INTO "学生" VALUES ('900003', '无时间', 1, '2026-09-01', NULL)""",
    )
    run = students.run("学生名册")
    assert run.report["read"] < 20, "the overlap and what is new, not everything"
    assert (run.report["rows_added"], run.report["rows_changed"], run.report["rows"]) == (3, 1, 3003)
    assert students.certificate(run).verdict is Verdict.EQUAL
    again = students.run("学生名册")
    assert (again.report["rows_added"], again.report["rows_changed"]) == (0, 0)
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL


@pytest.mark.parametrize("words", [{}, {"mode": SyncMode.INCREMENTAL, "cursor": "更新", "overlap": "600"}])
def test_a_source_that_has_not_changed_is_counted_and_not_read_again(students: Any, words: dict[str, Any]) -> None:
    students.take("学生", "学生名册", **words)
    first = students.run("学生名册")
    again = students.run("学生名册")
    assert (again.report["read"], again.version, again.report["rows"]) == (0, None, 3000)
    proof = students.certificate(again)
    assert (proof.verdict, proof.version, proof.body["source"]["rows"] > 0) == (Verdict.EQUAL, first.version, True)
    assert [v.version for v in students.platform.tables.history(SYSTEM, "学生名册")] == [1]
    students.sql("""UPDATE "学生" SET "姓名" = '改' WHERE "学号" = '003000'""")
    assert students.run("学生名册").report["rows_changed"] == 1, "in the part that is read, it is seen"
    students.sql("""ALTER TABLE "学生" ADD COLUMN "班级" text""", """COMMENT ON COLUMN "学生"."姓名" IS '法定姓名'""")
    students.run("学生名册")
    columns = {c.name: c.comment for c in students.platform.tables.get(SYSTEM, "学生名册").columns}
    assert (columns["姓名"], columns["班级"]) == ("法定姓名", "")


def test_rows_deleted_at_the_source_leave_in_the_same_commit(students: Any) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新", deletes=True)
    students.run("学生名册")
    students.sql(
        """DELETE FROM "学生" WHERE "学号" IN ('000005', '001500', '003000')""",
        """INSERT INTO "学生" VALUES ('900001', '新', 1, '2026-09-01', '2026-01-04 00:00+08')""",
    )
    run = students.run("学生名册")
    assert (run.report["rows_added"], run.report["rows_removed"], run.report["rows"]) == (1, 3, 2998)
    assert students.certificate(run).verdict is Verdict.EQUAL
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL
    before = students.platform.tables.history(SYSTEM, "学生名册")[1]
    assert before.rows == 3000, "what was deleted can still be looked up in the version before"


def test_without_following_deletions_a_verification_still_finds_them(students: Any) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新")
    students.run("学生名册")
    students.sql("""DELETE FROM "学生" WHERE "学号" = '000005'""")
    students.run("学生名册")
    proof = students.platform.sources.verify(SYSTEM, "学生名册")
    assert proof.verdict is Verdict.DIFFERENT
    assert proof.body["differences"] == [{"kind": "extra", "key": ["000005"], "columns": []}]


@pytest.mark.threat("TM-01")
def test_keys_in_a_certificate_are_shown_back_to_the_department_only(students: Any) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新", overlap="600")
    students.run("学生名册")
    students.sql("""DELETE FROM "学生" WHERE "学号" = '002998'""")
    run = students.run("学生名册")

    def shown(role: str, org: str) -> Any:
        who = Actor(id="per_x", name="某人", kind=ActorKind.PERSON, org_id=org, roles=frozenset({role}))
        return students.platform.sources.certificate(who, run.id).body

    own, bureau = shown("steward", "education"), shown("bureau_reviewer", "bigdata")
    assert [d["key"] for d in own["differences"]] == [["002998"]]
    assert (bureau["differences"], bureau["differences_found"]) == ([], 1)


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("""UPDATE "学生" SET "学分" = 99.9 WHERE "学号" = '000042'""", {"kind": "altered", "key": ["000042"], "columns": ["学分"]}),
        ("""INSERT INTO "学生" VALUES ('000000', '漏', 1, '2026-09-01', '2020-01-01')""", {"kind": "missing", "key": ["000000"], "columns": []}),
        ("""DELETE FROM "学生" WHERE "学号" = '002999'""", {"kind": "extra", "key": ["002999"], "columns": []}),
        ("""UPDATE "学生" SET "姓名" = '' WHERE "学号" = '000042'""", {"kind": "altered", "key": ["000042"], "columns": ["姓名"]}),
        ("""UPDATE "学生" SET "姓名" = NULL WHERE "学号" = '000042'""", {"kind": "altered", "key": ["000042"], "columns": ["姓名"]}),
    ],
)  # fmt: skip
def test_a_planted_row_that_was_lost_doubled_or_altered_is_found_and_mended(
    students: Any, planted: str, found: dict[str, Any]
) -> None:
    """Each behind the cursor's back, so that no incremental run would ever see it."""
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新", deletes=True)
    students.run("学生名册")
    students.sql(planted)
    proof = students.platform.sources.verify(SYSTEM, "学生名册")
    assert (proof.verdict, proof.body["differences"]) == (Verdict.DIFFERENT, [found])
    run_id = students.platform.sources.repair(SYSTEM, "学生名册")
    assert students.platform.ingest.wait(SYSTEM, run_id).error is None
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL
    assert students.platform.sources.repair(SYSTEM, "学生名册") is None


def test_a_row_that_stands_twice_in_the_lake_is_found(students: Any) -> None:
    students.take("学生", "学生名册")
    students.run("学生名册")
    for path in map(Path, students.platform.tables._lake.snapshot("学生名册").files):
        path.chmod(0o600)
        rows = pq.read_table(path)
        pq.write_table(pa.concat_tables([rows, rows.filter(pc.equal(rows["学号"], "000042"))]), path)
    proof = students.platform.sources.verify(SYSTEM, "学生名册")
    doubled = {"kind": "doubled", "key": ["000042"], "columns": []}
    assert (proof.verdict, proof.body["differences"]) == (Verdict.DIFFERENT, [doubled])


def test_a_rollback_takes_the_position_back_with_the_rows(students: Any) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新")
    students.run("学生名册")
    students.sql("""INSERT INTO "学生" VALUES ('900001', '新', 1, '2026-09-01', '2026-01-04 00:00+08')""")
    assert students.run("学生名册").report["rows"] == 3001
    students.platform.tables.rollback(SYSTEM, "学生名册", 1, "误取")
    assert students.run("学生名册").report["rows"] == 3001, "the row comes again"
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL


def test_a_column_that_is_gone_stops_the_run_and_a_new_one_comes_along(students: Any) -> None:
    students.take("学生", "学生名册")
    students.run("学生名册")
    students.sql("""ALTER TABLE "学生" ADD COLUMN "班级" text DEFAULT '一班'""")
    students.run("学生名册")
    assert students.rows("学生名册", "学号, 班级")[0] == {"学号": "000001", "班级": "一班"}
    students.sql("""ALTER TABLE "学生" DROP COLUMN "学分\"""")
    run = students.platform.ingest.wait(SYSTEM, students.platform.sources.run(SYSTEM, "学生名册"))
    assert run.error is not None
    assert (run.error["code"], run.error["detail"]["columns"]) == ("source_column_gone", ["学分"])
    plan = students.platform.sources.plan(SYSTEM, "学生名册")
    assert "学分" in plan.stops
    assert run.error["detail"]["affected"] == [a.to_json() for a in plan.affected]
    assert [(a.kind.value, a.name) for a in plan.affected] == [("resource", "学生名册")]
    assert students.rows("学生名册", "count(*) AS n") == [{"n": 3000}]


def test_a_narrowed_type_stops_with_a_plan(students: Any) -> None:
    students.take("学生", "学生名册")
    students.run("学生名册")
    students.sql("""ALTER TABLE "学生" ALTER COLUMN "姓名" TYPE integer USING 1""")
    run = students.platform.ingest.wait(SYSTEM, students.platform.sources.run(SYSTEM, "学生名册"))
    assert run.error is not None
    assert run.error["code"] == "schema_change_stops"
    assert [a["kind"] for a in run.error["detail"]["affected"]] == ["resource"]
    assert students.rows("学生名册", "count(*) AS n") == [{"n": 3000}]


def test_whom_a_change_touches_is_told_to_each_reader_as_far_as_that_one_may_know(students: Any) -> None:
    """However the run came about: by schedule, by the platform or by hand."""
    platform = students.platform
    students.take("学生", "学生名册")
    students.run("学生名册")
    students.sql("""ALTER TABLE "学生" DROP COLUMN "学分\"""")
    run_id = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "学生名册")).id
    draft = PersonDraft(login="reads", name="读者", org_id=platform.ingest.run(SYSTEM, run_id).org_id)
    steward, _ = platform.access.add_person(SYSTEM, replace(draft, roles=frozenset({Role.STEWARD})))
    reader = steward.as_actor(None)
    without = replace(reader, scopes=frozenset({Permission.INGEST_RUN_READ}))

    def told(actor: Actor) -> list[str]:
        error = platform.ingest.run(actor, run_id).error
        assert error is not None
        assert error["detail"]["columns"] == ["学分"]
        return [one["name"] for one in error["detail"].get("affected", ())]

    assert (told(reader), told(without)) == (["学生名册"], [])
    with platform.db.begin() as tx:
        kept = tx.execute(select(ingest_run.c.error).where(ingest_run.c.id == run_id)).scalar_one()
        assert "affected" not in kept["detail"]
        older = kept | {
            "detail": kept["detail"] | {"affected": [{"kind": "table", "name": "不可见", "zh": "", "en": ""}]}
        }
        tx.execute(update(ingest_run).where(ingest_run.c.id == run_id).values(error=older))
    assert (told(reader), told(without)) == (["学生名册"], [])
    (listed,) = [one for one in platform.ingest.runs(without, table="学生名册") if one.id == run_id]
    assert "不可见" not in str(listed.error)


def test_rows_that_cannot_be_kept_are_set_aside_and_the_certificate_says_so(department: Any) -> None:
    department.sql(
        "CREATE TABLE t (k text, d date, n numeric(4,2))",
        """INSERT INTO t SELECT g::text, '2026-01-01', 1.5 FROM generate_series(1, 50) g""",
        """INSERT INTO t VALUES (NULL, '2026-01-01', 1), ('x', 'infinity', 1), ('y', '2026-01-01', 'NaN'), ('1', '2026-01-02', 2)""",
    )
    department.connect()
    department.take("t", "表", key=("k",))
    run = department.run("表")
    assert run.report["bad_by_reason"] == {"duplicate_key": 1, "missing_key": 1, "untypable": 2}
    aside = department.platform.ingest.quarantine(SYSTEM, run_id=run.id)
    assert {(r.column, r.reason) for r in aside.rows} >= {("k", "missing_key"), ("d", "untypable"), ("n", "untypable")}
    proof = department.certificate(run)
    assert (proof.verdict, proof.body["set_aside"], proof.body["source"]["rows"], proof.body["held"]["rows"]) == (
        Verdict.EXPLAINED,
        4,
        54,
        50,
    )


def test_what_cannot_work_is_said_before_anything_is_read(students: Any) -> None:
    with pytest.raises(Invalid) as problem:
        students.take("学生", "a", mode=SyncMode.INCREMENTAL)
    assert problem.value.reason == "cursor_required"
    assert "更新" in problem.value.text.zh
    with pytest.raises(Invalid):
        students.take("学生", "a", key=("没有",))
    students.take("学生", "学生名册")
    with pytest.raises(Conflict) as twice:
        students.take("学生", "学生名册")
    assert twice.value.reason == "table_has_source"


@pytest.mark.parametrize(("limit", "threads"), [(-1, ["beijiang-count_0"]), (1, ["work"])])
def test_the_source_counts_beside_the_reading_where_it_gives_a_second_connection(
    students: Any, limit: int, threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a table to hold it against, the count need not come first; it is of the same moment all the same."""
    counted: list[str] = []
    fingerprint = Snapshot.fingerprint

    def seen(self: Snapshot) -> Any:
        name = threading.current_thread().name
        counted.append(name if name.startswith("beijiang-count") else "work")
        return fingerprint(self)

    monkeypatch.setattr(Snapshot, "fingerprint", seen)
    role = f"clerk_{uuid.uuid4().hex}"
    students.sql(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {limit}", f'GRANT SELECT ON "学生" TO {role}')
    students.connect("只读库", user=role)
    students.platform.sources.take(SYSTEM, SyncDraft(source_id="只读库", feed="学生", table="学生名册"))
    proof = students.certificate(students.run("学生名册"))
    assert (proof.verdict, proof.body["counted_by"]) == (Verdict.EQUAL, "source")
    assert proof.body["source"] == proof.body["held"]
    assert counted == threads


@pytest.mark.parametrize("kind", ["table", "view", "one connection"])
def test_a_large_table_is_read_through_several_connections_of_one_moment(students: Any, kind: str) -> None:
    students.sql(
        """INSERT INTO "学生" SELECT 'x' || g, repeat('长', 60) || g, 1, NULL, NULL FROM generate_series(1, 9000) g"""
    )
    role = f"clerk_{uuid.uuid4().hex}"
    limit = 1 if kind == "one connection" else -1
    students.sql(
        """CREATE VIEW "在校" AS SELECT * FROM "学生" """,
        f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {limit}",
        f'GRANT SELECT ON "学生", "在校" TO {role}',
    )
    students.connect("多连接", user=role, connections=4)
    feed = "在校" if kind == "view" else "学生"
    students.platform.sources.take(SYSTEM, SyncDraft(source_id="多连接", feed=feed, table="学生名册", key=("学号",)))
    proof = students.certificate(students.run("学生名册"))
    assert (proof.verdict, proof.body["source"]["rows"]) == (Verdict.EQUAL, 12_000)
    assert proof.body["source"] == proof.body["held"]


def test_pages_are_counted_of_tables_only(students: Any) -> None:
    source = students.platform.sources
    made = source._connector(source.source(SYSTEM, "学籍库"))
    students.sql("""CREATE VIEW "在校" AS SELECT * FROM "学生" """, "ANALYZE")
    assert made.pages(made.found("学生")[0]) > 10
    assert made.pages(made.found("在校")[0]) == 0
