"""The query language of ``package_search``: a subset of Lucene's, read into a condition of the catalog.

Every refusal says where in the text it stopped. Depth, clauses and length are limited, so reading costs what the text is long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from beijiang.catalog import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Facet,
    Has,
    Mark,
    Moment,
    Named,
    Spoken,
    Unlike,
    Wanted,
)
from beijiang.kit import Invalid

__all__ = ["BAD_QUERY", "name_holds", "read"]

BAD_QUERY: Final = "bad_query"
BYTES: Final = 4096
DEPTH: Final = 20
CLAUSES: Final = 200
NOTHING: Final = AnyOf(())

_EXACT: Final[Mapping[str, Facet | Mark]] = {
    "tags": Mark.TAG,
    "license_id": Mark.LICENCE,
    "groups": Facet.THEME,
    "organization": Facet.DEPARTMENT,
    "owner_org": Facet.DEPARTMENT,
    "res_format": Facet.FORMAT,
    "extras_region": Facet.REGION,
    "extras_update_cycle": Facet.UPDATE_CYCLE,
    "extras_open_type": Facet.OPEN_TYPE,
    "extras_grade": Facet.GRADE,
}
_EXTRAS: Final = "extras_"
"""What stands before the key of a field that the region declared."""
_TEXTS: Final = {"text", "notes", "author", "maintainer"}
_MOMENTS: Final = {"metadata_created": Moment.CREATED, "metadata_modified": Moment.MODIFIED}
_CONSTANT: Final = {"state": "active", "private": "false", "type": "dataset"}
"""Fields in which all that the public may find is alike."""
_TERM: Final = re.compile(r"(?:\\.|[^\s()\[\]{}\"^~:\\])+", re.DOTALL)
_VALUE: Final = re.compile(r"(?:\\.|[^\s()\[\]{}\"^~\\])+", re.DOTALL)
_PHRASE: Final = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_RANGE: Final = re.compile(r"([\[{])\s*(\"[^\"]*\"|[^\s\]}]+)\s+TO\s+(\"[^\"]*\"|[^\s\]}]+)\s*([\]}])")
_BOOST: Final = re.compile(r"\^\d{1,6}(?:\.\d{1,6})?")
_SLOP: Final = re.compile(r"~\d{1,4}")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_DATE_MATH: Final = re.compile(r"([+-]\d{1,5}|/)(YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)S?")
_OR: Final = re.compile(r"(?:OR(?![^\s()!+\-])|\|\|)")
_AND: Final = re.compile(r"(?:AND(?![^\s()!+\-])|&&)")
_NOT: Final = re.compile(r"(?:NOT(?![^\s()])|[!\-])")


def read(text: str, now: datetime) -> Wanted:
    """Return the condition that a query states; an empty one is everything.

    Raises:
        Invalid: it is not in the language, or over its limits (``bad_query``).

    """
    if len(text.encode(errors="replace")) > BYTES:
        raise _bad("查询文本最长 4 KiB。", "A query has at most 4 KiB.")
    if text.lstrip().startswith("{!"):
        raise _bad("不支持局部参数 {!…}。", "Local parameters {!…} are not supported.")
    return _Reader(text, now).whole()


def _bad(zh: str, en: str) -> Invalid:
    return Invalid(zh, en, code=BAD_QUERY)


@dataclass(frozen=True, slots=True)
class _Value:
    """One value as it was written: a term, or a phrase in quotation marks."""

    text: str
    quoted: bool


class _Reader:
    """One text and the place that was reached."""

    def __init__(self, text: str, now: datetime) -> None:
        self._text = text
        self._now = now
        self._at = 0
        self._depth = 0
        self._clauses = 0

    def whole(self) -> Wanted:
        self._blank()
        if self._at >= len(self._text):
            return Everything()
        found = self._either("")
        if self._at < len(self._text):
            raise self._stop()
        return found

    def _either(self, field: str) -> Wanted:
        parts = [self._all(field)]
        while self._take(_OR):
            parts.append(self._all(field))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self, field: str) -> Wanted:
        parts = [self._one(field)]
        while True:
            if self._take(_AND):
                parts.append(self._one(field))
                continue
            self._blank()
            if self._at >= len(self._text) or self._text[self._at] == ")" or _OR.match(self._text, self._at):
                return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
            parts.append(self._one(field))

    def _one(self, field: str) -> Wanted:
        self._blank()
        self._clauses += 1
        if self._clauses > CLAUSES:
            raise _bad(f"条件最多 {CLAUSES} 个。", f"A query has at most {CLAUSES} clauses.")
        negative = False
        while True:
            if self._take(_NOT):
                negative = not negative
            elif self._text[self._at : self._at + 1] == "+":
                self._at += 1
            else:
                break
        found = self._group(field) if self._text[self._at : self._at + 1] == "(" else self._clause(field)
        self._take(_BOOST)
        return Unlike(found) if negative else found

    def _group(self, field: str) -> Wanted:
        self._depth += 1
        if self._depth > DEPTH:
            raise _bad(f"括号最多 {DEPTH} 层。", f"Parentheses are nested at most {DEPTH} deep.")
        self._at += 1
        found = self._either(field)
        self._blank()
        if self._text[self._at : self._at + 1] != ")":
            raise self._stop()
        self._at += 1
        self._depth -= 1
        return found

    def _clause(self, field: str) -> Wanted:
        """Read a field with its value, or a value of the field around it."""
        if not field:
            if self._text.startswith("*:*", self._at):
                self._at += 3
                return Everything()
            term = _TERM.match(self._text, self._at)
            if term is not None and self._text[term.end() : term.end() + 1] == ":":
                self._at = term.end() + 1
                name = _plain(term.group())
                self._blank()
                return self._group(name) if self._text[self._at : self._at + 1] == "(" else self._of_field(name)
        return self._of_field(field)

    def _of_field(self, field: str) -> Wanted:
        span = _RANGE.match(self._text, self._at)
        if span is not None:
            self._at = span.end()
            return self._range(field, span)
        value = self._value()
        if value.text == "*" and not value.quoted:
            return Everything() if _known(field) else NOTHING
        if field in _MOMENTS:
            at = self._moment(value.text)
            return Between(_MOMENTS[field], at, at)
        return _condition(field, value)

    def _value(self) -> _Value:
        phrase = _PHRASE.match(self._text, self._at)
        if phrase is not None:
            self._at = phrase.end()
            self._take(_SLOP)
            return _Value(_plain(phrase.group(1)), quoted=True)
        term = _VALUE.match(self._text, self._at)
        if term is None:
            raise self._stop()
        if term.group().startswith("/"):
            raise _bad("不支持正则表达式 /…/。", "Regular expressions /…/ are not supported; escape the slash: \\/.")
        if self._text[term.end() : term.end() + 1] == "~":
            raise _bad("不支持模糊查询 ~。", "Fuzzy terms (~) are not supported.")
        self._at = term.end()
        return _Value(_plain(term.group()), quoted=False)

    def _range(self, field: str, span: re.Match[str]) -> Wanted:
        low, high = (end.strip('"') for end in (span.group(2), span.group(3)))
        if field in _MOMENTS:
            return Between(
                _MOMENTS[field],
                None if low == "*" else self._moment(low),
                None if high == "*" else self._moment(high),
                low_open=span.group(1) == "{",
                high_open=span.group(4) == "}",
            )
        if low == high == "*":
            return Everything() if _known(field) else NOTHING
        if _known(field):
            raise _bad("只有日期字段可以给范围。", "Only dates take a range.")
        return NOTHING

    def _moment(self, text: str) -> datetime:
        try:
            if text.startswith("NOW"):
                return _math(self._now, text[3:])
            found = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            raise _bad(
                "日期应写作 2026-01-31T00:00:00Z 或 NOW-7DAYS。", "Write a date as 2026-01-31T00:00:00Z or NOW-7DAYS."
            ) from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def _take(self, what: re.Pattern[str]) -> bool:
        self._blank()
        found = what.match(self._text, self._at)
        if found is None:
            return False
        self._at = found.end()
        return True

    def _blank(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _stop(self) -> Invalid:
        return _bad(
            f"在第 {self._at + 1} 个字符处看不懂这个查询。请检查括号、引号和运算符。",
            f"The query is not understood at character {self._at + 1}. Look at parentheses, quotation marks and operators.",
        )


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _known(field: str) -> bool:
    ours = {"id", "name", "title", *_EXACT, *_TEXTS, *_MOMENTS, *_CONSTANT}
    return not field or field in ours or field.startswith(_EXTRAS)


def _condition(field: str, value: _Value) -> Wanted:
    if field in _EXACT:
        text = value.text.lower() if field == "res_format" else value.text
        return Has(_EXACT[field], frozenset({text}))
    if field.startswith(_EXTRAS):
        return Has(Facet.EXTENSION, frozenset({f"{field.removeprefix(_EXTRAS)}={value.text}"}))
    if field in {"id", "name"}:
        return Named(frozenset({value.text}))
    if field in _CONSTANT:
        return Everything() if value.text.lower() == _CONSTANT[field] else NOTHING
    if not field or field == "title" or field in _TEXTS:
        return _spoken(value, in_name=field == "title")
    return NOTHING


def _spoken(value: _Value, *, in_name: bool) -> Wanted:
    """Return the words of a text; a star or question mark stands for anything between its parts."""
    if value.quoted:
        return Spoken(value.text, in_name, together=True)
    parts = [part for part in re.split(r"[*?]+", value.text) if part]
    return AllOf(tuple(Spoken(part, in_name) for part in parts)) if len(parts) != 1 else Spoken(parts[0], in_name)


_CUT: Final[Mapping[str, Callable[[datetime], datetime]]] = {
    "YEAR": lambda at: at.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0),
    "MONTH": lambda at: at.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
    "DAY": lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0),
    "HOUR": lambda at: at.replace(minute=0, second=0, microsecond=0),
    "MINUTE": lambda at: at.replace(second=0, microsecond=0),
    "SECOND": lambda at: at.replace(microsecond=0),
}
_SECONDS: Final = {"DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}


def _math(at: datetime, steps: str) -> datetime:
    """Apply ``-7DAYS/DAY`` and the like, from left to right."""
    place = 0
    at = at.astimezone(UTC)
    while place < len(steps):
        found = _DATE_MATH.match(steps, place)
        if found is None:
            raise ValueError(steps)
        amount, unit = found.groups()
        if amount == "/":
            at = _CUT[unit](at)
        elif unit in _SECONDS:
            at += timedelta(seconds=int(amount) * _SECONDS[unit])
        else:
            months = at.year * 12 + at.month - 1 + int(amount) * (12 if unit == "YEAR" else 1)
            year, month = divmod(months, 12)
            at = at.replace(year=year, month=month + 1, day=min(at.day, 28))
        place = found.end()
    return at


def name_holds(text: str) -> Wanted:
    """Return the condition that a name holds a text, whatever signs stand in it."""
    return Spoken(text, in_name=True)
