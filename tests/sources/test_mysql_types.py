"""The type mapping of MySQL and MariaDB, value by value: what goes in comes out exactly, and both sides count it alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from beijiang.ingest import Verdict
from beijiang.kit import SYSTEM


def _utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


TYPES: list[tuple[str, str, str, Any]] = [
    ("tinyint", "-128", "integer", -128),
    ("smallint unsigned", "65535", "integer", 65535),
    ("mediumint", "-8388608", "integer", -8388608),
    ("int(8) unsigned zerofill", "42", "integer", 42),
    ("bigint", "-9223372036854775808", "integer", -9223372036854775808),
    ("bigint unsigned", "18446744073709551615", "decimal", Decimal(18446744073709551615)),
    ("year", "2026", "integer", 2026),
    ("boolean", "true", "boolean", True),
    ("tinyint(1)", "0", "boolean", False),
    ("bit(1)", "b'1'", "boolean", True),
    ("bit(12)", "b'101'", "text", "000000000101"),
    ("bit(64)", "18446744073709551615", "text", "1" * 64),
    ("decimal(10,2)", "-0.50", "decimal", Decimal("-0.50")),
    ("decimal(10,2) zerofill", "1.5", "decimal", Decimal("1.50")),
    (
        "decimal(38,30)",
        "12345678.123456789012345678901234567890",
        "decimal",
        Decimal("12345678.123456789012345678901234567890"),
    ),
    (
        "decimal(65,30)",
        "99999999999999999999999999999999999.123456789012345678901234567890",
        "text",
        "99999999999999999999999999999999999.123456789012345678901234567890",
    ),
    ("date", "'0001-01-01'", "date", dt.date(1, 1, 1)),
    ("date", "'9999-12-31'", "date", dt.date(9999, 12, 31)),
    ("datetime", "'2026-01-01 08:00:00'", "timestamp", _utc(2026, 1, 1)),
    ("datetime(6)", "'2026-01-01 07:59:59.999999'", "timestamp", _utc(2025, 12, 31, 23, 59, 59, 999999)),
    ("datetime(3)", "'1988-07-01 12:00:00.123'", "timestamp", _utc(1988, 7, 1, 3, 0, 0, 123000)),
    ("datetime", "'1890-01-01 08:05:43'", "timestamp", _utc(1890, 1, 1)),
    ("timestamp(6) NULL", "'2026-01-01 00:00:00.000001'", "timestamp", _utc(2026, 1, 1, 0, 0, 0, 1)),
    ("time(6)", "'-838:59:59.000001'", "text", "-838:59:59.000001"),
    ("char(4)", "'羊毛'", "text", "羊毛"),
    ("varchar(20) CHARACTER SET gbk", "'鄂尔多斯'", "text", "鄂尔多斯"),
    ("varchar(20) CHARACTER SET latin1", "'Käse'", "text", "Käse"),
    ("varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "'𠮷😀'", "text", "𠮷😀"),
    ("varchar(20)", r"'a\\b''c%d\n'", "text", "a\\b'c%d\n"),
    ("longtext", "repeat('草', 70000)", "text", "草" * 70000),
    ("longtext", "repeat('a', 300)", "text", "a" * 300),
    ("text", "''", "text", ""),
    ("text", "NULL", "text", None),
    ("enum('男','女')", "'女'", "text", "女"),
    ("set('蒙','汉','回')", "'回,蒙'", "text", "蒙,回"),
    ("json", """'{"旗": [1, 2.50]}'""", "text", '{"旗": [1, 2.50]}'),
    ("blob", "x'00ff1f01'", "text", "\\x00ff1f01"),
    ("varbinary(8)", "x''", "text", "\\x"),
    ("binary(3)", "x'41'", "text", "\\x410000"),
    ("point", "ST_GeomFromText('POINT(111.75 40.84)')", "text", '{"type": "Point", "coordinates": [111.75, 40.84]}'),
    ("uuid", "'123e4567-e89b-12d3-a456-426655440000'", "text", "123e4567-e89b-12d3-a456-426655440000"),
    ("inet6", "'2001:db8::ff00:42:8329'", "text", "2001:db8::ff00:42:8329"),
]
FLOATS: list[tuple[str, str, Any]] = [
    ("float", "1.1", 1.1),
    ("float", "16777217", 16777216.0),
    ("float", "3.4e38", 3.4e38),
    ("double", "0.1e0 + 0.2e0", 0.30000000000000004),
    ("double", "1.7976931348623157e308", 1.7976931348623157e308),
    ("double", "-2.2250738585072014e-308", -2.2250738585072014e-308),
    ("double", "1e15", 1e15),
    ("double", "NULL", None),
]


def _table(maria: Any, kinds: list[str], values: list[str]) -> None:
    columns = ", ".join(f"`列{n}` {kind}" for n, kind in enumerate(kinds))
    maria.sql(
        f"CREATE TABLE `类型` (`键` int PRIMARY KEY, {columns})",
        f"INSERT INTO `类型` VALUES (1, {', '.join(values)})".replace(":", r"\:"),
        "INSERT INTO `类型` (`键`) VALUES (2)",
    )
    maria.connect()
    maria.take("类型", "类型表")


def test_every_type_arrives_exactly_and_is_counted_alike(maria: Any) -> None:
    _table(maria, [t[0] for t in TYPES], [t[1] for t in TYPES])
    run = maria.run("类型表")
    assert run.report["bad"] == 0
    row = maria.rows("类型表")[0]
    types = {c.name: c.type for c in maria.platform.tables.get(SYSTEM, "类型表").columns}
    for n, (native, _, kind, value) in enumerate(TYPES):
        assert (native, types[f"列{n}"], row[f"列{n}"]) == (native, kind, value)
    proof = maria.certificate(run)
    assert proof.body["source"] == proof.body["held"]
    assert (proof.verdict, proof.body["counted_by"]) == (Verdict.EQUAL, "source")
    assert maria.platform.sources.verify(SYSTEM, "类型表").verdict is Verdict.EQUAL


def test_floating_point_arrives_exactly_and_is_proved_by_a_second_reading(maria: Any) -> None:
    _table(maria, [t[0] for t in FLOATS], [t[1] for t in FLOATS])
    run = maria.run("类型表")
    row = maria.rows("类型表")[0]
    for n, (native, _, value) in enumerate(FLOATS):
        assert (native, row[f"列{n}"]) == (native, value)
    proof = maria.certificate(run)
    assert (proof.verdict, proof.body["counted_by"]) == (Verdict.EQUAL, "reread")
    assert maria.platform.sources.verify(SYSTEM, "类型表").verdict is Verdict.EQUAL
    maria.sql("UPDATE `类型` SET `列3` = 0.3 WHERE `键` = 1")
    proof = maria.platform.sources.verify(SYSTEM, "类型表")
    assert proof.body["differences"] == [{"kind": "altered", "key": ["1"], "columns": ["列3"]}]


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("date", "'0000-00-00'", "0000-00-00"),
        ("date", "'2026-00-15'", "2026-00-15"),
        ("date", "'2026-02-31'", "2026-02-31"),
        ("datetime(6)", "'0000-00-00 00:00:00'", "'0000-00-00 00:00:00.000000'"),
        ("datetime", "'2026-00-15 08:00:00'", "'2026-00-15 08:00:00'"),
        ("timestamp NULL", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00.000000"),
        ("tinyint(1)", "2", "2"),
    ],
)
def test_what_is_no_value_is_set_aside_as_it_came(maria: Any, kind: str, value: str, cell: str) -> None:
    loose = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"
    insert = f"INSERT INTO t VALUES (1, {value})".replace(":", r"\:")
    more = "INSERT INTO t (k) SELECT seq FROM seq_2_to_20"
    maria.sql(loose, f"CREATE TABLE t (k int PRIMARY KEY, c {kind})", insert, more)
    maria.connect()
    maria.take("t", "表")
    run = maria.run("表")
    assert run.report["bad_by_reason"] == {"untypable": 1}
    assert maria.rows("表") == [{"k": k, "c": None} for k in range(2, 21)]
    (aside,) = maria.platform.ingest.quarantine(SYSTEM, run_id=run.id).rows
    assert (aside.column, list(aside.cells)) == ("c", ["1", cell])
    proof = maria.certificate(run)
    assert (proof.verdict, proof.body["set_aside"], proof.body["counted_by"]) == (Verdict.EXPLAINED, 1, "source")


def test_codes_in_tinyint_1_can_be_read_as_numbers(maria: Any) -> None:
    maria.sql("CREATE TABLE t (k int PRIMARY KEY, c tinyint(1))", "INSERT INTO t VALUES (1, 7), (2, 0)")
    maria.connect(tinyint1="integer")
    maria.take("t", "表")
    assert maria.certificate(maria.run("表")).verdict is Verdict.EQUAL
    assert maria.rows("表") == [{"k": 1, "c": 7}, {"k": 2, "c": 0}]


def test_the_zone_of_bare_times_is_the_departments(maria: Any) -> None:
    maria.sql("CREATE TABLE t (k int PRIMARY KEY, c datetime)", r"INSERT INTO t VALUES (1, '2026-01-01 06\:00\:00')")
    maria.connect(time_zone="Asia/Urumqi")
    maria.take("t", "表")
    assert maria.certificate(maria.run("表")).verdict is Verdict.EQUAL
    assert maria.rows("表")[0]["c"] == _utc(2026, 1, 1)


def test_a_gbk_table_with_its_comments_and_a_key_of_two_columns(maria: Any) -> None:
    maria.sql(
        "CREATE TABLE `户籍` (`盟市` varchar(10), `编号` int, `姓名` varchar(20) COMMENT '户主', PRIMARY KEY (`编号`, `盟市`)) CHARACTER SET gbk",
        "INSERT INTO `户籍` VALUES ('阿拉善', 1, '巴特尔'), ('呼伦贝尔', 1, NULL)",
    )
    maria.connect()
    feed = maria.platform.sources.feed(SYSTEM, "学籍库", "户籍")
    assert (feed.key, [c.comment for c in feed.columns]) == (("编号", "盟市"), ["", "", "户主"])
    maria.take("户籍", "户籍表")
    assert maria.certificate(maria.run("户籍表")).verdict is Verdict.EQUAL
    assert {r["姓名"] for r in maria.rows("户籍表")} == {"巴特尔", None}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Urumqi", "UTC", "Europe/Moscow", "America/New_York"])
def test_the_offsets_of_a_zone_are_those_of_its_clock(zone: str) -> None:
    from beijiang.ingest.connectors.zones import offsets, utc_text

    table = offsets(zone)
    for hours in range(0, 24 * 365 * 130, 1777):
        wall = dt.datetime(1895, 1, 1, 0, 30) + dt.timedelta(hours=hours)  # noqa: DTZ001 - a wall clock has no zone
        ahead = next(seconds for start, seconds in table if start is None or wall >= start)
        assert utc_text(wall, zone) == (wall - dt.timedelta(seconds=ahead)).isoformat(sep=" ", timespec="microseconds")
