"""The port of models, and its adapters. What is kept of a model is numbers in JSON, or LightGBM's own text: never a pickle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from beijiang.mining.models.learning import Algorithm, ModelDraft, Task

if TYPE_CHECKING:
    import numpy.typing as npt
    from lightgbm import Booster

    from beijiang.mining.service.learning.encoding import Encoder

    Numbers = npt.NDArray[np.float64]

__all__ = ["Fitted", "fit", "load"]


class Fitted(Protocol):
    """A model that has learned. Rows come as ``Encoder.plain`` gives them."""

    def predict(self, rows: Numbers) -> Numbers:
        """Return one column: an amount, a group, how odd a row is; of classes one column each, which add up to 1."""
        ...

    def importance(self) -> Numbers | None:
        """Return how much the model itself makes of each of its inputs, where it can tell."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        ...


def fit(draft: ModelDraft, encoder: Encoder, rows: Numbers, label: Numbers, classes: int, threads: int) -> Fitted:
    """Learn from rows; the same rows, draft and seed give the same model."""
    if draft.algorithm in {Algorithm.BOOSTED_CLASSES, Algorithm.BOOSTED_AMOUNT}:
        return _fit_boosted(draft, encoder, rows, label, classes, threads)
    return _FITS[draft.algorithm](draft, encoder, rows, label)


def load(algorithm: Algorithm, encoder: Encoder, value: Mapping[str, Any], threads: int) -> Fitted:
    """Read what ``to_json`` gave; nothing in it is run."""
    if algorithm in {Algorithm.BOOSTED_CLASSES, Algorithm.BOOSTED_AMOUNT}:
        from lightgbm import Booster

        return Boosted(Booster(model_str=str(value["trees"])), algorithm.task, threads)
    if algorithm is Algorithm.ISOLATION:
        return Forest(encoder, [_arrays(tree) for tree in value["forest"]], float(value["rows"]))
    arrays = _arrays(value)
    if algorithm is Algorithm.LINEAR:
        return Linear(encoder, arrays["weights"], arrays["start"])
    if algorithm is Algorithm.LOGISTIC:
        return Logistic(encoder, arrays["weights"], arrays["start"])
    return Centres(encoder, arrays["centres"])


def _arrays(value: Mapping[str, Any]) -> dict[str, Numbers]:
    return {name: np.asarray(one, dtype=np.float64) for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class Linear:
    """A weighted sum."""

    encoder: Encoder
    weights: Numbers
    start: Numbers

    def predict(self, rows: Numbers) -> Numbers:
        """Return the amounts."""
        found: Numbers = self.encoder.spread(rows) @ self.weights + self.start
        return found

    def importance(self) -> Numbers:
        """Return the size of the weights."""
        return np.abs(self.weights)

    def to_json(self) -> dict[str, Any]:
        """Return the weights."""
        return {"weights": self.weights.tolist(), "start": self.start.tolist()}


@dataclass(frozen=True, slots=True)
class Logistic:
    """A weighted sum for each class but the first of two."""

    encoder: Encoder
    weights: Numbers
    start: Numbers

    def predict(self, rows: Numbers) -> Numbers:
        """Return the probabilities of the classes."""
        sums = self.encoder.spread(rows) @ self.weights.T + self.start
        if sums.shape[1] == 1:
            yes = 1.0 / (1.0 + np.exp(-np.clip(sums[:, 0], -700, 700)))
            return np.stack([1.0 - yes, yes], axis=1)
        raised = np.exp(sums - sums.max(axis=1, keepdims=True))
        found: Numbers = raised / raised.sum(axis=1, keepdims=True)
        return found

    def importance(self) -> Numbers:
        """Return the mean size of the weights."""
        found: Numbers = np.abs(self.weights).mean(axis=0)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the weights."""
        return {"weights": self.weights.tolist(), "start": self.start.tolist()}


@dataclass(frozen=True, slots=True)
class Centres:
    """The middles of groups."""

    encoder: Encoder
    centres: Numbers

    def predict(self, rows: Numbers) -> Numbers:
        """Return the number of the nearest group, from 0."""
        where = self.encoder.spread(rows)
        far = (self.centres**2).sum(axis=1) - 2.0 * (where @ self.centres.T)
        found: Numbers = far.argmin(axis=1).astype(np.float64)
        return found

    def importance(self) -> None:
        """Tell nothing."""

    def to_json(self) -> dict[str, Any]:
        """Return the middles."""
        return {"centres": self.centres.tolist()}


@dataclass(frozen=True, slots=True)
class Forest:
    """Random trees in which odd rows stand alone after few questions (Liu, Ting, Zhou 2008)."""

    encoder: Encoder
    forest: list[dict[str, Numbers]]
    rows: float
    """Rows that each tree was grown from."""

    def predict(self, rows: Numbers) -> Numbers:
        """Return how odd each row is, between 0 and 1."""
        where = self.encoder.spread(rows).astype(np.float32)
        steps = np.zeros(len(where))
        for tree in self.forest:
            steps += self._steps(tree, where)
        mean = float(_expected(np.asarray([self.rows]))[0])
        found: Numbers = 2.0 ** (-steps / (len(self.forest) * mean))
        return found

    @staticmethod
    def _steps(tree: Mapping[str, Numbers], where: npt.NDArray[np.float32]) -> Numbers:
        left, right = tree["left"].astype(np.int64), tree["right"].astype(np.int64)
        asked, limit, rest = tree["asked"].astype(np.int64), tree["limit"], _expected(tree["rows"])
        at, steps = np.zeros(len(where), dtype=np.int64), np.zeros(len(where))
        under_way = np.flatnonzero(left[at] >= 0)
        while len(under_way):
            here = at[under_way]
            lower = where[under_way, asked[here]] <= limit[here]
            at[under_way] = np.where(lower, left[here], right[here])
            steps[under_way] += 1.0
            under_way = under_way[left[at[under_way]] >= 0]
        return steps + rest[at]

    def importance(self) -> None:
        """Tell nothing."""

    def to_json(self) -> dict[str, Any]:
        """Return the questions of each tree."""
        return {"rows": self.rows, "forest": [{n: v.tolist() for n, v in tree.items()} for tree in self.forest]}


@dataclass(frozen=True, slots=True)
class Boosted:
    """Trees of LightGBM, each of which mends what those before got wrong."""

    trees: Booster
    task: Task
    threads: int

    def predict(self, rows: Numbers) -> Numbers:
        """Return amounts, or the probabilities of the classes."""
        found: Numbers = np.asarray(self.trees.predict(rows, num_threads=self.threads))
        if self.task is Task.CLASSES and found.ndim == 1:
            return np.stack([1.0 - found, found], axis=1)
        return found

    def importance(self) -> Numbers:
        """Return what each feature gained."""
        return np.asarray(self.trees.feature_importance("gain"), dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Return LightGBM's own text."""
        return {"trees": self.trees.model_to_string()}


_EULER: Final = 0.5772156649015329


def _expected(rows: Numbers) -> Numbers:
    """Return how many questions it takes on average to tell apart so many rows in a search tree."""
    many = np.maximum(rows, 2.0)
    long = 2.0 * (np.log(many - 1.0 + 1e-300) + _EULER) - 2.0 * (many - 1.0) / many
    return np.where(rows <= 1, 0.0, np.where(rows <= 2, 1.0, long))  # noqa: PLR2004 - one row, two rows


def _fit_boosted(
    draft: ModelDraft, encoder: Encoder, rows: Numbers, label: Numbers, classes: int, threads: int
) -> Boosted:
    import lightgbm

    several = classes > 2  # noqa: PLR2004 - yes and no
    goal = "regression" if draft.algorithm.task is Task.AMOUNT else "multiclass" if several else "binary"
    settings: dict[str, Any] = {
        "objective": goal,
        "num_leaves": int(draft.setting("leaves")),
        "learning_rate": draft.setting("rate"),
        "min_data_in_leaf": int(draft.setting("least_rows")),
        "seed": draft.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "verbosity": -1,
        **({"num_class": classes} if several else {}),
    }
    names = [f"f{place}" for place in range(rows.shape[1])]
    learned = lightgbm.Dataset(
        rows, label=label, feature_name=names, categorical_feature=list(encoder.listed), params=settings
    )
    trees = lightgbm.train(settings, learned, num_boost_round=int(draft.setting("trees")))
    return Boosted(trees, draft.algorithm.task, threads)


def _fit_linear(draft: ModelDraft, encoder: Encoder, rows: Numbers, label: Numbers) -> Linear:
    from sklearn.linear_model import Ridge

    made = Ridge(alpha=draft.setting("penalty"), solver="cholesky").fit(encoder.spread(rows), label)
    return Linear(encoder, np.asarray(made.coef_), np.asarray(made.intercept_))


def _fit_logistic(draft: ModelDraft, encoder: Encoder, rows: Numbers, label: Numbers) -> Logistic:
    from sklearn.linear_model import LogisticRegression

    made = LogisticRegression(C=draft.setting("strength"), max_iter=500, random_state=draft.seed)
    made.fit(encoder.spread(rows), label.astype(int))
    return Logistic(encoder, np.asarray(made.coef_), np.asarray(made.intercept_))


def _fit_groups(draft: ModelDraft, encoder: Encoder, rows: Numbers, label: Numbers) -> Centres:
    from sklearn.cluster import KMeans

    del label
    made = KMeans(n_clusters=int(draft.setting("groups")), n_init=4, random_state=draft.seed)
    return Centres(encoder, np.asarray(made.fit(encoder.spread(rows)).cluster_centers_))


def _fit_forest(draft: ModelDraft, encoder: Encoder, rows: Numbers, label: Numbers) -> Forest:
    from sklearn.ensemble import IsolationForest

    del label
    made = IsolationForest(n_estimators=int(draft.setting("trees")), random_state=draft.seed)
    made.fit(encoder.spread(rows))
    grown = [
        {
            "left": one.tree_.children_left.astype(float),
            "right": one.tree_.children_right.astype(float),
            "asked": chosen[one.tree_.feature].astype(float),
            "limit": one.tree_.threshold.astype(float),
            "rows": one.tree_.n_node_samples.astype(float),
        }
        for one, chosen in zip(made.estimators_, made.estimators_features_, strict=True)
    ]
    return Forest(encoder, grown, float(made.max_samples_))


_FITS: Final[Mapping[Algorithm, Callable[[ModelDraft, Encoder, Numbers, Numbers], Fitted]]] = {
    Algorithm.LINEAR: _fit_linear,
    Algorithm.LOGISTIC: _fit_logistic,
    Algorithm.K_MEANS: _fit_groups,
    Algorithm.ISOLATION: _fit_forest,
}
