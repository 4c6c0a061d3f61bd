"""The lake as readers of the gate see it: names resolved to immutable snapshots, snapshots to scans."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.db import Remembered
from beijiang.engine.port import Scan
from beijiang.kit import NotFound
from beijiang.tables.models import Filter, FilterOp, Snapshot
from beijiang.tables.store.delta import bounds_of, files_of, open_delta, schema_of
from beijiang.tables.store.metadata import TableStore

if TYPE_CHECKING:
    from sqlalchemy import Row

    from beijiang.db import Database

__all__ = ["Lake", "no_such_table"]

CACHED: Final = 256


@dataclass(frozen=True, slots=True)
class _Held:
    """An opened version: its snapshot, and per file the bounds of each column."""

    snapshot: Snapshot
    bounds: tuple[dict[str, tuple[Any, Any]], ...]


class Lake:
    """Physical Delta tables below one folder. Only ``Tables`` and the gate may hold one (a house test looks)."""

    def __init__(self, root: Path, db: Database) -> None:
        self.root = root.resolve()
        self._places: Remembered[Row[Any] | None] = Remembered(db)
        self._held: OrderedDict[tuple[str, int], _Held] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, table_id: str) -> Path:
        """Return where the files of a table are; folders are named by id, never by a person's words."""
        return self.root / table_id

    def snapshot(self, table: str, version: int | None = None) -> Snapshot:
        """Return a version of a table, by default the newest that has landed.

        Raises:
            NotFound: no such table, or no such version of it.
            Unavailable: the files cannot be read safely (see ``open_delta``).

        """
        row = self._places.get((table, version), lambda connection: TableStore(connection).place(table, version))
        if row is None:
            raise no_such_table(table)
        if row.delta_version is None:
            raise NotFound(
                f"表 {table} 没有第 {row.version} 版。请在历史中查看现有版本。",
                f"Table {table} has no version {row.version}. Look in its history.",
                code="version_not_found",
            )
        held = self._open(row.id, row.delta_version)
        return replace(
            held.snapshot,
            table=row.name,
            version=row.version,
            key=tuple(row.key),
            written_at=row.at,
            history=row.history,
        )

    def scan(self, snapshot: Snapshot, columns: Sequence[str] | None = None, filters: Sequence[Filter] = ()) -> Scan:
        """Return the files that may hold matching rows, and the schema of ``columns`` (default: all, hidden ones too).

        ``filters`` only prune whole files by their bounds and never drop a row by themselves. Pass only conditions on the
        stored values: a condition on a masked value says nothing about what is stored.
        """
        import pyarrow as pa

        schema = snapshot.schema
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        files = snapshot.files
        if filters:
            bounds = self._open(snapshot.table_id, snapshot.delta_version).bounds
            files = tuple(f for f, b in zip(files, bounds, strict=True) if all(_may_match(b, c) for c in filters))
        return Scan(files, schema)

    def _open(self, table_id: str, delta_version: int) -> _Held:
        with self._lock:
            held = self._held.get((table_id, delta_version))
            if held is not None:
                self._held.move_to_end((table_id, delta_version))
                return held
        held = self._load(table_id, delta_version)
        with self._lock:
            self._held[table_id, delta_version] = held
            while len(self._held) > CACHED:
                self._held.popitem(last=False)
        return held

    def _load(self, table_id: str, delta_version: int) -> _Held:
        folder = self.folder(table_id)
        delta = open_delta(folder, delta_version)
        if delta is None:
            raise no_such_table(table_id)
        files = files_of(delta)
        snapshot = Snapshot(
            table="",
            table_id=table_id,
            version=0,
            files=tuple(str(folder / name) for name in files),
            schema=schema_of(delta),
            rows=sum(file.rows for file in files.values()),
            bytes=sum(file.bytes for file in files.values()),
            written_at=datetime.fromtimestamp(0, UTC),
            delta_version=delta_version,
            file_rows=tuple(file.rows for file in files.values()),
        )
        return _Held(snapshot, bounds_of(delta, list(files)))


def no_such_table(name: str) -> NotFound:
    """Return the error for a table that is missing or hidden."""
    return NotFound(
        f"没有名为 {name} 的表。请用 beijiang tables list 查看现有的表。",
        f"There is no table named {name}. See beijiang tables list.",
        code="table_not_found",
    )


def _may_match(bounds: dict[str, tuple[Any, Any]], condition: Filter) -> bool:
    """Tell whether a file may hold a row that meets the condition; unknown bounds and mixed types always may."""
    low, high = bounds.get(condition.column, (None, None))
    value: Any = condition.value
    if low is None or high is None:
        return True
    tests: dict[FilterOp, Callable[[], bool]] = {
        FilterOp.EQ: lambda: low <= value <= high,
        FilterOp.IN_: lambda: any(low <= item <= high for item in value),
        FilterOp.GT: lambda: high > value,
        FilterOp.GTE: lambda: high >= value,
        FilterOp.LT: lambda: low < value,
        FilterOp.LTE: lambda: low <= value,
    }
    test = tests.get(condition.op)
    try:
        return True if test is None else bool(test())
    except TypeError:
        return True
