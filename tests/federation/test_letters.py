"""Letters between two real nodes: exactly once, in order, after days away, and never from anybody else."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from beijiang.crypto.signing import Ed25519Signer
from beijiang.evidence import ED25519, Key, signed_text
from beijiang.federation import LetterState, LinkState, Way
from beijiang.federation.models import NOTE_HEADER, Envelope
from beijiang.federation.store import NodeStore
from beijiang.kit import Conflict, Denied, NotFound, TooLarge, Unavailable
from linked import AUDITOR, GUARD, PUBLISHER, STEWARD, Node, body_of, knock, reads_into

Pair = tuple[Node, Node]


def test_a_letter_is_read_once_and_both_sides_keep_its_digest(pair: Pair) -> None:
    region, city = pair
    seen: list[Any] = []
    reads_into(region, seen)
    letter = city.send(region, "test.note", {"n": 1})
    assert seen == []
    city.posted(1)
    assert seen == [1]
    assert city.letter(region, letter).state is LetterState.READ
    came = region.letter(city, letter, Way.IN)
    assert (came.digest, came.number, came.body) == (letter.digest, letter.number, {"n": 1})
    sent, read = city.evidence("federation.letter_sent"), region.evidence("federation.letter_read")
    assert letter.digest in dict(sent)[letter.id]
    assert letter.digest in dict(read)[letter.id]
    assert "node:NM-1502" in dict(read)[letter.id], "the node is the one who acts"
    assert city.post() == 0


def test_a_letter_is_part_of_the_transaction_that_writes_it(pair: Pair) -> None:
    region, city = pair
    reads_into(region, seen := [])

    def write_and_fail() -> None:
        with city.platform.db.begin() as tx:
            city.platform.letters.send(tx, region.id, "test.note", {"n": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert city.post() == 0
    assert seen == []


def test_after_days_away_everything_comes_in_order(pair: Pair) -> None:
    region, city = pair
    reads_into(region, seen := [])
    region.down()
    for day in range(9):
        city.send(region, "test.note", {"n": day})
        assert city.post() == 0
        city.clock.advance(timedelta(days=1))
    link = city.platform.nodes.link(AUDITOR, region.id)
    assert link.failures == 9
    assert link.trouble is not None
    assert city.states(region) == [LetterState.WAITING] * 9
    region.up()
    city.posted(9)
    assert seen == [*range(9)]
    link = city.platform.nodes.link(AUDITOR, region.id)
    assert (link.failures, link.trouble) == (0, None)


def test_a_node_that_is_away_is_left_in_peace_for_longer_and_longer(pair: Pair) -> None:
    region, city = pair
    region.down()
    city.send(region, "test.note", {"n": 1})
    pauses = []
    for _ in range(12):
        city.post()
        pauses.append(city.platform.nodes.link(AUDITOR, region.id).next_at - city.clock.now())
        city.clock.advance(pauses[-1])
    assert pauses[:4] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40), timedelta(seconds=80)]
    assert pauses[-1] == timedelta(hours=1)


def test_a_process_that_dies_between_sending_and_noting_sends_again_and_nothing_counts_twice(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    region, city = pair
    reads_into(region, seen := [])
    letter = city.send(region, "test.note", {"n": 1})

    def dies(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(city.platform.letters, "_note", dies)
        with pytest.raises(KeyboardInterrupt):
            city.post()
    assert seen == [1]
    assert city.letter(region, letter).state is LetterState.WAITING
    city.clock.advance(timedelta(minutes=3))
    city.posted(1)
    assert city.letter(region, letter).state is LetterState.READ
    assert seen == [1]
    assert len(region.evidence("federation.letter_read")) == 1


def test_what_a_reader_refuses_is_answered_shown_and_undone(pair: Pair) -> None:
    region, city = pair
    kept: list[str] = []

    def reader(tx: Any, letter: Any) -> None:
        NodeStore(tx.connection).change_link(city.id, decided_by="nobody")
        raise Denied("目录不收。", "Not taken.", code="not_taken")

    region.platform.letters.reads("test.note", reader)
    city.platform.letters.hears("test.note", lambda _, letter: kept.append(letter.code))
    letter = city.send(region, "test.note", {"n": 1})
    city.posted(1)
    found = city.letter(region, letter)
    assert (found.state, found.code) == (LetterState.REFUSED, "not_taken")
    assert found.reason is not None
    assert found.reason.zh == "目录不收。"
    assert kept == ["not_taken"]
    assert region.letter(city, letter, Way.IN).state is LetterState.REFUSED
    assert region.platform.nodes.link(AUDITOR, city.id).decided_by == GUARD.name
    again = city.platform.letters.resend(PUBLISHER, region.id, letter.id)
    assert again.id != letter.id
    city.posted(1)
    assert city.states(region) == [LetterState.REFUSED, LetterState.REFUSED]


def test_who_has_no_use_for_an_answer_holds_up_neither_letters_nor_the_end_of_a_link(pair: Pair) -> None:
    region, city = pair
    heard: list[tuple[int, LetterState]] = []

    def hearer(tx: Any, letter: Any) -> None:
        heard.append((letter.body["n"], letter.state))
        NodeStore(tx.connection).change_link(region.id, decided_by="nobody")
        raise NotFound("没有这件事。", "There is no such thing.", code="no_such_thing")

    reads_into(region, [])
    city.platform.letters.hears("test.note", hearer)
    first, second = (city.send(region, "test.note", {"n": n}) for n in (1, 2))
    city.posted(2)
    assert heard == [(1, LetterState.READ), (2, LetterState.READ)]
    assert {city.letter(region, one).state for one in (first, second)} == {LetterState.READ}
    assert city.platform.nodes.link(AUDITOR, region.id).decided_by != "nobody", "what the hearer did is undone"
    city.send(region, "test.note", {"n": 3})
    city.platform.nodes.end(GUARD, region.id, "搬迁")
    assert heard[-1] == (3, LetterState.WITHDRAWN)
    assert city.platform.nodes.link(AUDITOR, region.id).state is LinkState.ENDED


def test_what_waits_holds_up_its_own_subject_and_nothing_else(pair: Pair) -> None:
    region, city = pair
    seen: list[Any] = []
    busy = [True]

    def reader(_: Any, letter: Any) -> None:
        if letter.body["n"] == 1 and busy[0]:
            raise Unavailable("稍后。", "Later.", code="later")
        if letter.body["n"] == 2 and busy[0]:
            raise ValueError("a reader with a fault")
        seen.append(letter.body["n"])

    region.platform.letters.reads("test.note", reader)
    first = city.send(region, "test.note", {"n": 1}, "a")
    city.send(region, "test.note", {"n": 3}, "a")
    second = city.send(region, "test.note", {"n": 2}, "b")
    city.send(region, "test.note", {"n": 4}, "c")
    city.posted(1)
    assert seen == [4]
    assert [city.letter(region, one).code for one in (first, second)] == ["later", "letter_reader_failed"]
    busy[0] = False
    assert city.post() == 0, "not before its time"
    city.clock.advance(timedelta(minutes=1))
    city.posted(3)
    assert seen == [4, 1, 3, 2]


def test_a_letter_that_waits_can_be_posted_at_once(pair: Pair) -> None:
    region, city = pair
    reads_into(region, seen := [])
    region.down()
    letter = city.send(region, "test.note", {"n": 1})
    city.post()
    region.up()
    assert city.post() == 0
    with pytest.raises(Denied):
        city.platform.letters.resend(STEWARD, region.id, letter.id)
    assert city.platform.letters.resend(PUBLISHER, region.id, letter.id).id == letter.id
    city.posted(1)
    assert seen == [1]
    with pytest.raises(NotFound):
        city.platform.letters.resend(PUBLISHER, region.id, letter.id)


def test_what_nobody_reads_is_refused_and_can_be_sent_again_after_the_upgrade(pair: Pair) -> None:
    region, city = pair
    letter = city.send(region, "test.note", {"n": 1})
    city.posted(1)
    assert city.letter(region, letter).code == "unknown_letter_kind"
    reads_into(region, seen := [])
    city.platform.letters.resend(PUBLISHER, region.id, letter.id)
    city.posted(1)
    assert seen == [1]


def test_letters_are_capped_and_go_to_linked_nodes_only(strangers: Pair, pair: Pair) -> None:
    region, city = pair
    with pytest.raises(TooLarge, match="256 KB"):
        city.send(region, "test.note", {"n": "x" * (256 << 10)})
    with city.platform.db.begin() as tx, pytest.raises(NotFound):
        city.platform.letters.send(tx, "NM-1501", "test.note", {})
    city.platform.nodes.end(GUARD, region.id, "撤并")
    with pytest.raises(Conflict) as found:
        city.send(region, "test.note", {"n": 1})
    assert found.value.reason == "node_not_linked"


def test_many_letters_go_in_several_posts(pair: Pair) -> None:
    region, city = pair
    reads_into(region, seen := [])
    with city.platform.db.begin() as tx:
        for number in range(12):
            city.platform.letters.send(tx, region.id, "test.note", {"n": number, "fill": "x" * (250 << 10)})
        for number in range(12, 130):
            city.platform.letters.send(tx, region.id, "test.note", {"n": number})
    city.posted(130)
    assert seen == [*range(130)]


@pytest.mark.threat("TM-29")
def test_nobody_else_can_write_in_the_name_of_a_node(pair: Pair) -> None:
    region, city = pair
    reads_into(region, seen := [])
    body = body_of()

    def refused(answer: httpx.Response) -> str:
        told = answer.json()["error"]
        return f"{answer.status_code} {told['code']}"

    signer = Ed25519Signer(Ed25519Signer.new_secret())
    envelope = Envelope.over("letters", (city.id, region.id), city.clock.now(), "fedcba9876543210", body)
    forged = signed_text(envelope.text, {Key(city.id, ED25519, signer.public): signer})
    assert (
        refused(knock(city, region, body, header=base64.b64encode(forged.encode()).decode()))
        == "401 bad_node_signature"
    )
    assert refused(knock(city, region, body, header="bm90IGEgbm90ZQ==")) == "401 bad_node_note"
    assert refused(knock(city, region, body, header="???")) == "401 bad_node_note"
    assert refused(knock(city, region, body, sender="NM-1501")) == "401 bad_node_signature"
    assert refused(knock(city, region, body, purpose="link")) == "401 bad_node_signature"
    assert refused(knock(city, region, body, receiver="NM-1501", nonce="a" * 16)) == "403 node_body_altered"
    assert refused(knock(city, region, body_of(2), signed=body, nonce="b" * 16)) == "403 node_body_altered"
    late = city.clock.now() - timedelta(minutes=5, seconds=1)
    assert refused(knock(city, region, body, at=late, nonce="c" * 16)) == "403 node_clock_skew"
    assert seen == []
    assert knock(city, region, body, nonce="d" * 16).json() == {"answers": [{"id": f"ltr_{1:020d}", "state": "read"}]}
    assert refused(knock(city, region, body, nonce="d" * 16)) == "403 node_replayed"
    assert knock(city, region, body, nonce="e" * 16).json()["answers"][0]["state"] == "read", "the same letter again"
    changed = knock(city, region, body_of(body={"n": 7}), nonce="f" * 16).json()["answers"][0]
    assert (changed["state"], changed["error"]["code"]) == ("refused", "letter_changed")
    assert seen == [1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"letters":[]}',
        b'{"letters":{}}',
        b"[" * 5000,
        body_of(kind="<script>"),
        body_of(id="1"),
        body_of(subject="a\nb"),
        body_of(body=[]),
        body_of(written_at="yesterday"),
        body_of(body={"n": "x" * (257 << 10)}),
        b'{"letters":[' + b",".join([body_of()[12:-2]] * 101) + b"]}",
        body_of().replace(b'{"n":1}', b'{"n":NaN}'),
        body_of().replace(b'{"n":1}', b'{"n":"\\ud800"}'),
    ],
)
def test_what_is_no_letter_is_refused_in_words(pair: Pair, body: bytes) -> None:
    region, city = pair
    reads_into(region, seen := [])
    answer = knock(city, region, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_letters")
    assert NOTE_HEADER in answer.headers, "who is known gets a signed answer"
    assert seen == []


def test_an_answer_that_the_node_did_not_sign_counts_for_nothing(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    region, city = pair
    reads_into(region, [])
    letter = city.send(region, "test.note", {"n": 1})
    parts = city.platform.letters._parts
    real = type(parts)._fetch

    def between(self: Any, *asked: Any) -> Any:
        from dataclasses import replace

        answer = real(self, *asked)
        return replace(answer, body=answer.body.replace(b'"read"', b'"refused"'))

    with monkeypatch.context() as patched:
        patched.setattr(type(parts), "_fetch", between)
        assert city.post() == 0
    link = city.platform.nodes.link(AUDITOR, region.id)
    assert link.trouble is not None
    assert "signature" in link.trouble.en
    assert city.letter(region, letter).state is LetterState.WAITING


def test_requests_are_forgotten_when_their_time_is_over(pair: Pair) -> None:
    region, city = pair
    reads_into(region, [])
    knock(city, region, body_of(), nonce="d" * 16)
    city.clock.advance(timedelta(minutes=16))
    region.platform.letters.watch()
    assert knock(city, region, body_of(), nonce="d" * 16).status_code == 200
    assert json.loads(body_of())["letters"]


def test_letters_are_read_by_those_who_may(pair: Pair) -> None:
    region, city = pair
    letter = city.send(region, "test.note", {"n": 1})
    assert city.platform.letters.counts(AUDITOR) == {region.id: {"in.read": 1, "out.waiting": 1}}
    for ask in (
        lambda: city.platform.letters.page(STEWARD),
        lambda: city.platform.letters.counts(STEWARD),
        lambda: city.platform.letters.letter(STEWARD, region.id, Way.OUT, letter.id),
    ):
        with pytest.raises(Denied):
            ask()
