"""What waits on the disk is whole, outlives the process, and is in the log once the database takes it."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import nursery
from beijiang.db import Database
from beijiang.evidence import Evidence, EvidenceQuery
from beijiang.evidence.models import Entry
from beijiang.evidence.service.commits import GroupCommit
from beijiang.evidence.service.spool import Spool
from beijiang.kit import FixedClock, SystemClock, Unavailable

from .conftest import STEWARD, Log

WHEN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

FILLS = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from beijiang.evidence.models import Entry
from beijiang.evidence.service.commits import GroupCommit
from beijiang.evidence.service.spool import Spool
from beijiang.kit import Actor, ActorKind, Unavailable

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path(sys.argv[1]), 1 << 20)
actor = Actor(id="per_1", name="王丽", kind=ActorKind.PERSON)

def add():
    entry = Entry(actor=actor, action="read", target="人口", at=datetime.now(UTC))
    spool.add([entry])
    print(entry.id, flush=True)

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    while True:
        add()
except Unavailable as error:
    assert error.reason == "evidence_unavailable"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
add()
"""

DIES = """
import contextlib, os, signal, sys, time
from pathlib import Path
from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import Actor, ActorKind, SystemClock
from sqlalchemy import text

folder, down = Path(sys.argv[1]), sys.argv[2] == "down"
db = Database(f"sqlite:///{folder / 'metadata.db'}")
evidence = Evidence(db, SystemClock(), folder / "evidence")
actor = Actor(id="per_1", name="王丽", kind=ActorKind.PERSON)
receipt = evidence.record_read(actor, exit="page", target="人口", version=1, policy="p", columns=("a",), rows=None,
                               grade="L1", purpose="x")
if down:
    with db.begin() as tx:
        tx.execute(text("ALTER TABLE evidence_record RENAME TO elsewhere"))
evidence.note(actor, "access.denied", target="不许", decision="deny")
if down:
    evidence.close_read(receipt, 7, 70)
    def kept():
        for path in (folder / "evidence").glob("spool*"):
            with contextlib.suppress(FileNotFoundError):  # it may be taken, under another name, at any moment
                yield path.read_bytes()
    while b"read.close" not in b"".join(kept()):
        time.sleep(0.05)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_full_disk_cuts_no_line_and_the_next_one_is_whole(tmp_path: Path) -> None:
    done = nursery.run([sys.executable, "-c", FILLS, str(tmp_path)], timeout=300)
    assert done.returncode == 0, done.stderr
    told = done.stdout.split()
    assert len(told) > 1
    (taken,) = Spool(tmp_path, 1 << 20).take()
    assert ([entry.id for entry in taken.entries], taken.unreadable) == (told, 0)


@pytest.mark.parametrize("database", ["up", "down"])
def test_a_refusal_and_the_end_of_a_read_outlive_a_kill(tmp_path: Path, database: str) -> None:
    db = Database(f"sqlite:///{tmp_path / 'metadata.db'}")
    db.create_all()
    done = nursery.run([sys.executable, "-c", DIES, str(tmp_path), database], timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if database == "down":
        with db.begin() as tx:
            tx.execute(text("ALTER TABLE elsewhere RENAME TO evidence_record"))
    evidence = Evidence(db, SystemClock(), tmp_path / "evidence")
    evidence.flush()
    (refused,) = evidence.page(EvidenceQuery(action="access.denied")).records
    assert (refused.target, refused.decision) == ("不许", "deny")
    closed = evidence.page(EvidenceQuery(action="read.close")).records
    assert [one.rows for one in closed] == ([7] if database == "down" else [])
    assert evidence.check().ok
    evidence.close()
    db.close()


def test_a_stump_is_set_aside_and_told_and_holds_up_nothing(log: Log) -> None:
    stump = log.folder / "spool.ndjson"
    log.folder.mkdir(exist_ok=True)
    stump.write_bytes(b'{"action": "read", "actor": ["per')
    with log.db.begin() as tx:
        tx.execute(text("ALTER TABLE evidence_record RENAME TO elsewhere"))
    receipt = log.read_once()
    with log.db.begin() as tx:
        tx.execute(text("ALTER TABLE elsewhere RENAME TO evidence_record"))
    log.evidence.flush()
    assert log.evidence.find(receipt) is not None
    log.evidence.flush()
    (told,) = log.evidence.page(EvidenceQuery(action="evidence.unreadable")).records
    assert told.rows == 1
    assert (log.folder / str(told.detail["file"])).exists()
    assert log.evidence.spool_bytes == 0


def test_what_nobody_waits_for_is_kept_elsewhere_while_the_database_hangs() -> None:
    begun, released = threading.Event(), threading.Event()
    kept: list[Entry] = []

    def write(_: Sequence[Entry]) -> None:
        begun.set()
        released.wait(90)

    def spare(entries: Sequence[Entry]) -> bool:
        kept.extend(entries)
        return True

    first, second = (Entry(actor=STEWARD, action="read.close", target="人口", at=WHEN) for _ in range(2))
    commits = GroupCommit(write, spare)
    commits.defer(first)
    leader = threading.Thread(target=commits.submit, args=(None,))
    leader.start()
    assert begun.wait(90)
    commits.defer(second)
    assert commits.rescue()
    released.set()
    leader.join()
    assert kept == [first, second]
    assert not commits.rescue(), "nothing waits any more"


def _entries(count: int) -> list[Entry]:
    return [Entry(actor=STEWARD, action="read.close", target="人口", at=WHEN) for _ in range(count)]


def test_what_is_being_kept_elsewhere_is_not_passed_by() -> None:
    """A barrier that comes while a record is on its way to the disk: it is in the database when the barrier returns."""
    written: list[Entry] = []
    (one,) = _entries(1)

    def spare(entries: Sequence[Entry]) -> bool:
        assert list(entries) == [one]
        commits.submit(None)
        assert written == [one], "neither here nor there"
        return True

    commits = GroupCommit(written.extend, spare)
    commits.defer(one)
    assert commits.rescue()
    commits.submit(None)
    assert written == [one], "and it is not written once more"


def test_what_is_written_just_now_is_kept_elsewhere_once_and_tried_no_more() -> None:
    begun, released = threading.Event(), threading.Event()
    kept: list[Entry] = []

    def write(_: Sequence[Entry]) -> None:
        begun.set()
        assert released.wait(90)
        raise OSError

    def spare(entries: Sequence[Entry]) -> bool:
        kept.extend(entries)
        return True

    (one,) = _entries(1)
    commits = GroupCommit(write, spare)
    commits.defer(one)

    def lead() -> None:
        with suppress(OSError):
            commits.submit(None)

    leader = threading.Thread(target=lead)
    leader.start()
    assert begun.wait(90)
    assert commits.rescue(), "a kill would lose it, though nothing waits behind it"
    assert not commits.rescue()
    released.set()
    leader.join()
    assert kept == [one]


@pytest.mark.parametrize("fails", [False, True])
def test_what_cannot_be_kept_elsewhere_stays_in_line(fails: object) -> None:
    written: list[Entry] = []

    def spare(_: Sequence[Entry]) -> bool:
        if fails:
            raise ValueError
        return False

    found = _entries(3)
    commits = GroupCommit(written.extend, spare)
    for one in found:
        commits.defer(one)
    if fails:
        with pytest.raises(ValueError):  # noqa: PT011 - of the test itself
            commits.rescue()
    else:
        assert not commits.rescue()
    commits.submit(None)
    assert written == found
    assert commits.lost == 0


def test_a_record_that_came_in_by_way_of_the_disk_is_not_written_again(log: Log) -> None:
    """The database hung, the record was kept on the disk and came in from there; then what hung goes on."""
    held, other = _entries(2)
    assert log.evidence._spooled([held])
    assert log.evidence.drain() == 1
    log.evidence._commits.defer(held)
    log.evidence._commits.defer(other)
    log.evidence.flush()
    found = log.evidence.page(EvidenceQuery(action="read.close")).records
    assert sorted(one.id for one in found) == sorted([held.id, other.id])
    assert log.evidence.check().problems == ()


def test_room_that_was_held_is_given_up_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve, usual = tmp_path / "spool.reserve", os.write
    spool = Spool(tmp_path, 1 << 20, 4096)
    spool.reserve()
    assert reserve.stat().st_size == 4096

    def full(descriptor: int, data: Any) -> int:
        if reserve.exists():
            raise OSError(errno.ENOSPC, "no space left on device")
        return usual(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    entry = Entry(actor=STEWARD, action="read", target="人口", at=WHEN)
    spool.add([entry])
    assert not reserve.exists()
    monkeypatch.undo()
    (taken,) = spool.take()
    assert [one.id for one in taken.entries] == [entry.id]
    spool.done(taken)
    spool.reserve()
    assert reserve.exists()


def test_records_that_nobody_waits_for_leave_room_for_readers(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 4000)
    entry = Entry(actor=STEWARD, action="access.denied", target="x", at=FixedClock(WHEN).now())
    spool.add([entry] * 4, share=0.5)
    assert 1000 < spool.size() <= 2000
    with pytest.raises(Unavailable):
        spool.add([entry] * 4, share=0.5)
    spool.add([entry])
