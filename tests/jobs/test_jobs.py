"""Jobs: done once, resumed after a crash, cancelled on request, on both databases."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from beijiang.access import Access
from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.jobs import JobRun, Jobs, JobState
from beijiang.jobs.store import JobStore
from beijiang.kit import ANONYMOUS, SYSTEM, Busy, Conflict, Invalid, NotFound, SystemClock, Text, Unauthenticated
from beijiang.settings import Settings
from nursery import run
from waiting import until


@dataclass
class Shop:
    settings: Settings
    db: Database
    evidence: Evidence
    access: Access
    jobs: Jobs

    def another(self) -> Jobs:
        return Jobs(self.db, self.settings, SystemClock(), self.evidence, self.access)

    def close(self) -> None:
        self.jobs.stop()
        self.evidence.close()
        self.db.close()


def open_shop(folder: Path, **changes: Any) -> Shop:
    settings = Settings.for_tests(folder, **changes)
    settings.home.mkdir(parents=True, exist_ok=True)
    db, clock = Database(settings.metadata_url), SystemClock()
    db.create_all()
    evidence = Evidence(db, clock, settings.home / "evidence")
    access = Access(db, evidence, clock, settings)
    return Shop(settings, db, evidence, access, Jobs(db, settings, clock, evidence, access))


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    changes = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgres_url")}
    opened = open_shop(tmp_path, **changes)
    yield opened
    opened.close()


def test_a_job_is_done_and_leaves_its_result_and_its_record(shop: Shop) -> None:
    def work(run: JobRun, arguments: dict[str, Any]) -> Any:
        first = run.step("first", lambda: {"甲": arguments["数"]})
        run.progress(1, 2, Text("走一半", "half-way"))
        return run.step("second", lambda: [first, run.actor.name])

    shop.jobs.register("w", work)
    job_id = shop.jobs.submit(SYSTEM, "w", {"数": 7}, org_id="org_1")
    seen: list[JobState] = []
    job = shop.jobs.run_inline(job_id, lambda j: seen.append(j.state))
    assert (job.state, job.result, job.attempts) == (JobState.DONE, [{"甲": 7}, "平台"], 1)
    assert seen[-1] is JobState.DONE
    assert job.progress.note == Text("走一半", "half-way")
    assert [j.id for j in shop.jobs.jobs(SYSTEM, org_id="org_1")] == [job_id]
    assert shop.jobs.jobs(SYSTEM, org_id="org_2") == []
    assert shop.evidence.check().ok


def test_errors_are_told_in_full_and_surprises_without_detail(shop: Shop) -> None:
    def refuse(run: JobRun, arguments: dict[str, Any]) -> Any:
        def step() -> Any:
            raise Invalid("不行", "no", code="my_code", detail={"x": 1})

        return run.step("s", step)

    def break_down(run: JobRun, arguments: dict[str, Any]) -> Any:
        raise ValueError("secret path /etc/x")

    shop.jobs.register("refuse", refuse)
    shop.jobs.register("break", break_down)
    refused = shop.jobs.run_inline(shop.jobs.submit(SYSTEM, "refuse", {}))
    assert refused.state is JobState.FAILED
    assert refused.error == {"code": "my_code", "zh": "不行", "en": "no", "detail": {"x": 1}, "transient": False}
    broken = shop.jobs.run_inline(shop.jobs.submit(SYSTEM, "break", {}))
    assert broken.state is JobState.FAILED
    assert broken.error is not None
    assert broken.error["code"] == "internal"
    assert "/etc/x" not in str(broken.error)


def test_one_key_is_one_unfinished_job(shop: Shop) -> None:
    shop.jobs.register("w", lambda *_: 1)
    first = shop.jobs.submit(SYSTEM, "w", {}, key="k")
    assert shop.jobs.submit(SYSTEM, "w", {}, key="k") == first
    shop.jobs.run_inline(first)
    assert shop.jobs.submit(SYSTEM, "w", {}, key="k") != first


def test_two_that_queue_the_same_at_one_moment_get_one_job(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.jobs.register("w", lambda *_: 1)
    first = shop.jobs.submit(SYSTEM, "w", {}, key="k")
    look, looks = JobStore.open_by_key, []

    def early(store: JobStore, key: str) -> str | None:
        """Look as who did so before the other had queued his."""
        looks.append(key)
        return look(store, key) if len(looks) > 1 else None

    monkeypatch.setattr(JobStore, "open_by_key", early)
    assert shop.jobs.submit(SYSTEM, "w", {}, key="k") == first
    assert looks == ["k", "k"]


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_look(shop: Shop) -> None:
    begun = threading.Event()

    def work(run: JobRun, arguments: dict[str, Any]) -> Any:
        begun.set()
        while True:
            run.progress(0, None, Text("转", "turning"))
            time.sleep(0.01)

    shop.jobs.register("w", work)
    waiting = shop.jobs.submit(SYSTEM, "w", {})
    assert shop.jobs.cancel(SYSTEM, waiting).state is JobState.CANCELLED
    running = shop.jobs.submit(SYSTEM, "w", {})
    shop.jobs.start_worker()
    assert begun.wait(90)
    shop.jobs.cancel(SYSTEM, running)
    assert shop.jobs.wait(running, timeout=90).state is JobState.CANCELLED
    assert shop.jobs.wait(waiting, timeout=90).started_at is None
    assert shop.jobs.cancel(SYSTEM, running).state is JobState.CANCELLED


def test_stopping_interrupts_and_the_next_start_resumes(shop: Shop) -> None:
    done: list[str] = []
    go = threading.Event()

    def work(run: JobRun, arguments: dict[str, Any]) -> Any:
        run.step("first", lambda: done.append("first"))
        while not go.is_set():
            run.check_cancelled(now=True)
            time.sleep(0.01)
        run.step("second", lambda: done.append("second"))
        return run.attempt

    shop.jobs.register("w", work)
    job_id = shop.jobs.submit(SYSTEM, "w", {})
    shop.jobs.start_worker()
    until(lambda: done == ["first"])
    shop.jobs.stop()
    assert shop.jobs.job(SYSTEM, job_id).state is JobState.RUNNING
    go.set()
    later = shop.another()
    later.register("w", work)
    job = later.run_inline(job_id)
    assert (job.state, job.result) == (JobState.DONE, 2)
    assert done == ["first", "second"], "a finished step is not done again"


def test_one_engine_in_one_process_and_one_process_on_one_home(shop: Shop) -> None:
    shop.jobs.start_worker()
    shop.jobs.start_worker()
    with pytest.raises(Conflict):
        shop.another().start_worker()
    if shop.db.is_sqlite:
        code = (
            "import sys; from pathlib import Path; from beijiang.db import HomeLock\n"
            "with HomeLock(Path(sys.argv[1]) / 'jobs').held('second'): pass"
        )
        command = [sys.executable, "-c", code, str(shop.settings.home)]
        second = run(command)
        assert second.returncode == 1
        assert Busy.__name__ in second.stderr
        assert str(os.getpid()) in second.stderr


def test_strangers_neither_see_nor_submit_nor_cancel(shop: Shop) -> None:
    shop.jobs.register("w", lambda *_: 1)
    job_id = shop.jobs.submit(SYSTEM, "w", {})
    for question in (
        lambda: shop.jobs.submit(ANONYMOUS, "w", {}),
        lambda: shop.jobs.job(ANONYMOUS, job_id),
        lambda: shop.jobs.jobs(ANONYMOUS),
        lambda: shop.jobs.cancel(ANONYMOUS, job_id),
    ):
        with pytest.raises(Unauthenticated):
            question()
    with pytest.raises(NotFound):
        shop.jobs.submit(SYSTEM, "nobody knows", {})
    with pytest.raises(NotFound):
        shop.jobs.job(SYSTEM, "job_none")


VICTIM = """
import importlib.util, os, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("shop", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["shop"] = module
spec.loader.exec_module(module)
folder = Path(sys.argv[2])
changes = {"database_url": sys.argv[3]} if len(sys.argv) > 3 else {}
shop = module.open_shop(folder, **changes)

def work(run, arguments):
    for number in range(4):
        def step(number=number):
            with (folder / "steps").open("a") as file:
                file.write(f"{number}\\n")
            if number == 2 and run.attempt == 1:
                os.kill(os.getpid(), 9)
            return number
        run.step(f"s{number}", step)
    return run.attempt

shop.jobs.register("w", work)
job = shop.jobs.run_inline(shop.jobs.submit(module.SYSTEM, "w", {}, key="same"))
print(job.state.value, job.result)
shop.close()
"""


def test_sigkill_in_a_step_repeats_that_step_only(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", VICTIM, __file__, str(tmp_path)]
    first = run(command)
    assert first.returncode == -signal.SIGKILL
    second = run(command)
    assert second.stdout.split() == ["done", "2"], second.stderr
    assert (tmp_path / "steps").read_text().split() == ["0", "1", "2", "2", "3"]


def test_the_work_of_a_dead_process_is_taken_over(tmp_path: Path, postgres_url: str) -> None:
    """On PostgreSQL every process has its own name; a silent one's jobs go back into the queue."""
    from datetime import timedelta

    from sqlalchemy import update

    from beijiang.jobs.store import job_executor

    command = [sys.executable, "-c", VICTIM, __file__, str(tmp_path), postgres_url]
    assert run(command).returncode == -signal.SIGKILL
    shop = open_shop(tmp_path, database_url=postgres_url)
    with shop.db.begin() as tx:
        long_ago = SystemClock().now() - timedelta(minutes=5)
        assert tx.execute(update(job_executor).values(heartbeat_at=long_ago)).rowcount == 1
    done: list[int] = []

    def work(run: JobRun, arguments: dict[str, Any]) -> Any:
        for number in range(4):
            run.step(f"s{number}", lambda number=number: done.append(number))  # type: ignore[misc]
        return run.attempt

    shop.jobs.register("w", work)
    try:
        job = shop.jobs.run_inline(shop.jobs.jobs(SYSTEM)[0].id)
        assert (job.state, job.result) == (JobState.DONE, 2)
        assert done == [2, 3], "steps that the dead process finished are not done again"
    finally:
        shop.close()


def test_a_done_job_is_done_to_the_last_percent(shop: Shop) -> None:
    def work(run: JobRun, _arguments: Any) -> None:
        run.progress(1, 2, Text("一半", "half"))

    shop.jobs.register("half", work)
    job = shop.jobs.run_inline(shop.jobs.submit(SYSTEM, "half", {}))
    assert (job.state, job.progress.share, job.share) == (JobState.DONE, 0.5, 1.0)


def test_jobs_that_wait_cost_the_caretaker_nothing(tmp_path: Path) -> None:
    """Its beat tells that this process lives: were it to ask for each waiting job, others would take over its work."""
    shop = open_shop(tmp_path)
    go, asked = threading.Event(), list[str]()
    shop.jobs.register("w", lambda _run, _arguments: go.wait(90) and None)

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            asked.append(statement)

    def reconciled(jobs: int) -> int:
        for _ in range(jobs):
            shop.jobs.submit(SYSTEM, "w", {})
        until(lambda: not waiting(shop))
        asked.clear()
        shop.jobs._reconcile()
        return len(asked)

    try:
        shop.jobs.start_worker()
        event.listen(shop.jobs._engine._engine, "before_cursor_execute", count)
        assert reconciled(3) == reconciled(30) > 0
    finally:
        go.set()
        shop.close()


def waiting(shop: Shop) -> int:
    """Return how many jobs no engine was told of."""
    with shop.db.read() as connection:
        return len(JobStore(connection).waiting())


def test_handing_over_many_jobs_leaves_off_for_the_beat_and_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beijiang.jobs.service.jobs._BEAT_EVERY", 0.0)
    shop = open_shop(tmp_path)
    shop.jobs.register("w", lambda _run, _arguments: None)
    for _ in range(3):
        shop.jobs.submit(SYSTEM, "w", {})
    try:
        shop.jobs._engine.start()
        shop.jobs._dispatch()
        assert waiting(shop) == 2, "it is time for the beat"
        shop.jobs._stopping.set()
        shop.jobs._dispatch()
        assert waiting(shop) == 2, "it is time to stop"
    finally:
        shop.jobs._engine.stop()
        shop.close()


def test_a_job_whose_end_could_not_be_written_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another holds the database for too long, neither result nor error can be kept: the job must not run for ever."""
    monkeypatch.setattr("beijiang.jobs.service.jobs._BEAT_EVERY", 0.5)
    begun, go, left = threading.Event(), threading.Event(), threading.Event()

    def work(run: JobRun, _arguments: Any) -> Any:
        begun.set()
        assert go.wait(90)
        left.set()
        return run.attempt

    shop = open_shop(tmp_path)
    try:
        shop.jobs.register("w", work)
        job_id = shop.jobs.submit(SYSTEM, "w", {})
        shop.jobs.start_worker()
        assert begun.wait(90)
        with shop.db.begin(), monkeypatch.context() as patience:
            patience.setattr("beijiang.db.database.WAIT_SECONDS", 0.2)
            go.set()
            assert left.wait(90)
            until(lambda: shop.jobs._active == 0)
        job = shop.jobs.wait(job_id, timeout=90)
        assert (job.state, job.result) == (JobState.DONE, job.attempts)
        assert job.attempts > 1
    finally:
        shop.close()
