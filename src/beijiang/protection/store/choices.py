"""Chosen masks and the sealed keys of pseudonyms, in and out of the metadata database."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from beijiang.protection.models.choices import MaskChoice, MaskFunction
from beijiang.protection.store.schema import mask_choice, mask_key

__all__ = ["ChoiceStore"]

# Asked at every read through the gate, so it is built once.
_OF_TABLE: Final = (
    select(mask_choice).where(mask_choice.c.table_name == bindparam("name")).order_by(mask_choice.c.set_at)
)


class ChoiceStore:
    """Read and write choices on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_table(self, table: str) -> list[MaskChoice]:
        """Return all choices that a table ever had, oldest first."""
        return [_choice(row) for row in self._connection.execute(_OF_TABLE, {"name": table})]

    def add(self, choice: MaskChoice) -> None:
        """Add a choice; the one before it ends at the same moment."""
        self.end(choice.table, choice.column, choice.at)
        parameters = {k: list(v) if isinstance(v, tuple) else v for k, v in choice.parameters.items()}
        self._connection.execute(
            insert(mask_choice).values(
                id=choice.id,
                table_name=choice.table,
                column_name=choice.column,
                function=choice.function,
                parameters=parameters,
                weaker=choice.weaker,
                reason=choice.reason,
                set_by=choice.by,
                set_at=choice.at,
            )
        )

    def end(self, table: str, column: str, at: datetime) -> bool:
        """End the choice in force, which stays as history; tell whether there was one."""
        living = (mask_choice.c.table_name == table) & (mask_choice.c.column_name == column)
        living &= mask_choice.c.ended_at.is_(None)
        return self._connection.execute(update(mask_choice).where(living).values(ended_at=at)).rowcount > 0

    def key(self, org_id: str, name: str) -> str | None:
        """Return a sealed key."""
        query = select(mask_key.c.sealed).where(mask_key.c.org_id == org_id, mask_key.c.name == name)
        return self._connection.execute(query).scalar_one_or_none()

    def add_key(self, org_id: str, name: str, sealed: str, at: datetime) -> None:
        """Store a sealed key."""
        self._connection.execute(insert(mask_key).values(org_id=org_id, name=name, sealed=sealed, made_at=at))


def _choice(row: Row[Any]) -> MaskChoice:
    return MaskChoice(
        id=row.id,
        table=row.table_name,
        column=row.column_name,
        function=MaskFunction(row.function),
        parameters={k: tuple(v) if isinstance(v, list) else v for k, v in row.parameters.items()},
        weaker=row.weaker,
        reason=row.reason,
        by=row.set_by,
        at=row.set_at,
        ended_at=row.ended_at,
    )
