"""Two nodes are linked when both sides have decided it, each on what it was shown; and parted when one does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beijiang.federation import Bearing, LetterState, LinkState, Way
from beijiang.federation.models import opened_invitation
from beijiang.federation.service import Identity
from beijiang.kit import BeijiangError, Conflict, Denied, Invalid, NotFound, Refused, Unavailable
from linked import AUDITOR, GUARD, STEWARD, Node, linked, reads_into

Pair = tuple[Node, Node]


def invited(region: Node, city: Node) -> str:
    city.reaches(region)
    return str(region.platform.nodes.invite(GUARD, city.id, Bearing.BELOW))


def state(node: Node, other: Node) -> LinkState:
    return node.platform.nodes.link(AUDITOR, other.id).state


def reason(ask: Any) -> str:
    with pytest.raises(BeijiangError) as found:
        ask()
    return found.value.reason


def test_two_sides_decide_and_each_sees_the_others_fingerprint(strangers: Pair) -> None:
    region, city = strangers
    text = invited(region, city)
    nodes = city.platform.nodes
    offered = nodes.look(GUARD, text)
    own = region.platform.nodes.card()
    assert (offered.card.fingerprint, offered.bearing, offered.card.name_zh) == (
        own.fingerprint,
        Bearing.ABOVE,
        "内蒙古自治区",
    )
    assert reason(lambda: nodes.accept(GUARD, text, "nothing-seen")) == "changed_since_seen"
    assert nodes.accept(GUARD, text, offered.shown.token).state is LinkState.ASKED
    assert state(region, city) is LinkState.OFFERED
    region.reaches(city)
    with city.platform.db.begin() as tx, pytest.raises(Conflict):
        city.platform.letters.send(tx, region.id, "test.note", {})
    link = region.platform.nodes.link(GUARD, city.id)
    assert link.card.fingerprint == city.platform.nodes.card().fingerprint
    assert reason(lambda: region.platform.nodes.confirm(GUARD, city.id, "")) == "changed_since_seen"
    assert region.platform.nodes.confirm(GUARD, city.id, link.shown.token).state is LinkState.LINKED
    assert state(city, region) is LinkState.ASKED
    region.posted(1)
    assert state(city, region) is LinkState.LINKED
    for node, action in ((region, "invite"), (region, "link_offered"), (city, "link_accept"), (region, "link_confirm")):
        assert len(node.evidence(f"federation.{action}")) == 1, action


def test_an_invitation_is_good_once_for_one_node_and_for_seven_days(strangers: Pair) -> None:
    region, city = strangers
    text = invited(region, city)
    other = str(region.platform.nodes.invite(GUARD, "NM-1501", Bearing.BELOW))
    assert reason(lambda: city.platform.nodes.look(GUARD, other)) == "bad_invitation_use"
    city.platform.nodes.accept(GUARD, text)
    assert reason(lambda: city.platform.nodes.accept(GUARD, text)) == "bad_invitation_use"
    late = str(region.platform.nodes.invite(GUARD, city.id, Bearing.BELOW))
    assert [one["node_id"] for one in region.platform.nodes.invitations(AUDITOR)] == ["NM-1501", city.id]
    region.clock.advance(timedelta(days=7))
    assert region.platform.nodes.invitations(AUDITOR) == []
    assert reason(lambda: city.platform.nodes.accept(GUARD, late)) == "bad_invitation_use"
    for odd in ("", "bjlink1.", "bjlink1.e30", text[:-8], "bjlink1." + "A" * 3000):
        assert reason(lambda odd=odd: city.platform.nodes.look(GUARD, odd)) == "bad_invitation"


def test_whoever_answers_in_place_of_the_node_that_invited_is_found_out(strangers: Pair) -> None:
    region, city = strangers
    text = invited(region, city)
    region.platform.nodes.replace_key(GUARD)
    assert reason(lambda: city.platform.nodes.look(GUARD, text)) == "wrong_fingerprint"
    made = opened_invitation(invited(region, city))
    assert made.code not in str(region.evidence("federation.invite"))


def test_an_address_has_to_be_open_to_the_platform(strangers: Pair) -> None:
    region, city = strangers
    text = str(region.platform.nodes.invite(GUARD, city.id, Bearing.BELOW))
    with pytest.raises(Refused):
        city.platform.nodes.look(GUARD, text)
    city.reaches(region)
    region.down()
    with pytest.raises(Unavailable):
        city.platform.nodes.look(GUARD, text)


def test_above_and_below_have_to_fit(strangers: Pair) -> None:
    region, city = strangers
    city.reaches(region)
    wrong = str(region.platform.nodes.invite(GUARD, city.id, Bearing.ABOVE))
    assert reason(lambda: city.platform.nodes.look(GUARD, wrong)) == "wrong_tiers"
    assert reason(lambda: region.platform.nodes.invite(GUARD, region.id, Bearing.BELOW)) == "node_known"


def test_a_suspended_node_gets_and_gives_nothing_until_it_goes_on(pair: Pair) -> None:
    region, city = pair
    reads_into(region, up := [])
    reads_into(city, down := [])
    assert reason(lambda: region.platform.nodes.suspend(GUARD, city.id, " ")) == "reason_needed"
    region.platform.nodes.suspend(GUARD, city.id, "核查")
    letter = city.send(region, "test.note", {"n": 1})
    region.send(city, "test.note", {"n": 2})
    assert (city.post(), region.post()) == (0, 0)
    trouble = city.platform.nodes.link(AUDITOR, region.id).trouble
    assert trouble is not None
    assert "暂停" in trouble.zh
    assert city.letter(region, letter).state is LetterState.WAITING
    region.platform.nodes.resume(GUARD, city.id, "核查完毕")
    region.posted(1)
    city.clock.advance(timedelta(minutes=1))
    city.posted(1)
    assert (up, down) == ([1], [2])
    assert reason(lambda: region.platform.nodes.resume(GUARD, city.id, "再来")) == "link_state"


def test_one_side_ends_a_link_and_the_other_hears_of_it(pair: Pair) -> None:
    region, city = pair
    waiting = region.send(city, "test.note", {"n": 1})
    late = city.send(region, "test.note", {"n": 2})
    region.platform.nodes.end(GUARD, city.id, "撤并")
    assert region.letter(city, waiting).state is LetterState.WITHDRAWN
    region.posted(1)
    assert state(city, region) is LinkState.ENDED
    assert city.letter(region, late).state is LetterState.WITHDRAWN
    linked(region, city)
    assert (state(region, city), state(city, region)) == (LinkState.LINKED, LinkState.LINKED)
    numbers = [one.number for one in region.platform.letters.page(AUDITOR, city.id, (Way.OUT,))[0]]
    assert sorted(numbers) == [1, 2, 3, 4], "the count of letters goes on"


def test_an_end_that_was_never_told_does_not_end_the_next_link(pair: Pair) -> None:
    region, city = pair
    for node, other in ((region, city), (city, region)):
        other.down()
        node.platform.nodes.end(GUARD, other.id, "撤并")
        assert node.post() == 0
        other.up()
    linked(region, city)
    for node in pair:
        assert node.waiting() == 0
    region.clock.advance(timedelta(days=1))
    reads_into(city, seen := [])
    region.send(city, "test.note", {"n": 1})
    region.posted(1)
    assert seen == [1]
    assert (state(region, city), state(city, region)) == (LinkState.LINKED, LinkState.LINKED)


def test_a_node_that_could_not_be_told_of_the_end_hears_it_with_its_next_letter(pair: Pair) -> None:
    region, city = pair
    city.down()
    region.platform.nodes.end(GUARD, city.id, "撤并")
    region.post()
    city.up()
    letter = city.send(region, "test.note", {"n": 1})
    city.post_until(lambda: state(city, region) is LinkState.ENDED)
    assert city.letter(region, letter).state is LetterState.WITHDRAWN
    region.clock.advance(timedelta(minutes=1))
    region.post_until(lambda: not region.platform.letters.counts(AUDITOR)[city.id].get("out.waiting"))


def test_a_key_is_replaced_by_a_letter_and_the_old_one_is_forgotten(pair: Pair) -> None:
    region, city = pair
    reads_into(region, up := [])
    reads_into(city, down := [])
    old = city.platform.nodes.card().key
    region.down()
    new = city.platform.nodes.replace_key(GUARD).key
    city.send(region, "test.note", {"n": 1})
    city.post()
    city.clock.advance(timedelta(days=3))
    region.up()
    region.send(city, "test.note", {"n": 2})
    region.posted(1)  # the old key still answers where the new one is not known
    city.posted(2)
    link = region.platform.nodes.link(AUDITOR, city.id)
    assert (link.card.key, link.former_key) == (new, old)
    city.send(region, "test.note", {"n": 3})
    region.send(city, "test.note", {"n": 4})
    city.posted(1)
    region.posted(1)
    assert (up, down) == ([1, 3], [2, 4])
    assert region.platform.nodes.link(AUDITOR, city.id).former_key == "", "it has signed with the new one"
    from beijiang.federation.store import NodeStore

    with city.platform.db.read() as connection:
        assert NodeStore(connection).secret(old) is None


def test_keys_may_be_replaced_while_a_node_is_away_and_answers_get_lost(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    region, city = pair
    reads_into(region, seen := [])
    parts = city.platform.letters._parts
    real = type(parts)._fetch

    def lost(self: Any, *asked: Any) -> Any:
        real(self, *asked)
        raise Unavailable("答复丢失。", "The answer was lost.", code="lost")

    region.down()
    city.platform.nodes.replace_key(GUARD)
    city.platform.nodes.replace_key(GUARD)
    region.up()
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(type(parts), "_fetch", lost)
            newest = city.platform.nodes.card().key
            city.post_until(
                lambda newest=newest: region.platform.nodes.link(AUDITOR, city.id).card.key == newest  # type: ignore[misc]
            )
        assert city.waiting() == 1, "only what it says of itself now"
        city.platform.nodes.replace_key(GUARD)
        city.clock.advance(timedelta(hours=1))
    city.send(region, "test.note", {"n": 1})
    city.posted(2)
    city.send(region, "test.note", {"n": 2})
    city.posted(1)
    assert seen == [1, 2]
    link = region.platform.nodes.link(AUDITOR, city.id)
    assert (link.card.key, link.former_key) == (city.platform.nodes.card().key, "")


def test_a_key_that_is_replaced_after_the_end_does_not_hide_the_end(pair: Pair) -> None:
    region, city = pair
    city.down()
    region.platform.nodes.end(GUARD, city.id, "密钥泄露")
    region.platform.nodes.replace_key(GUARD)
    city.up()
    city.send(region, "test.note", {"n": 1})
    city.post_until(lambda: state(city, region) is LinkState.ENDED)
    assert city.waiting() == 0


def test_what_a_node_says_anew_of_itself_before_the_link_is_confirmed_is_told_with_it(strangers: Pair) -> None:
    region, city = strangers
    text = invited(region, city)
    region.reaches(city)
    city.platform.nodes.accept(GUARD, text)
    region.clock.advance(timedelta(days=1))
    new = city.platform.nodes.replace_key(GUARD).key
    city.platform.nodes.set_identity(GUARD, Identity(city.id, url=f"http://localhost:{city.port}"))
    region.platform.nodes.confirm(GUARD, city.id)
    region.posted(1)
    city.posted(1)
    card = region.platform.nodes.link(AUDITOR, city.id).card
    assert (card.key, card.url) == (new, f"http://localhost:{city.port}")


def test_a_new_address_travels_too_but_nobody_becomes_somebody_else(pair: Pair) -> None:
    region, city = pair
    assert reason(lambda: city.platform.nodes.set_identity(GUARD, Identity("NM-1501"))) == "node_identity_in_use"
    with pytest.raises(Invalid):
        city.platform.nodes.set_identity(GUARD, Identity(city.id, url="ftp://nowhere"))
    city.platform.nodes.set_identity(GUARD, Identity(city.id, url=f"http://127.0.0.1:{city.port}/"))
    city.posted(1)
    assert region.platform.nodes.link(AUDITOR, city.id).card.url == f"http://127.0.0.1:{city.port}"
    card = city.platform.nodes.card().model_dump()
    for changed in ({"node_id": "NM-1501"}, {"tier": 1}, {"name_zh": "坏\u202e名"}, {"key": "x"}):
        letter = city.send(region, "node.card", {**card, **changed})
        city.posted(1)
        assert city.letter(region, letter).state is LetterState.REFUSED, changed


def test_a_name_is_shown_as_text_and_never_run(strangers: Pair, tmp_path: Path) -> None:
    _, city = strangers
    evil = Node(tmp_path / "evil", Identity("X-1", "<script>alert(1)</script>", "x", 3), city.clock)
    try:
        linked(city, evil)
        link = city.platform.nodes.link(AUDITOR, "X-1")
        assert link.card.name_zh == "<script>alert(1)</script>", "kept as it was said, escaped where it is shown"
    finally:
        evil.close()


def test_root_keys_are_renewed_with_the_others(pair: Pair) -> None:
    region, city = pair
    reads_into(region, seen := [])
    city.platform.sources.rotate(GUARD)
    city.send(region, "test.note", {"n": 1})
    city.posted(1)
    assert seen == [1]


def test_only_the_security_administrator_links(strangers: Pair) -> None:
    region, city = strangers
    text = invited(region, city)
    nodes = city.platform.nodes
    for ask in (
        lambda: nodes.set_identity(STEWARD, Identity("NM")),
        lambda: nodes.replace_key(AUDITOR),
        lambda: nodes.invite(AUDITOR, "NM", Bearing.ABOVE),
        lambda: nodes.look(AUDITOR, text),
        lambda: nodes.accept(AUDITOR, text),
        lambda: nodes.confirm(AUDITOR, "NM"),
        lambda: nodes.suspend(AUDITOR, "NM", "x"),
        lambda: nodes.end(AUDITOR, "NM", "x"),
        lambda: nodes.links(STEWARD),
        lambda: nodes.link(STEWARD, "NM"),
        lambda: nodes.identity(STEWARD),
        lambda: nodes.units(STEWARD),
        lambda: nodes.invitations(STEWARD),
    ):
        with pytest.raises(Denied):
            ask()
    with pytest.raises(NotFound):
        nodes.link(AUDITOR, "NM")
    assert len(nodes.units(AUDITOR)) == 16
