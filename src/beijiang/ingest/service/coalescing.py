"""What a stretch of a log comes to: per key the last state, in one step instead of many.

Keys are compared by their canonical text. Values that an update left out, because it did not touch them, come from earlier in
the stretch or from the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from beijiang.ingest.connectors.capture import OLD_KEY, OP, UNSET, Op
from beijiang.kit import Conflict

__all__ = ["CHANGE", "Key", "Net", "Stored", "coalesced"]

CHANGE: Final = "_bj_change"
"""Number of the change, from 1, that made the row what it is."""

Key: TypeAlias = "tuple[str | None, ...]"
Stored: TypeAlias = "Callable[[Sequence[Key], Sequence[str]], Mapping[Key, Mapping[str, str | None]]]"
"""Tells what the table holds of some columns for some keys."""


@dataclass(frozen=True, slots=True)
class Net:
    """The files written, and what was counted."""

    rows: int
    removed: int
    emptied: bool
    """The table was emptied at the source: whatever is not among the rows goes."""
    counts: Mapping[str, int]
    """Changes by what they did."""


def coalesced(
    changes: Path, key: Sequence[str], columns: Sequence[str], *, rows: Path, removed: Path, stored: Stored
) -> Net:
    """Write to ``rows`` the last state of each key that lives, to ``removed`` the keys that do not.

    Raises:
        Conflict: a value that an update left out is nowhere to be had (``capture_value_missing``).

    """
    every = pl.scan_parquet(changes).with_row_index(CHANGE, offset=1).with_columns(pl.col(CHANGE).cast(pl.Int64))
    told = every.group_by(OP).agg(pl.len()).collect()
    counts = {str(op): int(n) for op, n in told.iter_rows()}
    cut = 0
    if counts.get(Op.TRUNCATE):
        cut = every.filter(pl.col(OP) == Op.TRUNCATE.value).select(pl.col(CHANGE).max()).collect().item()
    since = every.filter(pl.col(CHANGE) > cut)
    last = since.group_by([pl.col(k) for k in key]).agg(pl.col(CHANGE).max()).select(CHANGE)
    final = since.join(last, on=CHANGE, how="semi").sort(CHANGE)
    dead = final.filter(pl.col(OP) == Op.DELETE.value).select(key).collect()
    _write(dead, removed)
    live = final.filter(pl.col(OP) != Op.DELETE.value).select([*columns, CHANGE, UNSET]).collect()
    partial = live.filter(pl.col(UNSET).is_not_null())
    if not partial.is_empty():
        names = partial[UNSET].explode().unique().to_list()
        filled = _filled(
            since.select([OP, OLD_KEY, UNSET, CHANGE, *key, *(n for n in names if n not in key)]),
            partial,
            key,
            names,
            stored,
        )
        whole = live.filter(pl.col(UNSET).is_null())
        live = pl.concat([whole.drop(UNSET), filled.select([*columns, CHANGE])]).sort(CHANGE)
    _write(live.select([*columns, CHANGE]), rows)
    return Net(live.height, dead.height, emptied=cut > 0, counts=counts)


def _write(frame: pl.DataFrame, path: Path) -> None:
    fields = [pa.field(n, pa.int64() if n == CHANGE else pa.string()) for n in frame.columns]
    pq.write_table(frame.to_arrow().cast(pa.schema(fields)), path, compression="zstd")


@dataclass(frozen=True, slots=True)
class _Kept:
    """The value stands in the table, under this key."""

    key: Key


def _filled(
    changes: pl.LazyFrame, partial: pl.DataFrame, key: Sequence[str], names: Sequence[str], stored: Stored
) -> pl.DataFrame:
    """Return the rows with the values that their updates left out."""
    states: dict[int, dict[str, str | _Kept | None]] = {}
    wanted = set(partial[CHANGE].to_list())
    now: dict[Key, dict[str, str | _Kept | None]] = {}
    before: dict[Key, dict[str, str | _Kept | None]] = {}
    for row in changes.collect().iter_rows(named=True):
        this: Key = tuple(row[k] for k in key)
        if row[OP] == Op.DELETE.value:
            before[this] = now.pop(this, {})
            continue
        origin: Key = this
        known = now.get(this, {})
        if row[OLD_KEY] is not None:
            origin = tuple(json.loads(row[OLD_KEY]))
            known = before.get(origin, {})
        left = row[UNSET] or ()
        now[this] = {n: known.get(n, _Kept(origin)) if n in left else row[n] for n in names}
        if row[CHANGE] in wanted:
            states[row[CHANGE]] = now[this]
    held = _look_up(states, names, stored)
    made = []
    for row in partial.iter_rows(named=True):
        state = states[row[CHANGE]]
        for name in row[UNSET]:
            value = state[name]
            row[name] = held[value.key][name] if isinstance(value, _Kept) else value
        made.append(row)
    return pl.DataFrame(made, schema=partial.schema)


def _look_up(
    states: Mapping[int, Mapping[str, str | _Kept | None]], names: Sequence[str], stored: Stored
) -> Mapping[Key, Mapping[str, str | None]]:
    keys = list(dict.fromkeys(v.key for state in states.values() for v in state.values() if isinstance(v, _Kept)))
    held = stored(keys, names) if keys else {}
    missing = [k for k in keys if k not in held]
    if missing:
        raise Conflict(
            f"日志省略了 {len(missing)} 行未改动的长文本，而表中没有这些行（可能曾被隔离）。表没有改变。请重新取一次全部数据：beijiang ingest sync 表名 --whole；或请所有者执行 ALTER TABLE … REPLICA IDENTITY FULL;",
            f"The log leaves out long values of {len(missing)} rows that were not touched, and the table does not have these rows (they may have been set aside). The table is unchanged. Take a new snapshot: beijiang ingest sync TABLE --whole; or have the owner run ALTER TABLE ... REPLICA IDENTITY FULL;",
            code="capture_value_missing",
        )
    return held
