"""A table follows the log of its PostgreSQL source: nothing lost, nothing doubled, in the order of the commits."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.ingest import SyncMode, Verdict
from beijiang.kit import SYSTEM, BeijiangError
from beijiang.outbound import Target
from tests.sources.conftest import Department

TABLE = """CREATE TABLE "人口" (
    "编号" int PRIMARY KEY, "姓名" text, "金额" numeric(12,2), "生日" date, "更新" timestamp, "登记" timestamptz DEFAULT now(),
    "在册" boolean, "比例" real, "码" char(6), "地址" inet, "标签" text[], "档案" text)"""
ROW = """INSERT INTO "人口" SELECT g, '名' || g, g * 0.25, date '1990-01-01' + g % 9000, timestamp '2026-01-01' + g * interval '1 s',
    timestamptz '2026-01-01 08:00+08' + g * interval '1 min', g % 2 = 0, g / 7.0, 'c' || g % 999, '10.1.2.3', ARRAY['甲', NULL],
    repeat(md5(g::text), CASE WHEN g % 50 = 0 THEN 200 ELSE 1 END) FROM generate_series(CAST(:a AS int), CAST(:b AS int)) g"""


@pytest.fixture
def people(platform: Any, logical_url: str) -> Iterator[Department]:
    platform.first_start()
    url = sa.make_url(logical_url)
    database = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    platform.sources.allow(SYSTEM, Target(folder=folder), "测试库的套接字")
    made = Department(platform, database, url, reach={"host": folder, "database": url.database, "user": url.username, "tls": "off"})
    made.sql(TABLE)
    with database.begin() as connection:
        connection.execute(sa.text(ROW), {"a": 1, "b": 1000})
        connection.execute(sa.text("""ALTER TABLE "人口" ALTER COLUMN "档案" SET STORAGE EXTERNAL"""))
    made.connect()
    made.take("人口", "人口", mode=SyncMode.CAPTURE)
    yield made
    database.dispose()


def equal(people: Department) -> None:
    proof = people.platform.sources.verify(SYSTEM, "人口")
    assert proof.verdict is Verdict.EQUAL, proof.body


def test_a_table_follows_inserts_updates_deletes_keys_and_truncation(people: Department) -> None:
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
    assert (run.report["rows_added"], run.report["rows_changed"], run.report["rows_removed"], run.report["rows"]) == (13, 1, 14, 999)
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
        assert connection.execute(sa.text("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")).scalar() == 0
