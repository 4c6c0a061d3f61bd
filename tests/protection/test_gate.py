"""What each reader gets to see, and what nobody does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from beijiang.catalog import OpenType, ShareType
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, Denied, Invalid, NotFound, Refused
from beijiang.protection import Audience
from beijiang.tables import (
    Aggregate,
    DateUnit,
    Exit,
    Filter,
    FilterOp,
    GroupBy,
    Measure,
    MeasureFn,
    Sort,
    WriteMode,
)

if TYPE_CHECKING:
    from conftest import House

FIRMS, PEOPLE = "企业登记信息", "人口库"


def values(rows: pa.Table) -> set[Any]:
    return {value for name in rows.column_names for value in rows.column(name).to_pylist()}


@pytest.mark.threat("TM-01")
def test_a_visitor_gets_the_released_table_masked(house: House) -> None:
    house.write_firms(50)
    house.publish(FIRMS)
    governed = house.gate.open(ANONYMOUS, FIRMS, "", Exit.ROW_API)
    assert governed.withheld == ("法定代表人证件号码",)
    assert "_bj_row" not in {c.name for c in governed.columns}
    seen = values(governed.page(limit=100).rows)
    for row in house.firms(50):
        assert row["法定代表人"] not in seen
        assert row["法定代表人证件号码"] not in seen
        is_sole_trader = row["统一社会信用代码"].startswith("92")
        assert (row["统一社会信用代码"] in seen) is not is_sole_trader
        assert row["企业名称"] in seen
    name = next(c for c in governed.columns if c.name == "法定代表人")
    assert (name.grade, name.kind, name.masked, name.mask) == ("L2", "legal_representative", True, "name")


@pytest.mark.threat("TM-07")
def test_unknown_unreleased_and_forbidden_answer_alike(house: House) -> None:
    house.write_people(30)
    answers = []
    for actor in (
        ANONYMOUS,
        house.member,
        house.analyst,
        house.stranger,
        house.system_admin,
        house.security,
        house.audit,
    ):
        for table in (PEOPLE, "没有的表"):
            with pytest.raises(NotFound) as told:
                house.gate.open(actor, table, "", Exit.PAGE)
            answers.append(
                (told.value.reason, told.value.status, str(told.value).replace(table, "T"), told.value.detail)
            )
    assert len({repr(answer) for answer in answers}) == 1


@pytest.mark.threat("TM-13")
def test_administrators_see_what_any_visitor_sees_and_no_more(house: House) -> None:
    house.write_firms(30)
    house.publish(FIRMS)
    visitor = house.gate.open(ANONYMOUS, FIRMS, "", Exit.PAGE)
    for admin in (house.system_admin, house.security, house.audit):
        assert house.gate.open(admin, FIRMS, "", Exit.PAGE).columns == visitor.columns


def test_the_owner_reads_its_own_rows_with_high_grades_masked(house: House) -> None:
    house.write_people(30)
    governed = house.gate.open(house.steward, PEOPLE, "核对", Exit.PAGE)
    first = governed.page(limit=1).rows.to_pylist()[0]
    assert first["姓名"] == house.people(1)[0]["姓名"]
    assert (
        first["公民身份号码"]
        == house.people(1)[0]["公民身份号码"][:6] + "********" + house.people(1)[0]["公民身份号码"][-4:]
    )
    assert first["户籍地址"] == "内蒙古自治区呼和浩特市新城区***"
    assert first["联系电话"] == "138****0000"
    assert governed.withheld == ("银行卡号",)


def test_a_reviewer_sees_masks_on_everything_personal(house: House) -> None:
    house.write_people(30)
    first = house.gate.open(house.reviewer, PEOPLE, "审核", Exit.PREVIEW).page(limit=1).rows.to_pylist()[0]
    assert first["姓名"] == "王**"
    assert first["出生日期"] == 1950


@pytest.mark.parametrize("share", [ShareType.UNCONDITIONAL, ShareType.NOT_SHARED])
def test_another_department_gets_what_is_shared_without_condition(house: House, share: ShareType) -> None:
    house.write_firms(30)
    words = {"no_share_basis": "《某法》第一条"} if share is ShareType.NOT_SHARED else {}
    house.publish(FIRMS, share_type=share, open_type=OpenType.NOT_OPEN, open_condition="涉及个人", **words)
    with pytest.raises(NotFound):
        house.gate.open(ANONYMOUS, FIRMS, "", Exit.PAGE)
    if share is ShareType.NOT_SHARED:
        with pytest.raises(NotFound):
            house.gate.open(house.analyst, FIRMS, "", Exit.PAGE)
    else:
        governed = house.gate.open(house.analyst, FIRMS, "统计", Exit.PAGE)
        assert "法定代表人证件号码" in governed.withheld
        assert governed.page(limit=2).rows.column("法定代表人").to_pylist() == ["王**", "李**"]


def test_columns_that_are_not_open_stay_out(house: House) -> None:
    house.write_firms(30)
    house.publish(FIRMS, open_items=("企业名称", "盟市"))
    governed = house.gate.open(ANONYMOUS, FIRMS, "", Exit.DOWNLOAD)
    assert [c.name for c in governed.columns] == ["企业名称", "盟市"]
    for refused in ("统一社会信用代码", "没有这一列", "_bj_row", "法定代表人证件号码"):
        with pytest.raises(Invalid) as told:
            governed.page(filters=[Filter(refused, FilterOp.EQ, "1")])
        assert told.value.reason == "unknown_column"
        assert set(told.value.detail["near"]) <= {"企业名称", "盟市"}  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        governed.page(sort=Sort("统一社会信用代码"))
    with pytest.raises(Invalid):
        governed.aggregate(Aggregate(group=(GroupBy("统一社会信用代码"),)))
    with pytest.raises(Invalid):
        governed.batches(columns=["统一社会信用代码"])


@pytest.mark.threat("TM-02")
def test_a_withdrawal_holds_at_the_next_access_and_inside_a_stream(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write_firms(30)
    resource = house.publish(FIRMS)
    stream = house.gate.open(ANONYMOUS, FIRMS, "", Exit.DOWNLOAD).batches()
    monkeypatch.setattr("beijiang.protection.models.rechecks.BYTES", 1)
    house.catalog.withdraw(house.publisher, resource.id, "需要更正")
    with pytest.raises(Denied) as told:
        next(stream)
    assert told.value.reason == "access_ended"
    with pytest.raises(NotFound):
        house.gate.open(ANONYMOUS, FIRMS, "", Exit.PAGE)


def test_visitors_stay_on_the_released_version_until_a_graded_one_is_no_stricter(house: House) -> None:
    house.write_firms(30)
    house.publish(FIRMS)
    house.write(FIRMS, house.firms(30, 30), house.FIRMS)
    assert house.gate.open(ANONYMOUS, FIRMS, "", Exit.PAGE).version == 2
    with pytest.raises(NotFound):
        house.gate.open(ANONYMOUS, FIRMS, "", Exit.PAGE, version=1)
    assert house.gate.open(house.steward, FIRMS, "", Exit.PAGE, version=1).count() == 30
    hidden = [{**row, "企业名称": f"{row['法定代表人证件号码']}"} for row in house.firms(30, 60)]
    house.write(FIRMS, hidden, house.FIRMS)
    governed = house.gate.open(ANONYMOUS, FIRMS, "", Exit.PAGE)
    assert governed.version == 2
    assert "企业名称" in governed.withheld


def test_a_version_that_nobody_graded_is_served_to_nobody(house: House) -> None:
    house.write_firms(30)
    house.db._subscriptions._all.clear()  # the grading of the next version is late
    house.write(FIRMS, house.firms(30, 30), house.FIRMS)
    assert house.lake.snapshot(FIRMS).version == 2
    assert house.gate.open(house.steward, FIRMS, "", Exit.PAGE).version == 1
    with pytest.raises(NotFound):
        house.gate.open(house.steward, FIRMS, "", Exit.PAGE, version=2)


@pytest.mark.threat("TM-01")
def test_filters_sorts_and_groups_act_on_the_mask(house: House) -> None:
    house.write_firms(60)
    house.publish(FIRMS)
    governed = house.gate.open(ANONYMOUS, FIRMS, "", Exit.ROW_API)
    real = house.firms(60)[3]["法定代表人"]
    assert governed.count([Filter("法定代表人", FilterOp.EQ, real)]) == 0
    assert governed.count([Filter("法定代表人", FilterOp.CONTAINS, real[1:])]) == 0
    assert governed.count([Filter("法定代表人", FilterOp.EQ, real[0] + "**")]) == 6
    grouped = governed.aggregate(
        Aggregate(group=(GroupBy("法定代表人"),), measures=(Measure(MeasureFn.MIN, "法定代表人"),))
    )
    assert all(name.endswith("**") for name in grouped.column(0).to_pylist())
    assert values(governed.page(sort=Sort("法定代表人")).rows) & {row["法定代表人"] for row in house.firms(60)} == set()


@pytest.mark.parametrize(
    "sort",
    [
        None,
        Sort("注册资本"),
        Sort("注册资本", descending=True),
        Sort("盟市"),
        Sort("成立日期", descending=True),
        Sort("统一社会信用代码"),
    ],
)
def test_pages_join_to_the_whole_without_loss_or_repeat(house: House, sort: Sort | None) -> None:
    house.write_firms(100)
    house.write(FIRMS, house.firms(53, 100), house.FIRMS)
    governed = house.gate.open(house.steward, FIRMS, "", Exit.ROW_API)
    rows: list[dict[str, Any]] = []
    after = None
    while True:
        page = governed.page(sort=sort, after=after, limit=7)
        rows += page.rows.to_pylist()
        after = page.next
        if after is None:
            break
    assert sorted(r["统一社会信用代码"] for r in rows) == sorted(r["统一社会信用代码"] for r in house.firms(153))
    if sort is not None:
        keys = [r[sort.column] for r in rows]
        filled = [k for k in keys if k is not None]
        assert filled == sorted(filled, reverse=sort.descending)
        assert keys[: len(filled)] == filled


@pytest.mark.threat("TM-12")
def test_a_page_token_serves_no_other_question(house: House) -> None:
    house.write_firms(60)
    house.write_firms(60, table="另一张企业表")
    for table in (FIRMS, "另一张企业表"):
        house.publish(table)
    governed = house.gate.open(ANONYMOUS, FIRMS, "", Exit.ROW_API)
    token = governed.page(limit=5).next
    assert token is not None
    assert governed.page(limit=5, after=token).rows.num_rows == 5
    others: list[tuple[Actor, str, dict[str, Any]]] = [
        (ANONYMOUS, "另一张企业表", {}),
        (house.steward, FIRMS, {}),
        (ANONYMOUS, FIRMS, {"sort": Sort("盟市")}),
        (ANONYMOUS, FIRMS, {"filters": [Filter("盟市", FilterOp.EQ, "包头市")]}),
    ]
    for actor, table, words in others:
        with pytest.raises(Invalid) as told:
            house.gate.open(actor, table, "", Exit.ROW_API).page(after=token, **words)
        assert told.value.reason == "page_token"
    for broken in (
        "",
        "x",
        token[:-2],
        token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
        "中文",
        "A" * 9000,
    ):
        with pytest.raises(Invalid) as told:
            governed.page(after=broken)
        assert told.value.reason == "page_token"


OPERATORS = [
    ("注册资本", FilterOp.GT, "50", lambda r: r["注册资本"] is not None and r["注册资本"] > 50),
    ("注册资本", FilterOp.LTE, 20.0, lambda r: r["注册资本"] is not None and r["注册资本"] <= 20),
    ("盟市", FilterOp.ISNULL, None, lambda r: r["盟市"] is None),
    ("盟市", FilterOp.NOTNULL, None, lambda r: r["盟市"] is not None),
    ("盟市", FilterOp.NE, "包头市", lambda r: r["盟市"] not in {None, "包头市"}),
    ("盟市", FilterOp.IN_, "包头市,赤峰市", lambda r: r["盟市"] in {"包头市", "赤峰市"}),
    ("盟市", FilterOp.NOTIN, ["包头市", "赤峰市"], lambda r: r["盟市"] not in {None, "包头市", "赤峰市"}),
    ("企业名称", FilterOp.CONTAINS, "第1", lambda r: "第1" in r["企业名称"]),
    ("企业名称", FilterOp.STARTSWITH, "内蒙古第2", lambda r: r["企业名称"].startswith("内蒙古第2")),
    ("企业名称", FilterOp.ENDSWITH, "公司", lambda _: True),
    ("企业名称", FilterOp.CONTAINS, "%", lambda _: False),
    ("企业名称", FilterOp.EQ, "' OR 1=1 --", lambda _: False),
    ("成立日期", FilterOp.GTE, "2010-01-01", lambda r: r["成立日期"].year >= 2010),
    ("成立日期", FilterOp.LT, "2003/5/1".replace("/5/1", "-05-01"), lambda r: r["成立日期"].isoformat() < "2003-05-01"),
]


@pytest.mark.parametrize(("column", "op", "value", "keeps"), OPERATORS)
def test_each_operator_means_what_it_says(house: House, column: str, op: FilterOp, value: Any, keeps: Any) -> None:
    house.write_firms(100)
    governed = house.gate.open(house.steward, FIRMS, "", Exit.ROW_API)
    expected = [r["企业名称"] for r in house.firms(100) if keeps(r)]
    conditions = [Filter(column, op, value)]
    assert governed.count(conditions) == len(expected)
    assert governed.page(filters=conditions, limit=500).rows.column("企业名称").to_pylist() == expected


@pytest.mark.parametrize(
    ("column", "op", "value"),
    [
        ("注册资本", FilterOp.GT, "很多"),
        ("注册资本", FilterOp.CONTAINS, "1"),
        ("成立日期", FilterOp.EQ, "2020-13-45"),
        ("企业名称", FilterOp.EQ, "a\x00b"),
        ("企业名称", FilterOp.IN_, []),
        ("企业名称", FilterOp.IN_, ["x"] * 5000),
        ("企业名称", FilterOp.EQ, "x" * 3000),
        ("注册资本", FilterOp.EQ, "1e999999999"),
        ("注册资本", FilterOp.EQ, None),
    ],
)
def test_a_value_that_does_not_fit_is_refused_without_being_repeated(
    house: House, column: str, op: FilterOp, value: Any
) -> None:
    house.write_firms(10)
    governed = house.gate.open(house.steward, FIRMS, "", Exit.ROW_API)
    with pytest.raises(Invalid) as told:
        governed.page(filters=[Filter(column, op, value)])
    assert told.value.reason == "filter_value"
    assert column in str(told.value)


def test_dates_group_by_year_and_measures_compute(house: House) -> None:
    house.write_firms(100)
    governed = house.gate.open(house.steward, FIRMS, "", Exit.CHART)
    spec = Aggregate(
        group=(GroupBy("成立日期", DateUnit.YEAR),),
        measures=(Measure(MeasureFn.COUNT), Measure(MeasureFn.SUM, "注册资本"), Measure(MeasureFn.MAX, "企业名称")),
        order=((0, False),),
    )
    rows = governed.aggregate(spec).to_pylist()
    assert [row["成立日期"].year for row in rows] == list(range(2000, 2025))
    assert sum(row["count"] for row in rows) == 100
    assert sum(row["sum_注册资本"] for row in rows) == sum(r["注册资本"] or 0 for r in house.firms(100))
    with pytest.raises(Invalid):
        governed.aggregate(Aggregate(measures=(Measure(MeasureFn.SUM, "企业名称"),)))
    with pytest.raises(Invalid):
        governed.aggregate(Aggregate(group=(GroupBy("盟市", DateUnit.YEAR),)))


@pytest.mark.threat("TM-04")
def test_a_literal_row_rule_hides_rows_from_every_form_of_reading(house: House) -> None:
    house.write_people(90)
    shown = [Filter("状态", FilterOp.EQ, "公开")]
    rule = house.protection.restrict(house.steward, PEOPLE, shown, audience=Audience.OWN, reason="只看公开的")
    governed = house.gate.open(house.steward, PEOPLE, "", Exit.ROW_API)
    assert governed.count() == 60
    assert governed.count([Filter("状态", FilterOp.EQ, "保密")]) == 0
    assert set(governed.page(limit=500).rows.column("状态").to_pylist()) == {"公开"}
    assert sum(batch.num_rows for batch in governed.batches()) == 60
    grouped = governed.aggregate(Aggregate(group=(GroupBy("状态"),)))
    assert grouped.to_pylist() == [{"状态": "公开", "count": 60}]
    assert house.sql.run(house.steward, f"SELECT count(*) FROM {PEOPLE}").rows.to_pylist() == [{"count_star()": 60}]
    assert house.gate.open(house.reviewer, PEOPLE, "", Exit.PAGE).count() == 90
    house.protection.lift(house.steward, rule.id, "不再需要")
    assert house.gate.open(house.steward, PEOPLE, "", Exit.ROW_API).count() == 90
    with pytest.raises(NotFound):
        house.protection.restrict(house.stranger, PEOPLE, shown, reason="x")


def test_exits_cap_what_they_hand_over(house: House) -> None:
    house.write_firms(400)
    preview = house.gate.open(house.steward, FIRMS, "", Exit.PREVIEW)
    page = preview.page(limit=5000)
    assert (page.rows.num_rows, page.next) == (100, None)
    assert sum(batch.num_rows for batch in preview.batches()) == 100
    assert house.gate.open(house.steward, FIRMS, "", Exit.DOWNLOAD).page(limit=5000).rows.num_rows == 400


@pytest.mark.threat("TM-17")
def test_every_access_and_refusal_leaves_a_record_before_the_first_row(house: House) -> None:
    house.write_firms(30)
    house.publish(FIRMS)
    governed = house.gate.open(ANONYMOUS, FIRMS, "看看", Exit.ROW_API)
    opened = house.evidence.find(governed.receipt)
    assert opened is not None
    assert (opened.target, opened.decision, opened.purpose) == (FIRMS, "allow", "看看")
    governed.page(limit=10)
    with pytest.raises(NotFound):
        house.gate.open(ANONYMOUS, "秘密表", "打听", Exit.PAGE)
    house.evidence.flush()
    records = house.records(limit=100)
    closed = [r for r in records if r.action == "read.close"]
    denied = [r for r in records if r.decision == "deny"]
    assert [r.target for r in denied] == ["秘密表"]
    assert len(closed) == 1
    assert house.evidence.check().ok


@pytest.mark.threat("TM-32")
def test_an_identity_number_in_a_column_thought_harmless_stops_the_answer(house: House) -> None:
    house.write_firms(30)
    house.publish(FIRMS)
    smuggled = [{**row, "盟市": row["法定代表人证件号码"]} for row in house.firms(3, 30)]
    house.db._subscriptions._all[:] = [s for s in house.db._subscriptions._all if s.name != "protection"]
    house.write(FIRMS, smuggled, house.FIRMS)
    with house.db.begin() as tx:  # as if the detectors had missed it in a sample
        from beijiang.protection.store import GradeStore

        facts = house.protection.facts(FIRMS)
        assert facts is not None
        GradeStore(tx.connection).note_table(replace(facts, version=2), house.clock.now() + timedelta(seconds=1))
    assert not house.catalog.advance_release(FIRMS, 2), "the release check looks at what would go out"
    house.catalog.release_checks = ()  # and as if it had missed it too
    assert house.catalog.advance_release(FIRMS, 2)
    governed = house.gate.open(ANONYMOUS, FIRMS, "", Exit.DOWNLOAD)
    assert governed.version == 2
    for read in (
        lambda: governed.page(limit=100),
        lambda: list(governed.batches()),
        lambda: governed.aggregate(Aggregate(group=(GroupBy("盟市"),))),
        lambda: house.sql.run(house.analyst, f"SELECT 盟市 FROM {FIRMS}"),
        lambda: house.sql.run(house.analyst, f"SELECT t FROM {FIRMS} t"),
    ):
        with pytest.raises(Refused) as told:
            read()
        assert told.value.reason == "identifier_found"
        assert not any(row["盟市"] in str(told.value) for row in smuggled)


def test_the_platform_reads_for_itself_without_the_highest_grade(house: House) -> None:
    house.write_people(10)
    governed = house.gate.open(SYSTEM, PEOPLE, "自检", Exit.PAGE)
    assert governed.withheld == ("银行卡号",)
    assert governed.count() == 10


def test_replacing_a_table_never_lowers_a_grade_by_itself(house: House) -> None:
    house.write_people(30)
    clean = [{**row, "银行卡号": f"第{i}号"} for i, row in enumerate(house.people(30))]
    house.write(PEOPLE, clean, house.lake.snapshot(PEOPLE).schema, mode=WriteMode.REPLACE)
    assert house.gate.open(house.steward, PEOPLE, "", Exit.PAGE).withheld == ("银行卡号",)
