"""The registry as a whole: reading, proposing, and files in and out with a plan before anything is proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, Invalid, Language, Text
from beijiang.standards.models import (
    SET_FIELDS,
    Action,
    Book,
    Change,
    CodeValue,
    Entry,
    EntryKind,
    Planned,
    code_from,
    differences,
    element_from,
    kind_of,
    rule_from,
    set_from,
)
from beijiang.standards.service.proposing import Proposing
from beijiang.standards.service.sheets import Sheet, SheetFormat, read, write

if TYPE_CHECKING:
    from datetime import date

    from beijiang.kit import Actor
    from beijiang.standards.models import Proposal

__all__ = ["Registry"]


class Registry(Proposing):
    """Data elements and code sets: what they are, who decided it, since when it counts (issue 4, GB/T 18391)."""

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
        if kind is EntryKind.RULE:
            chosen = only or [key for key, versions in book.rules.items() if not versions[-1].edition.retired]
            return write([self.rule(actor, key)[1][0] for key in chosen], kind, form, language)
        if kind is EntryKind.ELEMENT:
            chosen = only or [key for key, versions in book.elements.items() if not versions[-1].edition.retired]
            return write([self.element(actor, key)[1][0] for key in chosen], kind, form, language)
        chosen = only or [key for key, versions in book.sets.items() if not versions[-1].edition.retired]
        return write([self.code_set_versions(actor, key)[0] for key in chosen], kind, form, language)

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
                planned += _plan_sets(book, sheet)
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


def _plan_sets(book: Book, sheet: Sheet) -> Iterator[Planned]:
    """Plan code sets: the rows of a set together are its next version, and one bad row refuses the set."""
    groups: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for line, row in sheet.rows:
        groups.setdefault(str(row.get("code_set", "")).strip(), []).append((line, row))
    for set_id, rows in groups.items():
        values: list[CodeValue] = []
        bad: list[Planned] = []
        head = _head(rows[0][1])
        for line, row in rows:
            try:
                values.append(code_from(row))
                if _head(row) != head:
                    raise Invalid(
                        "同一代码集各行的名称、标准、列名别称应相同。",
                        "All rows of a set bear the same name, standard and names of columns.",
                        code="registry_field",
                    )
            except BeijiangError as error:
                bad.append(Planned("refused", line, set_id[:130], EntryKind.CODE_SET, error.text))
        if bad:
            yield from bad
            continue
        try:
            found = set_from(rows[0][1], values)
        except BeijiangError as error:
            yield Planned("refused", rows[0][0], set_id[:130], EntryKind.CODE_SET, error.text)
            continue
        yield _planned(book.sets.get(found.id, ()), found, rows[0][0])


def _head(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "").strip() for name in SET_FIELDS)


def _planned(versions: Sequence[Entry], entry: Entry, line: int) -> Planned:
    kind = kind_of(entry)
    newest = versions[-1] if versions else None
    found = differences(newest, entry)
    if newest is None:
        return Planned("added", line, entry.id, kind, None, found, Change(Action.ADD, entry, 0))
    if not found and not newest.edition.retired:
        return Planned("unchanged", line, entry.id, kind)
    return Planned("changed", line, entry.id, kind, None, found, Change(Action.CHANGE, entry, newest.edition.version))
