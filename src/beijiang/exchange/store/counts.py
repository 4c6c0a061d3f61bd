"""Counts that were asked, and what was told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from beijiang.exchange.models.terms import filter_from_json, filter_to_json
from beijiang.exchange.store.schema import exchange_count
from beijiang.protection import CountBefore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from beijiang.tables import Filter

__all__ = ["CountStore"]

_C = exchange_count.c


class CountStore:
    """Read and write counts on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, question: str, org_id: str, table: str, filters: Sequence[Filter], at: datetime) -> None:
        """Note a question that is being asked."""
        values = {"id": question, "org_id": org_id, "table_name": table, "question": _text(filters), "at": at}
        self._connection.execute(insert(exchange_count).values(**values, version=0, told=None))

    def others(self, question: str, org_id: str, table: str) -> list[CountBefore]:
        """Return the other questions of a department to a table, each as it was told last."""
        rows = select(_C.question, _C.version, _C.told).where(
            _C.org_id == org_id, _C.table_name == table, _C.id != question
        )
        latest = {row.question: row for row in self._connection.execute(rows.order_by(_C.at, _C.id))}
        return [
            CountBefore(tuple(filter_from_json(one) for one in json.loads(text)), row.version, row.told)
            for text, row in latest.items()
        ]

    def different(self, org_id: str, table: str) -> int:
        """Return how many different questions a department asked of a table."""
        asked = select(func.count(_C.question.distinct())).where(_C.org_id == org_id, _C.table_name == table)
        return int(self._connection.execute(asked).scalar_one())

    def answer(self, question: str, version: int, told: int) -> None:
        """Keep what was told; the same question asked before needs no longer be kept."""
        row = self._connection.execute(select(exchange_count).where(_C.id == question)).one()
        same = (_C.org_id == row.org_id, _C.table_name == row.table_name, _C.question == row.question)
        self._connection.execute(delete(exchange_count).where(*same, _C.id != question, _C.told.is_not(None)))
        self._connection.execute(update(exchange_count).where(_C.id == question).values(version=version, told=told))

    def forget(self, question: str) -> None:
        """Take a question back that was told nothing."""
        self._connection.execute(delete(exchange_count).where(_C.id == question))


def _text(filters: Sequence[Filter]) -> str:
    """Return the one text of conditions that all must hold, whatever their order."""
    parts = sorted(json.dumps(filter_to_json(one), ensure_ascii=False, sort_keys=True, default=str) for one in filters)
    return f"[{','.join(dict.fromkeys(parts))}]"
