"""Rows as readings: sensor, time and value, in the types that rules judge by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.mining.models import RuleDraft

__all__ = ["readings_of"]

_SENSOR = 200


def readings_of(rows: pa.Table | pa.RecordBatch, draft: RuleDraft) -> Iterator[tuple[str, float, float | None]]:
    """Yield sensor, seconds since 1970 and value of each row that tells a sensor and a time."""
    import pyarrow as pa

    sensors = rows.column(draft.key).cast(pa.string()).to_pylist()
    times = rows.column(draft.time).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    values = rows.column(draft.value).cast(pa.float64()).to_pylist() if draft.value else [None] * len(times)
    for sensor, at, value in zip(sensors, times, values, strict=True):
        if sensor is not None and at is not None:
            yield sensor[:_SENSOR], at / 1e6, value
