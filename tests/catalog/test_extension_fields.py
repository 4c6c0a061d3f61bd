"""Fields that the region declares: asked for at the next edit, kept when they retire, seen where they are meant to be seen."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from beijiang.catalog import (
    Entry,
    Facet,
    FieldDraft,
    FieldKind,
    FieldPlace,
    Has,
    PickQuery,
    ResourceEdit,
    SearchQuery,
    State,
)
from beijiang.catalog.commands import commands
from beijiang.catalog.models.extension import read_value
from beijiang.catalog.routes import fields_router
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Conflict, Denied, Invalid, NotFound, Unauthenticated
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from conftest import Office

FORM, PAGE, API, FACET = FieldPlace.FORM, FieldPlace.PAGE, FieldPlace.API, FieldPlace.FACET
PEOPLE = FieldDraft(
    key="people",
    name_zh="服务民族",
    name_en="People served",
    kind=FieldKind.CODE,
    code_set="ethnic",
    places=frozenset({FORM, PAGE, API, FACET}),
    position=1,
)
CHECKED = FieldDraft(
    key="checked", name_zh="核验日期", name_en="Verified on", kind=FieldKind.DATE, places=frozenset({FORM}), position=2
)


def declared(office: Office, *drafts: FieldDraft) -> None:
    for draft in drafts or (PEOPLE, CHECKED):
        office.catalog.declare_field(office.reviewer, draft)


def fill(office: Office, resource_id: str, **values: str) -> dict[str, str]:
    saved = office.catalog.edit(office.steward, resource_id, ResourceEdit(extensions=values))
    return {one.field: one.value for one in saved.entry.extensions}


def evidence(office: Office) -> list[str]:
    return [record.action for record in office.evidence.page(EvidenceQuery(action="catalog.", limit=100)).records]


def test_values_are_kept_in_the_one_form_of_their_kind(office: Office) -> None:
    kinds = {
        "number": FieldKind.NUMBER, "day": FieldKind.DATE, "flag": FieldKind.YES_NO, "home": FieldKind.LINK,
        "note": FieldKind.LONG_TEXT, "word": FieldKind.TEXT,
    }  # fmt: skip
    declared(office, PEOPLE, *(FieldDraft(key=k, name_zh=k, name_en=k, kind=v) for k, v in kinds.items()))
    found = office.write()
    said = {
        "people": "蒙古族", "number": " 1,250.50 ", "day": "2026年5月1日", "flag": "是", "home": "https://a.example/x?y=1",
        "note": "一\n二", "word": " 甲  乙 ",
    }  # fmt: skip
    assert fill(office, found.id, **said) == {
        "day": "2026-05-01", "flag": "yes", "home": "https://a.example/x?y=1", "note": "一\n二", "number": "1250.50",
        "people": "02", "word": "甲 乙",
    }  # fmt: skip
    for key, wrong in {
        "people": "火星族", "number": "十二", "day": "2026-02-30", "flag": "也许", "home": "javascript:alert(1)",
        "word": "长" * 201, "note": "长" * 4001,
    }.items():  # fmt: skip
        with pytest.raises(Invalid) as refused:
            fill(office, found.id, **{key: wrong})
        assert refused.value.reason == "bad_field_value"
        assert refused.value.detail["field"] == f"extension:{key}"
    for address in (
        "http://user:pw@a.example/",
        "ftp://a.example/",
        "https://",
        "https://a.example/a b",
        "http://[::1",
    ):
        with pytest.raises(Invalid):
            fill(office, found.id, home=address)
    assert "number" not in fill(office, found.id, number=""), "an empty text takes a value away"
    assert fill(office, found.id, word="丙")["day"] == "2026-05-01", "what is not named stays"


@pytest.mark.parametrize("mark", ["\x00", "\x0b", "\x1b", "\x7f", "\ud800"])
def test_what_cannot_be_written_is_refused(office: Office, mark: str) -> None:
    kinds = {"note": FieldKind.LONG_TEXT, "word": FieldKind.TEXT, "home": FieldKind.LINK}
    declared(office, *(FieldDraft(key=k, name_zh=k, name_en=k, kind=v) for k, v in kinds.items()))
    found = office.write()
    for key in kinds:
        with pytest.raises(Invalid) as refused:
            fill(office, found.id, **{key: f"https://a.example/a{mark}b"})
        assert refused.value.reason == "bad_field_value"
    assert fill(office, found.id, note="一\r\n\t二") == {"note": "一\r\n\t二"}


def test_numbers_keep_their_size(office: Office) -> None:
    declared(office, FieldDraft(key="number", name_zh="数", name_en="n", kind=FieldKind.NUMBER))
    field = office.catalog.extension_field(office.steward, "number")
    assert [read_value(field, said, {}) for said in ("-0.5", "1e3", "007", "1e-3")] == ["-0.5", "1000", "7", "0.001"]
    for wrong in ("1e999999", "nan", "Infinity", "", "--1"):
        with pytest.raises(Invalid):
            read_value(field, wrong, {})


def test_who_may_declare_and_what_is_refused(office: Office) -> None:
    for nobody in (office.steward, office.publisher, office.security, ANONYMOUS):
        with pytest.raises((Denied, Unauthenticated)):
            office.catalog.declare_field(nobody, PEOPLE)
    declared(office)
    for wrong, code in (
        (replace(PEOPLE, key="Grösse"), "bad_field"),
        (replace(PEOPLE, key="region"), "bad_field"),
        (replace(PEOPLE, key="x2", name_en=" "), "bad_field"),
        (replace(PEOPLE, key="x2", code_set=""), "bad_field"),
        (replace(PEOPLE, key="x2", kind=FieldKind.TEXT), "bad_field"),
        (replace(PEOPLE, key="x2", places=frozenset({FORM, FACET})), "bad_field"),
        (replace(PEOPLE, key="x2", valid_from=date(2026, 2, 1), valid_to=date(2026, 1, 1)), "bad_field"),
        (replace(PEOPLE, key="x2", position=-1), "bad_field"),
    ):
        with pytest.raises(Invalid) as refused:
            office.catalog.declare_field(office.reviewer, wrong)
        assert refused.value.reason == code
    for unknown in (replace(PEOPLE, key="x2", code_set="none"), replace(PEOPLE, key="x2", region_code="999999")):
        with pytest.raises(NotFound):
            office.catalog.declare_field(office.reviewer, unknown)
    with pytest.raises(Conflict) as taken:
        declared(office, PEOPLE)
    assert taken.value.reason == "field_taken"
    with pytest.raises(NotFound):
        office.catalog.change_field(office.reviewer, "none", PEOPLE)
    assert [one.key for one in office.catalog.extension_fields(office.steward)] == ["people", "checked"]


def test_a_newly_required_field_asks_at_the_next_edit_and_not_before(office: Office) -> None:
    found = office.published()
    office.later(1)
    declared(office, replace(PEOPLE, required=True))
    assert [gap for gap in office.catalog.missing(office.steward, found.id) if gap.field.startswith("extension")] == []
    assert office.catalog.published(ANONYMOUS, found.id).version.entry.extensions == ()
    office.catalog.edit(office.steward, found.id, ResourceEdit(summary="改了摘要。"))
    gap = next(one for one in office.catalog.missing(office.steward, found.id) if one.blocking)
    assert (gap.field, gap.blocking) == ("extension:people", True)
    assert "服务民族" in gap.text.zh
    assert "People served" in gap.text.en
    with pytest.raises(Invalid) as refused:
        office.catalog.submit(office.steward, found.id)
    assert refused.value.reason == "incomplete"
    assert office.catalog.published(ANONYMOUS, found.id).version.number == 1, "the old version serves all the while"
    fill(office, found.id, people="02")
    assert office.publish(office.catalog.get(office.steward, found.id)).version == 2
    changes = office.catalog.compare(ANONYMOUS, found.id, 1, 2).changes
    assert ("extension:people", "", "02") in [(one.field, one.before, one.after) for one in changes]


def test_what_becomes_required_later_counts_from_that_day(office: Office) -> None:
    declared(office)
    found = office.published()
    office.later(3)
    changed = office.catalog.change_field(office.reviewer, "people", replace(PEOPLE, required=True))
    assert changed.required_from == date(2025, 9, 29)
    assert not [one for one in office.catalog.missing(office.steward, found.id) if one.field == "extension:people"]
    again = office.catalog.change_field(office.reviewer, "people", replace(PEOPLE, required=True, name_zh="民族"))
    assert again.required_from == changed.required_from
    eased = office.catalog.change_field(office.reviewer, "people", replace(PEOPLE, kind=FieldKind.TEXT))
    assert (eased.required_from, eased.kind, eased.code_set) == (None, FieldKind.CODE, "ethnic")


def test_a_retired_field_keeps_its_values_readable_and_takes_no_new_ones(office: Office) -> None:
    declared(office, replace(PEOPLE, required=True))
    found = office.write()
    fill(office, found.id, people="02")
    office.publish(office.complete(office.catalog.get(office.steward, found.id)))
    office.catalog.retire_field(office.reviewer, "people")
    with pytest.raises(Conflict):
        office.catalog.retire_field(office.reviewer, "people")
    assert [v.shown.zh for v in office.catalog.published(ANONYMOUS, found.id).extensions] == ["蒙古族"]
    assert office.catalog.asked_fields(office.steward, "environment") == ()
    assert (
        office.catalog.edit(office.steward, found.id, ResourceEdit(summary="又改。")).entry.extension("people") == "02"
    )
    with pytest.raises(Invalid) as refused:
        fill(office, found.id, people="03")
    assert refused.value.reason == "field_not_asked"
    other = office.write("水质")
    assert not [gap for gap in office.catalog.missing(office.steward, other.id) if gap.field == "extension:people"]
    restored = office.catalog.restore_field(office.reviewer, "people")
    assert restored.required_from == date(2025, 9, 26)
    with pytest.raises(Conflict):
        office.catalog.restore_field(office.reviewer, "people")
    assert fill(office, found.id, people="03") == {"people": "03"}
    assert [one for one in reversed(evidence(office)) if "field" in one] == [
        "catalog.declare_field", "catalog.retire_field", "catalog.restore_field",
    ]  # fmt: skip


def test_a_field_has_its_days_and_its_region(office: Office) -> None:
    declared(
        office,
        replace(PEOPLE, valid_from=date(2025, 10, 1), valid_to=date(2025, 10, 31), required=True),
        replace(CHECKED, region_code="150100"),
        FieldDraft(key="everywhere", name_zh="全区", name_en="Everywhere", region_code="150000"),
    )

    def asked() -> list[str]:
        return [one.key for one in office.catalog.asked_fields(office.steward, "environment")]

    assert asked() == ["everywhere"]
    office.later(5)
    assert asked() == ["everywhere", "people"]
    office.later(31)
    assert asked() == ["everywhere"]
    with pytest.raises(Invalid):
        fill(office, office.write().id, checked="2025-10-01")


def test_searches_find_and_narrow_by_what_everybody_may_see(office: Office) -> None:
    declared(office, PEOPLE, replace(CHECKED, key="secret", kind=FieldKind.TEXT))
    found = office.write()
    fill(office, found.id, people="02", secret="机要词")
    office.publish(office.complete(office.catalog.get(office.steward, found.id)))
    office.published("水质")

    def hits(text: str = "", *values: str) -> list[str]:
        facets = {Facet.EXTENSION: frozenset(values)} if values else {}
        return [hit.id for hit in office.catalog.search(ANONYMOUS, SearchQuery(text=text, facets=facets)).hits]

    assert hits("蒙古族") == [found.id]
    assert hits("机要词") == [], "a field that only government sees is found by nobody"
    assert hits("", "people=02") == [found.id]
    assert hits("", "people=03") == []
    box = office.catalog.search(ANONYMOUS, SearchQuery()).facets[Facet.EXTENSION]
    assert [(one.value, one.label.zh, one.label.en, one.count) for one in box] == [
        ("people=02", "服务民族：蒙古族", "People served: Mongol", 1)
    ]
    picked = office.catalog.pick(ANONYMOUS, PickQuery(wanted=Has(Facet.EXTENSION, frozenset({"people=0?"}))))
    assert [[one.shown.zh for one in entry.extensions] for entry in picked.entries] == [["蒙古族"]]
    hidden = replace(PEOPLE, places=frozenset({FORM}))
    assert office.catalog.field_use(office.reviewer, "people") == 1
    office.catalog.change_field(office.reviewer, "people", hidden)
    assert hits("蒙古族") == hits("", "people=02") == []
    assert office.catalog.published(ANONYMOUS, found.id).extensions == ()


def test_outsiders_see_no_field_that_stays_inside(office: Office, open_door: Any) -> None:
    door = open_door(office)
    door.app.include_router(fields_router(office.catalog))
    declared(office)
    found = office.write()
    fill(office, found.id, people="02", checked="2025-09-01")
    office.publish(office.complete(office.catalog.get(office.steward, found.id)))
    fill(office, found.id, checked="2025-09-02")
    office.publish(office.catalog.get(office.steward, found.id))
    here = f"/resources/{found.id}"
    for actor, told in (
        (ANONYMOUS, ["people"]),
        (office.steward, ["checked", "people"]),
        (office.neighbour, ["checked", "people"]),
    ):
        versions = door.ask("GET", f"{here}/versions", actor).json()["versions"]
        assert [one["field"] for one in versions[0]["entry"]["extensions"]] == told
        changes = door.ask("GET", f"{here}/compare?before=1&after=2", actor).json()["changes"]
        assert bool([one for one in changes if one["field"] == "extension:checked"]) is ("checked" in told)
        assert [one["key"] for one in door.ask("GET", "/fields", actor).json()["fields"]] == sorted(told, reverse=True)
    assert (
        door.ask("GET", "/fields/checked", ANONYMOUS).status_code == door.ask("GET", "/fields/none").status_code == 404
    )


def test_a_spreadsheet_brings_them_in_with_each_fault_by_its_cell(office: Office) -> None:
    declared(office, PEOPLE, CHECKED)
    head = "信息资源名称,服务民族,核验日期,信息项名称\n"
    bad = f"{head}甲目录,火星族,2025-13-01,一\n乙目录,回族,昨天,二\n".encode()
    taken = office.catalog.take_directory(office.steward, "目录.csv", bad)
    assert not taken.done
    assert [(one.line, one.field) for one in taken.faults] == [
        (2, "extension:people"), (2, "extension:checked"), (3, "extension:checked"),
    ]  # fmt: skip
    assert "火星族" in taken.faults[0].text.zh
    assert office.catalog.list(office.steward) == ()
    good = f"{head}甲目录,蒙古族,2025/9/1,一\n".encode()
    assert office.catalog.take_directory(office.steward, "目录.csv", good).added == ("甲目录",)
    entry = office.catalog.list(office.steward)[0].entry
    assert (entry.extension("people"), entry.extension("checked")) == ("02", "2025-09-01")
    office.catalog.retire_field(office.reviewer, "checked")
    for form in (SheetFormat.CSV, SheetFormat.XLSX):
        content = office.catalog.export_directory(office.steward, form)
        again = office.catalog.take_directory(office.steward, "again", content)
        assert ((again.added, again.changed, again.same), again.faults) == (((), (), ("甲目录",)), ())
    book = openpyxl.load_workbook(io.BytesIO(office.catalog.export_directory(office.steward, SheetFormat.XLSX)))
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert dict(zip(rows[0], rows[1], strict=True))["服务民族"] == "蒙古族"
    changed = office.catalog.take_directory(office.steward, "x", f"{head}甲目录,蒙古族,2025-09-02,一\n".encode())
    assert [one.line for one in changed.faults] == [2], "a retired field takes no new value from a file either"


def test_through_the_api(office: Office, open_door: Any) -> None:
    door = open_door(office)
    door.app.include_router(fields_router(office.catalog))
    body = {"key": "people", "name_zh": "服务民族", "name_en": "People served", "kind": "code", "code_set": "ethnic"}
    assert door.ask("POST", "/fields", office.steward, json=body).status_code == 403
    made = door.ask("POST", "/fields", office.reviewer, json=body)
    assert made.status_code == 201
    assert (made.json()["kind"], made.json()["places"], made.json()["retired"]) == (
        "code",
        ["api", "form", "page"],
        False,
    )
    entry = {"name": "服务", "provider_id": "environment", "extensions": {"people": "回族"}}
    registered = door.ask("POST", "/resources", office.steward, json=entry).json()
    assert registered["entry"]["extensions"] == [{"field": "people", "value": "03"}]
    here = f"/resources/{registered['id']}"
    saved = door.ask("PATCH", here, json={"extensions": {"people": "02"}}).json()
    assert saved["entry"]["extensions"] == [{"field": "people", "value": "02"}]
    assert door.ask("PATCH", here, json={"extensions": {"unknown": "1"}}).json()["code"] == "field_not_asked"
    words = {"name_zh": "民族", "name_en": "People", "places": ["form"], "required": True}
    assert door.ask("PUT", "/fields/people", office.reviewer, json=words).json()["name"] == {
        "zh": "民族",
        "en": "People",
    }
    assert door.ask("POST", "/fields/people/retire").json()["retired"] is True
    assert door.ask("GET", "/fields?retired=false").json() == {"fields": []}
    assert door.ask("POST", "/fields/people/restore").json()["retired"] is False


def test_at_the_terminal(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    app = commands(lambda: office.catalog, lambda: office.access)

    def run(*words: str) -> str:
        app(list(words), standalone_mode=False)
        return capsys.readouterr().out

    told = run("fields", "declare", "people", "服务民族", "People served", "--kind", "code", "--code-set", "ethnic")
    assert "服务民族" in told
    office.write()
    run("edit", "空气质量小时数据", "--field", "people=蒙古族")
    assert office.catalog.list(SYSTEM)[0].entry.extension("people") == "02"
    assert "民族情况" in run("fields", "change", "people", "民族情况", "People", "--required")
    assert "已停用" in run("fields", "retire", "people")
    assert "已停用" not in run("fields", "restore", "people")
    assert "people" in run("fields", "list")
    for wrong in (
        ["edit", "空气质量小时数据", "--field", "people"],
        ["fields", "change", "people", "a", "b", "--from", "x"],
    ):
        with pytest.raises(Invalid):
            run(*wrong)


def test_an_entry_of_before_reads_as_ever(office: Office) -> None:
    found = office.write()
    document = json.loads(json.dumps(found.entry.to_json()))
    assert document.pop("extensions") == []
    assert Entry.from_json(document) == found.entry
    assert found.state is State.DRAFT
