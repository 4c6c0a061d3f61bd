"""What is written is chained, whole, in order, and there when the call returns."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from beijiang.evidence import Evidence, EvidenceQuery
from beijiang.evidence.service.commits import DEFERRED_LIMIT, GROUP
from beijiang.evidence.store import EvidenceStore
from beijiang.kit import SYSTEM, NotFound, Unavailable
from waiting import until

from .conftest import STEWARD, Log


def test_a_record_says_who_did_what_to_what_and_why(log: Log) -> None:
    (record_id,) = log.write(1)
    found = log.evidence.find(record_id)
    assert found is not None
    assert (found.sequence, found.actor_id, found.actor_name, found.org_id) == (1, "per_1", "王丽", "bigdata")
    assert (found.session_id, found.action, found.target, found.purpose) == ("ses_1", "table.write", "表0", "入库")
    assert (found.detail, found.decision, found.at) == ({"行": 0}, "allow", log.clock.at)


def test_what_is_committed_while_the_log_is_looked_through_is_not_passed_over(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(1)
    usual = EvidenceStore.following

    def slow(self: EvidenceStore, *given: Any) -> list[Any]:
        found = usual(self, *given)
        monkeypatch.undo()
        log.write(1)
        return found

    monkeypatch.setattr(EvidenceStore, "following", slow)
    first, place = log.evidence.following(0, ("table.write",), 10)
    later, _ = log.evidence.following(place, ("table.write",), 10)
    assert [one.sequence for one in (*first, *later)] == [1, 2]


def test_a_read_is_durable_before_it_returns_and_is_closed_by_a_second_record(log: Log) -> None:
    receipt = log.read_once()
    opened = log.evidence.find(receipt)
    assert opened is not None
    assert (opened.exit, opened.version, opened.columns, opened.grade) == ("page", 3, ("姓名", "年龄"), "L2")
    assert opened.policy == "p" * 64
    log.clock.advance(timedelta(seconds=2))
    log.evidence.close_read(receipt, 120, 4096)
    log.evidence.flush()
    closed = log.evidence.page(EvidenceQuery(action="read.close")).records[0]
    assert (closed.rows, closed.bytes, closed.detail, closed.target) == (120, 4096, {"receipt": receipt}, "人口")
    assert closed.actor_id == opened.actor_id
    assert log.evidence.check().records == 2


def test_a_read_may_be_closed_by_a_process_that_did_not_open_it(log: Log) -> None:
    receipts = [log.read_once(), log.read_once()]
    log.evidence.close_read(receipts[0], 7, 70)
    other = Evidence(log.db, log.clock)
    other.close_read(receipts[1], 7, 70)
    log.evidence.flush()
    other.close()
    here, there = log.evidence.page(EvidenceQuery(action="read.close")).records[::-1]
    assert (here.detail, there.detail) == ({"receipt": receipts[0]}, {"receipt": receipts[1]})
    for name in ("actor_id", "actor_name", "actor_kind", "org_id", "session_id", "target", "exit", "version", "rows"):
        assert getattr(here, name) == getattr(there, name), name


def test_closing_an_unknown_receipt_is_an_error(log: Log) -> None:
    with pytest.raises(NotFound):
        log.evidence.close_read("ev_none", 1, 1)


def test_a_rolled_back_write_leaves_neither_record_nor_gap(log: Log) -> None:
    log.write(2)

    def write_and_fail() -> None:
        with log.db.begin() as tx:
            log.evidence.record(tx, STEWARD, "table.write", target="不成")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    log.write(1)
    page = log.evidence.page(EvidenceQuery())
    assert [record.sequence for record in page.records] == [3, 2, 1]
    assert "不成" not in {record.target for record in page.records}
    assert log.evidence.check().ok


def test_many_threads_share_commits_and_the_chain_has_no_gap(log: Log) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(40):
                log.evidence.close_read(log.read_once(), 1, 1)
                log.write(1)
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    report = log.evidence.check()
    assert report.ok, report.problems
    assert report.records == 8 * 40 * 3


def test_the_chain_can_be_recomputed_from_its_description_alone(log: Log) -> None:
    log.write(5)
    log.read_once()
    with log.db.read() as connection:
        rows = connection.execute(
            text("SELECT sequence, body, salt, digest FROM evidence_record ORDER BY sequence")
        ).all()
        head = connection.execute(text("SELECT sequence, digest FROM evidence_head")).one()
    before = bytes(32)
    for number, row in enumerate(rows, start=1):
        commitment = hashlib.sha256(b"\x00" + row.salt.encode() + row.body.encode()).digest()
        before = hashlib.sha256(b"\x01" + before + number.to_bytes(8, "big") + commitment).digest()
        assert before.hex() == row.digest
        body = json.loads(row.body)
        assert row.body == json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert body["sequence"] == row.sequence == number
    assert (head.sequence, head.digest) == (len(rows), before.hex())


def test_the_clock_may_go_backwards_without_breaking_the_order(log: Log) -> None:
    log.write(1)
    log.clock.advance(timedelta(hours=-1))
    log.write(1)
    assert [r.sequence for r in log.evidence.page(EvidenceQuery()).records] == [2, 1]
    assert log.evidence.check().ok


def test_a_read_cannot_be_recorded_inside_a_unit_of_work(log: Log) -> None:
    with log.db.begin(), pytest.raises(RuntimeError, match="outside the unit of work"):
        log.read_once()


def test_a_decision_can_be_noted_inside_a_unit_of_work_and_survives_its_rollback(log: Log) -> None:
    def note_and_fail() -> None:
        with log.db.begin():
            log.evidence.note(STEWARD, "access.denied", target="x", decision="deny")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        note_and_fail()
    log.evidence.flush()
    assert [r.decision for r in log.evidence.page(EvidenceQuery(action="access.denied")).records] == ["deny"]


def test_noted_decisions_reach_the_log_without_being_asked_for(log: Log) -> None:
    log.evidence.note(STEWARD, "access.denied", target="x", decision="deny")
    until(lambda: log.evidence.page(EvidenceQuery(action="access.denied")).records)
    assert log.evidence.check().records == 1


@pytest.mark.threat("TM-18")
def test_a_database_that_takes_no_record_stops_nobody_until_the_spool_is_full(log: Log, tmp_path: Path) -> None:
    small = Evidence(log.db, log.clock, tmp_path / "small", spool_bytes=2000)
    bare = Evidence(log.db, log.clock)
    with log.db.begin() as tx:
        tx.execute(text("ALTER TABLE evidence_record RENAME TO elsewhere"))
    receipts = [log.read_once(), log.read_once()]
    assert log.evidence.spool_bytes > 0
    asked = {
        "exit": "page",
        "target": "x",
        "version": 1,
        "policy": "p",
        "columns": (),
        "rows": None,
        "grade": "L1",
        "purpose": "",
    }
    spooled: list[str] = []
    with pytest.raises(Unavailable) as refused:
        spooled.extend(small.record_read(STEWARD, **asked) for _ in range(100))
    assert refused.value.reason == "evidence_unavailable"
    assert spooled
    with pytest.raises(Unavailable):
        bare.record_read(STEWARD, **asked)
    with log.db.begin() as tx:
        tx.execute(text("ALTER TABLE elsewhere RENAME TO evidence_record"))
    log.evidence.flush()
    assert log.evidence.spool_bytes == 0
    assert [log.evidence.find(one) is not None for one in receipts] == [True, True]
    leftover = tmp_path / "small" / "spool.ndjson"
    twice = leftover.read_bytes()
    small.close()  # which writes what waits
    leftover.write_bytes(twice + b'{"cut": ')  # killed after the commit, and in the middle of a line
    again = Evidence(log.db, log.clock, tmp_path / "small", spool_bytes=2000)
    again.close()
    bare.close()
    assert log.evidence.check().records == len(receipts) + len(spooled)
    found = log.evidence.find(receipts[0])
    assert found is not None
    assert (found.columns, found.purpose, found.actor_name) == (("姓名", "年龄"), "核对", "王丽")


def test_a_flood_of_noted_decisions_is_bounded_and_the_loss_is_recorded(log: Log, tmp_path: Path) -> None:
    flood, room = 11_000, 4000
    small = Evidence(log.db, log.clock, tmp_path / "small", spool_bytes=room)
    with _stalled(log):
        for _ in range(flood):
            small.note(STEWARD, "access.denied", target="x", decision="deny")
    small.flush()
    small.flush()
    small.close()
    report = log.evidence.check()
    lost = log.evidence.page(EvidenceQuery(action="evidence.lost")).records
    # The writer's own thread may have taken a group and told of a first loss before the flood was over.
    missing = sum(record.rows or 0 for record in lost)
    assert report.ok
    assert lost
    assert report.records - len(lost) + missing == flood
    assert flood - DEFERRED_LIMIT - GROUP - room // 200 <= missing <= flood - DEFERRED_LIMIT


@contextmanager
def _stalled(log: Log) -> Iterator[None]:
    """Hold the head row, so that no other writer gets through."""
    with log.db.begin(counted=False) as tx:
        log.evidence.record(tx, SYSTEM, "stall", target="x")
        yield
        tx.connection.rollback()


def test_a_very_long_target_is_cut_not_refused(log: Log) -> None:
    with log.db.begin() as tx:
        log.evidence.record(tx, STEWARD, "table.write", target="长" * 5000)
    (record,) = log.evidence.page(EvidenceQuery()).records
    assert len(record.target) == 400
    assert log.evidence.check().ok
