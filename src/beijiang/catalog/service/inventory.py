"""The inventory of systems and the negative list: what the departments run, and what they do not share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final, TypeVar

from beijiang.access import Permission
from beijiang.catalog.models import (
    SYSTEM_COLUMNS,
    Coverage,
    GovernmentSystem,
    LineFault,
    Network,
    NotShared,
    ShareType,
    SystemDraft,
    SystemQuery,
    SystemState,
    Taken,
)
from beijiang.catalog.store import ResourceStore, SystemStore
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, Language, NotFound, Text, Word, new_id, normalise
from beijiang.standards import SheetFormat, text_file, text_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.access import Access
    from beijiang.catalog.models import Entry, Resource
    from beijiang.catalog.service import Catalog
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock, Part, Wanted

_W = TypeVar("_W", bound=Word)

_EVERYBODY: Final = "*"
_READ: Final = Permission.CATALOG_RESOURCE_READ
_WRITE: Final = Permission.CATALOG_RESOURCE_REGISTER
_LINES_MOST: Final = 5_000
_MANY: Final = 100_000
_PAGE: Final = 500
_TITLE: Final = Text("政务信息系统清单", "Inventory of government systems")
_NEGATIVE: Final = Text("不予共享清单", "Negative list")
_NEGATIVE_HEAD: Final = (
    Text("提供部门", "Department"),
    Text("信息资源", "Resource"),
    Text("信息项", "Item"),
    Text("不予共享的依据", "Basis"),
    Text("发布日期", "Published"),
)


class _Undone(Exception):
    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


class Inventory:
    """Which systems the departments run, which of their data are in the catalog, and what is not shared."""

    def __init__(self, db: Database, catalog: Catalog, access: Access, evidence: Evidence, clock: Clock) -> None:
        self._db = db
        self._catalog = catalog
        self._access = access
        self._evidence = evidence
        self._clock = clock

    # Systems

    def systems(
        self, actor: Actor, query: SystemQuery | None = None, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[GovernmentSystem], int]:
        """Return a page of the systems that the actor may see, by department and name, and how many there are.

        Raises:
            Denied: the actor may see no department's.

        """
        asked = query or SystemQuery()
        scope = self._scope(actor, asked.org_id)
        with self._db.read() as connection:
            return SystemStore(connection).find(replace(asked, org_id=scope), limit, offset)

    def system_part(self, actor: Actor, query: SystemQuery, wanted: Wanted) -> Part[GovernmentSystem]:
        """Return a part of the systems that ``systems`` lists, narrowed, counted and sorted.

        Raises:
            Denied: the actor may see no department's.

        """
        scope = self._scope(actor, query.org_id)
        with self._db.read() as connection:
            return SystemStore(connection).part(replace(query, org_id=scope), wanted)

    def system(self, actor: Actor, system_id: str) -> GovernmentSystem:
        """Return one system.

        Raises:
            NotFound: unknown or hidden, which look the same.

        """
        with self._db.read() as connection:
            return self._seen(actor, SystemStore(connection).get(system_id))

    def of_entry(self, actor: Actor, resource_id: str) -> list[GovernmentSystem]:
        """Return the systems whose data an entry describes, of those that the actor may see."""
        self._access.require(actor, _READ, actor.org_id)
        with self._db.read() as connection:
            found = SystemStore(connection).of_entry(resource_id)
        return [one for one in found if self._access.allows(actor, _READ, one.org_id)]

    def coverage(self, actor: Actor, org_id: str | None = None) -> list[Coverage]:
        """Return per department how many of its systems in use have an entry (`standards.md` 10.1, ``system_coverage``)."""
        scope = self._scope(actor, org_id)
        with self._db.read() as connection:
            return [Coverage(org_id=o, covered=a, in_use=b) for o, a, b in SystemStore(connection).coverage(scope)]

    def add(self, actor: Actor, draft: SystemDraft, org_id: str | None = None) -> GovernmentSystem:
        """Put a system into the inventory of one's department, or of another that one may write for.

        Raises:
            Denied: the actor may not write for the department.
            Invalid: no name, no department, or a text that is too long.
            Conflict: the department has a system of this name.

        """
        owner = org_id or actor.org_id
        self._access.require(actor, _WRITE, owner)
        if owner is None:
            raise Invalid("请指定主管部门。", "Say which department the system is of.", code="no_department")
        self._access.organisation(owner)
        with self._db.begin() as tx:
            return self._put(tx, actor, owner, draft.checked())

    def change(self, actor: Actor, system_id: str, draft: SystemDraft) -> GovernmentSystem:
        """Say something else of a system; its department stays.

        Raises:
            NotFound: unknown or hidden, which look the same.
            Denied: the actor may not write for its department.
            Invalid: as when it is added.
            Conflict: the department has another system of this name.

        """
        checked = draft.checked()
        with self._db.begin() as tx:
            found = self._own(tx, actor, system_id)
            if found.draft == checked:
                return found
            self._no_other(tx, found.org_id, checked.name, system_id)
            return self._changed(tx, actor, found, checked)

    def link(self, actor: Actor, system_id: str, resource_id: str) -> GovernmentSystem:
        """Say that an entry of the same department describes data of a system. Again is a no-op.

        Raises:
            NotFound: system or entry unknown or hidden.
            Denied: the actor may not write for the department.
            Invalid: the entry is another department's.

        """
        self.system(actor, system_id)
        entry = self._catalog.get(actor, resource_id)
        with self._db.begin() as tx:
            found = self._own(tx, actor, system_id)
            if entry.provider_id != found.org_id:
                raise Invalid(
                    "只能关联同一部门的目录。",
                    "Only an entry of the same department can be linked.",
                    code="other_department",
                )
            if resource_id in found.entries:
                return found
            SystemStore(tx.connection).link(system_id, resource_id)
            self._record(tx, actor, "system_link", found, entry=resource_id)
            return replace(found, entries=(*found.entries, resource_id))

    def unlink(self, actor: Actor, system_id: str, resource_id: str) -> GovernmentSystem:
        """Take a link back. One that is not there is a no-op.

        Raises:
            NotFound: unknown or hidden, which look the same.
            Denied: the actor may not write for the department.

        """
        with self._db.begin() as tx:
            found = self._own(tx, actor, system_id)
            if resource_id not in found.entries:
                return found
            SystemStore(tx.connection).unlink(system_id, resource_id)
            self._record(tx, actor, "system_unlink", found, entry=resource_id)
            return replace(found, entries=tuple(one for one in found.entries if one != resource_id))

    # As a spreadsheet

    def export(
        self,
        actor: Actor,
        form: SheetFormat,
        query: SystemQuery | None = None,
        *,
        language: Language = Language.ZH,
    ) -> bytes:
        """Return the inventory that the actor may see as a spreadsheet; ``take`` reads it back."""
        found, _ = self.systems(actor, query, limit=_MANY)
        names = {one.id: one.name_zh for one in self._access.organisations()}
        head = [text.in_language(language) for text in SYSTEM_COLUMNS.values()]
        lines = [self._line(one, names, language) for one in found]
        title = _TITLE.in_language(language)
        return text_file([(title[:31], [head, *lines])], form, title=title, language=language)

    def _line(self, found: GovernmentSystem, names: Mapping[str, str], language: Language) -> list[str]:
        draft = found.draft
        return [
            names.get(found.org_id, found.org_id),
            draft.name,
            draft.purpose,
            draft.state.text.in_language(language),
            draft.network.text.in_language(language),
            draft.database,
            draft.since.isoformat() if draft.since else "",
            draft.contact,
            str(len(found.entries)),
        ]

    def take(self, actor: Actor, content: bytes, *, only_check: bool = False) -> Taken:
        """Add and change systems of one's own department as a spreadsheet says: all of them, or none where anything is wrong.

        Raises:
            Denied: the actor may not write for the own department.
            TooLarge: the file, or the number of its lines.
            Invalid: it cannot be read, or has no column of system names.

        """
        owner = actor.org_id
        self._access.require(actor, _WRITE, owner)
        if owner is None:
            raise Denied("清单由部门导入。", "Inventories are read in by a department.")
        lines, unknown = _read_lines(content)
        faults: list[LineFault] = []
        done: dict[str, list[str]] = {"added": [], "changed": [], "same": []}
        try:
            with self._db.begin() as tx:
                for number, cells in lines:
                    self._take_line(tx, actor, owner, number, cells, done, faults)
                taken = Taken(
                    added=tuple(done["added"]),
                    changed=tuple(done["changed"]),
                    same=tuple(done["same"]),
                    faults=tuple(faults),
                    unknown=tuple(unknown),
                    done=not faults and not only_check,
                )
                if not taken.done:
                    raise _Undone(taken)  # noqa: TRY301 - it undoes the transaction
        except _Undone as undone:
            return undone.taken
        return taken

    def _take_line(
        self,
        tx: UnitOfWork,
        actor: Actor,
        owner: str,
        number: int,
        cells: Mapping[str, str],
        done: dict[str, list[str]],
        faults: list[LineFault],
    ) -> None:
        before = SystemStore(tx.connection).named(owner, " ".join(cells.get("name", "").split()))
        try:
            draft = _drafted(cells, before.draft if before else SystemDraft(name="")).checked()
        except Invalid as error:
            faults.append(LineFault(number, str(error.detail.get("field", "")), error.text))
            return
        if before is None:
            done["added"].append(self._put(tx, actor, owner, draft).id)
        elif before.draft == draft:
            done["same"].append(before.id)
        else:
            done["changed"].append(self._changed(tx, actor, before, draft).id)

    # The negative list

    def negative(self, actor: Actor, org_id: str | None = None) -> list[NotShared]:
        """Return published entries, and items of shared ones, that are not shared, with the basis that was given.

        Raises:
            Denied: the actor may see no department's.

        """
        scope = self._scope(actor, org_id)
        serving = [one.id for one in self._catalog.list(SYSTEM, org_id=scope, limit=_MANY) if one.is_serving]
        with self._db.read() as connection:
            store = ResourceStore(connection)
            pages = [store.of_page(serving[at : at + _PAGE]) for at in range(0, len(serving), _PAGE)]
        published = [(found, version) for page in pages for found, version in page.values() if version is not None]
        lines = [line for found, version in published for line in _not_shared(found, version.entry)]
        return sorted(lines, key=lambda one: (one.org_id, one.name))

    def not_shared(self, actor: Actor, resource_ids: Sequence[str]) -> list[NotShared]:
        """Return the lines of the negative list about some entries, of departments whose lines the actor may see: of none, nothing."""
        with self._db.read() as connection:
            page = ResourceStore(connection).of_page([*resource_ids])
        return [
            line
            for found, version in page.values()
            if version is not None and found.is_serving and self._access.allows(actor, _READ, found.provider_id)
            for line in _not_shared(found, version.entry)
        ]

    def export_negative(
        self, actor: Actor, form: SheetFormat, org_id: str | None = None, *, language: Language = Language.ZH
    ) -> bytes:
        """Return the negative list that the actor may see as a file."""
        names = {one.id: one.name_zh for one in self._access.organisations()}
        lines = [
            [
                names.get(one.org_id, one.org_id),
                one.name,
                one.item,
                one.basis,
                one.published_at.date().isoformat() if one.published_at else "",
            ]
            for one in self.negative(actor, org_id)
        ]
        title = _NEGATIVE.in_language(language)
        head = [text.in_language(language) for text in _NEGATIVE_HEAD]
        return text_file([(title, [head, *lines])], form, title=title, language=language)

    # What the verbs share

    def _scope(self, actor: Actor, org_id: str | None) -> str | None:
        """Return the department to look at: everybody's (None) for those who see all, else the own."""
        if org_id is not None:
            self._access.require(actor, _READ, org_id)
            return org_id
        if self._access.allows(actor, _READ, _EVERYBODY):
            return None
        self._access.require(actor, _READ, actor.org_id)
        if actor.org_id is None:
            raise Denied("您不属于任何部门。", "You belong to no department.")
        return actor.org_id

    def _seen(self, actor: Actor, found: GovernmentSystem | None) -> GovernmentSystem:
        if found is None or not self._access.allows(actor, _READ, found.org_id):
            raise NotFound(
                "没有这个系统，或您无权查看。", "No such system, or it is not yours to see.", code="no_system"
            )
        return found

    def _own(self, tx: UnitOfWork, actor: Actor, system_id: str) -> GovernmentSystem:
        found = self._seen(actor, SystemStore(tx.connection).get(system_id))
        self._access.require(actor, _WRITE, found.org_id)
        return found

    def _no_other(self, tx: UnitOfWork, org_id: str, name: str, own: str = "") -> None:
        other = SystemStore(tx.connection).named(org_id, name)
        if other is not None and other.id != own:
            raise Conflict(
                f"本部门已有“{name}”。请修改原有的一条，或换一个名称。",
                f"The department has “{name}” already. Change that one, or use another name.",
                code="system_exists",
                detail={"id": other.id},
            )

    def _put(self, tx: UnitOfWork, actor: Actor, org_id: str, draft: SystemDraft) -> GovernmentSystem:
        self._no_other(tx, org_id, draft.name)
        made = GovernmentSystem(id=new_id("sys"), org_id=org_id, draft=draft, changed_at=self._clock.now())
        SystemStore(tx.connection).add(made)
        self._record(tx, actor, "system_add", made)
        return made

    def _changed(self, tx: UnitOfWork, actor: Actor, found: GovernmentSystem, draft: SystemDraft) -> GovernmentSystem:
        made = replace(found, draft=draft, changed_at=self._clock.now())
        SystemStore(tx.connection).change(made)
        self._record(tx, actor, "system_change", made, state=draft.state.value)
        return made

    def _record(self, tx: UnitOfWork, actor: Actor, action: str, found: GovernmentSystem, **detail: str) -> None:
        self._evidence.record(tx, actor, f"catalog.{action}", target=f"system:{found.id}", detail={**detail})


def _not_shared(found: Resource, entry: Entry) -> list[NotShared]:
    def line(item: str, basis: str) -> NotShared:
        return NotShared(
            org_id=found.provider_id,
            resource_id=found.id,
            name=entry.name,
            item=item,
            basis=basis.strip(),
            published_at=found.published_at,
        )

    if (entry.share_type or ShareType.NOT_SHARED) is ShareType.NOT_SHARED:
        return [line("", entry.no_share_basis)]
    kept = [item for item in entry.items if entry.share_type_of(item) is ShareType.NOT_SHARED]
    return [line(item.name, item.no_share_basis or entry.no_share_basis) for item in kept]


def _read_lines(content: bytes) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Return the lines of an inventory with their numbers, counted from 1, and the columns that it does not have."""
    keys = {normalise(word): key for key, text in SYSTEM_COLUMNS.items() for word in (key, text.zh, text.en)}
    for sheet in text_tables(content):
        for at, head in enumerate(sheet[:6]):
            named = [keys.get(normalise(cell), "") for cell in head]
            if "name" in named:
                if len(sheet) > _LINES_MOST:
                    raise Invalid(
                        f"超过 {_LINES_MOST} 行，请分次导入。", f"Over {_LINES_MOST} lines; read it in in parts."
                    )
                unknown = [cell for cell, key in zip(head, named, strict=True) if cell.strip() and not key]
                return _cells(sheet, at, named), unknown
    raise Invalid(
        "没有找到“系统名称”一列。请用导出的清单作模板。",
        "There is no column “System”. Take an exported inventory as the template.",
        code="no_inventory",
    )


def _cells(sheet: Sequence[Sequence[str]], head: int, named: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    found = []
    for number, line in enumerate(sheet[head + 1 :], head + 2):
        cells = {key: cell.strip() for key, cell in zip(named, line, strict=False) if key and cell.strip()}
        if cells:
            found.append((number, cells))
    return found


def _drafted(cells: Mapping[str, str], before: SystemDraft) -> SystemDraft:
    """Return what a line says; what it leaves empty stays as it was."""
    since = before.since
    if "since" in cells:
        try:
            since = date.fromisoformat(cells["since"][:10])
        except ValueError:
            raise Invalid(
                f"“{cells['since']}”不是日期，请写成 2018-10-01。",
                f"“{cells['since']}” is no date; write 2018-10-01.",
                code="no_date",
                detail={"field": "since"},
            ) from None
    return SystemDraft(
        name=cells.get("name", ""),
        purpose=cells.get("purpose", before.purpose),
        state=_word(SystemState, "state", cells, before.state),
        network=_word(Network, "network", cells, before.network),
        database=cells.get("database", before.database),
        since=since,
        contact=cells.get("contact", before.contact),
    )


def _word(kind: type[_W], key: str, cells: Mapping[str, str], before: _W) -> _W:
    if key not in cells:
        return before
    said = normalise(cells[key])
    for one in kind:
        if said in {normalise(one.text.zh), normalise(one.text.en), one.value}:
            return one
    zh, en = "、".join(one.text.zh for one in kind), ", ".join(one.text.en for one in kind)
    raise Invalid(
        f"“{cells[key]}”不在可选项中：{zh}。",
        f"“{cells[key]}” is none of: {en}.",
        code="unknown_word",
        detail={"field": key},
    )
