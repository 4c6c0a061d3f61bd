"""Connections, units of work and the delivery of events after commit."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, ExceptionContext, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from beijiang.db import outbox
from beijiang.db.parts import SOUND
from beijiang.db.schema import metadata
from beijiang.kit import Busy, Event, Invalid, Unavailable, sound_order

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Executable

log = logging.getLogger(__name__)

WAIT_SECONDS = 30

_COUNT = "INSERT INTO change_count (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = change_count.number + 1"
_OUT_OF_RANGE = "22003"
"""What PostgreSQL says of a number that does not fit its column (SQLSTATE); SQLite's driver raises ``OverflowError``."""
_COUNTED = "SELECT number FROM change_count"


class UnitOfWork:
    """One write transaction: all of it or nothing, with the events it publishes."""

    def __init__(self, connection: Connection, subscriptions: outbox.Subscriptions) -> None:
        self.connection = connection
        self._subscriptions = subscriptions
        self.deliveries: list[int] = []

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement inside the transaction."""
        return self.connection.execute(statement, parameters)

    def publish(self, fact: Event) -> None:
        """Store ``fact`` in this transaction; it is delivered after commit, and again until its handlers succeed."""
        self.deliveries += outbox.enqueue(self.connection, fact, self._subscriptions)


class Database:
    """The metadata database of one installation."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._connect()
        self._subscriptions = outbox.Subscriptions()
        self._open = threading.local()
        self._delivering: dict[int, int] = {}
        self._hands = threading.Condition()
        self._writing = threading.Lock()
        self._askers: deque[sqlite3.Connection] = deque()
        """Idle connections of SQLite that only ask for the count of changes."""

    def _connect(self) -> Engine:
        if not self.is_sqlite:
            engine = create_engine(self.url, pool_size=10, max_overflow=20, pool_pre_ping=True)
            event.listen(engine, "handle_error", _say_unreachable)
            return engine
        engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=10,
            max_overflow=30,
            connect_args={"check_same_thread": False, "timeout": 30},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "handle_error", _say_unreachable)
        return engine

    @property
    def in_unit_of_work(self) -> bool:
        """Tell whether this thread has a unit of work open, and so must not wait for a commit of another thread."""
        return bool(getattr(self._open, "busy", False))

    @contextmanager
    def begin(self, *, counted: bool = True) -> Iterator[UnitOfWork]:
        """Open the one write transaction of this thread; commit at the end, roll back on any error.

        What is written makes everybody read anew what was remembered (see ``Remembered``), unless it is not ``counted``: the log,
        its tree and the marks of deliveries, notices, the state of jobs, counters of use: of them nothing is remembered.

        Raises:
            RuntimeError: if this thread already has one open (a store or handler tried to commit on its own).

        """
        if getattr(self._open, "busy", False):
            msg = "a unit of work is already open in this thread"
            raise RuntimeError(msg)
        self._open.busy = True
        try:
            with (
                self._turn(),
                self.engine.connect().execution_options(beijiang_write=True) as connection,
                connection.begin(),
            ):
                work = UnitOfWork(connection, self._subscriptions)
                yield work
                if counted:  # last, so that on PostgreSQL others wait for this row no longer than the commit takes
                    connection.exec_driver_sql(_COUNT)
        finally:
            self._open.busy = False
        self._deliver(work.deliveries)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the threads of this process write to SQLite in turn; its own waiting is unfair and sleeps for long.

        Eight writers at once: the slowest of 1,200 commits took 0.3 s instead of 4 s.

        Raises:
            Busy: another thread held its unit of work open for half a minute.

        """
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=WAIT_SECONDS):
            raise Busy("数据库正忙，请稍后再试。", "The database is busy; try again in a moment.", code="database_busy")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def read(self, *, own: bool = False) -> Iterator[Connection]:
        """Open a read-only snapshot; what it did is rolled back. Inside of ``snapshot`` it is that one, unless it must be its ``own``.

        A connection of one's own sees what this thread committed meanwhile, and may be given options of its own.
        """
        if not own and (kept := getattr(self._open, "snapshot", None)) is not None:
            yield kept[0]
            return
        with self.engine.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that this thread reads come from one connection: a page of many counts opens one, and on SQLite they agree.

        The count of changes is that of the snapshot, so that what is remembered meanwhile is not taken for newer than it is.
        What the thread itself commits inside is not seen before the end.
        """
        if getattr(self._open, "snapshot", None) is not None:
            yield
            return
        with self.read() as connection:
            number = int(connection.exec_driver_sql(_COUNTED).scalar_one_or_none() or 0)
            self._open.snapshot = (connection, number)
            try:
                yield
            finally:
                self._open.snapshot = None

    def changes(self) -> int:
        """Return how many changes were committed, by whatever process: what was read at the same number still holds."""
        if (kept := getattr(self._open, "snapshot", None)) is not None:
            return int(kept[1])
        if not self.is_sqlite:
            with self.read() as connection:
                return int(connection.exec_driver_sql(_COUNTED).scalar_one_or_none() or 0)
        try:
            asker = (
                self._askers.pop()
            )  # asked several times for every answer: the pool would cost more than the question
        except IndexError:
            asker = self._asker()
        try:
            found = asker.execute(_COUNTED).fetchall()  # all of one row, so that no snapshot stays open
        except BaseException:
            asker.close()
            raise
        self._askers.append(asker)
        return int(found[0][0]) if found else 0

    def _asker(self) -> sqlite3.Connection:
        """Return a bare connection of the driver, which only reads."""
        return sqlite3.connect(
            self.url.database or "", timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )

    def subscribe(self, event_type: type[Event], name: str, handler: Callable[[Any], None]) -> None:
        """Have ``handler`` called after commit for each event of this type; called by build.py only."""
        self._subscriptions.add(event_type, name, handler)

    def deliver_waiting(self) -> int:
        """Deliver what waits, whoever left it, and wait for what other threads deliver just now; return how many there were.

        What was committed before this was called has been told to everybody when it returns, or failed and will be told again.
        """
        ids = self._waiting()
        self._deliver(ids)
        me = threading.get_ident()
        with self._hands:
            self._hands.wait_for(lambda: all(self._delivering.get(one, me) == me for one in ids))
        return len(ids)

    def deliver_again(self, known: Collection[int]) -> frozenset[int]:
        """Deliver what waits and is ``known`` from the last look; return what waits.

        What was committed this moment is left to the thread that did: it answers its caller when all is told.
        """
        ids = self._waiting()
        self._deliver([one for one in ids if one in known])
        return frozenset(ids)

    def _waiting(self) -> list[int]:
        with self.read() as connection:
            return outbox.waiting(connection)

    def _deliver(self, deliveries: list[int]) -> None:
        for delivery in deliveries:
            with self._at_hand(delivery) as mine:
                if mine:
                    self._deliver_one(delivery)

    @contextmanager
    def _at_hand(self, delivery: int) -> Iterator[bool]:
        """Tell whether no other thread delivers this event just now: what waits is looked for while others deliver."""
        with self._hands:
            mine = delivery not in self._delivering
            self._delivering.setdefault(delivery, threading.get_ident())
        try:
            yield mine
        finally:
            if mine:
                with self._hands:
                    del self._delivering[delivery]
                    self._hands.notify_all()

    def _deliver_one(self, delivery: int) -> None:
        with self.read(own=True) as connection:  # what was committed this moment, inside of a snapshot too
            found = outbox.load(connection, delivery, self._subscriptions)
        if found is None:
            return
        subscription, fact = found
        error = None
        try:
            subscription.handler(fact)
        except Exception as exc:  # a failing subscriber must not undo or hide the committed change
            log.exception("handler %s of %s failed; it will be tried again", subscription.name, type(fact).__name__)
            error = type(exc).__name__
        with self.begin(counted=False) as work:
            outbox.mark(work.connection, delivery, error)

    def create_all(self) -> None:
        """Create every table in an empty database (tests; an installation migrates instead)."""
        metadata.create_all(self.engine)

    def close(self) -> None:
        """Close all connections."""
        while self._askers:
            self._askers.pop().close()
        self.engine.dispose()


def _say_unreachable(context: ExceptionContext) -> None:
    """Turn a database that cannot be reached or went away, and a number that it cannot hold, into an error of ours.

    Raises:
        Unavailable: the database does not answer or refuses the sign-in (``database_unreachable``).
        Invalid: a number has more than 64 bits (``number_too_large``): whoever sent it is told, not the operator.

    """
    original = context.original_exception
    if isinstance(original, OverflowError) or getattr(original, "sqlstate", None) == _OUT_OF_RANGE:
        raise Invalid(
            "有一个数字太大，平台存不下。请检查输入的编号、版本号和数量。",
            "A number is too large to be kept. Check the ids, versions and counts that were given.",
            code="number_too_large",
        ) from original
    refused = context.connection is None and isinstance(context.sqlalchemy_exception, OperationalError)
    if (refused or context.is_disconnect) and not context.is_pre_ping:
        raise Unavailable(
            "元数据库没有应答，或拒绝了连接。请检查数据库是否在运行，以及设置 database_url 是否正确。",
            "The metadata database does not answer, or refuses the connection. Check that it runs and that database_url is right.",
            code="database_unreachable",
        ) from context.original_exception


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not guessed by the driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.create_function(SOUND, 1, _sorted_as, deterministic=True)


def _sorted_as(value: object) -> str | None:
    return sound_order(value) if isinstance(value, str) else None


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("beijiang_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
