"""Insert, or change what is there: one statement, so that two processes that count at once lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

__all__ = ["upsert"]


def upsert(connection: Connection, table: Table) -> Any:
    """Return an insert of the connection's dialect, which knows ``on_conflict_do_update``."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
