"""What changed between two versions of a table, written to files for those who keep something made of it up to date.

Only files that one of the versions lacks are read for the difference, so an appended file costs what it holds, and a merge
what it rewrote. Rows are told apart by the key; a rewritten file whose rows have none cannot be followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beijiang.engine import Engine, Scan, View
from beijiang.kit import NotFound, Unavailable
from beijiang.tables.models import HIDDEN, TOUCHED_KEY, VALID_TO, Changed, Following, Snapshot, WriteMode, unfollowable
from beijiang.tables.store import changes, states
from beijiang.tables.store.merge import column, relation
from beijiang.tables.store.work import LONG

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.tables.models import TableVersion
    from beijiang.tables.store import Lake

__all__ = ["Changer"]

_LIGHT: Final = 0.25
"""Share of the rows above which one pass over all of them is done sooner than finding what is touched (``bench_recipes.py``)."""
_SMALL: Final = 10_000
"""Rows up to which it is of no matter how many of them changed."""


class Changer:
    """Finds changed rows."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self._lake = lake
        self._engine = engine

    def find(
        self, table: str, span: tuple[int, int], versions: Sequence[TableVersion], how: Following, folder: Path
    ) -> Changed:
        """Write to ``folder`` what changed over ``versions``, those after the first of ``span`` up to the second.

        Raises:
            Conflict: the change cannot be followed, or it is most of the table; the code says why.

        """
        old, new = self._ends(table, span)
        if [(f.name, f.type) for f in old.schema] != [(f.name, f.type) for f in new.schema]:
            raise unfollowable("source_columns")
        gone = tuple(sorted(set(old.files) - set(new.files)))
        fresh = tuple(name for name in new.files if name not in set(old.files))
        # Rows that a rollback brings back may be of a time when the table had no key: nothing says that they are told apart.
        replaced = any(v.mode in {WriteMode.REPLACE, WriteMode.ROLLBACK} for v in versions)
        if replaced or (gone and not how.key):
            raise unfollowable("source_rewritten")
        if any(not Path(name).exists() for name in gone):
            raise unfollowable("source_gone")
        if how.light and how.groups:
            _require_little(_rows_in(fresh), new.rows)
        sides = {changes.OLD: gone, changes.NEW: fresh}
        if not how.key and not how.groups:
            return self._added(new, sides, how, folder)
        return self._around(old, new, sides, how, folder)

    def _ends(self, table: str, span: tuple[int, int]) -> tuple[Snapshot, Snapshot]:
        try:
            return self._lake.snapshot(table, span[0]), self._lake.snapshot(table, span[1])
        except (NotFound, Unavailable):
            raise unfollowable("source_gone") from None

    def _added(self, new: Snapshot, sides: Mapping[str, tuple[str, ...]], how: Following, folder: Path) -> Changed:
        """Return the rows of added files: none was changed or removed."""
        from sqlglot import exp

        names = _shown(new.schema)
        before, after = folder / "before.parquet", folder / "after.parquet"
        query = exp.select(*(column(None, name) for name in names)).from_(relation(changes.NEW))
        for files, path in (((), before), (sides[changes.NEW], after)):
            scan = self._scan(files, new.schema, names, holding=how.holding)
            rows = self._engine.write_parquet(query, {changes.NEW: scan}, path, LONG).rows
        _require_few(rows, new.rows)
        return Changed(before=before, after=after, touched=None, rows=rows)

    def _around(
        self, old: Snapshot, new: Snapshot, sides: Mapping[str, tuple[str, ...]], how: Following, folder: Path
    ) -> Changed:
        """Return the rows that have the groups (or the key) of changed rows, before and after."""
        groups = how.groups or how.key
        names = _shown(new.schema)
        path = folder / "touched.parquet"
        needed = [name for name in names if how.columns is None or name in {*how.columns, *how.key, *groups}]
        scans = {n: self._scan(f, new.schema, needed, holding=how.holding) for n, f in sides.items()}
        compared = [name for name in needed if how.columns is None or name in how.columns or name in groups]
        query = changes.touched(how.key, groups, compared) if how.key else changes.added(groups)
        count = self._engine.write_parquet(query, scans, path, LONG).rows
        _require_few(count, new.rows)
        keys = self._keys(path, new.schema, groups)
        if self._engine.fetch(changes.empty_keys(len(groups)), keys, LONG).column(0)[0].as_py():
            raise unfollowable("empty_group")
        # A changed row itself stands in a file that one version lacks; the others of its group stand anywhere.
        files = {changes.OLD: old.files, changes.NEW: new.files} if how.groups else sides
        if how.light and how.groups:
            rows = self._scan(files[changes.NEW], new.schema, groups, holding=how.holding)
            few = self._engine.fetch(changes.counted(changes.NEW, groups), {**keys, changes.NEW: rows}, LONG)
            _require_little(few.column(0)[0].as_py(), new.rows)
        before, after = None if how.light else folder / "before.parquet", folder / "after.parquet"
        written: list[int] = []
        for name, place in ((changes.OLD, before), (changes.NEW, after)):
            if place is not None:
                rows = self._scan(files[name], new.schema, names, holding=how.holding)
                scans = {**keys, name: rows}
                written.append(self._engine.write_parquet(changes.among(name, groups, names), scans, place, LONG).rows)
        _require_few(written[-1], new.rows)
        return Changed(before=before, after=after, touched=path, rows=sum(written))

    @staticmethod
    def _scan(files: Sequence[str], schema: pa.Schema, names: Sequence[str], *, holding: bool) -> Scan | View:
        import pyarrow as pa

        wanted = list(dict.fromkeys([*names, *([VALID_TO] if holding else [])]))
        scan = Scan(tuple(files), pa.schema([schema.field(name) for name in wanted]))
        return states.holding(scan, names) if holding else scan

    @staticmethod
    def _keys(path: Path, schema: pa.Schema, groups: Sequence[str]) -> dict[str, Scan | View]:
        import pyarrow as pa

        fields = [pa.field(f"{TOUCHED_KEY}{i}", schema.field(name).type) for i, name in enumerate(groups)]
        return {changes.TOUCHED: Scan((str(path),), pa.schema(fields))}


def _shown(schema: pa.Schema) -> list[str]:
    return [name for name in schema.names if name not in HIDDEN]


def _rows_in(files: Sequence[str]) -> int:
    """Return how many rows files have, by their footers."""
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(name).num_rows for name in files)


def _require_little(rows: int, of: int) -> None:
    """Return if so many rows are few enough for what is one pass over all."""
    if of > _SMALL and rows > _LIGHT * of:
        raise unfollowable("source_widely_changed")


def _require_few(rows: int, of: int) -> None:
    """Return if working the change is less than working everything."""
    if of > _SMALL and rows * 2 > of:
        raise unfollowable("source_mostly_new")
