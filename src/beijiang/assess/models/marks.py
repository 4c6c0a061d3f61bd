"""What an assessment keeps: every fact that counted or did not and why, the fractions made of them, and who stands where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from beijiang.assess.models.indicators import Book, Indicator, Kind, indicators
from beijiang.assess.models.periods import Period
from beijiang.kit import Text, Word

__all__ = ["FEW", "Fact", "Mark", "MarkState", "Place", "Ranking", "Sheet", "Standing", "Subject", "marked", "ranked"]

FEW: Final = 5
"""Below this B a fraction is shown and not scored (`standards.md` 10.1)."""


class Subject(Word):
    """What a fact is about."""

    ENTRY = "entry", "目录", "catalog entry"
    TABLE = "table", "数据表", "table"
    TICKET = "ticket", "校核工单", "ticket"
    LIBRARY = "library", "基础库字段", "field of a library"
    REQUEST = "request", "共享申请", "request"
    DEMAND = "demand", "需求", "demand"
    CLAIM = "claim", "认领任务", "claim task"
    SERVICE = "service", "服务接口", "service"
    SYSTEM = "system", "信息系统", "system"
    UNIT = "unit", "单位", "unit"
    NODE = "node", "联动节点", "linked node"
    VOICE = "voice", "公众来件", "word of the public"


_PAGES: Final = {
    Subject.ENTRY: "/console/catalog/",
    Subject.TABLE: "/console/tables/",
    Subject.TICKET: "/console/tickets/",
    Subject.LIBRARY: "/console/libraries/",
    Subject.REQUEST: "/console/sharing/requests/",
    Subject.DEMAND: "/console/demands/",
    Subject.CLAIM: "/console/claims/",
    Subject.NODE: "/console/federation?node=",
    Subject.SERVICE: "/console/services/",
    Subject.SYSTEM: "/console/systems/",
    Subject.UNIT: "/console/evidence?org_id=",
    Subject.VOICE: "/console/voices/",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that happened or is: how much of it goes into A and into B, and why."""

    org_id: str
    subject: Subject
    ref: str
    name: str
    a: float
    b: float
    why: Text
    counted: bool = True
    """False: shown, and left out of both sums (empty, duplicate, not due yet, ruled out by an appeal)."""
    at: datetime | None = None

    @property
    def href(self) -> str:
        """Return the address of the page that shows what it is about."""
        place = "#letters" if self.subject is Subject.NODE else ""
        return f"{_PAGES[self.subject]}{quote(self.ref, safe='')}{place}"


class MarkState(Word):
    """What can be said of an indicator of a department."""

    SCORED = "scored", "已计分", "scored"
    FEW = "few", "样本少，只列分子分母", "too few: the fraction only"
    COUNTED = "counted", "计数", "a count"
    NO_FACTS = "no_facts", "尚无事实", "no facts yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An indicator of a department in a period: A, B and the score that follows."""

    id: str
    org_id: str
    indicator: str
    revision: int
    a: float
    b: float
    facts: int
    state: MarkState
    score: float | None
    """0 to 100; None where there is none."""
    appeal: str = ""
    """The appeal that made this revision."""

    @property
    def rate(self) -> float | None:
        """Return A of B, 0 to 1."""
        return self.a / self.b if self.b and indicators()[self.indicator].kind is Kind.RATE else None

    @property
    def fraction(self) -> str:
        """Return A / B, or the count."""
        whole = indicators()[self.indicator].kind is Kind.RATE
        return f"{_plain(self.a)} / {_plain(self.b)}" if whole else _plain(self.a)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The assessment of one period, as computed at one moment; a frozen one changes by appeals only."""

    id: str
    period: Period
    computed_at: datetime
    by: str
    book: int
    """The version of the weights."""
    missing: Mapping[str, Text]
    """Indicators without any source, and why."""
    frozen_at: datetime | None = None
    frozen_by: str = ""
    digest: str = ""
    """SHA-256 of all marks and facts as they were frozen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a department stands: its total by the weights, over what share of them it could be scored, and its rank."""

    org_id: str
    group: int
    """Tier of the organisation; ranks are given among the same tier."""
    total: float | None
    scored: int
    covered: float
    """Share of all weights that the scored indicators have, 0 to 1."""
    rank: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """All departments of a period."""

    sheet: Sheet
    book: Book
    places: Sequence[Place]
    before: Mapping[str, Place]
    """The same of the period before, by department."""
    trend: Mapping[str, Sequence[tuple[str, float | None]]]
    """Period and total of the last periods, oldest first, by department."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One department of a period, indicator by indicator."""

    sheet: Sheet
    book: Book
    place: Place
    marks: Mapping[str, Mark]
    trend: Mapping[str, Sequence[tuple[str, float | None]]]
    """Period and rate of each indicator in the last periods, oldest first."""


def marked(indicator: Indicator, facts: Sequence[Fact]) -> tuple[float, float, MarkState, float | None]:
    """Return A, B, state and score of facts of one department."""
    counted = [fact for fact in facts if fact.counted]
    a, b = sum(fact.a for fact in counted), sum(fact.b for fact in counted)
    if indicator.kind is Kind.COUNT:
        return a, 1.0, MarkState.COUNTED if facts else MarkState.NO_FACTS, None
    if not b:
        return a, b, MarkState.NO_FACTS, None
    if b < FEW:
        return a, b, MarkState.FEW, None
    return a, b, MarkState.SCORED, indicator.score(a, b)


def ranked(marks: Sequence[Mark], book: Book, groups: Mapping[str, int]) -> list[Place]:
    """Return where departments stand, those without a rank last; equal totals share a rank."""
    scored: dict[str, list[tuple[float, float]]] = {}
    for mark in marks:
        held = scored.setdefault(mark.org_id, [])
        weight = book.weight(mark.indicator)
        if mark.score is not None and weight:
            held.append((mark.score, weight))
    whole = sum(book.weights.values())
    found = []
    for org_id, pairs in scored.items():
        weights = sum(weight for _, weight in pairs)
        total = sum(score * weight for score, weight in pairs) / weights if pairs else None
        found.append((org_id, total, len(pairs), weights / whole if whole else 0.0))
    places = []
    for org_id, total, count, covered in found:
        group = groups.get(org_id, 0)
        peers = [t for o, t, n, _ in found if groups.get(o, 0) == group and t is not None and n >= book.fewest]
        placed = total is not None and count >= book.fewest
        rank = 1 + sum(t > total for t in peers) if placed and total is not None else None
        places.append(Place(org_id, group, total, count, covered, rank))
    return sorted(places, key=lambda p: (p.rank is None, p.group, p.rank or 0, p.org_id))


def _plain(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
