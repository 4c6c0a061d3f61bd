"""A witness changes its key: the old one names the new one, logs follow by that alone, and what was signed before stays good."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.crypto.signing import Ed25519Signer
from beijiang.evidence import PeerKind
from beijiang.evidence import verifier as judge
from beijiang.evidence.commands import add_keys, add_witnesses
from beijiang.evidence.models import cosign, handover_note, signed_text
from beijiang.kit import SYSTEM, Conflict, Denied, FixedClock, Invalid, NotFound
from beijiang.outbound import Target
from beijiang.settings import Settings
from waiting import until

from .test_witnesses import AUDITOR, GUARD, STEWARD, _read, grown, keys_of

DAYS = 30


class Pair:
    """A county whose log a city witnesses over the loopback; both see the same clock."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock(datetime(2026, 6, 1, tzinfo=UTC))
        for name in ("county", "city"):
            (folder / name).mkdir()
        self.county, self.city = (
            build(Settings.for_tests(folder / name, log_name=f"log.{name}.example"), self.clock)
            for name in ("county", "city")
        )
        config = uvicorn.Config(create_app(self.city), host="127.0.0.1", port=0, log_level="warning", access_log=False)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 60
        while not self.server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.log, self.old = keys_of(self.county)[judge.ED25519], keys_of(self.city)[judge.WITNESS]
        self.county.sources.allow(GUARD, Target(host="127.0.0.1", port=port, network="127.0.0.1/32"), "见证")
        self.city.witnesses.trust(GUARD, PeerKind.LOG, str(self.log))
        self.county.witnesses.trust(GUARD, PeerKind.WITNESS, str(self.old), f"http://127.0.0.1:{port}/witness")

    def witnessed(self) -> dict[str, Any]:
        """Make a receipt in a checkpoint that the city was asked to sign."""
        grown(self.county, 2)
        read = _read(self.county)
        self.county.evidence.seal()
        self.county.witnesses.watch()
        found: dict[str, Any] = self.county.receipts.receipt(STEWARD, read)
        return found

    def proved(self, receipt: dict[str, Any], *keys: judge.Key, notes: tuple[str, ...] = (), quorum: int = 1) -> bool:
        return judge.examine(receipt, judge.Trust(keys=(self.log, *keys), quorum=quorum, handovers=notes)).ok

    def troubles(self) -> list[str]:
        return [one.trouble.en for one in self.county.witnesses.peers(AUDITOR) if one.trouble is not None]

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)
        self.county.close()
        self.city.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.close()


def stranger(name: str) -> tuple[judge.Key, Ed25519Signer]:
    signer = Ed25519Signer(Ed25519Signer.new_secret())
    return judge.Key(name, judge.WITNESS, signer.public), signer


def signer_of(platform: Platform, key: judge.Key) -> Any:
    return platform.succession._keys.witnesses[key]


def test_a_log_follows_its_witness_to_the_key_that_the_old_one_named(pair: Pair) -> None:
    before = pair.witnessed()
    assert pair.proved(before, pair.old)
    until = pair.clock.now() + timedelta(days=DAYS)
    made = pair.city.succession.begin(GUARD, "witness", DAYS)
    new, note = made.key, made.handover
    assert judge.successor(note, pair.old) == new

    both = pair.witnessed()
    assert pair.troubles() == []
    peers = {one.key: one for one in pair.county.witnesses.peers(AUDITOR)}
    assert {key: one.followed_by for key, one in peers.items()} == {pair.old: str(new), new: ""}
    assert peers[pair.old].until == until
    assert [pair.proved(both, key) for key in (pair.old, new)] == [True, True]
    assert not pair.proved(both, pair.old, notes=(note,), quorum=2), "two keys of one witness are one witness"
    followed = [one for one in _records(pair.county) if one[0] == "evidence.peer.follow"]
    assert [(json.loads(body)["detail"]["old"], json.loads(body)["detail"]["new"]) for _, body in followed] == [
        (str(pair.old), str(new))
    ]
    assert [name for name, _ in _records(pair.city) if name == "evidence.key_succeed"] == ["evidence.key_succeed"]

    pair.clock.advance(timedelta(days=DAYS))
    pair.city.succession.watch()
    after = pair.witnessed()
    assert pair.troubles() == []
    assert not pair.proved(after, pair.old), "the old key signs no more"
    assert pair.proved(after, pair.old, notes=(note,)), "whoever holds the old one is led to the new one"
    assert pair.proved(after, new)
    assert pair.proved(before, pair.old), "and what the old one signed stays good"
    assert pair.county.evidence.check().ok


def _records(platform: Platform) -> list[tuple[str, str]]:
    platform.evidence.seal()
    with platform.db.read() as connection:
        rows = connection.execute(text("SELECT action, body FROM evidence_record ORDER BY sequence")).all()
    return [(row.action, row.body) for row in rows]


@pytest.mark.threat("TM-17")
def test_a_key_that_nobody_named_is_not_taken(pair: Pair) -> None:
    """Somebody who answers in the city's stead signs with a key of his own; the log takes nothing of it and says so."""
    good = pair.witnessed()
    key, signer = stranger(pair.old.name)
    keys = pair.city.succession._keys
    with pair.city.db.begin() as tx:
        tx.execute(text("DELETE FROM evidence_key WHERE role = 'witness'"))
        from beijiang.evidence.store import KeyRow, TreeStore

        secret = Ed25519Signer.new_secret()
        evil = judge.Key(key.name, judge.WITNESS, Ed25519Signer(secret).public)
        row = KeyRow("witness", evil, "", pair.clock.now(), 1)
        sealed = keys._vault.seal(secret, purpose="evidence", context=row.context)
        TreeStore(tx.connection).add_key(KeyRow("witness", evil, sealed, pair.clock.now(), 1))
    refused = pair.witnessed()
    assert len(pair.troubles()) == 1
    assert "did not name" in pair.troubles()[0]
    assert not pair.proved(refused, pair.old)
    assert not pair.proved(refused, evil), "not even its line is kept"
    assert pair.proved(good, pair.old)

    now = pair.clock.now()
    forged = [
        handover_note({evil: Ed25519Signer(secret), key: signer}, now, now),
        handover_note({pair.old: signer, key: signer}, now, now),
        handover_note({pair.old: Ed25519Signer(secret), evil: Ed25519Signer(secret)}, now, now),
        "",
        "no note",
    ]
    for note in forged:
        with pytest.raises(Invalid) as error:
            pair.county.witnesses.follow(GUARD, note)
        assert error.value.reason == "bad_handover"
    assert len([p for p in pair.county.witnesses.peers(AUDITOR) if p.kind is PeerKind.WITNESS]) == 1


def test_a_note_that_does_not_say_until_when_is_not_taken(pair: Pair) -> None:
    """Were it kept, nobody could list whom the log trusts any more."""
    made = pair.city.succession.begin(GUARD, "witness", DAYS)
    signers = {key: signer_of(pair.city, key) for key in (pair.old, made.key)}
    good = judge.Note.parse(made.handover).text
    line = good.split("\n")[3]
    for other in ("2027-01-01", "", "2027-01-01T00:00:00+08:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        words = good.replace(line, other)
        signatures = [cosign(judge.Note(words, ()), key, one, pair.clock.now()) for key, one in signers.items()]
        note = f"{words}\n{''.join(signatures)}"
        with pytest.raises(Invalid) as error:
            pair.county.witnesses.follow(GUARD, note)
        assert error.value.reason == "bad_handover"
    with pair.city.db.begin() as tx:  # as a witness of another make answers
        tx.execute(text("UPDATE evidence_key SET handover = :note WHERE handover <> ''"), {"note": note})
    pair.witnessed()
    (trouble,) = pair.troubles()
    assert "no good note of succession" in trouble
    assert [one.followed_by for one in pair.county.witnesses.peers(AUDITOR)] == [""]


@contextmanager
def serving(platform: Platform) -> Iterator[int]:
    """Serve a platform on the loopback and yield its port."""
    config = uvicorn.Config(create_app(platform), host="127.0.0.1", port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(60)


def told_where(pair: Pair, port: int) -> None:
    """Have the city know where the county's notes are."""
    (log,) = [one for one in pair.city.witnesses.peers(AUDITOR) if one.key == pair.log]
    pair.city.witnesses.distrust(GUARD, log.id)
    pair.city.sources.allow(GUARD, Target(host="127.0.0.1", port=port, network="127.0.0.1/32"), "日志")
    pair.city.witnesses.trust(GUARD, PeerKind.LOG, str(pair.log), f"http://127.0.0.1:{port}/witness")


def logs_of(pair: Pair) -> dict[judge.Key, str]:
    return {one.key: one.followed_by for one in pair.city.witnesses.peers(AUDITOR) if one.kind is PeerKind.LOG}


def test_a_witness_follows_a_log_to_its_new_key_by_itself(pair: Pair) -> None:
    with serving(pair.county) as port:
        told_where(pair, port)
        pair.witnessed()
        new = pair.county.succession.begin(GUARD, "log", DAYS).key
        pair.clock.advance(timedelta(hours=2))
        assert pair.proved(pair.witnessed(), pair.old)
        assert logs_of(pair) == {pair.log: str(new), new: ""}
        detail = [json.loads(body)["detail"] for name, body in _records(pair.city) if name == "evidence.peer.follow"]
        assert [(one["old"], one["new"]) for one in detail] == [(str(pair.log), str(new))]

        pair.clock.advance(timedelta(days=DAYS))
        pair.county.succession.watch()
        third = pair.county.succession.begin(GUARD, "log", 1).key
        pair.clock.advance(timedelta(days=2))
        pair.county.succession.watch()
        fourth = pair.county.succession.begin(GUARD, "log", 1).key
        pair.clock.advance(timedelta(days=2))
        pair.county.succession.watch()
        pair.witnessed()
        assert pair.troubles() == [], "one that was away while two keys were changed is led past both"
        assert logs_of(pair) == {pair.log: str(new), new: str(third), third: str(fourth), fourth: ""}
        assert all(one.trouble is None for one in pair.city.witnesses.peers(AUDITOR))


def test_a_witness_that_cannot_ask_says_so_and_goes_on_once_told(pair: Pair) -> None:
    pair.witnessed()
    made = pair.county.succession.begin(GUARD, "log", 1)
    pair.clock.advance(timedelta(days=2))
    pair.county.succession.watch()
    pair.witnessed()
    (told,) = pair.troubles()
    assert "evidence follow" in told, "the county is told that it was not signed, and what to do"
    (log,) = [one for one in pair.city.witnesses.peers(AUDITOR) if one.key == pair.log]
    assert log.trouble is None, "anybody may have sent it"
    pair.city.witnesses.follow(GUARD, made.handover)
    pair.witnessed()
    assert pair.troubles() == []


def test_a_stranger_accuses_no_log(pair: Pair) -> None:
    pair.witnessed()
    peer = next(one for one in pair.county.witnesses.peers(AUDITOR) if one.kind is PeerKind.WITNESS)
    grown(pair.county)
    head, _, note = pair.county.witnesses.request(GUARD, peer.id).partition("\n\n")
    key, signer = stranger(pair.log.name)
    words = judge.Note.parse(note).text
    asked: list[str] = []
    fetched = pair.city.witnesses._fetched
    pair.city.witnesses._fetched = lambda one: (asked.append(one.url), fetched(one))[1]  # type: ignore[method-assign]
    for url in ("", "http://127.0.0.1:9/witness"):  # nobody opened the address: to ask there fails
        for log in [one for one in pair.city.witnesses.peers(AUDITOR) if one.kind is PeerKind.LOG]:
            pair.city.witnesses.distrust(GUARD, log.id)
        log = pair.city.witnesses.trust(GUARD, PeerKind.LOG, str(pair.log), url)
        answer = pair.city.witnesses.add_checkpoint(f"{head}\n\n{signed_text(words, {key: signer})}".encode())
        assert answer.status == 403
        assert [one.trouble for one in pair.city.witnesses.peers(AUDITOR) if one.id == log.id] == [None]
    assert asked == ["http://127.0.0.1:9/witness"]

    pair.clock.advance(timedelta(hours=2))
    line = signed_text(words, {key: signer}).partition("\n\n")[2]
    pair.city.witnesses.add_checkpoint(f"{head}\n\n{note}{line}".encode())

    def trouble() -> list[bool]:
        return [one.trouble is not None for one in pair.city.witnesses.peers(AUDITOR) if one.id == log.id]

    assert trouble() == [True], (
        "the log's own signature stands there too, and it could not be asked who signed beside it"
    )
    grown(pair.county)
    pair.witnessed()
    assert trouble() == [False], "a checkpoint of known keys alone clears that"


@pytest.mark.threat("TM-17")
def test_a_log_that_names_two_successors_alarms_its_witness(pair: Pair) -> None:
    """The county's key is stolen: who has it publishes another note, and signs a checkpoint with the key that it names."""
    until_, now = pair.clock.now() + timedelta(days=DAYS), pair.clock.now()
    with serving(pair.county) as port:
        told_where(pair, port)
        pair.county.succession.begin(GUARD, "log", DAYS)
        pair.witnessed()
        signer = Ed25519Signer(Ed25519Signer.new_secret())
        evil = judge.Key(pair.log.name, judge.ED25519, signer.public)
        old = next(one for key, one in pair.county.succession._keys.signers.items() if key == pair.log)
        other = handover_note({pair.log: old, evil: signer}, until_, now)
        with pair.county.db.begin() as tx:
            tx.execute(text("UPDATE evidence_key SET handover = :note WHERE handover <> ''"), {"note": other})
        peer = next(one for one in pair.county.witnesses.peers(AUDITOR) if one.kind is PeerKind.WITNESS)
        grown(pair.county)
        head, _, note = pair.county.witnesses.request(GUARD, peer.id).partition("\n\n")
        words = judge.Note.parse(note).text
        pair.clock.advance(timedelta(minutes=2))
        stolen = signed_text(words, {evil: signer})
        answer = pair.city.witnesses.add_checkpoint(f"{head}\n\n{stolen}".encode())
    assert answer.status == 403
    assert evil not in logs_of(pair)
    alerts = [one for one in pair.city.alerts.alerts(SYSTEM) if one.kind == "evidence_fork"]
    assert len(alerts) == 1
    assert [(origin, kept) for origin, kept, _, _ in pair.city.witnesses.forks(AUDITOR)] == [(pair.log.name, other)]


def test_a_log_is_asked_once_a_minute_however_many_checkpoints_come(pair: Pair) -> None:
    pair.witnessed()
    peer = next(one for one in pair.county.witnesses.peers(AUDITOR) if one.kind is PeerKind.WITNESS)
    grown(pair.county)
    head, _, note = pair.county.witnesses.request(GUARD, peer.id).partition("\n\n")
    words = judge.Note.parse(note).text
    with serving(pair.county) as port:
        told_where(pair, port)
        asked: list[str] = []
        fetched = pair.city.witnesses._fetched
        pair.city.witnesses._fetched = lambda one: (asked.append(one.id), fetched(one))[1]  # type: ignore[method-assign]
        for _ in range(5):
            signer = Ed25519Signer(Ed25519Signer.new_secret())
            body = signed_text(words, {judge.Key(pair.log.name, judge.ED25519, signer.public): signer})
            assert pair.city.witnesses.add_checkpoint(f"{head}\n\n{body}".encode()).status == 403
    assert len(asked) == 1


def test_an_unclear_note_that_is_kept_already_is_told_and_mended(pair: Pair) -> None:
    made = pair.city.succession.begin(GUARD, "witness", DAYS)
    pair.witnessed()
    broken = made.handover.replace(made.handover.split("\n")[3], "einst")
    with pair.county.db.begin() as tx:
        tx.execute(text("UPDATE evidence_peer SET handover = :note WHERE handover <> ''"), {"note": broken})
    with pair.city.db.begin() as tx:
        tx.execute(text("UPDATE evidence_key SET handover = :note WHERE handover <> ''"), {"note": broken})
    pair.county.witnesses.watch()
    (old,) = [one for one in pair.county.witnesses.peers(AUDITOR) if one.key == pair.old]
    assert (old.is_unclear, old.until, old.followed_by) == (True, None, str(made.key))
    assert old.trouble is not None
    assert "evidence follow" in old.trouble.en

    with pair.city.db.begin() as tx:
        tx.execute(text("UPDATE evidence_key SET handover = :note WHERE handover <> ''"), {"note": made.handover})
    pair.county.witnesses.watch()
    (old,) = [one for one in pair.county.witnesses.peers(AUDITOR) if one.key == pair.old]
    assert (old.is_unclear, old.handover, old.trouble) == (False, made.handover, None)


def test_peers_of_one_moment_stand_in_one_order(pair: Pair) -> None:
    names = [f"log.{letter}.example" for letter in "gbfdaec"]
    for name in names:
        pair.county.witnesses.trust(GUARD, PeerKind.WITNESS, str(stranger(name)[0]))
    listed = [one.key.name for one in pair.county.witnesses.peers(AUDITOR)]
    assert [name for name in listed if name in names] == sorted(names)


def test_two_successors_of_one_key_are_a_fork_offline_too(pair: Pair) -> None:
    now, until = pair.clock.now(), pair.clock.now() + timedelta(days=DAYS)
    made = pair.city.succession.begin(GUARD, "witness", DAYS)
    second, signer = stranger(pair.old.name)
    other = handover_note({pair.old: signer_of(pair.city, pair.old), second: signer}, until, now)
    receipt = pair.witnessed()
    assert judge.successor(other, pair.old) == second
    trust = judge.Trust(keys=(pair.old,), handovers=(made.handover, other)).with_successors()
    assert trust.keys == (pair.old,), "of two neither is followed"
    assert pair.proved(receipt, pair.old)
    with pytest.raises(Conflict) as error:
        pair.county.witnesses.follow(GUARD, other)
    assert error.value.reason == "handover_fork"
    with pytest.raises(Conflict):
        pair.county.witnesses.follow(GUARD, other)
    assert [(origin, note) for origin, note, _, _ in pair.county.witnesses.forks(AUDITOR)] == [(pair.old.name, other)]
    alerts = [one for one in pair.county.alerts.alerts(SYSTEM) if one.kind == "evidence_fork"]
    assert len(alerts) == 1
    assert pair.county.witnesses.follow(GUARD, made.handover).key == made.key, "the first stays followed"


def test_a_retired_key_is_not_taken_though_it_signs(pair: Pair) -> None:
    """Who stole the old key signs with it after its time: the log looks at its own clock."""
    made = pair.city.succession.begin(GUARD, "witness", DAYS)
    pair.witnessed()
    thief = signer_of(pair.city, pair.old)
    pair.clock.advance(timedelta(days=DAYS))
    grown(pair.county)
    peers = {one.key: one for one in pair.county.witnesses.peers(AUDITOR)}
    asked = pair.county.witnesses.request(GUARD, peers[made.key].id).partition("\n\n")[2]
    signed = asked + cosign(judge.Note.parse(asked), pair.old, thief, pair.clock.now())
    with pytest.raises(Invalid):
        pair.county.witnesses.take(GUARD, signed)


def test_it_is_followed_at_all_doors(pair: Pair, tmp_path: Path) -> None:
    made = pair.city.succession.begin(GUARD, "witness", DAYS)
    path = f"/witness/handover/{pair.old.id.hex()}"
    with TestClient(create_app(pair.city)) as anybody:
        assert anybody.get(path).text == made.handover
        assert anybody.get("/witness/handover/00000000").status_code == 404
    with pytest.raises(NotFound):
        pair.city.witnesses.handover("00000000")
    for other in (STEWARD, AUDITOR):
        with pytest.raises(Denied):
            pair.county.witnesses.follow(other, made.handover)

    group = typer.Typer()
    add_keys(group, lambda: pair.city.succession, lambda: pair.city.evidence)
    run = CliRunner()
    assert run.invoke(group, ["keys", "--handover", str(tmp_path)]).exit_code == 0
    (written,) = tmp_path.glob("witness-*.handover.txt")
    there = typer.Typer()
    add_witnesses(there, lambda: pair.county.witnesses)
    done = run.invoke(there, ["follow", str(written)])
    assert (done.exit_code, made.key.id.hex() in done.output) == (0, True)
    assert run.invoke(group, ["succeed", "--role", "witness"]).exit_code == 1, "the one before still runs"

    web = create_app(pair.county)
    _, code = pair.county.access.add_person(
        SYSTEM, PersonDraft(login="guard", name="安全", roles=frozenset({Role.SEC_ADMIN}))
    )
    origin, word = "https://testserver", "Zhen-Shi-De-Mi-Ma-9"
    pair.county.access.change_password(pair.county.access.sign_in("guard", code, "tests").actor, code, word)
    with TestClient(web, base_url=origin, follow_redirects=False, headers={"Origin": origin}) as browser:
        assert browser.post("/console/sign-in", data={"login": "guard", "password": word}).status_code == 303
        page = browser.get("/console/seal").text
        assert "已有后继密钥" in page
        browser.headers["X-CSRF-Token"] = page.split('<meta name="csrf" content="')[1].split('"')[0]
        sent = browser.post("/console/seal/follow", files={"note": ("n.txt", made.handover.encode())})
        assert sent.status_code == 303
        peers = {one["key"]: one["followed_by"] for one in browser.get("/api/v1/evidence/peers").json()["peers"]}
        assert peers == {str(pair.old): str(made.key), str(made.key): ""}
        answer = browser.post("/api/v1/evidence/peers/follow", json={"text": made.handover})
        assert (answer.status_code, answer.json()["key"]) == (200, str(made.key))
        bad = browser.post("/api/v1/evidence/peers/follow", json={"text": "nothing"})
        assert (bad.status_code, bad.json()["error"]["code"]) == (422, "bad_handover")
