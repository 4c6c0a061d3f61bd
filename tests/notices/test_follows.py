"""Subscriptions: nobody is written to who did not confirm, nobody's address shows, and only what everybody may see is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from exchange_bureau import OWNER, Bureau
from fastapi.testclient import TestClient
from mailing import mailing
from postbox import Postbox
from sqlalchemy import text
from subscribing import READER, Receiver, allowed, changed, confirmed, draft, hook, link_in, plain, receiving, told
from typer.testing import CliRunner

from beijiang.app import create_app
from beijiang.kit import (
    ANONYMOUS,
    SYSTEM,
    Conflict,
    Denied,
    Invalid,
    Language,
    NotFound,
    Throttled,
    Unauthenticated,
)
from beijiang.notices import NoticeQuery
from beijiang.opendata import FollowKind, FollowPace, FollowState, FollowWay
from beijiang.opendata.commands import follows
from beijiang.opendata.following import CONFIRMS_A_DAY, PERSON_CONFIRMS_A_DAY
from beijiang.opendata.spreading import MAIL_DAYS, PAUSES


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, box: Postbox) -> Iterator[Bureau]:
    with mailing(tmp_path_factory.mktemp("follows"), box) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _another_day(bureau: Bureau, box: Postbox) -> None:
    """Let what waits from the test before go out, and forget it."""
    box.refuse.clear()
    bureau.clock.at += timedelta(days=8)
    told(bureau)
    with bureau.platform.db.begin() as tx:
        tx.connection.execute(text("DELETE FROM portal_follow_news"))
        tx.connection.execute(text("DELETE FROM portal_follow"))
    box.letters.clear()


@pytest.fixture
def visitor(bureau: Bureau) -> TestClient:
    return TestClient(create_app(bureau.platform), base_url="https://data.example.cn")


@pytest.fixture(scope="module")
def hotels(region: Bureau) -> str:
    return region.publish("酒店名录", 5).id


def test_nothing_is_told_before_the_link_is_used_and_the_link_is_good_once_for_a_day(
    bureau: Bureau, box: Postbox, visitor: TestClient, hotels: str
) -> None:
    ticket = visitor.get("/api/v1/portal/ticket").json()["ticket"]
    bureau.clock.at += timedelta(seconds=5)
    order = {"kind": "dataset", "what": hotels, "to": READER, "pace": "at_once", "ticket": ticket}
    answer = visitor.post("/api/v1/portal/follows", json=order)
    assert answer.status_code == 201
    assert answer.json() == {"state": "waiting", "feed": f"https://data.example.cn/datasets/{hotels}/feed.xml"}
    told(bureau)
    changed(bureau, "酒店名录", 6)
    told(bureau)
    ((sender, to, letter),) = box.letters
    assert (sender, to) == ("noreply@data.example.cn", [READER])
    assert "酒店名录" in plain(letter)
    link = link_in(letter, "confirm")
    assert visitor.get(link).status_code == 200
    assert bureau.platform.follows.counts(SYSTEM)[0][2] == "waiting"  # looking at a link changes nothing
    assert visitor.post(link).status_code == 200
    assert visitor.post(link).status_code == 404
    box.letters.clear()
    changed(bureau, "酒店名录", 7)
    told(bureau)
    ((_, _, news),) = box.letters
    assert f"https://data.example.cn/datasets/{hotels}" in plain(news)
    assert news["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert news["Auto-Submitted"] == "auto-generated"


def test_a_link_is_no_good_after_a_day(bureau: Bureau, box: Postbox, hotels: str) -> None:
    bureau.platform.follows.follow(ANONYMOUS, draft(hotels))
    told(bureau)
    _, _, follow_id, code = link_in(box.letters[-1][2], "confirm").strip("/").split("/")
    with pytest.raises(NotFound):
        bureau.platform.follows.confirm(ANONYMOUS, follow_id, code[:-1] + "~")
    bureau.clock.at += timedelta(hours=25)
    with pytest.raises(NotFound):
        bureau.platform.follows.confirm(ANONYMOUS, follow_id, code)
    bureau.clock.at += timedelta(hours=25)
    bureau.platform.spreading.watch()
    assert bureau.platform.follows.counts(SYSTEM) == []


def test_one_click_ends_it_and_the_address_is_forgotten(
    bureau: Bureau, box: Postbox, visitor: TestClient, hotels: str
) -> None:
    follow_id = confirmed(bureau, box, draft(hotels))
    changed(bureau, "酒店名录", 8)
    told(bureau)
    header = str(box.letters[-1][2]["List-Unsubscribe"]).strip("<>")
    assert header.startswith("https://data.example.cn/follow/end/")
    path = header.removeprefix("https://data.example.cn")
    assert visitor.post(path[:-1] + "0" if path[-1] != "0" else path[:-1] + "1").status_code == 404
    for _ in range(2):  # a mail program may send it twice
        assert visitor.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with bureau.platform.db.read() as connection:
        row = connection.execute(text("SELECT * FROM portal_follow WHERE id = :id"), {"id": follow_id}).one()
    assert (row.state, row.sealed) == ("ended", "")
    bureau.clock.at += timedelta(hours=25)
    bureau.platform.spreading.watch()
    with bureau.platform.db.read() as connection:
        row = connection.execute(text("SELECT * FROM portal_follow WHERE id = :id"), {"id": follow_id}).one()
    assert row.address_digest == "", "a day later nothing tells of the address"
    box.letters.clear()
    changed(bureau, "酒店名录", 9)
    told(bureau)
    assert box.letters == []


def test_an_address_is_kept_sealed_and_shows_nowhere(
    bureau: Bureau, box: Postbox, visitor: TestClient, hotels: str
) -> None:
    confirmed(bureau, box, draft(hotels))
    with bureau.platform.db.read() as connection:
        rows = connection.execute(text("SELECT * FROM portal_follow")).all()
        logged = connection.execute(text("SELECT * FROM evidence_record WHERE action LIKE 'opendata.follow%'")).all()
    assert rows
    assert logged
    plain_digest = hashlib.sha256(READER.lower().encode()).hexdigest()
    for held in (str(rows), str(logged)):
        assert READER.lower() not in held.lower()
        assert plain_digest not in held
    assert visitor.get("/api/v1/portal/follows/counts").status_code in {401, 403}
    with pytest.raises(Denied):
        bureau.platform.follows.counts(bureau["consumer"])


def test_an_address_is_not_flooded_and_a_visitor_learns_nothing_of_it(
    bureau: Bureau, box: Postbox, hotels: str
) -> None:
    made = [bureau.platform.follows.follow(ANONYMOUS, draft(hotels)) for _ in range(CONFIRMS_A_DAY + 3)]
    told(bureau)
    assert len(box.letters) == CONFIRMS_A_DAY
    assert {one.follow.state for one in made} == {FollowState.WAITING}
    confirmed_one = link_in(box.letters[-1][2], "confirm").strip("/").split("/")
    bureau.platform.follows.confirm(ANONYMOUS, *confirmed_one[2:])
    box.letters.clear()
    bureau.clock.at += timedelta(days=2)
    bureau.platform.follows.follow(ANONYMOUS, draft(hotels))  # it is followed there already: no letter, the same answer
    told(bureau)
    assert box.letters == []


def test_ending_and_asking_again_sends_no_more_letters(bureau: Bureau, box: Postbox, hotels: str) -> None:
    for _ in range(CONFIRMS_A_DAY):
        bureau.platform.follows.follow(ANONYMOUS, draft(hotels))
        told(bureau)
        end = link_in(box.letters[-1][2], "end").strip("/").split("/")
        bureau.platform.follows.end_by_link(ANONYMOUS, *end[2:])
        bureau.platform.spreading.watch()
    made = bureau.platform.follows.follow(ANONYMOUS, draft(hotels))
    told(bureau)
    assert (made.follow.state, len(box.letters)) == (FollowState.WAITING, CONFIRMS_A_DAY)
    bureau.clock.at += timedelta(hours=25)
    bureau.platform.spreading.watch()
    bureau.platform.follows.follow(ANONYMOUS, draft(hotels))
    told(bureau)
    assert len(box.letters) == CONFIRMS_A_DAY + 1


def test_one_person_has_few_letters_sent_whatever_the_addresses(bureau: Bureau, hotels: str) -> None:
    follows, who = bureau.platform.follows, bureau["consumer"]
    for number in range(PERSON_CONFIRMS_A_DAY):
        follows.end(who, follows.follow(who, draft(hotels, to=f"n{number}@example.cn")).follow.id)
    with pytest.raises(Throttled):
        follows.follow(who, draft(hotels, to="another@example.cn"))


def test_an_account_learns_nothing_of_what_others_have_at_an_address(
    bureau: Bureau, box: Postbox, hotels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    follows, who = bureau.platform.follows, bureau["consumer"]
    confirmed(bureau, box, draft(hotels))
    asked = follows.follow(who, draft(hotels)).follow
    other = follows.follow(who, draft(hotels, to="free@example.cn")).follow
    told(bureau)
    assert [to for _, to, _ in box.letters] == [["free@example.cn"]]
    shown = [{**follows.one(who, one.id).to_json(), "id": ""} for one in (asked, other)]
    assert shown[0] == shown[1]
    monkeypatch.setattr("beijiang.opendata.following.ADDRESS_MOST", 1)
    third = follows.follow(bureau["lead"], draft(OWNER, FollowKind.ORG)).follow
    told(bureau)
    assert (third.state, len(box.letters)) == (FollowState.WAITING, 1)
    monkeypatch.undo()
    link = link_in(box.letters[-1][2], "confirm").strip("/").split("/")
    follows.confirm(who, *link[2:])
    with pytest.raises(Conflict):
        follows.follow(who, draft(hotels, to="free@example.cn"))


def test_searches_departments_and_topics_are_followed_too(bureau: Bureau, box: Postbox, hotels: str) -> None:
    entry = bureau.platform.catalog.published(ANONYMOUS, hotels).version.entry
    page = bureau.platform.catalog.search(ANONYMOUS, bureau_query())
    theme = page.hits[0].themes[0] if page.hits and page.hits[0].themes else ""
    confirmed(bureau, box, draft("q=%E9%85%92%E5%BA%97&page=3&sort=name", FollowKind.SEARCH, to="a@example.cn"))
    confirmed(bureau, box, draft("q=%E6%B2%99%E6%BC%A0%E5%9B%BE", FollowKind.SEARCH, to="b@example.cn"))
    confirmed(bureau, box, draft(OWNER, FollowKind.ORG, to="c@example.cn", language=Language.EN))
    changed(bureau, "酒店名录", 10)
    told(bureau)
    assert sorted(to[0] for _, to, _ in box.letters) == ["a@example.cn", "c@example.cn"]
    english = next(message for _, to, message in box.letters if to == ["c@example.cn"])
    assert "News of" in english["Subject"]
    assert entry.name in plain(english)
    with pytest.raises(NotFound):
        bureau.platform.follows.follow(ANONYMOUS, draft("999", FollowKind.TOPIC))
    if theme:
        confirmed(bureau, box, draft(theme, FollowKind.TOPIC, to="d@example.cn"))
        changed(bureau, "酒店名录", 11)
        told(bureau)
        assert ["d@example.cn"] in [to for _, to, _ in box.letters]


def bureau_query() -> Any:
    from beijiang.catalog import SearchQuery

    return SearchQuery(text="酒店名录")


def test_a_digest_comes_in_the_morning_with_everything_once(bureau: Bureau, box: Postbox, hotels: str) -> None:
    confirmed(bureau, box, draft(hotels, pace=FollowPace.DAILY, to="daily@example.cn"))
    confirmed(bureau, box, draft(OWNER, FollowKind.ORG, pace=FollowPace.WEEKLY, to="weekly@example.cn"))
    bureau.clock.at = datetime(2027, 3, 9, 4, 0, tzinfo=UTC)  # a Tuesday at noon
    for number in (12, 13):
        changed(bureau, "酒店名录", number)
        told(bureau)
    assert box.letters == []
    bureau.clock.at = datetime(2027, 3, 10, 0, 1, tzinfo=UTC)  # 8:01 there
    told(bureau)
    ((_, to, letter),) = box.letters
    assert to == ["daily@example.cn"]
    assert plain(letter).count("· 数据更新 ·") == 1
    box.letters.clear()
    bureau.clock.at = datetime(2027, 3, 14, 23, 0, tzinfo=UTC)  # Monday 7:00 there
    told(bureau)
    assert box.letters == []
    bureau.clock.at = datetime(2027, 3, 15, 0, 1, tzinfo=UTC)
    told(bureau)
    assert [to for _, to, _ in box.letters] == [["weekly@example.cn"]]


def test_what_was_withdrawn_meanwhile_is_never_told(bureau: Bureau, box: Postbox) -> None:
    made = bureau.publish("短命名录", 3)
    confirmed(bureau, box, draft(OWNER, FollowKind.ORG, pace=FollowPace.DAILY))
    changed(bureau, "短命名录", 4)
    told(bureau)
    bureau.platform.catalog.withdraw(bureau["publisher"], made.id, "有误")
    bureau.clock.at += timedelta(days=2)
    told(bureau)
    assert all("短命" not in plain(letter) for _, _, letter in box.letters)
    with pytest.raises(NotFound):
        bureau.platform.follows.follow(ANONYMOUS, draft(made.id))


def test_a_server_that_is_away_gets_the_same_letter_later(bureau: Bureau, box: Postbox, hotels: str) -> None:
    confirmed(bureau, box, draft(hotels))
    box.refuse["MAIL"] = "451 not now"
    changed(bureau, "酒店名录", 14)
    told(bureau)
    assert box.letters == []
    box.refuse.clear()
    bureau.clock.at += PAUSES[0]
    told(bureau)
    ((_, _, letter),) = box.letters
    assert str(letter["Message-ID"]).endswith("@data.example.cn>")


def test_the_letter_that_asks_quotes_no_words_that_somebody_typed(bureau: Bureau, box: Postbox, hotels: str) -> None:
    for language, said in ((Language.ZH, "目录的一项搜索"), (Language.EN, "a search of the catalog")):
        bureau.platform.follows.follow(ANONYMOUS, draft("q=酒店", FollowKind.SEARCH, language=language))
        told(bureau)
        letter = box.letters[-1][2]
        assert said in plain(letter)
        assert "酒店" not in letter.as_bytes().decode(errors="replace") + plain(letter) + str(letter["Subject"])
    bureau.platform.follows.confirm(ANONYMOUS, *link_in(letter, "confirm").strip("/").split("/")[2:])
    changed(bureau, "酒店名录", 62)
    told(bureau)
    assert "You follow: 酒店" in plain(box.letters[-1][2])


@pytest.mark.parametrize("trouble", [("MAIL", "550 no"), ("RCPT", "554 5.7.1 relay access denied"), ("RCPT", "450 no")])
def test_trouble_with_mail_ends_no_subscription(
    bureau: Bureau, box: Postbox, hotels: str, trouble: tuple[str, str]
) -> None:
    follow_id = confirmed(bureau, box, draft(hotels))
    box.refuse[trouble[0]] = trouble[1]
    changed(bureau, "酒店名录", 40 + len(trouble[1]) % 7)
    told(bureau)
    for pause in (*PAUSES, *[timedelta(days=1)] * (MAIL_DAYS + 2)):
        bureau.clock.at += pause
        told(bureau)
    assert bureau.platform.follows.counts(SYSTEM) == [("dataset", "mail", "active", 1)]
    box.refuse.clear()
    changed(bureau, "酒店名录", 50 + len(trouble[1]) % 7)
    told(bureau)
    ((_, to, _),) = box.letters
    assert to == [READER]
    with bureau.platform.db.read() as connection:
        row = connection.execute(text("SELECT * FROM portal_follow WHERE id = :id"), {"id": follow_id}).one()
    assert (row.attempts, row.error) == (0, "")


def test_an_address_that_is_none_is_forgotten_at_once(bureau: Bureau, box: Postbox, hotels: str) -> None:
    confirmed(bureau, box, draft(hotels))
    box.refuse["RCPT"] = "550 5.1.1 no such user"
    changed(bureau, "酒店名录", 60)
    told(bureau)
    assert bureau.platform.follows.counts(SYSTEM) == [("dataset", "mail", "ended", 1)]


def test_nothing_fails_while_mail_is_not_set_up(
    bureau: Bureau, box: Postbox, hotels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_id = confirmed(bureau, box, draft(hotels))
    changed(bureau, "酒店名录", 61)
    with monkeypatch.context() as patch:
        patch.setattr(type(bureau.platform.mail), "is_set_up", False)
        for _ in range(3):
            told(bureau)
            bureau.clock.at += timedelta(days=1)
    with bureau.platform.db.read() as connection:
        row = connection.execute(text("SELECT * FROM portal_follow WHERE id = :id"), {"id": follow_id}).one()
    assert (row.state, row.attempts) == ("active", 0)
    told(bureau)
    assert len(box.letters) == 1


@pytest.fixture
def receiver(bureau: Bureau) -> Iterator[Receiver]:
    with receiving(Receiver()) as made:
        yield made


def test_a_webhook_begins_when_it_answers_and_every_post_is_signed(
    bureau: Bureau, receiver: Receiver, hotels: str
) -> None:
    allowed(bureau, receiver)
    with pytest.raises(Unauthenticated):
        bureau.platform.follows.follow(ANONYMOUS, hook(receiver, hotels))
    made = bureau.platform.follows.follow(bureau["consumer"], hook(receiver, hotels))
    told(bureau)
    assert bureau.platform.follows.one(bureau["consumer"], made.follow.id).state is FollowState.ACTIVE
    changed(bureau, "酒店名录", 15)
    told(bureau)
    begin, news = receiver.posts
    assert json.loads(begin[1])["type"] == "follow.begin"
    body = json.loads(news[1])
    assert body["type"] == "datasets.changed"
    assert [(one["id"], one["what"]) for one in body["datasets"]] == [(hotels, "rows")]
    for headers, content in receiver.posts:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + content
        mine = base64.b64encode(hmac.digest(made.secret.encode(), signed, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{mine}"
    own = bureau.platform.follows.own(bureau["consumer"])
    assert made.secret not in json.dumps([one.to_json() for one, _ in own])


def test_a_webhook_that_nobody_allowed_is_not_reached(bureau: Bureau, receiver: Receiver, hotels: str) -> None:
    made = bureau.platform.follows.follow(bureau["consumer"], hook(receiver, hotels))
    told(bureau)
    assert receiver.posts == []
    found = bureau.platform.follows.one(bureau["consumer"], made.follow.id)
    assert (found.state, found.error) == (FollowState.WAITING, "target_not_allowed")


@pytest.mark.parametrize("answer", [500, 302, 404])
def test_a_webhook_that_fails_again_and_again_is_switched_off_and_its_owner_hears_of_it(
    bureau: Bureau, receiver: Receiver, hotels: str, answer: int
) -> None:
    allowed(bureau, receiver)
    who = bureau["consumer"]
    made = bureau.platform.follows.follow(who, hook(receiver, hotels))
    told(bureau)
    receiver.posts.clear()
    receiver.answer = answer
    changed(bureau, "酒店名录", 16 + answer % 7)
    told(bureau)
    for pause in PAUSES:
        bureau.clock.at += pause
        told(bureau)
    assert len(receiver.posts) == len(PAUSES) + 1
    assert len({headers["webhook-id"] for headers, _ in receiver.posts}) == 1  # a repetition is known by its id
    assert bureau.platform.follows.one(who, made.follow.id).state is FollowState.OFF
    while bureau.platform.notices.take():
        pass
    shown = bureau.platform.notices.notices(who, NoticeQuery(unread_only=True))
    assert "opendata.follow_off" in [one.notice.action for one in shown]
    receiver.answer = 200
    with pytest.raises(NotFound):
        bureau.platform.follows.resume(bureau["lead"], made.follow.id)
    bureau.platform.follows.resume(who, made.follow.id)
    told(bureau)
    assert bureau.platform.follows.one(who, made.follow.id).state is FollowState.ACTIVE
    with pytest.raises(Conflict):
        bureau.platform.follows.resume(who, made.follow.id)


def test_the_notice_centre_tells_what_is_followed(bureau: Bureau, hotels: str) -> None:
    who = bureau["consumer"]
    bureau.platform.follows.follow(who, draft(OWNER, FollowKind.ORG, way=FollowWay.NOTICE, to=""))
    with pytest.raises(Conflict):
        bureau.platform.follows.follow(who, draft(OWNER, FollowKind.ORG, way=FollowWay.NOTICE, to=""))
    changed(bureau, "酒店名录", 30)
    while bureau.platform.notices.take():
        pass
    shown = bureau.platform.notices.notices(who, NoticeQuery(unread_only=True))
    assert ("catalog.advance_release", hotels) in [(one.notice.action, one.notice.thing) for one in shown]
    (one, _) = bureau.platform.follows.own(who)[0]
    with pytest.raises(NotFound):
        bureau.platform.follows.end(bureau["lead"], one.id)
    bureau.platform.follows.end(who, one.id)
    assert bureau.platform.follows.own(who) == []


def test_what_cannot_be_followed_is_said(bureau: Bureau) -> None:
    for bad, kind in (("", FollowKind.SEARCH), ("page=2", FollowKind.SEARCH), ("nonsense=1", FollowKind.SEARCH)):
        with pytest.raises(Invalid):
            bureau.platform.follows.follow(ANONYMOUS, draft(bad, kind))
    with pytest.raises(Invalid):
        bureau.platform.follows.follow(ANONYMOUS, draft("q=a", FollowKind.SEARCH, to="no address"))


def test_new_root_keys_wrap_addresses_too(bureau: Bureau, box: Postbox, hotels: str) -> None:
    confirmed(bureau, box, draft(hotels))
    with bureau.platform.db.begin() as tx:
        assert bureau.platform.follows.renew(tx) == 2
    changed(bureau, "酒店名录", 31)
    told(bureau)
    assert len(box.letters) == 1


def test_pages_and_terminal_speak_both_languages(bureau: Bureau, visitor: TestClient, hotels: str) -> None:
    for language, word in (("zh-CN", "发确认信"), ("en", "Send the letter")):
        page = visitor.get(f"/follow?kind=dataset&what={hotels}", headers={"accept-language": language})
        assert page.status_code == 200
        assert word in page.text
    for what, word in (("", "Choose first what to follow"), ("?kind=search&what=page%3D2", "Search the data")):
        lost = visitor.get(f"/follow{what}", headers={"accept-language": "en"})
        assert lost.status_code == 200
        assert word in lost.text
        assert 'action="/datasets"' in lost.text
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert ticket
    bureau.clock.at += timedelta(seconds=5)
    form = {"kind": "dataset", "what": hotels, "to": READER, "pace": "daily", "ticket": ticket[1]}
    assert visitor.post("/follow", data=form).status_code == 200
    assert visitor.post("/follow", data=form).status_code == 422  # a ticket is good once
    assert "/follow?kind=dataset" in visitor.get(f"/datasets/{hotels}").text
    assert "/follow?kind=search" in visitor.get("/datasets?q=酒店").text
    assert visitor.get("/follows", follow_redirects=False).status_code == 303
    platform = bureau.platform
    group = follows(lambda: platform.follows, lambda: platform.access)
    added = CliRunner().invoke(group, ["add", "--kind", "org", "--what", OWNER, "--as", "consumer"])
    assert added.exit_code == 0, added.output
    (one, _) = platform.follows.own(bureau["consumer"])[0]
    assert one.id in CliRunner().invoke(group, ["list", "--as", "consumer"]).output
    assert CliRunner().invoke(group, ["end", one.id, "--as", "consumer"]).exit_code == 0
    assert platform.follows.own(bureau["consumer"]) == []
    counted = CliRunner().invoke(group, ["count"])
    assert "waiting" in counted.output
    assert READER not in counted.output
