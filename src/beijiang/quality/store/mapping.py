"""Decisions on columns and elements, and how far the columns conformed in each version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from beijiang.db import upsert
from beijiang.kit import Text
from beijiang.quality.models.mapping import Conformity, Mapped
from beijiang.quality.store.schema import quality_conformity, quality_mapping, quality_mapping_said

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["MappingStore"]

_M, _F = quality_mapping.c, quality_conformity.c


class MappingStore:
    """Read and write mappings on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_table(self, table: str) -> list[Mapped]:
        """Return what was decided about the columns of a table."""
        query = select(quality_mapping).where(_M.table_name == table).order_by(_M.column_name, _M.element_id)
        return [_mapped(row) for row in self._connection.execute(query)]

    def of_element(self, element: str) -> list[Mapped]:
        """Return the columns that hold an element."""
        query = select(quality_mapping).where(_M.element_id == element, _M.confirmed.is_(True))
        return [_mapped(row) for row in self._connection.execute(query.order_by(_M.table_name, _M.column_name))]

    def counts(self) -> dict[str, int]:
        """Return how many columns hold each element that any holds."""
        query = select(_M.element_id, func.count()).where(_M.confirmed.is_(True)).group_by(_M.element_id)
        return {element: columns for element, columns in self._connection.execute(query)}  # noqa: C416 - rows are no pairs to the type checker

    def put(self, mapped: Mapped) -> None:
        """Write a decision; a column holds one element at most."""
        same = (_M.table_name == mapped.table, _M.column_name == mapped.column)
        which = _M.element_id == mapped.element
        if mapped.confirmed:
            which = which | _M.confirmed.is_(True)
        self._connection.execute(delete(quality_mapping).where(*same, which))
        self._connection.execute(
            insert(quality_mapping).values(
                table_name=mapped.table,
                column_name=mapped.column,
                element_id=mapped.element,
                confirmed=mapped.confirmed,
                score=mapped.score,
                reason=mapped.reason,
                by=mapped.by,
                at=mapped.at,
            )
        )

    def say(self, table: str) -> int:
        """Return the number of the announcement that is made now of a table: higher than that of any before.

        Whoever announces the same table at the same moment waits here, and sees what this one decided.
        """
        said = upsert(self._connection, quality_mapping_said).values(table_name=table, number=1)
        again = said.on_conflict_do_update(
            index_elements=["table_name"], set_={"number": quality_mapping_said.c.number + 1}
        )
        return int(self._connection.execute(again.returning(quality_mapping_said.c.number)).scalar_one())

    def measured(self, table: str, version: int | None = None) -> list[Conformity]:
        """Return how the columns conformed in a version, by default the newest that was measured."""
        if version is None:
            newest = select(func.max(_F.version)).where(_F.table_name == table)
            version = self._connection.execute(newest).scalar_one()
        query = select(quality_conformity).where(_F.table_name == table, _F.version == version)
        return [_conformity(row) for row in self._connection.execute(query.order_by(_F.column_name))]

    def set_measured(self, table: str, version: int, found: Sequence[Conformity]) -> None:
        """Write what was measured of a version, in place of what was measured of it before."""
        same = (_F.table_name == table, _F.version == version)
        self._connection.execute(delete(quality_conformity).where(*same))
        rows = [
            {
                "table_name": one.table,
                "version": one.version,
                "column_name": one.column,
                "element_id": one.element,
                "element_version": one.element_version,
                "a": one.a,
                "b": one.b,
                "error": None if one.error is None else {"zh": one.error.zh, "en": one.error.en},
                "at": one.at,
            }
            for one in found
        ]
        if rows:
            self._connection.execute(insert(quality_conformity), rows)


def _mapped(row: Row[Any]) -> Mapped:
    return Mapped(
        table=row.table_name,
        column=row.column_name,
        element=row.element_id,
        confirmed=row.confirmed,
        score=row.score,
        reason=row.reason,
        by=row.by,
        at=row.at,
    )


def _conformity(row: Row[Any]) -> Conformity:
    return Conformity(
        table=row.table_name,
        version=row.version,
        column=row.column_name,
        element=row.element_id,
        element_version=row.element_version,
        a=row.a,
        b=row.b,
        at=row.at,
        error=None if row.error is None else Text(row.error["zh"], row.error["en"]),
    )
