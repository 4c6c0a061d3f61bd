"""Serving copies of a governed table: what one holds, how it is written, and pages that come from it.

A part of ``Governed``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine import QueryLimits
from beijiang.kit import Invalid
from beijiang.protection.models.conditions import unknown_column
from beijiang.protection.models.serving import MOST_COLUMNS, form_of, key_of, puts
from beijiang.protection.models.sight import OUTSIDERS
from beijiang.protection.service.keeping import Keeping
from beijiang.protection.store.copies import FILE_ROWS, write_copy

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.engine.port import View
    from beijiang.protection.models.serving import WholeCopy
    from beijiang.tables import Filter, Sort

__all__ = ["Copied"]

_ALIAS: Final = "governed"
_SECONDS: Final = 600.0


class Copied(Keeping):
    """Write a serving copy, and answer from one."""

    _digest: str

    @property
    def table_id(self) -> str:
        """Return the id of the table."""
        return self._snapshot.table_id

    @property
    def print(self) -> str:
        """Name what a copy for readers like this one holds: the files, the columns as masked, the rows as filtered."""
        shot, zone = self._snapshot, "" if self._tools.copies is None else self._tools.copies.zone
        key = (shot.table_id, shot.version, shot.delta_version, self._digest, shot.files, self._columns)

        def make() -> str:
            view = self._base(list(self._types), "copied").sql("duckdb")
            body = json.dumps([shot.table_id, shot.version, *shot.files, view, self._types, zone], ensure_ascii=False)
            return hashlib.sha256(body.encode()).hexdigest()

        return self._tools.prints.get(key, make)

    def write_copy(self, indexes: Sequence[str], tell: Callable[[int], None]) -> WholeCopy:
        """Write the serving copy of what this reader sees, whole or not at all.

        Raises:
            Invalid: too many columns, or one of a type that cannot be kept.
            Refused: the disk budget is used up (``serving_budget``).

        """
        shelf = self._tools.copies
        if shelf is None or not 0 < len(self._types) <= MOST_COLUMNS:
            raise Invalid(
                f"服务副本最多 {MOST_COLUMNS} 列。",
                f"A serving copy has at most {MOST_COLUMNS} columns.",
                code="serving_columns",
            )
        names = list(self._types)
        schema = self._fetch(self._first_page(None, 1)).schema
        columns = [form_of(schema.field(name), self._types[name]) for name in names]
        able = {column.name for column in columns if column.compares}
        query, view = (
            self._selection(names, (), position=True),
            self._view(names, (), self._scan(names, (), position=True)),
        )
        return write_copy(
            shelf.place(self.table_id, self.print),
            schema=schema,
            columns=columns,
            indexes=[name for name in dict.fromkeys(indexes) if name in able],
            batches=self._tools.engine.stream(query, {_ALIAS: view}, QueryLimits(seconds=_SECONDS)),
            room=shelf.room(),
            tell=tell,
        )

    def _copied(
        self, filters: Sequence[Filter], sort: Sort | None, size: int, mark: Sequence[Any] | None
    ) -> pa.Table | None:
        """Return a page from the serving copy of exactly this sight, None where there is none or the engine has to answer."""
        shelf = self._tools.copies
        if shelf is None or self._sight.audience not in OUTSIDERS:
            return None
        copy = shelf.get(self.table_id, self.print)
        if copy is None:
            return None
        for one in filters:
            if one.column not in self._types:
                raise unknown_column(one.column, self._types)
        asked = puts(filters, sort, copy.columns, copy.indexed)
        if asked is None:
            return None
        order, after = None if sort is None else (copy.columns[sort.column][0], sort.descending), None
        if mark is not None:
            value, part, at = mark
            if sort is not None and value is not None:
                value = key_of(value, sort, copy.columns[sort.column][1])
                if value is None:
                    return None
            after = (value, int(part) * FILE_ROWS + int(at))
        return copy.page(asked, order, after, size + 1)

    if TYPE_CHECKING:

        def _first_page(self, sort: Sort | None, size: int) -> View: ...
