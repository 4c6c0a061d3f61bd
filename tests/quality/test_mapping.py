"""Columns and data elements: suggestions with their reasons, decisions, the rules that follow, conformity."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Denied, Invalid, NotFound, Text
from beijiang.quality import ColumnView, Kind, Mappings
from beijiang.quality.models.mapping import by_words
from beijiang.standards import Action, Change, DataElement

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import GOOD_CODES, Bureau

T = "社会组织登记"
SCHEMA = pa.schema(
    [
        pa.field("统一社会信用代码", pa.string()),
        pa.field("xm", pa.string()),
        pa.field("性别", pa.string()),
        pa.field("dwbm", pa.string()),
        pa.field("出生日期", pa.string()),
        pa.field("登记日期", pa.date32()),
        pa.field("民族代码", pa.int64()),
        pa.field("c7", pa.string()),
    ]
)


def row(n: int, **changes: Any) -> dict[str, Any]:
    return {
        "统一社会信用代码": GOOD_CODES[n % 4],
        "xm": f"张{'甲乙丙丁'[n % 4]}",
        "性别": str(1 + n % 2),
        "dwbm": GOOD_CODES[(n + 1) % 4],
        "出生日期": f"1990-01-{1 + n % 28:02}",
        "登记日期": date(2020, 1, 1 + n % 28),
        "民族代码": 10 + n % 40,
        "c7": "备注",
        **changes,
    }


def views(bureau: Bureau, *, suggest: bool = False) -> dict[str, ColumnView]:
    found = mappings(bureau).columns(bureau.steward, T, suggest=suggest)
    return {view.column.name: view for view in found}


def mappings(bureau: Bureau) -> Mappings:
    return bureau.platform.mappings


def test_names_pinyin_and_comments_speak_for_an_element() -> None:
    person = DataElement(id="population.full_name", name=Text("姓名", "Full name"), column_words=("申请人",))

    def why(column: str, comment: str = "") -> list[str]:
        return [reason.text.en for reason in by_words(column, comment, person)]

    assert why("姓名") == ['the name is "姓名"']
    assert why("Full_Name") == ['the name is "full_name"']
    assert why("申请人") == ['the name is "申请人"']
    assert why("法人姓名") == ["the names are alike"]
    assert why("xm") == why("xingming") == ["the name is short for 姓名 in pinyin"]
    assert why("c1", "姓名") == ["the comment says so"]
    assert why("电话") == why("x") == why("名") == []


def test_columns_get_elements_by_name_type_and_values(bureau: Bureau) -> None:
    bureau.write([row(n) for n in range(30)], T, SCHEMA)
    found = views(bureau, suggest=True)

    def first(column: str) -> tuple[str, float]:
        one = found[column].candidates[0]
        return one.element.id, one.score

    assert first("统一社会信用代码") == ("legal_entity.uscc", 0.95)
    assert first("xm")[0] == "population.full_name"
    assert first("性别")[0] == "population.sex_code"
    assert first("出生日期")[0] == "population.birth_date"
    assert first("民族代码")[0] == "population.ethnic_code"
    assert first("dwbm") == ("legal_entity.uscc", 0.5)
    assert [r.text.en for r in found["dwbm"].candidates[0].reasons] == ["100.0% of the values meet it"]
    assert found["c7"].candidates == ()
    assert not views(bureau)["dwbm"].candidates


def test_a_confirmed_column_is_judged_and_measured_and_a_refused_one_is_not_suggested_again(bureau: Bureau) -> None:
    bureau.write([row(n) for n in range(30)], T, SCHEMA)
    pairs = {
        "统一社会信用代码": "legal_entity.uscc",
        "性别": "population.sex_code",
        "出生日期": "population.birth_date",
    }
    mappings(bureau).confirm(bureau.steward, T, pairs, "逐列核对")
    rules = bureau.platform.quality.rules(bureau.steward, T)
    assert {(r.kind, r.columns[0], r.params["element"]) for r in rules} == {
        (Kind.ELEMENT, column, element) for column, element in pairs.items()
    }
    mappings(bureau).confirm(bureau.steward, T, {"性别": "population.sex_code"})
    assert len(bureau.platform.quality.rules(bureau.steward, T)) == 3
    assert mappings(bureau).measure(bureau.steward, T)
    assert {v.conformity.x for v in views(bureau).values() if v.conformity} == {1.0}
    bad = [
        row(30, 性别="男"),
        row(31, 性别="5", 出生日期="1990-02-30"),
        row(32, 统一社会信用代码="91350100M000100Y4X", 性别=None),
    ]
    bureau.write([*(row(n) for n in range(30)), *bad], T, SCHEMA)
    found = {c.column: (c.version, c.a, c.b, c.element_version) for c in mappings(bureau).conformity(bureau.steward, T)}
    assert found == {
        "统一社会信用代码": (2, 32, 33, 1),
        "性别": (2, 30, 32, 1),
        "出生日期": (2, 32, 33, 1),
    }
    assert len(mappings(bureau).conformity(bureau.steward, T, 1)) == 3
    mappings(bureau).refuse(bureau.steward, T, "dwbm", "legal_entity.uscc", "这是内部编码")
    mappings(bureau).refuse(bureau.steward, T, "性别", "population.sex_code", "改用文字")
    seen = views(bureau, suggest=True)
    assert "legal_entity.uscc" not in [c.element.id for c in seen["dwbm"].candidates]
    assert seen["性别"].mapped is None
    assert len(bureau.platform.quality.rules(bureau.steward, T)) == 2
    mappings(bureau).confirm(bureau.steward, T, {"出生日期": "population.death_date"}, rules=False)
    assert {r.columns[0] for r in bureau.platform.quality.rules(bureau.steward, T)} == {"统一社会信用代码"}
    assert views(bureau)["出生日期"].element.id == "population.death_date"  # type: ignore[union-attr]
    said = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=T)).records
    assert {"quality.map", "quality.unmap", "quality.conformity"} <= {r.action for r in said}


def test_a_new_version_of_an_element_is_what_columns_are_held_against(bureau: Bureau) -> None:
    registry = bureau.platform.registry
    bureau.write([row(n) for n in range(30)], T, SCHEMA)
    own = DataElement(id="social.note", name=Text("备注说明", "Remark"), type="C", length="10", source="内部")
    for base, element in enumerate((own, DataElement(id="social.note", name=own.name, length="1", source="内部"))):
        action = Action.CHANGE if base else Action.ADD
        asked = registry.propose(bureau.steward, [Change(action, element, base)], "x", date(2026, 3, 1))
        registry.approve(bureau.reviewer, asked.id)
        if not base:
            mappings(bureau).confirm(bureau.steward, T, {"c7": "social.note"})
        (found,) = mappings(bureau).measure(bureau.steward, T)
        assert (found.element_version, found.a, found.b) == (base + 1, 30 * (1 - base), 30)
    assert [(m.table, m.column) for m in mappings(bureau).used(bureau.steward, "social.note")] == [(T, "c7")]
    assert mappings(bureau).used(bureau.stranger, "social.note") == []


def test_who_may_not_and_what_cannot_be(bureau: Bureau) -> None:
    bureau.write([row(n) for n in range(5)], T, SCHEMA)
    pairs = {"性别": "population.sex_code"}
    with pytest.raises(Denied):
        mappings(bureau).confirm(bureau.reviewer, T, pairs)
    with pytest.raises(NotFound):
        mappings(bureau).confirm(bureau.stranger, T, pairs)
    with pytest.raises(Denied):
        mappings(bureau).columns(bureau.reviewer, T, suggest=True)
    with pytest.raises(Invalid):
        mappings(bureau).confirm(bureau.steward, T, {"没有": "population.sex_code"})
    with pytest.raises(Invalid):
        mappings(bureau).confirm(bureau.steward, T, {})
    with pytest.raises(NotFound):
        mappings(bureau).confirm(bureau.steward, T, {"性别": "no.such"})
    with pytest.raises(Invalid):
        mappings(bureau).refuse(bureau.steward, T, "没有", "population.sex_code")
