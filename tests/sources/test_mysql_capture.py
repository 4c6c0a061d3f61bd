"""A table follows the binary log of its MariaDB source: every type as in a snapshot, nothing lost, nothing doubled."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.ingest import SyncMode, Verdict
from beijiang.kit import SYSTEM
from waiting import until

TYPES = """CREATE TABLE `全部` (
  k int unsigned NOT NULL, k2 varchar(20) NOT NULL, ti tinyint, tu tinyint unsigned, b1 tinyint(1), si smallint, mi mediumint, mu mediumint unsigned,
  ii int, bi bigint, bu bigint unsigned, y year, f float, d double, n decimal(20,6), n0 decimal(9,0), nn decimal(30,30), big decimal(50,5),
  da date, dt datetime, dt3 datetime(3), dt6 datetime(6), ts timestamp(6) NULL, ts0 timestamp NULL, ti0 time, ti2 time(2), ti6 time(6),
  c char(10), v varchar(300), g varchar(50) CHARACTER SET gbk, l char(10) CHARACTER SET latin1, t text, lt longtext, j json,
  e enum('甲','乙','c'), s set('红','绿','蓝'), bit1 bit(1), bit9 bit(9), bn binary(8), vb varbinary(300), bl blob, PRIMARY KEY (k, k2)
) CHARACTER SET utf8mb4"""
INTS = {
    "ti": 127,
    "tu": 255,
    "b1": 1,
    "si": 32767,
    "mi": 8388607,
    "mu": 16777215,
    "ii": 2147483647,
    "bi": 2**63 - 1,
    "bu": 2**64 - 1,
}


def row(dice: random.Random, k: int) -> dict[str, Any]:
    """One row whose values lie at the edges of their types, or anywhere, or are missing."""

    def some(*values: Any) -> Any:
        return dice.choice([None, *values])

    made: dict[str, Any] = {"k": k, "k2": dice.choice(["甲", "b"])}
    for name, most in INTS.items():
        low = 0 if name in {"tu", "mu", "bu", "b1"} else -most - 1
        made[name] = some(low, most, dice.randint(low, most), 0, 1)
    made["b1"] = some(0, 1)
    made |= {
        "y": some(2026, 1901, 0),
        "f": some(1.1, -3.4e38, 1e-30, 0.1 + 0.2, 16777216.0),
        "d": some(1.1, 0.1 + 0.2, -1.7e308, 5e-324, 0.0, float(dice.randint(-9, 9))),
        "n": some("0.000001", "-99999999999999.999999", "12345.67", "-0.5", "0"),
        "n0": some("999999999", "-7", "0"),
        "nn": some("0." + "123456789" * 3 + "001", "-0." + "0" * 29 + "1"),
        "big": some("9" * 45 + ".12345", "-1.5"),
        "da": some("2026-02-28", "1000-01-01", "9999-12-31"),
        "dt": some("2026-11-25 08:09:10", "1986-05-04 12:00:00", "1000-01-01 00:00:00", "9999-12-31 00:59:59"),
        "dt3": some("2026-11-25 08:09:10.120", "1991-09-15 01:30:00.001"),
        "dt6": some("2026-11-25 08:09:10.000001", "1940-06-01 00:30:00.5"),
        "ts": some("2026-11-25 08:09:10.123456", "1970-01-02 00:00:00", "2038-01-19 03:14:07.999999"),
        "ts0": some("2026-11-25 08:09:10", "2001-01-01 00:00:00"),
        "ti0": some("12:34:56", "-838:59:59", "838:59:59", "00:00:00"),
        "ti2": some("-00:00:00.01", "12:34:56.78", "-12:34:56.50"),
        "ti6": some("-00:00:01.000001", "23:59:59.999999"),
        "c": some("", "ab  ", "汉字", "a'b\\"),
        "v": some("", " x ", "长" * 200, "e\u0301😀", "\x00\x1f\n"),
        "g": some("内蒙古", "鄂尔多斯市", ""),
        "l": some("é€ÿ", "a"),
        "t": some("", "文" * 500),
        "lt": some("x" * 70_000, ""),
        "j": some('{"a": 1, "名": [1.50, null]}', "[]"),
        "e": some("甲", "c"),
        "s": some("", "红,蓝", "红,绿,蓝"),
        "bit1": some(0, 1),
        "bit9": some(0, 5, 511),
        "bn": some(b"\x00\x01\x02", b"abcdefgh", b""),
        "vb": some(b"\xff\x00", b""),
        "bl": some(b"\x00" * 300, b"x"),
    }
    return made


def write(connection: sa.Connection, made: dict[str, Any]) -> None:
    names = ", ".join(f"`{n}`" for n in made)
    values = ", ".join(f":{n}" for n in made)
    connection.execute(sa.text(f"REPLACE INTO `全部` ({names}) VALUES ({values})"), made)


@pytest.fixture
def everything(logged_maria: Any) -> Any:
    logged_maria.sql(TYPES)
    logged_maria.connect()
    logged_maria.take("全部", "全部", mode=SyncMode.CAPTURE)
    return logged_maria


def equal(department: Any) -> None:
    proof = department.platform.sources.verify(SYSTEM, "全部")
    assert proof.verdict is Verdict.EQUAL, proof.body


def test_every_type_comes_from_the_log_as_from_a_snapshot(everything: Any) -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    with everything.database.begin() as connection:
        connection.execute(sa.text("SET time_zone = '+08:00'"))
        for k in range(150):
            write(connection, row(dice, k))
    first = everything.run("全部")
    assert (first.report["captured"]["snapshot"], everything.certificate(first).verdict) == (True, Verdict.EQUAL)
    equal(everything)
    with everything.database.begin() as connection:
        connection.execute(sa.text("SET time_zone = '+08:00'"))
        for k in range(100, 400):
            write(connection, row(dice, k))
    run = everything.run("全部")
    assert (run.report["captured"]["snapshot"], everything.certificate(run).verdict) == (False, Verdict.EQUAL)
    assert run.report["bad"] == 0
    equal(everything)


def act(connections: list[sa.Connection], dice: random.Random, number: int) -> None:
    """One step of one of several writers: a statement, a commit, a rollback."""
    connection, k, roll = dice.choice(connections), dice.randrange(60), dice.random()
    statements: list[str] = []
    if roll < 0.1:
        connection.rollback()
    elif roll < 0.4:
        connection.commit()
    elif roll < 0.7:
        statements = [f"REPLACE INTO `全部` (k, k2, ii, v) VALUES ({k}, 'b', {number}, '值{number}')"]
    elif roll < 0.8:
        statements = [f"UPDATE `全部` SET k = k + 100 WHERE k = {k}"]
    elif roll < 0.85:
        statements = ["SAVEPOINT p", f"DELETE FROM `全部` WHERE k < {k}", "ROLLBACK TO SAVEPOINT p"]
    else:
        statements = [f"DELETE FROM `全部` WHERE k BETWEEN {k} AND {k + 1}"]
    for statement in statements:
        connection.execute(sa.text(statement))


def test_random_transactions_of_several_writers_end_equal(everything: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from beijiang.ingest.service import capturing

    monkeypatch.setattr(capturing, "MOST", 60)
    dice = random.Random(11)  # noqa: S311 - no secret
    writers = [everything.database.connect() for _ in range(3)]
    for connection in writers:
        connection.execute(sa.text("SET innodb_lock_wait_timeout = 0"))
        connection.commit()
    everything.run("全部")
    for number in range(240):
        try:
            act(writers, dice, number)
        except sa.exc.DBAPIError:
            for connection in writers:
                connection.rollback()
        if number == 150:
            for connection in writers:
                connection.commit()
            everything.sql("TRUNCATE TABLE `全部`")
        if number % 60 == 59:
            run = everything.run("全部")
            assert everything.certificate(run).verdict is Verdict.EQUAL
    for connection in writers:
        connection.commit()
        connection.close()
    everything.drain("全部")
    equal(everything)
    assert everything.platform.captures.lag(SYSTEM, "全部").lag_bytes == 0


def test_the_snapshot_and_the_log_meet_without_a_gap(everything: Any) -> None:
    stop = threading.Event()

    def work() -> None:
        number = 0
        with everything.database.connect() as connection:
            while not stop.is_set():
                number += 1
                write(connection, {"k": number % 500, "k2": "b", "ii": number})
                connection.execute(sa.text("DELETE FROM `全部` WHERE k = :k"), {"k": (number * 7) % 500})
                connection.commit()

    writer = threading.Thread(target=work)
    writer.start()
    try:
        for whole in (False, False, True, False):
            assert everything.certificate(everything.run("全部", whole=whole)).verdict is Verdict.EQUAL
    finally:
        stop.set()
        writer.join()
    everything.run("全部")
    equal(everything)


def test_shape_purged_log_and_missing_settings(everything: Any) -> None:
    everything.sql("INSERT INTO `全部` (k, k2) VALUES (1, 'b')")
    everything.run("全部")

    def code() -> str:
        done = everything.platform.ingest.wait(SYSTEM, everything.platform.sources.run(SYSTEM, "全部"))
        return str(done.error["code"])

    everything.sql(
        "INSERT INTO `全部` (k, k2) VALUES (2, 'b')",
        "ALTER TABLE `全部` ADD COLUMN `电话` varchar(20)",
        "INSERT INTO `全部` (k, k2, `电话`) VALUES (3, 'b', '139')",
    )
    run = everything.run("全部")
    assert (run.report["captured"]["snapshot"], run.report["rows_added"]) == (False, 2)
    equal(everything)
    everything.sql(
        "ALTER TABLE `全部` ADD COLUMN `状态` varchar(20) NOT NULL DEFAULT '正常'", "DELETE FROM `全部` WHERE k = 2"
    )
    assert everything.run("全部").report["captured"]["anew"] == ["状态"]
    equal(everything)
    everything.sql(
        "RENAME TABLE `全部` TO `旧`",
        "CREATE TABLE `全部` LIKE `旧`",
        "INSERT INTO `全部` SELECT * FROM `旧` WHERE k = 1",
    )
    assert everything.run("全部").report["captured"]["snapshot"], "another table took the name"
    equal(everything)
    everything.sql("ALTER TABLE `全部` RENAME COLUMN `电话` TO `手机`")
    assert code() == "source_column_gone"
    everything.sql("ALTER TABLE `全部` RENAME COLUMN `手机` TO `电话`", "DELETE FROM `全部` WHERE k = 1")
    everything.run("全部")
    equal(everything)
    with everything.database.connect() as connection:
        connection.execute(sa.text("FLUSH BINARY LOGS"))
        newest = connection.execute(sa.text("SHOW MASTER STATUS")).first()[0]

        def purged() -> bool:  # a log that somebody still reads stays
            connection.execute(sa.text(f"PURGE BINARY LOGS TO '{newest}'"))
            return bool(connection.execute(sa.text("SHOW BINARY LOGS")).first()[0] == newest)

        until(purged)
    assert code() == "capture_log_lost"
    everything.run("全部", whole=True)
    equal(everything)
    everything.sql("SET GLOBAL binlog_row_image = 'MINIMAL'")
    try:
        assert "binlog_row_image" in everything.platform.sources.plan(SYSTEM, "全部").stops
    finally:
        everything.sql("SET GLOBAL binlog_row_image = 'FULL'")
    everything.sql("REVOKE BINLOG MONITOR ON *.* FROM reader@'%'")
    assert "REPLICATION" in everything.platform.sources.plan(SYSTEM, "全部").stops
