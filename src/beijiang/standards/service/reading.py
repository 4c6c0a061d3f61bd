"""Looking into the registry: entries as they stand on a day, their versions, and what became of a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import normalise
from beijiang.standards.errors import no_code, no_entry, no_year
from beijiang.standards.models import (
    Became,
    CalendarYear,
    CodeSet,
    DataElement,
    Entry,
    EntryKind,
    Rule,
    Status,
    flat_rule,
    in_force,
    successors,
)

if TYPE_CHECKING:
    from datetime import date

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.standards.service.books import Books
    from beijiang.standards.service.facts import Standards

__all__ = ["ElementQuery", "Listed", "Reading", "RuleQuery", "StandingRule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementQuery:
    """Which elements are looked for; what is empty does not matter."""

    q: str = ""
    library: str = ""
    type: str = ""
    level: str = ""
    code_set: str = ""
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleQuery:
    """Which rules of law are looked for; what is empty does not matter."""

    q: str = ""
    profile: str = ""
    kind: str = ""
    unverified: bool = False
    """Only those whose words or numbers are still to be confirmed."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as it stands on a day."""

    entry: Entry
    status: Status
    versions: int


@dataclass(frozen=True, slots=True)
class StandingRule:
    """A rule of law as it stands on a day, with how many versions it has."""

    rule: Rule
    status: Status
    versions: int


class Reading:
    """Holds the parts of the registry; everybody may read standards."""

    def __init__(
        self, db: Database, books: Books, standards: Standards, access: Access, evidence: Evidence, clock: Clock
    ) -> None:
        self.db = db
        self.books = books
        self.standards = standards
        self.access = access
        self.evidence = evidence
        self.clock = clock

    def elements(self, actor: Actor, query: ElementQuery | None = None) -> Sequence[Listed]:
        """Return the elements that a query finds, in the registry's order; every word of ``q`` must be there."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        wanted = query or ElementQuery()
        book, today = self.books.now()
        words = normalise(wanted.q).split()
        found = []
        for key, versions in book.elements.items():
            if words and not all(word in book.search_texts[key] for word in words):
                continue
            status, element = in_force(versions, today)
            if (
                wanted.library in ("", element.library)
                and wanted.type in ("", element.type)
                and wanted.level in ("", element.level)
                and wanted.code_set in ("", element.code_set)
                and wanted.status in (None, status)
            ):
                found.append(Listed(element, status, len(versions)))
        return found

    def libraries(self, actor: Actor) -> Sequence[str]:
        """Return the libraries that elements belong to."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, _ = self.books.now()
        return tuple(dict.fromkeys(key.rpartition(".")[0] for key in book.elements))

    def element(self, actor: Actor, element_id: str) -> tuple[Status, Sequence[DataElement]]:
        """Return how an element stands today, and all its versions, newest first.

        Raises:
            NotFound: no such element.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, today = self.books.now()
        versions = book.elements.get(element_id)
        if versions is None:
            raise no_entry(EntryKind.ELEMENT.text, element_id)
        return in_force(versions, today)[0], versions[::-1]

    def rules(self, actor: Actor, query: RuleQuery | None = None) -> Sequence[StandingRule]:
        """Return the rules of law as they stand today, in their order; every word of ``q`` must be there."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        wanted = query or RuleQuery()
        book, today = self.books.now()
        words = normalise(wanted.q).split()
        found = []
        for versions in book.rules.values():
            status, rule = in_force(versions, today)
            text = normalise(" ".join(flat_rule(rule).values()))
            if (
                all(word in text for word in words)
                and wanted.profile in ("", rule.profile)
                and wanted.kind in ("", rule.kind)
                and (not wanted.unverified or not rule.verified)
            ):
                found.append(StandingRule(rule, status, len(versions)))
        return found

    def rule(self, actor: Actor, rule_id: str) -> tuple[Status, Sequence[Rule]]:
        """Return how a rule stands today, and all its versions, newest first.

        Raises:
            NotFound: no such rule.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, today = self.books.now()
        versions = book.rules.get(rule_id)
        if versions is None:
            raise no_entry(EntryKind.RULE.text, rule_id)
        return in_force(versions, today)[0], versions[::-1]

    def calendar_years(self, actor: Actor) -> Sequence[tuple[Status, CalendarYear]]:
        """Return the arrangements of years as they stand today, the earliest first."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, today = self.books.now()
        return [in_force(versions, today) for versions in book.years.values()]

    def calendar_year(self, actor: Actor, year: int) -> tuple[Status, Sequence[CalendarYear]]:
        """Return how the arrangement of a year stands today, and all its versions, newest first.

        Raises:
            NotFound: that year's days are not in.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, today = self.books.now()
        versions = book.years.get(str(year))
        if versions is None:
            raise no_year(year)
        return in_force(versions, today)[0], versions[::-1]

    def years_wanting(self, actor: Actor) -> Sequence[int]:
        """Return the years whose days are needed by now and are not in: limits that reach them are provisional."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        return self.books.years_wanting()

    def code_sets(self, actor: Actor) -> Sequence[Listed]:
        """Return all code sets as they stand today, with the values that hold."""
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, today = self.books.now()
        standing = [(in_force(versions, today), len(versions)) for versions in book.sets.values()]
        return [Listed(found.on(today), status, count) for (status, found), count in standing]

    def code_set(self, actor: Actor, set_id: str, on: date | None = None) -> tuple[Status, CodeSet]:
        """Return how a code set stood on a day (by default today), with the values that held then.

        Raises:
            NotFound: no such set.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        day = on or self.books.today()
        status, found = in_force(self._versions(set_id), day)
        return status, found.on(day)

    def code_set_versions(self, actor: Actor, set_id: str) -> Sequence[CodeSet]:
        """Return all versions of a code set with all their values, newest first.

        Raises:
            NotFound: no such set.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        return self._versions(set_id)[::-1]

    def became(self, actor: Actor, set_id: str, code: str, on: date | None = None) -> Became:
        """Return what became of a code by a day (by default today), over any number of steps, splits and mergers.

        Raises:
            NotFound: no such set, or no version of it knows the code.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        found = successors(self._versions(set_id), code, on or self.books.today())
        if found is None:
            raise no_code(set_id, code)
        return found

    def _versions(self, set_id: str) -> Sequence[CodeSet]:
        versions = self.books.now()[0].sets.get(set_id)
        if versions is None:
            raise no_entry(EntryKind.CODE_SET.text, set_id)
        return versions
