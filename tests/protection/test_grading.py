"""Detectors find what they name, masks hold for dirt, corrections are people's and are recorded."""

from __future__ import annotations

import re
import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from beijiang.kit import ANONYMOUS, Denied, Invalid, NotFound, Refused
from beijiang.protection.models.masks import MASKS, Masker
from beijiang.protection.models.output import _long_numbers, holds_identity, refuse_identifiers
from beijiang.protection.models.reference import handling, kinds, name_patterns
from beijiang.tables import Aggregate, Exit, Filter, FilterOp, GroupBy, Measure, MeasureFn, Sort

if TYPE_CHECKING:
    from conftest import House

PLACES = ["内蒙古自治区", "呼和浩特市", "新城区", "赛罕区", "包头市"]


def table_of(house: House, name: str, columns: dict[str, list[Any]], kind: pa.DataType | None = None) -> dict[str, Any]:
    count = len(next(iter(columns.values())))
    schema = pa.schema([(c, kind or pa.string()) for c in columns] + [("_bj_row", pa.int64())])
    rows = [{**{c: v[i] for c, v in columns.items()}, "_bj_row": i} for i in range(count)]
    house.write(name, rows, schema)
    return {g.column: g for g in house.protection.grades(house.steward, name)}


def masked(mask: str, value: str | None) -> str | None:
    shown, word = Masker(PLACES).apply(mask, exp.column("v"), "text")
    assert word == "text"
    query = exp.select(shown).from_(exp.values([(exp.convert(value),)], alias="t", columns=["v"]))
    found = duckdb.connect().execute(query.sql("duckdb")).fetchall()
    return None if found[0][0] is None else str(found[0][0])


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("name", "张三丰", "张**"),
        ("identity", "11010519491231002X", "110105********002X"),
        ("phone", "13812348000", "138****8000"),
        ("card", "6222021234561234", "************1234"),
        ("address", "呼和浩特市新城区某某街1号", "呼和浩特市新城区***"),
        ("address", "内蒙古自治区包头市某小区3号楼", "内蒙古自治区包头市***"),
        ("address", "北京市海淀区某街", "***"),
        ("email", "zhang@example.cn", "z***@example.cn"),
        ("plate", "蒙A12345", "蒙A1234*"),
        ("sole_trader", "92150102MA0N00016G", "921501********016G"),
        ("sole_trader", "91150102MA0N00016G", "91150102MA0N00016G"),
        ("sole_trader", "11010519491231002X", "110105********002X"),
        ("year", "1949年12月31日", "1949"),
        ("year", "19491231", "1949"),
        ("round", "111.123456", "111.12"),
        ("full", "任何", "****"),
        # Dirt: what has not the shape of its kind is hidden whole.
        ("identity", "1101051949", "****"),
        ("identity", "张三 11010519491231002X", "****"),
        ("phone", "张三 13812348000", "****"),
        ("card", "622202", "****"),
        ("email", "a@b.cn 13812348000", "****"),
        ("email", "无", "****"),
        ("plate", "蒙A12345 张三", "****"),
        ("name", "王", "****"),
        ("year", "不详", "****"),
        ("round", "东经111度", "****"),
    ],
)
def test_default_masks(mask: str, value: str, shown: str) -> None:
    assert masked(mask, value) == shown
    assert masked(mask, None) in {None, "***"}


@pytest.mark.threat("TM-01")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    mask=st.sampled_from(sorted(set(MASKS) - {"sole_trader", "year", "round"})),
    value=st.one_of(
        st.text(alphabet="0123456789Xx王张三丰 -·@.A蒙号街新城区", min_size=1, max_size=40),
        st.text(min_size=1, max_size=30),
    ).filter(lambda text: "\x00" not in text and text.strip("*") != ""),
)
def test_no_mask_ever_returns_the_value(mask: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    assert masked(mask, value) != value or "*" in value, "what is starred already, such as 王*, is its own mask"


def test_every_kind_has_a_mask_and_every_level_a_treatment() -> None:
    known = {*MASKS, "null", "address"}
    assert {kind.mask for kind in kinds().values()} <= known
    assert {kind for kind, _ in name_patterns()} <= set(kinds())
    for audience in ("open", "shared", "review", "own", "platform"):
        assert all((audience, level, "*") in handling() for level in ("L1", "L2", "L3", "L4"))
        assert handling()[audience, "L4", "*"] == "withheld"


def test_values_speak_when_the_name_does_not(house: House) -> None:
    people = house.people(200)
    found = table_of(
        house,
        "无名列",
        {
            "甲": [r["公民身份号码"] for r in people],
            "乙": [r["联系电话"] for r in people],
            "丙": [r["银行卡号"] for r in people],
            "丁": [r["姓名"] for r in people],
            "戊": [f"备注：联系 {r['公民身份号码']} 办理" if i == 150 else "无" for i, r in enumerate(people)],
            "己": [f"u{i}@example.cn" for i in range(200)],
            "庚": [f"蒙A{i:05d}" for i in range(200)],
            "辛": [f"{i:018d}" for i in range(200)],
            "壬": [f"呼和浩特市新城区东街{i}号" for i in range(200)],
            "癸": ["包头市", "黄河镇", "金山县", "白云区"] * 50,
        },
    )
    kinds_found = {column: grade.kind for column, grade in found.items()}
    assert kinds_found == {
        "甲": "citizen_id",
        "乙": "mobile",
        "丙": "bank_card",
        "丁": "person_name",
        "戊": "embedded_identifier",
        "己": "email",
        "庚": "plate",
        "辛": "plain",
        "壬": "home_address",
        "癸": "plain",
    }
    evidence = found["甲"].evidence
    assert (evidence.rows, evidence.hits, evidence.valid, evidence.by_name, evidence.sampled) == (
        200,
        200,
        200,
        False,
        False,
    )


def test_wrong_check_digits_and_letters_are_told_apart(house: House) -> None:
    codes = [r["统一社会信用代码"] for r in house.firms(100, 1) if r["统一社会信用代码"].startswith("91")]
    broken = [c[:-1] + ("A" if c[-1] != "A" else "B") for c in codes]
    found = table_of(house, "代码", {"一": codes, "二": broken})
    assert (found["一"].kind, found["一"].level) == ("uscc", "L1")
    assert found["一"].evidence.valid_share == 1.0
    assert found["二"].kind == "plain"


def test_a_table_about_persons_makes_attributes_personal(house: House) -> None:
    person = {
        "姓名": ["王伟", "李芳"],
        "民族": ["蒙古族", "汉族"],
        "性别": ["男", "女"],
        "疾病": ["甲", "乙"],
        "地址": ["x", "y"],
    }
    found = table_of(house, "患者", person)
    assert {c: str(g.level) for c, g in found.items()} == {
        "姓名": "L2",
        "民族": "L3",
        "性别": "L2",
        "疾病": "L4",
        "地址": "L3",
    }
    found = table_of(
        house, "统计", {"盟市": ["甲", "乙"], "民族": ["蒙古族", "汉族"], "性别": ["男", "女"], "地址": ["x", "y"]}
    )
    assert {str(g.level) for g in found.values()} == {"L1"}


def test_stations_stay_open_and_persons_places_do_not(house: House) -> None:
    columns = {"站点名称": ["a", "b"], "经度": ["111.1", "112.2"], "纬度": ["40.1", "41.2"]}
    assert {g.kind for g in table_of(house, "空气站", columns).values()} == {"plain", "coordinates"}
    columns = {"姓名": ["王伟", "李芳"], "经度": ["111.1", "112.2"]}
    assert table_of(house, "定位", columns)["经度"].level == "L4"


def test_mongolian_names_are_names(house: House) -> None:
    names = [
        "乌云其其格",
        "巴特尔",
        "娜仁图雅",
        "苏和",
        "阿拉坦乌拉",
        "孟和巴图",
        "斯琴高娃",
        "萨仁",
        "毕力格图",
        "格日勒",
    ]
    found = table_of(house, "名单", {"甲": [n + s for n in names for s in ("", "·巴雅尔", "·图雅")]})
    assert found["甲"].kind == "person_name"


def test_a_correction_needs_right_reason_and_floor(house: House) -> None:
    house.write_people(30)
    protection, table = house.protection, "人口库"
    with pytest.raises(Denied):
        protection.correct(house.analyst_own, table, "状态", level="L3")
    for actor in (ANONYMOUS, house.stranger, house.member):
        with pytest.raises((NotFound, Denied, Exception)) as refused:
            protection.correct(actor, table, "状态", level="L3")
        assert refused.value.status in {401, 403, 404}
    for words, reason in (
        ({"level": "L2"}, "below_floor"),
        ({"kind": "plain"}, "reason_needed"),
        ({"kind": "什么"}, "unknown_kind"),
        ({"level": "L9"}, "unknown_level"),
    ):
        with pytest.raises(Invalid) as told:
            protection.correct(house.steward, table, "公民身份号码", **words)
        assert told.value.reason == reason
    raised = protection.correct(house.steward, table, "状态", level="L3").grade
    assert (raised.level, raised.source, raised.revision) == ("L3", "corrected", 2)
    weaker = protection.correct(house.steward, table, "联系电话", kind="plain", reason="是登记编号")
    assert (weaker.grade.kind, weaker.grade.level) == ("mobile", "L3"), "one person lowers nothing"
    assert weaker.lowering is not None
    protection.decide_lowering(house.reviewer, weaker.lowering.id, agree=True)
    history = protection.history(house.steward, table, "联系电话")
    assert [g.kind for g in history] == ["mobile", "plain"]
    assert history[-1].reason == "是登记编号"
    house.evidence.flush()
    assert [r.target for r in house.records(action="protection.correct")] == [table]
    assert [r.target for r in house.records(action="protection.lower")] == [table]
    row = house.gate.open(house.steward, table, "", Exit.PAGE).page(limit=1).rows.to_pylist()[0]
    assert row["状态"] == "****"
    assert row["联系电话"] == house.people(1)[0]["联系电话"]


def test_a_stricter_finding_overrules_a_correction_and_nothing_falls_by_itself(house: House) -> None:
    house.write("表", [{"甲": f"编号{i}", "_bj_row": i} for i in range(30)], SMALL)
    house.protection.correct(house.steward, "表", "甲", level="L2", reason="谨慎")
    house.write("表", [{"甲": f"编号{i}", "_bj_row": i} for i in range(30)], SMALL)
    grade = house.protection.grades(house.steward, "表")[0]
    assert (grade.level, grade.source) == ("L2", "corrected")
    house.write("表", [{"甲": r["公民身份号码"], "_bj_row": i} for i, r in enumerate(house.people(60))], SMALL)
    grade = house.protection.grades(house.steward, "表")[0]
    assert (grade.level, grade.kind, grade.source) == ("L3", "citizen_id", "detected")


SMALL = pa.schema([("甲", pa.string()), ("_bj_row", pa.int64())])


def test_the_catalog_learns_the_grades(house: House) -> None:
    house.write_people(30)
    resource = house.catalog.resource_for_table("人口库")
    assert resource is not None
    assert {c: str(g.level) for c, g in resource.grades.items()}["银行卡号"] == "L4"
    assert not resource.entry.open_items & {"公民身份号码", "银行卡号", "联系电话"}


def test_handling_an_event_twice_changes_nothing(house: House) -> None:
    house.write_people(30)
    before = house.protection.grades(house.steward, "人口库")
    house.protection.on_table_written(house.last_event)
    assert house.protection.grades(house.steward, "人口库") == before


@pytest.mark.threat("TM-01")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_hidden_value_appears_whatever_is_asked(released: House, data: st.DataObject) -> None:
    """Canary rows: raw values of masked, withheld and filtered cells never appear in any output."""
    house = released
    actor = data.draw(st.sampled_from([ANONYMOUS, house.analyst, house.reviewer]))
    hidden = {r["法定代表人"] for r in house.firms(60)} | {r["法定代表人证件号码"] for r in house.firms(60)}
    hidden |= {"canary金丝雀有限公司"}
    governed = house.gate.open(actor, "企业登记信息", "", Exit.ROW_API)
    names = [c.name for c in governed.columns]
    column = data.draw(st.sampled_from(names))
    op = data.draw(
        st.sampled_from(
            [FilterOp.EQ, FilterOp.CONTAINS, FilterOp.GTE, FilterOp.NE, FilterOp.NOTNULL, FilterOp.STARTSWITH]
        )
    )
    value = data.draw(st.sampled_from([*sorted(hidden)[:5], "王", "1", "2001-01-01", "王**"]))
    filters = data.draw(st.sampled_from([(), (Filter(column, op, value),)]))
    sort = data.draw(st.sampled_from([None, Sort(column), Sort(column, descending=True)]))
    outputs: list[str] = []
    try:
        page = governed.page(filters=filters, sort=sort, limit=data.draw(st.integers(1, 100)))
        outputs.append(str(page.rows.to_pylist()))
        if page.next:
            outputs.append(str(governed.page(filters=filters, sort=sort, after=page.next).rows.to_pylist()))
        measure = Measure(data.draw(st.sampled_from([MeasureFn.MIN, MeasureFn.MAX, MeasureFn.COUNT])), column)
        outputs.append(
            str(
                governed.aggregate(
                    Aggregate(group=(GroupBy(column),), measures=(measure,), filters=filters)
                ).to_pylist()
            )
        )
        outputs += [str(batch.to_pylist()) for batch in governed.batches(filters)]
    except Invalid as error:
        outputs.append(str(error.text).replace(value, ""))
    assert not [secret for secret in hidden for output in outputs if secret in output]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Any:
    house = request.getfixturevalue("make_house")(tmp_path_factory.mktemp("released"))
    canary = {**house.firms(1)[0], "企业名称": "canary金丝雀有限公司", "盟市": "保密", "成立日期": date(2001, 1, 1)}
    house.write("企业登记信息", [*house.firms(60), canary], house.FIRMS)
    house.protection.restrict(
        house.steward, "企业登记信息", [Filter("企业名称", FilterOp.STARTSWITH, "内蒙古")], reason="其余保密"
    )
    house.publish("企业登记信息")
    yield house
    house.close()


def test_identity_numbers_are_recognised_inside_text() -> None:
    assert holds_identity("号码 11010519491231002X。")
    assert not holds_identity("110105194912310021")
    assert not holds_identity("A11010519491231002X")
    assert not holds_identity("150102199002301234")


def test_the_quick_look_for_long_numbers_never_misses_one() -> None:
    number = "150102195001011234"
    texts = [
        None,
        "",
        "短",
        "1381234567890123",
        f"前{number}",
        f"{number}后",
        f"x{number[:-1]}X",
        "a" * 40,
        "1" * 17 + "字",
    ]
    for pad in range(9):
        for text in texts:
            values = pa.array(["字" * pad, text, None, "0471-1234567"])
            for view in (values, values.slice(1, 2), pa.chunked_array([values.slice(0, 1), values.slice(1)])):
                held = any(re.search("[0-9]{17}", one or "") for one in view.to_pylist())
                assert _long_numbers(view) or not held
    assert not _long_numbers(pa.array(["13812345678", "内蒙古第12345号", None] * 5))
    assert not _long_numbers(pa.array([], pa.string()))


def test_an_identity_number_is_found_in_a_part_of_any_shape() -> None:
    number = next(one for one in (f"1501021950010112{n:02d}" for n in range(100)) if holds_identity(one))
    rows = pa.table({"说明": pa.chunked_array([["无"], ["", f"证件{number}。", None]])})
    with pytest.raises(Refused) as told:
        refuse_identifiers(rows, ["说明"])
    assert number not in str(told.value)
    refuse_identifiers(rows.slice(0, 2), ["说明"])


def test_a_version_that_is_graded_late_does_not_take_readers_back(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two versions are graded side by side, each by the thread that told of it; the older one ends last."""
    table_of(house, "并行", {"v": ["a"]})
    surveyor = type(house.protection._surveyor)
    look, later = surveyor.look, threading.Thread(target=table_of, args=(house, "并行", {"v": ["a", "b", "c"]}))

    def look_while_another_writes(self: Any, snapshot: Any, event: Any, before: Any) -> Any:
        if event.version == 2:
            later.start()
            later.join()
        return look(self, snapshot, event, before)

    monkeypatch.setattr(surveyor, "look", look_while_another_writes)
    table_of(house, "并行", {"v": ["a", "b"]})
    facts = house.protection.facts("并行")
    assert facts is not None
    assert facts.version == 3
    assert "tried again" not in caplog.text
    rows = house.gate.open(house.steward, "并行", "test", Exit.PAGE).batches()
    assert sum(batch.num_rows for batch in rows) == 1 + 2 + 3
