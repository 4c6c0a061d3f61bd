"""Feature views, training sets, models and their scores: the words, and what of them is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from beijiang.kit import Shown, Text, Word
from beijiang.mining.errors.learning import unfit_draft

__all__ = [
    "GROUP_LEAST",
    "PARAMETERS",
    "Algorithm",
    "Curve",
    "Decided",
    "Feature",
    "FeatureKind",
    "FeatureView",
    "GroupError",
    "LearnedModel",
    "ModelDraft",
    "ModelState",
    "Profile",
    "Reading",
    "Reason",
    "Rhythm",
    "ScoreDraft",
    "ScorePlan",
    "ScoreRun",
    "ScoreState",
    "SetColumn",
    "SetDraft",
    "SetState",
    "Shift",
    "ShiftLevel",
    "Split",
    "Task",
    "TrainingSet",
    "Trait",
    "ViewDraft",
    "ViewUse",
    "Weight",
]

NAME: Final = 200
WORDS: Final = 2000
COLUMN: Final = 400
FEATURES_MOST: Final = 200
VIEWS_MOST: Final = 20
KEYS_MOST: Final = 8
WINDOW_MOST: Final = 36_500
GROUP_LEAST: Final = 10
"""Rows that must have a value before a model or its card names it: a rare one could point at somebody."""


class Plain(BaseModel):
    """What is never changed and takes nothing that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FeatureKind(Word):
    """How a feature is made; those with a window look back from the point in time, and never at it."""

    VALUE = "value", "取值", "value"
    YEAR = "year", "年份", "year"
    MONTH = "month", "月份", "month"
    AGE = "age", "距今天数", "days until then"
    LENGTH = "length", "文字长度", "length of text"
    MISSING = "missing", "是否缺失", "whether missing"
    LOG = "log", "对数", "logarithm"
    RATIO = "ratio", "与另一列之比", "ratio to another column"
    COUNT = "count", "窗口内次数", "count in a window"
    SUM = "sum", "窗口内合计", "sum in a window"
    MEAN = "mean", "窗口内平均", "mean in a window"
    MIN = "min", "窗口内最小", "least in a window"
    MAX = "max", "窗口内最大", "greatest in a window"
    SINCE = "since", "距上次天数", "days since the last one"

    @property
    def looks_back(self) -> bool:
        """Tell whether it needs events with times."""
        return self in _BACK


_BACK: Final = frozenset(
    {FeatureKind.COUNT, FeatureKind.SUM, FeatureKind.MEAN, FeatureKind.MIN, FeatureKind.MAX, FeatureKind.SINCE}
)
_NO_COLUMN: Final = frozenset({FeatureKind.COUNT, FeatureKind.SINCE})


class Feature(Plain):
    """One feature: a column or a closed expression of it, or an aggregate over the days before the point in time."""

    name: str = Field(min_length=1, max_length=NAME)
    kind: FeatureKind = FeatureKind.VALUE
    column: str = Field(default="", max_length=COLUMN)
    other: str = Field(default="", max_length=COLUMN)
    """The column that a ratio divides by."""
    days: int = Field(default=0, ge=0, le=WINDOW_MOST)
    """Days of the window; 0 means all of the past."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that it is made of."""
        return tuple(one for one in (self.column, self.other) if one)


class ViewDraft(Plain):
    """A feature view as it is handed in."""

    name: str = Field(min_length=1, max_length=NAME)
    name_en: str = Field(default="", max_length=NAME)
    table: str = Field(min_length=1, max_length=NAME)
    keys: tuple[str, ...] = Field(min_length=1, max_length=KEYS_MOST)
    """Columns that say which entity a row is about."""
    event_time: str = Field(default="", max_length=COLUMN)
    """When a row became known; without it the rows are facts that do not change."""
    features: tuple[Feature, ...] = Field(min_length=1, max_length=FEATURES_MOST)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [one.name for one in self.features]
        if len(set(names)) < len(names):
            raise unfit_draft("特征名称重复。", "Two features have one name.")
        for one in self.features:
            if one.kind.looks_back and not self.event_time:
                raise unfit_draft(
                    f"特征“{one.name}”要回看过去，请指定事件时间列。",
                    f'Feature "{one.name}" looks back; name the column that says when a row became known.',
                )
            if (not one.column and one.kind not in _NO_COLUMN) or (one.kind is FeatureKind.RATIO) != bool(one.other):
                raise unfit_draft(
                    f"特征“{one.name}”缺少列；只有比值有第二列。",
                    f'Feature "{one.name}" lacks a column; a ratio, and nothing else, has a second one.',
                )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all columns that it reads."""
        made = [column for one in self.features for column in one.columns]
        return tuple(dict.fromkeys([*self.keys, *([self.event_time] if self.event_time else []), *made]))


class FeatureView(ViewDraft):
    """One revision of a feature view."""

    id: str
    revision: int
    org_id: str
    retired: bool = False
    by: str
    at: datetime

    @property
    def title(self) -> Text:
        """Return its name in both languages."""
        return Text(self.name, self.name_en or self.name)


class ViewUse(Plain):
    """A feature view in a training set, and the columns of the label's table that name its entities."""

    view: str = Field(min_length=1, max_length=60)
    on: tuple[str, ...] = Field(default=(), max_length=KEYS_MOST)
    """In the order of the view's keys; the same names if empty."""


class SetDraft(Plain):
    """A training set as it is asked for."""

    name: str = Field(min_length=1, max_length=NAME)
    name_en: str = Field(default="", max_length=NAME)
    table: str = Field(min_length=1, max_length=NAME)
    """Holds one row for each case, and the label."""
    label: str = Field(default="", max_length=COLUMN)
    """What is to be foretold; empty where groups or outliers are sought."""
    positive: tuple[str, ...] = Field(default=(), max_length=50)
    """Values of the label that count as yes, all others as no; empty leaves the label as it is."""
    time: str = Field(default="", max_length=COLUMN)
    """The point in time of each case; empty: all are seen as of ``as_of``."""
    as_of: datetime | None = None
    """Nothing later is looked at; empty: the moment of making."""
    views: tuple[ViewUse, ...] = Field(min_length=1, max_length=VIEWS_MOST)
    where: tuple[str, ...] = Field(default=(), max_length=20)
    """Conditions on the cases, each ``COLUMN=VALUE`` or ``COLUMN__op=VALUE``."""
    group: str = Field(default="", max_length=COLUMN)
    """By which errors are told apart, such as the region; it is no feature."""
    purpose: str = Field(default="", max_length=500)


class SetState(Word):
    """How a training set stands."""

    MAKING = "making", "制作中", "being made"
    READY = "ready", "可用", "ready"
    FAILED = "failed", "未完成", "failed"


class SetColumn(Plain):
    """A feature in a training set, and the columns that it was made of."""

    name: str
    numeric: bool
    table: str
    columns: tuple[str, ...]
    grade: str
    masked: bool


class Reading(Plain):
    """How a table was read for a training set."""

    version: int
    obligations: str
    receipt: str
    filtered: bool


class Reason(Plain):
    """What went wrong, in both languages."""

    code: str
    zh: str
    en: str

    @property
    def text(self) -> Text:
        """Return it as words."""
        return Text(self.zh, self.en)


class TrainingSet(Plain):
    """A recorded snapshot."""

    id: str
    org_id: str
    draft: SetDraft
    state: SetState
    by_id: str
    by: str
    at: datetime
    views: tuple[FeatureView, ...]
    """The revisions that it was made with."""
    tables: dict[str, Reading] = {}
    policy: str = ""
    """Digest of the policies in force."""
    digest: str = ""
    """SHA-256 of the rows."""
    rows: int = 0
    left_out: int = 0
    """Cases without a label, or without a point in time up to ``as_of``."""
    grade: str = ""
    columns: tuple[SetColumn, ...] = ()
    label_column: SetColumn | None = None
    group_column: SetColumn | None = None
    classes: tuple[str, ...] = ()
    error: Reason | None = None

    @property
    def title(self) -> Text:
        """Return its name in both languages."""
        return Text(self.draft.name, self.draft.name_en or self.draft.name)


class Task(Word):
    """What a model does."""

    CLASSES = "classes", "分类", "classification"
    AMOUNT = "amount", "回归", "regression"
    GROUPS = "groups", "聚类", "clustering"
    OUTLIERS = "outliers", "异常检测", "anomaly detection"

    @property
    def has_label(self) -> bool:
        """Tell whether it learns from a label."""
        return self in {Task.CLASSES, Task.AMOUNT}


class Algorithm(Word):
    """The algorithms that are offered."""

    LOGISTIC = "logistic", "逻辑回归", "logistic regression"
    BOOSTED_CLASSES = "boosted_classes", "梯度提升树（分类）", "gradient boosted trees (classification)"
    LINEAR = "linear", "岭回归", "ridge regression"
    BOOSTED_AMOUNT = "boosted_amount", "梯度提升树（回归）", "gradient boosted trees (regression)"
    K_MEANS = "k_means", "K 均值", "k-means"
    ISOLATION = "isolation", "孤立森林", "isolation forest"

    @property
    def task(self) -> Task:
        """Return what it does."""
        return _TASKS[self.value]


_TASKS: Final = {
    "logistic": Task.CLASSES,
    "boosted_classes": Task.CLASSES,
    "linear": Task.AMOUNT,
    "boosted_amount": Task.AMOUNT,
    "k_means": Task.GROUPS,
    "isolation": Task.OUTLIERS,
}

_BOOSTED: Final = {
    "trees": (100.0, 1.0, 2000.0),
    "leaves": (31.0, 2.0, 512.0),
    "rate": (0.1, 0.001, 1.0),
    "least_rows": (20.0, 1.0, 100_000.0),
}
PARAMETERS: Final[dict[Algorithm, dict[str, tuple[float, float, float]]]] = {
    Algorithm.LOGISTIC: {"strength": (1.0, 1e-6, 1e6)},
    Algorithm.BOOSTED_CLASSES: _BOOSTED,
    Algorithm.LINEAR: {"penalty": (1.0, 0.0, 1e6)},
    Algorithm.BOOSTED_AMOUNT: _BOOSTED,
    Algorithm.K_MEANS: {"groups": (4.0, 2.0, 100.0)},
    Algorithm.ISOLATION: {"trees": (100.0, 10.0, 500.0), "share": (0.02, 0.0001, 0.5)},
}
"""What may be set: usual value, least, most."""


class Split(Word):
    """How it is tried what a model is worth."""

    RANDOM = "random", "随机留出", "random hold-out"
    NEWEST = "newest", "留出最新的", "the newest held out"
    FOLDS = "folds", "交叉验证", "cross-validation"


class ModelDraft(Plain):
    """A model as it is asked for."""

    name: str = Field(min_length=1, max_length=NAME)
    name_en: str = Field(default="", max_length=NAME)
    training_set: str = Field(min_length=1, max_length=60)
    algorithm: Algorithm
    purpose: str = Field(min_length=1, max_length=WORDS)
    limits: str = Field(default="", max_length=WORDS)
    """Where it must not be used."""
    parameters: dict[str, float] = {}
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    split: Split = Split.RANDOM
    share: float = Field(default=0.25, gt=0.01, lt=0.9)
    """Part of the rows that is held out."""
    folds: int = Field(default=5, ge=2, le=10)

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = PARAMETERS[self.algorithm]
        for name, value in self.parameters.items():
            if name not in known or not known[name][1] <= value <= known[name][2]:
                offered = "; ".join(f"{n} {low:g}..{high:g}" for n, (_, low, high) in known.items())
                raise unfit_draft(
                    f"参数“{name[:40]}”不可用。可设：{offered}。",
                    f'Parameter "{name[:40]}" does not fit. There are: {offered}.',
                )
        return self

    def setting(self, name: str) -> float:
        """Return a parameter, the usual value if it was not set."""
        return self.parameters.get(name, PARAMETERS[self.algorithm][name][0])


class ModelState(Word):
    """Where a model stands in its life."""

    TRAINING = "training", "训练中", "being trained"
    FAILED = "failed", "训练未完成", "training failed"
    DRAFT = "draft", "草稿", "draft"
    REVIEW = "review", "审核中", "in review"
    APPROVED = "approved", "已批准", "approved"
    RETIRED = "retired", "已退役", "retired"


class Decided(Plain):
    """One step in the life of a model."""

    state: ModelState
    by_id: str
    by: str
    at: datetime
    note: str = ""


class Weight(Plain):
    """How much worse a model gets without a feature: its values shuffled among the rows that were held out.

    Without a label nothing gets worse. It is then how much the answers change: the mean change of the scores of outliers, or the share of
    the rows that fall into another group.
    """

    name: str
    mean: float
    spread: float


class Curve(Plain):
    """What a model says on average as one feature changes and all others stay (partial dependence)."""

    name: str
    numeric: bool
    points: tuple[tuple[str, float], ...]


class GroupError(Plain):
    """How good a model is on the rows of one group."""

    group: str
    rows: int
    figures: dict[str, float]


class Trait(Plain):
    """How a group that a model found differs from all rows in one feature."""

    name: str
    words: str
    """The mean of a number, or the commonest of texts."""
    share: float | None = None
    """The share of the group's rows that have this text."""
    off: float
    """Of a number how many standard deviations its mean lies from that of all rows; of a text how much larger its share is."""


class Profile(Plain):
    """What one group that a model found is like; its number is the one that scores name it by."""

    group: int
    rows: int
    traits: tuple[Trait, ...]


_MODEL: Final = Text("模型", "the model")
_STEPS: Final = Text("办理过程", "its history")


class LearnedModel(Plain):
    """A model with its card."""

    id: str
    org_id: str
    draft: ModelDraft
    state: ModelState
    by_id: str
    by: str
    at: datetime
    grade: str
    set_digest: str = ""
    digest: str = ""
    """SHA-256 of the model's file."""
    tried: int = 0
    """Rows that it was judged on, none of which it had learned from."""
    figures: dict[str, float] = {}
    naive: dict[str, float] = {}
    """The same figures of the simplest guess."""
    confusion: tuple[tuple[int, ...], ...] = ()
    weights: tuple[Weight, ...] = ()
    curves: tuple[Curve, ...] = ()
    groups: tuple[GroupError, ...] = ()
    profiles: tuple[Profile, ...] = ()
    """Of a model that finds groups: what each of them is like."""
    classes: tuple[str, ...] = ()
    history: tuple[Decided, ...] = ()
    error: Reason | None = None

    @property
    def title(self) -> Text:
        """Return its name in both languages."""
        return Text(self.draft.name, self.draft.name_en or self.draft.name)

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who approves it."""
        return Shown({_MODEL: (self.draft.model_dump(mode="json"), self.digest, self.figures), _STEPS: self.history})

    @property
    def approval(self) -> Decided | None:
        """Return the approval that holds, or held until it was retired."""
        return next((one for one in reversed(self.history) if one.state is ModelState.APPROVED), None)


class Rhythm(Word):
    """When scores are made anew."""

    HAND = "hand", "手工", "by hand"
    DAILY = "daily", "每日", "every day"
    WEEKLY = "weekly", "每周一", "every Monday"
    MONTHLY = "monthly", "每月一日", "on the first of each month"


class ScoreDraft(Plain):
    """How a table of scores is to be made."""

    model: str = Field(min_length=1, max_length=60)
    table: str = Field(min_length=1, max_length=NAME)
    """Whose rows are scored; it has the columns that the training set's views are joined on."""
    keep: tuple[str, ...] = Field(min_length=1, max_length=50)
    """Columns that stand beside the score, the key among them."""
    target: str = Field(min_length=1, max_length=NAME)
    time: str = Field(default="", max_length=COLUMN)
    """The point in time of each row; empty: the moment of the run."""
    where: tuple[str, ...] = Field(default=(), max_length=20)
    rhythm: Rhythm = Rhythm.HAND


class ScorePlan(Plain):
    """A table of scores that is made by hand or on schedule."""

    id: str
    org_id: str
    draft: ScoreDraft
    by_id: str
    by: str
    at: datetime
    retired: bool = False


class ShiftLevel(Word):
    """How far what is scored has moved from what was learned."""

    STEADY = "steady", "稳定", "steady"
    WATCH = "watch", "关注", "to be watched"
    MOVED = "moved", "明显偏移", "moved"


class Shift(Plain):
    """The population stability index of a feature, or of the prediction itself."""

    name: str
    index: float
    level: ShiftLevel


class ScoreState(Word):
    """How a run of scoring ended."""

    DONE = "done", "完成", "done"
    FAILED = "failed", "未完成", "failed"


class ScoreRun(Plain):
    """One run."""

    id: str
    plan_id: str
    model_id: str
    at: datetime
    by: str
    state: ScoreState
    rows: int = 0
    seconds: float = 0.0
    version: int | None = None
    tables: dict[str, int] = {}
    shifts: tuple[Shift, ...] = ()
    error: Reason | None = None

    @property
    def worst(self) -> Shift | None:
        """Return what has moved most."""
        return max(self.shifts, key=lambda one: one.index, default=None)
