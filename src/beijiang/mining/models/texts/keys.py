"""Keywords and key sentences: how rare a word is in the organisation's documents, and how words hang together.

TF-IDF weighs a word by how often this document has it and how few others do. TextRank needs no others: words that stand
near each other vote for each other, sentences that share words do (Mihalcea and Tarau, 2004).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from beijiang.kit import Word

if TYPE_CHECKING:
    from beijiang.mining.models.texts.documents import Sentence

__all__ = ["Keys", "Keyword", "KeywordWay", "key_sentences", "keywords"]

T = TypeVar("T")

WINDOW: Final = 5
DAMPING: Final = 0.85
ROUNDS: Final = 50
CLOSE: Final = 1e-6
SENTENCES_MOST: Final = 1500
"""Sentences that are compared with each other; of longer documents the first ones are."""


class KeywordWay(Word):
    """How keywords are found."""

    TFIDF = "tfidf", "TF-IDF（对照本单位文档）", "TF-IDF against the organisation's documents"
    TEXTRANK = "textrank", "TextRank（只看本文档）", "TextRank within the document"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word, how much it weighs (1 for the first one), how often it occurs here and in how many documents."""

    word: str
    weight: float
    count: int
    documents: int


@dataclass(frozen=True, slots=True)
class Keys:
    """What a document is about, and of how many documents that was judged."""

    way: KeywordWay
    words: Sequence[Keyword]
    sentences: Sequence[tuple[Sentence, float]]
    corpus: int
    grade: str


def keywords(
    words: Sequence[str], corpus: Iterable[Mapping[str, int]], way: KeywordWay, most: int = 20
) -> tuple[Sequence[Keyword], int]:
    """Return the keywords of a document that is cut into ``words``, heaviest first, and the size of the corpus."""
    counts, others = Counter(words), Counter[str]()
    size = 0
    for one in corpus:
        size += 1
        others.update(one.keys() & counts.keys())
    if way is KeywordWay.TFIDF:
        total = max(len(words), 1)
        weights = {w: n / total * (math.log((1 + size) / (1 + others[w])) + 1) for w, n in counts.items()}
    else:
        weights = _ranked(_neighbours(words))
    best = sorted(weights, key=lambda w: (-weights[w], w))[:most]
    top = weights[best[0]] if best else 1.0
    return [Keyword(w, round(weights[w] / top, 4), counts[w], others[w]) for w in best], size


def key_sentences(
    sentences: Sequence[Sentence], cut: Sequence[Sequence[str]], most: int = 5
) -> Sequence[tuple[Sentence, float]]:
    """Return the sentences that most others have words in common with, in the order of the text."""
    kept = [(s, set(words)) for s, words in zip(sentences[:SENTENCES_MOST], cut, strict=False) if len(set(words)) > 1]
    places: dict[str, list[int]] = {}
    for at, (_, words) in enumerate(kept):
        for word in words:
            places.setdefault(word, []).append(at)
    shared = Counter[tuple[int, int]]()
    for found in places.values():
        if len(found) < len(kept) / 2 + 2:
            shared.update((a, b) for i, a in enumerate(found) for b in found[i + 1 :])
    graph: dict[int, dict[int, float]] = {at: {} for at in range(len(kept))}
    for (a, b), n in shared.items():
        likeness = n / (math.log(len(kept[a][1]) + 1) + math.log(len(kept[b][1]) + 1))
        graph[a][b] = graph[b][a] = likeness
    ranks = _ranked(graph)
    best = sorted(ranks, key=lambda at: (-ranks[at], at))[:most]
    top = max((ranks[at] for at in best), default=1.0)
    return [(kept[at][0], round(ranks[at] / top, 4)) for at in sorted(best)]


def _neighbours(words: Sequence[str]) -> dict[str, dict[str, float]]:
    graph: dict[str, dict[str, float]] = {word: {} for word in words}
    for at, word in enumerate(words):
        for other in words[at + 1 : at + WINDOW]:
            if other != word:
                graph[word][other] = graph[word].get(other, 0.0) + 1.0
                graph[other][word] = graph[other].get(word, 0.0) + 1.0
    return graph


def _ranked(graph: Mapping[T, Mapping[T, float]]) -> dict[T, float]:
    """Return how much weight flows to each node in the long run (PageRank with weights)."""
    ranks = dict.fromkeys(graph, 1.0)
    sums = {node: sum(edges.values()) for node, edges in graph.items()}
    for _ in range(ROUNDS):
        fresh = {
            node: 1 - DAMPING + DAMPING * sum(ranks[other] * w / sums[other] for other, w in edges.items())
            for node, edges in graph.items()
        }
        moved = max((abs(fresh[node] - ranks[node]) for node in graph), default=0.0)
        ranks = fresh
        if moved < CLOSE:
            break
    return ranks
