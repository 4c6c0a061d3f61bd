"""The linker on a Spark Connect server: the same plan, the same Splink, its SQL sent through a session of the client.

Splink's own backend for Spark wants a whole Spark in its process. All that it asks of a database is to run a query and to
keep what comes of it, and that a Connect session does as well: each table of a link is written as Parquet below the
platform's home, which the server sees under the same path, and read from there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beijiang.engine.failures import failure
from beijiang.engine.linking.folder import folder_of_link
from beijiang.engine.linking.linker import Linker
from beijiang.engine.port import LAKE
from beijiang.kit import BeijiangError, new_id

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.engine.linking.plan import Comparison
    from beijiang.settings import Settings

__all__ = ["SparkLinker", "require_writing"]

log = logging.getLogger(__name__)

DIALECT: Final = "databricks"
"""As the distributed engine speaks."""


class SparkLinker(Linker):
    """Finds the pairs of records that tell of one and the same, on a Spark Connect server, in a session per link."""

    dialect: ClassVar[str] = DIALECT

    def __init__(self, settings: Settings, client: Callable[[], Callable[[str], Any]]) -> None:
        super().__init__(settings)
        self._client = client
        """Imports the client of Spark Connect and returns what opens a session."""

    @contextmanager
    def _bench(self, seconds: float) -> Iterator[SparkBench]:
        """Open a session; time is looked at before each query, and what one query takes is the server's."""
        with folder_of_link(self._settings.home) as folder, self._opened(folder, seconds) as made:
            yield made

    @contextmanager
    def _opened(self, folder: Path, seconds: float) -> Iterator[SparkBench]:
        session: Any = None
        try:
            session = self._client()(self._settings.spark_url)
            require_writing(session, folder)
            yield SparkBench(session, folder, time.monotonic() + seconds)
        except BeijiangError:
            raise
        except Exception as exc:
            if not _of_the_server(exc):
                raise
            log.warning("a link failed on the Spark server (%s)", type(exc).__name__)
            raise failure("query_failed") from None
        finally:
            if session is not None:
                session.stop()


def require_writing(session: Any, folder: Path) -> None:
    """Let the server write a number into a folder.

    Raises:
        Unavailable: it cannot, or what it wrote is not here (``linking_unwritable``).

    """
    from pyspark.errors import PySparkException

    place = folder / "trial"
    frame = session.range(1)
    frame.toArrow()  # a server that does not answer is not one that cannot write
    try:
        frame.write.parquet(str(place))
    except PySparkException as exc:
        log.warning("the Spark server cannot write below tmp/linking (%s)", type(exc).__name__)
        raise failure("linking_unwritable") from None
    if not any(place.glob("*.parquet")):
        raise failure("linking_unwritable")


class SparkBench:
    """Tables of one link, made by trees, each kept as Parquet."""

    dialect: ClassVar[str] = DIALECT

    def __init__(self, session: Any, folder: Path, deadline: float) -> None:
        self.session = session
        self._folder = folder
        self._deadline = deadline

    def bring(self, name: str, rows: pa.Table | Sequence[Path]) -> None:
        """Make rows readable as ``lake.<name>``."""
        import pyarrow.parquet as pq

        if not isinstance(rows, Sequence):
            place = self._folder / f"brought_{name}.parquet"
            pq.write_table(rows, place)
            rows = [place]
        self.session.read.parquet(*(str(path) for path in rows)).createOrReplaceTempView(_lake(name))

    def make(self, name: str, query: exp.Query) -> None:
        """Keep the rows of a query as a table."""
        self.keep(name, self._asked(_spoken(query)))

    def keep(self, name: str, frame: Any) -> None:
        """Write what a query comes to, and read it from there by its name."""
        place = str(self._folder / new_id(f"t_{name[:40]}"))
        frame.write.parquet(place)
        self.session.read.schema(frame.schema).parquet(place).createOrReplaceTempView(name)

    def drop(self, name: str) -> None:
        """Let a table go."""
        self.session.catalog.dropTempView(name)

    def fetch(self, query: exp.Query) -> pa.Table:
        """Return the rows of a query."""
        return self._asked(_spoken(query)).toArrow()

    def row(self, query: exp.Query) -> tuple[Any, ...]:
        """Return the one row of a query."""
        return tuple(self.fetch(query).to_pylist()[0].values())

    def run_text(self, sql: str) -> Any:
        """Return the frame of a query that Splink wrote."""
        import sqlglot

        return self._asked(sqlglot.transpile(sql, read=DIALECT, write=DIALECT)[0])

    def short(self, comparison: Comparison, place: int) -> Comparison:
        """Return a comparison as it is: Spark Connect has no macros."""
        return comparison

    def splink(self) -> Any:
        """Return what Splink asks for its tables."""
        return _api(self)

    def _asked(self, sql: str) -> Any:
        if time.monotonic() > self._deadline:
            raise failure("query_timeout")
        return self.session.sql(sql)


def _frames(bench: SparkBench) -> Any:
    """Return Splink's word for a table, as a view of the session."""
    from splink.internals.spark.dataframe import SparkDataFrame
    from sqlglot import exp

    class Frame(SparkDataFrame):
        """A view of the session."""

        def _drop_table_from_database(self, force_non_splink_table: bool = False) -> None:
            bench.drop(self.physical_name)

        def as_pyarrow_table(self, limit: int | None = None) -> pa.Table:
            query = exp.select("*").from_(exp.table_(self.physical_name))
            return bench.fetch(query if limit is None else query.limit(limit))

        def as_pandas_dataframe(self, limit: int | None = None) -> Any:
            return self.as_pyarrow_table(limit).to_pandas()

    return Frame


def _api(bench: SparkBench) -> Any:
    """Return a database of Splink's that is the session of a bench."""
    from splink.internals.database_api import DatabaseAPI
    from splink.internals.dialects import SparkDialect

    frames = _frames(bench)

    class Api(DatabaseAPI[Any]):
        """Runs Splink's queries on the bench."""

        sql_dialect = SparkDialect()  # type: ignore[no-untyped-call]
        break_lineage_method = ""

        def delete_table_from_database(self, name: str) -> None:
            bench.drop(name)

        def table_to_splink_dataframe(self, templated_name: str, physical_name: str) -> Any:
            return frames(templated_name, physical_name, self)

        def table_exists_in_database(self, table_name: str) -> bool:
            return bool(bench.session.catalog.tableExists(table_name))

        def _table_registration(self, input: Any, table_name: str) -> None:  # noqa: A002 - Splink's own
            frame = bench.session.table(input) if isinstance(input, str) else bench.session.createDataFrame(input)
            frame.createOrReplaceTempView(table_name)

        def _execute_sql_against_backend(self, final_sql: str) -> Any:
            return bench.run_text(final_sql)

        def _setup_for_execute_sql(self, sql: str, physical_name: str) -> str:
            return sql

        def _cleanup_for_execute_sql(self, table: Any, templated_name: str, physical_name: str) -> Any:
            bench.keep(physical_name, table)
            return self.table_to_splink_dataframe(templated_name, physical_name)

    return Api()


def _lake(name: str) -> str:
    return f"bj_{LAKE}_{name}"


def _spoken(query: exp.Query) -> str:
    """Return a tree as Spark reads it: relations of the lake are views, and numbers of rows are given in an order."""
    from sqlglot import exp

    def step(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.db == LAKE:
            alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
            return exp.Table(this=exp.to_identifier(_lake(node.name)), alias=alias)
        if isinstance(node, exp.Window) and not node.args.get("order"):
            node.set("order", exp.Order(expressions=[exp.Ordered(this=exp.Literal.number(1))]))
        return node

    made = query.copy()
    for name in made.find_all(exp.Identifier):
        if not name.this.isascii():
            name.set("quoted", True)  # Spark itself takes no other name than of ASCII without quotes
    return made.transform(step).sql(DIALECT)


def _of_the_server(exc: BaseException) -> bool:
    """Tell whether an error is the client's, also one that Splink has wrapped."""
    from pyspark.errors import PySparkException

    cause: BaseException | None = exc
    while cause is not None and not isinstance(cause, PySparkException):
        cause = cause.__cause__
    return cause is not None
