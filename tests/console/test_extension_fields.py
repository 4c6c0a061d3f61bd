"""Fields of the region in the console: declared by the data authority, filled in by stewards, compared, shown on the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.catalog import Entry
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.catalog import Resource

FIELD = {
    "key": "people", "name_zh": "服务<b>民族</b>", "name_en": "People served", "kind": "code", "code_set": "ethnic",
    "places": ["form", "page", "api", "facet"], "position": "1",
}  # fmt: skip


def registered(office: Any, name: str) -> Resource:
    return office.catalog.register(SYSTEM, Entry(name=name, provider_id="education"))


def test_the_authority_declares_a_field_and_a_steward_fills_it_in(office: Any, desk: Callable[..., Any]) -> None:
    bureau, steward = desk("bureau_reviewer"), desk("steward")
    assert "声明一个字段" in bureau.get("/console/fields").text
    assert "声明一个字段" not in steward.get("/console/fields").text
    assert desk("sys_admin").get("/console/fields").status_code == 403
    assert bureau.post("/console/fields", {**FIELD, "valid_from": "昨天"}).headers["location"] == "/console/fields"
    assert "“昨天”不是日期" in bureau.get("/console/fields").text
    assert bureau.post("/console/fields", FIELD).headers["location"] == "/console/fields/people"
    shown = bureau.get("/console/fields/people").text
    assert "服务&lt;b&gt;民族&lt;/b&gt;" in shown
    assert "已填目录" in shown
    steward.post("/console/fields/people", {**FIELD, "name_zh": "改名"})
    assert "改名" not in steward.get("/console/fields/people").text
    assert bureau.get("/console/fields/none").status_code == 404
    entry = registered(office, "民族工作服务")
    here = f"/console/catalog/{entry.id}"
    assert 'name="extension:people"' in steward.get(here).text
    form = {"revision": str(entry.revision), "name": entry.entry.name, "summary": "摘要", "extension:people": "02"}
    steward.post(here, form)
    assert '<option value="02" selected>' in steward.get(here).text
    assert "蒙古族" in bureau.get(here).text
    bureau.post("/console/fields/people", {**FIELD, "required": "1", "name_zh": "服务民族"})
    assert "<h1>服务民族</h1>" in bureau.get("/console/fields/people").text
    assert "1 条目录" in bureau.get("/console/fields/people").text
    bureau.post("/console/fields/people/retire", {})
    kept = steward.get(here).text
    assert 'name="extension:people"' not in kept
    assert "（已停用）" in kept
    assert "蒙古族" in kept
    bureau.post("/console/fields/people/restore", {})
    assert 'name="extension:people"' in steward.get(here).text


def test_a_value_of_the_wrong_kind_is_told_on_the_page(office: Any, desk: Callable[..., Any]) -> None:
    bureau, steward = desk("bureau_reviewer"), desk("steward")
    bureau.post(
        "/console/fields",
        {"key": "checked", "name_zh": "核验日期", "name_en": "Verified", "kind": "date", "places": ["form"]},
    )
    entry = registered(office, "核验服务")
    here = f"/console/catalog/{entry.id}"
    steward.post(here, {"revision": str(entry.revision), "extension:checked": "明天"})
    assert "“核验日期”应为日期" in steward.get(here).text
