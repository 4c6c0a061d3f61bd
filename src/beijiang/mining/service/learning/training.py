"""Training: a job that learns from a recorded set, tries the model on rows it has not seen, and says why it says what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, Text, new_id
from beijiang.mining.errors.learning import moved_on, not_trainable, wrong_state
from beijiang.mining.models.learning import (
    Decided,
    LearnedModel,
    ModelDraft,
    ModelState,
    SetState,
    Split,
    Task,
    TrainingSet,
)
from beijiang.mining.service.learning import judging
from beijiang.mining.service.learning.base import file_digest, reason_of
from beijiang.mining.service.learning.encoding import Encoder
from beijiang.mining.service.learning.learners import Fitted, fit, load
from beijiang.mining.service.learning.profiling import profiles_of
from beijiang.mining.service.learning.reference import Spread
from beijiang.mining.service.learning.sets import AT, GROUP, LABEL, Sets, ended
from beijiang.mining.store import LearningStore
from beijiang.tables import Origin, Use

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from beijiang.jobs import JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

    Numbers = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int64]

__all__ = ["MODEL_JOB", "Kept", "Training", "one_number"]

MODEL_JOB: Final = "mining.model"
LEAST_ROWS: Final = 30
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A model as its file holds it."""

    model: Fitted
    encoder: Encoder
    spread: Spread
    classes: tuple[str, ...]
    odd: float
    """From which score on a row counts as an outlier."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """A training set in memory."""

    table: pa.Table
    names: tuple[str, ...]
    label: Numbers
    groups: list[str]
    at: Places

    def encoder(self, places: Places) -> Encoder:
        return Encoder.learned(self.table.select(list(self.names)).take(places), self.names)

    def plain(self, encoder: Encoder, places: Places) -> Numbers:
        some = self.table.select(list(self.names)).take(places)
        return encoder.plain({name: some.column(name).combine_chunks() for name in self.names})


class Training(Sets):
    """Makes models."""

    def models(self, actor: Actor) -> Sequence[LearnedModel]:
        """Return the models of the actor's department, newest first."""
        self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
        with self.db.read() as connection:
            found = LearningStore(connection).models()
        return [one for one in found if self._sees(actor, one.org_id)]

    def model(self, actor: Actor, model_id: str) -> LearnedModel:
        """Return a model with its card; curves and groups only to who sees the rows as they were learned from.

        Raises:
            NotFound: unknown or another department's.

        """
        found = self._model(actor, model_id)
        if self._in_sight(actor, self._set(actor, found.draft.training_set)):
            return found
        return found.model_copy(
            update={
                "curves": (),
                "groups": (),
                "profiles": (),
                "classes": self.training_set(actor, found.draft.training_set).classes,
            }
        )

    def called(self, actor: Actor, address: str) -> str:
        """Return the name of a model or training set by its address in lineage; empty for one that is another's or gone."""
        kind, _, own_id = address.removeprefix("mining://").partition("/")
        with self.db.read() as connection:
            store = LearningStore(connection)
            found = store.model(own_id) if kind == "models" else store.training_set(own_id)
        return found.draft.name if found is not None and self._sees(actor, found.org_id) else ""

    def compared(self, actor: Actor, set_id: str) -> Sequence[LearnedModel]:
        """Return the models that learned from one training set, to be held against each other."""
        found = self._set(actor, set_id)
        with self.db.read() as connection:
            return LearningStore(connection).models(found.id)

    def train(self, actor: Actor, draft: ModelDraft) -> tuple[LearnedModel, str]:
        """Have a model trained by a job; return it, and the job.

        Raises:
            NotFound: the training set is unknown or hidden.
            Conflict: it is not ready, or the actor does not see its tables as they were seen (``training_sight``).
            Invalid: the algorithm does not fit the label.

        """
        org_id = self._own(actor)
        made = self._set(actor, draft.training_set)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, made.org_id)
        _fits(draft, made)
        self._check_sight(actor, made)
        model = LearnedModel(
            id=new_id("mdl"),
            org_id=org_id,
            draft=draft,
            state=ModelState.TRAINING,
            by_id=actor.id,
            by=actor.name,
            at=self.clock.now(),
            grade=made.grade,
            set_digest=made.digest,
        )
        with self.db.begin() as tx:
            LearningStore(tx.connection).put_model(model)
            detail: dict[str, JsonValue] = {"set": made.id, "algorithm": draft.algorithm.value, "seed": draft.seed}
            self.evidence.record(tx, actor, "mining.model_train", target=model.id, detail=detail, purpose=draft.purpose)
        job = self.jobs.submit(actor, MODEL_JOB, {"model": model.id}, key=f"{MODEL_JOB}:{model.id}", org_id=org_id)
        return model, job

    def train_now(self, actor: Actor, draft: ModelDraft) -> LearnedModel:
        """Train a model in this process; for the terminal.

        Raises:
            BeijiangError: as ``train`` does, or what stopped it.

        """
        model, job = self.train(actor, draft)
        ended(self.jobs.run_inline(job))
        return self._model(actor, model.id)

    def model_work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Train one model; the work of ``MODEL_JOB``."""
        with self.db.read() as connection:
            found = LearningStore(connection).model(str(arguments["model"]))
        if found is None or found.state is not ModelState.TRAINING:
            return {"nothing": True}
        actor = self.access.current(job.actor)
        try:
            made = self._trained(job, actor, found)
        except BeijiangError as error:
            failed = found.model_copy(update={"state": ModelState.FAILED, "error": reason_of(error)})
            with self.db.begin() as tx:
                LearningStore(tx.connection).put_model(failed, ModelState.TRAINING)
            raise
        return {"model": made.id, "digest": made.digest}

    # Inside

    def _trained(self, job: JobRun, actor: Actor, found: LearnedModel) -> LearnedModel:
        self.access.require(actor, Permission.MINING_MODEL_BUILD, found.org_id)
        with self.db.read() as connection:
            made = LearningStore(connection).training_set(found.draft.training_set)
        if made is None or made.digest != found.set_digest:
            raise wrong_state("训练集已不在。", "The training set is gone.")
        self._check_sight(actor, made)
        rows = self._rows(made)
        job.progress(1, 4, Text("正在试用", "trying it on rows held out"))
        trial = _Trial(found.draft, made, rows, self.settings.learning_threads)
        judged = trial.judged()
        job.progress(3, 4, Text("正在保存", "keeping it"))
        digest = self._keep(found, made, trial)
        ready = found.model_copy(
            update={
                **judged,
                "state": ModelState.DRAFT,
                "digest": digest,
                "classes": made.classes,
                "history": (Decided(state=ModelState.DRAFT, by_id=found.by_id, by=found.by, at=self.clock.now()),),
            }
        )
        self._record_model(actor, ready, made)
        return ready

    def _rows(self, made: TrainingSet) -> _Rows:
        """Read a training set; one that was changed on the disk is not taken."""
        import pyarrow.parquet as pq

        file = self._set_file(made.id)
        if not file.exists() or file_digest(file) != made.digest:
            raise Conflict(
                "训练集文件与记录的摘要不符，不能使用。请重新制作训练集。",
                "The file of the training set is not what was recorded. Make the set anew.",
                code="training_set_altered",
            )
        table = pq.read_table(file)
        if table.num_rows < LEAST_ROWS:
            raise not_trainable(
                f"训练集只有 {table.num_rows} 行，至少需要 {LEAST_ROWS} 行。",
                f"The training set has {table.num_rows} rows, and {LEAST_ROWS} is the least.",
            )
        label = table.column(LABEL).to_numpy() if LABEL in table.column_names else np.zeros(table.num_rows)
        groups = [str(one or "") for one in table.column(GROUP).to_pylist()] if GROUP in table.column_names else []
        names = tuple(one.name for one in made.columns)
        return _Rows(table, names, label, groups, table.column(AT).to_numpy())

    def _keep(self, found: LearnedModel, made: TrainingSet, trial: _Trial) -> str:
        content = {
            "format": FORMAT,
            "algorithm": found.draft.algorithm.value,
            "features": trial.encoder.to_json(),
            "model": trial.model.to_json(),
            "spread": trial.spread().to_json(),
            "classes": list(made.classes),
            "odd": trial.odd(),
        }
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        file = self._model_file(found.id)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(text)
        return hashlib.sha256(text).hexdigest()

    def _loaded(self, model: LearnedModel) -> Kept:
        """Read a model's file; one that was changed on the disk is not taken.

        Raises:
            Conflict: it is not what was recorded (``model_altered``).

        """
        file = self._model_file(model.id)
        if not file.exists() or file_digest(file) != model.digest:
            raise Conflict(
                "模型文件与登记的摘要不符，不能使用。请重新训练。",
                "The file of the model is not what was registered. Train it anew.",
                code="model_altered",
            )
        content: dict[str, Any] = json.loads(file.read_bytes())
        encoder = Encoder.from_json(content["features"])
        return Kept(
            load(model.draft.algorithm, encoder, content["model"], self.settings.learning_threads),
            encoder,
            Spread.from_json(content["spread"]),
            tuple(content["classes"]),
            float(content["odd"]),
        )

    def _record_model(self, actor: Actor, ready: LearnedModel, made: TrainingSet) -> None:
        source = f"mining://training-sets/{made.id}"
        learned = [one.name for one in made.columns] + ([made.label_column.name] if made.label_column else [])
        origins = {"score": tuple(Origin(source, name, Use.TRANSFORMATION) for name in learned)}
        self.lineage.declare(
            f"mining://models/{ready.id}", ready.org_id, origins, run_id=ready.id, person=actor.id, rows=made.rows
        )
        with self.db.begin() as tx:
            if not LearningStore(tx.connection).put_model(ready, ModelState.TRAINING):
                raise moved_on()
            detail: dict[str, JsonValue] = {"digest": ready.digest, "set": made.id, "set_digest": made.digest}
            detail["figures"] = {name: round(value, 6) for name, value in ready.figures.items()}
            self.evidence.record(tx, actor, "mining.model_trained", target=ready.id, detail=detail)


class _Trial:
    """One model on its way: what it learns from, what it is tried on."""

    def __init__(self, draft: ModelDraft, made: TrainingSet, rows: _Rows, threads: int) -> None:
        self._draft = draft
        self._task = draft.algorithm.task
        self._names = made.classes
        self._classes = len(made.classes)
        self._rows = rows
        self._threads = threads
        self._parts = _parts(draft, rows)
        self.model: Fitted
        self.encoder: Encoder
        self._learned: Numbers

    def judged(self) -> dict[str, Any]:
        """Learn, try and explain; the model that is kept is that of the last attempt, or of all rows after folds."""
        said: list[Numbers] = []
        places: list[Places] = []
        naive: list[dict[str, float]] = []
        for learned, tried in self._parts:
            self._learn(learned)
            said.append(self.model.predict(self._rows.plain(self.encoder, tried)))
            places.append(tried)
            naive.append(
                judging.naive_figures(self._task, self._rows.label[learned], self._rows.label[tried], self._classes)
            )
        explained = self._explained(self._parts[-1][1])
        where, all_said = np.concatenate(places), np.concatenate(said)
        label = self._rows.label[where]
        inner = self.encoder.spread(self._rows.plain(self.encoder, where)) if self._task is Task.GROUPS else None
        groups = [self._rows.groups[place] for place in where] if self._rows.groups else self._own_groups(label)
        if self._draft.split is Split.FOLDS:
            self._learn(np.arange(len(self._rows.label)))
        return {
            **explained,
            "tried": len(where),
            "figures": judging.figures_of(self._task, label, all_said, inner),
            "naive": {name: float(np.mean([one[name] for one in naive if name in one])) for name in naive[0]},
            "confusion": judging.confusion_of(label, all_said) if self._task is Task.CLASSES else (),
            "groups": judging.group_errors(self._task, groups, label, all_said),
        }

    def spread(self) -> Spread:
        """Return how the rows that the model learned from are spread, and what it says of them."""
        classes = self._classes if self._task is Task.CLASSES and self._classes > 2 else 0  # noqa: PLR2004 - yes and no
        if self._task is Task.GROUPS:
            classes = int(self._draft.setting("groups"))
        said = one_number(self._task, self.model.predict(self._learned))
        return Spread.of(self.encoder, self._learned, said, classes)

    def odd(self) -> float:
        """Return from which score on a row counts as an outlier."""
        if self._task is not Task.OUTLIERS:
            return 0.0
        return float(np.quantile(self.model.predict(self._learned), 1.0 - self._draft.setting("share")))

    def _learn(self, places: Places) -> None:
        self.encoder = self._rows.encoder(places)
        self._learned = self._rows.plain(self.encoder, places)
        label = self._rows.label[places]
        if self._task is Task.CLASSES and len(np.unique(label)) < self._classes:
            raise not_trainable(
                "训练部分没有包含标签的每一类，请增加样本或换一种划分。",
                "Not every class of the label is among the rows to learn from; take more cases or another split.",
            )
        try:
            self.model = fit(self._draft, self.encoder, self._learned, label, self._classes, self._threads)
        except ValueError:  # infinite numbers, fewer rows than groups: the library's words may hold values
            raise not_trainable(
                "这个算法无法在这些数据上训练，请检查数值是否有无穷大、行数是否够、参数是否合适。",
                "This algorithm cannot learn from these rows; look for infinite numbers, too few rows, or unfit parameters.",
            ) from None

    def _explained(self, tried: Places) -> dict[str, Any]:
        rows, label = self._rows.plain(self.encoder, tried), self._rows.label[tried]
        weights = judging.weights_of(self.model, self.encoder, self._task, rows, label, self._draft.seed)
        named = [one.name for one in weights] or list(self.encoder.names)
        shown = self._shown if self._task is not Task.GROUPS else None
        curves = judging.curves_of(self.model, self.encoder, rows, named, shown, self._draft.seed) if shown else ()
        profiles = profiles_of(self.encoder, rows, self.model.predict(rows)) if self._task is Task.GROUPS else ()
        return {"weights": weights, "curves": curves, "profiles": profiles}

    def _shown(self, said: Numbers) -> Numbers:
        """Return what a curve is drawn of: the probability of the last class, or the amount."""
        return said[:, -1] if said.ndim > 1 else said

    def _own_groups(self, label: Numbers) -> list[str]:
        """Tell errors apart by class where no other group was named."""
        return [self._names[int(one)] for one in label] if self._task is Task.CLASSES else []


def one_number(task: Task, said: Numbers) -> Numbers:
    """Return one number a row: the probability of yes, the likeliest class, or what was said."""
    if task is not Task.CLASSES:
        return said
    return said[:, 1] if said.shape[1] == 2 else said.argmax(axis=1).astype(np.float64)  # noqa: PLR2004 - yes and no


def _parts(draft: ModelDraft, rows: _Rows) -> list[tuple[Places, Places]]:
    """Return which rows are learned from and which are held out, for each attempt."""
    many = len(rows.label)
    mixed = np.random.default_rng(draft.seed).permutation(many)
    if draft.split is Split.FOLDS:
        folds = [np.sort(mixed[start :: draft.folds]) for start in range(draft.folds)]
        everything = np.arange(many)
        return [(np.setdiff1d(everything, fold, assume_unique=True), fold) for fold in folds]
    held = max(1, round(many * draft.share))
    if draft.split is Split.NEWEST:
        if rows.at.min() == rows.at.max():
            raise not_trainable(
                "样本没有各自的时间，不能留出最新的。请在训练集指定时间列，或改为随机留出。",
                "The cases have no times of their own, so that there are no newest. Name a column of time, or hold out at random.",
            )
        mixed = np.argsort(rows.at, kind="stable")
    return [(np.sort(mixed[:-held]), np.sort(mixed[-held:]))]


def _fits(draft: ModelDraft, made: TrainingSet) -> None:
    """Return if an algorithm can learn from a training set.

    Raises:
        Conflict: it is not ready.
        Invalid: the label is of another kind.

    """
    if made.state is not SetState.READY:
        raise wrong_state("训练集还没有制作完成。", "The training set is not ready.")
    task = draft.algorithm.task
    has = "classes" if made.classes else "amount" if made.label_column else "none"
    if (task is Task.CLASSES and has != "classes") or (task is Task.AMOUNT and has != "amount"):
        raise not_trainable(
            f"{draft.algorithm.text.zh}需要{'类别' if task is Task.CLASSES else '数值'}标签，训练集的标签不是。",
            f"{draft.algorithm.text.en.capitalize()} needs a label of {'classes' if task is Task.CLASSES else 'amounts'}, "
            "and the training set has none such.",
        )
