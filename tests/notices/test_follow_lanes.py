"""Subscriptions are told side by side: who hangs holds up nobody, what is in hand is kept, a search is looked at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
from exchange_bureau import OWNER, Bureau, firms
from mailing import mailing
from postbox import Postbox
from sqlalchemy.exc import OperationalError
from subscribing import Receiver, active, changed, confirmed, draft, plain, receiving, told, working

from beijiang.catalog import Wanted
from beijiang.ingest import AffectedKind
from beijiang.kit import SYSTEM
from beijiang.notices import NoticeQuery
from beijiang.opendata import FollowKind, FollowWay, Spreading
from beijiang.opendata.follows import Follow, wanted
from beijiang.opendata.lanes import BRISK, PER_LANE
from beijiang.opendata.store.follows import FollowStore
from waiting import until


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, box: Postbox) -> Iterator[Bureau]:
    with mailing(tmp_path_factory.mktemp("lanes"), box) as opened:
        yield opened


@pytest.fixture(scope="module")
def hotels(region: Bureau) -> str:
    return region.publish("酒店名录", 5).id


@pytest.fixture(autouse=True)
def _another_day(bureau: Bureau, box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what waits from the test before go out, and end every subscription. Who hangs does so for as long as a test takes."""
    monkeypatch.setattr("beijiang.opendata.spreading._POST_SECONDS", 600.0)
    bureau.clock.at += timedelta(days=8)
    told(bureau)
    for actor in bureau.people.values():
        for one, _ in bureau.platform.follows.own(actor):
            bureau.platform.follows.end(actor, one.id)
    box.letters.clear()


def test_receivers_that_hang_hold_up_no_other_and_have_few_hands_each(bureau: Bureau, hotels: str) -> None:
    go_on = threading.Event()
    with ExitStack() as stack:
        quick = stack.enter_context(receiving(Receiver(host="127.0.0.9")))
        slow = [stack.enter_context(receiving(Receiver(host=f"127.0.1.{n}", wait=go_on))) for n in range(1, BRISK)]
        stack.callback(go_on.set)
        go_on.set()
        for one in slow:
            active(bureau, hotels, one, PER_LANE + 1)
        active(bureau, hotels, quick, 12)
        go_on.clear()
        changed(bureau, "酒店名录", 70)
        with working(bureau):
            until(lambda: len(quick.posts) == 12)
            assert {len(one.posts) for one in slow} <= {*range(PER_LANE + 1)}
            go_on.set()
            until(lambda: {len(one.posts) for one in slow} == {PER_LANE + 1})


def test_what_is_in_hand_is_held_on_to_for_as_long_as_it_takes(bureau: Bureau, hotels: str) -> None:
    go_on = threading.Event()
    go_on.set()
    with receiving(Receiver(host="127.0.0.8", wait=go_on)) as slow:
        (follow_id,) = active(bureau, hotels, slow)
        go_on.clear()
        changed(bureau, "酒店名录", 71)

        def held_until() -> datetime:
            with bureau.platform.db.read() as connection:
                found = FollowStore(connection).get(follow_id)
            assert found is not None
            assert found.next_at is not None
            return found.next_at

        with working(bureau):
            until(lambda: len(slow.posts) == 1)
            for _ in range(3):
                bureau.clock.at += timedelta(minutes=4)
                until(lambda: held_until() > bureau.clock.at + timedelta(minutes=4))
                other = Spreading(bureau.platform.follows)
                other.round()
                assert len(slow.posts) == 1, "another process took it for left behind"
            bureau.platform.follows.nudge = lambda: None
            go_on.set()
            until(lambda: bureau.platform.follows.one(bureau["consumer"], follow_id).told_at == bureau.clock.at)
        told(bureau)
        assert len(slow.posts) == 1


def test_each_followed_search_is_looked_at_once_for_all_that_happened(
    bureau: Bureau, box: Postbox, hotels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [bureau.publish(f"旅馆名录{number}", 3).id for number in range(3)]
    told(bureau)
    box.letters.clear()
    for number, words in enumerate(("名录", "旅馆", "酒店", "旅馆", "骆驼")):
        confirmed(bureau, box, draft(f"q={words}", FollowKind.SEARCH, to=f"s{number}@example.cn"))
    looked: list[str] = []

    def noted(what: str) -> Wanted:
        looked.append(what)
        return wanted(what)

    monkeypatch.setattr("beijiang.opendata.following.wanted", noted)
    for name in ("旅馆名录0", "旅馆名录1", "旅馆名录2"):
        bureau.write(name, firms(4)[-1:])
    changed(bureau, "酒店名录", 72)
    told(bureau)
    assert len(looked) == len(set(looked)) == 4
    heard = {to[0]: {one for one in (hotels, *more) if f"/datasets/{one}" in plain(m)} for _, to, m in box.letters}
    assert heard == {
        "s0@example.cn": {hotels, *more},
        "s1@example.cn": {*more},
        "s2@example.cn": {hotels},
        "s3@example.cn": {*more},
    }


def test_who_follows_in_the_notice_centre_hears_that_a_data_set_went_and_not_its_name(bureau: Bureau) -> None:
    made = bureau.publish("将撤名录", 3)
    people = {name: bureau[name] for name in ("consumer", "lead", "steward") if name in bureau.people}
    follows = bureau.platform.follows
    ways = [(made.id, FollowKind.DATASET), (OWNER, FollowKind.ORG), ("q=将撤名录", FollowKind.SEARCH)]
    asked = dict(zip(people, ways, strict=False))
    for name, (what, kind) in asked.items():
        follows.follow(people[name], draft(what, kind, way=FollowWay.NOTICE, to=""))
    changed(bureau, "将撤名录", 4)
    while bureau.platform.notices.take():
        pass
    bureau.platform.catalog.withdraw(bureau["publisher"], made.id, "有误", for_good=True)
    while bureau.platform.notices.take():
        pass
    for name in asked:
        shown = bureau.platform.notices.notices(people[name], NoticeQuery(unread_only=True))
        gone = [one for one in shown if one.notice.thing == made.id and one.notice.action == "catalog.withdraw"]
        assert len(gone) == 1, name
    assert len(asked) == len(ways)
    seen = bureau.platform.notices.notices(people["consumer"], NoticeQuery(unread_only=True))
    assert all("将撤" not in str(one) for one in seen if one.notice.action == "catalog.withdraw")


def test_a_change_of_a_column_names_how_many_follow_the_data_set(bureau: Bureau) -> None:
    made = bureau.publish("受援单位", 3)

    def following() -> list[str]:
        touched = bureau.platform.lineage.impact(SYSTEM, "受援单位", "注册资本")
        return [one.how.en for one in touched if one.kind is AffectedKind.SUBSCRIPTION]

    assert following() == []
    follows = bureau.platform.follows
    follows.follow(bureau["consumer"], draft(made.id, way=FollowWay.NOTICE, to=""))
    follows.follow(bureau["consumer"], draft(OWNER, FollowKind.ORG, way=FollowWay.NOTICE, to=""))
    follows.follow(bureau["steward"], draft("q=受援单位", FollowKind.SEARCH, way=FollowWay.NOTICE, to=""))
    assert following() == ["followed by 2"]


def test_a_database_that_fails_while_one_is_taken_in_hand_closes_no_lane(
    bureau: Bureau, hotels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = FollowStore.claim

    def failing(self: FollowStore, one: Follow, until: datetime) -> bool:
        claim(self, one, until)
        raise OperationalError("claim", {}, Exception("database is locked"))

    with receiving(Receiver(host="127.0.0.7")) as receiver:
        active(bureau, hotels, receiver, PER_LANE)
        changed(bureau, "酒店名录", 73)
        with monkeypatch.context() as broken:
            broken.setattr(FollowStore, "claim", failing)
            for _ in range(PER_LANE):
                with pytest.raises(OperationalError):
                    told(bureau)
        assert receiver.posts == []
        told(bureau)
        assert len(receiver.posts) == PER_LANE


def test_a_receiver_that_hangs_holds_up_no_stop_and_is_told_again(
    bureau: Bureau, hotels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beijiang.opendata.spreading.END_SECONDS", 0.1)
    go_on = threading.Event()
    go_on.set()
    with receiving(Receiver(host="127.0.0.6", wait=go_on)) as slow:
        (follow_id,) = active(bureau, hotels, slow)
        go_on.clear()
        changed(bureau, "酒店名录", 74)
        with working(bureau):
            until(lambda: len(slow.posts) == 1)
            (hand,) = [one for one in threading.enumerate() if one.name == f"beijiang-follow-{follow_id}"]
        assert hand.is_alive(), "the stop waited for a receiver that hangs"
        go_on.set()
        hand.join()
        bureau.clock.at += timedelta(minutes=6)
        told(bureau)
        assert [headers["webhook-id"] for headers, _ in slow.posts] == [slow.posts[0][0]["webhook-id"]] * 2
        told(bureau)
        assert len(slow.posts) == 2
