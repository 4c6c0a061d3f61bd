"""The embedded engine: DuckDB over Parquet files, one shared instance that is locked before its first query.

One in-memory database holds the cache of file footers and the thread pool; every query runs on a cursor of its own. The
lock allows reading and writing below the given folders only: no extension, no setting, no other file, no network.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb

from beijiang.engine.binding import (
    DIALECT,
    copy_sql,
    quoted_name,
    relation_sql,
    setting_sql,
    stub_sql,
    to_sql,
    view_sql,
)
from beijiang.engine.cells import Cells, Errand
from beijiang.engine.failures import failure
from beijiang.engine.port import DEFAULT_LIMITS, Engine, QueryLimits, Scan, Stop, Streamed, View, WrittenFile
from beijiang.engine.prepared import Desks
from beijiang.engine.watch import Watch
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.settings import Settings

__all__ = ["DuckDBEngine"]

log = logging.getLogger(__name__)

# It copies the rows of an answer once more; answers of ``fetch`` are small, and all others are streamed.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning, __name__)

BATCH_ROWS = 65_536
ROW_GROUP = 61_440
"""Half of DuckDB's default: a first page decodes half as much (9 ms instead of 18), scans cost the same."""


class DuckDBEngine(Engine):
    """DuckDB 2.0 in this process for our own queries, in child processes for a user's SQL."""

    dialect: ClassVar[str] = DIALECT

    def __init__(self, settings: Settings, folders: tuple[Path, ...] = ()) -> None:
        home = settings.home.resolve()
        self._spill = home / "tmp" / "engine"
        self._spill.mkdir(parents=True, exist_ok=True)
        allowed = folders or (home / "lake", home / "staging", home / "tmp")
        self._watch = Watch()
        self._root = _Root(partial(_locked_instance, settings, self._spill, allowed))
        self._desks = Desks(self._root)
        self._cells = Cells(home / "tmp" / "cells", time_zone=settings.time_zone)

    def fetch(
        self, query: exp.Query | View, scans: Mapping[str, Scan | View], limits: QueryLimits = DEFAULT_LIMITS
    ) -> pa.Table:
        if isinstance(query, View) and limits.rows is None:
            return self._by_plan(relation_sql(query), limits)
        if isinstance(query, View):
            scans, query = query.scans, query.query
        sql = _written(query, scans, limits)
        with self._cursor(limits.seconds) as cursor:
            cursor.execute(sql)  # a relation (``sql``) would be bound twice, which costs as much as reading a page
            return cursor.to_arrow_table()

    def _by_plan(self, sql: str, limits: QueryLimits) -> pa.Table:
        with self._desks.free(sql) as desk, _guarded(self._watch, desk.cursor, limits.seconds):
            desk.execute(sql)
            return desk.cursor.to_arrow_table()

    def stream(
        self, query: exp.Query, scans: Mapping[str, Scan | View], limits: QueryLimits = DEFAULT_LIMITS
    ) -> Iterator[pa.RecordBatch]:
        sql = _written(query, scans, limits)
        cursor = self._root.cursor()
        try:
            with _guarded(self._watch, cursor, limits.seconds):
                reader = cursor.sql(sql).to_arrow_reader(BATCH_ROWS)
            while True:
                with _guarded(self._watch, cursor, limits.seconds):
                    batch = next(reader, None)
                if batch is None:
                    return
                if batch.num_rows:
                    yield batch
        finally:
            cursor.close()

    def write_parquet(
        self, query: exp.Query, scans: Mapping[str, Scan | View], target: Path, limits: QueryLimits = DEFAULT_LIMITS
    ) -> WrittenFile:
        copy = copy_sql(query, scans, str(target), ROW_GROUP)
        try:
            with self._cursor(limits.seconds) as cursor:
                rows = int(cursor.execute(copy).fetchall()[0][0])
            with target.open("rb") as file:
                os.fsync(file.fileno())
        except BaseException as exc:
            target.unlink(missing_ok=True)
            lacking = isinstance(exc, BeijiangError) and exc.reason == "data_unavailable"
            if isinstance(exc, OSError) or (lacking and all_readable(scans)):
                raise failure("write_failed") from None
            raise
        return WrittenFile(target, rows, target.stat().st_size)

    def run_untrusted(
        self,
        query: exp.Query,
        scans: Mapping[str, Scan],
        limits: QueryLimits = DEFAULT_LIMITS,
        stop: Stop | None = None,
    ) -> pa.Table:
        return self._cells.run(_errand(query, scans, limits), limits, stop)

    def stream_untrusted(
        self,
        query: exp.Query,
        scans: Mapping[str, Scan],
        limits: QueryLimits = DEFAULT_LIMITS,
        stop: Stop | None = None,
    ) -> Streamed:
        return self._cells.stream(_errand(query, scans, limits), limits, stop)

    def warm(self) -> None:
        self._root.cursor().close()
        self._cells.warm()

    def close(self) -> None:
        self._cells.close()
        self._watch.close()
        self._desks.close()
        self._root.close()

    @contextmanager
    def _cursor(self, seconds: float) -> Iterator[Any]:
        cursor = self._root.cursor()
        try:
            with _guarded(self._watch, cursor, seconds):
                yield cursor
        finally:
            cursor.close()


class _Root:
    """The instance, which begins with the first query: most commands, and many processes, ask none."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self._begun: Any = None
        self._lock = threading.Lock()

    def cursor(self) -> Any:
        with self._lock:
            if self._begun is None:
                try:
                    self._begun = self._begin()
                except duckdb.Error as exc:
                    log.error("the engine does not begin with these settings (%s)", type(exc).__name__)  # noqa: TRY400
                    raise failure("engine_settings") from None
        return self._begun.cursor()

    def close(self) -> None:
        with self._lock:
            if self._begun is not None:
                self._begun.close()


def _errand(query: exp.Query, scans: Mapping[str, Scan], limits: QueryLimits) -> Errand:
    capped = _capped(query, limits)
    return Errand(
        sql=capped.sql(DIALECT, copy=capped is query),  # writing changes the tree, and a capped one is a copy already
        tables=tuple(quoted_name(name) for name in scans),
        views=tuple(view_sql(name, scan) for name, scan in scans.items()),
        stubs=tuple(stub_sql(name, scan) for name, scan in scans.items()),
        files=tuple(path for scan in scans.values() for path in scan.files),
    )


def _written(query: exp.Query, scans: Mapping[str, Scan | View], limits: QueryLimits) -> str:
    capped = _capped(query, limits)
    return to_sql(capped, scans, copy=capped is query)


def all_readable(scans: Mapping[str, Scan | View]) -> bool:
    """Tell whether every file of the scans is there, so that a failure to write is not called one to read."""
    return all(
        all_readable(source.scans) if isinstance(source, View) else all(os.access(p, os.R_OK) for p in source.files)
        for source in scans.values()
    )


def _capped(query: exp.Query, limits: QueryLimits) -> exp.Query:
    """Wrap a copy of a query so that it hands over at most one row more than allowed; without a limit, return the query."""
    if limits.rows is None:
        return query
    from sqlglot import exp

    return exp.select("*").from_(query.subquery("answer"), copy=False).limit(limits.rows + 1, copy=False)


def _locked_instance(settings: Settings, spill: Path, allowed: tuple[Path, ...]) -> Any:
    threads = settings.engine_threads or os.cpu_count() or 1
    root = duckdb.connect(
        config={"threads": threads, "memory_limit": f"{settings.engine_memory_mb}MB", "temp_directory": str(spill)}
    )
    folders = [f"{path.resolve()}/" for path in allowed]
    for name, value in (
        ("GLOBAL parquet_metadata_cache", True),
        ("GLOBAL TimeZone", settings.time_zone),
        ("GLOBAL python_enable_replacements", False),
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("allow_community_extensions", False),
        ("allow_persistent_secrets", False),
        ("allowed_directories", folders),
        ("enable_external_access", False),
        ("lock_configuration", True),  # last: nothing can be set after it
    ):
        root.execute(setting_sql(name, value))
    return root


@contextmanager
def _guarded(watch: Watch, cursor: Any, seconds: float) -> Iterator[None]:
    """Interrupt the cursor's work after ``seconds`` and rename whatever the engine raises."""
    started = time.monotonic()
    try:
        with watch.over(seconds, cursor.interrupt):
            yield
    except duckdb.InterruptException:
        raise failure("query_timeout") from None
    except (duckdb.OutOfMemoryException, MemoryError):
        raise failure("query_memory") from None
    except duckdb.IOException as exc:
        log.warning("the engine could not read a data file (%s)", type(exc).__name__)
        raise failure("data_unavailable") from None
    except duckdb.Error as exc:
        took = time.monotonic() - started
        log.warning("a query of our own failed after %.2f s (%s)", took, type(exc).__name__)
        raise failure("query_failed") from None
