"""What stands in a department's MySQL or MariaDB stands in the table: a real MariaDB, each run certified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest import SourceDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM, BeijiangError

STUDENTS = (
    """CREATE TABLE `学生` (`学号` varchar(20) PRIMARY KEY COMMENT '全国学籍号', `姓名` varchar(50), `学分` decimal(6,1),
       `入学` date, `更新` timestamp(6) NULL) COMMENT '在籍学生'""",
    """INSERT INTO `学生` SELECT lpad(seq, 6, '0'), concat('学生', seq), seq * 0.5, '2020-09-01' + INTERVAL seq % 900 DAY,
       '2026-01-01 00:00:00.000001' + INTERVAL seq MINUTE FROM seq_1_to_3000""",
)
LATER = "'2026-01-04 00:00:00'"


@pytest.fixture
def students(maria: Any) -> Any:
    maria.sql(*STUDENTS)
    maria.connect()
    return maria


def test_a_full_run_brings_everything_and_certifies_it(students: Any) -> None:
    (feed,) = students.platform.sources.feeds(SYSTEM, "学籍库")
    assert (feed.name, feed.comment) == ("学生", "在籍学生")
    students.take("学生", "学生名册")
    run = students.run("学生名册")
    assert (run.report["read"], run.report["good"], run.report["bad"]) == (3000, 3000, 0)
    proof = students.certificate(run)
    assert proof.verdict is Verdict.EQUAL
    assert proof.body["source"] == proof.body["held"]
    assert (proof.body["source"]["rows"], proof.body["counted_by"], proof.body["consistent"]) == (3000, "source", True)
    columns = {c.name: (c.type, c.comment) for c in students.platform.tables.get(SYSTEM, "学生名册").columns}
    assert (columns["学分"][0], columns["学号"]) == ("decimal", ("text", "全国学籍号"))
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL
    assert students.platform.sources.plan(SYSTEM, "学生名册").rows == 3000


def test_an_incremental_run_brings_what_is_new_and_takes_away_what_is_gone(students: Any) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新", overlap="600", deletes=True)
    assert students.run("学生名册").report["rows_added"] == 3000
    students.sql(
        f"INSERT INTO `学生` VALUES ('900001', '新', 1, '2026-09-01', {LATER}), ('900003', '无时间', 1, '2026-09-01', NULL)",
        f"UPDATE `学生` SET `姓名` = '改', `更新` = {LATER} WHERE `学号` = '000007'",
        "DELETE FROM `学生` WHERE `学号` IN ('000005', '003000')",
    )
    run = students.run("学生名册")
    assert run.report["read"] < 20, "the overlap and what is new, not everything"
    report = run.report
    assert (report["rows_added"], report["rows_changed"], report["rows_removed"], report["rows"]) == (2, 1, 2, 3000)
    assert students.certificate(run).verdict is Verdict.EQUAL
    again = students.run("学生名册")
    assert (again.report["rows_added"], again.report["rows_changed"]) == (0, 0)
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL


@pytest.mark.parametrize(
    ("kind", "values", "more"),
    [
        ("bigint unsigned", "18446744073709551000, 18446744073709551001", "18446744073709551002"),
        ("date", "'2026-01-01', '2026-01-02'", "'2026-01-03'"),
        ("datetime(6)", "'1988-07-01 12:00:00.000001', '1988-07-01 12:00:00.000002'", "'1988-07-01 12:00:00.000003'"),
        ("decimal(20,10)", "1.0000000001, 1.0000000002", "1.0000000003"),
        ("int", "-2, -1", "0"),
    ],
)
def test_a_cursor_may_be_of_any_ordered_type(maria: Any, kind: str, values: str, more: str) -> None:
    first, second = values.split(", ")
    maria.sql(f"CREATE TABLE t (k int PRIMARY KEY, c {kind})", f"INSERT INTO t VALUES (1, {first}), (2, {second})")
    maria.connect()
    maria.take("t", "表", mode=SyncMode.INCREMENTAL, cursor="c")
    maria.run("表")
    maria.sql(f"INSERT INTO t VALUES (3, {more})")
    run = maria.run("表")
    assert (run.report["read"], run.report["rows_added"]) == (2, 1), "the last one again, and the new one"
    assert maria.certificate(run).verdict is Verdict.EQUAL


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("UPDATE `学生` SET `学分` = 99.9 WHERE `学号` = '000042'", {"kind": "altered", "key": ["000042"], "columns": ["学分"]}),
        ("INSERT INTO `学生` VALUES ('000000', '漏', 1, '2026-09-01', '2020-01-01')", {"kind": "missing", "key": ["000000"], "columns": []}),
        ("DELETE FROM `学生` WHERE `学号` = '002999'", {"kind": "extra", "key": ["002999"], "columns": []}),
        ("UPDATE `学生` SET `姓名` = NULL WHERE `学号` = '000042'", {"kind": "altered", "key": ["000042"], "columns": ["姓名"]}),
    ],
)  # fmt: skip
def test_a_planted_difference_is_found_and_mended(students: Any, planted: str, found: dict[str, Any]) -> None:
    students.take("学生", "学生名册", mode=SyncMode.INCREMENTAL, cursor="更新", deletes=True)
    students.run("学生名册")
    students.sql(planted)
    proof = students.platform.sources.verify(SYSTEM, "学生名册")
    assert (proof.verdict, proof.body["differences"]) == (Verdict.DIFFERENT, [found])
    run_id = students.platform.sources.repair(SYSTEM, "学生名册")
    assert students.platform.ingest.wait(SYSTEM, run_id).error is None
    assert students.platform.sources.verify(SYSTEM, "学生名册").verdict is Verdict.EQUAL


def test_everything_read_in_one_run_belongs_to_one_moment(students: Any) -> None:
    """A row that is committed while the run reads is in none of its looks, and comes with the next run."""
    from beijiang.ingest.connectors import Wanted, Window
    from beijiang.ingest.connectors.mysql import MySQL, MySQLOptions

    made = MySQL(MySQLOptions(**students.options()), students.platform.sources.outbound)
    feed = made.describe("学生")
    with made.open(Wanted(feed=feed, key=feed.key, window=Window("更新"))) as reading:
        students.sql(f"INSERT INTO `学生` VALUES ('900001', '新', 1, '2026-09-01', {LATER})")
        counted = reading.fingerprint()
        assert counted is not None
        looks = [reading.batches(), reading.keys()]
        assert [counted.rows, *(sum(b.num_rows for b in look) for look in looks)] == [3000] * 3
        assert str(reading.position()) < "2026-01-04"


def test_a_table_without_transactions_says_that_its_looks_may_differ(maria: Any) -> None:
    maria.sql("CREATE TABLE t (k int PRIMARY KEY, v text) ENGINE=MyISAM", "INSERT INTO t VALUES (1, 'a')")
    maria.connect()
    maria.take("t", "表")
    proof = maria.certificate(maria.run("表"))
    assert (proof.verdict, proof.body["consistent"]) == (Verdict.EQUAL, False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "wrong-4711"}, "source_login_failed"),
        ({"database": "mysql"}, "source_forbidden"),
        ({"port": 1}, "target_not_allowed"),
        ({"host": "127.0.0.1"}, "target_not_allowed"),
        ({"tls": "verify"}, "source_tls"),
        ({"tls": "verify", "ca": "no certificate"}, "source_tls"),
        ({"host": "/var/run/s"}, "folder_not_allowed"),
    ],
)
def test_what_the_source_refuses_is_said_in_our_words(maria: Any, changes: dict[str, Any], code: str) -> None:
    options = maria.options(**changes)
    maria.platform.sources.add(SYSTEM, SourceDraft(name="坏", kind="mysql", org_id="education", options=options))
    with pytest.raises(BeijiangError) as refused:
        maria.platform.sources.feeds(SYSTEM, "坏")
    assert refused.value.reason == code
    assert "wrong-4711" not in f"{refused.value} {refused.value.detail}"
    assert "reader" not in f"{refused.value} {refused.value.detail}"


def test_a_missing_table_and_a_silent_server_are_told_apart(maria: Any) -> None:
    maria.connect()
    with pytest.raises(BeijiangError) as missing:
        maria.platform.sources.feed(SYSTEM, "学籍库", "没有")
    assert (missing.value.reason, missing.value.transient) == ("unknown_feed", False)
    from beijiang.outbound import Target

    maria.platform.sources.allow(SYSTEM, Target(host="localhost", port=1, network="127.0.0.0/8"), "空端口")
    maria.platform.sources.allow(SYSTEM, Target(host="localhost", port=1, network="::1/128"), "空端口")
    maria.platform.sources.change(SYSTEM, "学籍库", {"port": 1, "password": maria.reach["password"]})
    with pytest.raises(BeijiangError) as silent:
        maria.platform.sources.feeds(SYSTEM, "学籍库")
    assert (silent.value.reason, silent.value.transient) == ("source_unreachable", True)


def test_tls_is_verified_against_the_name_that_was_asked_for(students: Any, mariadb_server: tuple[Path, int]) -> None:
    authority = (mariadb_server[0].parent / "cert.pem").read_text()
    sources = students.platform.sources
    for options in ({"tls": "verify", "ca": authority}, {"tls": "encrypt", "ca": ""}):
        sources.change(SYSTEM, "学籍库", {**options, "password": students.reach["password"]})
        assert [f.name for f in sources.feeds(SYSTEM, "学籍库")] == ["学生"]


def test_an_account_that_may_read_one_table_reads_that_one(maria: Any) -> None:
    maria.sql(
        "CREATE TABLE open_one (k int PRIMARY KEY, v text COMMENT '说明', hidden text)",
        "INSERT INTO open_one VALUES (1, 'a', 'b')",
        "CREATE TABLE closed (k int PRIMARY KEY)",
        "CREATE OR REPLACE USER narrow@'%' IDENTIFIED BY 'narrow'",
        "GRANT SELECT (k, v) ON open_one TO narrow@'%'",
    )
    maria.connect(user="narrow", password="narrow")
    assert [f.name for f in maria.platform.sources.feeds(SYSTEM, "学籍库")] == ["open_one"]
    with pytest.raises(BeijiangError) as missing:
        maria.platform.sources.feed(SYSTEM, "学籍库", "closed")
    assert missing.value.reason == "unknown_feed"
    maria.take("open_one", "表", key=("k",))
    run = maria.run("表")
    assert maria.certificate(run).verdict is Verdict.EQUAL
    assert maria.rows("表") == [{"k": 1, "v": "a"}]


def test_a_view_can_be_read(students: Any) -> None:
    students.sql("CREATE VIEW `新生` AS SELECT `学号`, `姓名` FROM `学生` WHERE `学号` < '000011'")
    students.take("新生", "新生", key=("学号",))
    run = students.run("新生")
    assert (run.report["rows"], students.certificate(run).verdict) == (10, Verdict.EQUAL)
