"""Fields that stay inside government: neither their values nor that there are such fields shows outside."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from beijiang.catalog import Facet, FieldDraft, FieldKind, FieldPlace, ResourceEdit, SearchQuery
from beijiang.catalog.models.entry import digest
from beijiang.catalog.routes import fields_router
from beijiang.kit import ANONYMOUS

if TYPE_CHECKING:
    from beijiang.catalog import Resource
    from conftest import Office

INNER = FieldDraft(
    key="audit_case",
    name_zh="内部审计案件",
    name_en="Internal audit",
    kind=FieldKind.YES_NO,
    places=frozenset({FieldPlace.FORM}),
)
SHOWN = replace(INNER, key="online", name_zh="在线办理", name_en="Online", places=frozenset(FieldPlace))


def published(office: Office) -> Resource:
    for draft in (INNER, SHOWN):
        office.catalog.declare_field(office.reviewer, draft)
    found = office.write()
    office.catalog.edit(office.steward, found.id, ResourceEdit(extensions={"audit_case": "yes", "online": "yes"}))
    return office.publish(office.complete(office.catalog.get(office.steward, found.id)))


def test_a_guess_of_an_inner_value_cannot_be_proved_by_a_digest(office: Office, open_door: Any) -> None:
    door = open_door(office)
    found = published(office)
    address = f"/resources/{found.id}/versions"
    outside, inside = (door.ask("GET", address, who).json()["versions"][0] for who in (ANONYMOUS, office.steward))
    document = office.catalog.versions(office.steward, found.id)[0].document
    assert inside["digest"] == digest(document)
    assert digest(document) not in json.dumps(outside)
    assert [one["field"] for one in outside["entry"]["extensions"]] == ["online"]
    assert outside["intact"] is True


def test_facets_tell_an_inner_field_from_none_to_nobody(office: Office, open_door: Any) -> None:
    door = open_door(office)
    door.app.include_router(fields_router(office.catalog))
    published(office)

    def told(actor: Any, *values: str) -> list[tuple[str, str, int]]:
        asked = SearchQuery(facets={Facet.EXTENSION: frozenset(values)} if values else {})
        box = office.catalog.search(actor, asked).facets[Facet.EXTENSION]
        return [(one.value, one.label.zh, one.count) for one in box]

    assert told(ANONYMOUS) == [("online=yes", "在线办理：是", 1)]
    for actor in (ANONYMOUS, office.steward):
        found = {value: (label, count) for value, label, count in told(actor, "audit_case=yes", "no_such=yes")}
        assert found["audit_case=yes"] == ("audit_case=yes", 0)
        assert found["no_such=yes"] == ("no_such=yes", 0)
    answer = door.ask("GET", "/search?extension=audit_case%3Dyes", ANONYMOUS)
    assert answer.status_code == 200
    assert "内部审计" not in answer.text
    assert door.ask("GET", "/fields/audit_case", ANONYMOUS).status_code == 404


def test_facets_keep_nothing_that_a_visitor_makes_up_and_take_new_names_at_once(office: Office) -> None:
    published(office)

    def labels() -> list[str]:
        box = office.catalog.search(ANONYMOUS, SearchQuery()).facets
        return [one.label.zh for one in box[Facet.EXTENSION]]

    assert labels() == ["在线办理：是"]
    office.catalog.change_field(office.reviewer, "online", replace(SHOWN, name_zh="网上办理"))
    assert labels() == ["网上办理：是"]

    def made_up(run: int) -> int:
        gc.collect()
        values = {
            facet: frozenset(f"{'online=' * (facet is Facet.EXTENSION)}{run}_{n}" for n in range(200))
            for facet in Facet
        }
        for facet, asked in values.items():
            office.catalog.search(ANONYMOUS, SearchQuery(facets={facet: asked}, page=1 + run))
        return sum(len(one) for one in vars(office.catalog).values() if isinstance(one, dict))

    assert made_up(1) == made_up(2)
