"""Scores: an approved model says something of every row of a table; written as a table of its own, graded by what it was made of."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, NotFound, Text, ahead, new_id
from beijiang.mining.errors.learning import bad_column, no_plan, sight_changed, unfit_draft, wrong_state
from beijiang.mining.models.drift import crossed, drift_limits, stability
from beijiang.mining.models.learning import (
    LearnedModel,
    ModelState,
    Rhythm,
    ScoreDraft,
    ScorePlan,
    ScoreRun,
    ScoreState,
    Shift,
    Task,
    TrainingSet,
)
from beijiang.mining.service.learning.assembling import Assembly, Joined, Wanted
from beijiang.mining.service.learning.base import reason_of
from beijiang.mining.service.learning.registering import Registering
from beijiang.mining.service.learning.sets import ended
from beijiang.mining.service.learning.training import Kept, one_number
from beijiang.mining.store import LearningStore
from beijiang.protection import read_where
from beijiang.tables import CommitRequest, Exit, Origin, TableWriter, Use, WriteMode, WriterKind

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from beijiang.jobs import JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["SCORE_JOB", "Scoring"]

log = logging.getLogger(__name__)

SCORE_JOB: Final = "mining.score"
RUNS_SHOWN: Final = 50
TRIES: Final = 3
SCORE, CLASS, AMOUNT, GROUP, ODD = "得分", "判定", "预测值", "分组", "是否异常"
MODEL, MOMENT = "模型", "评分时点"
_MADE: Final = (SCORE, CLASS, AMOUNT, GROUP, ODD, MODEL, MOMENT)
_COMMENTS: Final = {
    SCORE: "模型给出的概率或异常分",
    CLASS: "模型判定的类别",
    AMOUNT: "模型预测的数值",
    GROUP: "模型归入的分组，从 0 起",
    ODD: "异常分是否达到登记的界限",
    MODEL: "所用模型的编号",
    MOMENT: "特征所取的时点",
}


class Scoring(Registering):
    """Makes and watches tables of scores."""

    def plans(self, actor: Actor) -> Sequence[ScorePlan]:
        """Return the plans of scores of the actor's department that have not ended."""
        self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
        with self.db.read() as connection:
            found = LearningStore(connection).plans()
        return [plan for plan, _ in found if self._sees(actor, plan.org_id)]

    def runs(self, actor: Actor, plan_id: str) -> tuple[ScorePlan, Sequence[ScoreRun]]:
        """Return a plan and its runs, newest first, with how far the data had moved at each.

        Raises:
            NotFound: unknown, ended, or another department's.

        """
        plan, _ = self._plan(actor, plan_id)
        with self.db.read() as connection:
            return plan, LearningStore(connection).runs(plan.id, RUNS_SHOWN)

    def plan_scores(self, actor: Actor, draft: ScoreDraft) -> ScorePlan:
        """Set up a table of scores; nothing else fills it.

        Raises:
            NotFound: the model or the table is unknown or hidden.
            Conflict: the model is not approved, or the table is filled from elsewhere.
            Invalid: a column is unknown or withheld.

        """
        model = self._model(actor, draft.model)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, model.org_id)
        self.access.require(actor, Permission.TABLES_TABLE_WRITE, model.org_id)
        _usable(model)
        shown = {one.name for one in self.gate.sketch(actor, draft.table, "", Exit.TRAINING).columns}
        made = self._set(actor, model.draft.training_set)
        for name in (*draft.keep, *([draft.time] if draft.time else []), *(c for one in _joined(made) for c in one.on)):
            if name not in shown:
                raise bad_column(name, draft.table)
        if set(draft.keep) & set(_MADE):
            raise unfit_draft("保留的列与评分列重名。", "A column that is kept has the name of one that is made.")
        for one in draft.where:
            read_where(one)
        plan = ScorePlan(
            id=new_id("scp"), org_id=model.org_id, draft=draft, by_id=actor.id, by=actor.name, at=self.clock.now()
        )
        with self.db.begin() as tx:
            store = LearningStore(tx.connection)
            self._free(actor, store, draft.target, model.org_id)
            store.put_plan(plan, actor)
            detail: dict[str, JsonValue] = {"model": model.id, "table": draft.table, "rhythm": draft.rhythm.value}
            self.evidence.record(tx, actor, "mining.scores_plan", target=draft.target, detail=detail)
        return plan

    def end_plan(self, actor: Actor, plan_id: str) -> None:
        """Let a plan make no more scores; its table stays."""
        plan, owner = self._plan(actor, plan_id)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, plan.org_id)
        with self.db.begin() as tx:
            LearningStore(tx.connection).put_plan(plan.model_copy(update={"retired": True}), owner)
            self.evidence.record(tx, actor, "mining.scores_end", target=plan.draft.target, detail={"plan": plan.id})

    def writer_of(self, table: str) -> TableWriter | None:
        """Return the plan in force that fills a table; others ask before they begin to fill it."""
        with self.db.read() as connection:
            found = LearningStore(connection).filling(table)
        if found is None:
            return None
        return TableWriter(WriterKind.SCORES, found.id, table, found.org_id, (found.draft.table,))

    def score(self, actor: Actor, plan_id: str) -> str:
        """Have scores made now by a job; return its id: of one that is under way, if it was asked for with the same inputs.

        Raises:
            Conflict: the model is not approved any more.
            NotFound: a table that is read is hidden from the actor by now.

        """
        plan, _ = self._plan(actor, plan_id)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, plan.org_id)
        model = self._model(actor, plan.draft.model)
        _usable(model)
        made = self._set(actor, model.draft.training_set)
        names = sorted({plan.draft.table, *(one.view.table for one in _joined(made))})
        read = [self.gate.sketch(actor, name, "", Exit.TRAINING) for name in names]
        inputs = repr([(one.table, one.version, one.obligations) for one in read])
        return self._submit(actor, plan, sha256(inputs.encode()).hexdigest())

    def score_now(self, actor: Actor, plan_id: str) -> ScoreRun:
        """Make scores in this process; for the terminal.

        Raises:
            BeijiangError: as ``score`` does, or what stopped it.

        """
        ended(self.jobs.run_inline(self.score(actor, plan_id)))
        return self.runs(actor, plan_id)[1][0]

    def score_work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Make one table of scores; the work of ``SCORE_JOB``."""
        with self.db.read() as connection:
            found = LearningStore(connection).plan(str(arguments["plan"]))
        if found is None or found[0].retired:
            return {"nothing": True}
        plan, at, started = found[0], self.clock.now(), time.monotonic()
        base = ScoreRun(
            id=f"score-{job.id}",
            plan_id=plan.id,
            model_id=plan.draft.model,
            at=at,
            by=job.actor.name,
            state=ScoreState.DONE,
        )
        folder = self.settings.home / "staging" / base.id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            run = self._scored(job, plan, base, folder)
        except BeijiangError as error:
            failed = {"state": ScoreState.FAILED, "error": reason_of(error), "seconds": time.monotonic() - started}
            self._note_run(base.model_copy(update=failed))
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        run = run.model_copy(update={"seconds": time.monotonic() - started})
        self._note_run(run, plan, self.access.current(job.actor))
        return {"run": run.id, "rows": run.rows, "version": run.version}

    def watch(self) -> None:
        """Have the scores made that are due; called every minute."""
        now = self.clock.now()
        with self.db.read() as connection:
            store = LearningStore(connection)
            known = [(plan, owner, store.runs(plan.id, 1)) for plan, owner in store.plans()]
            models = {plan.id: store.model(plan.draft.model) for plan, _, _ in known}
        for plan, owner, runs in known:
            begun = _begun(plan.draft.rhythm, now.astimezone(ZoneInfo(self.zone)))
            model = models[plan.id]
            if (
                begun is None
                or model is None
                or model.state is not ModelState.APPROVED
                or (runs and runs[0].at >= begun)
            ):
                continue
            try:
                self._submit(self.access.current(owner), plan, begun.isoformat())
            except BeijiangError:
                log.exception("scores that are due could not be begun; it will be tried again")

    # Inside

    def _plan(self, actor: Actor, plan_id: str) -> tuple[ScorePlan, Actor]:
        with self.db.read() as connection:
            found = LearningStore(connection).plan(plan_id)
        if found is None or found[0].retired or not self._sees(actor, found[0].org_id):
            self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
            raise no_plan()
        return found

    def _free(self, actor: Actor, store: LearningStore, target: str, org_id: str) -> None:
        """Return if scores may fill a table: a new one, or one that scores of the department filled before."""
        try:
            foreign = self.tables.get(actor, target).org_id != org_id or not store.once_filled(target, org_id)
        except NotFound:
            foreign = False
        if foreign or store.filling(target) is not None or self.tables.writers_of(target):
            raise Conflict(
                f"表“{target}”已有数据来源（一数一源）。请把评分写入新的表。",
                f'Table "{target}" is filled from elsewhere (one source per item). Write the scores to a table of their own.',
                code="table_has_source",
            )

    def _submit(self, actor: Actor, plan: ScorePlan, what: str) -> str:
        key = f"{SCORE_JOB}:{plan.id}:{what}"
        return self.jobs.submit(actor, SCORE_JOB, {"plan": plan.id}, key=key, org_id=plan.org_id)

    def _scored(self, job: JobRun, plan: ScorePlan, base: ScoreRun, folder: Path) -> ScoreRun:
        """Score upon the version that the table has; again where others were written meanwhile, maybe of newer inputs."""
        left = TRIES
        while True:
            left -= 1
            try:
                return self._tried(job, plan, base, folder / f"part-{left:05}.parquet")
            except Conflict as error:
                if error.reason != "table_moved_on" or not left:
                    raise

    def _newest(self, actor: Actor, table: str) -> int:
        try:
            return self.tables.get(actor, table).version
        except NotFound:
            return 0

    def _tried(self, job: JobRun, plan: ScorePlan, base: ScoreRun, file: Path) -> ScoreRun:
        actor = self.access.current(job.actor)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, plan.org_id)
        upon = self._newest(actor, plan.draft.target)
        with self.db.read() as connection:
            store = LearningStore(connection)
            model = store.model(plan.draft.model)
            made = None if model is None else store.training_set(model.draft.training_set)
        if model is None or made is None:
            raise wrong_state("模型已不在。", "The model is gone.")
        _usable(model)
        kept = self._loaded(model)
        assembly = self._population(actor, plan, made, base.at)
        assembly.open()
        for one in made.columns:  # a model that learned a value says nothing of its mask
            if any(assembly.column(one.table, column).masked for column in one.columns) != one.masked:
                raise sight_changed(one.table)
        rows, schema, shifts = self._written(job, _Writer(plan, model, kept, base.at), assembly, file)
        request = CommitRequest(
            table=plan.draft.target,
            org_id=plan.org_id,
            staged=(file,),
            schema=schema,
            mode=WriteMode.REPLACE,
            run_id=base.id,
            reason=f"模型“{model.draft.name}”评分",
            comments=_COMMENTS,
            derived=_origins(plan, made, schema.names),
            upon=upon,
        )
        version = self.tables.commit(actor, replace(request, accept_plan=self.tables.plan(actor, request).token))
        used = {name: one.version for name, one in assembly.readings.items()}
        run = base.model_copy(update={"rows": rows, "version": version.version, "tables": used, "shifts": shifts})
        worst = run.worst
        with self.db.begin() as tx:
            detail: dict[str, JsonValue] = {
                "plan": plan.id,
                "model": model.id,
                "digest": model.digest,
                "rows": rows,
                "version": version.version,
                "tables": dict(used),
                "receipts": [one.receipt for one in assembly.readings.values()],
                "drift": None if worst is None else [worst.name, worst.index, worst.level.value],
            }
            self.evidence.record(tx, actor, "mining.scores_made", target=plan.draft.target, detail=detail)
        return run

    def _population(self, actor: Actor, plan: ScorePlan, made: TrainingSet, at: datetime) -> Assembly:
        wanted = Wanted(
            table=plan.draft.table,
            joined=_joined(made),
            extra=plan.draft.keep,
            time=plan.draft.time,
            at=int(at.timestamp()),
            where=plan.draft.where,
            purpose=f"score:{plan.draft.model}",
        )
        return Assembly(self.gate, actor, wanted, self.zone, self.settings.learning_rows)

    def _written(
        self, job: JobRun, writer: _Writer, assembly: Assembly, file: Path
    ) -> tuple[int, pa.Schema, tuple[Shift, ...]]:
        """Write scores part by part, in memory that does not grow with their number."""
        import pyarrow.parquet as pq

        out, rows = None, 0
        try:
            for cases, features in ahead(assembly.batches):
                part = writer.part(cases, features)
                if out is None:
                    out = pq.ParquetWriter(file, part.schema, compression="zstd", compression_level=1)
                out.write_batch(part)
                rows += part.num_rows
                job.progress(rows, None, Text(f"已评 {rows} 行", f"{rows} rows scored"))
        finally:
            if out is not None:
                out.close()
        if out is None:
            raise unfit_draft("没有符合条件的行可以评分。", "There is no row to be scored.")
        return rows, out.schema, writer.shifts(self.clock.now().astimezone(ZoneInfo(self.zone)).date())

    def _note_run(self, run: ScoreRun, plan: ScorePlan | None = None, actor: Actor | None = None) -> None:
        """Keep a run; a shift that was not there at the run before is put on record once, which tells the model's people."""
        with self.db.begin() as tx:
            store = LearningStore(tx.connection)
            before = [one for one in store.runs(run.plan_id, RUNS_SHOWN) if one.id != run.id]
            store.put_run(run)
            worst, model = run.worst, store.model(run.model_id)
            if plan is None or actor is None or model is None or worst is None or not crossed(run, before):
                return
            people = {model.by_id, plan.by_id, *([model.approval.by_id] if model.approval else [])}
            detail: dict[str, JsonValue] = {
                "plan": plan.id,
                "run": run.id,
                "drift": [worst.name, worst.index, worst.level.value],
                "people": [*sorted(people)],
                "org": model.org_id,
            }
            self.evidence.record(tx, actor, "mining.model_drift", target=model.id, detail=detail)


class _Writer:
    """Scores of one run, and how what was scored is spread."""

    def __init__(self, plan: ScorePlan, model: LearnedModel, kept: Kept, at: datetime) -> None:
        self._keep = plan.draft.keep
        self._model = model
        self._kept = kept
        self._at = at.astimezone(UTC)
        self._counts = [np.zeros(bins.many, dtype=np.int64) for bins in kept.spread.bins]

    def part(self, cases: pa.RecordBatch, features: dict[str, Any]) -> pa.RecordBatch:
        """Return the scores of some rows beside the columns that are kept."""
        import pyarrow as pa

        rows = self._kept.encoder.plain(features)
        said = self._kept.model.predict(rows)
        one = one_number(self._model.draft.algorithm.task, said)
        for place, bins in enumerate(self._kept.spread.bins):
            self._counts[place] += bins.count(one if place == rows.shape[1] else rows[:, place])
        columns = {name: _plain_type(cases.column(name)) for name in self._keep} | self._scores(said)
        columns[MODEL] = pa.repeat(pa.scalar(self._model.id), cases.num_rows)
        columns[MOMENT] = pa.repeat(pa.scalar(self._at, pa.timestamp("us", "UTC")), cases.num_rows)
        return pa.record_batch(columns)

    def _scores(self, said: Any) -> dict[str, Any]:
        import pyarrow as pa

        task = self._model.draft.algorithm.task
        if task is Task.AMOUNT:
            return {AMOUNT: pa.array(said)}
        if task is Task.GROUPS:
            return {GROUP: pa.array(said.astype(np.int64))}
        if task is Task.OUTLIERS:
            return {SCORE: pa.array(said), ODD: pa.array(said >= self._kept.odd)}
        guess = said.argmax(axis=1)
        sure = said[:, 1] if said.shape[1] == 2 else said[np.arange(len(said)), guess]  # noqa: PLR2004 - yes and no
        return {SCORE: pa.array(sure), CLASS: pa.array(self._kept.classes, pa.string()).take(pa.array(guess))}

    def shifts(self, day: Any) -> tuple[Shift, ...]:
        """Return how far each feature and the score have moved from the training rows."""
        limits = drift_limits(day)
        found = []
        for bins, before, counted in zip(self._kept.spread.bins, self._kept.spread.shares, self._counts, strict=True):
            after = (counted / max(1, counted.sum())).tolist()
            found.append(limits.judge(bins.name, stability(before, after)))
        return tuple(found)


def _plain_type(column: Any) -> Any:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _joined(made: TrainingSet) -> tuple[Joined, ...]:
    return tuple(
        Joined(view=view, on=use.on or view.keys) for use, view in zip(made.draft.views, made.views, strict=True)
    )


def _usable(model: LearnedModel) -> None:
    if model.state is not ModelState.APPROVED:
        raise wrong_state("只有已批准的模型可以用来评分。", "Only a model that is approved gives scores.")


def _origins(plan: ScorePlan, made: TrainingSet, names: Sequence[str]) -> dict[str, tuple[Origin, ...]]:
    """Say what each column was made from: a score from all features, and from the label that it learned."""
    learned = [Origin(one.table, column) for one in made.columns for column in one.columns]
    if made.label_column is not None:
        learned.append(Origin(made.label_column.table, made.draft.label, Use.CONDITIONAL))
    score = tuple(dict.fromkeys(learned))
    told = [
        Origin(draft.table, column, Use.FILTER)
        for draft in (plan.draft, made.draft)
        for column in (*(read_where(one).column for one in draft.where), *([draft.time] if draft.time else []))
    ]  # which rows there are tells of what they were picked by, and a case without a time is left out
    score = tuple(dict.fromkeys((*score, *told, *_joining(plan, made))))
    kept = {name: (Origin(plan.draft.table, name, Use.IDENTITY), *told) for name in plan.draft.keep}
    made_of = dict.fromkeys((SCORE, CLASS, AMOUNT, GROUP, ODD), score)
    return {name: found for name, found in {**kept, **made_of}.items() if name in names}


def _joining(plan: ScorePlan, made: TrainingSet) -> list[Origin]:
    """Return the columns by which cases found their features, and the times that told past from future."""
    found = []
    for one in _joined(made):
        found += [Origin(table, name, Use.JOIN) for table in (plan.draft.table, made.draft.table) for name in one.on]
        found += [Origin(one.view.table, name, Use.JOIN) for name in one.view.keys]
        if one.view.event_time:
            found.append(Origin(one.view.table, one.view.event_time, Use.FILTER))
    return found


def _begun(rhythm: Rhythm, now: datetime) -> datetime | None:
    """Return when the present period of a rhythm began; None where nothing is made by itself."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if rhythm is Rhythm.HAND:
        return None
    if rhythm is Rhythm.WEEKLY:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if rhythm is Rhythm.MONTHLY else day
