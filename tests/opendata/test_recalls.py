"""Who took a copy without a name cannot be told by name: the page of an open data set says what was withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.exchange import RecallDraft, Remedy
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from .conftest import Portal


def test_a_recall_of_open_data_stands_on_its_page_and_in_its_json(portal: Portal) -> None:
    number = portal.ids["firms"]
    assert portal.json(portal.api("firms"))["recalls"] == []
    assert "召回" not in portal.get(f"/datasets/{number}").text
    *_, version = portal.platform.catalog.releases(
        number
    )  # the oldest: what readers have stays as it is for other tests
    draft = RecallDraft(resource_id=number, versions=(version,), reason="注册资本单位有误", remedy=Remedy.DELETE)
    portal.platform.recalls.recall(SYSTEM, draft)
    page = portal.get(f"/datasets/{number}").text
    assert f"第 {version} 版已于" in page
    assert "注册资本单位有误" in page
    english = portal.get(f"/datasets/{number}?lang=en").text
    assert f"Version {version} was recalled" in english
    told = portal.json(portal.api("firms"))["recalls"][0]
    assert (told["versions"], told["reason"]) == ([version], "注册资本单位有误")
    assert told["served"] == portal.platform.catalog.releases(number)[0]
