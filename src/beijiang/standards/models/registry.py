"""The registry after GB/T 18391 and GB/T 19488: data elements, code sets and more, each in versions with effective dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from beijiang.kit import Text, Word, normalise
from beijiang.standards.models.calendar import CalendarYear, calendar_of
from beijiang.standards.models.editions import UNDECIDED, Edition

if TYPE_CHECKING:
    from beijiang.standards.models.facts import WorkingCalendar

__all__ = [
    "INSTALLATION",
    "LEVELS",
    "PERSONAL",
    "Became",
    "Book",
    "Choice",
    "CodeSet",
    "CodeValue",
    "DataElement",
    "Entry",
    "EntryKind",
    "Profile",
    "Rule",
    "Status",
    "Step",
    "in_force",
    "least_grade",
    "successors",
]

LEVELS: Final = ("L1", "L2", "L3", "L4")
PERSONAL: Final = ("N", "P", "S")
"""None, personal, sensitive personal information."""


class EntryKind(Word):
    """What the registry holds."""

    ELEMENT = "element", "数据元", "data element"
    CODE_SET = "code_set", "代码集", "code set"
    RULE = "rule", "法规规则", "rule of law"
    CALENDAR = "calendar", "工作日历", "working-day calendar"


class Status(Word):
    """How an entry stands on a day."""

    DRAFT = "draft", "未生效", "not in force yet"
    IN_FORCE = "in_force", "生效", "in force"
    RETIRED = "retired", "废止", "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataElement:
    """A data element: what a data item means and how it is written, wherever it stands."""

    id: str
    """Library and field, as ``population.citizen_id``."""
    name: Text
    definition: str = ""
    type: str = "C"
    """A letter of the item types (`standards.md` 2.3)."""
    length: str = ""
    """Greatest number of characters, or precision and scale as ``20,4``; empty: not limited."""
    unit: str = ""
    code_set: str = ""
    pattern: str = ""
    check: str = ""
    """Check algorithm (`standards.md` 5.2): citizen_id, uscc, org_code, luhn, bank_card."""
    level: str = ""
    """The least grade (`standards.md` 7.4); it may be raised, never lowered."""
    personal: str = "N"
    source: str = ""
    """The standard it comes from, or what else it rests on."""
    note: str = ""
    column_words: tuple[str, ...] = ()
    """Other names that columns of this meaning bear."""
    edition: Edition = UNDECIDED

    @property
    def library(self) -> str:
        """Return the base library, the part before the dot."""
        return self.id.rpartition(".")[0]

    @property
    def field(self) -> str:
        """Return the identifier inside the library."""
        return self.id.rpartition(".")[2]

    @property
    def longest(self) -> int | None:
        """Return the greatest number of characters, None where it is not limited or is a precision."""
        return int(self.length) if self.length.isdigit() else None

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name that a column of this meaning may bear."""
        return (self.name.zh, self.field, self.name.en, *self.column_words)


@dataclass(frozen=True, slots=True)
class CodeValue:
    """One permitted value and its meaning, the days it holds, and what took its place (several after a split)."""

    code: str
    name: Text
    parent: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    """The first day it holds no longer."""
    replaced_by: tuple[str, ...] = ()

    def holds(self, on: date) -> bool:
        """Tell whether the value may be used on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSet:
    """A value domain; a version says all its values, also those that ended, so that old data can be read."""

    id: str
    name: Text
    standard: str = ""
    column_words: tuple[str, ...] = ()
    values: tuple[CodeValue, ...] = ()
    edition: Edition = UNDECIDED

    @property
    def verified(self) -> bool:
        """Tell whether the data authority stands for the values."""
        return self.edition.verified

    def value(self, code: str) -> CodeValue | None:
        """Return the value with this code."""
        return next((value for value in self.values if value.code == code), None)

    def on(self, day: date) -> CodeSet:
        """Return the set with the values that hold on a day."""
        return replace(self, values=tuple(value for value in self.values if value.holds(day)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a law, a standard or the project asks: a limit, a clock, a threshold, or what an entry of the catalog must say."""

    id: str
    kind: str
    """time_limit, retention, calendar_deadline, ratio_target, threshold, required_field, sharing_rule or open_type."""
    topic: Text
    profile: str
    """A profile of law, or law, standard, project, reference (`standards.md` 8.1)."""
    actor: str = ""
    trigger: str = ""
    """What starts a limit; of a required field, the field."""
    value: str
    unit: str = ""
    extension_value: str = ""
    extension_unit: str = ""
    extension_condition: str = ""
    """Whose consent an extension needs, and what else."""
    can_pause: bool = False
    on_overdue: str = ""
    basis: str = ""
    effective_from: str = ""
    effective_to: str = ""
    """The first day of law on which it holds no longer."""
    verified: bool = False
    """Whether the words and numbers were compared with the official text."""
    active: bool = True
    note: str = ""
    edition: Edition = UNDECIDED

    @property
    def name(self) -> Text:
        """Return what it is about."""
        return self.topic

    @property
    def from_receipt(self) -> bool:
        """Tell whether a limit is counted from the day a request came in, whoever has it meanwhile."""
        return self.trigger == "request received"

    def holds(self, day: date) -> bool:
        """Tell whether the law that it rests on counts on a day."""
        begun = not self.effective_from or date.fromisoformat(self.effective_from) <= day
        return begun and (not self.effective_to or day < date.fromisoformat(self.effective_to))


@dataclass(frozen=True, slots=True)
class Profile:
    """A body of rules that an installation or a department works by."""

    id: str
    name: Text
    basis: str
    effective_from: str
    effective_to: str
    verified: bool
    note: str

    def holds(self, day: date) -> bool:
        """Tell whether it counts on a day."""
        begun = not self.effective_from or date.fromisoformat(self.effective_from) <= day
        return begun and (not self.effective_to or day < date.fromisoformat(self.effective_to))


INSTALLATION: Final = ""
"""In place of a department: the choice of all that made none."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which profile counts since when, for a department or for all of them."""

    org_id: str
    profile: str
    since: date
    reason: str
    by: str
    at: datetime


Entry: TypeAlias = DataElement | CodeSet | Rule | CalendarYear
T = TypeVar("T", DataElement, CodeSet, Rule, CalendarYear)


def in_force(versions: Sequence[T], on: date) -> tuple[Status, T]:
    """Return how an entry stands on a day, and the version that says so: the one that began last, or the first to come."""
    begun = [v for v in versions if v.edition.valid_from is None or v.edition.valid_from <= on]
    if not begun:
        return Status.DRAFT, versions[0]
    return Status.RETIRED if begun[-1].edition.retired else Status.IN_FORCE, begun[-1]


def least_grade(versions: Sequence[DataElement], on: date) -> str:
    """Return the least grade of what holds an element, empty for none: a stricter version that is only to come counts already."""
    coming = [v.level for v in versions if v.edition.valid_from is not None and v.edition.valid_from > on]
    return max(in_force(versions, on)[1].level, *coming, "")


class Book:
    """All versions of all entries at one moment, oldest first; built once for each state of the registry."""

    def __init__(
        self,
        elements: Mapping[str, Sequence[DataElement]],
        sets: Mapping[str, Sequence[CodeSet]],
        rules: Mapping[str, Sequence[Rule]] | None = None,
        years: Mapping[str, Sequence[CalendarYear]] | None = None,
    ) -> None:
        self.elements = {key: _dated(versions) for key, versions in elements.items()}
        self.sets = {key: _dated(versions) for key, versions in sets.items()}
        self.rules = {key: _dated(versions) for key, versions in (rules or {}).items()}
        self.years = {key: _dated(versions) for key, versions in sorted((years or {}).items())}
        self._calendar_days: dict[date, WorkingCalendar] = {}
        self._rule_days: dict[date, dict[str, Rule]] = {}
        self._days: dict[date, tuple[dict[str, DataElement], dict[str, CodeSet]]] = {}

    def elements_on(self, day: date) -> Mapping[str, DataElement]:
        """Return the elements in force on a day."""
        return self._on(day)[0]

    def sets_on(self, day: date) -> Mapping[str, CodeSet]:
        """Return the code sets in force on a day, with the values that hold on it."""
        return self._on(day)[1]

    def rules_on(self, day: date) -> Mapping[str, Rule]:
        """Return the rules that the registry has in force on a day."""
        days = self._rule_days  # looked at once: another thread may be at another day
        if day not in days:
            days = self._rule_days = {day: {rule.id: rule for rule in _holding(self.rules.values(), day)}}
        return days[day]

    def calendar_on(self, day: date) -> WorkingCalendar:
        """Return the working days by the arrangements of years that the registry has in force on a day."""
        days = self._calendar_days
        if day not in days:
            days = self._calendar_days = {day: calendar_of(_holding(self.years.values(), day))}
        return days[day]

    def of_kind(self, kind: EntryKind) -> Mapping[str, Sequence[Entry]]:
        """Return all versions of all entries of a kind, by their ids."""
        every: Mapping[EntryKind, Mapping[str, Sequence[Entry]]] = {
            EntryKind.ELEMENT: self.elements,
            EntryKind.CODE_SET: self.sets,
            EntryKind.RULE: self.rules,
            EntryKind.CALENDAR: self.years,
        }
        return every[kind]

    def versions(self, kind: EntryKind, entry_id: str) -> Sequence[Entry]:
        """Return all versions of an entry, oldest first, none where there is no such entry."""
        return self.of_kind(kind).get(entry_id, ())

    def _on(self, day: date) -> tuple[dict[str, DataElement], dict[str, CodeSet]]:
        days = self._days
        if day not in days:
            elements = {e.id: e for e in _holding(self.elements.values(), day)}
            sets = {s.id: s.on(day) for s in _holding(self.sets.values(), day)}
            days = self._days = {day: (elements, sets)}
        return days[day]

    @cached_property
    def search_texts(self) -> Mapping[str, str]:
        """Return for each element what its search looks through."""
        return {key: _searched(versions[-1]) for key, versions in self.elements.items()}


def _searched(element: DataElement) -> str:
    words = (element.id, *element.names, element.definition, element.source, element.note, element.code_set)
    return normalise(" ".join(words))


def _holding(every: Iterable[Sequence[T]], day: date) -> Iterator[T]:
    for versions in every:
        status, found = in_force(versions, day)
        if status is Status.IN_FORCE:
            yield found


def _dated(versions: Sequence[T]) -> tuple[T, ...]:
    """Close each version with the first day of the next."""
    ends = [*(following.edition.valid_from for following in versions[1:]), None]
    return tuple(
        replace(version, edition=replace(version.edition, valid_to=end))
        for version, end in zip(versions, ends, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One code that ended, when, and what took its place."""

    value: CodeValue
    ended: date | None


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a code by a day: the codes that hold now, over all steps between."""

    code: CodeValue
    on: date
    now: tuple[CodeValue, ...]
    """One where it goes on or was renamed, several after a split, none where it ended."""
    steps: tuple[Step, ...]
    lost: tuple[CodeValue, ...]
    """Codes on the way that ended without a successor."""
    before: tuple[CodeValue, ...]
    """Codes that this one took the place of."""


def successors(versions: Sequence[CodeSet], code: str, on: date) -> Became | None:
    """Follow a code through every version of its set to what holds on a day; None where no version knows it."""
    _, current = in_force(versions, on)
    known: dict[str, CodeValue] = {}
    dropped: dict[str, date | None] = {}
    for version in versions:
        if (version.edition.valid_from or date.min) <= on or version is versions[0]:
            dropped |= {key: version.edition.valid_from for key in known if version.value(key) is None}
            known |= {value.code: value for value in version.values}
    start = known.get(code)
    if start is None:
        return None
    here = {value.code for value in current.values}
    now: dict[str, CodeValue] = {}
    steps: list[Step] = []
    lost: list[CodeValue] = []
    seen, waiting = {code}, [start]
    while waiting:
        value = waiting.pop(0)
        if value.code in here and value.holds(on):
            now[value.code] = value
            continue
        steps.append(Step(value, value.valid_to if value.valid_to is not None else dropped.get(value.code)))
        following = [known[key] for key in value.replaced_by if key in known]
        if not following and (value.valid_from is None or value.valid_from <= on):
            lost.append(value)
        waiting += [found for found in following if found.code not in seen]
        seen |= {found.code for found in following}
    before = tuple(value for value in known.values() if code in value.replaced_by)
    return Became(start, on, tuple(now.values()), tuple(steps), tuple(lost), before)
