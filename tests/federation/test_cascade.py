"""上报: what a city publishes stands at the region as the city says it, and only the city changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from beijiang.access import OrganisationDraft, Role
from beijiang.catalog import Entry, Item, ItemEdit, Level, OpenType, Resource, ResourceEdit, ShareMethod, ShareType
from beijiang.federation import Comparison, LetterState, LinkedEntry, LinkState, Way
from beijiang.federation.models import entries as models
from beijiang.federation.models.entries import Rule, entry_of
from beijiang.federation.store import EntryStore
from beijiang.ingest import AlertKind
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, ActorKind, BeijiangError, Denied, Invalid, NotFound
from linked import AUDITOR, BODY, GUARD, PUBLISHER, STEWARD, Node, linked
from travelling import CAPITAL, CITY, answered, turn
from waiting import until

OWNER = "market"
KEEPER = Actor(id="per_own", name="专员", kind=ActorKind.PERSON, org_id=OWNER, roles=frozenset({Role.STEWARD}))
REVIEWER = Actor(
    id="per_rev", name="审核", kind=ActorKind.PERSON, org_id="bigdata", roles=frozenset({Role.BUREAU_REVIEWER})
)


class Linked:
    """The region and a city, linked, and a department of the city that publishes what it holds."""

    def __init__(self, pair: tuple[Node, Node]) -> None:
        self.up, self.down = pair
        self.clock = self.up.clock
        for node in pair:
            node.platform.access.add_organisation(
                SYSTEM, OrganisationDraft(id=OWNER, name_zh="市场监管局", name_en="Market")
            )
        self.register = self.publish(self.down, "企业登记信息")

    def post(self) -> None:
        """Let letters go to and fro until every one is answered; one that a slow machine cut off goes again a minute later."""
        until(lambda: answered(self.up, self.down))

    def publish(self, node: Node, name: str, place: tuple[Node, str] | None = None, **edit: Any) -> Resource:
        """Publish an entry without a table; ``place`` states at which node its data are."""
        entry = Entry(
            name=name,
            summary=f"{name}，每月更新。",
            provider_id=OWNER,
            categories=("211001",),
            formats=("csv",),
            items=tuple(Item(column=one, name=one, level=Level.L2) for one in (CAPITAL, CITY)),
            share_type=ShareType.CONDITIONAL,
            share_condition="按项审批",
            share_method=ShareMethod.FILE,
            open_type=OpenType.NOT_OPEN,
            open_condition="含个人信息",
            update_cycle="1",
        )
        made = node.platform.catalog.register(KEEPER, entry)
        if place is not None:
            node.platform.travels.place(KEEPER, made.id, place[0].id, place[1])
        return self.again(node, made.id, items=(ItemEdit(column=CITY, share_type=ShareType.UNCONDITIONAL),), **edit)

    def again(self, node: Node, resource_id: str, *, by: Actor = KEEPER, **edit: Any) -> Resource:
        """Change an entry, and publish it."""
        catalog = node.platform.catalog
        catalog.edit(by, resource_id, ResourceEdit(**edit))
        catalog.submit(by, resource_id)
        catalog.approve(REVIEWER, resource_id)
        return catalog.publish(PUBLISHER, resource_id)


@pytest.fixture
def levels(pair: tuple[Node, Node]) -> Linked:
    return Linked(pair)


def began(levels: Linked) -> None:
    levels.down.platform.cascade.set_rule(PUBLISHER, levels.up.id, on=True)
    turn(levels)


def found(levels: Linked, words: str = "") -> list[LinkedEntry]:
    return levels.up.platform.cascade.entries(STEWARD, words)[0]


def kinds(levels: Linked) -> list[str]:
    """Return the kinds of the letters about catalogs that the city wrote, oldest first."""
    letters, _ = levels.down.platform.letters.page(AUDITOR, levels.up.id, (Way.OUT,))
    return [one.kind for one in sorted(letters, key=lambda one: one.number) if one.kind.startswith("catalog.")]


def compared(levels: Linked) -> Comparison:
    """Return what the last comparison found, which both sides say alike."""
    above, below = (
        next(one for one in node.platform.cascade.standings(AUDITOR) if one.link.node_id == other.id)
        for node, other in ((levels.up, levels.down), (levels.down, levels.up))
    )
    assert above.found == below.found
    assert above.compared_at is not None
    assert below.compared_at is not None
    return above.found


def test_what_is_published_below_is_found_above_with_its_items_sharing_and_grades(levels: Linked) -> None:
    levels.publish(levels.down, "自治区的登记信息", place=(levels.up, "res_of_the_region"))
    turn(levels)
    assert found(levels) == []
    assert kinds(levels) == [], "nothing is told until somebody decides it"
    began(levels)
    (entry,) = [one for one in found(levels, "注册资本 企业登记信息") if one.theirs == levels.register.id]
    assert (entry.origin, entry.node.zh, entry.card.tier) == (levels.down.id, "包头市", 2)
    there = levels.down.platform.catalog.published(STEWARD, entry.theirs)
    assert [item.name for item in entry.entry.items] == [item.name for item in there.version.entry.items]
    assert [item.share_type for item in entry.entry.items] == [i.share_type for i in there.version.entry.items]
    assert entry.entry.share_type is ShareType.CONDITIONAL
    assert [item.level for item in entry.entry.items] == [Level.L2, Level.L2]
    assert entry.url == f"https://testserver/datasets/{entry.theirs}"
    assert entry.version.intact
    assert found(levels, "没有这样的词") == []
    assert compared(levels) == Comparison(fresh=1), (
        "not what the city knows of the region's: that is the region's to tell"
    )
    assert levels.down.platform.cascade.untold(PUBLISHER, levels.up.id) == Comparison()


def test_the_public_is_shown_nothing_of_it(levels: Linked) -> None:
    began(levels)
    catalog, (first, *_) = levels.up.platform.catalog, found(levels)
    assert catalog.published(STEWARD, first.id).version.entry.name == first.entry.name
    for outsider in (ANONYMOUS, GUARD):
        with pytest.raises(NotFound):
            catalog.published(outsider, first.id)
    with pytest.raises(NotFound):
        catalog.get(STEWARD, first.id)


def test_a_change_and_a_withdrawal_follow_by_themselves_and_an_older_word_changes_nothing(levels: Linked) -> None:
    began(levels)
    before = kinds(levels)
    letters, _ = levels.down.platform.letters.page(AUDITOR, levels.up.id, (Way.OUT,))
    mine = levels.register.id
    first = next(one for one in letters if one.kind == "catalog.entry" and one.body["resource"] == mine)
    levels.again(levels.down, mine, summary="改写后的摘要")
    levels.post()
    assert kinds(levels)[len(before) :] == ["catalog.entry"]
    (now,) = found(levels, "改写后的摘要")
    assert now.version.number == 2
    levels.down.send(levels.up, "catalog.entry", dict(first.body), "catalog")
    levels.post()
    assert levels.up.platform.cascade.entry(STEWARD, now.id).version.number == 2
    levels.down.platform.catalog.withdraw(PUBLISHER, mine, "停用")
    levels.post()
    assert kinds(levels)[-1] == "catalog.gone"
    assert mine not in {one.theirs for one in found(levels)}
    assert levels.up.platform.cascade.entry(STEWARD, now.id).withdrawn_at is not None
    assert levels.up.platform.cascade.afar(now.id) is None


def test_divisions_choose_off_takes_back_and_nothing_is_sent_twice(levels: Linked) -> None:
    cascade, above = levels.down.platform.cascade, levels.up.id
    began(levels)
    everything = {one.theirs for one in found(levels)}
    code = levels.down.platform.catalog.published(STEWARD, levels.register.id).version.entry.categories[0]
    cascade.set_rule(PUBLISHER, above, on=True, divisions=["zzz"])
    assert cascade.untold(PUBLISHER, above) == Comparison(gone=len(everything))
    turn(levels)
    assert found(levels) == []
    assert compared(levels) == Comparison(gone=len(everything))
    cascade.set_rule(PUBLISHER, above, on=True, divisions=[code])
    turn(levels)
    assert levels.register.id in {one.theirs for one in found(levels)}
    before = kinds(levels)
    cascade.set_rule(PUBLISHER, above, on=True, divisions=[code])
    turn(levels)
    assert kinds(levels)[len(before) :] == ["catalog.listing"]
    assert compared(levels) == Comparison()
    cascade.set_rule(PUBLISHER, above, on=False)
    turn(levels)
    assert found(levels) == []
    turn(levels)
    assert kinds(levels)[len(before) :] == ["catalog.listing"] * 2, "what is not told is not listed every day"
    assert len(levels.down.evidence("federation.catalog_rule")) == 5


def test_days_without_a_line_lose_and_double_nothing(levels: Linked) -> None:
    levels.down.platform.cascade.set_rule(PUBLISHER, levels.up.id, on=True)
    levels.up.down()
    for day in range(3):
        levels.clock.advance(timedelta(days=1))
        levels.down.platform.cascade.watch()
        levels.down.post()
        if day == 1:
            levels.again(levels.down, levels.register.id, summary="断网时改写")
    levels.up.up()
    levels.clock.advance(timedelta(hours=2))
    levels.post()
    assert [one.version.number for one in found(levels, "断网时改写")] == [2]
    assert kinds(levels).count("catalog.listing") == 3
    told = [one for one in kinds(levels) if one == "catalog.entry"]
    assert len(told) == 1, "once, as it was changed, though three lists and a change said that it is lacking"


@pytest.mark.parametrize("side", ["up", "down"])
def test_each_day_a_comparison_heals_what_a_restored_backup_lost(levels: Linked, side: str) -> None:
    """A backup of yesterday is today's database without what came since."""
    began(levels)
    mine = levels.register.id
    levels.again(levels.down, mine, summary="备份之后改写")
    levels.post()
    assert len(found(levels, "备份之后改写")) == 1
    node: Node = getattr(levels, side)
    with node.platform.db.begin() as tx:
        table = "federation_entry" if side == "up" else "federation_told"
        tx.connection.exec_driver_sql(f"DELETE FROM {table}")
    turn(levels)
    assert len(found(levels)) == (0 if side == "up" else 1), "within the day nobody looks"
    levels.clock.advance(timedelta(days=1))
    turn(levels)
    assert len(found(levels)) == 1
    assert compared(levels) == (Comparison(fresh=1) if side == "up" else Comparison())
    assert levels.down.platform.cascade.untold(PUBLISHER, levels.up.id) == Comparison()


def test_a_node_that_fell_back_to_an_earlier_version_is_believed_after_a_comparison(levels: Linked) -> None:
    began(levels)
    levels.again(levels.down, levels.register.id, summary="第二版")
    levels.post()
    entry_id = entry_of(levels.down.id, levels.register.id)
    with levels.up.platform.db.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE federation_entry SET version = 9, digest = 'old'")
    levels.clock.advance(timedelta(days=1))
    turn(levels)
    assert levels.up.platform.cascade.entry(STEWARD, entry_id).version.number == 2
    assert compared(levels) == Comparison(changed=1)
    turn(levels)
    levels.clock.advance(timedelta(days=1))
    turn(levels)
    assert compared(levels) == Comparison()


def test_a_new_link_is_compared_and_what_is_known_is_not_sent_again(levels: Linked) -> None:
    began(levels)
    levels.down.platform.nodes.end(GUARD, levels.up.id, "重装")
    levels.post()
    assert found(levels) == [], "entries of a node whose link has ended are not found"
    levels.clock.advance(timedelta(minutes=1))
    before = kinds(levels)
    linked(levels.up, levels.down)
    turn(levels)
    assert levels.down.platform.nodes.link(GUARD, levels.up.id).state is LinkState.LINKED
    assert len(found(levels)) == 1
    assert kinds(levels)[len(before) :] == ["catalog.listing"]


def test_who_stated_a_place_by_hand_is_told_that_the_origin_tells_it_itself(levels: Linked) -> None:
    alerts, cascade = levels.up.platform.alerts, levels.up.platform.cascade
    mine = levels.publish(levels.up, "包头的登记信息", place=(levels.down, levels.register.id)).id
    assert cascade.twins(STEWARD) == {}
    began(levels)
    cascade.watch()
    assert cascade.twins(STEWARD) == {mine: entry_of(levels.down.id, levels.register.id)}
    said = alerts.open()[AlertKind.ENTRY_TOLD, mine]
    assert said.org_id == OWNER
    assert "以来源为准" in said.text.zh
    levels.up.platform.travels.place(KEEPER, mine, "", "")
    cascade.watch()
    assert (AlertKind.ENTRY_TOLD, mine) not in alerts.open()


def test_what_is_too_long_for_a_letter_goes_without_its_items_and_says_so(
    levels: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "LETTER_MOST", 3000)
    began(levels)
    entry = levels.up.platform.cascade.entry(STEWARD, entry_of(levels.down.id, levels.register.id))
    assert (entry.entry.items, entry.items_left_off) == ((), 2)


def test_long_lists_go_in_parts_that_leave_no_gap(levels: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LIST_MOST", 1)
    levels.publish(levels.down, "企业年报信息")
    began(levels)
    assert kinds(levels).count("catalog.listing") == 2
    assert len(found(levels)) == 2
    assert compared(levels) == Comparison(fresh=2)
    levels.down.send(levels.up, "catalog.entry", {**BODY, "resource": "zzz_stray"}, "catalog")
    levels.post()
    assert len(found(levels)) == 3
    levels.clock.advance(timedelta(days=1))
    turn(levels)
    assert len(found(levels)) == 2
    assert compared(levels) == Comparison(gone=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"entry": {}},
        {"entry": {"name": "x", "share_type": None, "open_type": None}},
        {"entry": {"name": "x", "share_type": "everybody", "open_type": "not_open"}},
        {"entry": {"name": "x", "share_type": "unconditional", "open_type": "not_open", "items": [{"column": "a", "name": "a", "level": "L9"}]}},
        {"entry": {"name": "x", "share_type": "unconditional", "open_type": "not_open", "items": [{"column": "a", "name": 5}]}},
        {"entry": {"name": "x", "share_type": "unconditional", "open_type": "not_open", "keywords": [{}]}},
        {"entry": {"name": "\u200b", "share_type": "unconditional", "open_type": "not_open"}},
        {"entry": {"name": "x", "share_type": "unconditional", "open_type": "not_open", "links": [{"title": "", "url": "javascript:1"}]}},
        {"url": "javascript:alert(1)"},
        {"version": 0},
        {"resource": "../x"},
        {"org": {"id": "<b>", "zh": "", "en": ""}},
        {"published_at": "yesterday"},
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused(pair: tuple[Node, Node], changed: dict[str, Any]) -> None:
    region, city = pair
    fine = city.send(region, "catalog.entry", BODY, "good")
    odd = city.send(region, "catalog.entry", {**BODY, **changed}, "odd")
    assert city.post() == 2
    assert city.letter(region, fine).state is LetterState.READ
    assert city.letter(region, odd).code == "bad_letter"
    assert [one.entry.name for one in region.platform.cascade.entries(STEWARD)[0]] == ["好目录"]


def test_entries_come_from_below_only_and_rules_are_for_nodes_above(pair: tuple[Node, Node]) -> None:
    region, city = pair
    sent = [
        region.send(city, kind, body, kind)
        for kind, body in (
            ("catalog.entry", BODY),
            ("catalog.gone", {"resource": "res_1"}),
            ("catalog.listing", {"after": "", "upto": "", "entries": {}}),
        )
    ]
    asked = city.send(region, "catalog.wanted", {"number": 1, "ids": ["lnk_1"], "fresh": 1, "gone": 0, "first": True})
    assert (region.post(), city.post()) == (3, 1)
    assert {region.letter(city, one).code for one in sent} == {"not_from_below"}
    assert city.letter(region, asked).code == "not_above"
    above, below = region.platform.cascade, city.platform.cascade
    refused: tuple[tuple[type[BeijiangError], Callable[[], object]], ...] = (
        (Invalid, lambda: above.set_rule(PUBLISHER, city.id, on=True)),
        (NotFound, lambda: above.set_rule(PUBLISHER, "NM-1501", on=True)),
        (NotFound, lambda: above.entry(STEWARD, "lnk_1")),
        (Invalid, lambda: below.set_rule(PUBLISHER, region.id, on=True, divisions=["<b>"])),
        (Denied, lambda: below.set_rule(GUARD, region.id, on=True)),
        (Denied, lambda: below.untold(STEWARD, region.id)),
        (Denied, lambda: above.entries(GUARD)),
        (Denied, lambda: above.standings(STEWARD)),
    )
    for kind, ask in refused:
        with pytest.raises(kind):
            ask()


def test_what_is_marked_secret_is_never_told(levels: Linked) -> None:
    entry = levels.register.entry
    assert Rule(on=True).takes(entry)
    assert not Rule(on=True).takes(replace(entry, secret_flag=True))
    assert not Rule(on=True).takes(replace(entry, items=(replace(entry.items[0], secret_flag=True),)))


def full(node: Node) -> list[str]:
    """Look at the catalogs as is done every minute, and return what is said of nodes of which no more is taken."""
    node.platform.cascade.watch()
    return [one.text.zh for (kind, _), one in node.platform.alerts.open().items() if kind is AlertKind.NODE_FULL]


def refusals(levels: Linked) -> list[str]:
    letters, _ = levels.down.platform.letters.page(AUDITOR, levels.up.id, (Way.OUT,), (LetterState.REFUSED,))
    return [one.code for one in letters]


def test_over_the_cap_is_refused_in_words_and_comes_once_the_cap_is_raised(levels: Linked) -> None:
    levels.up.again(linkage_entries_most=2)
    others = [levels.publish(levels.down, name) for name in ("企业年报信息", "企业变更信息", "企业注销信息")]
    began(levels)
    assert len(found(levels)) == 2
    assert refusals(levels) == ["entries_many"], "of four, the first over the cap is wanted, so that it is known there"
    (said,) = full(levels.up)
    assert "包头市" in said
    (standing,) = levels.up.platform.cascade.standings(AUDITOR)
    assert standing.to_json()["room"] == {"entries": 2, "departments": 1000}
    assert (standing.entries, standing.departments, standing.found) == (2, 1, Comparison(fresh=4))
    kept = {one.theirs for one in found(levels)}
    levels.again(levels.down, min(kept), summary="改写后的摘要")
    levels.post()
    assert len(found(levels, "改写后的摘要")) == 1, "what is there already is followed all the same"
    levels.clock.advance(timedelta(days=1))
    turn(levels)
    assert refusals(levels) == ["entries_many"], "nothing has changed: it is not asked for every day"
    assert full(levels.up) == [said]
    levels.clock.advance(timedelta(days=7))
    turn(levels)
    assert refusals(levels) == ["entries_many"] * 2, "it is after a week"
    assert full(levels.up) == [said]
    assert len(levels.up.evidence("ingest.alert_open")) == 1
    levels.up.again(linkage_entries_most=10)
    levels.clock.advance(timedelta(days=1))
    turn(levels)
    assert {one.theirs for one in found(levels)} == {levels.register.id, *(one.id for one in others)}
    assert full(levels.up) == []


def test_a_refused_department_is_asked_again_when_there_is_room_or_it_says_something_else(levels: Linked) -> None:
    levels.up.again(linkage_departments_most=1)
    region, city = levels.up, levels.down
    city.platform.access.add_organisation(SYSTEM, OrganisationDraft(id="water", name_zh="水利局", name_en="Water"))
    water = replace(KEEPER, id="per_water", org_id="water")
    mine = replace(levels.register.entry, name="水库水情", provider_id="water", provider_name="水利局")
    made = city.platform.catalog.register(water, mine)
    levels.again(city, made.id, by=water)
    began(levels)
    assert len(found(levels)) == 1, "whichever came first"
    (other,) = {levels.register.id, made.id} - {one.theirs for one in found(levels)}
    assert refusals(levels) == ["told_departments_many"]
    (said,) = full(region)

    def a_day_later() -> list[str]:
        levels.clock.advance(timedelta(days=1))
        turn(levels)
        return refusals(levels)

    assert a_day_later() == ["told_departments_many"], "nothing has changed"
    assert full(region) == [said]
    levels.again(city, other, by=water if other == made.id else KEEPER, summary="改写后的摘要")
    levels.post()
    assert refusals(levels) == ["told_departments_many"] * 2, "it was told anew, and refused again"
    assert a_day_later() == ["told_departments_many"] * 2
    region.again()
    assert full(region) == []
    assert a_day_later() == ["told_departments_many"] * 2
    assert len(found(levels)) == 2
    with region.platform.db.read() as connection:
        assert EntryStore(connection).refused(city.id, levels.clock.at - timedelta(days=30)) == {}


def test_departments_are_capped_too_and_a_refused_one_leaves_nothing_behind(levels: Linked) -> None:
    levels.up.again(linkage_departments_most=1)
    region, city = levels.up, levels.down
    city.send(region, "catalog.entry", BODY, "one")
    city.send(region, "catalog.entry", {**BODY, "resource": "res_2"}, "two")
    other = {**BODY, "resource": "res_3", "org": {"id": "water", "zh": "水利局", "en": "Water"}}
    odd = city.send(region, "catalog.entry", other, "three")
    levels.post()
    assert city.letter(region, odd).code == "told_departments_many"
    assert len(found(levels)) == 2
    names = [one.name_zh for one in region.platform.access.organisations()]
    assert any(name.startswith("卫生健康委") for name in names)
    assert not any(name.startswith("水利局") for name in names)
    assert "部门 1 个" in full(region)[0]
    region.again()
    city.platform.letters.resend(PUBLISHER, region.id, odd.id)
    levels.post()
    assert len(found(levels)) == 3
