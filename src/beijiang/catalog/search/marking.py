"""Mark in a text what a search matched."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from beijiang.catalog.models import Span

_WINDOW = 120


def folded(text: str) -> tuple[str, Sequence[int]]:
    """Return the comparable form of ``text`` and, for each of its characters, the place it came from."""
    if unicodedata.is_normalized("NFKC", text) and len(lowered := text.lower()) == len(text):
        return lowered, range(len(text))
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for part in unicodedata.normalize("NFKC", character).lower():
            characters.append(part)
            places.append(place)
    return "".join(characters), places


def places_of(text: str, needles: Iterable[str]) -> set[int]:
    """Return the places in ``text`` that the needles cover; a Latin needle matches from a word's beginning."""
    plain, places = folded(text)
    found: set[int] = set()
    for needle in needles:
        at = plain.find(needle)
        while at >= 0:
            if not _inside_word(plain, at, needle):
                found.update(places[at : at + len(needle)])
            at = plain.find(needle, at + 1)
    return found


def _inside_word(plain: str, at: int, needle: str) -> bool:
    before = plain[at - 1] if at else " "
    return needle[0].isascii() and needle[0].isalnum() and before.isascii() and before.isalnum()


def spans(text: str, marked: set[int]) -> tuple[Span, ...]:
    """Cut ``text`` into marked and unmarked pieces."""
    found: list[Span] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or (end in marked) is not (start in marked):
            found.append(Span(text[start:end], start in marked))
            start = end
    return tuple(found)


def snippet(text: str, needles: Sequence[str]) -> tuple[Span, ...]:
    """Return the part of a long text around its first match, marked."""
    marked = places_of(text, needles)
    start = max(0, min(marked, default=0) - 20) if len(text) > _WINDOW else 0
    end = min(len(text), start + _WINDOW)
    part = spans(text[start:end], {place - start for place in marked if start <= place < end})
    head = (Span("…"),) if start else ()
    return (*head, *part, *((Span("…"),) if end < len(text) else ()))


__all__ = ["folded", "places_of", "snippet", "spans"]
