"""Another process decided something: what this one remembers must not outlive it, not even for one request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from beijiang.catalog import Catalog
from beijiang.db import Database
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, Invalid, NotFound
from beijiang.protection import Gate, Protection
from beijiang.standards import Standards
from beijiang.tables import Aggregate, Exit, Filter, FilterOp, GroupBy, Lake

if TYPE_CHECKING:
    from conftest import House

TABLE = "企业登记信息"


@pytest.fixture
def other(house: House) -> Iterator[Gate]:
    """The gate of a second process on the same metadata: nothing it remembers is shared with ``house``."""
    db = Database(house.settings.metadata_url)
    lake, standards = Lake(house.settings.home / "lake", db), Standards()
    catalog = Catalog(db, house.access, house.evidence, standards, house.clock)
    protection = Protection(db, lake, house.engine, catalog, standards, house.access, house.evidence, house.clock)
    yield Gate(lake, house.engine, catalog, protection, house.access, house.evidence, house.settings)
    db.close()


def rows_of(gate: Gate, actor: Actor) -> list[dict[str, Any]]:
    return gate.open(actor, TABLE, "", Exit.PAGE).page(limit=100).rows.to_pylist()


def test_a_grade_a_rule_and_a_withdrawal_of_another_process_hold_on_the_next_request(house: House, other: Gate) -> None:
    house.write_firms(50)
    resource = house.publish(TABLE)
    for _ in range(2):  # the second time from what is remembered
        seen = rows_of(other, ANONYMOUS)
        assert len(seen) == 50
        assert "盟市" in seen[0]
        assert "盟市" in rows_of(other, house.reviewer)[0]

    house.protection.correct(house.steward, TABLE, "盟市", level="L4", reason="内部数据")
    assert "盟市" not in rows_of(other, house.reviewer)[0]  # by the grade alone; for visitors the release says it too
    assert "盟市" not in rows_of(other, ANONYMOUS)[0]

    only = [Filter("企业名称", FilterOp.EQ, "内蒙古第7商贸有限公司")]
    rule = house.protection.restrict(house.steward, TABLE, only, reason="只公开一家")
    for _ in range(2):
        assert [row["企业名称"] for row in rows_of(other, ANONYMOUS)] == ["内蒙古第7商贸有限公司"]
    house.protection.lift(house.steward, rule.id, "期满")
    assert len(rows_of(other, ANONYMOUS)) == 50

    house.catalog.withdraw(house.publisher, resource.id, "需要更正")
    with pytest.raises(NotFound):
        rows_of(other, ANONYMOUS)


def test_a_summary_that_is_kept_follows_rules_grades_and_withdrawals_and_leaves_a_record_each_time(
    house: House, other: Gate
) -> None:
    house.write_firms(50)
    resource = house.publish(TABLE)
    by_league = Aggregate(group=(GroupBy("盟市"),))

    def summed() -> int:
        found = other.open(ANONYMOUS, TABLE, "", Exit.CHART).aggregate(by_league)
        return sum(found.column(1).to_pylist())

    assert [summed() for _ in range(3)] == [50, 50, 50]
    house.evidence.flush()
    assert len([r for r in house.records(target=TABLE, action="read") if r.exit == "chart"]) == 3
    only = [Filter("企业名称", FilterOp.EQ, "内蒙古第7商贸有限公司")]
    rule = house.protection.restrict(house.steward, TABLE, only, reason="只公开一家")
    assert [summed() for _ in range(2)] == [1, 1]
    house.protection.lift(house.steward, rule.id, "期满")
    assert summed() == 50
    house.write_firms(60)
    assert summed() == 110
    house.protection.correct(house.steward, TABLE, "盟市", level="L4", reason="内部数据")
    with pytest.raises(Invalid):
        summed()
    house.catalog.withdraw(house.publisher, resource.id, "需要更正")
    with pytest.raises(NotFound):
        summed()


def test_what_is_remembered_for_one_reader_is_never_shown_to_another(house: House, other: Gate) -> None:
    house.write_firms(50)
    house.publish(TABLE)
    person = house.firms(50)[3]["法定代表人"]
    assert person in {row["法定代表人"] for row in rows_of(other, SYSTEM)}
    for actor in (ANONYMOUS, house.reviewer, ANONYMOUS):
        assert person not in {row.get("法定代表人") for row in rows_of(other, actor)}


def test_a_release_follows_the_entry_that_another_catalog_changed(house: House) -> None:
    elsewhere = Catalog(house.db, house.access, house.evidence, Standards(), house.clock)
    house.write_firms(50)
    house.publish(TABLE)
    for _ in range(2):
        release = elsewhere.released(TABLE)
        assert release is not None
        assert "盟市" in release.open_items
    house.protection.correct(house.steward, TABLE, "盟市", level="L4", reason="内部数据")
    release = elsewhere.released(TABLE)
    assert release is not None
    assert "盟市" not in release.open_items
