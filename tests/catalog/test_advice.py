"""What an entry could say where nobody has decided, with the reason; taking it all makes an entry that can be submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from beijiang.catalog import OpenType, ResourceEdit, ShareType, State, tidy_name
from beijiang.kit import Conflict, Denied, NotFound

if TYPE_CHECKING:
    from conftest import Office

PLAIN = {
    "站点名称": ("L1", None, "N"),
    "监测时间": ("L1", None, "N"),
    "PM2.5": ("L1", None, "N"),
    "性别代码": ("L1", None, "N"),
}


def told(office: Office, resource_id: str) -> dict[str, Any]:
    return {one.field: one for one in office.catalog.advice(office.steward, resource_id)}


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        ("学校食堂检查(终稿)", "学校食堂检查"),
        ("企业名录_20251123", "企业名录"),
        ("医院床位 (2)", "医院床位"),
        ("水质月报2025年", "水质月报2025年"),
        ("v2", "v2"),
        ("气象站_最终版_v3", "气象站"),
    ],
)
def test_a_name_loses_what_people_add_to_files(name: str, tidy: str) -> None:
    assert tidy_name(name) == tidy


def test_a_plain_table_is_proposed_to_all_and_taking_the_advice_makes_it_complete(office: Office) -> None:
    found = office.write("空气质量月报2025")
    office.catalog.apply_grades("空气质量月报2025", PLAIN)
    advice = told(office, found.id)
    assert (advice["share_type"].value, advice["open_type"].value) == (ShareType.UNCONDITIONAL, OpenType.UNCONDITIONAL)
    assert advice["update_cycle"].value == "4"
    assert "月报" in advice["update_cycle"].reason.zh
    assert advice["categories"].value == ("211001",)
    assert "空气" in advice["categories"].reason.zh
    assert all(one.reason.zh and one.reason.en for one in advice.values())
    taken = office.catalog.take_advice(office.steward, found.id)
    assert (taken.entry.licence, taken.entry.update_cycle) == ("CC-BY-4.0", "4")
    assert [gap.field for gap in office.catalog.missing(office.steward, found.id) if gap.blocking] == []
    assert office.catalog.submit(office.steward, found.id).state is State.PENDING_REGISTER


def test_personal_data_are_proposed_on_conditions_and_closed_and_the_reason_names_them(office: Office) -> None:
    found = office.write("来访登记")
    office.catalog.apply_grades("来访登记", {**PLAIN, "站点名称": ("L3", "mobile", "P")})
    advice = told(office, found.id)
    assert (advice["share_type"].value, advice["open_type"].value) == (ShareType.CONDITIONAL, OpenType.NOT_OPEN)
    assert "站点名称" in advice["share_type"].reason.zh
    assert "站点名称" in advice["open_condition"].value
    office.catalog.take_advice(office.steward, found.id)
    assert not [g for g in office.catalog.missing(office.steward, found.id) if g.blocking and g.field != "categories"]


def test_what_is_decided_stays(office: Office) -> None:
    office.published("旧目录", contact="监测处", update_cycle="3")
    found = office.write("新登记", columns=["甲"], types=["text"])
    office.catalog.apply_grades("新登记", {"甲": ("L1", None, "N")})
    advice = told(office, found.id)
    assert (advice["contact"].value, advice["update_cycle"].value) == ("监测处", "3"), (
        "as the department's other entries"
    )
    change = ResourceEdit(share_type=ShareType.NOT_SHARED, no_share_basis="条例第三条", name="我起的名字")
    office.catalog.edit(office.steward, found.id, change)
    assert told(office, found.id)["share_type"].decided
    taken = office.catalog.take_advice(office.steward, found.id)
    assert (taken.entry.share_type, taken.entry.name) == (ShareType.NOT_SHARED, "我起的名字")
    with pytest.raises(Conflict):
        office.catalog.take_advice(office.steward, found.id, revision=1)


def test_only_who_compiles_is_advised(office: Office, open_door: Any) -> None:
    found = office.write()
    with pytest.raises(NotFound):
        office.catalog.advice(office.neighbour, found.id)
    with pytest.raises(Denied):
        office.catalog.advice(office.org_reviewer, found.id)
    door = open_door(office)
    assert {one["field"] for one in door.ask("GET", f"/resources/{found.id}/advice").json()["advice"]} >= {
        "name",
        "summary",
    }
    assert door.ask("POST", f"/resources/{found.id}/advice?revision=1").json()["entry"]["share_method"] == "database"
