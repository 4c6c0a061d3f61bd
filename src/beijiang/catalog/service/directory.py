"""The directory as one spreadsheet: written in the national layout, and read back with every fault told before anything is kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.catalog.models import EXTENSION, Entry, ExtensionField, Item, ItemEdit, Resource, ResourceEdit
from beijiang.catalog.models.directory import (
    ENTRY_COLUMNS,
    ITEM_COLUMNS,
    LINES_MOST,
    Described,
    LineFault,
    Taken,
    find_head,
    group,
)
from beijiang.catalog.models.extension import read_value, shown_value
from beijiang.catalog.models.sheet import CellKind, SheetField, read_cell
from beijiang.catalog.service.compiling import draft
from beijiang.catalog.service.gridding import Gridding
from beijiang.catalog.service.indexing import codes_of
from beijiang.catalog.store import ResourceStore
from beijiang.kit import Actor, BeijiangError, Denied, Invalid, Language, Text, TooLarge, normalise
from beijiang.standards import SheetFormat, text_file, text_tables

if TYPE_CHECKING:
    from beijiang.catalog.models import State
    from beijiang.db import UnitOfWork
    from beijiang.kit.errors import JsonValue

_FAULTS_MOST: Final = 200
_TITLE: Final = Text("政务信息资源目录", "Directory of government information resources")
_APART: Final = re.compile(r"[\s,，、;；]+")
_PLAIN: Final = ("name", "inner_office", "provider_code", "summary", "share_condition", "no_share_basis", "open_condition",
                 "licence", "contact")  # fmt: skip
_LISTED: Final = ("categories", "related_codes", "keywords")
_CHOICES: Final = ("share_type", "share_method", "open_type", "update_cycle")
_ITEM_CELLS: Final = {
    "item_name": "name",
    "item_length": "length",
    "item_description": "description",
    "item_share_type": "share_type",
    "item_share_condition": "share_condition",
    "item_open_type": "open_type",
}


class _Refused(Exception):
    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


class Directory(Gridding):
    """Many entries at once, as a file."""

    def export_directory(
        self,
        actor: Actor,
        form: SheetFormat,
        *,
        states: Sequence[State] = (),
        org_id: str | None = None,
        language: Language = Language.ZH,
    ) -> bytes:
        """Return the entries whose working state the actor may see, one line an item; ``take_directory`` reads it back."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_READ, org_id)
        reader = self._reader(actor)
        own = org_id if reader.everything else reader.org_id
        found: list[Resource] = []
        if (reader.everything or reader.org_id) and (reader.everything or org_id in {None, reader.org_id}):
            with self._db.read() as connection:
                found = ResourceStore(connection).all(org_id=own, states=states, limit=10_000)
        declared = [
            one for one in self._fields() if one.retired_at is None or any(r.entry.extension(one.key) for r in found)
        ]
        columns = [*ENTRY_COLUMNS.values(), *(one.name for one in declared), *ITEM_COLUMNS.values()]
        head = [text.in_language(language) for text in columns]
        lines = [line for one in sorted(found, key=_place) for line in self._lines(one, declared, language)]
        title = _TITLE.in_language(language)
        return text_file([(title[:31], [head, *lines])], form, title=title, language=language)

    def directory_columns(self, actor: Actor) -> dict[str, Text]:
        """Return the columns of a directory's file by their keys, those of declared fields too."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        declared = {EXTENSION + one.key: one.name for one in self._fields()} if self._is_inside(actor) else {}
        return {**ENTRY_COLUMNS, **declared, **ITEM_COLUMNS}

    def _lines(self, found: Resource, declared: Sequence[ExtensionField], language: Language) -> list[list[str]]:
        entry = found.entry
        words = {field.key: dict(field.options) for field in self._sheet_fields() if field.kind is CellKind.CHOICE}

        def told(key: str, value: str | None) -> str:
            return words[key][value].in_language(language) if value in words[key] else value or ""

        own = {key: str(getattr(entry, key) or "") for key in _PLAIN}
        own |= {key: "、".join(getattr(entry, key)) for key in (*_LISTED, "formats")}
        own |= {key: told(key, getattr(entry, key)) for key in _CHOICES}
        own |= {
            "code": str(found.codes[0]) if found.codes else "",
            "provider": entry.provider_name or found.provider_id,
            "published": found.published_at.astimezone(self._zone).date().isoformat() if found.published_at else "",
        }
        held = {one.field.key: one.shown.in_language(language) for one in self._values(entry, declared)}
        before = [*(own[key] for key in ENTRY_COLUMNS), *(held.get(one.key, "") for one in declared)]
        items = [
            [
                item.name,
                item.column,
                item.type,
                str(item.length or ""),
                item.description,
                told("share_type", item.share_type),
                item.share_condition,
                told("open_type", item.open_type),
            ]
            for item in entry.items
        ]
        return [[*before, *cells] for cells in items or [[""] * len(ITEM_COLUMNS)]]

    def take_directory(self, actor: Actor, name: str, content: bytes, *, only_check: bool = False) -> Taken:
        """Register and change entries as a file in the national layout says: all of them, or none where anything is wrong.

        Raises:
            TooLarge: the file, or the number of its lines.
            Invalid: it cannot be read, or has no column of resource names (``no_directory``).

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_REGISTER, actor.org_id)
        told, unknown = _read(name, content, {EXTENSION + one.key: one.name for one in self._fields()})
        faults = [one for one in told if isinstance(one, LineFault)]
        try:
            with self._db.begin() as tx:
                done: dict[str, list[str]] = {"added": [], "changed": [], "same": []}
                for one in told:
                    if isinstance(one, Described):
                        self._take(tx, actor, one, done, faults)
                taken = _taken(done, faults, unknown, done_now=not faults and not only_check)
                if not taken.done:
                    raise _Refused(taken)  # noqa: TRY301 - it undoes the transaction
                detail: dict[str, JsonValue] = {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "added": len(taken.added),
                    "changed": len(taken.changed),
                }
                self._evidence.record(tx, actor, "catalog.take_directory", target="catalog:directory", detail=detail)
        except _Refused as refused:
            return refused.taken
        return taken

    def _take(
        self, tx: UnitOfWork, actor: Actor, told: Described, done: dict[str, list[str]], faults: list[LineFault]
    ) -> None:
        """Carry one entry out in the transaction, or add what is wrong with it."""
        before = len(faults)
        try:
            found = self._meant(tx, actor, told)
            change = self._change(told, found, faults)
            if len(faults) > before:
                return
            outcome = self._apply(tx, actor, found, change, _new_items(told, found))
            done[outcome].append(change.name or told.cells["name"])
        except BeijiangError as error:
            faults.append(LineFault(told.line, "", error.text))

    def _meant(self, tx: UnitOfWork, actor: Actor, told: Described) -> Resource:
        """Return the entry that is there already, by code or by provider and name, or a new one that is not stored yet."""
        store = ResourceStore(tx.connection)
        org = self._provider_of(actor, told.cells.get("provider", ""))
        code = told.cells.get("code", "")
        found = store.by_code(code) if code else store.by_name(org, told.cells["name"])
        if found is None and code:
            raise Invalid(
                f"没有代码为“{code[:60]}”的资源。新资源请把代码留空，由平台生成。",
                f"No resource has the code “{code[:60]}”. Leave it empty for a new one; the platform makes it.",
                code="unknown_code",
            )
        wanted = Permission.CATALOG_RESOURCE_EDIT if found else Permission.CATALOG_RESOURCE_REGISTER
        if not self._access.allows(actor, wanted, found.provider_id if found else org):
            raise Denied(
                "您不能编制这个提供方的目录。",
                "You may not compile entries of this provider.",
                code="not_for_this_provider",
            )
        if found is not None:
            return found
        provider = self._access.organisation(org)
        entry = Entry(
            name=told.cells["name"],
            provider_id=org,
            provider_name=provider.name_zh,
            provider_code=provider.uscc or "",
        )
        return replace(draft(entry, self._clock.now()), revision=0)

    def _provider_of(self, actor: Actor, words: str) -> str:
        if not words:
            if actor.org_id:
                return actor.org_id
            raise Invalid("请填写信息资源提供方。", "Name the provider.", code="provider_missing")
        for one in self._access.organisations():
            if words in {one.id, one.name_zh, one.name_en, one.short_zh}:
                return one.id
        raise Invalid(
            f"没有机构“{words[:60]}”。请写机构全称。",
            f"There is no organisation “{words[:60]}”; give its full name.",
            code="unknown_provider",
        )

    def _change(self, told: Described, found: Resource, faults: list[LineFault]) -> ResourceEdit:
        values: dict[str, Any] = {key: told.cells[key] for key in _PLAIN if key in told.cells}
        values |= {key: _parts(told.cells[key]) for key in _LISTED if key in told.cells}
        if "formats" in told.cells:
            labels = {normalise(word): one.id for one in self._standards.formats() for word in (one.id, one.label)}
            values["formats"] = tuple(labels.get(normalise(part), part) for part in _parts(told.cells["formats"]))
        fields = {one.key: one for one in self._sheet_fields()}
        for key in _CHOICES:
            if key in told.cells:
                values[key], wrong = read_cell(fields[key], told.cells[key])
                if wrong is not None:
                    faults.append(LineFault(told.line, key, wrong))
        values["extensions"] = self._extended(told, found, faults)
        edits = tuple(_item_edit(line, cells, found, fields, faults) for line, cells in told.items)
        return ResourceEdit(**values, items=tuple(edit for edit in edits if edit is not None))

    def _extended(self, told: Described, found: Resource, faults: list[LineFault]) -> dict[str, str]:
        """Read the cells of declared fields, each with its own fault; what stands there already is not read again."""
        declared = {EXTENSION + one.key: one for one in self._fields()}
        values: dict[str, str] = {}
        for cell, field in declared.items():
            said, held = told.cells.get(cell, ""), found.entry.extension(field.key)
            codes = codes_of(self._standards, field.code_set)
            shown = shown_value(field, held, codes)
            if not said or (held and said in {held, shown.zh, shown.en}):
                continue
            try:
                values[field.key] = read_value(field, said, codes)
            except Invalid as wrong:
                faults.append(LineFault(told.line, cell, wrong.text))
        return values

    def _apply(
        self, tx: UnitOfWork, actor: Actor, found: Resource, change: ResourceEdit, fresh: tuple[Item, ...]
    ) -> str:
        entry = change.apply(replace(found.entry, items=(*found.entry.items, *fresh)))
        entry = self._settled(tx, found if found.revision else None, entry)
        store = ResourceStore(tx.connection)
        if not found.revision:
            self._check_values(store, None, entry)
            self._add(tx, actor, entry, table=None)
            return "added"
        if entry == found.entry:
            return "same"
        self._check_values(store, found, entry)
        self._rewrite(tx, actor, found, entry)
        return "changed"


def _place(found: Resource) -> tuple[str, str, str]:
    return found.provider_id, found.entry.categories[0] if found.entry.categories else "", found.entry.name


def _read(
    name: str, content: bytes, declared: Mapping[str, Text]
) -> tuple[list[Described | LineFault], tuple[str, ...]]:
    for lines in text_tables(content):
        found = find_head(lines, declared)
        if found is not None:
            if len(lines) > LINES_MOST:
                raise TooLarge(f"超过 {LINES_MOST} 行。", f"More than {LINES_MOST} lines.")
            head, keys, unknown = found
            return list(group(lines, head, keys)), tuple(unknown)
    raise Invalid(
        f"“{name[:100]}”中没有“信息资源名称”这一列。可先导出一份目录作为模板。",
        f"“{name[:100]}” has no column “Resource name”. Export the directory as a template.",
        code="no_directory",
    )


def _taken(
    done: Mapping[str, list[str]], faults: Sequence[LineFault], unknown: tuple[str, ...], *, done_now: bool
) -> Taken:
    ordered = tuple(sorted(faults, key=lambda one: one.line)[:_FAULTS_MOST])
    return Taken(tuple(done["added"]), tuple(done["changed"]), tuple(done["same"]), ordered, unknown, done_now)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in _APART.split(text) if part)


def _item_of(cells: Mapping[str, str], found: Resource) -> Item | None:
    column, name = cells.get("item_column"), cells.get("item_name")
    if column:
        return found.entry.item(column)
    return next((item for item in found.entry.items if item.name == name), None)


def _new_items(told: Described, found: Resource) -> tuple[Item, ...]:
    """Return the items that an entry without a table gets from the file."""
    fresh = [cells for _, cells in told.items if _item_of(cells, found) is None]
    return tuple(
        Item(
            column=cells.get("item_column") or cells["item_name"],
            name=cells.get("item_name") or cells["item_column"],
            type=_letter(cells),
        )
        for cells in fresh
    )


def _item_edit(
    line: int, cells: Mapping[str, str], found: Resource, fields: Mapping[str, SheetField], faults: list[LineFault]
) -> ItemEdit | None:
    item = _item_of(cells, found)
    column = item.column if item else cells.get("item_column") or cells.get("item_name")
    wrong = _item_fault(cells, found, item, column)
    if wrong is not None or column is None:
        faults.append(LineFault(line, "item_column", wrong or Text("缺少信息项名称。", "The item has no name.")))
        return None
    values: dict[str, Any] = {}
    for key, own in _ITEM_CELLS.items():
        if key in cells:
            values[own], fault = read_cell(fields[own], cells[key])
            if fault is not None:
                faults.append(LineFault(line, key, fault))
    return ItemEdit(column=column, **values)


def _item_fault(cells: Mapping[str, str], found: Resource, item: Item | None, column: str | None) -> Text | None:
    if column is None:
        return Text("请填写信息项名称。", "Name the item.")
    if item is None and found.table is not None:
        return Text(
            f"数据表“{found.table}”没有列“{column[:60]}”。数据项随表而定。",
            f"Table “{found.table}” has no column “{column[:60]}”; the items follow the table.",
        )
    if item is None and _letter(cells) not in _LETTERS:
        return Text(
            f"没有数据类型“{cells['item_type'][:20]}”，可选：{'、'.join(_TYPES)}。",
            f"There is no data type “{cells['item_type'][:20]}”; choose one of: {', '.join(sorted(_LETTERS))}.",
        )
    return None


_TYPES: Final = {
    "字符型": "C", "数值型": "N", "货币型": "Y", "日期型": "D", "日期时间型": "T", "逻辑型": "L", "备注型": "M", "通用型": "G",
    "双精度型": "B", "整型": "I", "浮点型": "F",
}  # fmt: skip
_LETTERS: Final = frozenset(_TYPES.values())


def _letter(cells: Mapping[str, str]) -> str:
    """Return the letter of a data type: ``C``, ``字符型`` and ``字符型C`` are the same."""
    words = cells.get("item_type", "C").strip()
    return _TYPES.get(words.rstrip("CNYDTLMGBIF"), words[-1:].upper())


__all__ = ["Directory"]
