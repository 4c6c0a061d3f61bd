"""What a model is worth and why it says what it says: figures on rows that it did not learn from, shuffled features, groups, curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.mining.models.learning import GROUP_LEAST, Curve, GroupError, Task, Weight

if TYPE_CHECKING:
    import numpy.typing as npt

    from beijiang.mining.service.learning.encoding import Encoder
    from beijiang.mining.service.learning.learners import Fitted

    Numbers = npt.NDArray[np.float64]

__all__ = ["LEADING", "confusion_of", "curves_of", "figures_of", "group_errors", "naive_figures", "weights_of"]

LEADING: Final = {
    Task.CLASSES: "log_loss",
    Task.AMOUNT: "mean_squared",
    Task.GROUPS: "silhouette",
    Task.OUTLIERS: "spread",
}
"""By which models of one task are held against each other."""
SHUFFLES: Final = 5
SAMPLE: Final = 20_000
CURVE_ROWS: Final = 500
CURVE_POINTS: Final = 20
CURVES: Final = 8
GROUPS_MOST: Final = 30
SMALL: Final = "（其余）"
_LEAST: Final = 1e-15


def figures_of(task: Task, label: Numbers, said: Numbers, rows: Numbers | None = None) -> dict[str, float]:
    """Return the figures of a task; for groups the rows are needed as the model sees them."""
    if task is Task.CLASSES:
        return _class_figures(label.astype(np.int64), said)
    if task is Task.AMOUNT:
        return _amount_figures(label, said)
    if task is Task.OUTLIERS:
        return {"mean": float(said.mean()), "spread": float(said.std()), "greatest": float(said.max())}
    return _group_figures(said, rows)


def _class_figures(label: npt.NDArray[np.int64], said: Numbers) -> dict[str, float]:
    from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

    many = said.shape[1]
    guess = said.argmax(axis=1)
    own = np.clip(said[np.arange(len(label)), label], _LEAST, 1.0)
    found = {"accuracy": float((guess == label).mean()), "log_loss": float(-np.log(own).mean())}
    mean = "binary" if many == 2 else "macro"  # noqa: PLR2004 - yes and no
    for name, figure in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        found[name] = float(figure(label, guess, average=mean, zero_division=0.0))
    there = np.unique(label)
    if many == 2 and len(there) == 2:  # noqa: PLR2004
        found["auc"] = float(roc_auc_score(label, said[:, 1]))
    elif len(there) == many:
        found["auc"] = float(roc_auc_score(label, said, multi_class="ovr", labels=np.arange(many)))
    return found


def _amount_figures(label: Numbers, said: Numbers) -> dict[str, float]:
    off = said - label
    whole = float(((label - label.mean()) ** 2).sum())
    return {
        "mean_absolute": float(np.abs(off).mean()),
        "mean_squared": float((off**2).mean()),
        "root_mean_squared": float(np.sqrt((off**2).mean())),
        "r_squared": 1.0 - float((off**2).sum()) / whole if whole else 0.0,
    }


def _group_figures(said: Numbers, rows: Numbers | None) -> dict[str, float]:
    from sklearn.metrics import silhouette_score

    found = {"groups": float(len(np.unique(said)))}
    if rows is not None and 1 < found["groups"] < len(said):
        most = min(len(said), 2000)
        found["silhouette"] = float(silhouette_score(rows, said, sample_size=most, random_state=0))
    return found


def naive_figures(task: Task, learned: Numbers, label: Numbers, classes: int) -> dict[str, float]:
    """Return the figures of the simplest guess: the shares of the classes, or the mean, of what was learned from."""
    if not task.has_label:
        return {}
    if task is Task.AMOUNT:
        return figures_of(task, label, np.full(len(label), learned.mean()))
    shares = np.bincount(learned.astype(np.int64), minlength=classes) / max(1, len(learned))
    return figures_of(task, label, np.tile(shares, (len(label), 1)))


def confusion_of(label: Numbers, said: Numbers) -> tuple[tuple[int, ...], ...]:
    """Return how many rows of each class (line) were taken for each (column)."""
    many = said.shape[1]
    places = label.astype(np.int64) * many + said.argmax(axis=1)
    return tuple(map(tuple, np.bincount(places, minlength=many * many).reshape(many, many).tolist()))


def _moved(task: Task, before: Numbers, said: Numbers) -> float:
    """Return how much the answers of a model without a label changed: scores by their mean change, groups by the share of rows that left theirs."""
    return float((before != said).mean()) if task is Task.GROUPS else float(np.abs(said - before).mean())


def _loss(task: Task, label: Numbers, said: Numbers) -> float:
    figures = figures_of(task, label, said)
    return figures[LEADING[task]]


def weights_of(
    model: Fitted, encoder: Encoder, task: Task, rows: Numbers, label: Numbers, seed: int
) -> tuple[Weight, ...]:
    """Return how much worse the model gets, or how much its answers change, when a feature is shuffled; the most important first."""
    if not len(rows):
        return ()
    dice = np.random.default_rng(seed)
    if len(rows) > SAMPLE:
        some = np.sort(dice.choice(len(rows), SAMPLE, replace=False))
        rows, label = rows[some], label[some]
    plain = model.predict(rows)
    before = _loss(task, label, plain) if task.has_label else 0.0
    found = []
    for place, name in enumerate(encoder.names):
        worse = []
        changed = rows.copy()
        for _ in range(SHUFFLES):
            changed[:, place] = dice.permutation(rows[:, place])
            said = model.predict(changed)
            worse.append(_loss(task, label, said) - before if task.has_label else _moved(task, plain, said))
        found.append(Weight(name=name, mean=float(np.mean(worse)), spread=float(np.std(worse))))
    return tuple(sorted(found, key=lambda one: -one.mean))


def curves_of(
    model: Fitted, encoder: Encoder, rows: Numbers, names: Sequence[str], shown: Callable[[Numbers], Numbers], seed: int
) -> tuple[Curve, ...]:
    """Return the mean prediction as one feature takes its usual values, for the first few of some features."""
    dice = np.random.default_rng(seed)
    some = rows if len(rows) <= CURVE_ROWS else rows[np.sort(dice.choice(len(rows), CURVE_ROWS, replace=False))]
    found = []
    for name in list(names)[:CURVES] if len(some) else ():
        place = encoder.names.index(name)
        encoding = encoder.encodings[place]
        points = []
        for words, value in _grid(encoding.values, rows[:, place]):
            changed = some.copy()
            changed[:, place] = value
            points.append((words, float(shown(model.predict(changed)).mean())))
        found.append(Curve(name=name, numeric=encoding.numeric, points=tuple(points)))
    return tuple(found)


def _grid(values: tuple[str, ...] | None, column: Numbers) -> list[tuple[str, float]]:
    if values is not None:
        many = np.bincount(column[~np.isnan(column)].astype(np.int64), minlength=len(values) + 1)
        order = sorted(range(len(values)), key=lambda place: -many[place])
        return [(values[place], float(place)) for place in order[:CURVE_POINTS] if many[place] >= GROUP_LEAST]
    there = column[np.isfinite(column)]
    if not len(there):
        return []
    # Between the 2nd and 98th of a hundred: the outermost values are single cases, and curves there say nothing.
    marks = np.unique(np.quantile(there, np.linspace(0.02, 0.98, CURVE_POINTS)))
    return [(f"{value:.6g}", float(value)) for value in marks]


def group_errors(task: Task, groups: Sequence[str], label: Numbers, said: Numbers) -> tuple[GroupError, ...]:
    """Return the figures of each group; groups of few rows are put together."""
    if not len(groups):
        return ()
    names, places, many = np.unique(
        np.asarray(groups, dtype=object).astype(str), return_inverse=True, return_counts=True
    )
    large = [place for place in np.argsort(-many, kind="stable") if many[place] >= GROUP_LEAST][:GROUPS_MOST]
    found = []
    for place in large:
        mine = places == place
        found.append(
            GroupError(group=str(names[place]), rows=int(mine.sum()), figures=figures_of(task, label[mine], said[mine]))
        )
    rest = ~np.isin(places, large)
    if int(rest.sum()) >= GROUP_LEAST:
        found.append(GroupError(group=SMALL, rows=int(rest.sum()), figures=figures_of(task, label[rest], said[rest])))
    return tuple(found)
