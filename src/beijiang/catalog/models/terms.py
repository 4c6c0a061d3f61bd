"""Search words as character pairs, and the conditions made of them; the same on every database.

A run of letters is stored as its overlapping pairs and its last character, a run of Latin letters or digits as one word
(`kit.bigrams`). A phrase of consecutive pairs then matches exactly where the text contains the word; Latin words match
from their beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from beijiang.kit import bigrams, normalise

_RUN = re.compile(r"[0-9a-z]+|[㐀-鿿豈-﫿\U00020000-\U0003134f]+|[^\W\d_]+")
WORDS_LIMIT = 8
WORD_LIMIT = 64


class Scope(StrEnum):
    """Where a phrase is looked for."""

    TEXT = "text"
    """Name, summary, words and fields."""
    NAME = "name"
    SOUND = "sound"
    """Pinyin and initials of the name and of the provider, from each character on."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Consecutive terms; with ``open_end`` the last one may go on."""

    terms: tuple[str, ...]
    open_end: bool = False
    scope: Scope = Scope.TEXT


@dataclass(frozen=True, slots=True)
class All:
    """Every part matches."""

    parts: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part matches."""

    parts: tuple[Match, ...]


Match: TypeAlias = "Phrase | All | Any"


def words_of(text: str) -> tuple[str, ...]:
    """Split what was typed at blanks into words that contain something to look for."""
    found = (word[:WORD_LIMIT] for word in normalise(text).split(" "))
    return tuple(word for word in found if _RUN.search(word))[:WORDS_LIMIT]


def phrase(word: str, scope: Scope = Scope.TEXT) -> Phrase:
    """Return the phrase that matches exactly where the text contains ``word``."""
    runs = _RUN.findall(word)
    terms: list[str] = []
    for run in runs[:-1]:
        terms.extend(bigrams(run))
    last = runs[-1]
    if last.isascii() or len(last) == 1:
        return Phrase((*terms, last), open_end=True, scope=scope)
    return Phrase((*terms, *pairs(last)), scope=scope)


def pairs(run: str) -> tuple[str, ...]:
    """Return the overlapping pairs of one run, without its lone last character."""
    return tuple(run[i : i + 2] for i in range(len(run) - 1))


def pieces(word: str) -> tuple[Phrase, ...]:
    """Return the smallest searchable pieces of a word: its pairs, single characters and Latin words."""
    found: dict[Phrase, None] = {}
    for run in _RUN.findall(word):
        if run.isascii() or len(run) == 1:
            found[Phrase((run,), open_end=True)] = None
        else:
            found |= {Phrase((pair,)): None for pair in pairs(run)}
    return tuple(found)


def all_of(parts: Iterable[Match]) -> Match:
    """Join conditions by AND."""
    listed = tuple(parts)
    return listed[0] if len(listed) == 1 else All(listed)


def any_of(parts: Iterable[Match]) -> Match:
    """Join conditions by OR."""
    listed = tuple(parts)
    return listed[0] if len(listed) == 1 else Any(listed)


def near_misses(word: str) -> tuple[tuple[Match, str], ...]:
    """Return what ``word`` may have been with one mistake: a condition to find candidates, a pattern to be sure.

    Mistakes are one wrong, missing or superfluous character, or two that changed places; words of three
    characters or more of one run only.
    """
    if not _RUN.fullmatch(word) or word.isascii() or len(word) < 3:  # noqa: PLR2004 - two characters leave no anchor
        return ()
    found: dict[str, tuple[Match, str]] = {}
    for i in range(len(word)):
        left, right = word[:i], word[i + 1 :]
        _near(found, [left, right], f"{re.escape(left)}.{re.escape(right)}")
        if i:
            _near(found, [left, word[i:]], f"{re.escape(left)}.{re.escape(word[i:])}")
        _near(found, [left + right], re.escape(left + right))
        if i + 1 < len(word):
            swapped = left + word[i + 1] + word[i] + word[i + 2 :]
            _near(found, [swapped], re.escape(swapped))
    return tuple(found.values())


def _near(found: dict[str, tuple[Match, str]], parts: Sequence[str], pattern: str) -> None:
    kept = [part for part in parts if len(part) > 1]
    if kept and sum(len(part) for part in kept) * 2 >= len("".join(parts)):
        found.setdefault(pattern, (all_of(phrase(part) for part in kept), pattern))


__all__ = [
    "All",
    "Any",
    "Match",
    "Phrase",
    "Scope",
    "all_of",
    "any_of",
    "near_misses",
    "pairs",
    "phrase",
    "pieces",
    "words_of",
]
