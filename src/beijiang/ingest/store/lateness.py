"""All SQL on how late rows came."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Column, Connection, Float, Index, Integer, String, Table, delete, insert, select

from beijiang.db import UtcDateTime, metadata
from beijiang.ingest.models.lateness import REMEMBERED, Lateness
from beijiang.kit import new_id

__all__ = ["LatenessStore"]

ingest_lateness = Table(
    "ingest_lateness",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("sync_id", String(40), nullable=False),
    Column("run_id", String(40)),
    Column("at", UtcDateTime, nullable=False),
    Column("late", Integer, nullable=False),
    Column("worst", Float, nullable=False),
    Column("middle", Float, nullable=False),
    Index("ix_ingest_lateness_sync", "sync_id", "at"),
)


class LatenessStore:
    """Observations of each sync, as long as they are remembered."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, seen: Lateness) -> None:
        """Keep an observation, and forget those that are too old to count."""
        table = ingest_lateness.c
        old = (table.sync_id == seen.sync_id) & (table.at < seen.at - REMEMBERED)
        self._connection.execute(delete(ingest_lateness).where(old))
        self._connection.execute(insert(ingest_lateness).values(id=new_id("lat"), **asdict(seen)))

    def of(self, sync_id: str) -> list[Lateness]:
        """Return what is remembered of a sync, oldest first."""
        columns = [c for c in ingest_lateness.c if c.name != "id"]
        query = (
            select(*columns)
            .where(ingest_lateness.c.sync_id == sync_id)
            .order_by(ingest_lateness.c.at, ingest_lateness.c.id)
        )
        return [Lateness(**row._mapping) for row in self._connection.execute(query)]  # noqa: SLF001 - the documented way to a row's names
