"""All SQL on files that arrived: which run looked at which file, what it took, and from where each run went on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.ingest.models import Known
from beijiang.kit import Text

__all__ = ["Arrival", "ArrivalStore"]

ingest_arrival_run = Table(
    "ingest_arrival_run",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("sync_id", String(40), nullable=False, index=True),
    Column("told", JsonDocument, nullable=False),  # what the first step of the run found
    Column("before", String(40)),  # the run on whose rows this one goes on; none: it makes the table anew
    Column("at", UtcDateTime, nullable=False),
)

ingest_arrival = Table(
    "ingest_arrival",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("sync_id", String(40), nullable=False),
    Column("name", String(1000), nullable=False),
    Column("size", BigInteger),
    Column("mark", String(300), nullable=False),
    Column("modified", UtcDateTime),
    Column("sha256", String(64), nullable=False),
    Column("taken", Boolean, nullable=False),
    Column("why", JsonDocument),
    Column("settled", Boolean, nullable=False),  # holds whatever becomes of the table's versions: no row came of it
    Index("ix_ingest_arrival_sync", "sync_id", "run_id"),
)
_BATCH: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One file that a run looked at."""

    name: str
    size: int | None
    mark: str
    modified: datetime | None
    sha256: str
    taken: bool
    """Its rows are among those that the run puts into the table."""
    why: Text | None = None
    """Why they are not."""


class ArrivalStore:
    """Rows of what runs looked at.

    The position of a sync, in the commit itself, names the last run whose files are in the table; from there ``before``
    leads back. A run that never committed, or that was rolled back, is not met on that way, and its files are new again.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def told(self, run_id: str) -> dict[str, Any] | None:
        """Return what the first step of a run found, if it came to its end."""
        query = select(ingest_arrival_run.c.told).where(ingest_arrival_run.c.run_id == run_id)
        found: dict[str, Any] | None = self._connection.execute(query).scalar_one_or_none()
        return found

    def add(
        self, run_id: str, sync_id: str, told: Mapping[str, Any], arrivals: Sequence[Arrival], *, at: datetime
    ) -> None:
        """Note what a run looked at and goes on from, once."""
        values = {"run_id": run_id, "sync_id": sync_id, "told": dict(told), "before": told["before"], "at": at}
        self._connection.execute(insert(ingest_arrival_run).values(**values))
        rows = [
            {
                "run_id": run_id,
                "seq": number,
                "sync_id": sync_id,
                "settled": False,
                **{n: getattr(a, n) for n in ("name", "size", "mark", "modified", "sha256", "taken")},
                "why": None if a.why is None else {"zh": a.why.zh, "en": a.why.en},
            }
            for number, a in enumerate(arrivals)
        ]
        for start in range(0, len(rows), _BATCH):
            self._connection.execute(insert(ingest_arrival), rows[start : start + _BATCH])

    def refuse(self, run_id: str, reasons: Mapping[str, Text]) -> None:
        """Note that files, by their SHA-256, could not be read after all."""
        for sha256, why in reasons.items():
            where = (ingest_arrival.c.run_id == run_id, ingest_arrival.c.sha256 == sha256)
            values = {"taken": False, "why": {"zh": why.zh, "en": why.en}}
            self._connection.execute(update(ingest_arrival).where(*where).values(**values))

    def settle(self, run_id: str, *, all_of_them: bool) -> None:
        """Remember for good what came to no row: the files that were not taken, or all where nothing was committed."""
        query = update(ingest_arrival).where(ingest_arrival.c.run_id == run_id)
        if not all_of_them:
            query = query.where(ingest_arrival.c.taken.is_(False))
        self._connection.execute(query.values(settled=True))
        if all_of_them:
            self._connection.execute(delete(ingest_arrival_run).where(ingest_arrival_run.c.run_id == run_id))

    def arrivals(self, run_id: str) -> list[Arrival]:
        """Return what a run looked at."""
        query = select(ingest_arrival).where(ingest_arrival.c.run_id == run_id).order_by(ingest_arrival.c.seq)
        return [_arrival(row) for row in self._connection.execute(query)]

    def known(self, sync_id: str, head: str | None) -> dict[str, Known]:
        """Return what is known of every file, as of the position ``head``."""
        chain = self._chain(sync_id, head)
        query = select(ingest_arrival).where(ingest_arrival.c.sync_id == sync_id)
        known: dict[str, Known] = {}
        for row in self._connection.execute(query.order_by(ingest_arrival.c.run_id, ingest_arrival.c.seq)):
            if row.settled or row.run_id in chain:
                arrival, before = _arrival(row), known.get(row.name)
                taken = arrival.sha256 if arrival.taken else (before.taken if before else "")
                known[row.name] = Known(
                    row.name, row.size, row.mark, row.sha256, arrival.modified, taken=taken, why=arrival.why
                )
        return known

    def _chain(self, sync_id: str, head: str | None) -> set[str]:
        query = select(ingest_arrival_run.c.run_id, ingest_arrival_run.c.before)
        links = {
            str(row.run_id): row.before
            for row in self._connection.execute(query.where(ingest_arrival_run.c.sync_id == sync_id))
        }
        chain: set[str] = set()
        while head is not None and head in links and head not in chain:
            chain.add(head)
            head = links[head]
        return chain


def _arrival(row: Any) -> Arrival:
    why = None if row.why is None else Text(row.why["zh"], row.why["en"])
    names = ("name", "size", "mark", "modified", "sha256", "taken")
    return Arrival(**{n: getattr(row, n) for n in names}, why=why)
