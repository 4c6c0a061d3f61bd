"""All items of an entry edited together: every row is checked first, and all of them are saved or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog.models import CellFault, ResourceEdit, SheetField
from beijiang.catalog.models.sheet import FIELDS, ROWS_MOST, read_rows
from beijiang.catalog.service.compiling import Compiling
from beijiang.kit import Actor, BeijiangError, Invalid, Text

if TYPE_CHECKING:
    from beijiang.catalog.models import ItemEdit, Resource, Row
    from beijiang.kit.errors import JsonValue

_TOLD = 50
_EDIT = Permission.CATALOG_RESOURCE_EDIT


class Gridding(Compiling):
    """The items of an entry as rows of a sheet."""

    def item_fields(self, actor: Actor) -> tuple[SheetField, ...]:
        """Return the columns of the sheet with what may be chosen in each."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        return self._sheet_fields()

    def check_items(self, actor: Actor, resource_id: str, rows: Sequence[Row]) -> tuple[CellFault, ...]:
        """Return everything that is wrong with rows of a sheet; nothing is saved.

        Raises:
            Denied: the actor does not compile for this provider.
            Invalid: more rows than an entry has items.

        """
        found = self._seen(actor, _EDIT, resource_id)
        return tuple(self._read(found, rows)[1])

    def save_items(self, actor: Actor, resource_id: str, rows: Sequence[Row], *, revision: int) -> Resource:
        """Save the rows of a sheet, all or none.

        Raises:
            Denied: the actor does not compile for this provider.
            Invalid: a cell cannot be used (``bad_rows``; ``detail`` lists every one).
            Conflict: the state does not allow it, or ``revision`` is no longer the newest.

        """
        found = self._seen(actor, _EDIT, resource_id)
        edits, faults = self._read(found, rows)
        if faults:
            raise bad_rows(faults)
        return self.edit(actor, resource_id, ResourceEdit(items=tuple(edits)), revision=revision)

    def _read(self, found: Resource, rows: Sequence[Row]) -> tuple[list[ItemEdit], list[CellFault]]:
        if len(rows) > ROWS_MOST:
            raise Invalid(f"一次最多 {ROWS_MOST} 行。", f"At most {ROWS_MOST} rows at a time.", code="too_many_rows")
        edits, faults = read_rows(found.entry, rows, self._sheet_fields())
        number = {row.get("column", ""): at for at, row in enumerate(rows)}
        for edit in edits:
            told = self._unknown_codes(edit)
            faults += [CellFault(number[edit.column], edit.column, field, text) for field, text in told]
        return edits, sorted(faults, key=lambda fault: fault.row)

    def _unknown_codes(self, edit: ItemEdit) -> Iterator[tuple[str, Text]]:
        """Yield the cells whose code no standard knows."""
        asked: tuple[tuple[str, str | None, Callable[[str], object]], ...] = (
            ("element_id", edit.element_id, self._standards.element),
            ("code_set", edit.code_set, self._standards.code_set),
            ("source_org", edit.source_org, self._access.organisation),
        )
        for field, code, look_up in asked:
            if code:
                try:
                    look_up(code)
                except BeijiangError as error:
                    yield field, error.text

    def _sheet_fields(self) -> tuple[SheetField, ...]:
        standards = self._standards
        options = {
            "update_cycle": tuple((one.code, one.name) for one in standards.update_cycles()),
            "code_set": tuple((one.id, one.name) for one in standards.code_sets()),
            "source_org": tuple(
                (one.id, Text(one.name_zh, one.name_en or one.name_zh)) for one in self._access.organisations()
            ),
        }
        return tuple(replace(one, options=options[one.key]) if one.key in options else one for one in FIELDS)


def bad_rows(faults: Sequence[CellFault]) -> Invalid:
    """Return the refusal of a sheet, with each of its faults."""
    names = {one.key: one.words for one in FIELDS}
    lines: list[JsonValue] = [
        {"row": one.row + 1, "column": one.column, "field": one.field, "zh": one.text.zh, "en": one.text.en}
        for one in faults[:_TOLD]
    ]
    first = faults[0]
    field = names.get(first.field, Text("", ""))
    return Invalid(
        f"有 {len(faults)} 处不能保存，一行也没有存。第 {first.row + 1} 行“{first.column}”{field.zh}：{first.text.zh}",
        f"{len(faults)} cells cannot be saved, so no row was. Row {first.row + 1} “{first.column}” {field.en}: {first.text.en}",
        code="bad_rows",
        detail={"rows": lines},
    )


__all__ = ["Gridding", "bad_rows"]
