"""Versions of entries: read whole, added one by one, never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, insert, select

from beijiang.kit import Text
from beijiang.standards.models import (
    Book,
    CalendarYear,
    Choice,
    CodeSet,
    CodeValue,
    DataElement,
    Edition,
    Entry,
    EntryKind,
    Rule,
    day_from,
    element_from,
    flat_day,
    flat_of,
    kind_of,
    rule_from,
    set_from,
    year_from,
)
from beijiang.standards.store.schema import standards_code, standards_profile, standards_version

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["RegistryStore"]

_V, _C = standards_version.c, standards_code.c
T = TypeVar("T", DataElement, CodeSet, Rule, CalendarYear)


class RegistryStore:
    """Read and write versions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def state(self) -> int:
        """Return a number that grows with every version."""
        return self._connection.execute(select(func.max(_V.seq))).scalar_one() or 0

    def known(self) -> set[tuple[str, str]]:
        """Return kind and id of every entry."""
        rows = self._connection.execute(select(_V.kind, _V.entry_id).distinct())
        return {(kind, entry) for kind, entry in rows}

    def choices(self) -> list[Choice]:
        """Return which profiles were chosen, newest first."""
        rows = self._connection.execute(select(standards_profile).order_by(standards_profile.c.seq.desc()))
        return [_choice(row) for row in rows]

    def choose(self, made: Choice) -> None:
        """Add a choice; earlier ones stay for the days before it."""
        values = {"org_id": made.org_id, "profile": made.profile, "since": made.since}
        self._connection.execute(insert(standards_profile).values(**values, reason=made.reason, by=made.by, at=made.at))

    def book(self) -> Book:
        """Return all versions of all entries."""
        values: dict[int, list[CodeValue]] = defaultdict(list)
        for row in self._connection.execute(select(standards_code).order_by(_C.seq, _C.place)):
            values[row.seq].append(_value(row))
        elements: dict[str, list[DataElement]] = defaultdict(list)
        sets: dict[str, list[CodeSet]] = defaultdict(list)
        rules: dict[str, list[Rule]] = defaultdict(list)
        years: dict[str, list[CalendarYear]] = defaultdict(list)
        for row in self._connection.execute(select(standards_version).order_by(_V.seq)):
            if row.kind == EntryKind.RULE:
                rules[row.entry_id].append(_edited(rule_from(row.form), row))
            elif row.kind == EntryKind.ELEMENT:
                elements[row.entry_id].append(_edited(element_from(row.form), row))
            elif row.kind == EntryKind.CALENDAR:
                days = [day_from(one) for one in row.form["days"]]
                years[row.entry_id].append(_edited(year_from(row.form, days), row))
            else:
                sets[row.entry_id].append(_edited(set_from(row.form, values[row.seq]), row))
        return Book(elements, sets, rules, years)

    def elements(self, ids: Collection[str]) -> dict[str, list[DataElement]]:
        """Return all versions of some data elements, oldest first."""
        found: dict[str, list[DataElement]] = defaultdict(list)
        wanted = (_V.kind == EntryKind.ELEMENT.value, _V.entry_id.in_(ids))
        for row in self._connection.execute(select(standards_version).where(*wanted).order_by(_V.seq)):
            found[row.entry_id].append(_edited(element_from(row.form), row))
        return found

    def add(self, entries: Sequence[Entry]) -> None:
        """Add versions as their editions say: what has no codes at once, code sets one by one, then all their codes."""
        elements = [_version(entry) for entry in entries if not isinstance(entry, CodeSet)]
        if elements:
            self._connection.execute(insert(standards_version), elements)
        codes: list[dict[str, Any]] = []
        one_set = insert(standards_version).returning(_V.seq)
        for entry in entries:
            if isinstance(entry, CodeSet):
                seq = self._connection.execute(one_set, _version(entry)).scalar_one()
                codes += [_row(seq, place, value) for place, value in enumerate(entry.values)]
        if codes:
            self._connection.execute(insert(standards_code), codes)


def _choice(row: Row[Any]) -> Choice:
    return Choice(row.org_id, row.profile, row.since, row.reason, row.by, row.at)


def _version(entry: Entry) -> dict[str, Any]:
    edition = entry.edition
    return {
        "kind": kind_of(entry).value,
        "entry_id": entry.id,
        "version": edition.version,
        "valid_from": edition.valid_from,
        "retired": edition.retired,
        "verified": edition.verified,
        "form": _form(entry),
        "reason": edition.reason,
        "by": edition.by,
        "at": edition.at,
        "proposal_id": edition.proposal,
    }


def _form(entry: Entry) -> dict[str, Any]:
    """Return what is stored of an entry; the days of a year are part of it, the codes of a set stand in their own table."""
    if isinstance(entry, CalendarYear):
        return {**flat_of(entry), "days": [flat_day(one) for one in entry.days]}
    return dict(flat_of(entry))


def _row(seq: int, place: int, value: CodeValue) -> dict[str, Any]:
    return {
        "seq": seq,
        "place": place,
        "code": value.code,
        "name_zh": value.name.zh,
        "name_en": value.name.en,
        "parent": value.parent,
        "valid_from": value.valid_from,
        "valid_to": value.valid_to,
        "replaced_by": list(value.replaced_by),
    }


def _value(row: Row[Any]) -> CodeValue:
    return CodeValue(
        row.code, Text(row.name_zh, row.name_en), row.parent, row.valid_from, row.valid_to, tuple(row.replaced_by)
    )


def _edited(entry: T, row: Row[Any]) -> T:
    edition = Edition(
        version=row.version,
        valid_from=row.valid_from,
        retired=row.retired,
        verified=row.verified,
        reason=row.reason,
        by=row.by,
        at=row.at,
        proposal=row.proposal_id,
    )
    return replace(entry, edition=edition)
