"""Prepare the files of one commit on top of one state of the table, and land them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine import Engine, QueryLimits, Scan, View
from beijiang.engine.binding import physical_columns, type_name
from beijiang.kit import Conflict, Invalid, Unavailable
from beijiang.tables.models import HIDDEN, CommitRequest, SchemaPlan, WriteMode
from beijiang.tables.store import merge, states
from beijiang.tables.store.attempts import Attempt
from beijiang.tables.store.delta import Change, files_of, land, schema_of
from beijiang.tables.store.files import DataFile, data_file, flush
from beijiang.tables.store.schema import plan_schema, result_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable
    from sqlglot import exp

__all__ = ["LONG", "Counts", "Work", "accepted_plan", "compare", "numbers", "require_rows"]

LONG: Final = QueryLimits(seconds=1800)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a commit added, changed and removed."""

    added: int
    changed: int = 0
    removed: int = 0


@dataclass(slots=True)
class Work:
    """One try of one commit on top of one state of the table."""

    engine: Engine
    attempt: Attempt
    key: tuple[str, ...]
    request: CommitRequest
    staged: Scan
    base: DeltaTable | None
    plan: SchemaPlan
    note: Mapping[str, Any]

    def land(self) -> set[str]:
        """Prepare the files and commit them; return the names of those that are now part of the table."""
        old = None if self.base is None else schema_of(self.base)
        mode = self.request.mode
        schema = result_schema(old, self.staged.schema, mode)
        files = {} if self.base is None else files_of(self.base)
        current = Scan(tuple(str(self.attempt.folder / name) for name in files), old if old is not None else schema)
        told = self.note
        if mode is WriteMode.HISTORY:
            moment = self._moment(current)
            told = {**told, "at": moment.isoformat()}
            adds, removes, counts = self._history(schema, current, list(files.values()), moment)
        elif mode is WriteMode.MERGE:
            adds, removes, counts = self._merge(schema, current, list(files.values()))
        elif mode is WriteMode.REPLACE:
            adds, removes, counts = self._replace(current)
        else:
            adds, removes, counts = self._append(schema, current)
        gone = sum(file.rows for file in removes)
        rows = sum(file.rows for file in files.values()) if mode is not WriteMode.REPLACE else 0
        rows += sum(file.rows for file in adds) - gone
        kept = {} if mode is WriteMode.REPLACE else files
        size = sum(f.bytes for f in kept.values()) + sum(f.bytes for f in adds) - sum(f.bytes for f in removes)
        note = {**told, **numbers(counts, rows, size)}
        note["schema_change"] = self.plan.to_json() if self.plan.steps else None
        flush(self.attempt.folder)
        change = Change(
            schema=schema,
            adds=adds,
            removes=removes,
            overwrite=mode is WriteMode.REPLACE and self.base is not None,
            note=note,
            run_id=self.request.run_id,
            name=self.request.table,
            comments=self.request.comments,
        )
        land(self.attempt.folder, self.base, change)
        return {file.name for file in adds}

    def _append(self, schema: pa.Schema, current: Scan) -> tuple[list[DataFile], list[DataFile], Counts]:
        if self.key:
            self._require_unique()
            if current.files:
                self._require_new(current)
        adds = self._adopt(schema)
        return adds, [], Counts(sum(file.rows for file in adds))

    def _replace(self, current: Scan) -> tuple[list[DataFile], list[DataFile], Counts]:
        if self.key:
            self._require_unique()
        adds = self._adopt(self.staged.schema)
        counts = compare(self.engine, self.key, current, self.staged)
        return adds, [], counts

    def _merge(
        self, schema: pa.Schema, current: Scan, files: Sequence[DataFile]
    ) -> tuple[list[DataFile], list[DataFile], Counts]:
        self._require_unique()
        if not current.files:
            adds = self._adopt(schema)
            return adds, [], Counts(sum(file.rows for file in adds))
        key, incoming = self.key, self.staged.schema.names
        staged = replace(self.staged, schema=_cast_to(self.staged.schema, schema))
        whole = Scan(current.files, schema, position=True)
        scans = {merge.STAGED: staged, merge.TARGET: whole}
        compared = [name for name in incoming if name not in key and name not in HIDDEN]
        found = self.engine.fetch(merge.changed_by_file(key, compared), scans, LONG).to_pylist()
        leaving = self._leaving(schema, whole)
        touched = sorted({int(row["part"]) for row in found if row["changed"]} | set(leaving))
        changed = sum(int(row["changed"]) for row in found)
        fresh = _number(self.engine, merge.count_without_partner(merge.STAGED, merge.TARGET, key), scans)
        written: list[DataFile] = []
        if touched:
            part = {**scans, merge.TARGET: Scan(tuple(current.files[i] for i in touched), schema)}
            if leaving:
                part[merge.REMOVED] = self._removed(schema)
            query = merge.rewrite(schema.names, incoming, key, compared, removing=bool(leaving))
            written.append(self._write(query, part))
            require_rows(written[0].rows, sum(files[i].rows for i in touched) - sum(leaving.values()))
        if fresh and not found:
            written += self._adopt(schema)
        elif fresh:
            written.append(self._write(merge.insertion(schema, incoming, key), scans))
            require_rows(written[-1].rows, fresh)
        kept = [file for file in written if file.rows]
        return kept, [files[i] for i in touched], Counts(fresh, changed, sum(leaving.values()))

    def _moment(self, current: Scan) -> datetime:
        """Return the one moment of this commit; moments of a table never go back, whatever the clock does."""
        past: list[dict[str, datetime | None]] = [{}]
        if current.files:
            past = self.engine.fetch(states.newest(), {merge.TARGET: current}, LONG).to_pylist()
        return states.moment_after(datetime.fromisoformat(self.note["at"]), past[0].values())

    def _history(
        self, schema: pa.Schema, current: Scan, files: Sequence[DataFile], moment: datetime
    ) -> tuple[list[DataFile], list[DataFile], Counts]:
        self._require_unique()
        incoming, removing = self.staged.schema.names, bool(self.request.removed)
        compared = [name for name in incoming if name not in self.key and name not in HIDDEN]
        ending = states.Ending(self.key, compared, removing=removing, complete=self.request.complete)
        whole = Scan(current.files, schema, position=True)
        sides: dict[str, Scan | View] = {
            merge.STAGED: replace(self.staged, schema=_cast_to(self.staged.schema, schema)),
            merge.TARGET: states.holding(whole, schema.names),
        }
        if removing:
            sides[merge.REMOVED] = self._removed(schema)
        found = self.engine.fetch(states.ended_by_file(ending), sides, LONG).to_pylist()
        gone = sum(int(row["gone"]) for row in found)
        changed = sum(int(row["ended"]) for row in found) - gone
        fresh = _number(self.engine, merge.count_without_partner(merge.STAGED, merge.TARGET, self.key), sides)
        touched = sorted(int(row["part"]) for row in found)
        written: list[DataFile] = []
        if touched:
            part = {**sides, merge.TARGET: Scan(tuple(current.files[i] for i in touched), schema)}
            written.append(self._write(states.closed(schema, ending, moment), part))
            require_rows(written[0].rows, sum(files[i].rows for i in touched))
        if fresh or changed:
            written.append(self._write(states.beginnings(schema, incoming, ending, moment), sides))
            require_rows(written[-1].rows, fresh + changed)
        return written, [files[i] for i in touched], Counts(fresh, changed, gone)

    def _leaving(self, schema: pa.Schema, whole: Scan) -> dict[int, int]:
        """Return, per file of the table that holds any, how many rows leave."""
        if not self.request.removed:
            return {}
        scans = {merge.REMOVED: self._removed(schema), merge.TARGET: whole}
        found = self.engine.fetch(merge.removed_by_file(self.key), scans, LONG).to_pylist()
        return {int(row["part"]): int(row["removed"]) for row in found}

    def _removed(self, schema: pa.Schema) -> Scan:
        import pyarrow as pa

        keys = pa.schema([schema.field(name) for name in self.key])
        return Scan(tuple(str(path) for path in self.request.removed), keys)

    def _adopt(self, schema: pa.Schema) -> list[DataFile]:
        """Make the staged files part of the table: as they are if their types fit, otherwise rewritten."""
        adds = []
        for name in self.staged.files:
            source = Path(name)
            if _fits(source, self.staged.schema, schema):
                adds.append(data_file(source))
                continue
            kept = _cast_to(self.staged.schema, schema)
            adds.append(self._write(merge.plain(kept.names), {merge.STAGED: Scan((name,), kept)}))
        return [file for file in adds if file.rows]

    def _write(self, query: Any, scans: Mapping[str, Scan | View]) -> DataFile:
        return data_file(self.engine.write_parquet(query, scans, self.attempt.path(), LONG).path)

    def _require_unique(self) -> None:
        if not self.staged.files:
            return
        query = merge.duplicates(merge.STAGED, self.key)
        row = self.engine.fetch(query, {merge.STAGED: self.staged}, LONG).to_pylist()[0]
        if row["nulls"]:
            raise Invalid(
                f"有 {row['nulls']} 行缺少主键值。请补全主键列，或先把这些行放入隔离区。",
                f"{row['nulls']} rows lack a value in the key. Complete the key columns, or quarantine these rows first.",
                code="key_missing",
                detail={"rows": row["nulls"], "key": list(self.key)},
            )
        if row["twice"]:
            raise Invalid(
                f"有 {row['twice']} 个主键值在本批数据中出现多次。请去重后再提交。",
                f"{row['twice']} key values occur more than once in these rows. Remove the duplicates first.",
                code="duplicate_keys",
                detail={"keys": row["twice"], "key": list(self.key)},
            )

    def _require_new(self, current: Scan) -> None:
        scans = {merge.STAGED: self.staged, merge.TARGET: current}
        every = _rows_of(self.staged)
        fresh = _number(self.engine, merge.count_without_partner(merge.STAGED, merge.TARGET, self.key), scans)
        if fresh < every:
            raise Conflict(
                f"有 {every - fresh} 行的主键已在表中。请改用 merge 方式更新这些行，或从来件中去掉它们。",
                f"{every - fresh} rows have a key that the table already holds. Use merge to update them, or leave them out.",
                code="key_exists",
                detail={"rows": every - fresh, "key": list(self.key)},
            )


def compare(engine: Engine, key: Sequence[str], old: Scan, new: Scan) -> Counts:
    """Count how two states of a table differ: by key where both have it in the same type, otherwise all rows."""
    before, after = _rows_of(old), _rows_of(new)
    shared = [f.name for f in new.schema if f.name in old.schema.names and old.schema.field(f.name).type == f.type]
    if not key or not before or not after or any(name not in shared for name in key):
        return Counts(after, 0, before)
    scans = {merge.STAGED: new, merge.TARGET: replace(old, position=True)}
    compared = [name for name in shared if name not in key and name not in HIDDEN]
    found = engine.fetch(merge.changed_by_file(key, compared), scans, LONG).to_pylist()
    added = _number(engine, merge.count_without_partner(merge.STAGED, merge.TARGET, key), scans)
    removed = _number(engine, merge.count_without_partner(merge.TARGET, merge.STAGED, key), scans)
    return Counts(added, sum(int(row["changed"]) for row in found), removed)


def numbers(counts: Counts, rows: int, size: int) -> dict[str, int]:
    """Return the counts as the commit's note carries them."""
    return {
        "rows": rows,
        "bytes": size,
        "rows_added": counts.added,
        "rows_changed": counts.changed,
        "rows_removed": counts.removed,
    }


def require_rows(found: int, expected: int) -> None:
    """Stop a rewrite that would lose or double a row.

    Raises:
        Unavailable: the numbers differ; nothing is committed.

    """
    if found != expected:
        raise Unavailable(
            f"重写后的行数（{found}）与预期（{expected}）不符，已放弃，数据没有变化。请联系管理员。",
            f"The rewrite has {found} rows where {expected} were expected; it was given up and nothing changed. Tell an administrator.",
            code="row_count_differs",
        )


def accepted_plan(request: CommitRequest, base: DeltaTable | None, incoming: pa.Schema) -> SchemaPlan:
    """Return the plan of the columns, or stop with it.

    Raises:
        Conflict: ``schema_change_stops``, with the plan in the detail, unless its token came with the request.

    """
    plan = plan_schema(request.table, None if base is None else schema_of(base), incoming, request.mode)
    accepted = request.mode is WriteMode.REPLACE and request.accept_plan == plan.token
    if plan.stops and not accepted:
        advice = plan.next_step
        lines = plan.lines()
        raise Conflict(
            "列结构的改变需要确认，数据没有变化："
            + "；".join(line.zh for line in lines)
            + (f"。{advice.zh}" if advice else ""),
            "The change of columns has to be confirmed; nothing was written: "
            + "; ".join(line.en for line in lines)
            + (f". {advice.en}" if advice else ""),
            code="schema_change_stops",
            detail={"plan": plan.to_json()},
        )
    return plan


def _number(engine: Engine, query: exp.Query, scans: Mapping[str, Scan | View]) -> int:
    return int(engine.fetch(query, scans, LONG).column(0)[0].as_py())


def _rows_of(scan: Scan) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(path).num_rows for path in scan.files)


def _cast_to(incoming: pa.Schema, stored: pa.Schema) -> pa.Schema:
    """Return the incoming columns in the types in which the table stores them."""
    import pyarrow as pa

    return pa.schema([stored.field(field.name) if field.name in stored.names else field for field in incoming])


def _fits(source: Path, incoming: pa.Schema, stored: pa.Schema) -> bool:
    """Tell whether a staged file can become a data file as it is.

    Raises:
        Invalid: it has a column that the request's schema does not name.

    """
    columns = physical_columns(str(source))
    strange = [name for name, _ in columns if name not in incoming.names]
    if strange:
        raise Invalid(
            f"暂存文件有未声明的列：{'、'.join(strange[:5])}。请使暂存文件与提交的列结构一致。",
            f"A staged file has columns that the request does not name: {', '.join(strange[:5])}. Make them agree.",
            code="staged_schema",
            detail={"columns": list(strange)},
        )
    return all(type_name(stored.field(name).type) == kind for name, kind in columns)
