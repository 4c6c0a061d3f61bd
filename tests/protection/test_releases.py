"""The release check: persons cannot be told apart in what is opened or shared, at no version; honest lists are not held up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from agreed import lowered
from beijiang.catalog import OpenType, ShareType
from beijiang.kit import ANONYMOUS, BeijiangError, Conflict, Denied, Invalid, NotFound
from beijiang.tables import Exit, WriteMode

if TYPE_CHECKING:
    from conftest import House

PERSONS, FIRMS = "救助对象", "企业登记信息"
SCHEMA = pa.schema([("姓名", pa.string()), ("年龄", pa.int64()), ("行政区划", pa.string()), ("疾病", pa.string()), ("备注", pa.string()), ("_bj_row", pa.int64())])  # fmt: skip
SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静强磊军洋勇艳杰娟涛明超霞平刚玲"
OPEN = {
    "open_items": ("年龄", "行政区划", "疾病", "备注"),
    "share_type": ShareType.NOT_SHARED,
    "no_share_basis": "《某法》第一条",
}


def person(i: int, age: int, illness: str, note: str | None = None) -> dict[str, Any]:
    name = SURNAMES[i % 10] + GIVEN[i % 20] + GIVEN[(i * 7 + i // 20) % 20]
    return {"姓名": name, "年龄": age, "行政区划": "150100", "疾病": illness, "备注": note, "_bj_row": i + 1}


def write(house: House, rows: list[dict[str, Any]], mode: WriteMode = WriteMode.APPEND) -> None:
    house.write(PERSONS, rows, SCHEMA, mode=mode)


def as_plain(house: House, *columns: str) -> None:
    """Say that some columns are harmless by themselves, as the vector of the standard supposes."""
    for column in columns:
        lowered(house.protection, house.steward, PERSONS, column, level="L1", kind="plain", reason="测试数据")


def found(house: House) -> dict[str, Any]:
    (report,) = house.releases.check(house.steward, PERSONS)
    return {one.check: one for one in report.findings}


def test_the_vector_of_the_standard_is_blocked(house: House) -> None:
    rows = [(35, "a"), (34, "a"), (33, "b"), (41, "a"), (42, "a")]
    write(house, [person(i, age, illness) for i, (age, illness) in enumerate(rows)])
    as_plain(house, "疾病")
    house.protection.choose_mask(house.steward, PERSONS, "年龄", "bucket", {"width": "10"}, reason="只需年龄段")
    house.releases.declare(
        house.steward, PERSONS, {"年龄": "quasi", "行政区划": "quasi", "疾病": "sensitive"}, "按 GB/T 37964 识别"
    )
    with pytest.raises(Conflict) as told:
        house.publish(PERSONS, **OPEN)
    assert told.value.reason == "version_held"
    assert "k-匿名、l-多样性" in told.value.text.zh
    checks = found(house)
    assert (checks["k"].numbers["k"], checks["k"].limit, checks["k"].numbers["classes"]) == (2, 10, 2)
    assert (checks["l"].numbers, checks["l"].limit) == ({"疾病": 1}, 2)
    assert checks["quasi"].outcome == "passed"
    with pytest.raises(NotFound):
        house.gate.open(ANONYMOUS, PERSONS, "", Exit.PAGE)


def test_persons_are_published_once_they_cannot_be_told_apart(house: House) -> None:
    write(house, [person(i, 20 + i % 40, "甲乙丙"[i % 3]) for i in range(120)])
    as_plain(house, "疾病")
    roles = house.releases.roles(house.steward, PERSONS)
    assert (roles.persons, roles.declared) == (True, False)
    assert {name: str(role) for name, role in roles.roles.items()} == {"年龄": "quasi", "行政区划": "quasi"}
    with pytest.raises(Conflict):
        house.publish(PERSONS, **OPEN)
    assert found(house)["k"].numbers == {"k": 3, "classes": 40, "unique": 0, "rows_below": 120}
    house.protection.choose_mask(house.steward, PERSONS, "年龄", "bucket", {"width": "20"}, reason="只需年龄段")
    entry = house.catalog.resource_for_table(PERSONS)
    assert entry is not None
    house.catalog.publish(house.publisher, entry.id)
    shown = house.gate.open(ANONYMOUS, PERSONS, "", Exit.PAGE).page(limit=1).rows.to_pylist()[0]
    assert shown == {"年龄": "[20,40)", "行政区划": "150100", "疾病": "甲", "备注": None}
    reports = house.releases.reports(house.steward, PERSONS)
    assert (reports[0].passed, reports[-1].passed, reports[0].by) == (True, False, "system")
    assert house.releases.report(house.steward, PERSONS, reports[0].id) == reports[0]
    said = house.records(action="protection.release_check")
    assert {r.detail["passed"] for r in said} == {True, False}


def test_every_new_version_is_checked_and_readers_stay_on_the_last_good_one(house: House) -> None:
    write(house, [person(i, 30 + i % 2, "甲乙丙"[i % 3]) for i in range(60)])
    as_plain(house, "疾病")
    house.publish(PERSONS, **OPEN)
    assert house.gate.open(ANONYMOUS, PERSONS, "", Exit.PAGE).version == 1
    write(house, [person(100, 97, "甲")])
    assert house.gate.open(ANONYMOUS, PERSONS, "", Exit.PAGE).version == 1
    report = house.releases.reports(house.steward, PERSONS)[0]
    assert (report.version, report.passed) == (2, False)
    checks = {one.check: one for one in report.findings}
    assert checks["k"].numbers["unique"] == 1
    assert (checks["difference"].outcome, checks["difference"].numbers["new_below"]) == ("failed", 1)
    house.clock.advance(timedelta(hours=1))
    house.protection.choose_mask(house.steward, PERSONS, "年龄", "clamp", {"low": "0", "high": "31"}, reason="封顶")
    assert [r.passed for r in house.releases.check(house.steward, PERSONS)] == [True]
    house.db.deliver_waiting()
    assert house.gate.open(ANONYMOUS, PERSONS, "", Exit.PAGE).version == 2


def test_numbers_of_persons_in_free_text_are_found(house: House) -> None:
    rows = [person(i, 30, "甲乙"[i % 2], "无") for i in range(300)]
    rows[7]["备注"] = "请电话联系13812345678，谢谢"
    write(house, rows)
    as_plain(house, "疾病")
    with pytest.raises(Conflict):
        house.publish(PERSONS, **OPEN)
    finding = found(house)["identifiers"]
    assert (finding.outcome, finding.numbers, finding.columns) == ("failed", {"备注/embedded_mobile": 1}, ("备注",))
    house.releases.declare(house.steward, PERSONS, {"备注": "plain", "年龄": "quasi"}, "单位公开的值班电话")
    assert found(house)["identifiers"].outcome == "passed"


@pytest.mark.threat("TM-13")
def test_who_may_declare_and_check(house: House) -> None:
    write(house, [person(0, 30, "甲")])
    for actor in (house.analyst, house.stranger, house.member):
        for attempt in (
            lambda a: house.releases.declare(a, PERSONS, {}, "因为"),
            lambda a: house.releases.check(a, PERSONS),
            lambda a: house.releases.reports(a, PERSONS),
            lambda a: house.releases.roles(a, PERSONS),
        ):
            with pytest.raises((Denied, NotFound)):
                attempt(actor)
    with pytest.raises(Denied):
        house.releases.declare(house.reviewer, PERSONS, {}, "因为")
    for roles, reason, code in (
        ({}, " ", "reason_needed"),
        ({"没有": "quasi"}, "因为", "unknown_column"),
        ({"年龄": "x"}, "因为", "unknown_role"),
    ):
        with pytest.raises(Invalid) as told:
            house.releases.declare(house.steward, PERSONS, roles, reason)
        assert told.value.reason == code
    with pytest.raises(BeijiangError) as nothing:
        house.releases.check(house.steward, PERSONS)
    assert nothing.value.reason == "nothing_offered"
    with pytest.raises(NotFound):
        house.releases.report(house.steward, PERSONS, "rel_x")


def test_a_list_of_firms_is_not_about_persons(house: House) -> None:
    house.write_firms(30)
    house.publish(FIRMS)
    reports = house.releases.reports(house.steward, FIRMS)
    assert {r.audience for r in reports} == {"open", "shared"}
    assert all(r.passed for r in reports)
    outcomes = {one.check: str(one.outcome) for one in reports[0].findings}
    assert outcomes["k"] == outcomes["l"] == outcomes["quasi"] == "not_applicable"
    assert outcomes["identifiers"] == "passed"
    before = len(reports)
    house.publish(FIRMS, summary="再次发布", open_type=OpenType.UNCONDITIONAL)
    assert len(house.releases.reports(house.steward, FIRMS)) == before, "exactly this was judged before"


def test_small_cells_of_an_aggregate(house: House) -> None:
    schema = pa.schema([("旗县", pa.string()), ("低保人数", pa.int64()), ("_bj_row", pa.int64())])
    rows = [{"旗县": f"旗{i}", "低保人数": n, "_bj_row": i} for i, n in enumerate((0, 3, 9, 10, 500))]
    house.write("低保统计", rows, schema)
    house.releases.declare(house.steward, "低保统计", {"低保人数": "count"}, "按旗县的人数")
    with pytest.raises(Conflict):
        house.publish("低保统计", share_type=ShareType.NOT_SHARED, no_share_basis="《某法》第一条")
    (report,) = house.releases.check(house.steward, "低保统计")
    (finding,) = report.failed
    assert (finding.check, finding.numbers, finding.limit) == ("cells", {"低保人数": 2}, 10)
    assert [one.numbers for one in report.findings if one.check == "effect"] == [{"grade": 4}]


def test_a_suppressed_cell_beside_a_total_is_no_secret(house: House) -> None:
    schema = pa.schema(
        [("旗县", pa.string()), ("性别", pa.string()), ("低保人数", pa.int64()), ("_bj_row", pa.int64())]
    )
    cells = [("甲旗", "男", None), ("甲旗", "女", 30), ("甲旗", "合计", 34), ("乙旗", "男", 40), ("乙旗", "女", 50), ("乙旗", "合计", 90)]  # fmt: skip
    rows = [{"旗县": a, "性别": b, "低保人数": n, "_bj_row": i} for i, (a, b, n) in enumerate(cells)]
    offer: dict[str, Any] = {"share_type": ShareType.NOT_SHARED, "no_share_basis": "《某法》第一条"}
    house.write("低保分布", rows, schema)
    house.releases.declare(house.steward, "低保分布", {"低保人数": "count", "性别": "plain"}, "按旗县和性别的人数")
    for column in ("性别", "旗县"):
        lowered(house.protection, house.steward, "低保分布", column, level="L1", kind="plain", reason="维度")
    with pytest.raises(Conflict):
        house.publish("低保分布", **offer)
    (report,) = house.releases.check(house.steward, "低保分布")
    assert [(one.check, one.numbers) for one in report.failed] == [("complement", {"低保人数": 1})]
    rows[1]["低保人数"] = None  # a second cell of the same line is suppressed too
    house.write("低保分布", rows, schema, mode=WriteMode.REPLACE)
    (report,) = house.releases.check(house.steward, "低保分布")
    assert report.passed


def test_a_report_is_sealed_and_the_department_hears_when_what_is_released_falls_below(house: House) -> None:
    from sqlalchemy import text

    from beijiang.ingest import AlertKind, Alerts

    house.releases.alerts = Alerts(house.db, house.access, house.evidence, house.clock)
    write(house, [person(i, 30 + i % 2, "甲乙丙"[i % 3]) for i in range(60)])
    as_plain(house, "疾病")
    house.publish(PERSONS, **OPEN)
    report = house.releases.reports(house.steward, PERSONS)[0]
    assert (report.passed, report.intact) == (True, True)
    (said,) = house.records(action="protection.release_check")
    assert said.detail["digest"] == report.digest
    assert house.releases.alerts.open() == {}
    house.releases.declare(
        house.steward,
        PERSONS,
        {"年龄": "quasi", "行政区划": "quasi", "疾病": "quasi", "备注": "sensitive"},
        "疾病可识别个人",
    )
    found = {one.check: one for one in house.releases.reports(house.steward, PERSONS)[0].findings}
    assert (found["k"].numbers["k"], found["k"].outcome, found["l"].outcome) == (10, "passed", "failed")
    assert found["t"].outcome == "noted"
    assert found["effect"].numbers == {"grade": 2}
    alert = house.releases.alerts.open()[AlertKind.RELEASE, PERSONS]
    assert "不再达标（l-多样性）" in alert.text.zh
    house.releases.declare(house.steward, PERSONS, {"年龄": "quasi", "行政区划": "quasi", "疾病": "sensitive"}, "更正")
    assert house.releases.alerts.open() == {}
    newest = house.releases.reports(house.steward, PERSONS)[0]
    measured = {one.check: one for one in newest.findings}
    assert (measured["t"].numbers, measured["effect"].numbers) == ({"疾病": 0}, {"grade": 3})
    with house.db.engine.begin() as connection:
        connection.execute(
            text("UPDATE release_report SET body = replace(body, '60', '61') WHERE id = :id"), {"id": newest.id}
        )
    assert house.releases.report(house.steward, PERSONS, newest.id).intact is False


def test_closeness_is_half_the_difference_of_shares(house: House) -> None:
    write(house, [person(i, 30 if i < 30 else 50, "甲" if i < 30 or i % 2 else "乙") for i in range(60)])
    as_plain(house, "疾病")
    house.releases.declare(house.steward, PERSONS, {"年龄": "quasi", "疾病": "sensitive"}, "按 GB/T 37964 识别")
    with pytest.raises(Conflict):
        house.publish(PERSONS, **OPEN)
    checks = found(house)
    assert checks["t"].numbers == {"疾病": 250}, "甲 has 45 of 60 in all, 30 of 30 in one class"
    assert checks["l"].outcome == "failed"
