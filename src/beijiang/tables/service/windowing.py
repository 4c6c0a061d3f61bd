"""Bring a window table up to its source: only windows that a row of the change belongs to are made anew, from all their rows.

A change is what differs in files between two versions. That covers rows added, corrected, deleted and rolled back alike,
and makes a refresh that is done twice the same as one that is done once. Of a history table, windows have what holds now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine import Engine, Scan, View
from beijiang.kit import Invalid
from beijiang.tables.models import (
    FILE_COLUMN,
    Filter,
    FilterOp,
    Refreshed,
    Snapshot,
    TableVersion,
    WindowFn,
    WindowPosition,
    WindowSpec,
    WriteMode,
)
from beijiang.tables.store import states, windows
from beijiang.tables.store.schema import word_of
from beijiang.tables.store.work import LONG

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.tables.store import Lake

__all__ = ["Windower", "check_spec"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = 1_000_000
_NUMBERS: Final = {"integer", "decimal", "double"}


class Windower:
    """Make windows of snapshots."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self._lake = lake
        self._engine = engine

    def refresh(
        self,
        spec: WindowSpec,
        position: WindowPosition,
        new: Snapshot,
        versions: Sequence[TableVersion],
        *,
        folder: Path,
    ) -> Refreshed:
        """Write to ``folder`` the windows touched by ``versions``, those after ``position`` up to the snapshot ``new``."""
        check_spec(spec, new.schema)
        before = self._before(new.table, position, versions)
        schema = windows.result_schema(spec, new.schema)
        changing = [v for v in versions if v.mode is not WriteMode.COMPACT]
        if not changing:
            moved = WindowPosition(new.version, position.watermark, position.late, position.left_out)
            return Refreshed((), (), schema, 0, moved)
        fresh = self._fresh(before, new, spec)
        rebuilt = any(v.mode in {WriteMode.ROLLBACK, WriteMode.REPLACE} for v in changing)
        mark = None if before is None or rebuilt else position.watermark
        # A window that began before this has ended, with its lateness, by the latest moment seen so far.
        after = None if mark is None else mark - (spec.size + spec.lateness) * _MICRO
        told = self._told(spec, fresh, after, versions)
        marks = [m for m in (position.watermark, told["watermark"]) if m is not None]
        moved = WindowPosition(
            new.version,
            max(marks) if marks else None,
            position.late + told["late"],
            position.left_out + told["left_out"],
        )
        return self._write(spec, new, fresh, after, moved=moved, folder=folder)

    def _before(self, table: str, position: WindowPosition, versions: Sequence[TableVersion]) -> Snapshot | None:
        if not position.version or not versions:
            return None
        return self._lake.snapshot(table, position.version)

    def _fresh(self, before: Snapshot | None, new: Snapshot, spec: WindowSpec) -> Scan:
        """Return the files that only one of two versions has."""
        import pyarrow as pa

        old = set() if before is None else set(before.files)
        files = [f for f in new.files if f not in old]
        if before is not None:
            files += [f for f in before.files if f not in set(new.files)]
        names = [spec.time, *spec.groups, *([FILE_COLUMN] if FILE_COLUMN in new.schema.names else [])]
        return Scan(tuple(files), pa.schema([new.schema.field(n) for n in dict.fromkeys(names)]))

    def _told(
        self, spec: WindowSpec, fresh: Scan, after: int | None, versions: Sequence[TableVersion]
    ) -> dict[str, Any]:
        if not fresh.files:
            return {"watermark": None, "late": 0, "left_out": 0}
        placed = FILE_COLUMN in fresh.schema.names
        sources = list(dict.fromkeys(s.sha256 for v in versions for s in v.sources))
        query = windows.bounds(spec, after, sources, placed=placed)
        found = self._engine.fetch(query, {windows.FRESH: fresh}, LONG).to_pylist()[0]
        return {name: None if value is None else int(value) for name, value in found.items()}

    def _write(
        self, spec: WindowSpec, new: Snapshot, fresh: Scan, after: int | None, *, moved: WindowPosition, folder: Path
    ) -> Refreshed:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        schema = windows.result_schema(spec, new.schema)
        if not fresh.files:
            return Refreshed((), (), schema, 0, moved)
        place = folder / "touched.parquet"
        count = self._engine.write_parquet(windows.touched(spec, after), {windows.FRESH: fresh}, place, LONG).rows
        if not count:
            return Refreshed((), (), schema, 0, moved)
        starts = pq.read_table(place, columns=["bj_start"]).column(0)
        first, last = (pc.min(starts).as_py(), pc.max(starts).as_py() + spec.size * _MICRO)
        filters = (
            Filter(spec.time, FilterOp.GTE, _EPOCH + timedelta(microseconds=first)),
            Filter(spec.time, FilterOp.LT, _EPOCH + timedelta(microseconds=last)),
        )
        whole = self._lake.scan(new, filters=filters)
        scans: dict[str, Scan | View] = {
            windows.TOUCHED: Scan((str(place),), windows.touched_schema(spec, new.schema)),
            windows.WHOLE: states.holding(whole, new.schema.names) if new.history else whole,
        }
        made = folder / "part-00000.parquet"
        if whole.files:
            rows = self._engine.write_parquet(windows.result(spec, new.schema), scans, made, LONG).rows
        else:
            rows = 0
            pq.write_table(schema.empty_table(), made)
        gone = folder / "gone.parquet"
        sides = {windows.TOUCHED: scans[windows.TOUCHED], windows.RESULT: Scan((str(made),), schema)}
        left = self._engine.write_parquet(windows.emptied(spec), sides, gone, LONG).rows
        return Refreshed((made,), (gone,) if left else (), schema, rows, moved)


def check_spec(spec: WindowSpec, schema: pa.Schema) -> None:
    """Return if a table has the columns that its windows need.

    Raises:
        Invalid: a column is missing, the moment is none, or a value that is no number is to be added up.

    """
    wanted = [spec.time, *spec.groups, *(m.column for m in spec.measures if m.column)]
    missing = [c for c in dict.fromkeys(wanted) if c not in schema.names]
    if missing:
        raise Invalid(
            f"源表没有列：{'、'.join(missing)}。",
            f"The source has no column {', '.join(missing)}.",
            code="unknown_column",
        )
    if word_of(schema.field(spec.time)) != "timestamp":
        raise Invalid(
            f"时间列“{spec.time}”须为日期时间。",
            f'The time column "{spec.time}" has to hold moments.',
            code="bad_window",
        )
    for measure in spec.measures:
        adds = measure.fn in {WindowFn.SUM, WindowFn.MEAN}
        if adds and word_of(schema.field(measure.column)) not in _NUMBERS:
            raise Invalid(
                f"列“{measure.column}”不是数值，不能{'求和' if measure.fn is WindowFn.SUM else '求平均'}。",
                f'Column "{measure.column}" holds no numbers, so there is no {measure.fn.value} of it.',
                code="bad_measure",
            )
