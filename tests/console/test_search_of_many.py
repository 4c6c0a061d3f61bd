"""The search over the console where there is more of a kind than is looked at by sound."""

from __future__ import annotations

from typing import Any

import pytest

from beijiang.catalog import GovernmentSystem, Network, SystemDraft, SystemState
from beijiang.catalog.store import SystemStore
from beijiang.console.finding import find
from beijiang.kit import new_id
from statements import asked

from .filled import make_libraries, make_services, make_streams, make_systems


def test_what_is_older_than_the_newest_is_found_and_costs_no_more_statements(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind one of the first is met by its words though only the newest few are looked at by sound."""
    make_libraries(office, 0, 12)
    make_streams(office, 0, 12)
    make_systems(office, 0, 12)
    make_services(office, 0, 12)
    monkeypatch.setattr("beijiang.console.finding.LOOKED_AT", 3)
    steward = office.access.actor_for_person("a.steward")

    def cost() -> int:
        while (
            True
        ):  # what is remembered of organisations is read again after a change, and the office is at work beside us
            find(office, steward, (), "0000")
            changes = office.db.changes()
            with asked(office.db) as statements:
                find(office, steward, (), "0000")
            if office.db.changes() == changes:
                return len(statements)

    few = cost()
    for make in (make_libraries, make_streams, make_systems, make_services):
        make(office, 12, 60)
    assert cost() == few
    kinds = {one.kind.value for one in find(office, steward, (), "牧户0000") if one.name.zh == "阿拉善牧户0000"}
    assert {"library", "stream", "system", "service"} <= kinds


def put_systems(office: Any, *names: str) -> None:
    """Put systems of these names into the inventory."""
    now = office.clock.now()
    with office.db.begin() as tx:
        store = SystemStore(tx.connection)
        for name in names:
            draft = SystemDraft(
                name=name, purpose="", state=SystemState.IN_USE, network=next(iter(Network)), contact="某"
            )
            store.add(GovernmentSystem(id=new_id("sys"), org_id="education", draft=draft, changed_at=now))


def test_the_nearest_is_fetched_whatever_is_newer(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put_systems(
        office, *(f"一名册{n:02d}" for n in range(9)), "名册", "名册之首", *(f"晚名册{n:02d}" for n in range(9))
    )
    monkeypatch.setattr("beijiang.console.finding.MET", 3)
    told = [one.name.zh for one in find(office, office.access.actor_for_person("a.steward"), (), "名册")]
    assert told[:2] == ["名册", "名册之首"]


@pytest.mark.parametrize("words", ["企业年报（2024）", "企业年报(2024)", "企业年报（２０２４）", "年报（2024"])
def test_what_is_written_with_full_width_marks_is_found_however_it_is_typed(office: Any, words: str) -> None:
    put_systems(office, f"企业年报（2024）{new_id('x')}")
    found = find(office, office.access.actor_for_person("a.steward"), (), words)
    assert any(one.name.zh.startswith("企业年报（2024）") for one in found)


def test_a_search_counts_nothing_and_reads_no_values_of_indicators(office: Any) -> None:
    steward = office.access.actor_for_person("a.steward")
    with asked(office.db) as statements:
        find(office, steward, (), "a")
    assert any("assess_figure" in one for one in statements)
    assert not [one for one in statements if "assess_figure_value" in one or "count(*) AS n" in one]
