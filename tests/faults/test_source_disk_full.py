"""A disk that fills up while a source is read: a clear stop, nothing lost, and the next run brings everything.

The limit is the operating system's own (RLIMIT_FSIZE): a write beyond it fails as one on a full disk does.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

import nursery
from beijiang.build import build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

VICTIM = Path(__file__).with_name("source_disk_victim.py")
ROWS = 20_000
FIRST = 100


def attempt(home: Path, place: str) -> dict[str, Any]:
    command = [sys.executable, str(VICTIM), str(home), place]
    done = nursery.run(command, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("place", "code"), [("fetch", "disk_full"), ("stage", "disk_full"), ("commit", "commit_failed")]
)
def test_full_while_a_source_is_read(tmp_path: Path, place: str, code: str) -> None:
    file = tmp_path / "来源.db"
    dice = random.Random(5)  # noqa: S311  # filling that hardly compresses, not a secret
    source = sqlite3.connect(file)
    source.execute('CREATE TABLE "名册" ("编号" INTEGER PRIMARY KEY, "内容" TEXT NOT NULL)')
    rows = [(n, f"{dice.getrandbits(400):x}") for n in range(ROWS)]
    source.executemany('INSERT INTO "名册" VALUES (?, ?)', rows[:FIRST])
    source.commit()
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    platform.sources.allow(SYSTEM, Target(folder=str(tmp_path)), "测试")
    options = {"path": str(file)}
    platform.sources.add(SYSTEM, SourceDraft(name="库", kind="sqlite", org_id="education", options=options))
    draft = SyncDraft(source_id="库", feed="名册", table="名册", mode=SyncMode.INCREMENTAL, cursor="编号", deletes=True)
    platform.sources.take(SYSTEM, draft)
    assert platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册")).error is None
    platform.close()
    source.executemany('INSERT INTO "名册" VALUES (?, ?)', rows[FIRST:])
    source.execute('DELETE FROM "名册" WHERE "编号" < 10')
    source.commit()
    source.close()

    found = attempt(tmp_path, place)
    assert (found["state"], found["error"]["code"]) == ("failed", code)
    assert "磁盘" in found["error"]["zh"]
    assert "disk" in found["error"]["en"]
    assert (found["rows"], found["staging"], found["evidence"]) == (FIRST, [], True)
    again = attempt(tmp_path, "nowhere")
    assert (again["error"], again["rows"], again["staging"]) == (None, ROWS - 10, [])
    platform = build(Settings.for_tests(tmp_path))
    assert platform.sources.certificates(SYSTEM, "名册")[0].verdict is Verdict.EQUAL
    assert platform.sources.verify(SYSTEM, "名册").verdict is Verdict.EQUAL
    assert len({v.run_id for v in platform.tables.history(SYSTEM, "名册")}) == 2
    platform.close()
