"""Proposals: changes of entries that one person wants and another one decides, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from beijiang.kit import Text, Word
from beijiang.standards.models.calendar import CalendarDay, CalendarYear
from beijiang.standards.models.calendar_forms import YEAR_FIELDS, flat_year
from beijiang.standards.models.forms import (
    CODE_FIELDS,
    ELEMENT_FIELDS,
    SET_FIELDS,
    flat_code,
    flat_element,
    flat_set,
)
from beijiang.standards.models.registry import CodeSet, CodeValue, DataElement, Entry, EntryKind, Rule
from beijiang.standards.models.rules import RULE_FIELDS, flat_rule

__all__ = [
    "Action",
    "Change",
    "Difference",
    "Planned",
    "Proposal",
    "ProposalState",
    "differences",
    "flat_of",
    "kind_of",
]


class Action(Word):
    """What a proposal does to an entry."""

    ADD = "add", "新增", "add"
    CHANGE = "change", "变更", "change"
    RETIRE = "retire", "废止", "retire"


class ProposalState(Word):
    """How a proposal stands."""

    OPEN = "open", "待审批", "waiting"
    APPROVED = "approved", "已批准", "approved"
    RETURNED = "returned", "已退回", "returned"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry as it is to be; ``base`` is the version that the proposer saw, 0 for a new entry."""

    action: Action
    entry: Entry
    base: int

    @property
    def kind(self) -> EntryKind:
        """Tell what it is about."""
        return kind_of(self.entry)

    @property
    def id(self) -> str:
        """Return the id of the entry."""
        return self.entry.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Changes that wait, or were decided, with both reasons."""

    id: str
    org_id: str | None
    changes: tuple[Change, ...]
    """None in lists, which say ``about`` and ``size`` only."""
    about: tuple[str, ...]
    """The first entries in words: action, kind, id."""
    size: int
    valid_from: date
    reason: str
    by: str
    by_name: str
    at: datetime
    state: ProposalState = ProposalState.OPEN
    decided_by: str = ""
    decided_name: str = ""
    decided_at: datetime | None = None
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a change does: a field, or one code; empty words on one side mean that it was not there."""

    what: Text
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What an import would do with one entry, or why it refuses a row; nothing was done."""

    outcome: str
    """added, changed, unchanged or refused."""
    row: int
    id: str
    kind: EntryKind
    reason: Text | None = None
    differences: tuple[Difference, ...] = ()
    change: Change | None = None


def kind_of(entry: Entry) -> EntryKind:
    """Tell what an entry is."""
    if isinstance(entry, Rule):
        return EntryKind.RULE
    if isinstance(entry, CalendarYear):
        return EntryKind.CALENDAR
    return EntryKind.ELEMENT if isinstance(entry, DataElement) else EntryKind.CODE_SET


def flat_of(entry: Entry) -> dict[str, str]:
    """Return the form of an entry; of a code set without its codes, of a year without its days."""
    if isinstance(entry, Rule):
        return flat_rule(entry)
    if isinstance(entry, CalendarYear):
        return flat_year(entry)
    return flat_element(entry) if isinstance(entry, DataElement) else flat_set(entry)


def differences(before: Entry | None, after: Entry) -> tuple[Difference, ...]:
    """Return what differs between two versions of an entry, fields first, then codes or days."""
    if isinstance(after, CalendarYear):
        return _year(before if isinstance(before, CalendarYear) else None, after)
    if isinstance(after, Rule):
        return _fields(flat_of(before) if isinstance(before, Rule) else {}, flat_rule(after), RULE_FIELDS)
    if isinstance(after, DataElement):
        old = flat_element(before) if isinstance(before, DataElement) else {}
        return _fields(old, flat_element(after), ELEMENT_FIELDS)
    old_set = before if isinstance(before, CodeSet) else None
    heads = _fields(flat_set(old_set) if old_set else {}, flat_set(after), SET_FIELDS)
    codes = {v.code: v for v in old_set.values} if old_set else {}
    new = {v.code: v for v in after.values}
    found = list(heads)
    for code in dict.fromkeys([*new, *codes]):
        one, other = codes.get(code), new.get(code)
        if one != other:
            words = Text(f"代码 {code}", f"code {code}")
            found.append(Difference(words, _shown(one), _shown(other)))
    if not found and old_set is not None and list(codes) != list(new):
        found.append(Difference(Text("代码顺序", "order of the codes"), " ".join(codes)[:200], " ".join(new)[:200]))
    return tuple(found)


def _year(before: CalendarYear | None, after: CalendarYear) -> tuple[Difference, ...]:
    found = list(_fields(flat_year(before) if before else {}, flat_year(after), YEAR_FIELDS))
    old = {one.day: one for one in before.days} if before else {}
    new = {one.day: one for one in after.days}
    for day in sorted({*old, *new}):
        if old.get(day) != new.get(day):
            words = Text(day.isoformat(), day.isoformat())
            found.append(Difference(words, _arranged(old.get(day)), _arranged(new.get(day))))
    return tuple(found)


def _arranged(one: CalendarDay | None) -> str:
    return "" if one is None else f"{one.change.text.zh} {one.note}".strip()


def _fields(old: Mapping[str, str], new: Mapping[str, str], names: Mapping[str, Text]) -> tuple[Difference, ...]:
    return tuple(
        Difference(names[key], old.get(key, ""), value) for key, value in new.items() if old.get(key, "") != value
    )


def _shown(value: CodeValue | None) -> str:
    if value is None:
        return ""
    form = flat_code(value)
    rest = [
        f"{CODE_FIELDS[key].zh} {form[key]}" for key in ("parent", "valid_from", "valid_to", "replaced_by") if form[key]
    ]
    return " · ".join([f"{value.name.zh} / {value.name.en}", *rest])
