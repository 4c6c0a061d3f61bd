"""The search over the console where there is more of a kind than is looked at by sound."""

from __future__ import annotations

from typing import Any

import pytest

from beijiang.console.finding import find

from .filled import counted, make_libraries, make_services, make_streams, make_systems


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

    def asked() -> int:
        while (
            True
        ):  # what is remembered of organisations is read again after a change, and the office is at work beside us
            find(office, steward, (), "0000")
            changes = office.db.changes()
            with counted(office) as statements:
                find(office, steward, (), "0000")
            if office.db.changes() == changes:
                return len(statements)

    few = asked()
    for make in (make_libraries, make_streams, make_systems, make_services):
        make(office, 12, 60)
    assert asked() == few
    kinds = {one.kind.value for one in find(office, steward, (), "牧户0000") if one.name.zh == "阿拉善牧户0000"}
    assert {"library", "stream", "system", "service"} <= kinds
