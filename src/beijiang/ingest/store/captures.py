"""All SQL on how far the logs of sources were followed."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Column, Connection, Float, Row, String, Table, delete, insert, select, update

from beijiang.db import UtcDateTime, metadata
from beijiang.ingest.models import CaptureState

__all__ = ["CaptureStore", "now_text"]

ingest_capture = Table(
    "ingest_capture",
    metadata,
    Column("sync_id", String(40), primary_key=True),
    Column("follows", String(200), nullable=False),  # position of the table's rows
    Column("position", String(200), nullable=False),  # beyond it nothing concerned the table up to here
    Column("seen_at", String(40), nullable=False),
    Column("lag_bytes", BigInteger),
    Column("lag_seconds", Float),
    Column("retained", BigInteger),
    Column("measured_at", UtcDateTime, nullable=False),
)


def now_text(moment: datetime) -> str:
    """Return a moment as positions write it: in UTC, and so that texts sort like moments."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


class CaptureStore:
    """One row per sync that follows a log."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, state: CaptureState) -> None:
        """Write down how far a log was read, and how far behind that is."""
        values = {name: getattr(state, name) for name in ingest_capture.columns.keys()}  # noqa: SIM118
        changed = self._connection.execute(
            update(ingest_capture).where(ingest_capture.c.sync_id == state.sync_id).values(**values)
        )
        if not changed.rowcount:
            self._connection.execute(insert(ingest_capture).values(**values))

    def forget(self, sync_id: str) -> None:
        """Remove what is known of a capture."""
        self._connection.execute(delete(ingest_capture).where(ingest_capture.c.sync_id == sync_id))

    def state(self, sync_id: str) -> CaptureState | None:
        """Return how far a sync's log was read, if it was ever."""
        row = self._connection.execute(select(ingest_capture).where(ingest_capture.c.sync_id == sync_id)).one_or_none()
        return None if row is None else _state(row)

    def seen_before(self, moment: datetime) -> list[CaptureState]:
        """Return captures whose position is older than ``moment``."""
        text = now_text(moment)
        rows = self._connection.execute(select(ingest_capture).where(ingest_capture.c.seen_at < text))
        return [_state(row) for row in rows]


def _state(row: Row[tuple[object, ...]]) -> CaptureState:
    return CaptureState(**row._mapping)  # noqa: SLF001 - the documented way to a row's names
