"""Looking at the columns of a version: at every row, or at new rows only where the others were looked at before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.kit import NotFound, Unavailable
from beijiang.protection.models.classify import ColumnFacts, classify
from beijiang.protection.models.detectors import (
    BY_TYPE,
    WRITTEN,
    Counts,
    Seen,
    checks,
    counts_of,
    stacked,
    survey,
    wanted_checks,
)
from beijiang.protection.models.looked import Looked
from beijiang.protection.service.ruling import visible_types
from beijiang.tables import FILE_COLUMN, ROW_COLUMN, WriteMode

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.engine import Engine
    from beijiang.protection.models.grades import Findings
    from beijiang.tables import Lake, Snapshot, TableWritten

__all__ = ["Surveyor"]

CELLS_IN_FULL: Final = 20_000_000
"""Up to so many cells every row is looked at; above, every n-th row, never fewer than ``SAMPLE_ROWS``."""
SAMPLE_ROWS: Final = 100_000
FEW_ROWS: Final = 20_000
"""Up to so many, columns are looked at one under the other: to make the patterns ready takes longer than to use them."""
COLUMNS_AT_ONCE: Final = 60
SURVEY_SECONDS: Final = 600.0
_ADDING: Final = frozenset({WriteMode.APPEND.value, WriteMode.MERGE.value, WriteMode.HISTORY.value})


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Counts what the detectors find in the columns of a table."""

    lake: Lake
    engine: Engine

    def look(
        self, snapshot: Snapshot, event: TableWritten, before: Looked | None
    ) -> tuple[dict[str, tuple[str, Findings]], Looked]:
        """Return kind and findings per column, and the counts to go on from the next time."""
        types = visible_types(snapshot)
        wanted = {name: word for name, word in types.items() if word in BY_TYPE}
        looked = self._grown(snapshot, event, wanted, before) or self._whole(snapshot, wanted)
        comments = dict(zip(event.columns, event.column_comments, strict=False))
        facts = []
        for name, word in types.items():
            column = ColumnFacts(name, word, comment=comments.get(name, ""))
            facts.append(replace(column, counts=looked.counts[name]) if name in looked.counts else column)
        return classify(facts, snapshot.rows, sampled=looked.sampled), looked

    def _grown(
        self, snapshot: Snapshot, event: TableWritten, columns: Mapping[str, str], before: Looked | None
    ) -> Looked | None:
        """Return the counts of before with those of the rows that this version brought; None where that is not enough."""
        if before is None or not before.may_grow(event.version) or event.columns_changed:
            return None
        placed = FILE_COLUMN in snapshot.schema.names and event.sources
        if event.mode not in _ADDING or not placed:
            return None
        try:
            old = self.lake.snapshot(event.table, before.version)
        except (NotFound, Unavailable):
            return None
        known = set(old.files)
        added = replace(snapshot, files=tuple(name for name in snapshot.files if name not in known))
        new: dict[str, Counts] = {}
        if added.files:
            seen = Seen(files=tuple(source["sha256"] for source in event.sources))
            new = self._counts(added, columns, seen)
        looked = before.grown(event.version, new)
        return looked if looked.holds else None

    def _whole(self, snapshot: Snapshot, columns: Mapping[str, str]) -> Looked:
        step = _step(snapshot.rows, len(columns)) if ROW_COLUMN in snapshot.schema.names else 1
        counts = self._counts(snapshot, columns, Seen(step=step))
        rows = max((found.rows for found in counts.values()), default=snapshot.rows)
        return Looked(snapshot.version, rows, 0, step > 1, counts)

    def _counts(self, snapshot: Snapshot, columns: Mapping[str, str], seen: Seen) -> dict[str, Counts]:
        found: dict[str, Counts] = {}
        names = list(columns)
        for start in range(0, len(names), COLUMNS_AT_ONCE):
            part = {name: columns[name] for name in names[start : start + COLUMNS_AT_ONCE]}
            counts = self._stacked(snapshot, part, seen) if snapshot.rows <= FEW_ROWS else {}
            others = {name: word for name, word in part.items() if name not in counts}
            if others:
                row = self._ask(snapshot, survey(snapshot.table, others, seen), list(others), seen)
                counts |= {name: counts_of(row, index) for index, name in enumerate(others)}
            wanted = {name: sums for name in others if (sums := wanted_checks(counts[name]))}
            if wanted:
                row = self._ask(snapshot, checks(snapshot.table, wanted, seen), list(wanted), seen)
            for index, (name, sums) in enumerate(wanted.items()):
                passed = {check: row[f"c{index}_{check}"] for check in sums}
                counts[name] = replace(counts[name], hits={**counts[name].hits, **passed})
            found |= counts
        return found

    def _stacked(self, snapshot: Snapshot, columns: Mapping[str, str], seen: Seen) -> dict[str, Counts]:
        """Count in the columns of a written kind together, patterns and checks at once; a column alone gains nothing so."""
        found: dict[str, Counts] = {}
        for kind in WRITTEN:
            names = [name for name, word in columns.items() if word == kind]
            if len(names) > 1:
                rows = self._rows(snapshot, stacked(snapshot.table, names, kind, seen), names, seen)
                found |= {names[row["place"]]: counts_of(row, 0) for row in rows}
        return found

    def _ask(self, snapshot: Snapshot, query: exp.Select, columns: Sequence[str], seen: Seen) -> Mapping[str, int]:
        return self._rows(snapshot, query, columns, seen)[0]

    def _rows(
        self, snapshot: Snapshot, query: exp.Select, columns: Sequence[str], seen: Seen
    ) -> list[Mapping[str, int]]:
        from beijiang.engine import QueryLimits

        scan = self.lake.scan(snapshot, [*columns, *seen.columns])
        answer = self.engine.fetch(query, {snapshot.table: scan}, QueryLimits(seconds=SURVEY_SECONDS)).to_pylist()
        return [
            {name: int(value or 0) for name, value in row.items()} for row in answer
        ]  # of no row a count may be null


def _step(rows: int, columns: int) -> int:
    if rows * columns <= CELLS_IN_FULL:
        return 1
    wanted = max(SAMPLE_ROWS, CELLS_IN_FULL // max(columns, 1))
    return max(1, rows // wanted)
