"""What a process of the suite need not do again for each home: its tables, its jobs' tables, the nursery of queries, the
compiling of pages, and the loop that answers a test client.

A copy stands for what was made the same way before, in this process. The way itself is gone by ``tests/upgrades``, on both
databases, by ``tests/engine/test_untrusted.py`` (the nursery), and by every test that starts a process.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import start_blocking_portal
from jinja2 import BytecodeCache
from sqlalchemy import create_engine, create_mock_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import LRUCache
from starlette.testclient import TestClient

import postgres_copies

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from jinja2.bccache import Bucket
    from sqlalchemy import URL, Dialect, Engine, MetaData

    from beijiang.engine.cells import Cells


class _CompiledPages(BytecodeCache):
    """Templates as they were compiled by whichever application showed them first; their text is compared."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_made: dict[Hashable, Any] = {}
_engines: dict[str, Engine] = {}
_lent: dict[str, Cells] = {}
_asking = threading.Lock()
_skipped = False
_pages = _CompiledPages()


@contextlib.contextmanager
def the_long_way() -> Iterator[None]:
    """Make everything anew, as users do."""
    global _skipped  # noqa: PLW0603 - one for the process, as what it switches
    _skipped = True
    try:
        yield
    finally:
        _skipped = False


@contextlib.contextmanager
def spared(folder: Path) -> Iterator[None]:
    """Let new homes of this process begin with copies; ``folder`` is for what is made once."""
    from beijiang.db import Database, database, migrations
    from beijiang.engine.cells import Cells
    from beijiang.jobs.service import durable
    from beijiang.jobs.service.durable import DurableEngine
    from beijiang.web import Pages

    with start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "upgrade", partial(_upgraded, migrations.upgrade, folder))
        patch.setattr(Database, "create_all", _created(Database.create_all))
        patch.setattr(DurableEngine, "_register_queue", _registered(DurableEngine._register_queue))
        for module in (database, durable):
            patch.setattr(module, "create_engine", _compiling_for_all(module.create_engine))
        patch.setattr(Cells, "__init__", _borrowing(Cells.__init__))
        patch.setattr(Cells, "_started", _borrowed(Cells._started))
        patch.setattr(Cells, "close", _given_back(Cells.close))
        patch.setattr(Pages, "__init__", _compiled_once(Pages.__init__))
        patch.setattr(TestClient, "portal", portal)  # it would make a thread and a loop for each request
        yield
        portal.call(portal.stop, True)
    for cells in _lent.values():
        cells._stop()
    _lent.clear()


def _upgraded(upgrade: Callable[[Any], None], folder: Path, database: Any) -> None:
    from beijiang.db import migrations

    if not _skipped and postgres_copies.is_for_tests(database.url) and migrations.current(database) is None:
        _replaced(database, "migrated", partial(_whole, upgrade))
    new = not _skipped and database.is_sqlite and _has_nothing(Path(database.url.database))
    if new and "migrated" in _made:
        Path(database.url.database).write_bytes(_made["migrated"])  # before anybody opens it, and reads its tables
    upgrade(database)
    if new and "migrated" not in _made:
        with (
            contextlib.closing(sqlite3.connect(database.url.database)) as there,
            contextlib.closing(sqlite3.connect(folder / "migrated.sqlite")) as copy,
        ):
            there.backup(copy)
        _made["migrated"] = (folder / "migrated.sqlite").read_bytes()


def _has_nothing(path: Path) -> bool:
    return not path.exists() or path.stat().st_size == 0


def _whole(upgrade: Callable[[Any], None], url: URL) -> None:
    """Make the tables of a home and those of its jobs."""
    from dbos import DBOS

    from beijiang.db import Database

    first = Database(url.render_as_string(hide_password=False))
    upgrade(first)
    first.close()
    DBOS.migrate(first.url.render_as_string(hide_password=False), schema="beijiang_jobs")


def _replaced(database: Any, key: str, make: Callable[[URL], None]) -> None:
    database.engine.dispose()
    postgres_copies.replace(database.url, key, make)


def _created(create_all: Callable[[Any], None]) -> Callable[[Any], None]:
    """Create the tables that are known by now: a copy of what was made so before."""

    def created(self: Any) -> None:
        from beijiang.db.schema import metadata

        key = (self.engine.dialect.name, frozenset(metadata.tables))
        if _skipped:
            create_all(self)
        elif postgres_copies.is_for_tests(self.url):
            with contextlib.closing(self.engine.raw_connection()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
                empty = cursor.fetchone() == (0,)
            if empty:
                if key not in _made:
                    _made[key] = _script(metadata, self.engine.dialect)
                _replaced(self, _made[key], partial(_scripted, _made[key]))
            else:
                create_all(self)
        elif _is_empty(self.url.database):
            if key in _made:
                _copy(key, self.url.database)
            else:
                create_all(self)
                _keep(key, self.url.database)
        else:
            create_all(self)

    return created


def _scripted(script: str, url: URL) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with contextlib.closing(engine.raw_connection()) as connection, connection.cursor() as cursor:
        cursor.execute(script)
        connection.commit()


def _script(metadata: MetaData, dialect: Dialect) -> str:
    lines: list[str] = []
    mock = create_mock_engine(
        "postgresql+psycopg://", lambda made, *_: lines.append(str(made.compile(dialect=dialect)))
    )
    metadata.create_all(mock, checkfirst=False)
    return ";\n".join(lines).replace("%%", "%")


def _compiling_for_all(create: Callable[..., Engine]) -> Callable[..., Engine]:
    """Let all engines of a kind keep what they compiled in one place: each platform asks the same questions."""

    def created(url: Any, **words: Any) -> Engine:
        engine = create(url, **words)
        if _skipped:
            return engine
        engine._compiled_cache = LRUCache(5_000)
        first = _engines.setdefault(engine.dialect.name, engine)
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    return created


def _registered(register: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def registered(self: Any, config: Any) -> None:
        path = self._settings.home / "jobs.db"
        new = not _skipped and self._embedded and _is_empty(path)
        if new and "jobs" in _made:
            _copy("jobs", path)
        register(self, config)
        if new and "jobs" not in _made:
            _keep("jobs", path)

    return registered


def _borrowing(init: Callable[..., None]) -> Callable[..., None]:
    def made(self: Any, *given: Any, **words: Any) -> None:
        init(self, *given, **words)
        if not _skipped:
            self._lock = _asking  # one nursery, one talk with it at a time

    return made


def _borrowed(started: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def lent(self: Any) -> Any:
        if self._lock is not _asking:
            return started(self)
        if self._nursery is None:
            lender = _lent.setdefault(self._time_zone, self)
            if lender._nursery is None or lender._nursery[0].poll() is not None:
                lender._nursery = None
                started(lender)
            self._nursery = lender._nursery
        return self._nursery

    return lent


def _given_back(close: Callable[[Any], None]) -> Callable[[Any], None]:
    def closed(self: Any) -> None:
        if self._lock is not _asking:
            close(self)

    return closed


def _compiled_once(init: Callable[..., None]) -> Callable[..., None]:
    def made(self: Any, *given: Any, **words: Any) -> None:
        init(self, *given, **words)
        if not _skipped:
            self.environment.bytecode_cache = _pages

    return made


def _is_empty(path: Any) -> bool:
    with contextlib.closing(sqlite3.connect(path)) as there:
        return there.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def _keep(key: Hashable, path: Any) -> None:
    _made[key] = sqlite3.connect(":memory:", check_same_thread=False)
    with contextlib.closing(sqlite3.connect(path)) as there:
        there.backup(_made[key])


def _copy(key: Hashable, path: Any) -> None:
    with contextlib.closing(sqlite3.connect(path)) as there:
        _made[key].backup(there)
