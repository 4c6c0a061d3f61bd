"""Documents that say nearly the same: found by MinHash signatures of their word shingles, shown passage beside passage.

Two documents with a share J of shingles in common agree in about J of the 128 numbers of their signatures; banding finds
such pairs without comparing every document with every other (Broder, 1997). What it finds is then measured exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beijiang.mining.models.texts.documents import Document, Sentence

__all__ = ["LIKE", "Alike", "Passage", "alike", "candidates", "passages", "shingles", "signature"]

NUMBERS: Final = 128
SCHEME: Final = "affine32"
"""How the numbers are made; kept signatures are only comparable within one."""
SHINGLE: Final = 3
COMPARED_MOST: Final = 5_000
COMMON_MOST: Final = 200
LIKE: Final = 0.5
"""Share of shingles in common from which two documents are near duplicates."""
SEEK: Final = 0.35
"""Estimated share from which a pair is measured."""
PASSAGE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence of one document beside the one of the other that is most like it."""

    here: Sentence
    there: Sentence | None
    share: float
    """Words in common, of all words of both; 0 where there is none like it."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Another document, and what both have in common."""

    document: Document
    share: float
    """Shingles in common, of all shingles of both (Jaccard)."""
    contained: float
    """Of the shingles of this document, those that the other has too."""
    grade: str


def shingles(words: Sequence[str]) -> frozenset[str]:
    """Return every run of three words; of a shorter text its words."""
    if len(words) < SHINGLE:
        return frozenset(words)
    return frozenset("\x1f".join(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1))


def signature(words: Sequence[str]) -> tuple[int, ...]:
    """Return the MinHash signature of a text that is cut into words; the same for the same words, ever."""
    from datasketch import MinHash

    made = MinHash(num_perm=NUMBERS, seed=1, scheme=SCHEME)
    made.update_batch([one.encode() for one in sorted(shingles(words))])
    return tuple(int(value) for value in made.hashvalues)


def candidates(wanted: tuple[int, ...], others: Mapping[str, tuple[int, ...]]) -> Sequence[str]:
    """Return the documents whose signatures are near, by banding."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=SEEK, num_perm=NUMBERS)
    for name, values in others.items():
        index.insert(name, MinHash(num_perm=NUMBERS, seed=1, scheme=SCHEME, hashvalues=list(values)))
    return sorted(index.query(MinHash(num_perm=NUMBERS, seed=1, scheme=SCHEME, hashvalues=list(wanted))))


def alike(mine: frozenset[str], theirs: frozenset[str]) -> tuple[float, float]:
    """Return the share in common of both, and of the first one."""
    common = len(mine & theirs)
    return common / max(len(mine | theirs), 1), common / max(len(mine), 1)


def passages(
    here: Sequence[tuple[Sentence, Sequence[str]]], there: Sequence[tuple[Sentence, Sequence[str]]]
) -> Sequence[Passage]:
    """Return each sentence of one document beside the one most like it in the other.

    Of long documents the first ``COMPARED_MOST`` sentences; what stands in ever so many of them tells no passage from another.
    """
    here, there = here[:COMPARED_MOST], there[:COMPARED_MOST]
    known: dict[str, list[int]] = {}
    sets = [frozenset(words) for _, words in there]
    for at, words in enumerate(sets):
        for word in words:
            known.setdefault(word, []).append(at)
    found = []
    for sentence, listed in here:
        words = frozenset(listed)
        near = {at for word in words if len(known.get(word, ())) <= COMMON_MOST for at in known.get(word, ())}
        best = max(near, key=lambda at: (_share(words, sets[at]), -at), default=None)
        share = 0.0 if best is None else _share(words, sets[best])
        matched = there[best][0] if best is not None and share >= PASSAGE else None
        found.append(Passage(sentence, matched, round(share, 3) if matched is not None else 0.0))
    return found


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)
