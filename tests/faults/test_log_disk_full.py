"""The disk of the evidence is full: who gets rows has a receipt that is found later, and who has none gets none, with a clear word.

The limit is the operating system's own (RLIMIT_FSIZE): a write beyond it takes a part or fails, as on a full disk.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import nursery
from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.kit import FixedClock, SystemClock
from beijiang.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import TABLE, Bureau

VICTIM = Path(__file__).with_name("log_disk_victim.py")
LIMIT = 2_500
"""Less than the database has, so that it takes nothing, and room for two or three records beside it."""


@pytest.mark.threat("TM-18")
def test_no_row_leaves_without_a_record_and_no_record_is_lost(tmp_path: Path) -> None:
    clock = FixedClock(datetime.now(UTC))
    built = build(Settings.for_tests(tmp_path), clock)
    built.first_start()
    Bureau(built, clock)
    built.close()
    done = nursery.run([sys.executable, str(VICTIM), str(tmp_path), TABLE, str(LIMIT)], timeout=500)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    given = [one for one in told if one["status"] == 200]
    refused = [one for one in told if one["status"] != 200]
    assert given, done.stderr[-3000:]
    assert refused
    assert {(one["status"], one["code"], one["rows"]) for one in refused} == {(503, "evidence_unavailable", 0)}

    platform = build(Settings.for_tests(tmp_path), SystemClock())
    platform.evidence.flush()
    assert all(platform.evidence.find(one["receipt"]) is not None for one in given)
    assert platform.evidence.spool_bytes == 0
    assert platform.evidence.page(EvidenceQuery(action="evidence.unreadable")).records == ()
    report = platform.evidence.check()
    assert report.ok, report.problems
    platform.close()
