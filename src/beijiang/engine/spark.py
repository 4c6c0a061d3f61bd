"""The distributed engine: any Spark Connect server (Spark, Sail), asked for what one machine would take too long over.

It reads the same immutable files by the same trees. It fetches small answers; what it does not do is said by
``not_on_this_engine``: streams, files and a user's SQL stay with the embedded engine.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import uuid
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beijiang.engine.failures import failure
from beijiang.engine.port import DEFAULT_LIMITS, LAKE, Engine, QueryLimits, Scan, Stop, Streamed, View, WrittenFile
from beijiang.kit import Invalid, Refused

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from sqlglot import exp

__all__ = ["SparkEngine", "client"]

log = logging.getLogger(__name__)

DIALECT: Final = "databricks"
"""Spark's SQL as its newer servers speak it, with casts that give NULL."""
VIEWS: Final = 200
_SIMPLE: Final = {
    "string": "STRING",
    "large_string": "STRING",
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date32[day]": "DATE",
}


class SparkEngine(Engine):
    """A session at a Spark Connect server, opened by the first query."""

    dialect: ClassVar[str] = DIALECT

    def __init__(self, url: str, time_zone: str) -> None:
        self._url = url
        self._zone = time_zone
        self._session: Any = None
        self._views: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._hands = ThreadPoolExecutor(4, thread_name_prefix="spark")

    def fetch(
        self, query: exp.Query | View, scans: Mapping[str, Scan | View], limits: QueryLimits = DEFAULT_LIMITS
    ) -> pa.Table:
        session = self._open()
        view = query if isinstance(query, View) else View(query, scans)
        tree = _bound(view.query, view.scans, self._view)
        if limits.rows is not None:
            tree = _capped(tree, limits.rows)
        sql = tree.sql(DIALECT)
        tag = f"bj-{uuid.uuid4().hex}"
        work = self._hands.submit(_asked, session, sql, tag)
        try:
            return work.result(timeout=limits.seconds)
        except TookTooLong:
            with suppress(Exception):  # a server that cannot interrupt goes on by itself; its answer is not waited for
                session.interruptTag(tag)
            raise failure("query_timeout") from None
        except Exception as exc:  # noqa: BLE001 - whatever the client raises, none of its text may come out
            log.warning("a query of our own failed on the Spark server (%s)", type(exc).__name__)
            raise failure("query_failed") from None

    def stream(
        self, query: exp.Query, scans: Mapping[str, Scan | View], limits: QueryLimits = DEFAULT_LIMITS
    ) -> Iterator[pa.RecordBatch]:
        raise _not_here()

    def write_parquet(
        self, query: exp.Query, scans: Mapping[str, Scan | View], target: Path, limits: QueryLimits = DEFAULT_LIMITS
    ) -> WrittenFile:
        raise _not_here()

    def run_untrusted(
        self,
        query: exp.Query,
        scans: Mapping[str, Scan],
        limits: QueryLimits = DEFAULT_LIMITS,
        stop: Stop | None = None,
    ) -> pa.Table:
        raise _not_here()

    def stream_untrusted(
        self,
        query: exp.Query,
        scans: Mapping[str, Scan],
        limits: QueryLimits = DEFAULT_LIMITS,
        stop: Stop | None = None,
    ) -> Streamed:
        raise _not_here()

    def warm(self) -> None:
        self._open()

    def close(self) -> None:
        self._hands.shutdown(wait=False, cancel_futures=True)
        if self._session is not None:
            with suppress(Exception):  # the server may be gone already
                self._session.stop()

    def _open(self) -> Any:
        with self._lock:
            if self._session is None:
                try:
                    connect = client()
                except ImportError:
                    raise Invalid(
                        "设置了 spark_url，但没有安装 pyspark-client。请安装它，或去掉这个设置。",
                        "spark_url is set, but pyspark-client is not installed. Install it, or remove the setting.",
                        code="no_spark_client",
                    ) from None
                try:
                    session = connect(self._url)
                    session.conf.set("spark.sql.session.timeZone", self._zone)
                except Exception as exc:  # noqa: BLE001 - as above
                    log.warning("the Spark server does not answer (%s)", type(exc).__name__)
                    raise failure("data_unavailable") from None
                self._session = session
            return self._session

    def _view(self, scan: Scan) -> str:
        """Return the name of a temporary view of a scan's files; files never change, so it is made once."""
        if scan.position:
            raise _not_here()
        schema = ", ".join(f"{_quoted(field.name)} {type_name(field.type)}" for field in scan.schema)
        name = "bj_" + hashlib.sha256("\x00".join((schema, *scan.files)).encode()).hexdigest()[:24]
        with self._lock:
            if name in self._views:
                self._views.move_to_end(name)
                return name
            if scan.files:
                frame = self._session.read.schema(schema).parquet(*scan.files)
            else:
                frame = self._session.createDataFrame([], schema)
            frame.createOrReplaceTempView(name)
            self._views[name] = None
            if len(self._views) > VIEWS:
                old, _ = self._views.popitem(last=False)
                with suppress(Exception):  # only tidying
                    self._session.catalog.dropTempView(old)
        return name


def client() -> Callable[[str], Any]:
    """Import the client, quietly, and return what opens a session; a server that is away is tried a few times only."""
    warnings.filterwarnings("ignore", module=r"pyspark\..*")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what its own libraries will change one day
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession

    def connect(url: str) -> Any:
        session = SparkSession(url)
        session.client.set_retry_policies([DefaultPolicy(max_retries=3)])
        return session

    return connect


def type_name(kind: pa.DataType) -> str:
    """Return Spark's name of an Arrow type of the lake.

    Raises:
        TypeError: for a type that lake tables do not have.

    """
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return type_name(kind.value_type)
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "TIMESTAMP_NTZ"
    if pa.types.is_string_view(kind):
        return "STRING"
    name = _SIMPLE.get(str(kind))
    if name is None:
        msg = f"no lake type for {kind}"
        raise TypeError(msg)
    return name


def _quoted(name: str) -> str:
    from sqlglot import exp

    return exp.to_identifier(name, quoted=True).sql(DIALECT)


def _bound(query: exp.Query, scans: Mapping[str, Scan | View], view_of: Any) -> exp.Query:
    """Return a copy of a tree in which each relation of the lake is a view of the server's, or the tree of a view."""
    from sqlglot import exp

    def step(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.CTE):
            node.set("materialized", None)  # a hint that only the embedded engine reads
        if isinstance(node, exp.PercentileDisc):  # written as it is: sqlglot would ask Spark for an approximation
            return exp.Anonymous(this="PERCENTILE_DISC", expressions=[node.this])
        if not isinstance(node, exp.Table) or node.db != LAKE:
            return node
        source = scans[node.name]
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
        if isinstance(source, View):
            made: exp.Expr = _bound(source.query, source.scans, view_of).subquery()
        else:
            made = exp.Table(this=exp.to_identifier(view_of(source)))
        made.set("alias", alias)
        if node.args.get("joins"):
            made.set("joins", node.args["joins"])
        return made

    whole = query.copy()
    for name in whole.find_all(exp.Identifier):
        if not name.this.isascii():
            name.set("quoted", True)  # Spark itself takes no other name than of ASCII without quotes
    return whole.transform(step)  # type: ignore[return-value]


def _capped(query: exp.Query, rows: int) -> exp.Query:
    from sqlglot import exp

    return exp.select("*").from_(query.subquery("answer"), copy=False).limit(rows + 1, copy=False)


def _asked(session: Any, sql: str, tag: str) -> pa.Table:
    """Run a query under a tag of its own, by which it alone can be interrupted."""
    session.addTag(tag)
    try:
        return session.sql(sql).toArrow()
    finally:
        session.removeTag(tag)


def _not_here() -> Refused:
    return Refused(
        "分布式引擎不做这件事，由内嵌引擎完成。",
        "The distributed engine does not do this; the embedded engine does.",
        code="not_on_this_engine",
    )
