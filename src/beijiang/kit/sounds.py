"""How Chinese sounds: pinyin by character, and the order that it gives."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from beijiang.kit.text import normalise

__all__ = ["sound_order", "syllables"]


def syllables(text: str) -> list[str]:
    """Return one syllable per character: pinyin without tones, letters and digits as they are, others empty."""
    from pypinyin import lazy_pinyin

    plain = "".join(_plain(character) for character in text)
    return [s if s.isascii() and s.isalnum() else "" for s in lazy_pinyin(plain, errors=_apart)]


def _apart(text: str) -> Any:
    return list(text)  # one entry per character; pypinyin types the handler too narrowly


def _plain(character: str) -> str:
    folded = normalise(character)
    return folded if len(folded) == 1 else "□"


@lru_cache(maxsize=20_000)
def sound_order(text: str) -> str:
    """Return what text is sorted by: Chinese by its pinyin, other letters without regard to their case."""
    return "\x01".join(sound or character for sound, character in zip(syllables(text), normalise(text), strict=False))
