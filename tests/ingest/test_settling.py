"""A run whose job ended without a report ends with its job, so that no list has to ask for it again."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from beijiang.build import build
from beijiang.ingest import IngestRequest, RunState
from beijiang.ingest.store import IngestStore
from beijiang.jobs import JobState
from beijiang.jobs.store import JobStore, job
from beijiang.kit import SYSTEM, Wanted
from beijiang.platform import Platform
from beijiang.settings import Settings


def queued(office: Platform, folder: Path, name: str) -> str:
    path = folder / f"{name}.csv"
    path.write_text(f"编号,名称\n1,{name}\n", "utf-8")
    landed = office.ingest.land(SYSTEM, path, path.name, "education")
    return office.ingest.submit(SYSTEM, IngestRequest(org_id="education", files=(landed.sha256,), into=name))


def kept(office: Platform) -> list[tuple[str, RunState]]:
    """Return what the table of runs says by itself of those that did not end."""
    with office.db.read() as connection:
        return [(run.table, run.state) for run in IngestStore(connection).open_runs(None)]


def test_a_run_ends_with_its_job_and_what_a_dead_process_left_at_the_next_start(tmp_path: Path) -> None:
    office = build(Settings.for_tests(tmp_path / "home"))
    office.first_start()  # nobody works: every job waits
    first, second, third = (queued(office, tmp_path, name) for name in ("甲表", "乙表", "丙表"))
    assert len(kept(office)) == 3
    office.ingest.cancel(SYSTEM, first)
    assert [table for table, _ in kept(office)] == ["乙表", "丙表"]
    assert office.ingest.run(SYSTEM, first).state is RunState.CANCELLED
    with office.db.begin() as tx:  # as an older release ended it: the job alone
        job = office.ingest.kept(second).job_id
        error = {"code": "crashed_repeatedly", "zh": "多次中断", "en": "crashed"}
        JobStore(tx.connection).end(job, JobState.FAILED, office.clock.now(), error=error)
    assert [table for table, _ in kept(office)] == ["乙表", "丙表"]
    office.ingest.recover()
    assert [table for table, _ in kept(office)] == ["丙表"]
    found = office.ingest.run(SYSTEM, second)
    assert (found.state, found.error) == (RunState.FAILED, error)
    part = office.ingest.run_part(SYSTEM, Wanted())
    assert {run.id: run.state for run in part.rows} == {
        first: RunState.CANCELLED,
        second: RunState.FAILED,
        third: RunState.QUEUED,
    }
    office.close()


def test_a_run_ends_with_its_job_as_a_worker_ends_it(tmp_path: Path) -> None:
    office = build(Settings.for_tests(tmp_path / "home"))
    office.first_start()
    hopeless, cancelled, good = (queued(office, tmp_path, name) for name in ("甲表", "乙表", "丙表"))
    jobs = {run: office.ingest.kept(run).job_id for run in (hopeless, cancelled, good)}
    with office.db.begin() as tx:
        tx.execute(update(job).where(job.c.id == jobs[hopeless]).values(attempts=200))  # each brought its process down
        JobStore(tx.connection).ask_to_cancel(jobs[cancelled])  # as it begins
    try:
        office.jobs.start_worker()
        for one in jobs.values():
            assert office.jobs.wait(one, timeout=90).ended
        assert kept(office) == [], "without any look at the jobs"
        with office.db.read() as connection:
            runs = {run: IngestStore(connection).run(run) for run in jobs}
        assert {run: found and found.state for run, found in runs.items()} == {
            hopeless: RunState.FAILED,
            cancelled: RunState.CANCELLED,
            good: RunState.COMMITTED,
        }
        failed = runs[hopeless]
        assert failed is not None
        assert failed.error is not None
        assert failed.error["code"] == "crashed_repeatedly"
    finally:
        office.close()
