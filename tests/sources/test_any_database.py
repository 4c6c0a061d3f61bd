"""Any database by its SQLAlchemy dialect: PostgreSQL, MariaDB and SQLite stand in for products that no test can have."""

from __future__ import annotations

import datetime as dt
import sqlite3
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql

from beijiang.build import Platform, build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.ingest.connectors.anysql import _spec
from beijiang.ingest.typing import ColumnType
from beijiang.kit import SYSTEM, BeijiangError
from beijiang.outbound import Target
from beijiang.settings import Settings

EVERYTHING = """CREATE TABLE "学生" ("学号" varchar(20) PRIMARY KEY, "序" integer, "学分" numeric(6,1), "自由" numeric, "均分" double precision,
  "在读" boolean, "入学" date, "更新" timestamp, "登记" timestamptz, "附" bytea, "标签" text[], "细节" jsonb, "钟" time, "号" uuid)"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("home")))
    built.first_start()
    yield built
    built.close()


@pytest.fixture(scope="module")
def postgres(platform: Platform, postgres_server: str) -> Iterator[tuple[sa.Engine, dict[str, Any]]]:
    """A database, and what reaches it as an account that may only read."""
    server = sa.make_url(postgres_server)
    name, folder = f"t_{uuid.uuid4().hex}", str(server.query["host"])
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        connection.execute(sa.text(f"CREATE ROLE reader_{name} LOGIN"))
    platform.sources.allow(SYSTEM, Target(folder=folder), "测试库")
    engine = sa.create_engine(server.set(database=name), poolclass=sa.NullPool)
    reach = {"dialect": "postgresql+psycopg", "host": folder, "port": 5432, "database": name, "user": f"reader_{name}"}
    yield engine, reach
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        connection.execute(sa.text(f"DROP ROLE reader_{name}"))


def _add(platform: Platform, name: str, **options: Any) -> None:
    platform.sources.add(SYSTEM, SourceDraft(name=name, kind="sqlalchemy", org_id="education", options=options))


def _take(platform: Platform, source: str, feed: str, table: str, **words: Any) -> None:
    platform.sources.take(SYSTEM, SyncDraft(source_id=source, feed=feed, table=table, **words))


def _run(platform: Platform, table: str) -> tuple[Any, Any]:
    run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, table))
    assert run.error is None, run.error
    return run.report, platform.sources.certificate(SYSTEM, run.id)


def _sql(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_everything_arrives_and_is_proved(platform: Platform, postgres: tuple[sa.Engine, dict[str, Any]]) -> None:
    engine, reach = postgres
    _sql(
        engine,
        EVERYTHING,
        """COMMENT ON COLUMN "学生"."学分" IS '累计学分'""",
        """COMMENT ON TABLE "学生" IS '在校学生'""",
        """INSERT INTO "学生" SELECT 'x' || g, g, g * 0.5, 1.10, 0.1::float8 + 0.2, true, '2020-09-01', timestamp '2026-01-01 08:00' + g * interval '1 min',
           timestamptz '2026-01-01 08:00+08', '\\x00ff', '{"一","二"}', '{"a": 1}', '08:30', '6b1d1f5e-0000-4000-8000-000000000000'
           FROM generate_series(1, 40000) g""",
        f'GRANT SELECT ON "学生" TO {reach["user"]}',
    )
    _add(platform, "任意库", **reach)
    assert [(f.name, f.comment) for f in platform.sources.feeds(SYSTEM, "任意库")] == [("学生", "在校学生")]
    feed = platform.sources.feed(SYSTEM, "任意库", "学生")
    assert feed.key == ("学号",)
    assert {c.name for c in feed.columns if c.is_cursor} == {"序", "学分", "入学", "更新", "登记"}
    _take(platform, "任意库", "学生", "任意学生", mode=SyncMode.INCREMENTAL, cursor="更新", overlap="60", deletes=True)
    report, proof = _run(platform, "任意学生")
    assert (report["good"], report["bad"]) == (40_000, 0)
    assert (proof.verdict, proof.body["counted_by"], proof.body["consistent"]) == (Verdict.EQUAL, "reread", True)
    row = platform.sql.run(SYSTEM, """SELECT * FROM "任意学生" WHERE "学号" = 'x1'""").rows.to_pylist()[0]
    assert row == {
        "学号": "x1", "序": 1, "学分": Decimal("0.5"), "自由": "1.10", "均分": 0.1 + 0.2, "在读": True, "入学": dt.date(2020, 9, 1),
        "更新": dt.datetime(2026, 1, 1, 0, 1, tzinfo=dt.UTC), "登记": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "附": "\\x00ff",
        "标签": '["一", "二"]', "细节": '{"a": 1}', "钟": "08:30:00", "号": "6b1d1f5e-0000-4000-8000-000000000000",
    }  # fmt: skip
    _sql(
        engine,
        """DELETE FROM "学生" WHERE "学号" = 'x7'""",
        """INSERT INTO "学生" ("学号", "更新") VALUES ('新', '2026-02-01 08:00'), ('无时', NULL)""",
        """UPDATE "学生" SET "序" = -1, "更新" = '2026-02-01 08:00' WHERE "学号" = 'x9'""",
    )
    report, proof = _run(platform, "任意学生")
    assert (report["rows_added"], report["rows_changed"], report["rows_removed"]) == (2, 1, 1)
    assert report["read"] < 10, "the window is asked for at the source"
    assert proof.verdict is Verdict.EQUAL
    _sql(engine, """UPDATE "学生" SET "学分" = 99.5 WHERE "学号" = 'x42'""")
    found = platform.sources.verify(SYSTEM, "任意学生")
    assert (found.verdict, found.body["differences"]) == (
        Verdict.DIFFERENT,
        [{"kind": "altered", "key": ["x42"], "columns": ["学分"]}],
    )


def test_an_account_that_may_see_no_catalogue_names_its_tables_by_hand(
    platform: Platform, postgres: tuple[sa.Engine, dict[str, Any]]
) -> None:
    engine, reach = postgres
    _sql(
        engine,
        'CREATE SCHEMA "人事"',
        'CREATE TABLE "人事"."编制 a.b" (k integer, v text)',
        """INSERT INTO "人事"."编制 a.b" VALUES (1, '甲'), (2, '乙''"; --')""",
        f'GRANT USAGE ON SCHEMA "人事" TO {reach["user"]}',
        f'GRANT SELECT ON "人事"."编制 a.b" TO {reach["user"]}',
        "REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC",
    )
    try:
        _add(platform, "看不见", **reach)
        with pytest.raises(BeijiangError) as refused:
            platform.sources.feeds(SYSTEM, "看不见")
        assert refused.value.reason == "source_cannot_list"
        platform.sources.change(SYSTEM, "看不见", {"tables": "人事.编制 a.b"})
        assert [f.name for f in platform.sources.feeds(SYSTEM, "看不见")] == ["人事.编制 a.b"]
        _take(platform, "看不见", "人事.编制 a.b", "编制", key=("k",))
        report, proof = _run(platform, "编制")
        assert (report["good"], proof.verdict) == (2, Verdict.EQUAL)
        rows = platform.sql.run(SYSTEM, 'SELECT * FROM "编制" ORDER BY k').rows.to_pylist()
        assert rows == [{"k": "1", "v": "甲"}, {"k": "2", "v": "乙'\"; --"}]
        with pytest.raises(BeijiangError) as missing:
            platform.sources.feed(SYSTEM, "看不见", '人事.没有"; DROP TABLE x; --')
        assert missing.value.reason == "unknown_feed"
    finally:
        _sql(engine, "GRANT SELECT ON pg_catalog.pg_class TO PUBLIC")


def test_mariadb_by_its_dialect(platform: Platform, mariadb_server: tuple[Path, int]) -> None:
    path, port = mariadb_server
    name = f"t_{uuid.uuid4().hex}"
    url = sa.URL.create("mysql+pymysql", "root", query={"unix_socket": str(path), "charset": "utf8mb4"})
    admin = sa.create_engine(url, poolclass=sa.NullPool)
    _sql(
        admin,
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        "CREATE OR REPLACE USER anyreader@'%%' IDENTIFIED BY 'pa:ss@/word'",
        f"GRANT SELECT ON {name}.* TO anyreader@'%%'",
        f"CREATE TABLE {name}.t (k bigint PRIMARY KEY, d decimal(10,2), m datetime(6), s varchar(20) COMMENT '姓名')",
        f"INSERT INTO {name}.t VALUES (1, 0.25, '2026-01-01 08:00:00.123456', '学生'), (2, NULL, NULL, '')",
    )
    reach = {
        "dialect": "mysql+pymysql",
        "host": "localhost",
        "port": port,
        "database": name,
        "user": "anyreader",
        "parameters": "charset=utf8mb4",
    }
    _add(platform, "另一库", **reach, password="wrong")
    with pytest.raises(BeijiangError) as closed:
        platform.sources.feeds(SYSTEM, "另一库")
    assert closed.value.reason == "target_not_allowed"
    for network in ("127.0.0.0/8", "::1/128"):
        platform.sources.allow(SYSTEM, Target(host="localhost", port=port, network=network), "测试库")
    with pytest.raises(BeijiangError) as refused:
        platform.sources.feeds(SYSTEM, "另一库")
    assert refused.value.reason == "source_login_failed"
    assert "wrong" not in str(refused.value.text)
    platform.sources.change(SYSTEM, "另一库", {"password": "pa:ss@/word"})
    _take(platform, "另一库", "t", "另一表", mode=SyncMode.INCREMENTAL, cursor="k")
    report, proof = _run(platform, "另一表")
    assert (report["good"], proof.verdict, proof.body["consistent"]) == (2, Verdict.EQUAL, False)
    _sql(admin, f"INSERT INTO {name}.t VALUES (3, 3, '2026-01-01', 'x')")
    report, proof = _run(platform, "另一表")
    assert (report["rows_added"], proof.verdict) == (1, Verdict.EQUAL)
    rows = platform.sql.run(SYSTEM, 'SELECT * FROM "另一表" ORDER BY k').rows.to_pylist()
    assert rows[0] == {
        "k": 1,
        "d": Decimal("0.25"),
        "m": dt.datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=dt.UTC),
        "s": "学生",
    }
    _sql(admin, f"DROP DATABASE {name}")


def test_a_file_by_its_dialect(platform: Platform, tmp_path: Path) -> None:
    path = tmp_path / "office" / "a b?.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, n DECIMAL(6,2), m DATETIME)")
        file.execute("INSERT INTO t VALUES (1, 1.5, '2026-01-01 08:00:00'), (2, '多', 'soon')")
        file.executemany("INSERT INTO t VALUES (?, 0.25, NULL)", [(k,) for k in range(3, 10)])
    file.close()
    _add(platform, "文件", dialect="sqlite", path=str(path))
    with pytest.raises(BeijiangError) as refused:
        platform.sources.feeds(SYSTEM, "文件")
    assert refused.value.reason == "folder_not_allowed"
    platform.sources.allow(SYSTEM, Target(folder=str(path.parent)), "文件")
    assert [c.is_cursor for c in platform.sources.feed(SYSTEM, "文件", "t").columns] == [False] * 3
    _take(platform, "文件", "t", "文件表")
    report, proof = _run(platform, "文件表")
    assert (report["good"], report["bad_by_reason"], proof.verdict) == (8, {"untypable": 1}, Verdict.EXPLAINED)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.threat("TM-21")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"dialect": "dm+dmPython", "host": "127.0.0.1", "port": 5236}, "dialect_missing"),
        ({"dialect": "oracle+oracledb", "host": "127.0.0.1", "port": 1521}, "driver_missing"),
        ({"dialect": "postgresql+psycopg_async", "host": "127.0.0.1", "port": 1}, "dialect_missing"),
        ({"dialect": "postgresql+psycopg", "host": "127.0.0.1", "port": 1}, "target_not_allowed"),
        ({"dialect": "postgresql+psycopg", "host": "/etc", "port": 1}, "folder_not_allowed"),
        ({"dialect": "postgresql+psycopg", "host": "db", "port": 1, "parameters": "hostaddr=127.0.0.1"}, "bad_options"),
        ({"dialect": "mysql+pymysql", "host": "db", "port": 1, "parameters": "read_default_file=/etc/my.cnf"}, "bad_options"),
        ({"dialect": "mssql+pyodbc", "host": "db", "port": 1, "parameters": "driver=/tmp/evil.so"}, "bad_options"),
        ({"dialect": "mssql+pyodbc", "host": "db", "port": 1, "database": "x;Server=inner"}, "bad_options"),
        ({"dialect": "postgresql://inner/x", "host": "db", "port": 1}, "bad_options"),
        ({"dialect": "postgresql+psycopg", "host": "db", "port": 1, "path": "/etc/passwd"}, "bad_options"),
        ({"dialect": "postgresql+psycopg", "host": "db"}, "bad_options"),
        ({"dialect": "sqlite", "host": "db", "path": "/etc/passwd"}, "bad_options"),
        ({"dialect": "sqlite"}, "bad_options"),
    ],
)  # fmt: skip
def test_no_option_leads_elsewhere_than_it_says(platform: Platform, options: dict[str, Any], code: str) -> None:
    def attempt() -> None:
        _add(platform, name, **options)
        platform.sources.feeds(SYSTEM, name)

    name = uuid.uuid4().hex
    with pytest.raises(BeijiangError) as refused:
        attempt()
    assert refused.value.reason == code


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        (sa.String(20), "text"), (sa.Text(), "text"), (sa.Integer(), "integer"), (sa.BigInteger(), "integer"), (sa.Boolean(), "boolean"),
        (sa.Numeric(10, 2), "decimal(10,2)"), (sa.Numeric(), "text"), (sa.Numeric(50, 2), "text"), (sa.Float(), "double"), (sa.Date(), "date"),
        (sa.DateTime(), "timestamp"), (sa.Time(), "text"), (sa.LargeBinary(), "text"), (sa.JSON(), "text"), (sa.Uuid(), "text"),
        (sa.Interval(), "text"), (sa.types.NullType(), "text"),
        (oracle.NUMBER(10, 0), "decimal(10,0)"), (oracle.NUMBER(), "text"), (oracle.DATE(), "timestamp"), (oracle.VARCHAR2(10), "text"),
        (oracle.TIMESTAMP(timezone=True), "timestamp"), (oracle.BINARY_DOUBLE(), "double"), (oracle.RAW(16), "text"),
        (mssql.BIT(), "boolean"), (mssql.TINYINT(), "integer"), (mssql.MONEY(), "text"), (mssql.DATETIME2(), "timestamp"),
        (mssql.DATETIMEOFFSET(), "timestamp"), (mssql.UNIQUEIDENTIFIER(), "text"), (mssql.NVARCHAR(), "text"),
        (mysql.YEAR(), "text"), (mysql.BIT(1), "text"), (postgresql.JSONB(), "text"), (postgresql.INET(), "text"),
        (postgresql.ARRAY(sa.Integer), "text"),
    ],
)  # fmt: skip
def test_the_table_of_types(native: Any, kind: str) -> None:
    spec = _spec("列", native)
    exact = f"({spec.precision},{spec.scale})" if spec.type is ColumnType.DECIMAL else ""
    assert spec.type.value + exact == kind
