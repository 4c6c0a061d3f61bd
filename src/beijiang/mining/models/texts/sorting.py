"""Classes of documents, learned from those that people labelled: how well it works, and which words decided.

Every reading of the numbers is on documents that were kept out of the learning (folds, each once), never on those learned from.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from beijiang.mining.models.texts.documents import Document

__all__ = ["ClassGuess", "ClassScore", "Classified", "sorter_of"]

LEAST: Final = 3
"""Labelled documents that a class needs before it can be told from others."""
FOLDS: Final = 5
DECIDING: Final = 8
SEED: Final = 20261127


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well a class is told, on documents that were not learned from."""

    label: str
    documents: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class ClassGuess:
    """The class that a document seems to be of, how sure, and the words that spoke for it most."""

    document: str
    label: str
    probability: float
    words: Sequence[tuple[str, float]]
    others: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Classified:
    """What was learned, from what, how well it works, and what it says of documents without a label."""

    digest: str
    """Names the documents and labels that it was learned from: the same ones give the same."""
    learned_from: int
    left_out: Sequence[str]
    """Labels that too few documents have."""
    accuracy: float
    baseline: float
    """What always saying the most frequent class would reach."""
    scores: Sequence[ClassScore]
    guesses: Sequence[ClassGuess]
    grade: str


def sorter_of(documents: Sequence[Document], wanted: Sequence[Document]) -> Classified | int:
    """Learn the classes of ``documents``, judge them held out, and guess ``wanted``; a number of classes if too few."""
    counted = Counter(one.label for one in documents if one.label)
    known = [one for one in documents if counted[one.label] >= LEAST and one.label]
    labels = sorted({one.label for one in known})
    if len(labels) < 2:  # noqa: PLR2004 - one class tells nothing from nothing
        return len(labels)
    known.sort(key=lambda one: one.id)
    digest = hashlib.sha256("\n".join(f"{one.id} {one.sha256} {one.label}" for one in known).encode()).hexdigest()
    truth = [one.label for one in known]
    held = _held_out([one.words for one in known], truth)
    right = sum(a == b for a, b in zip(truth, held, strict=True))
    made = _made()
    made.fit([one.words for one in known], truth)
    return Classified(
        digest=digest,
        learned_from=len(known),
        left_out=sorted(label for label, n in counted.items() if n < LEAST and label),
        accuracy=round(right / len(known), 4),
        baseline=round(max(Counter(truth).values()) / len(known), 4),
        scores=[_score(label, truth, held) for label in labels],
        guesses=[_guess(made, one) for one in wanted],
        grade=max([one.grade for one in [*known, *wanted]]),
    )


def _made() -> Any:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        DictVectorizer(),
        TfidfTransformer(sublinear_tf=True),
        LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000, random_state=SEED),
    )


def _held_out(words: Sequence[Mapping[str, int]], truth: Sequence[str]) -> Sequence[str]:
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = min(FOLDS, *Counter(truth).values())
    parts = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    return [str(one) for one in cross_val_predict(_made(), list(words), list(truth), cv=parts)]


def _score(label: str, truth: Sequence[str], held: Sequence[str]) -> ClassScore:
    hits = sum(a == b == label for a, b in zip(truth, held, strict=True))
    said, there = list(held).count(label), list(truth).count(label)
    precision, recall = hits / said if said else 0.0, hits / there
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return ClassScore(label, there, round(precision, 4), round(recall, 4), round(f1, 4))


def _guess(made: Any, one: Document) -> ClassGuess:
    """Guess a document: for a word, its weight in the document times what the class learned of it."""
    vectors, weights, model = (
        made.named_steps[n] for n in ("dictvectorizer", "tfidftransformer", "logisticregression")
    )
    row = weights.transform(vectors.transform([one.words]))
    chances = [float(p) for p in model.predict_proba(row)[0]]
    ranked = sorted(zip(model.classes_, chances, strict=True), key=lambda pair: -pair[1])
    label = str(ranked[0][0])
    names = vectors.get_feature_names_out()
    binary = len(model.classes_) == 2  # noqa: PLR2004 - then one line of numbers says both
    at = list(model.classes_).index(label)
    learned = model.coef_[0] * (1 if at else -1) if binary else model.coef_[at]
    parts = [(str(names[i]), float(v * learned[i])) for i, v in zip(row.indices, row.data, strict=True)]
    best = sorted((p for p in parts if p[1] > 0), key=lambda p: (-p[1], p[0]))[:DECIDING]
    return ClassGuess(
        one.id,
        label,
        round(ranked[0][1], 4),
        [(word, round(weight, 4)) for word, weight in best],
        [(str(name), round(p, 4)) for name, p in ranked[1:4]],
    )
