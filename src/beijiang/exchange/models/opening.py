"""Conditional opening (有条件开放): the conditions of a set, an application of the public, and what is published of it.

An application is a request, and what comes of it a grant, as departments have them; only who asks and what stands against it differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from beijiang.exchange.models.checking import AHEAD_MOST, USE_SHORTEST
from beijiang.exchange.models.flows import OPENING, Trait, csv_rows, flow_of, purposes
from beijiang.exchange.models.requests import Problem
from beijiang.exchange.models.terms import Way
from beijiang.kit import Text
from beijiang.protection import ControlRule, Handling, asks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog import Entry
    from beijiang.exchange.models.applicants import ApplicantKind
    from beijiang.exchange.models.flows import Stage
    from beijiang.exchange.models.grants import Grant, GrantState, Usage
    from beijiang.exchange.models.requests import Request, RequestState, Step
    from beijiang.exchange.models.terms import Item, Terms
    from beijiang.standards import Deadline

__all__ = [
    "OPENING_WAYS",
    "ApplicationDraft",
    "ApplicationView",
    "Conditions",
    "ConditionsDraft",
    "Outcomes",
    "PublicOutcome",
    "every_purpose",
    "opening_item_problems",
    "opening_problems",
    "opening_purposes",
    "opening_traits",
    "refusals",
    "with_appeal",
]

OPENING_WAYS: Final = (Way.PAGE, Way.API, Way.FILE)
MONTHS_MOST: Final = 36
_TEXT_MOST: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionsDraft:
    """On which conditions a set is open: for whom, for what, with which duties, how long, under which agreement."""

    who: str
    purposes: frozenset[str]
    ways: frozenset[Way]
    duties: str
    months: int
    agreement: str

    def problems(self) -> list[Problem]:
        """Return what stands against conditions like these."""
        found = []
        for name, text in (("who", self.who), ("duties", self.duties), ("agreement", self.agreement)):
            if not text.strip() or len(text) > _TEXT_MOST:
                words = Text(f"请填写，最多 {_TEXT_MOST} 字", f"say something, {_TEXT_MOST} characters at most")
                found.append(Problem(f"{name}_needed", words, name))
        if not self.purposes or self.purposes - set(opening_purposes()):
            found.append(Problem("purpose_needed", Text("请选择可申请的用途", "choose the purposes"), "purposes"))
        if not self.ways or self.ways - set(OPENING_WAYS):
            words = Text("只能选在线查看、数据接口、文件下载", "pages, row API and files only")
            found.append(Problem("way_needed", words, "ways"))
        if not 1 <= self.months <= MONTHS_MOST:
            words = Text(f"期限为 1 至 {MONTHS_MOST} 个月", f"from 1 to {MONTHS_MOST} months")
            found.append(Problem("bad_period", words, "months"))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions(ConditionsDraft):
    """A version of the conditions of a set; version 0 is what holds where its department set none."""

    resource_id: str
    version: int
    at: datetime | None = None
    by: str = ""

    @property
    def digest(self) -> str:
        """Return what an applicant agrees to, in one word: the SHA-256 of every sentence of it."""
        told = [
            self.resource_id,
            self.version,
            self.who,
            sorted(self.purposes),
            sorted(way.value for way in self.ways),
            self.duties,
            self.months,
            self.agreement,
        ]
        return "sha256:" + hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, for programs."""
        return {
            "dataset": self.resource_id,
            "version": self.version,
            "who": self.who,
            "purposes": {code: _both(opening_purposes()[code]) for code in sorted(self.purposes)},
            "ways": sorted(way.value for way in self.ways),
            "duties": self.duties,
            "months": self.months,
            "agreement": self.agreement,
            "digest": self.digest,
            "since": None if self.at is None else self.at.isoformat(timespec="seconds"),
        }

    @classmethod
    def usual(cls, resource_id: str, entry: Entry) -> Conditions:
        """Return what holds where a department said no more than the entry does."""
        return cls(
            resource_id=resource_id,
            version=0,
            who=entry.open_condition.strip() or _usual()["who"],
            purposes=frozenset(opening_purposes()),
            ways=frozenset(OPENING_WAYS),
            duties=_usual()["duties"],
            months=12,
            agreement=_usual()["agreement"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDraft:
    """What an applicant writes; ``agreed`` is the digest of the conditions that they read."""

    resource_id: str
    items: tuple[Item, ...]
    ways: frozenset[Way]
    since: date
    until: date
    purpose: str
    use: str
    products: str
    measures: str
    agreed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """An application as its applicant follows it; people of government are shown by their side, not by name."""

    request: Request
    steps: tuple[Step, ...]
    deadline: Deadline | None
    grant: Grant | None
    standing: GrantState | None
    usage: tuple[Usage, ...]
    appeal_until: date | None
    """The last day of an appeal, where one is possible."""
    may_supply: bool
    may_withdraw: bool
    may_give_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicOutcome:
    """What everybody may know of a decided application: nothing of who applied but the kind."""

    resource_id: str
    resource_name: str
    kind: ApplicantKind
    purpose: str
    decision: RequestState
    days: int
    """Working days from handing in to the decision."""
    reason: Text | None
    decided_on: date
    appealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Decided applications, newest first, and the whole in numbers."""

    outcomes: tuple[PublicOutcome, ...]
    counts: Mapping[RequestState, int]
    waiting: int

    @property
    def decided(self) -> int:
        """Return how many were decided."""
        return sum(self.counts.values())

    @property
    def days(self) -> float | None:
        """Return the mean of working days of those listed; None where there are none."""
        return sum(one.days for one in self.outcomes) / len(self.outcomes) if self.outcomes else None


@cache
def opening_purposes() -> Mapping[str, Text]:
    """Return what the public may apply for."""
    return {row["code"]: Text(row["zh"], row["en"]) for row in csv_rows("opening_purposes")}


@cache
def every_purpose() -> Mapping[str, Text]:
    """Return the purposes of departments and of the public."""
    return {**purposes(), **opening_purposes()}


@cache
def refusals() -> Mapping[str, Text]:
    """Return the reasons for which an application of the public is refused; only these are published."""
    return {row["code"]: Text(row["zh"], row["en"]) for row in csv_rows("opening_refusals")}


@cache
def _usual() -> Mapping[str, str]:
    return {row["part"]: row["zh"] for row in csv_rows("opening_usual")}


def opening_traits(entry: Entry, terms: Terms, levels: Mapping[str, str]) -> frozenset[Trait]:
    """Return what an application is like: every one is decided on, and what is graded above L1 by the authority too."""
    items = [item for asked in terms.items if (item := entry.item(asked.column)) is not None]
    graded = any(levels.get(item.column, "L1") > "L1" or item.personal.value != "N" for item in items)
    return frozenset({Trait.CONDITIONAL, Trait.SENSITIVE} if graded else {Trait.CONDITIONAL})


def opening_item_problems(entry: Entry, levels: Mapping[str, str], terms: Terms, today: date) -> list[Problem]:
    """Return what stands against the items: each open on conditions, none too sensitive, none that departments are refused."""
    if not terms.items:
        return [Problem("no_items", Text("请选择数据项", "choose the items"))]
    found = []
    for asked in terms.items:
        item, level = entry.item(asked.column), levels.get(asked.column, "L1")
        if item is None or item.secret_flag or asked.column not in entry.conditional_items - entry.refused_items:
            text = Text("这个数据项不在有条件开放之列", "the item is not open on conditions")
            found.append(Problem("not_offered", text, asked.column))
        elif asks(ControlRule.NEVER_ON_REQUEST, level, max(terms.since, today)) or item.personal.value == "S":
            text = Text("分级过高，不向公众开放", "graded too high to be open to the public")
            found.append(Problem("too_sensitive", text, asked.column))
        elif asked.handling is Handling.AS_IS and level > "L1":
            found.append(Problem("masked_only", Text("只能脱敏提供", "to be had masked only"), asked.column))
    return found


def opening_problems(
    entry: Entry, levels: Mapping[str, str], draft: ApplicationDraft, terms: Terms, held: Conditions, today: date
) -> list[Problem]:
    """Return everything that stands against an application, at once."""
    found = opening_item_problems(entry, levels, terms, today)
    if draft.agreed != held.digest:
        text = Text("请重新阅读并同意现行的条件与协议", "read and agree to the conditions as they are now")
        found.append(Problem("agreement_changed", text))
    if draft.purpose not in held.purposes:
        found.append(Problem("purpose_needed", Text("请选择可申请的用途", "choose a purpose that it is open for")))
    for name, said, zh, en in (
        ("use", draft.use, "怎样使用", "how the data are used"),
        ("products", draft.products, "计划形成的产品或成果", "what is to be made of them"),
        ("measures", draft.measures, "安全保障措施", "the safety measures"),
    ):
        if len(said.strip()) < USE_SHORTEST:
            text = Text(f"请说明{zh}（至少 {USE_SHORTEST} 字）", f"say {en} ({USE_SHORTEST} characters at least)")
            found.append(Problem(f"{name}_needed", text))
    if not draft.ways or draft.ways - held.ways:
        found.append(Problem("way_needed", Text("请选择可用的提供方式", "choose ways that it is open by")))
    return [*found, *_period_problems(draft, held, today)]


def _period_problems(draft: ApplicationDraft, held: Conditions, today: date) -> list[Problem]:
    if draft.until < max(draft.since, today):
        return [Problem("bad_period", Text("起止日期不对", "the days are not in order, or have gone by"))]
    if draft.since > today + timedelta(days=AHEAD_MOST):
        return [Problem("too_far", Text(f"最迟 {AHEAD_MOST} 天内开始", f"it begins within {AHEAD_MOST} days"))]
    last = months_on(max(draft.since, today), held.months)
    if draft.until > last:
        return [Problem("too_long", Text(f"按条件最长到 {last}", f"by the conditions until {last} at the latest"))]
    return []


def months_on(day: date, months: int) -> date:
    """Return the day some months on; the last of its month where that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in range(day.day, 0, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")  # pragma: no cover


def with_appeal(kept: Sequence[Stage]) -> tuple[Stage, ...]:
    """Return the stages of an application with that of its appeal at the end."""
    appeal = next(stage for stage, when in flow_of(OPENING) if Trait.APPEALED in when)
    return (*kept, appeal)


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
