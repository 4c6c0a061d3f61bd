"""Texts put right: blanks, width, placeholders, names. Each gives an expression of the query tree for one value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from beijiang.recipes.models.frame import literal

__all__ = ["BLANKS", "any_of", "narrowed", "organisation", "person", "replaced", "swapped", "trimmed", "without_blanks"]

BLANKS: Final = "\\s\u00a0\u2000-\u200b\u202f\u3000\ufeff"
"""Blanks inside a class of a pattern: those of ASCII, no-break, wide, ideographic and zero-width ones."""
_WIDE: Final = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000"
_NARROW: Final = "".join(chr(code) for code in range(0x21, 0x7F)) + " "
_DOTS: Final = "•‧・．∙⋅●‒᠂"
"""What stands for the middle dot in names of minorities and foreigners."""


def trimmed(value: exp.Expr, inner: str) -> exp.Expr:
    """Cut blanks at both ends; those inside stay (``keep``), become one (``one``) or go (``none``)."""
    if inner == "none":
        return without_blanks(value)
    found = replaced(value, f"^[{BLANKS}]+|[{BLANKS}]+$", "")
    return found if inner == "keep" else replaced(found, f"[{BLANKS}]+", " ")


def without_blanks(value: exp.Expr) -> exp.Expr:
    """Take all blanks out."""
    return replaced(value, f"[{BLANKS}]+", "")


def narrowed(value: exp.Expr) -> exp.Expr:
    """Turn full-width letters, digits and signs (U+FF01 to FF5E, U+3000) to half width.

    Engines make their table of characters anew for each value, so only values that need it get there.
    """
    wide = exp.RegexpLike(this=value.copy(), expression=literal(f"[{_WIDE[0]}-{_WIDE[-2]}{_WIDE[-1]}]"))
    return exp.Case().when(wide, swapped(value, _WIDE, _NARROW)).else_(value.copy())


def swapped(value: exp.Expr, old: str, new: str) -> exp.Expr:
    """Replace single characters by those at the same place."""
    return exp.Translate(this=value.copy(), from_=literal(old), to=literal(new))


def replaced(value: exp.Expr, pattern: str, by: str) -> exp.Expr:
    """Replace every match of a pattern; ``by`` is taken literally."""
    return exp.RegexpReplace(
        this=value.copy(), expression=literal(pattern), replacement=literal(by), modifiers=literal("g")
    )


def person(value: exp.Expr) -> exp.Expr:
    """Write a person's name as registers do: half width, one middle dot, no blanks unless there are Latin letters.

    Blanks part a foreigner's names; between Chinese characters they only fill a form.
    """
    found = swapped(narrowed(value), _DOTS, "·" * len(_DOTS))
    return replaced(_closed_up(found), f"[{BLANKS}]*·+[{BLANKS}]*", "·")


def organisation(value: exp.Expr) -> exp.Expr:
    """Write an organisation's name as registers do: half width, no blanks but between Latin words, full-width brackets."""
    return swapped(_closed_up(narrowed(value)), "()[]〔〕", "（）（）（）")


def _closed_up(value: exp.Expr) -> exp.Expr:
    latin = exp.RegexpLike(this=value.copy(), expression=literal("[A-Za-z]"))
    return exp.Case().when(latin, trimmed(value, "one")).else_(without_blanks(value))


def any_of(words: Sequence[str]) -> str:
    """Return a pattern for one of some words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
