"""The work plan as lake tables: catalogued, graded and shown by applications like any other data, never older than a day."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.assess.models import PLAN_TABLES, PLAN_TABLES_JOB, PlanTableSet, met
from beijiang.assess.service.base import Base
from beijiang.assess.store import PlanTableStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, NotFound, Text, new_id
from beijiang.tables import CommitRequest, TableWriter, WriteMode, WriterKind

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.assess.models import Lit
    from beijiang.assess.service.figuring import Figures
    from beijiang.assess.service.planning import WorkPlan
    from beijiang.db import UnitOfWork
    from beijiang.jobs import JobRun, Jobs
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["PlanTables"]

log = logging.getLogger(__name__)

_Row = Mapping[str, Any]
_KEYS: Final = {
    "督办任务": ("任务编号", "责任部门", "职责"),
    "督办进展": ("记录编号",),
    "督办指标": ("指标代码", "期间"),
}
_AGAIN_AFTER: Final = timedelta(hours=1)
"""So long rests what could not be written."""
_TRIES: Final = 3
"""So often is looked again where another wrote a table meanwhile, maybe newer rows."""
_PATIENCE: Final = 10.0
"""So many seconds waits who orders the writing where the worker does it; it goes on without him."""


class PlanTables(Base):
    """Keep tables of the work plan up to date: soon after changes, and daily, as working days go by and lights move.

    Whoever changes the plan marks them as stale in the same transaction and waits for nothing; once a minute one job
    writes what has changed by then, however often. Nothing but that job writes them, one at a time for a department. Jobs
    may be begun twice after a process fell silent: what the tables hold is noted only by who found nobody in between.
    """

    def __init__(self, plan: WorkPlan, figures: Figures, tables: Tables, jobs: Jobs, staging: Path) -> None:
        super().__init__(plan.db, plan.access, plan.evidence, plan.standards, plan.clock, plan.zone)
        self._plan = plan
        self._figures = figures
        self._tables = tables
        self._jobs = jobs
        self._alerts = plan.alerts
        self._staging = staging

    def sets(self, actor: Actor) -> Sequence[PlanTableSet]:
        """Return which departments have the plan written into tables, and when that was last done."""
        self.access.require(actor, Permission.ASSESS_PLAN_READ)
        return self._all()

    def record_into(self, actor: Actor, *, here: bool = False) -> PlanTableSet:
        """Have the plan written into tables of the actor's department (``PLAN_TABLES``), now and whenever it changes.

        They hold what the actor may read of the plan and its indicators; names of persons are not in them. With ``here``
        they are written when this returns, by this process where no other works off jobs (the terminal); without it that
        is waited for a few seconds, and what is returned is stale if it took longer.

        Raises:
            Denied: the actor may not write tables of the department, or submit jobs.
            Conflict: one of the names is taken (``table_exists``), or they could not be written (``plan_tables``).

        """
        org = actor.org_id or ""
        self.access.require(actor, Permission.ASSESS_PLAN_READ)
        self.access.require(actor, Permission.TABLES_TABLE_WRITE, org)
        taken = [name for name in PLAN_TABLES if not self._is_free(actor, org, name)]
        if self._all() or taken:
            named = "、".join(taken or PLAN_TABLES)
            raise Conflict(
                f"数据表 {named} 已存在或已由督办计划写入。请先停止写入，或把原来的表改名。",
                f"The tables {named} are there already, or the plan is written into them. Stop that first, or rename them.",
                code="table_exists",
            )
        now = self.clock.now()
        made = PlanTableSet(org_id=org, owner=actor, by_name=actor.name, set_at=now, moves=1, moved_at=now)
        with self.db.begin() as tx:
            PlanTableStore(tx.connection).add(made)
            job = self._queue(actor, org, tx)
            self.evidence.record(
                tx,
                actor,
                "assess.plan_tables",
                target=f"org:{org}",
                detail={"written": True, "tables": list(PLAN_TABLES)},
            )
        return self._settled(actor, org, job, here=here)

    def take_over(self, actor: Actor, org_id: str, *, here: bool = False) -> PlanTableSet:
        """Answer for the tables from now on, in place of who did, and have them written at once; ``here`` as above.

        Raises:
            Denied: the actor may not write tables of the department, or submit jobs.
            NotFound: the plan is not written into tables of that department.
            Conflict: they could not be written (``plan_tables``).

        """
        self.access.require(actor, Permission.ASSESS_PLAN_READ)
        self.access.require(actor, Permission.TABLES_TABLE_WRITE, org_id)
        before = self._kept(org_id)
        with self.db.begin() as tx:
            if not PlanTableStore(tx.connection).hand_over(org_id, actor, self.clock.now()):
                raise _not_kept()
            detail: dict[str, JsonValue] = {"written": True, "before": before.owner.id, "before_name": before.by_name}
            job = self._queue(actor, org_id, tx)
            self.evidence.record(tx, actor, "assess.plan_tables", target=f"org:{org_id}", detail=detail)
        return self._settled(actor, org_id, job, here=here)

    def stop(self, actor: Actor, org_id: str, reason: str) -> None:
        """Have the plan written no more; the tables stay as they are.

        Raises:
            Denied: the actor may not write tables of the department.
            NotFound: the plan is not written into tables of that department.

        """
        self.access.require(actor, Permission.TABLES_TABLE_WRITE, org_id)
        told = self._words(reason)
        with self.db.begin() as tx:
            if not PlanTableStore(tx.connection).drop(org_id):
                raise _not_kept()
            self.evidence.record(
                tx, actor, "assess.plan_tables", target=f"org:{org_id}", detail={"written": False, "reason": told}
            )
        self._alerts.clear(AlertKind.PLAN_TABLES, org_id)

    def writer_of(self, table: str) -> TableWriter | None:
        """Tell that a table holds the work plan; others ask before they begin to fill it."""
        found = self._all() if table in PLAN_TABLES else ()
        return next((TableWriter(WriterKind.PLAN, one.org_id, table, one.org_id) for one in found), None)

    def watch(self) -> None:
        """Queue the writing of tables that are older than the plan or than today, and tell of those that nobody may write.

        Called every minute; all that changed since the last time is written at once.
        """
        now = self.clock.now()
        for one in self._all():
            rests = (
                one.trouble is not None
                and one.tried_at is not None
                and timedelta() <= now - one.tried_at < _AGAIN_AFTER
            )
            is_of_today = one.written_at is not None and one.written_at.astimezone(self.zone).date() >= self.today
            try:
                actor = self._answerable(one)
                if not rests and (one.stale_since is not None or not is_of_today):
                    self._queue(actor, one.org_id)
            except BeijiangError as error:
                self._failed(one, error)

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Write the tables of one department; registered in build.py as the work of ``PLAN_TABLES_JOB``."""
        del job
        for _ in range(_TRIES):
            kept = self._found(str(arguments["org"]))
            if kept is None:
                return {"gone": True}  # stopped meanwhile
            try:
                return {"written": self._write(kept)}
            except BeijiangError as error:
                if error.reason != "table_moved_on":
                    self._failed(kept, error)
                    raise
        return {"written": False}  # others write them all the time; what is stale still is ordered again

    # Inside

    def _is_free(self, actor: Actor, org: str, name: str) -> bool:
        """Tell whether the plan can be written there: nothing has the name, or the plan was written into it before."""
        if self._tables.writers_of(name):
            return False
        there = self._tables.schema(actor, name)
        return there is None or (self._tables.get(actor, name).org_id == org and {*there.names} == {*PLAN_TABLES[name]})

    def _queue(self, actor: Actor, org_id: str, tx: UnitOfWork | None = None) -> str:
        """Have one department's tables written; a job that waits or writes already is the one returned."""
        key = f"{PLAN_TABLES_JOB}:{org_id}"
        return self._jobs.submit(actor, PLAN_TABLES_JOB, {"org": org_id}, key=key, org_id=org_id, tx=tx)

    def _settled(self, actor: Actor, org_id: str, job: str, *, here: bool) -> PlanTableSet:
        """Wait for the writing that was ordered, and return the tables as they then stand."""
        for again in (True, False):
            self._jobs.nudge()
            done = self._jobs.run_inline(job) if here else self._jobs.wait(job, timeout=_PATIENCE)
            kept = self._kept(org_id)
            if not done.ended or kept.stale_since is None:
                break
            if again:  # that job may have begun before this was ordered
                job = self._queue(actor, org_id)
            elif kept.trouble is not None:
                raise Conflict(kept.trouble.zh, kept.trouble.en, code="plan_tables")
        return kept

    def _found(self, org_id: str) -> PlanTableSet | None:
        return next((one for one in self._all() if one.org_id == org_id), None)

    def _kept(self, org_id: str) -> PlanTableSet:
        found = self._found(org_id)
        if found is None:
            raise _not_kept()
        return found

    def _answerable(self, kept: PlanTableSet) -> Actor:
        """Return who answers for the tables, with the rights of today."""
        actor = self.access.current(kept.owner)
        self.access.require(actor, Permission.ASSESS_PLAN_READ)
        self.access.require(actor, Permission.TABLES_TABLE_WRITE, kept.org_id)
        return actor

    def _failed(self, kept: PlanTableSet, error: BeijiangError) -> None:
        """Say in the department and to the authority why tables grow old, and who can mend it; the same is said once."""
        if error.transient:
            log.warning("the work plan could not be written into the tables of %s for now: %s", kept.org_id, error)
            return
        now, by = self.clock.now(), kept.by_name
        why = Text(
            f"督办计划无法写入数据表（负责人“{by}”）：{error.text.zh} 请该部门有权写入数据表的人在“督办”页的“写入数据表”中点“由我负责并立即写入”，或停止写入。",
            f'The work plan cannot be written into tables ("{by}" answers for them): {error.text.en} Somebody of the department who may write tables can take them over on the page of the work plan under "Written into tables", or stop them.',
        )
        rested = kept.tried_at is None or not timedelta() <= now - kept.tried_at < _AGAIN_AFTER
        if rested or kept.trouble != why:
            with self.db.begin() as tx:
                if not PlanTableStore(tx.connection).fail(kept, why, now):
                    return  # stopped, written or taken over meanwhile
        self._alerts.renew(AlertKind.PLAN_TABLES, kept.org_id, kept.org_id, why)
        found = self._found(kept.org_id)
        if found is None or found.trouble is None:  # who mended it may have looked for the alert before it was there
            self._alerts.clear(AlertKind.PLAN_TABLES, kept.org_id)

    def _all(self) -> Sequence[PlanTableSet]:
        with self.db.read() as connection:
            return PlanTableStore(connection).all()

    def _write(self, kept: PlanTableSet) -> bool:
        """Write all three, unless they hold that already; tell whether they were written.

        ``kept`` and the versions were read before the rows, so what changes while they are read is written next time, and
        nothing is written over rows that may be newer. While tables are written it is not known what they hold: instead of a
        digest stands who writes, so that only one at a time begins, and one who dies leaves nothing that could fit by chance.

        Raises:
            Conflict: another wrote a table meanwhile (``table_moved_on``).

        """
        actor, began = self._answerable(kept), self.clock.now()  # rows that were read before midnight are not of today
        upon = {name: self._version(name) for name in PLAN_TABLES}
        made = {
            "督办任务": [*self._tasks(actor)],
            "督办进展": [*self._progress(actor)],
            "督办指标": [*self._targets(actor)],
        }
        said = json.dumps([self.today, made], default=str, ensure_ascii=False)
        digest = hashlib.sha256(said.encode()).hexdigest()
        differs, writer = kept.digest != digest, new_id("writing")
        if differs:
            with self.db.begin() as tx:
                if not PlanTableStore(tx.connection).begin(kept.org_id, kept.digest, writer):
                    return False  # stopped meanwhile, or written by another
        noted = False
        try:
            if differs:
                for name, rows in made.items():
                    self._commit(actor, kept.org_id, name, rows, upon[name])
            with self.db.begin() as tx:
                noted = PlanTableStore(tx.connection).note(kept, writer if differs else digest, digest, began)
        finally:
            if not noted:
                with self.db.begin() as tx:
                    PlanTableStore(tx.connection).doubt(kept.org_id, writer, self.clock.now())
        self._alerts.clear(AlertKind.PLAN_TABLES, kept.org_id)
        return differs

    def _version(self, name: str) -> int:
        """Return the newest version of a table, 0 where there is none yet."""
        try:
            return self._tables.get(SYSTEM, name).version
        except NotFound:
            return 0

    def _commit(self, actor: Actor, org_id: str, name: str, rows: Sequence[_Row], upon: int) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {
            "text": pa.string(),
            "date": pa.date32(),
            "whole": pa.int64(),
            "number": pa.float64(),
            "moment": pa.timestamp("us", "UTC"),
        }
        schema = pa.schema([(column, types[kind]) for column, (kind, _) in PLAN_TABLES[name].items()])
        folder = self._staging / new_id("plan")
        folder.mkdir(parents=True)
        try:
            path = folder / "part-00000.parquet"
            pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")
            self._tables.commit(
                actor,
                CommitRequest(
                    table=name,
                    org_id=org_id,
                    staged=(path,),
                    schema=schema,
                    mode=WriteMode.REPLACE,
                    run_id=new_id("run"),
                    key=_KEYS[name],
                    upon=upon,
                    reason="督办计划有更新",
                    comments={column: words for column, (_, words) in PLAN_TABLES[name].items()},
                ),
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _names(self) -> Mapping[str, str]:
        return {one.id: one.short for one in self.access.organisations()}

    def _newest(self, actor: Actor) -> Sequence[Lit]:
        """Return the tasks of the newest plan: numbers of tasks come again in every plan."""
        found = self._plan.tasks(actor)
        return [one for one in found if one.task.plan == found[0].task.plan]

    def _tasks(self, actor: Actor) -> Iterator[_Row]:
        names = self._names()
        for lit in self._newest(actor):
            task = lit.task
            for duty, orgs in (("牵头", task.leads), ("配合", task.joint)):
                for org in orgs:
                    values = (
                        f"任务{task.number}", task.title.zh, task.part.zh, names.get(org, org), duty, task.since,
                        task.due_on, lit.days_left, task.percent, task.state.text.zh, lit.light.text.zh, lit.why.zh,
                    )  # fmt: skip
                    yield dict(zip(PLAN_TABLES["督办任务"], values, strict=True))

    def _progress(self, actor: Actor) -> Iterator[_Row]:
        names = self._names()
        for lit in self._newest(actor):
            task = lit.task
            for one in self._plan.task(actor, task.id).progress:
                org = names.get(one.org_id or "", one.org_id or "平台")
                values = (
                    one.id, f"任务{task.number}", task.title.zh, org, one.act.text.zh, one.at, one.percent,
                    one.words or "—",
                )  # fmt: skip
                yield dict(zip(PLAN_TABLES["督办进展"], values, strict=True))

    def _targets(self, actor: Actor) -> Iterator[_Row]:
        names = self._names()
        for row in self._figures.figures(actor):
            target, figure = row.target, row.figure
            if target is None:
                continue
            state = "未报送" if row.value is None else "达标" if met(target, row.value, figure.better) else "未达标"
            values = (
                figure.code, figure.name.zh, figure.unit.zh, str(target.period),
                f"{target.operator.value}{target.value}", float(target.value),
                None if row.value is None else float(row.value.number), state,
                names.get(figure.org_id, figure.org_id), figure.basis,
            )  # fmt: skip
            yield dict(zip(PLAN_TABLES["督办指标"], values, strict=True))


def _not_kept() -> NotFound:
    return NotFound("督办计划没有写入该部门的数据表。", "The plan is not written into tables of that department.")
