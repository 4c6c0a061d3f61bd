"""Deadlines in official Chinese: 2018年底前, 10月底前, 第三季度末, 2018年6月30日前."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

__all__ = ["Deadline", "deadline"]

_LABEL: Final = r"(?P<label>(?:完成|办结)?(?:时限|期限)\s*[::为]?\s*)?"
_DAY: Final = re.compile(
    _LABEL + r"(?:(?P<year>20\d{2})\s*年|(?P<this>今年|本年|当年))?\s*"
    r"(?:(?P<month>1[0-2]|0?[1-9])\s*月(?:\s*(?P<day>3[01]|[12]\d|0?[1-9])\s*日|\s*(?P<late>底|末|中旬|上旬|下旬))?"
    r"|(?P<end>年?[底末])|第?(?P<quarter>[一二三四])季度[底末]?|(?P<half>上半年))(?P<before>之?前|以前|内|完成|办结)?"
)
_TENTH, _TWENTIETH = 10, 20


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day by which something is to be done, and the words that say so."""

    day: date
    words: str
    labelled: bool


def deadline(sentence: str, year: int | None) -> Sequence[Deadline]:
    """Return the deadlines of a sentence; a day without a year is one of ``year``."""
    found = []
    for match in _DAY.finditer(sentence):
        stated = int(match["year"]) if match["year"] else year
        if stated is not None and _is_deadline(match, sentence):
            day = _day(match, stated)
            if day is not None:
                found.append(Deadline(day, match.group().strip(), match["label"] is not None))
    return found


def _is_deadline(match: re.Match[str], sentence: str) -> bool:
    """Tell a deadline from a date that is only mentioned: before, by the end of, or under a label."""
    if match["label"] or match["before"]:
        return True
    bare_end = match["end"] in {"底", "末"} and not match["year"]
    to = sentence[: match.start()].endswith(("到", "至", "截至", "在"))
    return not bare_end and (to or bool(match["end"] or match["late"] or match["quarter"] or match["half"]))


def _day(match: re.Match[str], year: int) -> date | None:
    if match["end"]:
        return date(year, 12, 31)
    if match["half"]:
        return date(year, 6, 30)
    if match["quarter"]:
        month = 3 * ("一二三四".index(match["quarter"]) + 1)
        return date(year, month, calendar.monthrange(year, month)[1])
    month = int(match["month"])
    last = calendar.monthrange(year, month)[1]
    day = int(match["day"]) if match["day"] else {"上旬": _TENTH, "中旬": _TWENTIETH}.get(match["late"] or "", last)
    return date(year, month, day) if day <= last else None
