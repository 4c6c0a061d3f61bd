"""Bring staged rows into a Delta folder as exactly one version, again from the start whenever another writer was faster."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.engine import Engine, Scan
from beijiang.kit import Conflict, Invalid
from beijiang.tables.models import CommitRequest, WriteMode, subject_of
from beijiang.tables.store import merge
from beijiang.tables.store.attempts import Attempts
from beijiang.tables.store.delta import Change, Lost, files_of, land, open_delta, read_commits, restore, schema_of
from beijiang.tables.store.files import data_file
from beijiang.tables.store.schema import check_schema
from beijiang.tables.store.work import LONG, Counts, Work, accepted_plan, compare, numbers, require_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

__all__ = ["Target", "Writer"]

ATTEMPTS: Final = 40


@dataclass(frozen=True, slots=True)
class Target:
    """Where a commit goes."""

    folder: Path
    name: str
    key: tuple[str, ...]
    note: Mapping[str, Any]
    """What the commit's info says besides the counts: who, why, from what."""
    upon: int | None = None
    """Version of the log that the commit is made for (-1: before the first); after any later version of ours nothing is written."""


class Writer:
    """Commit rows by append, merge by key (also with every earlier state kept) or replacement, and compact; all retried against other writers."""

    def __init__(self, engine: Engine, attempts: Attempts) -> None:
        self._engine = engine
        self._attempts = attempts

    def commit(self, target: Target, request: CommitRequest) -> None:
        """Land the request as one version; a run that has landed before changes nothing.

        Raises:
            Conflict: the schema plan stops, or other writers kept winning.
            Invalid: staged files that do not fit the schema, keys missing or not unique.

        """
        incoming = check_schema(request.schema)
        key = subject_of(target.key) if request.mode is WriteMode.HISTORY else target.key
        _check_key(key, incoming, request.mode)
        with self._attempts.begin(target.folder) as attempt:
            staged = Scan(tuple(str(attempt.take(path)) for path in request.staged), incoming)
            for base in _tries(target.folder):
                if base is not None and base.transaction_version(request.run_id) is not None:
                    return
                if target.upon is not None and _has_moved(target.folder, base, target.upon):
                    raise _moved_on(target.name)
                plan = accepted_plan(request, base, incoming)
                work = Work(self._engine, attempt, key, request, staged, base, plan, target.note)
                try:
                    attempt.keep(work.land())
                except Lost:
                    attempt.again()
                    continue
                return

    def compact(self, target: Target, run_id: str) -> bool:
        """Rewrite a table's files as one, sorted by key; return whether there was anything to do."""
        with self._attempts.begin(target.folder) as attempt:
            for base in _tries(target.folder):
                files = {} if base is None else files_of(base)
                if base is None or not files:
                    return False
                schema = schema_of(base)
                scan = Scan(tuple(str(target.folder / name) for name in files), schema)
                key = [name for name in target.key if name in schema.names]
                written = self._engine.write_parquet(
                    merge.ordered(schema.names, key), {merge.TARGET: scan}, attempt.path(), LONG
                )
                rows = sum(file.rows for file in files.values())
                require_rows(written.rows, rows)
                change = Change(
                    schema=schema,
                    adds=[data_file(written.path)],
                    removes=list(files.values()),
                    data_change=False,
                    note={**target.note, **numbers(Counts(0), rows, written.bytes)},
                    run_id=run_id,
                )
                try:
                    land(target.folder, base, change)
                except Lost:
                    attempt.again()
                    continue
                attempt.keep({written.path.name})
                return True
        return False

    def difference(self, target: Target, old: Scan, new: Scan) -> tuple[int, int, int]:
        """Count rows (added, changed, removed) between two states, by key where there is one."""
        counts = compare(self._engine, target.key, old, new)
        return counts.added, counts.changed, counts.removed

    def rollback(self, target: Target, delta_version: int, run_id: str) -> None:
        """Make an older state the newest, as a version of its own.

        Raises:
            Conflict: other writers kept winning.
            Unavailable: files of the older state are gone.

        """
        for base in _tries(target.folder):
            old = open_delta(target.folder, delta_version)
            if base is None or old is None:
                return
            now, then = _scan(target.folder, base), _scan(target.folder, old)
            counts = compare(self._engine, target.key, now, then)
            kept = files_of(old).values()
            size = numbers(counts, sum(f.rows for f in kept), sum(f.bytes for f in kept))
            try:
                restore(target.folder, base, delta_version, {**target.note, **size}, run_id)
            except Lost:
                continue
            return


def _scan(folder: Path, table: DeltaTable) -> Scan:
    return Scan(tuple(str(folder / name) for name in files_of(table)), schema_of(table))


def _tries(folder: Path) -> Iterator[DeltaTable | None]:
    """Open the newest state again and again, with growing random pauses, until the caller has landed."""
    for number in range(ATTEMPTS):
        yield open_delta(folder)
        time.sleep(random.uniform(0.0, 0.02) * min(number + 1, 10))  # noqa: S311 - a pause, no secret
    raise Conflict(
        "多个写入同时进行，本次未能写入，数据没有变化。请稍后重试。",
        "Several writers were at work and this one did not get its turn; nothing changed. Try again later.",
        code="too_many_writers",
    )


def _has_moved(folder: Path, base: DeltaTable | None, upon: int) -> bool:
    """Tell whether a table has another version than that one of the log; columns added for a commit that was lost are none."""
    return upon >= 0 if base is None else bool(read_commits(folder, base, upon))


def _moved_on(name: str) -> Conflict:
    return Conflict(
        f"表 {name} 在此期间有了新版本，本次没有写入。",
        f"Table {name} has got a newer version meanwhile; nothing was written.",
        code="table_moved_on",
    )


def _check_key(key: tuple[str, ...], incoming: pa.Schema, mode: WriteMode) -> None:
    if mode in {WriteMode.MERGE, WriteMode.HISTORY} and not key:
        raise Invalid(
            "按主键合并或保留历史需要指定主键列（--key）。",
            "A merge, or to keep history, needs key columns (--key).",
            code="key_required",
        )
    missing = [name for name in key if name not in incoming.names]
    if missing:
        raise Invalid(
            f"数据中没有主键列：{'、'.join(missing)}。请检查表头或 --key。",
            f"The rows lack the key columns {', '.join(missing)}. Check the header or --key.",
            code="key_column_missing",
            detail={"columns": list(missing)},
        )
