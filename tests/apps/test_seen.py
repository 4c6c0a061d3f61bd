"""A reviewer decides on the entry that was shown: a change in between is named, and nothing is decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from asking import FIRMS, Office, firm

from beijiang.build import build
from beijiang.catalog import OpenType, Resource, ResourceEdit, ShareType, State
from beijiang.kit import Conflict
from beijiang.settings import Settings


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("seen")))
    built.first_start()
    opened = Office(built)
    opened.write([firm(n) for n in range(3)])
    yield opened
    opened.close()


def entry(office: Office) -> Resource:
    found = office.platform.catalog.resource_for_table(FIRMS)
    assert found is not None
    return found


def test_an_entry_that_came_back_otherwise_is_neither_approved_nor_published(office: Office) -> None:
    catalog, steward, reviewer, publisher = (
        office.platform.catalog,
        office["steward"],
        office["reviewer"],
        office["publisher"],
    )
    at = entry(office).id
    whole = ResourceEdit(
        share_type=ShareType.UNCONDITIONAL, open_type=OpenType.UNCONDITIONAL, licence="CC-BY-4.0", update_cycle="2"
    )
    catalog.edit(steward, at, whole)
    catalog.submit(steward, at)
    shown = entry(office)
    step, who = catalog.approve, reviewer
    catalog.return_for_mending(who, at, ["再改"])
    catalog.edit(steward, at, replace(whole, summary="二", licence="CC0-1.0"))
    catalog.submit(steward, at)
    before = entry(office)
    for seen in (shown.shown.token, ""):
        with pytest.raises(Conflict) as caught:
            step(who, at, seen=seen)
        assert caught.value.reason == "changed_since_seen"
    with pytest.raises(Conflict) as caught:
        step(who, at, seen=shown.shown.token)
    assert caught.value.detail["changed"] == ["summary", "licence"]
    assert caught.value.detail["now"]["summary"] == "二"  # type: ignore[index,call-overload]
    assert entry(office) == before, "nothing was decided"
    approved = step(who, at, seen=before.shown.token)
    assert approved.state is State.PENDING_PUBLISH
    with pytest.raises(Conflict) as caught:
        catalog.publish(publisher, at, seen=before.shown.token)
    assert caught.value.detail["changed"] == ["state"]
    assert catalog.publish(publisher, at, seen=approved.shown.token).state is State.PUBLISHED
