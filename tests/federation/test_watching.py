"""Links are watched: who is late is said once and taken back, letters go when the law lets them, and what nodes do counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from beijiang.assess import Period
from beijiang.assess.models import Subject
from beijiang.evidence import HoldDraft, HoldKind, HoldState
from beijiang.federation import LetterState, LinkState, Way
from beijiang.federation.models.travels import request_of
from beijiang.federation.store import NodeStore
from beijiang.ingest import Alert, AlertKind
from beijiang.kit import SYSTEM, Denied, NotFound
from linked import AUDITOR, BODY, GUARD, STEWARD, Node, body_of, knock, reads_into

Pair = tuple[Node, Node]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def late(node: Node) -> list[Alert]:
    """Look at the links as is done every minute, and return who is late."""
    node.platform.link_watch.watch()
    return [one for one in node.platform.link_watch.troubles(AUDITOR) if one.kind is AlertKind.NODE_LATE]


def knocks(node: Node, other: Node) -> list[LetterState]:
    letters, _ = node.platform.letters.page(AUDITOR, other.id, (Way.OUT,))
    return [one.state for one in reversed(letters) if one.kind == "node.here"]


def exchanged(*nodes: Node) -> None:
    """Let letters go to and fro until every one is answered."""
    for node in nodes:
        node.post_until(lambda node=node: not node.waiting())  # type: ignore[misc]


def test_letters_that_wait_for_too_long_are_said_once_and_taken_back(pair: Pair) -> None:
    region, city = pair
    reads_into(region, [])
    region.down()
    city.send(region, "test.note", {"n": 1})
    city.post()
    city.clock.advance(23 * HOUR)
    assert late(city) == []
    city.clock.advance(2 * HOUR)
    (said,) = late(city)
    assert (said.subject, said.org_id) == (region.id, "")
    assert "1 封信件待送达" in said.text.zh
    assert "2026-06-01 12:00" in said.text.zh, "in the time of the region"
    city.clock.advance(9 * DAY)
    assert late(city) == [said]
    assert len(city.evidence("ingest.alert_open")) == 1
    region.up()
    exchanged(city)
    assert late(city) == []
    assert len(city.evidence("ingest.alert_close")) == 1
    region.down()
    city.send(region, "test.note", {"n": 2})
    city.clock.advance(25 * HOUR)
    (again,) = late(city)
    assert again.id != said.id, "lateness anew is told anew"
    with pytest.raises(Denied):
        city.platform.link_watch.troubles(STEWARD)


def test_a_silent_node_is_asked_whether_it_is_there_and_a_quiet_link_is_no_lateness(pair: Pair) -> None:
    region, city = pair
    for _ in range(3):
        city.clock.advance(12 * HOUR)
        for node in pair:
            assert late(node) == []
            exchanged(node)
    assert knocks(city, region) == [], "one of the two asked, which both heard"
    assert knocks(region, city) == [LetterState.READ] * 3
    city.down()
    region.clock.advance(12 * HOUR)
    assert late(region) == []
    region.post()
    region.clock.advance(13 * HOUR)
    (said,) = late(region)
    assert "最近一次有音讯" in said.text.zh
    assert knocks(region, city)[-1] is LetterState.WAITING
    city.up()
    exchanged(region)
    assert late(region) == []


def test_nobody_is_late_because_this_platform_was_away_or_its_administrator_suspended_the_link(pair: Pair) -> None:
    region, city = pair
    city.clock.advance(5 * DAY)
    assert late(city) == []
    assert late(city) == []
    exchanged(city)
    city.platform.nodes.suspend(GUARD, region.id, "检修")
    city.send(region, "test.note", {"n": 1})
    city.clock.advance(5 * DAY)
    assert late(city) == []
    region.down()
    city.platform.nodes.resume(GUARD, region.id, "检修完毕")
    city.post()
    city.clock.advance(23 * HOUR)
    assert late(city) == []
    city.clock.advance(2 * HOUR)
    assert len(late(city)) == 1
    city.platform.nodes.end(GUARD, region.id, "撤并")
    assert city.platform.nodes.link(GUARD, region.id).state is LinkState.ENDED
    assert late(city) == []


def test_who_sends_and_links_is_told_by_notice(pair: Pair) -> None:
    region, city = pair
    city.platform.first_start()
    region.down()
    city.send(region, "test.note", {"n": 1})
    city.clock.advance(25 * HOUR)
    (said,) = late(city)
    while city.platform.notices.take():
        pass
    people = {one.login: one.as_actor("session") for one in city.platform.access.people(SYSTEM)}
    for login, told in (("sysadmin", True), ("secadmin", True), ("auditor", False)):
        found = [one for one in city.platform.notices.notices(people[login]) if one.notice.thing == said.id]
        assert bool(found) is told, login
        if told:
            assert found[0].seen is not None
            assert found[0].seen.title == said.text
            assert found[0].seen.href.startswith("/console/federation")


def test_letters_are_cleared_when_the_law_lets_them_and_a_replay_is_answered_as_before(pair: Pair) -> None:
    region, city = pair
    reads_into(region, seen := [])
    read = city.send(region, "test.note", {"n": 1})
    refused = city.send(region, "test.unknown", {"n": 2})
    exchanged(city)
    again = knock(city, region, body_of(7), nonce="a" * 16).json()
    assert again["answers"][0]["state"] == "read"
    assert seen == [1, 7]
    region.down()
    waits = city.send(region, "test.note", {"n": 3})
    city.clock.advance(170 * DAY)
    assert (city.platform.link_watch.clear(), region.platform.link_watch.clear()) == (0, 0)
    city.clock.advance(20 * DAY)
    (_, _, due) = region.platform.link_watch.kept(AUDITOR)
    assert (due.limit.zh, due.basis, due.due) == ("6 个月", "网络安全法第21条", 4)  # the confirmation of the link too
    region.platform.link_watch.watch()
    city.platform.link_watch.watch()
    assert region.platform.link_watch.kept(AUDITOR)[-1].due == 0
    for gone in (read, refused):
        with pytest.raises(NotFound):
            city.letter(region, gone)
    assert city.letter(region, waits).state is LetterState.WAITING
    kept = region.letter(city, read, Way.IN)
    assert (kept.body, kept.digest, kept.number, kept.cleared_at) == ({}, read.digest, read.number, region.clock.now())
    ((rule, record),) = region.evidence("federation.letters_clear")
    assert rule == "retention.security_log"
    assert '"count":4' in record
    region.up()
    assert knock(city, region, body_of(7), nonce="b" * 16).json() == again
    changed = knock(city, region, body_of(7, body={"n": 8}), nonce="c" * 16).json()["answers"][0]
    assert (changed["state"], changed["error"]["code"]) == ("refused", "letter_changed")
    came = {"id": refused.id, "kind": refused.kind, "subject": refused.subject, "body": dict(refused.body)}
    answer = knock(city, region, body_of(refused.number, **came), nonce="d" * 16).json()["answers"][0]
    assert (answer["state"], answer["error"]["code"]) == ("refused", "unknown_letter_kind")
    assert seen == [1, 7]
    exchanged(city)
    assert seen == [1, 7, 3], "what waited is delivered after half a year"


def test_letters_about_requests_are_kept_for_years_and_what_a_hold_names_for_longer(pair: Pair) -> None:
    region, city = pair
    for kind in ("request.note", "parcel.note", "parcel.part", "test.note"):
        reads_into(region, [], kind + "_")  # kinds of their own, which begin as those of the platform
    sent = {
        kind: city.send(region, kind + "_", {"n": 1}, f"about:{kind}")
        for kind in ("request.note", "parcel.note", "parcel.part", "test.note")
    }
    held = city.send(region, "test.note_", {"n": 2})
    asked = city.send(region, "request.note_", {"n": 3}, "request:req_held")
    exchanged(city)
    hold = city.platform.holds.ask(GUARD, HoldDraft(HoldKind.TARGET, held.id, "某立案通知"))
    city.platform.holds.ask(GUARD, HoldDraft(HoldKind.TARGET, "req_held", "某立案通知", to_come=True))

    def there() -> set[str]:
        return {one.id for one in city.platform.letters.page(AUDITOR, region.id, (Way.OUT,))[0]}

    city.clock.advance(200 * DAY)
    city.platform.link_watch.clear()
    assert there() == {sent["request.note"].id, sent["parcel.note"].id, held.id, asked.id}
    city.clock.advance(3 * 366 * DAY)
    city.platform.link_watch.clear()
    assert there() == {held.id, asked.id}
    assert city.platform.holds.confirm(AUDITOR, hold.id, agree=False).state is HoldState.DECLINED
    city.platform.link_watch.clear()
    assert there() == {asked.id}
    theirs = request_of(city.id, "req_held")
    region.platform.holds.ask(GUARD, HoldDraft(HoldKind.TARGET, theirs, "某立案通知", to_come=True))
    region.platform.link_watch.clear()
    assert region.letter(city, asked, Way.IN).cleared_at is None, "there a request has another id"
    assert region.letter(city, held, Way.IN).cleared_at is not None


@pytest.mark.parametrize("digits", [6, 9, 12])
def test_a_unit_is_active_by_what_its_people_told_from_a_node_of_their_own(pair: Pair, digits: int) -> None:
    region, city = pair
    region.platform.first_start()
    with region.platform.db.begin() as tx:  # the code of the same place, as long as the node writes it
        NodeStore(tx.connection).change_link(city.id, region_code="150200".ljust(digits, "0"))
    june = Period.parse("2026-06")

    def computed() -> Any:
        region.platform.assess.compute(SYSTEM, june)
        _, mark, facts = region.platform.assess.facts(SYSTEM, june, "gov-150200", "linkage_rate")
        return mark, next(one for one in facts if one.ref == city.id)

    exchanged(region, city)
    before, fact = computed()
    assert (fact.subject, fact.a, fact.why.zh) == (Subject.NODE, 0.0, "本期没有活动"), "a link alone is nothing done"
    city.send(region, "catalog.entry", BODY, "catalog")
    city.send(region, "catalog.entry", {**BODY, "resource": "res_2"}, "catalog")
    exchanged(city)
    region.clock.advance(HOUR)
    after, fact = computed()
    assert fact.a == 1.0
    assert fact.why.zh == "从本级节点上报目录 2 条次、往来申请 0 件次，最近 2026-06-01"
    assert (after.a - before.a, after.b - before.b) == (1.0, 0.0), "the unit counts once, here or there"
    region.clock.advance(40 * DAY)
    city.send(region, "catalog.gone", {"resource": "res_2"}, "catalog")
    exchanged(city)
    assert computed()[1].why == fact.why, "what came after the period is not of it"
