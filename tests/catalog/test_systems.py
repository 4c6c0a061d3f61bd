"""The inventory of systems and the negative list: kept by departments, linked to entries, as a file out and in; others' are not there."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import openpyxl
import pytest

from beijiang.catalog import Inventory, Network, ShareType, SystemDraft, SystemQuery, SystemState
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from conftest import Office


@pytest.fixture
def inventory(office: Office) -> Inventory:
    return Inventory(office.db, office.catalog, office.access, office.evidence, office.clock)


def test_a_system_is_kept_linked_and_counted_once_it_has_an_entry(office: Office, inventory: Inventory) -> None:
    entry = office.published()
    made = inventory.add(office.steward, SystemDraft(name=" 空气 质量监测平台 ", network=Network.INTERNET))
    inventory.add(office.steward, SystemDraft(name="旧申报系统", state=SystemState.RETIRED))
    assert (made.draft.name, made.org_id) == ("空气 质量监测平台", "environment")
    assert [(c.org_id, c.covered, c.in_use) for c in inventory.coverage(office.reviewer)] == [("environment", 0, 1)]
    assert inventory.link(office.steward, made.id, entry.id).entries == (entry.id,)
    assert inventory.link(office.steward, made.id, entry.id).entries == (entry.id,), "again is a no-op"
    assert [one.id for one in inventory.of_entry(office.steward, entry.id)] == [made.id]
    assert [(c.covered, c.in_use) for c in inventory.coverage(office.steward)] == [(1, 1)]
    bare, count = inventory.systems(office.steward, SystemQuery(bare=True))
    assert ([one.draft.name for one in bare], count) == (["旧申报系统"], 1)
    assert inventory.unlink(office.steward, made.id, entry.id).entries == ()
    changed = inventory.change(office.steward, made.id, SystemDraft(name="空气质量平台", contact="张工"))
    assert inventory.system(office.reviewer, made.id).draft == changed.draft
    actions = ["catalog.system_add", "catalog.system_link", "catalog.system_unlink", "catalog.system_change"]
    told = [len(office.evidence.page(EvidenceQuery(action=action)).records) for action in actions]
    assert told == [2, 1, 1, 1]


def test_pages_and_words_find_a_system_and_a_sign_is_no_wildcard(office: Office, inventory: Inventory) -> None:
    for number in range(7):
        inventory.add(office.steward, SystemDraft(name=f"平台{number}"))
    inventory.add(office.steward, SystemDraft(name="完成率100%看板"))
    page, count = inventory.systems(office.steward, SystemQuery(words="平台"), limit=3, offset=3)
    assert ([one.draft.name for one in page], count) == (["平台3", "平台4", "平台5"], 7)
    found, _ = inventory.systems(office.steward, SystemQuery(words="%"))
    assert [one.draft.name for one in found] == ["完成率100%看板"]


def test_what_is_wrong_is_refused_with_a_way_out(office: Office, inventory: Inventory) -> None:
    inventory.add(office.steward, SystemDraft(name="平台"))
    with pytest.raises(Conflict) as twice:
        inventory.add(office.steward, SystemDraft(name="平台"))
    assert "id" in twice.value.detail
    with pytest.raises(Invalid):
        inventory.add(office.steward, SystemDraft(name="  "))
    with pytest.raises(Invalid) as long:
        inventory.add(office.steward, SystemDraft(name="一", purpose="长" * 1001))
    assert long.value.detail == {"field": "purpose", "limit": 1000}
    other = inventory.add(office.steward, SystemDraft(name="另一平台"))
    with pytest.raises(Conflict):
        inventory.change(office.steward, other.id, SystemDraft(name="平台"))


def test_another_departments_system_is_not_there_and_its_entry_cannot_be_linked(
    office: Office, inventory: Inventory
) -> None:
    entry = office.published()
    own = inventory.add(office.steward, SystemDraft(name="平台"))
    foreign = inventory.add(office.neighbour, SystemDraft(name="病案系统"))
    for step in (
        lambda: inventory.system(office.neighbour, own.id),
        lambda: inventory.change(office.neighbour, own.id, SystemDraft(name="夺走")),
        lambda: inventory.link(office.neighbour, own.id, entry.id),
        lambda: inventory.unlink(office.neighbour, own.id, entry.id),
    ):
        with pytest.raises(NotFound) as hidden:
            step()
        with pytest.raises(NotFound) as made_up:
            inventory.system(office.neighbour, "sys_nothing")
        assert hidden.value.text == made_up.value.text
    with pytest.raises(Invalid) as other:
        inventory.link(SYSTEM, foreign.id, entry.id)
    assert other.value.reason == "other_department"
    with pytest.raises(Denied):
        inventory.systems(office.neighbour, SystemQuery(org_id="environment"))
    assert [one.org_id for one in inventory.systems(office.neighbour)[0]] == ["health"]
    assert {one.org_id for one in inventory.systems(office.reviewer)[0]} == {"environment", "health"}
    with pytest.raises(Denied):
        inventory.add(office.neighbour, SystemDraft(name="冒名"), "environment")


def test_the_inventory_goes_out_and_comes_back_as_it_is(office: Office, inventory: Inventory) -> None:
    inventory.add(office.steward, SystemDraft(name="=1+1", purpose="=cmd|' /C calc'!A0", database="达梦"))
    inventory.add(office.steward, SystemDraft(name="水质平台", state=SystemState.BUILDING))
    book = inventory.export(office.steward, SheetFormat.XLSX)
    lines = [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(book)).active.iter_rows()]
    assert lines[0][:4] == ["主管部门", "系统名称", "用途", "状态"]
    assert all(
        cell.data_type != "f" for row in openpyxl.load_workbook(io.BytesIO(book)).active.iter_rows() for cell in row
    )
    again = inventory.take(office.steward, book)
    assert (len(again.added), len(again.changed), len(again.same), again.done) == (0, 0, 2, True)


def test_a_file_is_read_whole_or_not_at_all_and_each_fault_has_its_line(office: Office, inventory: Inventory) -> None:
    inventory.add(office.steward, SystemDraft(name="水质平台", purpose="断面监测", contact="李工"))
    text = "系统清单\n系统名称,状态,启用日期,备注\n水质平台,停用,,旧\n新平台,在用,2018-10-01,\n坏平台,不知道,,\n另一,在用,去年,\n"
    taken = inventory.take(office.steward, text.encode("gb18030"))
    assert [(fault.line, fault.field) for fault in taken.faults] == [(5, "state"), (6, "since")]
    assert (taken.done, taken.unknown, inventory.systems(office.steward)[1]) == (False, ("备注",), 1)
    good = text.replace("坏平台,不知道,,\n另一,在用,去年,\n", "")
    assert not inventory.take(office.steward, good.encode(), only_check=True).done
    assert inventory.systems(office.steward)[1] == 1, "only checked"
    taken = inventory.take(office.steward, good.encode())
    assert (len(taken.added), len(taken.changed), taken.done) == (1, 1, True)
    found, _ = inventory.systems(office.steward, SystemQuery(words="水质"))
    kept = found[0].draft
    assert (kept.state, kept.purpose, kept.contact) == (SystemState.RETIRED, "断面监测", "李工"), (
        "empty cells leave things"
    )
    with pytest.raises(Invalid) as headless:
        inventory.take(office.steward, "甲,乙\n1,2\n".encode())
    assert headless.value.reason == "no_inventory"
    with pytest.raises(Denied):
        inventory.take(office.reviewer, good.encode())


def test_the_negative_list_names_entries_and_items_with_their_basis(office: Office, inventory: Inventory) -> None:
    office.published("企业排污", share_type=ShareType.NOT_SHARED, no_share_basis="保密法第十三条")
    whole = inventory.negative(office.steward)
    assert [(one.name, one.item, one.basis) for one in whole] == [("企业排污", "", "保密法第十三条")]
    assert inventory.negative(office.neighbour) == []
    assert [one.org_id for one in inventory.negative(office.reviewer)] == ["environment"]
    text = inventory.export_negative(office.reviewer, SheetFormat.CSV).decode("utf-8-sig")
    assert "生态环境厅,企业排污,,保密法第十三条" in text
