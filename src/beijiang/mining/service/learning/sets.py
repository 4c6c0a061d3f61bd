"""Training sets: what is asked for, made by a job through the gate, and recorded with all that it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, Text, new_id
from beijiang.mining.errors.learning import bad_column, label_barred, not_trainable, unfit_draft
from beijiang.mining.models.learning import SetDraft, SetState, TrainingSet
from beijiang.mining.service.learning.assembling import Assembly, Joined, Wanted, check_names, too_many
from beijiang.mining.service.learning.base import file_digest, reason_of
from beijiang.mining.service.learning.views import Views
from beijiang.mining.store import LearningStore
from beijiang.protection import read_where
from beijiang.tables import Exit, Origin, Use

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.jobs import Job, JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import GovernedColumn

__all__ = ["AT", "GROUP", "LABEL", "SET_JOB", "Sets", "ended"]

SET_JOB: Final = "mining.training_set"
LABEL, GROUP, AT = "__label__", "__group__", "__at__"
CLASSES_MOST: Final = 50
OTHERS: Final = "其他"
_NUMBERS: Final = frozenset({"integer", "decimal", "double"})


class Sets(Views):
    """Records what models learn from."""

    def training_sets(self, actor: Actor) -> Sequence[TrainingSet]:
        """Return the training sets of the actor's department, newest first."""
        self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
        with self.db.read() as connection:
            found = LearningStore(connection).sets()
        return [one for one in found if self._sees(actor, one.org_id)]

    def training_set(self, actor: Actor, set_id: str) -> TrainingSet:
        """Return a training set; the names of classes, which are values, only to who sees the rows as they were seen.

        Raises:
            NotFound: unknown or another department's.

        """
        found = self._set(actor, set_id)
        if found.draft.positive or not found.classes or self._in_sight(actor, found):
            return found
        return found.model_copy(update={"classes": tuple(f"{place + 1}" for place in range(len(found.classes)))})

    def make_set(self, actor: Actor, draft: SetDraft) -> tuple[TrainingSet, str]:
        """Have a training set made by a job; return it, and the job.

        Raises:
            NotFound: a table or a feature view is unknown or hidden.
            Refused: the actor sees the label masked (``label_masked``).
            Invalid: columns, names or conditions do not fit.

        """
        org_id = self._own(actor)
        views = tuple(self._view(actor, one.view) for one in draft.views)
        check_names(_joined(draft, views))
        self._check_label(actor, draft, views)
        for one in draft.where:
            read_where(one)
        made = TrainingSet(
            id=new_id("set"),
            org_id=org_id,
            draft=draft.model_copy(update={"as_of": (draft.as_of or self.clock.now()).astimezone(UTC)}),
            state=SetState.MAKING,
            by_id=actor.id,
            by=actor.name,
            at=self.clock.now(),
            views=views,
        )
        with self.db.begin() as tx:
            LearningStore(tx.connection).put_set(made)
            detail: dict[str, JsonValue] = {"table": draft.table, "label": draft.label, "views": [v.id for v in views]}
            self.evidence.record(tx, actor, "mining.set_order", target=made.id, detail=detail, purpose=draft.purpose)
        job = self.jobs.submit(actor, SET_JOB, {"set": made.id}, key=f"{SET_JOB}:{made.id}", org_id=org_id)
        return made, job

    def make_set_now(self, actor: Actor, draft: SetDraft) -> TrainingSet:
        """Make a training set in this process; for the terminal.

        Raises:
            BeijiangError: as ``make_set`` does, or what stopped the making.

        """
        made, job = self.make_set(actor, draft)
        ended(self.jobs.run_inline(job))
        return self._set(actor, made.id)

    def set_work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Make one training set; the work of ``SET_JOB``."""
        with self.db.read() as connection:
            found = LearningStore(connection).training_set(str(arguments["set"]))
        if found is None or found.state is SetState.READY:
            return {"nothing": True}
        actor = self.access.current(job.actor)
        try:
            made = self._gathered_set(job, actor, found)
        except BeijiangError as error:
            failed = found.model_copy(update={"state": SetState.FAILED, "error": reason_of(error)})
            with self.db.begin() as tx:
                LearningStore(tx.connection).put_set(failed)
            raise
        return {"set": made.id, "rows": made.rows, "digest": made.digest}

    # Inside

    def _check_label(self, actor: Actor, draft: SetDraft, views: Sequence[Any]) -> None:
        """Look at the columns as the actor is shown them, and whether a feature tells the label."""
        shown = {one.name: one for one in self.gate.sketch(actor, draft.table, draft.purpose, Exit.TRAINING).columns}
        on = [column for one in _joined(draft, views) for column in one.on]
        for name in (draft.label, draft.time, draft.group, *on):
            if name and name not in shown:
                raise bad_column(name, draft.table)
        if draft.label and shown[draft.label].masked:
            raise label_barred(draft.label)
        if draft.positive and not draft.label:
            raise unfit_draft("给出了正例取值，却没有标签列。", "There are values that count as yes, and no label.")
        for view in views:
            told = [f.name for f in view.features if draft.label and draft.label in f.columns]
            if view.table == draft.table and not view.event_time and told:
                raise unfit_draft(
                    f"特征“{told[0]}”就是由标签列“{draft.label}”做成的，模型会泄题。请从特征视图中去掉它。",
                    f'Feature "{told[0]}" is made of the label "{draft.label}", which would give the answer away. '
                    "Take it out of the feature view.",
                )

    def _gathered_set(self, job: JobRun, actor: Actor, found: TrainingSet) -> TrainingSet:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.access.require(actor, Permission.MINING_MODEL_BUILD, found.org_id)
        draft = found.draft
        self._check_label(actor, draft, found.views)
        assembly = self._assembly(actor, found)
        assembly.open()
        label = assembly.column(draft.table, draft.label) if draft.label else None
        parts = []
        rows = 0
        for cases, features in assembly.batches():
            part = _part(cases, features, draft, assembly)
            rows += part.num_rows
            if rows > self.settings.learning_rows:
                raise too_many(self.settings.learning_rows)
            job.progress(rows, None, Text("正在收集样本", "gathering cases"))
            parts.append(part)
        if not rows:
            raise not_trainable(
                "没有符合条件的样本。请检查筛选条件、时间列与截止时点。",
                "No case fits. Look at the conditions, the column of time and the as-of moment.",
            )
        whole = pa.concat_tables(parts, promote_options="permissive").combine_chunks()
        whole, classes, dropped = _labelled(whole, draft, label)
        file = self._set_file(found.id)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pq.write_table(whole, file, compression="zstd")
        numeric = {name: bool(pa.types.is_floating(whole.schema.field(name).type)) for name in assembly.names}
        made = found.model_copy(
            update={
                "state": SetState.READY,
                "tables": dict(assembly.readings),
                "policy": self.access.policy,
                "digest": file_digest(file),
                "rows": whole.num_rows,
                "left_out": assembly.left_out + dropped,
                "grade": assembly.grade(),
                "columns": assembly.columns(numeric),
                "label_column": assembly.described(draft.label, draft.table, (draft.label,), numeric=not classes)
                if label is not None
                else None,
                "group_column": assembly.described(draft.group, draft.table, (draft.group,), numeric=False)
                if draft.group
                else None,
                "classes": classes,
                "error": None,
            }
        )
        self._record_set(actor, made)
        return made

    def _assembly(self, actor: Actor, found: TrainingSet) -> Assembly:
        draft = found.draft
        moment = draft.as_of or found.at
        wanted = Wanted(
            table=draft.table,
            joined=_joined(draft, found.views),
            extra=tuple(one for one in (draft.label, draft.group) if one),
            time=draft.time,
            at=int(moment.timestamp()),
            where=draft.where,
            purpose=draft.purpose or f"training:{found.id}",
        )
        return Assembly(self.gate, actor, wanted, self.zone, self.settings.learning_rows)

    def _record_set(self, actor: Actor, made: TrainingSet) -> None:
        described = [*made.columns, *([made.label_column] if made.label_column else [])]
        origins = {one.name: tuple(Origin(one.table, c, Use.TRANSFORMATION) for c in one.columns) for one in described}
        self.lineage.declare(
            f"mining://training-sets/{made.id}", made.org_id, origins, run_id=made.id, person=actor.id, rows=made.rows
        )
        with self.db.begin() as tx:
            LearningStore(tx.connection).put_set(made)
            detail: dict[str, JsonValue] = {
                "digest": made.digest,
                "rows": made.rows,
                "grade": made.grade,
                "policy": made.policy,
                "tables": {name: one.version for name, one in made.tables.items()},
                "receipts": [one.receipt for one in made.tables.values()],
            }
            self.evidence.record(
                tx, actor, "mining.set_made", target=made.id, detail=detail, purpose=made.draft.purpose
            )


def _joined(draft: SetDraft, views: Sequence[Any]) -> tuple[Joined, ...]:
    return tuple(Joined(view=view, on=use.on or view.keys) for use, view in zip(draft.views, views, strict=True))


def ended(job: Job) -> Mapping[str, JsonValue]:
    """Return what a job came to.

    Raises:
        Conflict: it failed or was cancelled; with the code and words of what stopped it.

    """
    if isinstance(job.result, dict):
        return job.result
    error = job.error or {}
    zh, en = str(error.get("zh") or "作业没有完成。"), str(error.get("en") or "The job did not end.")
    raise Conflict(zh, en, code=str(error.get("code") or "job_not_done"))


def _part(cases: pa.RecordBatch, features: Mapping[str, Any], draft: SetDraft, assembly: Assembly) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    from beijiang.mining.service.learning.features import seconds_of

    columns: dict[str, Any] = dict(features)
    if draft.label:
        columns[LABEL] = cases.column(draft.label)
    if draft.group:
        columns[GROUP] = pc.cast(cases.column(draft.group), pa.string())
    at = seconds_of(cases.column(draft.time), assembly.zone, ends=False) if draft.time else None
    columns[AT] = pa.array(np.full(cases.num_rows, assembly.wanted.at) if at is None else at, pa.int64())
    return pa.table(columns)


def _labelled(whole: pa.Table, draft: SetDraft, label: GovernedColumn | None) -> tuple[pa.Table, tuple[str, ...], int]:
    """Return the cases that have a label, as a number; the names of its classes; and how many had none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if label is None:
        return whole, (), 0
    kept = whole.filter(pc.is_valid(whole.column(LABEL)))
    dropped = whole.num_rows - kept.num_rows
    column = kept.column(LABEL)
    classes: tuple[str, ...] = ()
    if draft.positive:
        words = pc.cast(column, pa.string())
        made = pc.cast(pc.is_in(words, value_set=pa.array(draft.positive, pa.string())), pa.float64())
        classes = (OTHERS, "／".join(draft.positive))
    elif label.type in _NUMBERS:
        made = pc.cast(column, pa.float64(), safe=False)
    else:
        words = pc.cast(column, pa.string())
        classes = tuple(sorted(pc.unique(words).to_pylist()))
        made = pc.cast(pc.index_in(words, value_set=pa.array(classes, pa.string())), pa.float64())
    if len(classes) > CLASSES_MOST:
        raise not_trainable(
            f"标签有 {len(classes)} 种取值，最多 {CLASSES_MOST} 种。请归并，或用“正例取值”只区分是与否。",
            f"The label has {len(classes)} values, and {CLASSES_MOST} is the most. Put them together, or name those that count as yes.",
        )
    place = kept.schema.get_field_index(LABEL)
    return kept.set_column(place, LABEL, made), classes, dropped
