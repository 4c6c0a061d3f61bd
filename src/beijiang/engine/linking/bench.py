"""The bench that a link works on: a DuckDB of its own in memory, which spills into a folder of its own and then is gone."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beijiang.engine.binding import DIALECT, setting_sql
from beijiang.engine.failures import failure
from beijiang.engine.linking.folder import folder_of_link
from beijiang.engine.port import LAKE
from beijiang.engine.watch import Watch
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.engine.linking.plan import Comparison
    from beijiang.settings import Settings

__all__ = ["Bench", "bench", "column", "named"]

log = logging.getLogger(__name__)

RECORDS: Final = "records"


class Bench:
    """Tables of one link, made by trees."""

    dialect: ClassVar[str] = DIALECT

    def __init__(self, connection: Any, deadline: float) -> None:
        self.connection = connection
        self._deadline = deadline

    def bring(self, name: str, rows: pa.Table | Sequence[Path]) -> None:
        """Make rows readable as ``lake.<name>``."""
        from sqlglot import exp

        if isinstance(rows, Sequence):
            files = exp.Array(expressions=[exp.Literal.string(str(path)) for path in rows])
            source = exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[files]))
        else:
            self.connection.register(f"arrow_{name}", rows)
            source = exp.table_(f"arrow_{name}")
        view = exp.select("*").from_(source)
        self.run(exp.Create(this=exp.table_(name, db=LAKE), kind="VIEW", expression=view))

    def make(self, name: str, query: exp.Query) -> None:
        """Keep the rows of a query as a table."""
        from sqlglot import exp

        self.run(exp.Create(this=exp.table_(name), kind="TABLE", expression=query))

    def drop(self, name: str) -> None:
        """Let a table go."""
        from sqlglot import exp

        self.run(exp.Drop(tables=[exp.table_(name)], kind="TABLE"))

    def run(self, statement: exp.Expr) -> None:
        """Run a statement of which nothing is read."""
        self._in_time()
        self.connection.execute(statement.sql(DIALECT)).fetchall()

    def fetch(self, query: exp.Query) -> pa.Table:
        """Return the rows of a query."""
        self._in_time()
        return self.connection.sql(query.sql(DIALECT)).to_arrow_table()

    def row(self, query: exp.Query) -> tuple[Any, ...]:
        """Return the one row of a query."""
        self._in_time()
        found: list[tuple[Any, ...]] = self.connection.execute(query.sql(DIALECT)).fetchall()
        return found[0]

    def short(self, comparison: Comparison, place: int) -> Comparison:
        """Make macros of the tests of a comparison and return it with calls of these in their place."""
        from sqlglot import exp

        calls: list[exp.Expr] = []
        for number, test in enumerate((comparison.missing, *(level.test for level in comparison.levels))):
            name = f"bj_{place}_{number}"
            used = dict.fromkeys(found.name for found in test.find_all(exp.Column))
            inputs = [exp.to_identifier(one, quoted=True) for one in used]
            head = exp.UserDefinedFunction(this=exp.table_(name), expressions=inputs, wrapped=True)
            self.run(exp.Create(this=head, kind="MACRO", expression=exp.paren(test)))
            calls.append(exp.Anonymous(this=name, expressions=[column(one) for one in used]))
        levels = tuple(replace(level, test=call) for level, call in zip(comparison.levels, calls[1:], strict=True))
        return replace(comparison, missing=calls[0], levels=levels)

    def splink(self) -> Any:
        """Return what Splink asks for its tables."""
        from splink import DuckDBAPI

        return DuckDBAPI(connection=self.connection)

    def _in_time(self) -> None:
        """Refuse another query once the time is over: an interrupt reaches only one that runs."""
        if time.monotonic() > self._deadline:
            raise failure("query_timeout")


@contextmanager
def bench(settings: Settings, seconds: float) -> Iterator[Bench]:
    """Open a bench; what is still running on it after ``seconds`` is interrupted.

    Raises:
        BeijiangError: ``query_timeout``, ``query_memory``, ``data_unavailable`` or ``query_failed``.

    """
    with folder_of_link(settings.home) as spill, _opened(settings, seconds, spill) as made:
        yield made


@contextmanager
def _opened(settings: Settings, seconds: float, spill: Path) -> Iterator[Bench]:
    import duckdb
    from sqlglot import exp

    connection = duckdb.connect(
        config={
            "threads": settings.engine_threads or os.cpu_count() or 1,
            "memory_limit": f"{settings.engine_memory_mb}MB",
            "temp_directory": str(spill),
        }
    )
    watch, started = Watch(), time.monotonic()
    try:
        for name in ("python_enable_replacements", "autoinstall_known_extensions", "autoload_known_extensions"):
            connection.execute(setting_sql(name, False))
        made = Bench(connection, started + seconds)
        made.run(exp.Create(this=exp.Table(db=exp.to_identifier(LAKE)), kind="SCHEMA"))
        with watch.over(seconds, connection.interrupt):
            yield made
    except BeijiangError:
        raise
    except Exception as exc:
        reason = _reason(exc)
        if reason is None:
            raise
        log.warning("a link failed after %.1f s (%s)", time.monotonic() - started, type(exc).__name__)
        raise failure(reason) from None
    finally:
        watch.close()
        connection.close()


def _reason(exc: BaseException) -> str | None:
    """Return the reason code of an error of DuckDB's, also of one that Splink has wrapped; None for any other."""
    import duckdb

    cause: BaseException | None = exc
    while cause is not None and not isinstance(cause, duckdb.Error | MemoryError):
        cause = cause.__cause__
    for kinds, reason in (
        ((duckdb.InterruptException,), "query_timeout"),
        ((duckdb.OutOfMemoryException, MemoryError), "query_memory"),
        ((duckdb.IOException,), "data_unavailable"),
        ((duckdb.Error,), "query_failed"),
    ):
        if isinstance(cause, kinds):
            return reason
    return None


def column(name: str, of: str = "") -> exp.Column:
    """Return a column, quoted."""
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table=of or None)


def named(value: exp.Expr, name: str) -> exp.Expr:
    """Return a value under a name, quoted."""
    from sqlglot import exp

    return exp.alias_(value, name, quoted=True)
