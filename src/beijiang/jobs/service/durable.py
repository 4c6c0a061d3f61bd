"""The adapter to dbos: keeps the steps of running jobs, and finds what a dead process left.

Facts that shape it (measured, see the design notes): two processes under one executor id run a job twice, so the embedded
installation holds a lock on its home; steps are at least once; the version is pinned because work of another version is
not recovered; values are JSON, never pickle; no commercial or network part of the library is ever switched on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event

from beijiang.db import HomeLock
from beijiang.kit import BeijiangError, Conflict, new_id
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    from dbos import DBOSConfig
    from sqlalchemy import Engine

    from beijiang.settings import Settings

__all__ = ["DurableEngine", "run_step"]

log = logging.getLogger(__name__)

_QUEUE = "jobs"
_WORKFLOW = "beijiang.job"
_VERSION = "jobs-1"
"""Number of the shape of stored jobs, not of the program: a new program goes on with old jobs."""
_POLL = 0.2
"""Seconds between two looks for waiting jobs: a look costs 5 ms of a processor, whether anybody waits or not."""
_ALIVE = frozenset({"ENQUEUED", "PENDING", "DELAYED"})

_one_at_a_time = threading.Lock()
_running: DurableEngine | None = None


class DurableEngine:
    """The engine of one process: started at most once at a time, because dbos is one per process."""

    def __init__(self, settings: Settings, *, embedded: bool, execute: Callable[[str], None]) -> None:
        self._settings = settings
        self._embedded = embedded
        self._execute = execute
        self._engine: Engine | None = None
        self._held = ExitStack()
        self.executor = "embedded" if embedded else new_id("exec")

    def start(self) -> None:
        """Open the engine's database, begin to take work, and resume what this executor had begun.

        Raises:
            Busy: another process works off the jobs of this home.
            Conflict: another platform in this process already does.

        """
        global _running  # noqa: PLW0603  # dbos itself is one per process; this says who has it
        with _one_at_a_time:
            if _running is not None:
                raise Conflict(
                    "本进程已有作业引擎在运行。", "This process already runs a job engine.", code="jobs_running"
                )
            if self._embedded:
                self._held.enter_context(HomeLock(self._settings.home / "jobs").held("jobs"))
            try:
                self._launch()
            except BaseException:
                self._close()
                raise
            _running = self

    def _launch(self) -> None:
        from dbos import DBOS

        config = self._config()
        self._register_queue(config)
        DBOS(config=config)

        def workflow(job_id: str) -> str:
            self._execute(job_id)
            return job_id

        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(workflow)
        DBOS.listen_queues([_QUEUE])
        DBOS.launch()

    def _register_queue(self, config: DBOSConfig) -> None:
        """Make the queue known before the launch: one that is new after it is not looked at for a second."""
        from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

        url, schema = str(config["system_database_url"]), config.get("dbos_system_schema") or "dbos"
        DBOS.migrate(url, schema=schema)
        client = DBOSClient(
            system_database_url=url,
            system_database_engine=self._engine,
            dbos_system_schema=schema,
            serializer=DBOSPortableJSONSerializer(),
            application_name=config["name"],
        )
        try:
            client.register_queue(
                _QUEUE,
                worker_concurrency=self._settings.workers,
                polling_interval_sec=_POLL,
                on_conflict="always_update",
            )
        finally:
            client.destroy()

    def _config(self) -> DBOSConfig:
        from dbos import DBOSPortableJSONSerializer

        config: DBOSConfig = {
            "name": "beijiang",
            "serializer": DBOSPortableJSONSerializer(),
            "application_version": _VERSION,
            "executor_id": self.executor,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": _POLL,
        }
        if self._embedded:
            path = (self._settings.home / "jobs.db").resolve()
            self._engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
            event.listen(self._engine, "connect", _prepare)
            return {**config, "system_database_url": f"sqlite:///{path}", "system_database_engine": self._engine}
        return {
            **config,
            "system_database_url": self._settings.metadata_url,
            "dbos_system_schema": "beijiang_jobs",
        }

    def enqueue(self, job_id: str) -> None:
        """Hand a job to the engine; again is harmless. A job whose record was lost or closed gets a new one."""
        from dbos import DBOS

        workflow_id, turn = job_id, 0
        while (status := DBOS.get_workflow_status(workflow_id)) is not None:
            if status.status in _ALIVE:
                return
            turn += 1
            workflow_id = f"{job_id}.{turn}"
        DBOS.enqueue_workflow_with_options(
            {"queue_name": _QUEUE, "workflow_name": _WORKFLOW, "workflow_id": workflow_id}, job_id
        )

    def alive(self) -> frozenset[str]:
        """Return the jobs that wait in the engine or are run by it, asked for all at once."""
        from dbos import DBOS

        found = DBOS.list_workflows(status=[*_ALIVE], queue_name=_QUEUE, load_input=False, load_output=False)
        return frozenset(one.workflow_id.partition(".")[0] for one in found)

    def take_over(self, executor: str) -> int:
        """Put the begun jobs of a dead executor back into the queue; return how many."""
        from dbos import DBOS

        found = [w.workflow_id for w in DBOS.list_workflows(status="PENDING", executor_id=executor)]
        for workflow_id in found:
            DBOS.resume_workflow(workflow_id)
        return len(found)

    def stop(self) -> None:
        """Let go of all work. Running work was told to leave; what it had begun is resumed by the next start."""
        global _running  # noqa: PLW0603

        with _one_at_a_time:
            if _running is not self:
                return
            try:
                self._close()
            finally:
                _running = None

    def _close(self) -> None:
        """Leave nothing behind in dbos, which is one per process: what stayed would break the next start."""
        from dbos import DBOS

        with self._held:
            DBOS.destroy(destroy_registry=True)
            if self._engine is not None:
                self._engine.dispose()


def run_step(name: str, work: Callable[[], JsonValue]) -> JsonValue:
    """Do ``work`` as a checkpointed step of the job that runs in this thread.

    An error of the platform is part of the step's result, so that a resumed job sees the same error again in full.
    """
    from dbos import DBOS

    def guarded() -> dict[str, JsonValue]:
        try:
            return {"value": work()}
        except BeijiangError as error:
            failure: dict[str, JsonValue] = {"kind": type(error).__name__, "code": error.reason, "detail": error.detail}
            return {"error": failure | {"zh": error.text.zh, "en": error.text.en}}

    outcome: dict[str, Any] = DBOS.run_step({"name": name}, guarded)
    if "error" in outcome:
        told = outcome["error"]
        kind = next((c for c in _kinds() if c.__name__ == told["kind"]), BeijiangError)
        raise kind(told["zh"], told["en"], code=told["code"], detail=told["detail"])
    value: JsonValue = outcome["value"]
    return value


def _kinds(root: type[BeijiangError] = BeijiangError) -> Iterator[type[BeijiangError]]:
    """Yield every class of error of the platform."""
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")
