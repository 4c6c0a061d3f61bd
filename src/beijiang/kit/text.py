"""Words: bilingual text, one normal form for comparison, and the character pairs that search is built on."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Language(StrEnum):
    """The two languages of the product; Chinese comes first."""

    ZH = "zh-CN"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """Hold one message in both languages, so that neither can be forgotten (ADR 3)."""

    zh: str
    en: str

    def in_language(self, language: Language) -> str:
        """Return the wording for ``language``."""
        return self.zh if language is Language.ZH else self.en

    def __str__(self) -> str:
        return self.zh


class Word(StrEnum):
    """A word of a closed list that carries its name in both languages: ``ACTIVE = "active", "在册", "there"``."""

    text: Text

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        """Make a member that is its own string and carries its name."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = Text(zh, en)
        return member


_RUN = re.compile(r"[0-9a-z]+|[㐀-鿿豈-﫿\U00020000-\U0003134f]+|[^\W\d_]+")


_FORMULA = re.compile(r"^[=+\-@\t\r\n＝＋－＠]")


def guard_formula(value: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula."""
    return "'" + value if _FORMULA.match(value) else value


def half_width(value: str) -> str:
    """Turn full-width letters, digits and blanks (U+FF01-FF5E, U+3000) into their ASCII forms."""
    return value.translate(_HALF_WIDTH)


def full_width_marks(value: str) -> str:
    """Turn ASCII marks into the full-width ones that Chinese is written with; letters, digits and blanks stay."""
    return value.translate(_FULL_WIDTH_MARKS)


_FULL_WIDTH_MARKS = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()}
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def normalise(value: str) -> str:
    """Return the form in which two texts are compared: NFKC, lower case, single blanks, no control characters."""
    return " ".join(plain_text(unicodedata.normalize("NFKC", value)).lower().split())


def plain_text(value: str) -> str:
    """Return text with a blank for each control character: PostgreSQL keeps no NUL, and nobody types one on purpose."""
    return _CONTROL.sub(" ", value)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def bigrams(value: str) -> list[str]:
    """Cut text into overlapping character pairs, run by run; each run also yields its last character.

    Latin and digit runs stay whole words. ``"人口库 GDP"`` gives ``["人口", "口库", "库", "gdp"]``.
    """
    terms: list[str] = []
    for run in _RUN.findall(normalise(value)):
        if run.isascii():
            terms.append(run)
            continue
        terms.extend(run[i : i + 2] for i in range(len(run) - 1))
        terms.append(run[-1])
    return terms
