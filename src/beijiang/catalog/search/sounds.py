"""Pinyin of names, made when they are written; a query is only turned into sounds when everything else found nothing."""

from __future__ import annotations

from collections.abc import Sequence

from beijiang.kit import syllables

_LONGEST = 12


def sound_terms(sounds: Sequence[str]) -> list[str]:
    """Return, from each character on, the joined pinyin and the joined initials, so that a prefix finds any part."""
    found: dict[str, None] = {}
    for start, sound in enumerate(sounds):
        if sound:
            part = [s for s in sounds[start : start + _LONGEST] if s]
            found["".join(part)] = None
            found["".join(s[0] for s in part)] = None
    return list(found)


def sounding(sounds: Sequence[str], wanted: str) -> tuple[int, int] | None:
    """Return the range of characters whose pinyin or initials begin with ``wanted``."""
    for start, first in enumerate(sounds):
        if not first:
            continue
        full = initials = ""
        for end in range(start, min(start + _LONGEST, len(sounds))):
            full += sounds[end]
            initials += sounds[end][:1]
            if full.startswith(wanted) or initials.startswith(wanted):
                return start, end + 1
    return None


__all__ = ["sound_terms", "sounding", "syllables"]
