"""Items as rows of a sheet: words or codes in cells, every fault told with its row, all rows saved or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from beijiang.catalog import ShareType, cells_of
from beijiang.kit import Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from conftest import Office


def rows_of(office: Office, resource_id: str) -> list[dict[str, str]]:
    return [cells_of(item) for item in office.catalog.get(office.steward, resource_id).entry.items]


def test_rows_go_in_by_word_or_code_and_an_empty_cell_takes_the_entry_s_value(office: Office) -> None:
    found = office.complete(office.write())
    rows = rows_of(office, found.id)
    rows[0] |= {"share_type": "有条件共享", "share_condition": "限本厅", "length": "40", "update_cycle": "Monthly"}
    rows[1] |= {"share_type": "not shared", "no_share_basis": "条例第三条", "open_type": "not_open"}
    saved = office.catalog.save_items(office.steward, found.id, rows, revision=found.revision)
    first, second = saved.entry.items[:2]
    assert (first.share_type, first.length, first.update_cycle) == (ShareType.CONDITIONAL, 40, "4")
    assert (second.share_type, second.no_share_basis) == (ShareType.NOT_SHARED, "条例第三条")
    rows[0] |= {"share_type": "", "length": "", "description": ""}
    again = office.catalog.save_items(office.steward, found.id, rows, revision=saved.revision)
    assert (again.entry.items[0].share_type, again.entry.items[0].length) == (None, None)
    assert again.entry.items[1] == second
    assert rows_of(office, found.id)[1]["share_type"] == "not_shared"


def test_every_fault_is_told_with_its_row_and_nothing_is_saved(office: Office) -> None:
    found = office.complete(office.write())
    rows = rows_of(office, found.id)
    rows[0] |= {"name": " ", "length": "0"}
    rows[1] |= {"share_type": "随便", "code_set": "no.such", "element_id": "no.such"}
    rows[2] |= {"description": "好的"}
    rows[3] |= {"source_org": "nowhere"}
    faults = office.catalog.check_items(office.steward, found.id, rows)
    assert [(one.row, one.field) for one in faults] == [
        (0, "name"),
        (0, "length"),
        (1, "share_type"),
        (3, "source_org"),
    ]
    rows[1] |= {"share_type": ""}
    told = {(one.row, one.field) for one in office.catalog.check_items(office.steward, found.id, rows)}
    assert {(1, "code_set"), (1, "element_id")} <= told
    with pytest.raises(Invalid) as refused:
        office.catalog.save_items(office.steward, found.id, rows, revision=found.revision)
    assert refused.value.reason == "bad_rows"
    assert refused.value.detail["rows"][0]["row"] == 1
    assert office.catalog.get(office.steward, found.id) == found


@pytest.mark.parametrize(
    "strange", [{"column": "没有"}, {"column": "PM2.5", "level": "L1"}, {"column": "PM2.5", "inherit": "x"}, {}]
)
def test_a_sheet_names_items_and_attributes_that_there_are(office: Office, strange: dict[str, str]) -> None:
    found = office.write()
    faults = office.catalog.check_items(office.steward, found.id, [strange])
    assert [(one.row, one.field) for one in faults] == [(0, "")]


def test_a_row_stands_once_and_a_sheet_is_no_flood(office: Office) -> None:
    found = office.write()
    row = rows_of(office, found.id)[0]
    assert len(office.catalog.check_items(office.steward, found.id, [row, row])) == 1
    with pytest.raises(Invalid):
        office.catalog.check_items(office.steward, found.id, [row] * 2001)


def test_an_older_state_is_refused_and_others_do_not_see_the_sheet(office: Office, open_door: Any) -> None:
    found = office.write()
    rows = rows_of(office, found.id)
    changed = office.complete(found)
    with pytest.raises(Conflict) as stale:
        office.catalog.save_items(office.steward, found.id, rows, revision=found.revision)
    assert stale.value.reason == "stale_revision"
    with pytest.raises(NotFound):
        office.catalog.check_items(office.neighbour, found.id, rows)
    with pytest.raises(Denied):
        office.catalog.check_items(office.org_reviewer, found.id, rows)
    door = open_door(office)
    rows[0]["length"] = "x"
    asked = f"/resources/{found.id}/items"
    assert door.ask("POST", f"{asked}/check", json={"rows": rows}).json()["faults"][0]["field"] == "length"
    assert door.ask("PUT", f"{asked}?revision={changed.revision}", json={"rows": rows}).json()["code"] == "bad_rows"
    rows[0]["length"] = "12"
    answer = door.ask("PUT", f"{asked}?revision={changed.revision}", json={"rows": rows}).json()
    assert answer["entry"]["items"][0]["length"] == 12
