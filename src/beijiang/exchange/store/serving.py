"""Tables with serving copies, and what became of the copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from beijiang.exchange.models.serving import CopyState, Serving, ServingCopy
from beijiang.exchange.store.schema import exchange_serving, exchange_serving_copy
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Row

__all__ = ["ServingStore"]

_S, _C = exchange_serving.c, exchange_serving_copy.c


class ServingStore:
    """Read and write them on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, one: Serving) -> None:
        """Write what is wanted for a table in place of what was."""
        self.remove(one.table)
        values = {"table_name": one.table, "table_id": one.table_id, "provider_id": one.provider_id}
        wanted = {"columns": [*one.columns], "by": one.by, "by_name": one.by_name, "at": one.at}
        self._connection.execute(insert(exchange_serving).values(**values, **wanted))

    def remove(self, table: str) -> bool:
        """Forget what is wanted for a table; tell whether there was anything."""
        return self._connection.execute(delete(exchange_serving).where(_S.table_name == table)).rowcount > 0

    def get(self, table: str) -> Serving | None:
        """Return what is wanted for a table."""
        row = self._connection.execute(select(exchange_serving).where(_S.table_name == table)).one_or_none()
        return None if row is None else _serving(row)

    def all(self) -> list[Serving]:
        """Return what is wanted, by table."""
        return [_serving(row) for row in self._connection.execute(select(exchange_serving).order_by(_S.table_name))]

    def copies(self, table: str) -> dict[str, ServingCopy]:
        """Return what became of the copies of a table, by print."""
        rows = self._connection.execute(select(exchange_serving_copy).where(_C.table_name == table).order_by(_C.print))
        return {row.print: _copy(row) for row in rows}

    def note(self, copy: ServingCopy) -> None:
        """Write down what became of a copy."""
        self._connection.execute(delete(exchange_serving_copy).where(_C.print == copy.print))
        values = {"print": copy.print, "table_name": copy.table, "version": copy.version, "state": copy.state.value}
        facts = {"indexes": [*copy.indexes], "rows": copy.rows, "bytes": copy.bytes, "at": copy.at}
        words = {"note_zh": copy.note.zh, "note_en": copy.note.en}
        self._connection.execute(insert(exchange_serving_copy).values(**values, **facts, **words))

    def forget(self, table: str, keep: Collection[str] = ()) -> None:
        """Forget the copies of a table, but for some."""
        gone = delete(exchange_serving_copy).where(_C.table_name == table)
        self._connection.execute(gone.where(_C.print.not_in(keep)) if keep else gone)


def _serving(row: Row[Any]) -> Serving:
    return Serving(
        table=row.table_name,
        table_id=row.table_id,
        provider_id=row.provider_id,
        columns=tuple(row.columns),
        by=row.by,
        by_name=row.by_name,
        at=row.at,
    )


def _copy(row: Row[Any]) -> ServingCopy:
    return ServingCopy(
        print=row.print,
        table=row.table_name,
        version=row.version,
        state=CopyState(row.state),
        indexes=tuple(row.indexes),
        rows=row.rows,
        bytes=row.bytes,
        note=Text(row.note_zh, row.note_en),
        at=row.at,
    )
