"""The port: what the platform asks of a query engine, in trees and Arrow, never in SQL text.

A query is a sqlglot tree. A governed relation appears in it as ``exp.Table(this=<name>, db="lake")`` and is bound to the
scan of that name; values appear as literals of the tree, so no text of a user ever becomes SQL.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = [
    "AT",
    "DEFAULT_LIMITS",
    "LAKE",
    "PART",
    "Engine",
    "QueryLimits",
    "Scan",
    "Stop",
    "Streamed",
    "View",
    "WrittenFile",
]

LAKE: Final = "lake"
"""The schema name under which a tree names the relations that the engine binds."""

PART: Final = "_bj_part"
AT: Final = "_bj_at"
"""With ``Scan.position``: index of the file within ``Scan.files``, and zero-based row number inside it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The immutable files of one snapshot and the schema that a reader sees, whatever the single files lack."""

    files: tuple[str, ...]
    schema: pa.Schema
    """Logical schema: a column that a file lacks reads as NULL, other physical types are cast to it."""
    position: bool = False
    """Also offer ``_bj_part`` and ``_bj_at``, which together name a row of the snapshot."""


@dataclass(frozen=True, eq=False)
class View:
    """A relation made from scans, written out once however many queries name it; nobody changes its tree.

    It is the same only as itself, so whoever wants the saving keeps it. As a whole query it saves most.
    """

    query: exp.Query
    scans: Mapping[str, Scan | View]


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """How much one query may use; a passed limit ends it with ``query_timeout`` or ``query_memory``."""

    seconds: float = 30.0
    memory_mb: int = 512
    """For untrusted queries the memory of the child; trusted ones share the engine's own limit."""
    rows: int | None = None
    """Rows handed over at most, plus one, so that the caller can tell a full answer from a cut one."""
    bytes: int | None = None
    """Bytes of the answer (Arrow) at most; untrusted queries only."""
    threads: int = 1
    temp_mb: int = 200
    """Disk for spilling; untrusted queries only."""
    pause: float = 0.0
    """Seconds that the reader of a stream may let the engine wait in all, beside ``seconds``; untrusted queries only."""


DEFAULT_LIMITS: Final = QueryLimits()


class Stop:
    """Lets one thread end the query that another one waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self.asked = False
        """Whether somebody wants it to end; a query that has not begun does not begin."""

    def ask(self) -> None:
        """End the query now, or at once when it begins."""
        with self._lock:
            self.asked = True
            end = self._end
        if end is not None:
            end()

    @contextmanager
    def over(self, end: Callable[[], None]) -> Iterator[None]:
        """Have ``end`` called if somebody asks while the block runs, or has asked before."""
        with self._lock:
            before, self._end = self._end, end
            asked = self.asked
        if asked:
            end()
        try:
            yield
        finally:
            with self._lock:
                self._end = before


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that comes in parts; whoever does not read it to its end closes it."""

    schema: pa.Schema
    batches: Generator[pa.RecordBatch, None, None]


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One Parquet file that the engine wrote."""

    path: Path
    rows: int
    bytes: int


class Engine(ABC):
    """Read immutable Parquet files by query trees.

    All methods raise ``BeijiangError`` with reason ``query_timeout``, ``query_memory``, ``query_failed`` or
    ``data_unavailable``; no message carries SQL, a path or a value.
    """

    dialect: ClassVar[str]

    @abstractmethod
    def fetch(
        self, query: exp.Query | View, scans: Mapping[str, Scan | View], limits: QueryLimits = DEFAULT_LIMITS
    ) -> pa.Table:
        """Run a query of our own making and return all of its rows; a view brings its own scans."""

    @abstractmethod
    def stream(
        self, query: exp.Query, scans: Mapping[str, Scan | View], limits: QueryLimits = DEFAULT_LIMITS
    ) -> Iterator[pa.RecordBatch]:
        """Run a query of our own making in constant memory, in batches of at most 65,536 rows.

        The time limit counts the engine's work between two batches, not the reader's pauses.
        """

    @abstractmethod
    def write_parquet(
        self, query: exp.Query, scans: Mapping[str, Scan | View], target: Path, limits: QueryLimits = DEFAULT_LIMITS
    ) -> WrittenFile:
        """Write the rows of a query as one Parquet file (zstd) in the order of the query, and flush it to disk."""

    @abstractmethod
    def run_untrusted(
        self,
        query: exp.Query,
        scans: Mapping[str, Scan],
        limits: QueryLimits = DEFAULT_LIMITS,
        stop: Stop | None = None,
    ) -> pa.Table:
        """Run a tree that came from a user's SQL in a locked engine inside a limited child process.

        ``scans`` names exactly the relations that the tree may touch; the engine's own parser must find the same set in
        the generated SQL, or the query is refused (``tables_differ``). Nothing of an engine's error text comes out.
        How many run at once is the caller's matter; ``stop`` ends one from another thread (``query_cancelled``).
        """

    @abstractmethod
    def stream_untrusted(
        self,
        query: exp.Query,
        scans: Mapping[str, Scan],
        limits: QueryLimits = DEFAULT_LIMITS,
        stop: Stop | None = None,
    ) -> Streamed:
        """Run a tree as ``run_untrusted`` does and hand its rows over as they come, in constant memory.

        A batch has at most 8,192 rows and 7 MiB. ``limits.seconds`` counts what is waited for the child, not the pauses of
        the reader; ``limits.rows`` is one less than the rows that come at most.
        """

    @abstractmethod
    def warm(self) -> None:
        """Begin now, and start what the first untrusted query would otherwise wait for; a server calls it first.

        Raises:
            Invalid: the engine does not take the settings (``engine_settings``).

        """

    @abstractmethod
    def close(self) -> None:
        """End idle children and close the engine."""
