"""The verbs of jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from beijiang.jobs.errors import JobCancelled, JobInterrupted
from beijiang.jobs.models import AccessCheck, Job, JobState
from beijiang.jobs.service.durable import DurableEngine
from beijiang.jobs.service.run import Admit, JobRun, Work
from beijiang.jobs.store import JobStore
from beijiang.kit import BeijiangError, Busy, Clock, Invalid, NotFound, Part, Text, Wanted, new_id
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor
    from beijiang.settings import Settings

__all__ = ["Jobs"]

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.5
"""Seconds between two looks for jobs that other processes submitted."""
_PAUSE = 0.2
"""Seconds between two looks whether a job has ended that somebody waits for."""
_BEAT_EVERY = 10.0
_DEAD_AFTER = timedelta(seconds=60)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ANSWER = Text("等待：暂时无法得知何时轮到", "waiting: whose turn it is cannot be told right now")
_FOR_A_WORKER = Text("等待空闲的工作线程", "waiting for a free worker")
_MOST_ATTEMPTS = 200
"""A job that was begun this often and never ended brings its process down each time."""


class Jobs:
    """Work that outlives the process: submit it, watch it, cancel it; after a crash it goes on at the cut step."""

    def __init__(self, db: Database, settings: Settings, clock: Clock, evidence: Evidence, access: AccessCheck) -> None:
        self.db = db
        self.clock = clock
        self.evidence = evidence
        self.access = access
        self._works: dict[str, Work] = {}
        self._admits: dict[str, Admit] = {}
        self._told: dict[str, Text] = {}
        self.at_end: list[Callable[[UnitOfWork, Job], None]] = []
        """Who is told of a job that ends, in the transaction that ends it; set in build.py."""
        self._engine = DurableEngine(settings, embedded=db.is_sqlite, execute=self._execute)
        self._stopping = threading.Event()
        self._nudge = threading.Event()
        self._worker: threading.Thread | None = None
        self._active = 0
        self._idle = threading.Condition()

    def register(self, name: str, work: Work, admit: Admit | None = None) -> None:
        """Say what a job of this name does, and whom to ask whether it may begin; called by build.py only."""
        if name in self._works:
            msg = f"two kinds of work are named {name}"
            raise ValueError(msg)
        self._works[name] = work
        if admit is not None:
            self._admits[name] = admit

    def submit(
        self,
        actor: Actor,
        name: str,
        arguments: dict[str, JsonValue],
        *,
        key: str | None = None,
        org_id: str | None = None,
        tx: UnitOfWork | None = None,
    ) -> str:
        """Queue a job and return its id; an unfinished job with the same ``key`` is returned instead of a second one.

        With ``tx`` the job is queued in the caller's transaction: both happen or neither does.
        """
        self.access.require(actor, "jobs:job:submit", org_id)
        if name not in self._works:
            raise NotFound(f"没有名为“{name}”的作业。", f'There is no work called "{name}".', code="unknown_work")
        if tx is not None:
            return self._submit(tx, actor, name, arguments, key, org_id)
        with self.db.begin(counted=False) as own:
            job_id = self._submit(own, actor, name, arguments, key, org_id)
        self._nudge.set()
        return job_id

    def still_open(self, job_ids: Sequence[str]) -> frozenset[str]:
        """Return those of some jobs that have not ended."""
        with self.db.read() as connection:
            return frozenset(JobStore(connection).still_open(job_ids)) if job_ids else frozenset()

    def nudge(self) -> None:
        """Have new jobs looked for at once; for callers that submitted in a transaction of their own."""
        self._nudge.set()

    def _submit(
        self,
        tx: UnitOfWork,
        actor: Actor,
        name: str,
        arguments: dict[str, JsonValue],
        key: str | None,
        org_id: str | None,
    ) -> str:
        store, job_id, at = JobStore(tx.connection), new_id("job"), self.clock.now()
        known = store.open_by_key(key) if key else None
        while known is None and not store.add(
            job_id, name, actor=actor, org_id=org_id, arguments=arguments, key=key, at=at
        ):  # somebody queued one between look and insert
            known = store.open_by_key(key or "")
        if known is not None:
            return known
        self.evidence.record(tx, actor, "jobs.submit", target=job_id, detail={"name": name})
        return job_id

    def job(self, actor: Actor, job_id: str) -> Job:
        """Return one job.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        return self._seen(actor, job_id)

    def jobs(
        self,
        actor: Actor,
        *,
        org_id: str | None = None,
        state: JobState | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Job]:
        """Return the jobs of an organisation (default: the actor's own; the platform sees all), newest first."""
        wanted = org_id or actor.org_id
        self.access.require(actor, "jobs:job:read", wanted)
        with self.db.read() as connection:
            return JobStore(connection).list(org_id=wanted, state=state, limit=limit, before=before)

    def job_part(self, actor: Actor, wanted: Wanted) -> Part[Job]:
        """Return a part of the jobs that ``jobs`` lists, narrowed, counted and sorted."""
        self.access.require(actor, "jobs:job:read", actor.org_id)
        with self.db.read() as connection:
            return JobStore(connection).part(wanted, actor.org_id, self.clock.now())

    def several(self, actor: Actor, job_ids: Sequence[str]) -> Sequence[Job]:
        """Return those of some jobs that there are; for whoever may read the jobs of every department."""
        self.access.require(actor, "jobs:job:read")
        if not job_ids:
            return ()
        with self.db.read() as connection:
            return JobStore(connection).several(job_ids)

    def pulse(self) -> str:
        """Return a word that changes when any job is submitted, begins, moves on or ends; cheap enough to ask each second."""
        with self.db.read() as connection:
            return JobStore(connection).pulse()

    def cancel(self, actor: Actor, job_id: str) -> Job:
        """Ask a job to stop; a waiting one ends at once, a running one at its next look. Ended ones stay as they are."""
        found = self._seen(actor, job_id)
        self.access.require(actor, "jobs:job:cancel", found.org_id)
        with self.db.begin(counted=False) as tx:
            store = JobStore(tx.connection)
            current = store.get(job_id)
            if current is not None and not current.ended:
                store.ask_to_cancel(job_id)
                if current.state is JobState.QUEUED:
                    store.end(job_id, JobState.CANCELLED, self.clock.now())
                    self._say_ended(tx, job_id)
                self.evidence.record(tx, actor, "jobs.cancel", target=job_id, detail={"state": current.state.value})
        return self._get(job_id)

    def start_worker(self) -> None:
        """Begin to work off jobs in this process, first those that a dead process left. Again is a no-op.

        Raises:
            Busy: another process works off the jobs of this home.

        """
        if self._worker is not None:
            return
        self._stopping.clear()
        self._engine.start()
        self._reconcile()
        self._worker = threading.Thread(target=self._look_after, name="beijiang-jobs", daemon=True)
        self._worker.start()

    def stop(self, patience: float = 30.0) -> None:
        """Tell running work to leave, wait for it up to ``patience`` seconds, and stop. Nothing is lost."""
        if self._worker is None:
            return
        self._stopping.set()
        self._nudge.set()
        self._worker.join()
        self._worker = None
        with self._idle:
            self._idle.wait_for(lambda: self._active == 0, timeout=patience)
        self._engine.stop()
        with self.db.begin(
            counted=False
        ) as tx:  # silent from now on: the next process to look takes over what was begun
            JobStore(tx.connection).beat(self._engine.executor, _LONG_AGO)

    def wait(
        self, job_id: str, *, on_progress: Callable[[Job], None] | None = None, timeout: float | None = None
    ) -> Job:
        """Wait until a job has ended, telling how far it is; return it as it then stands, also when the time is up.

        Where nobody is told how far it is, a long wait asks less often, and may last a fiftieth longer, a second at most.
        """
        began, pause, longest = time.monotonic(), 0.02, _PAUSE
        deadline = None if timeout is None else began + timeout
        while True:
            found = self._get(job_id)
            if on_progress is not None:
                on_progress(found)
            if found.ended or (deadline is not None and time.monotonic() >= deadline):
                return found
            time.sleep(pause)
            if on_progress is None:
                longest = min(max(_PAUSE, (time.monotonic() - began) / 50), 1.0)
            pause = min(pause * 1.5, longest)

    def run_inline(self, job_id: str, on_progress: Callable[[Job], None] | None = None) -> Job:
        """Work off jobs in this process until ``job_id`` has ended (for the terminal), and return it.

        Where another process serves this home, that one does the work and this one waits.
        """
        mine = self._worker is None
        try:
            self.start_worker()
        except Busy:
            return self.wait(job_id, on_progress=on_progress)  # the process that serves this home works it off
        self._nudge.set()
        try:
            return self.wait(job_id, on_progress=on_progress)
        finally:
            if mine:
                self.stop()

    def _get(self, job_id: str) -> Job:
        with self.db.read() as connection:
            found = JobStore(connection).get(job_id)
        if found is None:
            raise _no_such_job(job_id)
        return found

    def _seen(self, actor: Actor, job_id: str) -> Job:
        with self.db.read() as connection:
            found = JobStore(connection).get(job_id)
        if found is None or not self.access.allows(actor, "jobs:job:read", found.org_id):
            self.access.require(actor, "jobs:job:read")
            raise _no_such_job(job_id)
        return found

    def _reconcile(self) -> None:
        """Hand to the engine again every unfinished job whose record there was lost (power cut) or closed.

        It is closed where the beginning or the end of an attempt could not be written, as while the database is busy.
        """
        with self.db.read() as connection:
            unfinished = JobStore(connection).unfinished()
        alive = self._engine.alive() if unfinished else frozenset()
        for job_id in unfinished:
            if self._stopping.is_set():
                return
            if job_id not in alive:
                self._engine.enqueue(job_id)

    def _look_after(self) -> None:
        """Hand new jobs to the engine, say that this process lives, and take over the work of dead ones."""
        beaten = float("-inf")
        while not self._stopping.is_set():
            try:
                if time.monotonic() - beaten >= _BEAT_EVERY:
                    self._beat()
                    self._reconcile()
                    beaten = time.monotonic()
                self._dispatch()
            except Exception:  # the caretaker outlives a failing database and tries again
                log.exception("looking after jobs failed; it will be tried again")
            self._nudge.wait(_LOOK_EVERY)
            self._nudge.clear()

    def _dispatch(self) -> None:
        """Hand new jobs to the engine, until it is time to say again that this process lives; the rest at the next look."""
        until = time.monotonic() + _BEAT_EVERY
        with self.db.read() as connection:
            waiting = JobStore(connection).waiting()
        held = self._held(waiting)
        for job_id, _ in waiting:
            if self._stopping.is_set():
                return
            if job_id in held:
                self._tell(job_id, held[job_id])
            else:
                self._hand_over(job_id)
            if time.monotonic() >= until:
                return

    def _hand_over(self, job_id: str) -> None:
        self._told.pop(job_id, None)
        with self.db.begin(counted=False) as tx:
            JobStore(tx.connection).note_waiting(job_id, _FOR_A_WORKER)
        self._engine.enqueue(job_id)
        with self.db.begin(counted=False) as tx:
            JobStore(tx.connection).mark_dispatched(job_id, self.clock.now())

    def _held(self, waiting: Sequence[tuple[str, str]]) -> dict[str, Text]:
        """Ask about jobs of the kinds that wait for their turn."""
        held: dict[str, Text] = {}
        for kind, admit in self._admits.items():
            asked = [job_id for job_id, name in waiting if name == kind]
            if not asked:
                continue
            try:
                held.update(admit(asked))
            except Exception:  # jobs of other kinds must not wait for it
                log.exception("asking for the turn of %s failed; it will be tried again", kind)
                held.update(dict.fromkeys(asked, _NO_ANSWER))
        return held

    def _tell(self, job_id: str, why: Text) -> None:
        """Write down why a job waits, once for each reason."""
        if self._told.get(job_id) == why:
            return
        with self.db.begin(counted=False) as tx:
            JobStore(tx.connection).note_waiting(job_id, why)
        self._told[job_id] = why

    def _beat(self) -> None:
        now = self.clock.now()
        with self.db.begin(counted=False) as tx:
            store = JobStore(tx.connection)
            store.beat(self._engine.executor, now)
            dead = [e for e in store.silent_since(now - _DEAD_AFTER) if e != self._engine.executor]
        for executor in dead:
            taken = self._engine.take_over(executor)
            if taken:
                log.warning("executor %s is silent; %s of its jobs were queued again", executor, taken)
            with self.db.begin(counted=False) as tx:
                JobStore(tx.connection).forget_executor(executor)

    def _execute(self, job_id: str) -> None:
        """Run one job in a thread of the engine; called again for it after a crash."""
        with self._idle:
            self._active += 1
        try:
            self._attempt(job_id)
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()

    def _attempt(self, job_id: str) -> None:
        if self._stopping.is_set():
            raise JobInterrupted
        with self.db.begin(counted=False) as tx:
            begun = JobStore(tx.connection).begin(job_id, self._engine.executor, self.clock.now())
        if begun is None:
            return
        run = JobRun(begun, self.db, self._stopping)
        if begun.attempts > _MOST_ATTEMPTS:
            self._end(begun, JobState.FAILED, error=_error(_hopeless(begun)))
            return
        try:
            result = self._works[begun.name](run, begun.arguments)
        except JobCancelled:
            self._end(begun, JobState.CANCELLED)
        except BeijiangError as error:
            self._end(begun, JobState.FAILED, error=_error(error))
        except Exception as error:  # whatever the work ran into, the job must end and say so
            log.exception("job %s (%s) failed", begun.id, begun.name)
            self._end(begun, JobState.FAILED, error=_error(_unexpected(error)))
        else:
            self._end(begun, JobState.DONE, result=result)

    def _end(
        self, job: Job, state: JobState, *, result: JsonValue = None, error: dict[str, JsonValue] | None = None
    ) -> None:
        with self.db.begin(counted=False) as tx:
            if JobStore(tx.connection).end(job.id, state, self.clock.now(), result=result, error=error):
                detail: dict[str, JsonValue] = {"name": job.name, "state": state.value, "attempts": job.attempts}
                if error is not None:
                    detail["code"] = error["code"]
                self.evidence.record(tx, job.actor, "jobs.end", target=job.id, detail=detail)
                self._say_ended(tx, job.id)

    def _say_ended(self, tx: UnitOfWork, job_id: str) -> None:
        ended = JobStore(tx.connection).get(job_id)
        for one in self.at_end:
            if ended is not None:
                one(tx, ended)


def _no_such_job(job_id: str) -> NotFound:
    return NotFound(f"没有作业“{job_id[:60]}”。", f'There is no job "{job_id[:60]}".')


def _error(error: BeijiangError) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"code": error.reason, "zh": error.text.zh, "en": error.text.en}
    return told | {"detail": error.detail, "transient": error.transient}


def _unexpected(error: Exception) -> BeijiangError:
    kind = type(error).__name__
    return BeijiangError(
        f"作业因内部错误（{kind}）中止，没有写入任何数据。详情见运行日志；请重试，仍失败请联系管理员。",
        f"The job stopped on an internal error ({kind}); nothing was written. The log has the details: try again, then ask the operator.",
    )


def _hopeless(job: Job) -> Invalid:
    return Invalid(
        f"作业已尝试 {job.attempts} 次，每次都未能结束，不再重试。",
        f"The job was begun {job.attempts} times and never ended; it is not tried again.",
        code="crashed_repeatedly",
        detail={"attempts": job.attempts},
    )
