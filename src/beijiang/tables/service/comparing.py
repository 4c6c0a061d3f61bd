"""Compare a version of a table with rows that stand elsewhere, without handing over a row of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beijiang.engine import Engine, Scan, View
from beijiang.tables.models import (
    FILE_COLUMN,
    HIDDEN,
    VALID_TO,
    Among,
    Difference,
    DifferenceKind,
    Filter,
    FilterOp,
    Fingerprint,
    Part,
    Snapshot,
    Tally,
)
from beijiang.tables.store import comparing, states
from beijiang.tables.store.work import LONG

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.tables.store import Lake

__all__ = ["Comparer"]

_MOST: Final = 1_000
"""Differences told one by one; more are counted by their key ranges."""


class Comparer:
    """Fingerprints and differences of snapshots and staged files; of a history table, of the rows that hold now."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self._lake = lake
        self._engine = engine

    def fingerprint(
        self,
        snapshot: Snapshot,
        columns: Sequence[str],
        key: Sequence[str],
        part: Part | None,
        among: Among | None = None,
    ) -> Fingerprint:
        """Return what some columns of a version come to, of all rows or of those whose key stands in ``among``."""
        schema, near = self._schema(snapshot, columns), () if among is None else _near(among, key)
        scans: dict[str, Scan | View] = {comparing.MINE: self._mine(snapshot, filters=near)}
        if among is not None and among.keys:
            scans[comparing.THEIRS] = Scan(tuple(map(str, among.keys)), self._schema(snapshot, key))
        query = comparing.tallies(schema, key, part)
        return self._counted(query if among is None else comparing.only_among(query, key, among), scans)

    def holding(self, snapshot: Snapshot) -> int:
        """Return how many rows of a version anything outside can be equal to."""
        if not snapshot.history:
            return snapshot.rows
        return int(self._fetch(comparing.count(), {comparing.MINE: self._mine(snapshot, [VALID_TO])})[0]["rows"])

    def texts(
        self, snapshot: Snapshot, key: Sequence[str], columns: Sequence[str], theirs: Sequence[Path]
    ) -> list[dict[str, str]]:
        """Return some columns of the rows whose keys ``theirs`` holds as text, all of it as canonical text."""
        import pyarrow as pa

        words = pa.schema([pa.field(name, pa.string()) for name in key])
        scans = {
            comparing.MINE: self._mine(snapshot, [*key, *columns]),
            comparing.THEIRS: Scan(tuple(map(str, theirs)), words),
        }
        schema = self._schema(snapshot, [*key, *columns], hidden=columns)
        return self._fetch(comparing.texts(schema, key, columns), scans)

    def fingerprint_of(
        self, files: Sequence[Path], schema: pa.Schema, key: Sequence[str], part: Part | None
    ) -> Fingerprint:
        """Return what the rows of staged Parquet files come to."""
        return self._tallied(schema, Scan(tuple(map(str, files)), schema), key, part)

    def highest(self, files: Sequence[Path], schema: pa.Schema, column: str) -> str | None:
        """Return the highest value of a column of staged files, as canonical text."""
        scan = Scan(tuple(map(str, files)), schema)
        found: str | None = self._fetch(comparing.highest(schema, column), {comparing.MINE: scan})[0]["top"]
        return found

    def gone(self, snapshot: Snapshot, key: Sequence[str], theirs: Sequence[Path], target: Path) -> int:
        """Write to ``target`` the keys of a version that the files ``theirs`` do not hold; return how many."""
        schema = self._schema(snapshot, key)
        scans = {
            comparing.MINE: self._mine(snapshot, list(key)),
            comparing.THEIRS: Scan(tuple(map(str, theirs)), schema),
        }
        return self._engine.write_parquet(comparing.keys_without_partner(key), scans, target, LONG).rows

    def late(self, snapshot: Snapshot, key: Sequence[str], theirs: Sequence[Path], target: Path, part: Part) -> int:
        """Write to ``target`` the part's column of rows of ``theirs`` in the part that a version does not hold; return how many."""
        names = list(dict.fromkeys([*key, part.column]))
        schema = self._schema(snapshot, names)
        scans = {
            comparing.MINE: self._mine(snapshot, names),
            comparing.THEIRS: Scan(tuple(map(str, theirs)), schema),
        }
        return self._engine.write_parquet(comparing.latecomers(schema, key, part), scans, target, LONG).rows

    def differences(
        self,
        snapshot: Snapshot,
        columns: Sequence[str],
        key: Sequence[str],
        theirs: Sequence[Path],
        buckets: Sequence[int],
        part: Part | None,
    ) -> list[Difference]:
        """Return rows of some key ranges that are not equal on both sides, at most a thousand.

        Where the key is the place of a row (landed file and line), tables without a key can be compared row by row too.
        """
        schema = self._schema(snapshot, list(dict.fromkeys([*key, *columns])), hidden=key)
        filters = [] if part is None or part.column != FILE_COLUMN else [Filter(FILE_COLUMN, FilterOp.EQ, part.start)]
        scans = {
            comparing.MINE: self._mine(snapshot, list(schema.names), filters),
            comparing.THEIRS: Scan(tuple(map(str, theirs)), schema),
        }
        found = self._fetch(comparing.differences(schema, key, buckets, part, _MOST), scans)
        others = [name for name in schema.names if name not in key]
        return [
            Difference(
                kind := DifferenceKind(row["kind"]),
                tuple(row[f"k{i}"] for i in range(len(key))),
                tuple(n for i, n in enumerate(others) if row[f"d{i}"]) if kind is DifferenceKind.ALTERED else (),
            )
            for row in found
        ]

    def _mine(
        self, snapshot: Snapshot, columns: Sequence[str] | None = None, filters: Sequence[Filter] = ()
    ) -> Scan | View:
        """Return the table's side of a comparison, and with it the only rows that anything outside can be equal to."""
        if not snapshot.history:
            return self._lake.scan(snapshot, columns, filters)
        names = snapshot.schema.names if columns is None else columns
        return states.holding(self._lake.scan(snapshot, list(dict.fromkeys([*names, VALID_TO])), filters), names)

    def _schema(self, snapshot: Snapshot, columns: Sequence[str], hidden: Sequence[str] = ()) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([snapshot.schema.field(name) for name in columns if name not in HIDDEN or name in hidden])

    def _tallied(self, schema: pa.Schema, scan: Scan, key: Sequence[str], part: Part | None) -> Fingerprint:
        return self._counted(comparing.tallies(schema, key, part), {comparing.MINE: scan})

    def _counted(self, query: exp.Query, scans: Mapping[str, Scan | View]) -> Fingerprint:
        found = self._fetch(query, scans)
        return Fingerprint({int(r["bucket"]): Tally(int(r["rows"]), int(r["checksum"])) for r in found})

    def _fetch(self, query: exp.Query, scans: Mapping[str, Scan | View]) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = self._engine.fetch(query, scans, LONG).to_pylist()
        return rows


def _near(among: Among, key: Sequence[str]) -> list[Filter]:
    """Return conditions that keep files apart in which none of the rows can be, from what the footers of staged files say."""
    import pyarrow.parquet as pq

    if among.files:
        return [Filter(FILE_COLUMN, FilterOp.IN_, tuple(among.files))]
    footers = [pq.read_metadata(path) for path in among.keys]
    groups = [f.row_group(n) for f in footers for n in range(f.num_row_groups) if f.row_group(n).num_rows]
    found: list[Filter] = []
    for name in key:
        columns = [g.column(i) for g in groups for i in range(g.num_columns) if g.column(i).path_in_schema == name]
        bounds = [c.statistics for c in columns if c.statistics is not None and c.statistics.has_min_max]
        if groups and len(bounds) == len(groups):
            found.append(Filter(name, FilterOp.GTE, min(b.min for b in bounds)))
            found.append(Filter(name, FilterOp.LTE, max(b.max for b in bounds)))
    return found
