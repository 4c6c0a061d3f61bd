"""Tasks of a work plan, read from its text: headings, who leads and who takes part, numeric targets, deadlines.

It proposes and decides nothing: every finding says from which sentence it is, and a person goes through them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from beijiang.kit import half_width
from beijiang.mining.models.texts.days import deadline
from beijiang.mining.models.texts.documents import Sentence, sentences_of
from beijiang.mining.models.texts.roles import Body, Parties, parties
from beijiang.mining.models.texts.targets import Target, has_passed, targets

__all__ = ["PlanFound", "TaskFound", "tasks_of"]

NUMERALS: Final = "一二三四五六七八九十"
TITLE_MOST: Final = 60
SUMMARY_MOST: Final = 400
_PART: Final = re.compile(rf"^\s*#*\s*(?P<no>[{NUMERALS}]{{1,3}})、\s*(?P<title>[^。]{{2,{TITLE_MOST}}})。?\s*$")
_TASK: Final = re.compile(
    rf"^\s*#*\s*(?:[（(](?P<han>[{NUMERALS}]{{1,3}})[）)]|(?P<latin>\d{{1,2}})[.．、](?!\d))\s*(?P<title>[^。\n：:]{{2,{TITLE_MOST}}})[。：:]?"
)
_OVERALL: Final = re.compile(rf"^\s*#*\s*(?:[{NUMERALS}]{{1,3}}、)?\s*(?P<title>总体(?:目标|要求))[。：:]?")
_YEAR: Final = re.compile(r"(?<!\d)(20\d{2})\s*年")
_BRACKET: Final = re.compile(r"[（(][^（()）]*[）)]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFound:
    """One task, and the sentences that it was read from."""

    number: str
    """As 2.1: second part, first task; 0 is the overall target."""
    part: str
    title: str
    summary: str
    leads: tuple[Body, ...]
    joint: tuple[Body, ...]
    unknown: tuple[str, ...]
    """Words that stand where a body is named and are none that is known."""
    targets: tuple[Target, ...]
    due_on: date | None
    due_words: str = ""
    sentences: tuple[Sentence, ...] = ()
    """All of the task, its heading first."""


@dataclass(frozen=True, slots=True)
class PlanFound:
    """What was read from a document, with what was left out."""

    year: int | None
    tasks: Sequence[TaskFound]
    grade: str
    document: str = ""
    sha256: str = ""


@dataclass(slots=True)
class _Piece:
    number: str
    part: str
    title: str
    begin: int
    """Where what follows the heading begins."""
    start: int
    end: int = 0
    words: list[str] = field(default_factory=list)


def tasks_of(text: str, bodies: Mapping[str, Sequence[str]]) -> tuple[int | None, Sequence[TaskFound]]:
    """Return the year that a plan is for, and its tasks; ``bodies`` maps names of organisations to their ids."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    flat = half_width(text)
    years = Counter(int(year) for year in _YEAR.findall(flat[:2000])) or Counter(map(int, _YEAR.findall(flat)))
    year = max(years, key=lambda one: (years[one], one), default=None)
    sentences = sentences_of(text)
    return year, [_task(piece, flat, sentences, bodies, year) for piece in _pieces(flat)]


def _pieces(text: str) -> Iterator[_Piece]:
    """Yield the stretch of every task: from its heading to the next heading of either kind."""
    part, part_no, in_part, at = "", 0, 0, 0
    current: _Piece | None = None
    for line in text.splitlines(keepends=True):
        here, at = at, at + len(line)
        overall, head, task = _OVERALL.match(line), _PART.match(line), _TASK.match(line)
        if not (overall or head or task):
            continue
        if current is not None:
            current.end = here
            yield current
            current = None
        if overall is not None and part_no == 0:
            current = _Piece("0", "总体", overall["title"], here + overall.end(), here)
        elif head is not None:
            part, part_no, in_part = head["title"].strip(), _numeral(head["no"], part_no), 0
        elif task is not None:
            in_part = _numeral(task["han"] or task["latin"], in_part)
            number = f"{part_no}.{in_part}" if part_no else str(in_part)
            current = _Piece(number, part, task["title"].strip(), here + task.end(), here)
    if current is not None:
        current.end = len(text)
        yield current


def _numeral(words: str, before: int) -> int:
    """Read 一 to 九十九, or digits; one more than before where it is neither."""
    if words.isdigit():
        return int(words)
    tens, ten, ones = words.partition("十")
    digits = {c: n for n, c in enumerate(NUMERALS[:9], 1)}
    if ten:
        return 10 * digits.get(tens, 1) + digits.get(ones, 0)
    return digits.get(words, before + 1)


def _task(
    piece: _Piece, text: str, sentences: Sequence[Sentence], bodies: Mapping[str, Sequence[str]], year: int | None
) -> TaskFound:
    mine = [one for one in sentences if one.end > piece.start and one.start < piece.end]
    body = text[piece.begin : piece.end]
    named: Parties = parties(body, bodies)
    due_on, due_words = _due(mine, year)
    found = [one for s in mine for one in targets(half_width(s.text), s.place)]
    return TaskFound(
        number=piece.number,
        part=piece.part,
        title=piece.title,
        summary=_summary(body),
        leads=named.leads,
        joint=named.joint,
        unknown=named.unknown,
        targets=tuple(dict.fromkeys(found)),
        due_on=due_on,
        due_words=due_words,
        sentences=tuple(mine),
    )


def _due(sentences: Sequence[Sentence], year: int | None) -> tuple[date | None, str]:
    """Return the deadline that a label names, or else the last one of the task."""
    clauses = [words for s in sentences for words in re.split("[,;]", half_width(s.text)) if not has_passed(words)]
    found = [one for words in clauses for one in deadline(words, year)]
    labelled = [one for one in found if one.labelled]
    best = max(labelled or found, key=lambda one: one.day, default=None)
    return (None, "") if best is None else (best.day, best.words)


def _summary(body: str) -> str:
    """Return what is to be done, without the brackets that say who does it."""
    kept = _BRACKET.sub(lambda m: "" if re.search("牵头|负责|责任|配合|参与|时限", m.group()) else m.group(), body)
    kept = re.sub(r"(?m)^\s*(?:牵头|责任|配合|协办|完成时限)[^\n]*$", "", kept)
    return re.sub(r"\s+", " ", kept).strip(" 。；")[:SUMMARY_MOST]
