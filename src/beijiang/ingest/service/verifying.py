"""Hold a whole table against its source as it is now."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from beijiang.ingest.connectors import Wanted
from beijiang.ingest.models import AUTO, Verdict
from beijiang.ingest.service.certifying import LISTED, Finding, differing, side, told
from beijiang.ingest.service.conforming import conformed
from beijiang.ingest.service.fetching import patiently
from beijiang.ingest.service.observing import observed
from beijiang.ingest.typing import TypedSchema
from beijiang.tables import BUCKETS, HIDDEN, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa

    from beijiang.ingest.connectors import Connector
    from beijiang.ingest.models import Sync
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

    Tick = Callable[[int, int | None], None]

__all__ = ["verified"]


def verified(
    tables: Tables, actor: Actor, sync: Sync, connector: Connector, folder: Path, *, version: int, tick: Tick
) -> Finding:
    """Compare every row of a version: the source counts its own where it can, and only key ranges that differ are read."""
    return patiently(  # type: ignore[no-any-return]
        lambda: _verified(tables, actor, sync, connector, folder, version=version, tick=tick)
    )


def _verified(
    tables: Tables, actor: Actor, sync: Sync, connector: Connector, folder: Path, *, version: int, tick: Tick
) -> Finding:
    arrow = tables.schema(actor, sync.table)
    held_columns = [] if arrow is None else [n for n in arrow.names if n not in HIDDEN]
    feed = connector.describe(sync.feed)
    feed = feed.only([c.name for c in feed.columns if c.name in held_columns])
    schema = TypedSchema(tuple(c.spec for c in feed.columns))
    columns = list(schema.names)
    folder.mkdir(parents=True)
    try:
        with connector.open(Wanted(feed=feed, key=sync.key)) as reading, ThreadPoolExecutor(1) as beside:
            counting = beside.submit(tables.fingerprint, actor, sync.table, columns, sync.key, version=version)
            source, held = reading.fingerprint(), counting.result()  # both sides count at the same time
            tick(0, held.rows)
            counted_by = "reread" if source is None else "source"
            buckets = list(range(BUCKETS)) if source is None else source.differing(held)
            rows = folder / "rows.parquet"
            aside = 0
            if buckets:
                batches = reading.batches() if source is None or not sync.key else reading.rows_in(buckets)
                aside = _typed(batches, schema, sync.key, rows, lambda n: tick(n, held.rows))
            if source is None:
                source = tables.fingerprint_of(actor, [rows], schema.to_arrow(), sync.key)
                buckets = source.differing(held)
        found: Any = ()
        if buckets and sync.key:
            found = tables.differences(actor, sync.table, columns, sync.key, [rows], buckets=buckets, version=version)
        missed = _missed(tables, actor, sync, rows) if found and sync.cursor in columns else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    verdict = Verdict.EQUAL
    if found or (buckets and not sync.key):
        verdict = Verdict.DIFFERENT
    elif buckets or aside:
        verdict = Verdict.EXPLAINED
    missing = [name for name in held_columns if name not in columns]
    body: dict[str, JsonValue] = {
        "part": None,
        "consistent": reading.consistent,
        "counted_by": counted_by,
        "source": side(source),
        "held": side(held),
        "set_aside": aside,
        "ranges": differing(source, held, "verify"),
        "differences": [told(d) for d in found[:LISTED]],
        "differences_found": len(found),
        "columns_gone": [*missing],
    }
    return Finding(Verdict.DIFFERENT if missing else verdict, body, missed)


def _missed(tables: Tables, actor: Actor, sync: Sync, rows: Path) -> dict[str, Any] | None:
    """Return how late the rows were that no run saw: the position has passed them, and the table does not hold them."""
    position = tables.positions(actor, sync.table).get(sync.id)
    if sync.overlap != AUTO or position is None:
        return None
    target = rows.with_name("missed.parquet")
    tables.late(actor, sync.table, sync.key, [rows], target, part=Part(sync.cursor, None, str(position)))
    return observed(target, str(position))


def _typed(
    batches: Iterable[pa.RecordBatch],
    schema: TypedSchema,
    key: tuple[str, ...],
    path: Path,
    tick: Callable[[int], None],
) -> int:
    """Write rows in the table's types; return how many could not be."""
    aside = seen = 0
    arrow = schema.to_arrow()
    with pq.ParquetWriter(path, arrow, compression="zstd") as writer:
        for came, made, _ in conformed(batches, schema, key):
            seen += came
            tick(seen)
            aside += len(made.bad)
            writer.write_batch(made.rows.cast(arrow))
    return aside
