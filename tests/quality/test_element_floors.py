"""A column that holds a data element is graded as high as the element at least, from the moment somebody says so."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.kit import Conflict, Denied, Invalid, Text
from beijiang.protection import Matter
from beijiang.quality import MappingMoved
from beijiang.standards import Action, Change, DataElement, ElementsChanged
from beijiang.tables import Exit

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau

from statements import asked, takes_the_head_after

T, C = "走访记录", "备注"
SCHEMA = pa.schema([pa.field("编号", pa.string()), pa.field(C, pa.string())])
SECRET = "population.marital_status"
MILD = "population.relation_to_head"


@pytest.fixture
def office(bureau: Bureau) -> Bureau:
    bureau.write([{"编号": f"A{n}", C: f"字{n}"} for n in range(5)], T, SCHEMA)
    assert level(bureau) == ("L1", "detected")
    return bureau


def level(bureau: Bureau) -> tuple[str, str]:
    grade = bureau.platform.protection.grades_of(T)[C]
    return grade.level.value, grade.source.value


def confirm(bureau: Bureau, element: str) -> None:
    bureau.platform.mappings.confirm(bureau.steward, T, {C: element}, "登记规范", rules=False)


def waiting(bureau: Bureau) -> Any:
    return [view.lowering for view in bureau.platform.protection.lowerings(bureau.reviewer)]


def test_a_confirmed_element_raises_its_column_at_once_at_every_exit(office: Bureau) -> None:
    rows = office.platform.gate.open(office.steward, T, "", Exit.PAGE).page(limit=1).rows.to_pylist()
    assert rows[0][C] == "字0"
    confirm(office, SECRET)
    assert level(office) == ("L3", "element")
    rows = office.platform.gate.open(office.steward, T, "", Exit.PAGE).page(limit=1).rows.to_pylist()
    assert rows[0][C] != "字0"
    resource = office.platform.catalog.resource_for_table(T)
    assert resource is not None
    assert resource.grades[C].level == "L3"
    with pytest.raises(Invalid) as below:
        office.platform.protection.correct(office.steward, T, C, level="L2", reason="不敏感")
    assert below.value.reason == "below_floor"
    assert "数据元" in below.value.text.zh
    (floor,) = office.platform.protection.floors(office.steward, T)
    assert (floor.column, floor.subject, floor.level, floor.by) == (C, SECRET, "L3", office.steward.id)


def test_a_refused_element_lowers_nothing_until_another_person_agrees(office: Bureau) -> None:
    confirm(office, SECRET)
    office.platform.mappings.refuse(office.steward, T, C, SECRET, "不是婚姻状况")
    assert level(office) == ("L3", "element")
    (waits,) = waiting(office)
    assert (waits.matter, waits.column, waits.reason, waits.by) == (
        Matter.ELEMENT,
        C,
        "不是婚姻状况",
        office.steward.id,
    )
    with pytest.raises(Denied):
        office.platform.protection.decide_lowering(office.steward, waits.id, agree=True)
    office.platform.protection.decide_lowering(office.reviewer, waits.id, agree=True)
    assert level(office) == ("L1", "detected")


def test_an_element_that_is_confirmed_again_takes_the_proposal_back(office: Bureau) -> None:
    confirm(office, SECRET)
    office.platform.mappings.refuse(office.steward, T, C, SECRET, "看错了")
    (waits,) = waiting(office)
    confirm(office, SECRET)
    assert waiting(office) == []
    with pytest.raises(Conflict):
        office.platform.protection.decide_lowering(office.reviewer, waits.id, agree=True)
    assert level(office) == ("L3", "element")


@pytest.mark.parametrize("late", [1, 2])
def test_an_announcement_that_comes_late_undoes_no_later_one(office: Bureau, late: int) -> None:
    """One that failed is told again after others: what the column holds is what was said last, in either way."""
    protection = office.platform.protection
    told: list[MappingMoved] = []
    hears, subscriptions = protection.on_mapping_moved, office.platform.db._subscriptions._all
    place = next(n for n, one in enumerate(subscriptions) if one.event_type is MappingMoved)
    subscriptions[place] = replace(subscriptions[place], handler=told.append)
    confirm(office, SECRET)
    office.platform.mappings.refuse(office.steward, T, C, SECRET, "看错了")
    confirm(office, MILD)
    assert [dict(event.held) for event in told] == [{C: SECRET}, {}, {C: MILD}]
    assert [event.number for event in told] == [1, 2, 3]
    assert level(office) == ("L1", "detected")
    hears(told[2])
    before = (level(office), [one.subject for one in protection.floors(office.steward, T)], waiting(office))
    hears(told[late - 1])
    hears(told[2])
    assert (level(office), [one.subject for one in protection.floors(office.steward, T)], waiting(office)) == before
    assert before[1:] == ([MILD], [])


def test_what_was_taken_back_or_refused_is_not_proposed_again_by_itself(office: Bureau) -> None:
    protection, mappings = office.platform.protection, office.platform.mappings
    confirm(office, SECRET)
    mappings.refuse(office.steward, T, C, SECRET, "不是婚姻状况")
    (waits,) = waiting(office)
    protection.withdraw_lowering(office.steward, waits.id)
    office.write([{"编号": f"B{n}", C: f"字{n}"} for n in range(5)], T, SCHEMA)
    mappings.confirm(office.steward, T, {"编号": MILD}, "登记规范", rules=False)
    assert waiting(office) == []
    assert level(office) == ("L3", "element")
    confirm(office, SECRET)
    mappings.refuse(office.steward, T, C, SECRET, "再看仍不是")
    (again,) = waiting(office)
    assert again.id != waits.id
    protection.decide_lowering(office.reviewer, again.id, agree=True)
    assert level(office) == ("L1", "detected")


def test_a_milder_element_in_its_place_waits_too(office: Bureau) -> None:
    confirm(office, SECRET)
    confirm(office, MILD)
    assert level(office) == ("L3", "element")
    (waits,) = waiting(office)
    office.platform.protection.decide_lowering(office.reviewer, waits.id, agree=True)
    assert level(office) == ("L2", "element")


def test_a_floor_that_changes_nothing_ends_without_a_decision(office: Bureau) -> None:
    office.platform.protection.correct(office.steward, T, C, level="L4")
    confirm(office, SECRET)
    office.platform.mappings.refuse(office.steward, T, C, SECRET)
    assert waiting(office) == []
    assert level(office) == ("L4", "corrected")


def test_a_new_version_of_the_element_grades_its_columns_anew(office: Bureau) -> None:
    registry = office.platform.registry
    mild = DataElement(id="visits.note", name=Text("走访备注", "Note of a visit"), type="C")

    def change(level_: str, action: Action, base: int, from_: date | None = None) -> None:
        new = DataElement(id=mild.id, name=mild.name, type="C", level=level_)
        proposal = registry.propose(office.steward, [Change(action, new, base)], "分级调整", from_)
        registry.approve(office.reviewer, proposal.id, "同意")

    change("", Action.ADD, 0)
    confirm(office, mild.id)
    assert level(office) == ("L1", "detected")
    change("L3", Action.CHANGE, 1)
    assert level(office) == ("L3", "element")
    change("L2", Action.CHANGE, 2)
    assert level(office) == ("L2", "element"), "two persons decided about the element"
    assert waiting(office) == []
    change("L4", Action.CHANGE, 3, office.clock.now().date() + timedelta(days=40))
    assert level(office) == ("L4", "element"), "what is stricter and only to come holds already"


def test_no_announcement_knows_less_than_an_earlier_one(office: Bureau) -> None:
    """Another process may have read the registry before the element became stricter, and hear of an older change late."""
    registry, books = office.platform.registry, office.platform.registry.books
    note = DataElement(id="visits.note", name=Text("走访备注", "Note of a visit"), type="C")
    steps = [Change(Action.ADD, note, 0)], [Change(Action.CHANGE, replace(note, level="L3"), 1)]
    read = []
    for changes in steps:
        registry.approve(office.reviewer, registry.propose(office.steward, changes, "分级调整").id, "同意")
        if not read:
            confirm(office, note.id)
            assert level(office) == ("L1", "detected")
            read.append(books.now()[0])
    assert level(office) == ("L3", "element")
    books._read, books._asked = (0, read[0]), math.inf  # what it read a moment ago, and reads again in a second
    office.platform.mappings.confirm(office.steward, T, {"编号": MILD}, "登记规范", rules=False)
    assert level(office) == ("L3", "element")
    office.platform.mappings.on_elements_changed(ElementsChanged(levels={note.id: ""}))
    office.platform.db.deliver_waiting()
    assert level(office) == ("L3", "element")
    assert waiting(office) == []


def test_what_is_announced_waits_for_others_before_the_evidence_is_locked(office: Bureau) -> None:
    with asked(office.platform.db) as said:
        confirm(office, MILD)
    assert takes_the_head_after(said, "quality_mapping_said")


def test_a_table_that_was_mapped_before_is_held_to_its_elements_with_its_next_version(office: Bureau) -> None:
    confirm(office, SECRET)
    from sqlalchemy import delete

    from beijiang.protection.store.schema import grade_floor

    with office.platform.db.begin() as tx:  # as a home of an earlier release has it
        tx.execute(delete(grade_floor))
    assert level(office) == ("L1", "detected")
    office.write([{"编号": "B", C: "字"}], T, SCHEMA)
    assert level(office) == ("L3", "element")
