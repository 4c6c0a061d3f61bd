"""Compare a version of a table with rows that stand elsewhere, without handing over a row of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beijiang.engine import Engine, Scan, View
from beijiang.tables.models import (
    HIDDEN,
    VALID_TO,
    Among,
    Difference,
    DifferenceKind,
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
        schema = self._schema(snapshot, columns)
        scans: dict[str, Scan | View] = {comparing.MINE: self._mine(snapshot)}
        if among is not None and among.keys:
            scans[comparing.THEIRS] = Scan(tuple(map(str, among.keys)), self._schema(snapshot, key))
        query = comparing.tallies(schema, key, part)
        return self._counted(query if among is None else comparing.only_among(query, key, among), scans)

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
        return self._fetch(comparing.texts(self._schema(snapshot, [*key, *columns]), key, columns), scans)

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
        """Return rows of some key ranges that are not equal on both sides, at most a thousand."""
        schema = self._schema(snapshot, columns)
        scans = {
            comparing.MINE: self._mine(snapshot, list(columns)),
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

    def _mine(self, snapshot: Snapshot, columns: Sequence[str] | None = None) -> Scan | View:
        """Return the table's side of a comparison, and with it the only rows that anything outside can be equal to."""
        if not snapshot.history:
            return self._lake.scan(snapshot, columns)
        names = snapshot.schema.names if columns is None else columns
        return states.holding(self._lake.scan(snapshot, list(dict.fromkeys([*names, VALID_TO]))), names)

    def _schema(self, snapshot: Snapshot, columns: Sequence[str]) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([snapshot.schema.field(name) for name in columns if name not in HIDDEN])

    def _tallied(self, schema: pa.Schema, scan: Scan, key: Sequence[str], part: Part | None) -> Fingerprint:
        return self._counted(comparing.tallies(schema, key, part), {comparing.MINE: scan})

    def _counted(self, query: exp.Query, scans: Mapping[str, Scan | View]) -> Fingerprint:
        found = self._fetch(query, scans)
        return Fingerprint({int(r["bucket"]): Tally(int(r["rows"]), int(r["checksum"])) for r in found})

    def _fetch(self, query: exp.Query, scans: Mapping[str, Scan | View]) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = self._engine.fetch(query, scans, LONG).to_pylist()
        return rows
