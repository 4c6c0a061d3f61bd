"""The signed tree over the records: sealed in time, proved offline, and nothing that is done to it behind its back goes unseen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from beijiang.access import Access, Role
from beijiang.crypto import RootKeys, Vault
from beijiang.db import Database
from beijiang.evidence import Evidence, LogKeys, ProblemKind, Receipts, Retention, Sealer
from beijiang.evidence import verifier as judge
from beijiang.evidence.models.retention import before
from beijiang.kit import Actor, ActorKind, Conflict, FixedClock, NotFound
from beijiang.settings import Settings
from beijiang.standards.service.facts import Standards
from beijiang.standards.service.seeds import as_packaged
from waiting import until

from .conftest import STEWARD

COUNT = 600
AUDITOR = Actor(id="per_aud", name="审计", kind=ActorKind.PERSON, roles=frozenset({Role.AUDIT_ADMIN}))
GUARD = Actor(id="per_sec", name="安全", kind=ActorKind.PERSON, roles=frozenset({Role.SEC_ADMIN}))
OTHER = Actor(id="per_2", name="李强", kind=ActorKind.PERSON, org_id="forest", roles=frozenset({"steward"}))


class Sealed:
    """A log with its tree, on a database of one's own."""

    def __init__(self, folder: Path, url: str, **changes: object) -> None:
        self.settings = Settings.for_tests(folder, log_name="log.county.example", **changes)
        self.db = Database(url)
        self.clock = FixedClock(datetime(2026, 11, 26, 8, 0, tzinfo=UTC))
        vault = Vault(RootKeys(self.settings.root_key_file))
        self.sealer = Sealer(self.db, LogKeys(self.db, vault, self.clock, self.settings), self.clock, self.settings)
        self.evidence = Evidence(self.db, self.clock, folder / "evidence", self.sealer)
        self.access = Access(self.db, self.evidence, self.clock, self.settings)
        self.receipts = Receipts(self.db, self.evidence, self.sealer, self.access)
        standards = Standards(as_packaged, lambda: ())
        self.retention = Retention(self.db, self.evidence, self.access, self.clock, standards.rule)

    def fill(self, count: int) -> None:
        for number in range(count):
            self.evidence.note(STEWARD, "catalog.note", target=f"表{number}", detail={"n": number})
        self.evidence.seal()

    def read(self, actor: Actor = STEWARD, **more: object) -> str:
        asked = {"version": 3, "policy": "p" * 64, "columns": ("姓名",), "rows": None, "grade": "L2", "purpose": "核对"}
        return self.evidence.record_read(actor, exit="download", target="人口", **{**asked, **more})  # type: ignore[arg-type]

    def run(self, sql: str, **values: object) -> None:
        with self.db.begin() as tx:
            tx.execute(text(sql), values)

    def found(self) -> set[tuple[int, ProblemKind]]:
        return {(p.sequence, p.kind) for p in self.evidence.check().problems}

    def close(self) -> None:
        self.evidence.close()
        self.db.close()


@pytest.fixture(params=["sqlite", "postgres"])
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sealed]:
    url = f"sqlite:///{tmp_path / 'metadata.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    made = Sealed(tmp_path, url)
    made.db.create_all()
    yield made
    made.close()


def test_a_receipt_is_proved_on_a_machine_that_has_nothing_else(sealed: Sealed, tmp_path: Path) -> None:
    sealed.fill(COUNT)
    read, content = sealed.read(), b"a,b\n1,2\n"
    sealed.evidence.close_read(read, 1, len(content))
    digests = {name: _sha256(what) for name, what in (("request", b"GET /x"), ("response", content))}
    sealed.evidence.note_sent(read, digests, len(content))
    receipt = sealed.receipts.receipt(STEWARD, read)
    assert [json.loads(part["body"])["action"] for part in receipt["records"]] == ["read", "read.close", "read.sent"]
    assert len(json.dumps(receipt)) < 8000
    keys = [str(key) for key in sealed.receipts.keys(STEWARD)]
    point = sealed.receipts.checkpoint(STEWARD, "2026")
    for name, what in (("r.json", json.dumps(receipt)), ("point", point), ("data.csv", content.decode())):
        (tmp_path / name).write_text(what)
    (tmp_path / "verifier.py").write_text(Path(judge.__file__).read_text())
    run = [sys.executable, "-I", "verifier.py", "r.json"]
    whole = ["--key", keys[0], "--checkpoint", "point", "--request", "GET /x", "--response", "data.csv"]
    done = subprocess.run([*run, *whole], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, "✗" in done.stdout) == (0, "", False), done
    known = judge.Trust(keys=(judge.Key.parse(keys[0]),))
    assert judge.examine(receipt, known).ok
    assert judge.examine(receipt, judge.Trust(checkpoint=point)).ok
    assert not judge.examine(receipt, judge.Trust()).ok, "a receipt does not vouch for itself"
    assert not judge.examine(receipt, judge.Trust(keys=known.keys, quorum=1)).ok
    assert not judge.examine(receipt, judge.Trust(keys=known.keys, response=b"other")).ok
    assert not judge.examine(receipt, judge.Trust(keys=known.keys, request="GET /y")).ok
    assert not judge.examine(receipt, judge.Trust(keys=(judge.Key.parse(keys[1]),))).ok
    for bent in _bent(receipt):
        assert not judge.examine(bent, known).ok, bent
    earlier = sealed.receipts.receipt(STEWARD, read, size=COUNT + 3)
    sealed.fill(300)
    assert judge.examine(earlier, judge.Trust(checkpoint=sealed.receipts.checkpoint(STEWARD, "2026", COUNT + 3))).ok
    assert not judge.examine(earlier, judge.Trust(checkpoint=sealed.receipts.checkpoint(STEWARD, "2026"))).ok
    assert sealed.receipts.proof(STEWARD, read).startswith("c2sp.org/tlog-proof@v1\nindex 600\n")


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _bent(receipt: dict[str, object]) -> list[dict[str, object]]:
    """Return the receipt with one thing changed in each."""
    text_of = json.dumps(receipt)
    changes = [("\\u6838\\u5bf9", "\\u5176\\u4ed6"), ('"sequence": 601', '"sequence": 600'), ("index 600", "index 599")]
    changes += [("\\n603\\n", "\\n604\\n"), ("beijiang-receipt/1", "beijiang-receipt/2"), (receipt["id"], "ev_other")]  # type: ignore[list-item]
    made = [json.loads(text_of.replace(old, new, 1)) for old, new in changes]
    for field in ("salt", "commitment", "proof"):
        other = json.loads(text_of)
        other["records"][0][field] = other["records"][1][field]
        made.append(other)
    return [*made, {"format": judge.FORMAT}, {}]


def test_a_receipt_goes_to_its_parties_only(sealed: Sealed) -> None:
    read, public = sealed.read(), sealed.read(Actor(id="anonymous", name="-", kind=ActorKind.ANONYMOUS))
    for other in (OTHER, GUARD):
        with pytest.raises(NotFound):
            sealed.receipts.receipt(other, read)
    with pytest.raises(NotFound):
        sealed.receipts.receipt(STEWARD, "ev_unknown")
    assert sealed.receipts.receipt(AUDITOR, read)["id"] == read
    assert sealed.receipts.receipt(OTHER, public)["id"] == public
    assert [one.id for one in sealed.receipts.mine(STEWARD).records] == [read]
    assert sealed.receipts.mine(OTHER).records == ()


def test_tiles_let_anybody_follow_the_log(sealed: Sealed) -> None:
    sealed.fill(COUNT)
    for size in (1, 256, 300, COUNT):
        leaves = [
            leaf
            for number in range((size + 255) // 256)
            for leaf in _leaves(sealed, number, min(256, size - number * 256))
        ]
        hashes = b"".join(judge.leaf_hash("sha256", leaf) for leaf in leaves)
        tiles = [
            sealed.receipts.tile(OTHER, "2026", 0, number, min(256, size - number * 256))
            for number in range((size + 255) // 256)
        ]
        assert b"".join(tiles) == hashes
    assert len(sealed.receipts.tile(OTHER, "2026", 1, 0, 2)) == 64
    for level, number, width in ((0, 2, 256), (1, 0, 3), (0, 99, 1), (2, 0, 1)):
        with pytest.raises(NotFound):
            sealed.receipts.tile(OTHER, "2026", level, number, width)
    with pytest.raises(NotFound):
        sealed.receipts.checkpoint(OTHER, "2025")


def _leaves(sealed: Sealed, number: int, width: int) -> list[bytes]:
    content, made = sealed.receipts.entries(OTHER, "2026", number, width), []
    while content:
        length = int.from_bytes(content[:2], "big")
        made.append(content[2 : 2 + length])
        content = content[2 + length :]
    assert len(made) == width
    return made


def test_each_year_and_each_hash_has_its_shard_and_old_records_are_sealed_in_order(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'metadata.db'}"
    old = Sealed(tmp_path, url)
    old.db.create_all()
    before_trees = Evidence(old.db, old.clock, tmp_path / "evidence")  # a platform of before there was a tree
    for year in (2024, 2024, 2025, 2024, 2026):
        old.clock.at = old.clock.at.replace(year=year)
        before_trees.note(STEWARD, "x.y", target=str(year))
        before_trees.flush()
    before_trees.close()
    old.clock.at = old.clock.at.replace(year=2026)
    read = old.read()
    assert old.evidence.seal() == 6
    old.clock.at = old.clock.at.replace(year=2027)
    old.fill(3)
    old.close()
    guomi = Sealed(tmp_path, url, log_hash="sm3", log_signature="sm2")
    guomi.clock.at = guomi.clock.at.replace(year=2027)
    guomi.fill(3)
    last = guomi.read()
    guomi.evidence.seal()
    assert [(s.name, s.first, s.size, s.closed) for s in guomi.receipts.shards(OTHER)] == [
        ("2024", 1, 2, True),
        ("2025", 3, 2, True),
        ("2026", 5, 2, True),
        ("2027", 7, 3, True),
        ("2027-sm3", 10, 4, False),
    ]
    assert guomi.evidence.check().ok, guomi.evidence.check().problems
    keys = {key.kind: key for key in guomi.receipts.keys(OTHER)}
    for receipt in (guomi.receipts.receipt(STEWARD, read), guomi.receipts.receipt(STEWARD, last)):
        assert judge.examine(receipt, judge.Trust(keys=(keys[judge.ED25519],))).ok
    assert judge.examine(receipt, judge.Trust(keys=(keys[judge.SM2],))).ok, "SM2 alone is enough"
    assert guomi.receipts.state(AUDITOR).waiting == 0
    guomi.close()


# What may be done behind the platform's back


def change_and_mend_the_chain(log: Sealed) -> None:
    """Forge record 5 and every digest after it, head included: only tree, head file and witnesses know better."""
    _rewrite(log, lambda number, body: body.replace("表4", "表9") if number == 5 else body)


def replace_a_stored_value(log: Sealed) -> None:
    log.run("UPDATE evidence_record SET body = replace(body, '表4', '表9') WHERE sequence = 5")


def drop_a_record(log: Sealed) -> None:
    log.run("DELETE FROM evidence_record WHERE sequence = 5")


def insert_a_record(log: Sealed) -> None:
    """Put one in at 5 and move all others up, the chain mended."""
    log.run("UPDATE evidence_record SET sequence = -sequence WHERE sequence >= 5")
    log.run("UPDATE evidence_record SET sequence = 1 - sequence WHERE sequence < 0")
    columns = "id, at, actor_id, org_id, action, target, decision, body, salt, commitment, digest"
    forged = columns.replace("id,", "'ev_forged',", 1)
    log.run(
        f"INSERT INTO evidence_record (sequence, {columns}) SELECT 5, {forged} FROM evidence_record WHERE sequence = 2"
    )
    log.run("UPDATE evidence_head SET sequence = sequence + 1")
    _rewrite(log, lambda _, body: body)


def reorder_two(log: Sealed) -> None:
    """Swap the contents of 4 and 5, the chain mended."""
    for old, new in ((4, -1), (5, 4), (-1, 5)):
        log.run("UPDATE evidence_record SET sequence = :new WHERE sequence = :old", old=old, new=new)
    _rewrite(log, lambda _, body: body, keep=True)


def rewrite_records_and_tree(log: Sealed) -> None:
    """Forge the record, the chain and the tiles: what was signed still says otherwise."""
    change_and_mend_the_chain(log)
    with log.db.read() as connection:
        commitment = connection.execute(text("SELECT commitment FROM evidence_record WHERE sequence = 5")).scalar_one()
        tile = connection.execute(text("SELECT hashes FROM evidence_tile WHERE level = 0 AND number = 0")).scalar_one()
    leaf = judge.leaf_hash("sha256", judge.entry_of(5, commitment))
    forged = bytes(tile[:128]) + leaf + bytes(tile[160:])
    log.run("UPDATE evidence_tile SET hashes = :new WHERE level = 0 AND number = 0", new=forged)


def change_the_tree_alone(log: Sealed) -> None:
    with log.db.read() as connection:
        tile = connection.execute(text("SELECT hashes FROM evidence_tile WHERE level = 0 AND number = 0")).scalar_one()
    log.run("UPDATE evidence_tile SET hashes = :new WHERE level = 0 AND number = 0", new=bytes(32) + bytes(tile[32:]))


def forge_a_checkpoint(log: Sealed) -> None:
    log.run("UPDATE evidence_checkpoint SET note = replace(note, 'AAAA', 'AAAB')")
    log.run("UPDATE evidence_checkpoint SET note = replace(note, '— log', '— fog')")


def cut_the_tree(log: Sealed) -> None:
    log.run("UPDATE evidence_shard SET size = size - 3")


def wipe_a_text(log: Sealed) -> None:
    """Pretend that a text was erased lawfully."""
    log.run(
        "UPDATE evidence_record SET body = '', salt = '', actor_id = '—', target = '—', org_id = NULL WHERE sequence = 5"
    )


def _rewrite(log: Sealed, change: Callable[[int, str], str], *, keep: bool = False) -> None:
    from beijiang.evidence.models import GENESIS, canonical, commitment_of, digest_of

    with log.db.read() as connection:
        rows = connection.execute(text("SELECT sequence, body, salt FROM evidence_record ORDER BY sequence")).all()
    digest = GENESIS
    for row in rows:
        facts = json.loads(change(row.sequence, row.body))
        body = row.body if keep else canonical({**facts, "sequence": row.sequence})
        commitment = commitment_of(row.salt, body)
        digest = digest_of(digest, row.sequence, commitment)
        log.run(
            "UPDATE evidence_record SET body = :body, commitment = :c, digest = :d WHERE sequence = :n",
            body=body,
            c=commitment,
            d=digest,
            n=row.sequence,
        )
    log.run("UPDATE evidence_head SET digest = :d", d=digest)


DRILLS: list[tuple[Callable[[Sealed], None], set[tuple[int, ProblemKind]]]] = [
    (replace_a_stored_value, {(5, ProblemKind.CHANGED)}),
    (change_and_mend_the_chain, {(5, ProblemKind.CHANGED), (12, ProblemKind.FORKED)}),
    (drop_a_record, {(5, ProblemKind.REMOVED), (12, ProblemKind.FORKED)}),
    (insert_a_record, {(5, ProblemKind.CHANGED), (6, ProblemKind.CHANGED), (12, ProblemKind.FORKED)}),
    (reorder_two, {(4, ProblemKind.MOVED), (5, ProblemKind.MOVED), (12, ProblemKind.FORKED)}),
    (rewrite_records_and_tree, {(12, ProblemKind.FORKED)}),
    (change_the_tree_alone, {(1, ProblemKind.TREE)}),
    (forge_a_checkpoint, {(12, ProblemKind.SIGNATURE), (12, ProblemKind.FORKED)}),
    (cut_the_tree, {(9, ProblemKind.FORKED)}),
    (wipe_a_text, {(5, ProblemKind.ERASED)}),
]


@pytest.mark.threat("TM-17")
def test_whatever_is_planted_is_found_and_named(tmp_path: Path) -> None:
    for at, (drill, expected) in enumerate(DRILLS):
        folder = tmp_path / str(at)
        folder.mkdir()
        log = Sealed(folder, f"sqlite:///{folder / 'metadata.db'}")
        log.db.create_all()
        log.fill(12)
        assert log.found() == set()
        drill(log)
        report = log.evidence.check()
        assert expected <= {(p.sequence, p.kind) for p in report.problems}, (drill.__name__, report.problems)
        assert all(p.what.zh and p.what.en for p in report.problems)
        log.db.close()


# Retention


def test_no_record_goes_before_its_clock_and_what_went_is_still_proved(sealed: Sealed) -> None:
    read = sealed.read()
    sealed.fill(20)
    kept = {one.clock.rule: one for one in sealed.retention.kept(AUDITOR)}
    assert [kept[rule].limit.en for rule in sorted(kept)] == ["3 years", "6 months", "3 years"]
    assert "网络安全法" in kept["retention.security_log"].basis
    for wanted in (sealed.clock.at + timedelta(days=1), sealed.clock.at - timedelta(days=30)):
        sealed.clock.at += timedelta(days=1)
        if wanted > datetime(2026, 11, 26, 8, tzinfo=UTC):
            with pytest.raises(Conflict) as refused:
                sealed.retention.erase(GUARD, "清理", until=wanted)
            assert refused.value.reason == "retention_running"
    assert sealed.retention.erase(GUARD, "清理") == 0
    sealed.clock.at = datetime(2027, 6, 1, tzinfo=UTC)
    with pytest.raises(Conflict, match="3 years"):
        sealed.retention.erase(GUARD, "清理", until=datetime(2027, 1, 1, tzinfo=UTC))
    assert sealed.retention.erase(GUARD, "清理") >= 20
    with sealed.db.read() as connection:
        left = (
            connection.execute(text("SELECT body FROM evidence_record WHERE action = 'catalog.note'")).scalars().all()
        )
    assert set(left) == {""}
    receipt = sealed.receipts.receipt(STEWARD, read)
    assert receipt["records"][0]["body"]
    sealed.clock.at = datetime(2030, 1, 1, tzinfo=UTC)
    sealed.read(OTHER)
    assert sealed.retention.erase(GUARD, "本人要求", subject="per_1") == 1
    report = sealed.evidence.check()
    assert report.ok, report.problems
    from beijiang.evidence import EvidenceQuery

    gone = sealed.evidence.page(EvidenceQuery(action="read")).records[-1]
    assert (gone.erased, gone.id, gone.actor_name) == (True, read, "—")
    with pytest.raises(NotFound):
        sealed.receipts.receipt(STEWARD, read)
    bare = sealed.receipts.receipt(AUDITOR, read)
    key = sealed.receipts.keys(OTHER)[0]
    found = judge.examine(bare, judge.Trust(keys=(key,)))
    assert found.ok, found.findings
    assert found.record is None
    assert judge.examine(receipt, judge.Trust(keys=(key,))).ok, "what the consumer kept is proved as before"


def test_a_clock_counts_as_the_calendar_does() -> None:
    class Rule:
        basis = ""

        def __init__(self, value: str, unit: str) -> None:
            self.value, self.unit = value, unit

    now = datetime(2028, 8, 31, tzinfo=UTC)
    assert before(now, Rule("6", "month")) == datetime(2028, 2, 29, tzinfo=UTC)
    assert before(now, Rule("3", "year")) == datetime(2025, 8, 31, tzinfo=UTC)
    assert before(now, Rule("30", "day")) == now - timedelta(days=30)


def test_sealing_comes_by_itself_and_a_lost_key_holds_up_nobody(tmp_path: Path) -> None:
    log = Sealed(tmp_path, f"sqlite:///{tmp_path / 'metadata.db'}")
    log.db.create_all()
    log.read()
    assert log.evidence.state().waiting == 1
    until(lambda: log.evidence.state().waiting == 0)
    log.close()
    log.settings.root_key_file.rename(tmp_path / "elsewhere")
    lost = Sealed(tmp_path, f"sqlite:///{tmp_path / 'metadata.db'}")
    assert lost.read()
    lost.clock.advance(timedelta(minutes=5))
    assert (lost.evidence.state().waiting, lost.evidence.state().lag_seconds) == (1, 300.0)
    lost.close()


def test_a_copy_of_a_home_without_its_keys_writes_on_and_says_once_that_it_does_not_seal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    first = Sealed(tmp_path, url)
    first.db.create_all()
    first.fill(3)
    first.evidence.close()
    keys = first.settings.root_key_file
    kept = keys.read_bytes()
    keys.unlink()
    copy = Sealed(tmp_path, url)
    copy.evidence.note(STEWARD, "catalog.note", target="表")
    copy.evidence.flush()
    for _ in range(3):
        copy.evidence._seal_soon()
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert "Traceback" not in caplog.text
    copy.evidence.close()
    keys.write_bytes(kept)
    keys.chmod(0o600)
    again = Sealed(tmp_path, url)
    assert again.evidence.seal() > 0
    assert again.evidence.check().ok
