"""A table follows the log of its PostgreSQL source: nothing lost, nothing doubled, in the order of the commits."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.ingest import SyncMode, Verdict
from beijiang.kit import SYSTEM, BeijiangError, Invalid

TABLE = """CREATE TABLE "人口" (
    "编号" int PRIMARY KEY, "姓名" text, "金额" numeric(12,2), "生日" date, "更新" timestamp, "登记" timestamptz DEFAULT now(),
    "在册" boolean, "比例" real, "码" char(6), "地址" inet, "标签" text[], "档案" text)"""
ROW = """INSERT INTO "人口" SELECT g, '名' || g, g * 0.25, date '1990-01-01' + g % 9000, timestamp '2026-01-01' + g * interval '1 s',
    timestamptz '2026-01-01 08:00+08' + g * interval '1 min', g % 2 = 0, g / 7.0, 'c' || g % 999, '10.1.2.3', ARRAY['甲', NULL],
    repeat(md5(g::text), CASE WHEN g % 50 = 0 THEN 200 ELSE 1 END) FROM generate_series(CAST(:a AS int), CAST(:b AS int)) g"""


@pytest.fixture
def people(logged_department: Any) -> Any:
    made = logged_department
    made.sql(TABLE)
    with made.database.begin() as connection:
        connection.execute(sa.text(ROW), {"a": 1, "b": 1000})
        connection.execute(sa.text("""ALTER TABLE "人口" ALTER COLUMN "档案" SET STORAGE EXTERNAL"""))
    made.connect()
    made.take("人口", "人口", mode=SyncMode.CAPTURE)
    return made


def equal(people: Any) -> None:
    proof = people.platform.sources.verify(SYSTEM, "人口")
    assert proof.verdict is Verdict.EQUAL, proof.body


def test_a_table_follows_inserts_updates_deletes_keys_and_truncation(people: Any) -> None:
    first = people.run("人口")
    assert (first.report["good"], first.report["captured"]["snapshot"]) == (1000, True)
    assert people.certificate(first).verdict is Verdict.EQUAL
    equal(people)
    people.sql(
        """INSERT INTO "人口"("编号", "姓名") VALUES (2001, '新')""",
        """UPDATE "人口" SET "金额" = 7 WHERE "编号" = 50""",
        """UPDATE "人口" SET "编号" = 3000 WHERE "编号" = 100""",
        """UPDATE "人口" SET "编号" = "编号" + 10000 WHERE "编号" BETWEEN 300 AND 310""",
        """DELETE FROM "人口" WHERE "编号" IN (7, 8)""",
    )
    with people.database.connect() as connection:
        connection.execute(sa.text("""DELETE FROM "人口" WHERE "编号" > 500"""))
        connection.rollback()
    run = people.run("人口")
    assert run.report["captured"]["changes"] == {"insert": 13, "update": 1, "delete": 14}
    assert (run.report["rows_added"], run.report["rows_changed"], run.report["rows_removed"], run.report["rows"]) == (
        13,
        1,
        14,
        999,
    )
    proof = people.certificate(run)
    assert (proof.verdict, proof.body["counted_by"], proof.body["log"]["removed"]) == (Verdict.EQUAL, "log", 14)
    equal(people)
    idle = people.run("人口")
    assert (idle.report["read"], idle.version) == (0, None)
    people.sql("""DELETE FROM "人口" WHERE "编号" = 9""")
    run = people.run("人口")
    assert (run.report["read"], run.report["rows_removed"]) == (0, 1)
    people.sql("""TRUNCATE "人口" """, """INSERT INTO "人口"("编号", "姓名") VALUES (1, '重来')""")
    run = people.run("人口")
    assert (run.report["rows"], run.report["rows_removed"]) == (1, 997)
    equal(people)
    assert people.platform.captures.catch_up(SYSTEM, "人口") is None
    lag = people.platform.captures.lag(SYSTEM, "人口")
    assert lag is not None
    assert (lag.lag_bytes, lag.warnings) == (0, ())
    people.platform.sources.leave(SYSTEM, "人口")
    with people.database.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM pg_publication")).scalar() == 0
        assert (
            connection.execute(
                sa.text("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
            ).scalar()
            == 0
        )


class History:
    """Transactions at random, several at a time: inserts, updates, keys, deletes, truncation, savepoints, rollbacks."""

    def __init__(self, engine: sa.Engine, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.open = [engine.connect() for _ in range(3)]
        for connection in self.open:
            connection.execute(sa.text("SET lock_timeout = '5ms'"))
            connection.commit()

    def steps(self, count: int) -> None:
        for _ in range(count):
            connection = self.dice.choice(self.open)
            roll = self.dice.random()
            try:
                if roll < 0.12:
                    connection.rollback()
                elif roll < 0.4:
                    connection.commit()
                else:
                    statement = self._statement()
                    connection.execute(sa.text(statement))
                    if statement.startswith("TRUNCATE"):
                        connection.commit()  # until then nobody can even look at the table
            except sa.exc.DBAPIError:
                connection.rollback()

    def end(self) -> None:
        for connection in self.open:
            connection.commit()
            connection.close()

    def _statement(self) -> str:
        k, other, roll = self.dice.randrange(300), self.dice.randrange(300), self.dice.random()
        if roll < 0.35:
            long = self.dice.choice(["NULL", "repeat(md5(random()::text), 200)", "'短'"])
            return f"""INSERT INTO "人口" ("编号", "姓名", "金额", "更新", "登记", "比例", "码", "档案")
                VALUES ({k}, '名{other}', {other} / 3.0, now(), now(), random(), 'x{k % 7}', {long}) ON CONFLICT DO NOTHING"""
        if roll < 0.6:
            return f"""UPDATE "人口" SET "金额" = {other}, "在册" = NOT "在册" WHERE "编号" = {k}"""
        if roll < 0.75:
            return f"""UPDATE "人口" SET "编号" = {other} WHERE "编号" = {k}"""
        if roll < 0.8:
            return f"""UPDATE "人口" SET "档案" = repeat('字', {other * 20}) WHERE "编号" BETWEEN {k} AND {k + 5}"""
        if roll < 0.985:
            return f"""DELETE FROM "人口" WHERE "编号" BETWEEN {k} AND {k + self.dice.randrange(3)}"""
        return 'TRUNCATE "人口"'


@pytest.mark.parametrize("seed", [1, 2])
def test_random_histories_of_several_writers_end_equal(people: Any, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In small stretches too, and with values that no log entry holds because they are long and untouched."""
    from beijiang.ingest.service import capturing

    monkeypatch.setattr(capturing, "MOST", 40)
    people.sql("""DELETE FROM "人口" WHERE "编号" > 200""")
    history = History(people.database, seed)
    people.run("人口")
    try:
        for _ in range(3):
            history.steps(80)
            run = people.run("人口")
            assert people.certificate(run).verdict is Verdict.EQUAL
    finally:
        history.end()
    people.drain("人口")
    equal(people)


def test_the_snapshot_and_the_log_meet_without_a_gap(people: Any) -> None:
    """Writers go on while the snapshot is read; what they commit meanwhile comes from the log, once."""
    import threading

    stop = threading.Event()

    def write() -> None:
        number = 5000
        with people.database.connect() as connection:
            while not stop.is_set():
                number += 1
                connection.execute(sa.text("""INSERT INTO "人口" ("编号") VALUES (:n)"""), {"n": number})
                connection.execute(sa.text("""DELETE FROM "人口" WHERE "编号" = :n"""), {"n": number - 3})
                connection.execute(
                    sa.text("""UPDATE "人口" SET "姓名" = :w WHERE "编号" = :n"""),
                    {"n": number % 1000, "w": str(number)},
                )
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            assert people.certificate(people.run("人口")).verdict is Verdict.EQUAL
        people.run("人口", whole=True)
    finally:
        stop.set()
        writer.join()
    people.run("人口")
    equal(people)


def test_changes_of_the_table_s_shape(people: Any) -> None:
    people.run("人口")
    people.sql(
        """INSERT INTO "人口" ("编号") VALUES (4001)""",
        """ALTER TABLE "人口" ADD COLUMN "电话" text""",
        """INSERT INTO "人口" ("编号", "电话") VALUES (4002, '139')""",
    )
    run = people.run("人口")
    assert (run.report["captured"]["snapshot"], run.report["rows_added"]) == (False, 2)
    equal(people)
    people.sql(
        """ALTER TABLE "人口" ADD COLUMN "状态" text DEFAULT '正常'""", """DELETE FROM "人口" WHERE "编号" = 4001"""
    )
    run = people.run("人口")
    assert run.report["captured"]["anew"] == ["状态"], (
        "old rows were filled without a log entry, so everything is read anew"
    )
    assert run.report["rows_removed"] == 1
    equal(people)
    people.sql(
        """ALTER TABLE "人口" ALTER COLUMN "金额" TYPE numeric(14,2)""",
        """UPDATE "人口" SET "金额" = 99999999999.99 WHERE "编号" = 5""",
    )
    run = people.run("人口")
    assert run.report["captured"]["anew"] == ["金额"]
    equal(people)
    people.sql("""ALTER TABLE "人口" ALTER COLUMN "生日" TYPE date USING "生日" + 1""")
    assert people.run("人口").report["captured"]["anew"] == ["public.人口"], "rewritten, and the log tells no new value"
    equal(people)
    people.sql(
        """UPDATE "人口" SET "姓名" = '之前' WHERE "编号" = 6""",
        """ALTER TABLE "人口" RENAME COLUMN "电话" TO "手机" """,
    )
    stopped = people.platform.ingest.wait(SYSTEM, people.platform.sources.run(SYSTEM, "人口"))
    assert stopped.error["code"] == "source_column_gone"
    assert people.platform.sources.plan(SYSTEM, "人口").stops
    people.sql("""ALTER TABLE "人口" RENAME COLUMN "手机" TO "电话" """)
    assert people.run("人口").report["rows_changed"] == 1, "nothing was lost"
    equal(people)


def test_a_lost_slot_and_a_rollback_stop_clearly_and_a_new_snapshot_mends_them(people: Any) -> None:
    people.run("人口")
    people.sql("""UPDATE "人口" SET "姓名" = '甲' WHERE "编号" = 1""")
    people.run("人口")

    def stops() -> str:
        done = people.platform.ingest.wait(SYSTEM, people.platform.sources.run(SYSTEM, "人口"))
        return str(done.error["code"])

    people.platform.tables.rollback(SYSTEM, "人口", 1, "误取")
    assert stops() == "capture_log_lost"
    people.run("人口", whole=True)
    equal(people)
    people.sql(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
    )
    people.sql("""DELETE FROM "人口" WHERE "编号" = 2""")
    assert stops() == "capture_log_lost"
    plan = people.platform.sources.plan(SYSTEM, "人口")
    assert "--whole" in plan.stops
    with pytest.raises(BeijiangError):
        people.platform.captures.lag(SYSTEM, "人口")
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("beijiang.tables.Tables.commit", lambda *_, **__: (_ for _ in ()).throw(Invalid("坏", "bad")))
        run_id = people.platform.sources.run(SYSTEM, "人口", whole=True)
        assert people.platform.ingest.wait(SYSTEM, run_id).error is not None
    assert people.run("人口").report["captured"]["snapshot"], "a snapshot that failed is begun again by itself"
    equal(people)
    people.sql("""DROP TABLE "人口" """, TABLE, """INSERT INTO "人口" ("编号") VALUES (1)""")
    assert stops() == "capture_log_lost"


def test_a_plan_names_each_right_that_is_missing_and_the_statement_that_gives_it(people: Any) -> None:
    who = f"r_{people.url.database[-8:]}"
    sources = people.platform.sources
    people.sql(f"CREATE ROLE {who} LOGIN", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {who}")
    sources.change(SYSTEM, "学籍库", {"user": who})
    try:
        statement = sources.plan(SYSTEM, "人口").stops.split("执行 ")[1]
        assert statement == f"ALTER ROLE {who} REPLICATION;"
        people.sql(statement)
        statement = sources.plan(SYSTEM, "人口").stops.split("执行：")[1]
        assert statement.startswith("CREATE PUBLICATION")
        people.sql(statement)
        assert sources.plan(SYSTEM, "人口").stops == ""
        people.run("人口")
        people.sql("""DELETE FROM "人口" WHERE "编号" = 2""")
        assert people.run("人口").report["rows_removed"] == 1
        sources.leave(SYSTEM, "人口")
        people.sql(
            """CREATE TABLE "无主键" (a int)""",
            """CREATE VIEW "视图" AS SELECT 1 AS a""",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {who}",
        )
        for feed, word in (("无主键", "REPLICA IDENTITY FULL"), ("视图", "普通表")):
            people.take(feed, feed, mode=SyncMode.CAPTURE, key=("a",))
            assert word in sources.plan(SYSTEM, feed).stops
    finally:
        people.sql(f"DROP OWNED BY {who}", f"DROP ROLE {who}")
