"""Documents as they are kept, and the passages that their text falls into."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from beijiang.kit import Word

__all__ = ["Document", "DocumentDraft", "DocumentForm", "Sentence", "personal_marks", "sentences_of"]

_PARAGRAPH: Final = re.compile(r"[^\n]+")
_SENTENCE: Final = re.compile(r"[^。！？!?]+[。！？!?]*[”’」』）)]*")
_CITIZEN: Final = re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])")
_MOBILE: Final = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")


class DocumentForm(Word):
    """What a document was written in."""

    TEXT = "text", "纯文本", "plain text"
    MARKDOWN = "markdown", "Markdown", "Markdown"
    WORD = "docx", "Word（docx）", "Word (docx)"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, with where it stands in the text of its document."""

    place: int
    """From 0, through the whole document."""
    paragraph: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDraft:
    """A document as it is handed in."""

    name: str
    """The file's name; its ending says what it is."""
    title: str = ""
    """Without one the file's name is taken."""
    grade: str = ""
    """L1 to L3; without one it is found from what is in the text, and never below that."""
    label: str = ""
    """The class that a person gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that an organisation keeps; its bytes are under ``sha256``, unchanged."""

    id: str
    org_id: str
    name: str
    title: str
    form: DocumentForm
    sha256: str
    size: int
    characters: int
    sentences: int
    grade: str
    label: str
    words: Mapping[str, int] = field(repr=False)
    """Its words and how often each occurs: what the corpus of the organisation is counted from."""
    signature: tuple[int, ...] = field(repr=False)
    """By which documents that say nearly the same are found."""
    by: str
    by_name: str
    at: datetime
    retired: bool = False


def sentences_of(text: str) -> Sequence[Sentence]:
    """Cut a text into sentences, paragraph by paragraph; what carries no letter is none."""
    return list(_sentences(text))


def _sentences(text: str) -> Iterator[Sentence]:
    place = 0
    for number, paragraph in enumerate(_PARAGRAPH.finditer(text)):
        for found in _SENTENCE.finditer(paragraph.group()):
            words = found.group()
            stripped = words.strip()
            if not any(c.isalnum() for c in stripped):
                continue
            start = paragraph.start() + found.start() + len(words) - len(words.lstrip())
            yield Sentence(place, number, start, start + len(stripped), stripped)
            place += 1


def personal_marks(text: str) -> int:
    """Count what looks like citizen numbers and mobile numbers: a document that holds any is L3 at least."""
    return len(_CITIZEN.findall(text)) + len(_MOBILE.findall(text))
