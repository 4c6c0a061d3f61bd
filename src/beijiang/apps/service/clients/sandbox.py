"""The sandbox: for an entry whose rows a developer may not read yet, rows of the same shape that stand for nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.apps.models.sandbox import SANDBOX_ROWS, ShapedItem, synthetic_rows
from beijiang.kit import BeijiangError, Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.access import Access
    from beijiang.catalog import Catalog, Item
    from beijiang.kit import Actor
    from beijiang.standards import Standards

__all__ = ["Sandbox", "SandboxPage"]

_SIZE_MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPage:
    """One page of synthetic rows."""

    resource_id: str
    version: int
    items: Sequence[ShapedItem]
    rows: Sequence[Mapping[str, Any]]
    next: str | None


class Sandbox:
    """Makes rows from what is published of an entry and from the standards; it has no way to a table."""

    def __init__(self, catalog: Catalog, standards: Standards, access: Access) -> None:
        self._catalog = catalog
        self._standards = standards
        self._access = access

    def rows(self, actor: Actor, resource_id: str, size: int = 100, after: str = "") -> SandboxPage:
        """Return a page of synthetic rows of a published entry, open or not.

        Raises:
            NotFound: it does not exist, or is not published.
            Invalid: size or place will not do (``sandbox_page``).

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        if not 1 <= size <= _SIZE_MOST or (after and not after.isdecimal()):
            raise Invalid(
                f"每页 1 至 {_SIZE_MOST} 行；下一页用返回的 next。",
                f"A page has 1 to {_SIZE_MOST} rows; the next one begins at the answer's `next`.",
                code="sandbox_page",
            )
        found = self._catalog.published(actor, resource_id)
        types = {kind.code: kind.column_type for kind in self._standards.item_types()}
        items = [
            self._shaped(item, types.get(item.type, "text"), found.grades.get(item.column, ""))
            for item in found.version.entry.items
        ]
        start = int(after[:9] or 0)
        rows = synthetic_rows(found.resource_id, items, start, size)
        onward = start + size
        return SandboxPage(
            resource_id=found.resource_id,
            version=found.version.number,
            items=items,
            rows=rows,
            next=str(onward) if onward < SANDBOX_ROWS else None,
        )

    def _shaped(self, item: Item, kind: str, grade: str) -> ShapedItem:
        element = None
        if item.element_id:
            try:
                element = self._standards.element(item.element_id)
            except BeijiangError:  # of an older registry
                element = None
        set_id = item.code_set or (element.code_set if element is not None else "")
        return ShapedItem(
            column=item.column,
            type=kind,
            length=item.length,
            codes=self._codes(set_id) if set_id else (),
            check=element.check if element is not None else "",
            grade=grade,
        )

    def _codes(self, set_id: str) -> tuple[str, ...]:
        try:
            return tuple(value.code for value in self._standards.code_set(set_id).values)
        except BeijiangError:
            return ()
