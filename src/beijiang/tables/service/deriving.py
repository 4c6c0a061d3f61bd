"""Making rows of other tables' rows, whole and unmasked, for those who write both: they go to disk, to nobody's eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beijiang.engine import QueryLimits, Scan
from beijiang.kit import Invalid
from beijiang.tables.store.schema import check_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.engine import Engine
    from beijiang.tables.store import Lake

__all__ = ["Derived", "Deriver"]

TRUSTED = QueryLimits(seconds=3600.0)
UNTRUSTED = QueryLimits(seconds=300.0, memory_mb=1024, rows=5_000_000, bytes=512 << 20, threads=1, temp_mb=2048)
"""A person's SQL may take longer when it fills a table than when somebody waits for it."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Rows that were made: one Parquet file in a schema that a table can have, and what they were made of."""

    file: Path
    schema: pa.Schema
    rows: int
    versions: Mapping[str, int]


class Deriver:
    """Runs queries over newest versions and writes what they come to."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self._lake = lake
        self._engine = engine

    def write(
        self,
        query: exp.Query,
        tables: Mapping[str, int | None],
        target: Path,
        *,
        untrusted: bool,
        staged: Mapping[str, Path],
    ) -> Derived:
        """Write the rows of a query over ``lake.<table>`` to a file.

        A query with a person's own SQL in it runs in the limited child, as every such query does.
        """
        import pyarrow.parquet as pq

        snapshots = {name: self._lake.snapshot(name, version) for name, version in tables.items()}
        scans = {name: Scan(found.files, found.schema) for name, found in snapshots.items()}
        scans |= {name: Scan((str(file),), pq.read_schema(file)) for name, file in staged.items()}
        versions = {name: found.version for name, found in snapshots.items()}
        if untrusted:
            rows = _in_lake_types(self._engine.run_untrusted(query, scans, UNTRUSTED))
            pq.write_table(rows, target, compression="zstd")
            return Derived(target, rows.schema, rows.num_rows, versions)
        written = self._engine.write_parquet(query, scans, target, TRUSTED)
        return Derived(target, check_schema(pq.read_schema(target).remove_metadata()), written.rows, versions)


def _in_lake_types(rows: pa.Table) -> pa.Table:
    """Return an answer in types that tables have: whole numbers of 64 bits, moments in UTC, and so on.

    Raises:
        Invalid: more rows than a table is filled with at once, or a column of lists, intervals and the like.

    """
    import pyarrow as pa

    if UNTRUSTED.rows is not None and rows.num_rows > UNTRUSTED.rows:
        raise Invalid(
            f"结果超过 {UNTRUSTED.rows:,} 行。请汇总或筛选后再写入表。",
            f"The result has more than {UNTRUSTED.rows:,} rows. Group or filter before it fills a table.",
            code="query_too_large",
        )

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_integer(kind):
            return pa.int64()
        if pa.types.is_decimal(kind) and kind.scale == 0:
            return pa.int64()
        return pa.float64() if pa.types.is_floating(kind) else kind

    schema = check_schema(pa.schema([pa.field(field.name, plain(field.type)) for field in rows.schema]))
    try:
        return rows.cast(schema)
    except (pa.ArrowException, ValueError):
        raise Invalid(
            "结果中有超出 64 位整数范围的数。请把它转换为 DOUBLE。",
            "The result has whole numbers of more than 64 bits. Cast them to DOUBLE.",
            code="column_type",
        ) from None
