"""What running work holds in its hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from beijiang.jobs.errors import JobCancelled, JobInterrupted
from beijiang.jobs.models import Job, JobProgress
from beijiang.jobs.store import JobStore
from beijiang.kit import Actor, Text
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    import threading

    from beijiang.db import Database

__all__ = ["Admit", "JobRun", "Work"]

_LOOK_EVERY = 0.3
"""Seconds between two looks at the cancel flag, and between two notes of progress."""


class JobRun:
    """One attempt at a job: its steps, its progress, and the question whether to go on."""

    def __init__(self, job: Job, db: Database, stopping: threading.Event) -> None:
        self.id = job.id
        self.actor: Actor = job.actor
        self.attempt = job.attempts
        self._db = db
        self._stopping = stopping
        self._looked = 0.0
        self._noted = 0.0

    def step(self, name: str, work: Callable[[], JsonValue]) -> JsonValue:
        """Do one step and keep its JSON result; after a crash a finished step is not done again, a cut one is.

        Steps are done at least once, so ``work`` is idempotent. The order of steps must not depend on anything but
        the arguments and the results of earlier steps.
        """
        from beijiang.jobs.service.durable import run_step

        self.check_cancelled(now=True)
        return run_step(name, work)

    def progress(self, done: int, total: int | None, note: Text) -> None:
        """Say how far the work is; written down a few times a second at most. Also looks whether to go on."""
        self.check_cancelled()
        now = time.monotonic()
        if now - self._noted < _LOOK_EVERY and (total is None or done < total):
            return
        self._noted = now
        with self._db.begin(counted=False) as tx:
            JobStore(tx.connection).note_progress(self.id, self.attempt, JobProgress(done, total, note))

    def check_cancelled(self, *, now: bool = False) -> None:
        """Leave the work by exception if it was cancelled, if the process is stopping, or if another took over.

        Raises:
            JobCancelled: somebody cancelled the job.
            JobInterrupted: this process must let go of it; it will be resumed.

        """
        if self._stopping.is_set():
            raise JobInterrupted
        moment = time.monotonic()
        if not now and moment - self._looked < _LOOK_EVERY:
            return
        self._looked = moment
        with self._db.read() as connection:
            cancelled, attempt = JobStore(connection).signals(self.id)
        if attempt != self.attempt:
            raise JobInterrupted
        if cancelled:
            raise JobCancelled


Work: TypeAlias = Callable[[JobRun, dict[str, JsonValue]], JsonValue]

Admit: TypeAlias = Callable[[Sequence[str]], Mapping[str, Text]]
"""Asked about queued jobs of a kind, oldest first: which of them have to wait, and why. What it lets go stays let go."""
