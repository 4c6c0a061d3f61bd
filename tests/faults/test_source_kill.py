"""SIGKILL at instants of a run from a source, spread over everything that it makes durable: the table ends equal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from beijiang.build import build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

VICTIM = Path(__file__).with_name("source_victim.py")
KILLS = 37
"""With those of logs, arriving files and streams, more than fifty instants of a run from a source."""
STRIDE = 29
STEPS = [
    *(f"rename {s}" for s in ("fetch", "read", "stage", "settle", "certify")),
    "before the version",
    "after the version",
]
ROWS = 2_000
TABLE = """CREATE TABLE "名册" AS SELECT g AS "编号", '名称' || g AS "名称", timestamptz '2026-01-01' + g * interval '1 s' AS "更新"
  FROM generate_series(1, 2000) g"""

Ask = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Have a run begin, killed at one of its instants; return the exit status and the name of the instant."""
    process = subprocess.Popen([sys.executable, str(VICTIM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"

    def killed(home: Path, count: int = 0, name: str = "-") -> tuple[int, list[str]]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{home} {count} {name}\n")
        process.stdin.flush()
        status, _, passed = process.stdout.readline().strip().partition(" ")
        return int(status), json.loads(passed)

    yield killed
    process.stdin.close()
    process.wait(timeout=240)
    process.stdout.close()


def planned(passed: list[str]) -> list[tuple[str, int]]:
    """Return every instant that has a name of its own, and of the many commits some from everywhere; early and late ones mixed."""
    named = list(dict.fromkeys((name, passed[: at + 1].count(name)) for at, name in enumerate(passed)))
    steps = [(name, count) for name, count in named if name != "commit"][:KILLS]
    commits = [(name, count) for name, count in named if name == "commit"]
    wanted = KILLS - len(steps)
    steps += [commits[at * len(commits) // wanted] for at in range(min(wanted, len(commits)))]
    return [steps[at * STRIDE % len(steps)] for at in range(len(steps))]


def test_killed_wherever_something_becomes_durable_the_table_ends_equal(
    tmp_path: Path, postgres_url: str, ask: Ask
) -> None:
    source = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with source.begin() as connection:
        connection.execute(sa.text(TABLE))
        connection.execute(sa.text('ALTER TABLE "名册" ADD PRIMARY KEY ("编号")'))
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    folder = str(source.url.query["host"])
    platform.sources.allow(SYSTEM, Target(folder=folder), "套接字")
    given = {"host": folder, "database": source.url.database, "user": source.url.username, "tls": "off"}
    platform.sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=given))
    draft = SyncDraft(source_id="库", feed="名册", table="名册", mode=SyncMode.INCREMENTAL, cursor="更新", deletes=True)
    platform.sources.take(SYSTEM, draft)
    platform.close()

    def change(number: int) -> None:
        with source.begin() as connection:
            words = {"gone": number, "changed": number + 500, "new": ROWS + number}
            connection.execute(sa.text('DELETE FROM "名册" WHERE "编号" = :gone'), words)
            moved = 'UPDATE "名册" SET "名称" = :new, "更新" = \'2027-01-01\' WHERE "编号" = :changed'
            connection.execute(sa.text(moved), words)
            connection.execute(sa.text("INSERT INTO \"名册\" VALUES (:new, '新', '2027-01-01')"), words)

    assert ask(tmp_path)[0] == 0
    change(1)
    status, passed = ask(tmp_path)
    assert status == 0
    plan = planned(passed)
    assert set(STEPS) <= {name for name, _ in plan}
    for number, (name, count) in enumerate(plan):
        change(number + 2)
        status, passed = ask(tmp_path, count, name)
        if (
            status == 0
        ):  # the one before was killed when its run had ended and its job had not: that run was what it got
            assert passed.count(name) < count
            status, _ = ask(tmp_path, count, name)
        assert status == -signal.SIGKILL, (name, count)
    assert ask(tmp_path)[0] == 0
    platform = build(Settings.for_tests(tmp_path))
    proof = platform.sources.verify(SYSTEM, "名册")
    assert (proof.verdict, proof.body["held"]["rows"]) == (Verdict.EQUAL, ROWS)
    history = platform.tables.history(SYSTEM, "名册")
    assert len({v.run_id for v in history}) == len(history), "no run commits twice"
    assert {c.verdict for c in platform.sources.certificates(SYSTEM, "名册", 500)} <= {Verdict.EQUAL, Verdict.EXPLAINED}
    assert all(run.ended for run in platform.ingest.runs(SYSTEM, table="名册", limit=200))
    assert [p.name for p in (tmp_path / "home" / "staging").iterdir()] == []
    assert platform.evidence.check().ok
    platform.close()
    source.dispose()
