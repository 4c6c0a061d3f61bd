"""Counts, and what was told."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from beijiang.exchange.models.terms import filter_to_json
from beijiang.exchange.store.schema import exchange_count

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from beijiang.protection import CountAsked

__all__ = ["CountStore"]

_C = exchange_count.c


class CountStore:
    """Read and write counts on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def told(self, org_id: str, asked: CountAsked) -> int | None:
        """Return what a department was told when it asked just this."""
        same = (_C.org_id == org_id, _C.table_name == asked.table, _C.question == _digest(asked))
        found = select(_C.told).where(*same).order_by(_C.at, _C.id).limit(1)
        return self._connection.execute(found).scalar_one_or_none()

    def answers(self, org_id: str, table: str) -> int:
        """Return how many answers a department was given about a table."""
        given = select(func.count()).select_from(exchange_count).where(_C.org_id == org_id, _C.table_name == table)
        return int(self._connection.execute(given).scalar_one())

    def add(self, count_id: str, org_id: str, asked: CountAsked, told: int, at: datetime) -> None:
        """Keep what is told."""
        values = {"id": count_id, "org_id": org_id, "table_name": asked.table, "version": asked.version, "at": at}
        self._connection.execute(insert(exchange_count).values(**values, question=_digest(asked), told=told))


def _digest(asked: CountAsked) -> str:
    """Return the digest of a version and of conditions that all must hold, whatever their order."""
    parts = sorted(
        json.dumps(filter_to_json(one), ensure_ascii=False, sort_keys=True, default=str) for one in asked.filters
    )
    return hashlib.sha256(
        "\n".join([str(asked.version), *dict.fromkeys(parts), *filter(None, [asked.against])]).encode()
    ).hexdigest()
