"""Signed and logged accesses a second, and the time of an inclusion proof, beside bare SQLite and a file that is synced.

Run: ``PYTHONPATH=src python benchmarks/bench_receipts.py [accesses] [records]``. Bars: 2,000 accesses a second on 2 cores while all are
sealed and signed; an inclusion proof under 1 ms in a log of ``records`` records.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from report import Line, median_seconds, show

from beijiang.crypto import RootKeys, Vault
from beijiang.db import Database
from beijiang.evidence import Evidence, LogKeys, Sealer
from beijiang.evidence.models import inclusion
from beijiang.evidence.service.tiles import StoredNodes
from beijiang.evidence.store import TreeStore
from beijiang.evidence.verifier import Checkpoint, Note, entry_of, leaf_hash, verify_inclusion
from beijiang.kit import Actor, ActorKind, SystemClock
from beijiang.settings import Settings

ACTOR = Actor(id="per_1", name="王丽", kind=ActorKind.PERSON, org_id="bigdata", session_id="ses_1")
THREADS = 32
"""Requests at once: FastAPI's pool holds 40."""


def opened(folder: Path, **changes: object) -> tuple[Database, Evidence, Sealer]:
    """Return a log with its sealer in an empty folder."""
    settings = Settings.for_tests(folder, log_name="log.example", **changes)
    db = Database(f"sqlite:///{folder / 'metadata.db'}")
    db.create_all()
    clock = SystemClock()
    sealer = Sealer(db, LogKeys(db, Vault(RootKeys(settings.root_key_file)), clock, settings), clock, settings)
    return db, Evidence(db, clock, folder / "evidence", sealer), sealer


def in_threads(count: int, work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of one of ``count`` pieces of work done by all threads, on the clock and of this process's processor."""

    def run() -> None:
        for _ in range(count // THREADS):
            work()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    begin, busy = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = count // THREADS * THREADS
    return (time.perf_counter() - begin) / done, (time.process_time() - busy) / done


def accesses(folder: Path, count: int, **changes: object) -> tuple[float, float, float]:
    """Return the seconds of an access, durable before it returns and closed after, those of the processor, and until all are signed."""
    db, evidence, _ = opened(folder, **changes)

    def access() -> None:
        receipt = evidence.record_read(
            ACTOR,
            exit="row_api",
            target="企业登记信息",
            version=3,
            policy="p" * 64,
            columns=("企业名称", "盟市", "成立日期"),
            rows=None,
            grade="L2",
            purpose="核对",
        )
        evidence.close_read(receipt, 100, 8000)

    access()
    seconds, busy = in_threads(count, access)
    begin = time.perf_counter()
    evidence.seal()
    behind = time.perf_counter() - begin
    report = evidence.check()
    assert report.ok, report.problems
    assert evidence.state().waiting == 0
    assert report.records == 2 * (count // THREADS * THREADS + 1)
    evidence.close()
    db.close()
    return seconds, busy, behind


def bare_rows(folder: Path, count: int) -> float:
    """Return the seconds of one like row that is inserted and synced by itself."""
    con = sqlite3.connect(folder / "bare.db", isolation_level=None)
    con.execute("PRAGMA journal_mode=WAL")
    con.execute("PRAGMA synchronous=FULL")
    con.execute("CREATE TABLE r (n INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT)")
    body = "x" * 600
    begin = time.perf_counter()
    for number in range(count):
        con.execute("INSERT INTO r VALUES (?, ?, ?)", (number, f"ev_{number}", body))
    return (time.perf_counter() - begin) / count


def proofs(folder: Path, records: int) -> float:
    """Return the seconds of one inclusion proof in a log of many records, whole tiles not yet remembered."""
    db, evidence, sealer = opened(folder)
    for _ in range(records // 5000):
        for number in range(5000):
            evidence.note(ACTOR, "x.y", target=str(number))
        evidence.flush()
    evidence.seal()
    with db.read() as connection:
        store = TreeStore(connection)
        shard = store.all_shards()[-1]
        known = store.checkpoint(shard.name)
        assert known is not None
        point = Checkpoint.parse(Note.parse(known[1]).text)
        places = iter(range(0, shard.size, 257))

        def prove() -> None:
            index = next(places)
            path = inclusion(shard.algorithm, index, shard.size, StoredNodes(store, shard, sealer.cache))
            made.append((index, path))

        made: list[tuple[int, list[bytes]]] = []
        seconds = median_seconds(prove, runs=min(200, shard.size // 257 - 2))
        for index, path in made:
            leaf = leaf_hash("sha256", entry_of(*store.commitments(shard.first + index, 1)[0]))
            assert verify_inclusion("sha256", index, shard.size, leaf, path, point.root)
    evidence.close()
    db.close()
    return seconds


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 16_000
    records = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / one for one in ("a", "b", "c", "d")]
        for folder in folders:
            folder.mkdir()
        bare = bare_rows(folders[0], 2000)
        seconds, busy, behind = accesses(folders[1], count)
        guomi, guomi_busy, _ = accesses(folders[2], count, log_hash="sm3", log_signature="sm2")
        proof = proofs(folders[3], records)
    show(
        "Evidence: an access is two records, durable, sealed and signed; 2,000 a second are 0.5 ms each",
        [
            Line("access, SHA-256 and Ed25519", seconds * 1000, "bar", 0.5, 1, "ms"),
            Line("  of which this processor", busy * 1000, "bar", 0.5, 1, "ms"),
            Line("access, SM3, Ed25519 and SM2", guomi * 1000, "bar", 0.5, 1, "ms"),
            Line("  of which this processor", guomi_busy * 1000, "bar", 0.5, 1, "ms"),
            Line("access against one row synced by itself", seconds * 1000, "SQLite", bare * 1000, 1, "ms"),
            Line("seconds until the last access is signed", behind, "bar", 2, 1),
            Line(f"inclusion proof among {records:,}", proof * 1000, "bar", 1, 1, "ms"),
        ],
    )


if __name__ == "__main__":
    main()
