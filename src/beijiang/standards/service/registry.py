"""The registry as a whole: reading, proposing, and files in and out with a plan before anything is proposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, Invalid, Language, Text
from beijiang.standards.errors import no_entry
from beijiang.standards.models import (
    SET_FIELDS,
    Action,
    Book,
    CalendarDay,
    CalendarYear,
    Change,
    Entry,
    EntryKind,
    Planned,
    code_from,
    day_from,
    differences,
    element_from,
    kind_of,
    rule_from,
    set_from,
    year_from,
)
from beijiang.standards.service.proposing import Proposing
from beijiang.standards.service.sheets import Sheet, SheetFormat, read, write

if TYPE_CHECKING:
    from datetime import date

    from beijiang.kit import Actor
    from beijiang.standards.models import Proposal

__all__ = ["Registry"]

Part = TypeVar("Part")
"""What one row says of an entry that several rows make: a code, or a day."""


class Registry(Proposing):
    """Data elements, code sets, rules, working days: what they are, who decided it, since when it counts (GB/T 18391)."""

    def export(
        self,
        actor: Actor,
        kind: EntryKind,
        form: SheetFormat = SheetFormat.CSV,
        language: Language = Language.ZH,
        only: Sequence[str] = (),
    ) -> bytes:
        """Return the newest versions of one kind as a file, with all codes, also those that ended.

        Raises:
            NotFound: one of ``only`` is not there.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, _ = self.books.now()
        known = book.of_kind(kind)
        chosen = only or [key for key, versions in known.items() if not versions[-1].edition.retired]
        missing = next((key for key in chosen if key not in known), None)
        if missing is not None:
            raise no_entry(kind.text, missing)
        return write([known[key][-1] for key in chosen], kind, form, language)

    def plan(self, actor: Actor, name: str, content: bytes) -> Sequence[Planned]:
        """Return what an import of a file would do, entry by entry, and which rows it refuses and why; nothing is done.

        Raises:
            Invalid, TooLarge: the file as a whole cannot be read.

        """
        self.access.require(actor, Permission.STANDARDS_ENTRY_PROPOSE, actor.org_id)
        book, _ = self.books.now()
        sheets = read(name, content)
        planned: list[Planned] = []
        for sheet in sorted(sheets, key=lambda one: one.kind is EntryKind.ELEMENT):
            if sheet.kind is EntryKind.CODE_SET:
                planned += _SETS.plan(book, sheet)
            elif sheet.kind is EntryKind.CALENDAR:
                head = ("basis", "verified")
                planned += _Group(sheet.kind, _year_of, head, day_from, self._year_from).plan(book, sheet)
            elif sheet.kind is EntryKind.RULE:
                planned += self._plan_rules(book, sheet)
            else:
                planned += self._plan_elements(book, sheet, planned)
        return planned

    def propose_import(
        self, actor: Actor, name: str, content: bytes, reason: str, valid_from: date | None = None
    ) -> Proposal:
        """Propose what a file changes, all of it or nothing.

        Raises:
            Invalid: a row is refused (``rows_refused``); ``plan`` says which and why.
            Conflict: the file changes nothing.

        """
        planned = self.plan(actor, name, content)
        refused = [one for one in planned if one.outcome == "refused"]
        if refused:
            first = refused[0]
            why = first.reason or Text("", "")
            raise Invalid(
                f"{len(refused)} 行不能导入，整个文件都没有导入。第 {first.row} 行：{why.zh}",
                f"{len(refused)} rows are refused, so nothing is imported. Row {first.row}: {why.en}",
                code="rows_refused",
                detail={"rows": [one.row for one in refused[:100]]},
            )
        changes = [one.change for one in planned if one.change is not None]
        if not changes:
            raise Conflict(
                "文件与标准库现有内容相同，没有变化。",
                "The file says what the registry says already.",
                code="nothing_changes",
            )
        return self.propose(actor, changes, reason, valid_from)

    def _year_from(self, row: Mapping[str, str], days: Sequence[CalendarDay]) -> CalendarYear:
        found = year_from({**row, "id": _year_of(row)}, days)
        self._check_year(found)
        return found

    def _plan_rules(self, book: Book, sheet: Sheet) -> Iterator[Planned]:
        seen: set[str] = set()
        for line, row in sheet.rows:
            try:
                rule = rule_from(row)
                self._check_profile(rule)
                if rule.id in seen:
                    raise Invalid("标识重复。", "The id is there twice.", code="entry_twice")
            except BeijiangError as error:
                yield Planned("refused", line, str(row.get("id", "")).strip()[:130], EntryKind.RULE, error.text)
                continue
            seen.add(rule.id)
            yield _planned(book.rules.get(rule.id, ()), rule, line)

    def _plan_elements(self, book: Book, sheet: Sheet, before: Sequence[Planned]) -> Iterator[Planned]:
        sets = {key for key, versions in book.sets.items() if not versions[-1].edition.retired}
        sets |= {one.id for one in before if one.kind is EntryKind.CODE_SET and one.outcome != "refused"}
        seen: set[str] = set()
        for line, row in sheet.rows:
            named = str(row.get("id", "")).strip()[:130]
            try:
                element = element_from(row)
                self._check_element(element, sets)
                if element.id in seen:
                    raise Invalid("标识重复。", "The id is there twice.", code="entry_twice")
            except BeijiangError as error:
                yield Planned("refused", line, named, EntryKind.ELEMENT, error.text)
                continue
            seen.add(element.id)
            yield _planned(book.elements.get(element.id, ()), element, line)


def _codes_of(row: Mapping[str, str]) -> str:
    return str(row.get("code_set", "")).strip()


def _year_of(row: Mapping[str, str]) -> str:
    return str(row.get("date", "")).strip()[:4]


@dataclass(frozen=True, slots=True)
class _Group(Generic[Part]):
    """How the rows of one kind make entries: the rows of an entry together are its next version, a bad row refuses it."""

    kind: EntryKind
    id_of: Callable[[Mapping[str, str]], str]
    head: Sequence[str]
    """Fields that all rows of an entry bear alike."""
    part: Callable[[Mapping[str, str]], Part]
    whole: Callable[[Mapping[str, str], Sequence[Part]], Entry]

    def plan(self, book: Book, sheet: Sheet) -> Iterator[Planned]:
        groups: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
        for line, row in sheet.rows:
            groups.setdefault(self.id_of(row), []).append((line, row))
        for entry_id, rows in groups.items():
            yield from self._entry(book, entry_id, rows)

    def _entry(self, book: Book, entry_id: str, rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[Planned]:
        parts: list[Part] = []
        bad: list[Planned] = []
        for line, row in rows:
            try:
                parts.append(self.part(row))
                if self._head(row) != self._head(rows[0][1]):
                    raise self._apart()
            except BeijiangError as error:
                bad.append(Planned("refused", line, entry_id[:130], self.kind, error.text))
        if bad:
            yield from bad
            return
        try:
            found = self.whole(rows[0][1], parts)
        except BeijiangError as error:
            yield Planned("refused", rows[0][0], entry_id[:130], self.kind, error.text)
            return
        yield _planned(book.versions(self.kind, found.id), found, rows[0][0])

    def _head(self, row: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(str(row.get(name) or "").strip() for name in self.head)

    def _apart(self) -> Invalid:
        if self.kind is EntryKind.CALENDAR:
            return Invalid(
                "同一年各行的依据文件、已核实应相同。",
                "All rows of a year bear the same basis and the same mark of being confirmed.",
                code="registry_field",
            )
        return Invalid(
            "同一代码集各行的名称、标准、列名别称应相同。",
            "All rows of a set bear the same name, standard and names of columns.",
            code="registry_field",
        )


_SETS: Final = _Group(EntryKind.CODE_SET, _codes_of, tuple(SET_FIELDS), code_from, set_from)


def _planned(versions: Sequence[Entry], entry: Entry, line: int) -> Planned:
    kind = kind_of(entry)
    newest = versions[-1] if versions else None
    found = differences(newest, entry)
    if newest is None:
        return Planned("added", line, entry.id, kind, None, found, Change(Action.ADD, entry, 0))
    if not found and not newest.edition.retired:
        return Planned("unchanged", line, entry.id, kind)
    return Planned("changed", line, entry.id, kind, None, found, Change(Action.CHANGE, entry, newest.edition.version))
