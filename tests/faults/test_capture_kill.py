"""A run that follows a log is killed at every instant between reading, committing and confirming; nothing is lost or doubled."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

import nursery
from beijiang.build import build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

VICTIM = Path(__file__).with_name("capture_victim.py")
ROWS = 2_000
INSTANTS = [
    "after the log was read",
    "after the changes were landed",
    "before the commit",
    "after the commit",
    "before the run ends",
    "before it is confirmed",
]


OF_ANY_RUN = INSTANTS[2:5]


@pytest.mark.parametrize(
    ("mode", "history", "instants"),
    [(SyncMode.CAPTURE, False, INSTANTS), (SyncMode.CAPTURE, True, INSTANTS), (SyncMode.FULL, True, OF_ANY_RUN)],
)
def test_killed_at_every_instant_the_table_ends_equal(
    tmp_path: Path, logical_url: str, mode: SyncMode, history: bool, instants: list[str]
) -> None:
    source = sa.create_engine(logical_url, poolclass=sa.NullPool)
    with source.begin() as connection:
        connection.execute(sa.text('CREATE TABLE "名册" ("编号" int PRIMARY KEY, "名称" text)'))
        connection.execute(sa.text(f'INSERT INTO "名册" SELECT g, g::text FROM generate_series(1, {ROWS}) g'))
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    folder = str(source.url.query["host"])
    platform.sources.allow(SYSTEM, Target(folder=folder), "套接字")
    given = {"host": folder, "database": source.url.database, "user": source.url.username, "tls": "off"}
    platform.sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=given))
    platform.sources.take(SYSTEM, SyncDraft(source_id="库", feed="名册", table="名册", mode=mode, history=history))
    assert platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册")).error is None
    platform.close()
    for number, instant in enumerate(instants, 1):
        with source.begin() as connection:
            connection.execute(sa.text(f'DELETE FROM "名册" WHERE "编号" = {number}'))
            connection.execute(sa.text(f"""UPDATE "名册" SET "名称" = '{instant}' WHERE "编号" = {number + 100}"""))
            connection.execute(sa.text(f"""INSERT INTO "名册" VALUES ({ROWS + number}, '新')"""))
        done = nursery.run([sys.executable, str(VICTIM), str(tmp_path), instant])
        assert done.returncode == -signal.SIGKILL, instant
    platform = build(Settings.for_tests(tmp_path))
    platform.tables.recover()
    run = platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册"))
    assert run.error is None, run.error
    if mode is SyncMode.FULL:  # that was the killed run, with what it had read by then
        assert platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册")).error is None
    while mode is SyncMode.CAPTURE and (more := platform.captures.catch_up(SYSTEM, "名册")) is not None:
        assert platform.ingest.wait(SYSTEM, more).error is None
    proof = platform.sources.verify(SYSTEM, "名册")
    assert (proof.verdict, proof.body["held"]) == (Verdict.EQUAL, proof.body["source"])
    versions = platform.tables.history(SYSTEM, "名册")
    assert len({v.run_id for v in versions}) == len(versions), "no run commits twice"
    assert sum(v.rows_removed for v in versions) == len(instants), "no change counts twice"
    if history:
        kept = 'SELECT count(*) AS n, count(valid_to) AS closed, count(DISTINCT ("编号", valid_from)) AS d FROM "名册"'
        found = platform.sql.run(SYSTEM, kept).rows.to_pylist()
        every = ROWS + 2 * len(instants)  # one row is new, one is changed: a state more for each
        assert found == [{"n": every, "closed": 2 * len(instants), "d": every}]
    assert platform.evidence.check().ok
    platform.close()
    source.dispose()
