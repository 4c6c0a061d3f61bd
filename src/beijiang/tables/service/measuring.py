"""Counting rows and finding their places, for those who judge a table: numbers leave here, values never do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.engine.port import AT, PART, QueryLimits, Scan
from beijiang.tables.models import Column, Snapshot, subject_of
from beijiang.tables.service.between import Between, between
from beijiang.tables.store.schema import visible_columns

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa
    from sqlglot import exp

    from beijiang.engine import Engine
    from beijiang.tables.store import Lake

__all__ = ["Measured", "Measures"]

SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A version of a table as those see it who count in it."""

    table: str
    version: int
    rows: int
    written_at: datetime
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    history: bool
    """Whether its rows are states, of which those without ``valid_to`` hold now."""


class Measures:
    """What can be counted in versions of tables, by query trees over ``lake.<table>``; no actor asks, ``quality`` does."""

    def __init__(self, lake: Lake, engine: Engine, counting: Engine | None = None) -> None:
        self._lake = lake
        self._engine = engine
        self._counting = counting or engine
        """Counts whole tables: the embedded engine, or a distributed one; places are always found by the embedded one."""

    def version(self, table: str, version: int | None = None) -> Measured:
        """Return what a version has, by default the newest.

        Raises:
            NotFound: no such table or version.

        """
        found = self._lake.snapshot(table, version)
        return Measured(
            found.table,
            found.version,
            found.rows,
            found.written_at,
            visible_columns(found.schema, {}),
            found.key,
            found.history,
        )

    def count(
        self,
        query: exp.Query,
        tables: Mapping[str, int | None],
        seconds: float = SECONDS,
        staged: Mapping[str, Path] | None = None,
    ) -> dict[str, int]:
        """Return the one row of whole numbers that a query comes to; what is NULL counts as 0.

        ``tables`` names every table of the tree, with its version (None: the newest); ``staged`` names files that stand
        for one.

        Raises:
            ValueError: the query returns anything else than whole numbers, or more than a row.
            Refused: it takes longer than ``seconds`` (``query_timeout``).

        """
        snapshots = {name: self._lake.snapshot(name, number) for name, number in tables.items()}
        answer = self._numbers(query, snapshots, seconds=seconds, staged=staged or {})
        if answer.num_rows != 1:
            msg = "a measure is one row of numbers"
            raise ValueError(msg)
        return {name: int(value or 0) for name, value in answer.to_pylist()[0].items()}

    def places(
        self, query: exp.Query, tables: Mapping[str, int | None], seconds: float = SECONDS
    ) -> Sequence[tuple[int, int]]:
        """Return the places (``_bj_part``, ``_bj_at``) that a query selects, for ``GovernedTable.rows_at``.

        Raises:
            Refused: it takes longer than ``seconds`` (``query_timeout``).

        """
        snapshots = {name: self._lake.snapshot(name, number) for name, number in tables.items()}
        answer = self._numbers(query, snapshots, position=True, seconds=seconds)
        return list(zip(answer.column(PART).to_pylist(), answer.column(AT).to_pylist(), strict=True))

    def places_of(
        self, query: exp.Query, tables: Mapping[str, int | None], number: str
    ) -> dict[int, list[tuple[int, int]]]:
        """Return the places that a query selects by a whole number that it gives each of them."""
        snapshots = {name: self._lake.snapshot(name, version) for name, version in tables.items()}
        found: dict[int, list[tuple[int, int]]] = {}
        for row in self._numbers(query, snapshots, position=True).to_pylist():
            found.setdefault(int(row[number]), []).append((int(row[PART]), int(row[AT])))
        return found

    def between(self, table: str, versions: tuple[int, int], columns: Sequence[str], sample: int) -> Between:
        """Return what happened to the rows of a table with a key between two versions, seen in some columns of both.

        Raises:
            NotFound: no such table or version.

        """
        then, now = (self._lake.snapshot(table, number) for number in versions)
        key = subject_of(now.key) if now.history else now.key
        return between(self._engine, then, now, key, columns, sample)

    def _numbers(
        self,
        query: exp.Query,
        snapshots: Mapping[str, Snapshot],
        *,
        position: bool = False,
        seconds: float = SECONDS,
        staged: Mapping[str, Path] | None = None,
    ) -> pa.Table:
        import pyarrow.parquet as pq

        scans = {name: Scan(found.files, found.schema, position) for name, found in snapshots.items()}
        scans |= {name: Scan((str(file),), pq.read_schema(file)) for name, file in (staged or {}).items()}
        engine = self._engine if position else self._counting
        answer = engine.fetch(query, scans, QueryLimits(seconds=seconds))
        wide = [field.name for field in answer.schema if not _whole(field.type)]
        if wide:
            msg = f"only whole numbers leave here, not {wide}"
            raise ValueError(msg)
        return answer


def _whole(kind: pa.DataType) -> bool:
    """Tell whether a column holds whole numbers; sums of them are decimals without a fraction in some engines."""
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_null(kind) or (pa.types.is_decimal(kind) and kind.scale == 0))
