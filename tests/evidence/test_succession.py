"""One key of the log follows another: whoever trusts the old one is led to the new one, and nobody else leads anybody anywhere."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform
from beijiang.crypto.signing import Ed25519Signer
from beijiang.evidence import Succession
from beijiang.evidence import verifier as judge
from beijiang.evidence.commands import add_keys, verify_command
from beijiang.evidence.models import handover_text, signed_text
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid

from .conftest import STEWARD
from .test_tree import AUDITOR, GUARD, Sealed


@pytest.fixture(params=["sqlite", "postgres"])
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sealed]:
    url = f"sqlite:///{tmp_path / 'metadata.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    made = Sealed(tmp_path, url)
    made.db.create_all()
    yield made
    made.close()


def succession_of(sealed: Sealed) -> Succession:
    return Succession(sealed.db, sealed.sealer.keys, sealed.evidence, sealed.access, sealed.clock)


def proved(sealed: Sealed, *keys: judge.Key, handovers: tuple[str, ...] = ()) -> bool:
    """Make a new receipt and judge it with these keys."""
    read = sealed.read()
    sealed.evidence.seal()
    receipt = json.loads(json.dumps(sealed.receipts.receipt(STEWARD, read)))
    return judge.examine(receipt, judge.Trust(keys=keys, handovers=handovers)).ok


def test_both_sign_for_a_while_and_the_old_key_leads_to_the_new_one(sealed: Sealed) -> None:
    succession = succession_of(sealed)
    sealed.fill(3)
    read = sealed.read()
    sealed.evidence.seal()
    before = sealed.receipts.receipt(STEWARD, read)
    (old,) = [one.key for one in succession.all(AUDITOR) if one.role == "log"]
    made = succession.begin(GUARD, days=30)
    assert made.key.name == old.name
    assert made.key != old
    assert [proved(sealed, key) for key in (old, made.key)] == [True, True]
    with pytest.raises(Conflict, match="still signs"):
        succession.begin(GUARD)
    succession.watch()
    assert [one.signs for one in succession.all(AUDITOR) if one.role == "log"] == [True, True]

    sealed.clock.advance(timedelta(days=30))
    assert not proved(sealed, old), "it no longer signs"
    assert proved(sealed, made.key)
    assert proved(sealed, old, handovers=(made.handover,)), "its holder is led to the new key"
    assert judge.examine(before, judge.Trust(keys=(old,))).ok, "what it signed stays proved"
    assert not proved(sealed, handovers=(made.handover,)), "a note alone proves nothing"

    succession.watch()
    with sealed.db.read() as connection:
        rows = connection.execute(
            text("SELECT generation, secret FROM evidence_key WHERE role = 'log' ORDER BY 1")
        ).all()
    assert [generation for generation, _ in rows] == [1, 2]
    assert rows[0].secret == "", "nobody can sign with it any more"
    sealed.fill(1)
    sealed.evidence.seal()
    publics = [one.public for one in gc.get_objects() if isinstance(one, Ed25519Signer)]
    assert made.key.public in publics
    assert old.public not in publics, "nor does its opened half stay in memory"
    assert rows[1].secret
    third = succession.begin(GUARD, days=1)
    sealed.clock.advance(timedelta(days=2))
    assert proved(sealed, old, handovers=(third.handover, made.handover)), "along a chain, in any order"
    assert not proved(sealed, old, handovers=(third.handover,)), "a link is missing"
    assert sealed.found() == set(), "the check of the whole log knows all three"


def test_nobody_else_names_a_key(sealed: Sealed) -> None:
    succession = succession_of(sealed)
    sealed.fill(2)
    (old,) = [one.key for one in succession.all(AUDITOR) if one.role == "log"]
    made = succession.begin(GUARD, days=1)
    secrets = [Ed25519Signer.new_secret() for _ in range(2)]
    strangers = [(judge.Key(old.name, judge.ED25519, Ed25519Signer(s).public), Ed25519Signer(s)) for s in secrets]
    (evil, signer), (other, other_signer) = strangers
    until = sealed.clock.now()
    claimed = handover_text(old, evil, until)
    stolen = made.handover.replace(str(made.key), str(evil))
    forged = [
        signed_text(claimed, {evil: signer}),  # the old key did not sign
        signed_text(claimed, {evil: signer, other: other_signer}),
        stolen,
        signed_text(handover_text(evil, other, until), {evil: signer, other: other_signer}),
        made.handover.replace("key-handover/1", "key-handover/2"),
        "no note at all",
        "",
    ]
    for note in forged:
        assert judge.successor(note, old) is None, note
        assert judge.Trust(keys=(old,), handovers=(note,)).with_successors().keys == (old,)
    renamed = judge.Key("log.other.example", judge.ED25519, evil.public)
    assert judge.successor(signed_text(handover_text(evil, renamed, until), {evil: signer}), evil) is None
    assert judge.successor(made.handover, old) == made.key


def test_only_the_security_administrator_begins_it_and_within_limits(sealed: Sealed) -> None:
    succession = succession_of(sealed)
    for other in (STEWARD, AUDITOR):
        with pytest.raises(Denied):
            succession.begin(other)
    for words in ({"days": 0}, {"days": 731}, {"role": "log-sm2"}, {"role": "x" * 400}):
        with pytest.raises(Invalid):
            succession.begin(GUARD, **words)  # type: ignore[arg-type]
    assert [one.role for one in succession.all(AUDITOR)] == ["log", "witness"]


def test_keys_are_sealed_anew_with_the_other_secrets(platform: Platform) -> None:
    platform.evidence.seal()
    platform.succession.begin(SYSTEM)
    platform.sources.rotate(SYSTEM)
    with platform.db.read() as connection:
        secrets = connection.execute(text("SELECT secret FROM evidence_key")).scalars().all()
    assert len(secrets) == 3
    assert not [one for one in secrets if platform.sources.vault.is_old(one)]
    platform.evidence.note(SYSTEM, "x.y", target="after")
    assert platform.evidence.seal(), "the keys open under the new root key"


def test_it_is_begun_and_followed_at_all_doors(platform: Platform, tmp_path: Path) -> None:
    _, code = platform.access.add_person(
        SYSTEM, PersonDraft(login="guard", name="安全", roles=frozenset({Role.SEC_ADMIN}))
    )
    origin = "https://testserver"
    browser = TestClient(create_app(platform), base_url=origin, follow_redirects=False, headers={"Origin": origin})
    word = "Zhen-Shi-De-Mi-Ma-9"
    platform.access.change_password(platform.access.sign_in("guard", code, "tests").actor, code, word)
    assert browser.post("/console/sign-in", data={"login": "guard", "password": word}).status_code == 303
    page = browser.get("/console/seal").text
    browser.headers["X-CSRF-Token"] = page.split('<meta name="csrf" content="')[1].split('"')[0]
    assert browser.post("/console/seal/keys", data={"role": "log", "days": "7"}).status_code == 303
    shown = browser.get("/api/v1/evidence/keys").json()
    old, new = [one for one in shown["details"] if one["role"] == "log"]
    assert (old["signs"], new["signs"], old["retires_at"] is None) == (True, True, False)
    page = browser.get("/console/seal").text
    assert "与新密钥并行签名至" in page
    key_id = new["key"].split("+")[1]
    note = browser.get(f"/console/seal/keys/{key_id}/handover")
    assert note.text == new["handover"]
    assert browser.get("/console/seal/keys/00000000/handover").status_code == 404
    assert browser.post("/api/v1/evidence/keys", json={"days": 7}).json()["error"]["code"] == "handover_running"

    group = typer.Typer()
    add_keys(group, lambda: platform.succession, lambda: platform.evidence)
    alone = typer.Typer()
    alone.command("verify")(verify_command())
    run = CliRunner()
    assert run.invoke(group, ["keys", "--handover", str(tmp_path)]).exit_code == 0
    (written,) = tmp_path.glob("*.handover.txt")
    assert judge.successor(written.read_text(), judge.Key.parse(old["key"])) == judge.Key.parse(new["key"])
    assert old["key"] in run.invoke(group, ["keys"]).output
    assert run.invoke(group, ["succeed"]).exit_code == 1

    read = platform.evidence.record_read(
        SYSTEM, exit="download", target="t", version=1, policy="p" * 64, columns=(), rows=None, grade="L1", purpose=""
    )
    platform.evidence.seal()
    (tmp_path / "r.json").write_text(json.dumps(platform.receipts.receipt(SYSTEM, read)))
    words = [str(tmp_path / "r.json"), "--key", old["key"], "--handover", str(written)]
    assert run.invoke(alone, words).exit_code == 0
