"""The tree of organisations, apart from region codes."""

import csv
from collections.abc import Mapping
from importlib import resources

import pytest

from beijiang.access import Organisation, OrganisationDraft, OrganisationKind, RegionFacts
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound

from .conftest import World


def facts() -> RegionFacts:
    folder = resources.files("beijiang.standards") / "reference"

    def rows(name: str) -> tuple[Mapping[str, str], ...]:
        return tuple(csv.DictReader((folder / name).read_text("utf-8-sig").splitlines()))

    return RegionFacts(rows("regions.csv"), rows("jurisdictions.csv"), rows("departments_2018.csv"))


@pytest.fixture
def region(world: World) -> dict[str, Organisation]:
    world.access.seed_region(SYSTEM, facts())
    return {one.id: one for one in world.access.organisations()}


def test_the_region_has_its_governments_and_departments(world: World, region: dict[str, Organisation]) -> None:
    governments = [one for one in region.values() if one.kind is OrganisationKind.GOVERNMENT]
    assert sum(1 for one in governments if one.admin_tier == 1) == 1
    assert sum(1 for one in region.values() if one.admin_tier == 2) == 15
    assert sum(1 for one in region.values() if one.admin_tier == 3) == 103 - 2
    assert sum(1 for one in region.values() if one.kind is OrganisationKind.DEPARTMENT) == 31
    assert region["ndrc"].parent_id == "gov-150000"
    assert region["ndrc"].region_scope == {"150000"}


def test_special_nodes_of_the_linkage_are_peers_of_the_leagues(world: World, region: dict[str, Organisation]) -> None:
    for code in ("150781", "152501"):
        assert (region[f"gov-{code}"].admin_tier, region[f"gov-{code}"].parent_id) == (2, "gov-150000")
        assert region[f"gov-{code}"].region_scope == {code}
    new_area = region["gov-nm-hlge"]
    assert (new_area.region_code, new_area.region_scope, new_area.kind) == (None, frozenset(), OrganisationKind.ZONE)


def test_every_parent_is_there_and_stands_before_its_children(world: World, region: dict[str, Organisation]) -> None:
    seen: set[str] = set()
    for one in world.access.organisations():
        assert one.parent_id is None or one.parent_id in seen
        seen.add(one.id)
    assert len(seen) == len(region)


def test_seeding_twice_adds_nothing(world: World, region: dict[str, Organisation]) -> None:
    assert world.access.seed_region(SYSTEM, facts()) == 0
    assert len(world.access.organisations()) == len(region)
    assert len(world.evidence.page(EvidenceQuery(action="access.region.seed")).records) == 1


def test_an_organisation_keeps_everything_that_was_said_about_it(world: World) -> None:
    draft = OrganisationDraft(
        id="stats-hohhot",
        name_zh="呼和浩特市统计局",
        name_en="Statistics Bureau of Hohhot",
        short_zh="市统计局",
        uscc="11150100MB1234567X",
        parent_id="bigdata",
        region_code="150100",
        region_scope=frozenset({"150102", "150103"}),
        admin_tier=2,
    )
    added = world.access.add_organisation(world.actor("sys"), draft)
    assert added == world.access.organisation("stats-hohhot")
    assert added.region_scope == {"150102", "150103"}
    assert added.short == "市统计局"


def test_what_is_taken_or_unknown_is_refused(world: World) -> None:
    sys = world.actor("sys")
    world.access.add_organisation(sys, OrganisationDraft(id="one", name_zh="一", uscc="11150100MB1234567X"))
    with pytest.raises(Conflict):
        world.access.add_organisation(sys, OrganisationDraft(id="one", name_zh="另一"))
    with pytest.raises(Conflict):
        world.access.add_organisation(sys, OrganisationDraft(id="two", name_zh="二", uscc="11150100MB1234567X"))
    with pytest.raises(NotFound):
        world.access.add_organisation(sys, OrganisationDraft(id="two", name_zh="二", parent_id="nowhere"))
    with pytest.raises(NotFound):
        world.access.organisation("two")


@pytest.mark.parametrize(
    "draft",
    [
        OrganisationDraft(name_zh=" "),
        OrganisationDraft(name_zh="x", id="Not A Slug"),
        OrganisationDraft(name_zh="x", id="../etc"),
        OrganisationDraft(name_zh="x", admin_tier=4),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(embedded: World, draft: OrganisationDraft) -> None:
    with pytest.raises(Invalid):
        embedded.access.add_organisation(SYSTEM, draft)


def test_only_the_system_administrator_adds_organisations(world: World) -> None:
    for login in ("sec", "aud", "wang", "zhao", "citizen"):
        with pytest.raises(Denied):
            world.access.add_organisation(world.actor(login), OrganisationDraft(name_zh="x"))
        with pytest.raises(Denied):
            world.access.seed_region(world.actor(login), facts())
