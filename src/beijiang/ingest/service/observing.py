"""What runs learn from what they see: how late rows come, and whether it is the keys' turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beijiang.ingest.models import AUTO, Lateness, Overlap, Sync, learned
from beijiang.ingest.store.tombstones import KeyStore
from beijiang.kit import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.ingest.typing import ColumnType

__all__ = ["keys_are_due", "observed", "overlap_of"]

_GIVEN = Text("按设置。", "As it was set.")


def overlap_of(sync: Sync, seen: Sequence[Lateness], kind: ColumnType) -> Overlap:
    """Return how far before its position a sync reads again: as it was told, or as it has learned."""
    return learned(seen, kind) if sync.overlap == AUTO else Overlap(size=sync.overlap, why=_GIVEN)


def keys_are_due(connection: Connection, sync: Sync) -> bool:
    """Tell whether the next run of a sync compares all keys."""
    if not sync.deletes:
        return False
    since = KeyStore(connection).runs_since(sync.id)
    return since is None or since + 1 >= sync.deletes_every


def observed(file: Path, position: str) -> dict[str, Any]:
    """Return how many rows a file of cursor values has, and how far they were behind a position (canonical text)."""
    import polars as pl

    values = pl.read_parquet(file).to_series().to_list() if file.exists() else []
    behind = sorted(_behind(value, position) for value in values)
    if not behind:
        return {"late": 0, "worst": 0.0, "middle": 0.0}
    return {"late": len(behind), "worst": behind[-1], "middle": behind[len(behind) // 2]}


def _behind(value: Any, position: str) -> float:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (datetime.fromisoformat(position).replace(tzinfo=UTC) - aware).total_seconds()
    if isinstance(value, date):
        return float((date.fromisoformat(position) - value).days)
    return float(Decimal(position) - Decimal(str(value)))
