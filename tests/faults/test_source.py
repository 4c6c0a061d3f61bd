"""A source that breaks off, restarts or changes while it is read: equal by certificate afterwards, or a clear stop."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.build import Platform
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM
from beijiang.outbound import Target

ROWS = 20_000
TABLE = """CREATE TABLE "名册" AS SELECT g AS "编号", '名称' || g AS "名称", timestamptz '2026-01-01' + g * interval '1 s' AS "更新"
  FROM generate_series(1, {rows}) g"""


class Proxy:
    """A way to the source that can be cut: after so many bytes from the source, or now."""

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.cut_after: int | None = None
        self.cuts = 0
        self.limit = 0
        self.how = "cut"
        self.held = threading.Event()
        self._go = threading.Event()
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after: int, times: int, how: str = "cut") -> None:
        """Cut the next ``times`` connections that get so far (``stall``, ``half``: let them hang first); later ones pass."""
        self.cut_after, self.limit, self.cuts, self.how = after, times, 0, how
        self.held.clear()
        self._go.clear()

    def let_go(self) -> None:
        """Cut the connections that hang."""
        self._go.set()

    def _accept(self) -> None:
        while self._open:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._path)
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        passed = 0
        try:
            while data := source.recv(16_384):
                passed += len(data)
                if counted and self.cut_after is not None and passed > self.cut_after and self.cuts < self.limit:
                    self.cuts += 1
                    if self.how == "half":
                        sink.shutdown(socket.SHUT_WR)
                    if self.how != "cut":
                        self.held.set()
                        self._go.wait(480)
                    break
                sink.sendall(data)
        except OSError:
            passed = 0  # the other side has gone
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._open = False
        self._server.close()


@pytest.fixture
def source(postgres_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(TABLE.format(rows=ROWS)))
        connection.execute(sa.text('ALTER TABLE "名册" ADD PRIMARY KEY ("编号")'))
    yield engine
    engine.dispose()


@pytest.fixture
def proxy(source: sa.Engine) -> Iterator[Proxy]:
    made = Proxy(f"{source.url.query['host']}/.s.PGSQL.5432")
    yield made
    made.close()


def connect(platform: Platform, source: sa.Engine, **where: Any) -> None:
    platform.first_start()
    given = {"database": source.url.database, "user": source.url.username, "tls": "off", **where}
    platform.sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=given))
    draft = SyncDraft(source_id="库", feed="名册", table="名册", mode=SyncMode.INCREMENTAL, cursor="更新", deletes=True)
    platform.sources.take(SYSTEM, draft)


def through(platform: Platform, source: sa.Engine, proxy: Proxy) -> None:
    platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=proxy.port, network="127.0.0.1/32"), "代理")
    connect(platform, source, host="127.0.0.1", port=proxy.port)


def run(platform: Platform) -> Any:
    return platform.ingest.wait(SYSTEM, platform.sources.run(SYSTEM, "名册"))


def test_a_source_that_breaks_off_twice_is_read_whole_at_the_third_try(
    platform: Platform, source: sa.Engine, proxy: Proxy
) -> None:
    through(platform, source, proxy)
    proxy.cut(after=200_000, times=2)
    done = run(platform)
    assert (done.error, proxy.cuts) == (None, 2)
    assert done.report["rows"] == ROWS
    assert platform.sources.verify(SYSTEM, "名册").verdict is Verdict.EQUAL


def test_a_source_that_keeps_breaking_off_stops_the_run_and_loses_nothing(
    platform: Platform, source: sa.Engine, proxy: Proxy
) -> None:
    through(platform, source, proxy)
    proxy.cut(after=200_000, times=1000)
    done = run(platform)
    assert done.error is not None
    assert done.error["code"] == "source_unreachable"
    assert platform.tables.names(SYSTEM) == []
    proxy.cut(after=0, times=0)
    assert run(platform).report["rows"] == ROWS
    assert platform.sources.verify(SYSTEM, "名册").verdict is Verdict.EQUAL


def test_a_table_that_is_dropped_or_a_right_that_is_taken_away_is_told_apart(
    platform: Platform, source: sa.Engine, proxy: Proxy
) -> None:
    through(platform, source, proxy)
    run(platform)
    with source.begin() as connection:
        connection.execute(sa.text('ALTER TABLE "名册" RENAME TO "别名"'))
    assert run(platform).error["code"] == "unknown_feed"
    with source.begin() as connection:
        connection.execute(sa.text('ALTER TABLE "别名" RENAME TO "名册"'))
        connection.execute(sa.text(f'CREATE ROLE "{source.url.database}" LOGIN'))
    platform.sources.change(SYSTEM, "库", {"user": source.url.database})
    done = run(platform)
    with source.begin() as connection:
        connection.execute(sa.text(f'DROP ROLE "{source.url.database}"'))
    assert done.error["code"] == "source_forbidden"
    assert platform.tables.get(SYSTEM, "名册").rows == ROWS
    assert run(platform).error["code"] in {"source_login_failed", "source_object_missing"}


def add_rows(source: sa.Engine, first: int, last: int) -> None:
    with source.begin() as connection:
        words = {"first": first, "last": last}
        rows = "SELECT g, '新' || g, timestamptz '2026-06-01' + g * interval '1 s' FROM generate_series(CAST(:first AS int), :last) g"
        connection.execute(sa.text('INSERT INTO "名册" ("编号", "名称", "更新") ' + rows), words)


def settled(platform: Platform, rows: int) -> None:
    """The next run brings everything, and both sides are equal."""
    done = run(platform)
    assert done.error is None
    proof = platform.sources.verify(SYSTEM, "名册")
    assert (proof.verdict, proof.body["held"]["rows"]) == (Verdict.EQUAL, rows)  # type: ignore[index, call-overload]


@pytest.mark.parametrize("half", [False, True])
def test_a_source_that_goes_silent_or_half_closes_is_read_whole_in_the_end(
    platform: Platform, source: sa.Engine, proxy: Proxy, *, half: bool
) -> None:
    through(platform, source, proxy)
    proxy.cut(after=200_000, times=1, how="half" if half else "stall")
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(run, platform)
        assert proxy.held.wait(240)
        assert platform.tables.names(SYSTEM) == []
        proxy.let_go()  # what a firewall does in the end
        assert going.result().error is None
    settled(platform, ROWS)


GO_AWAY = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND datname = current_database()"""
CHANGES = [
    'DROP TABLE "名册"',
    """ALTER TABLE "名册" ADD COLUMN "备注" text DEFAULT '无'""",
    'ALTER TABLE "名册" RENAME COLUMN "名称" TO "全称"',
    'ALTER TABLE "名册" ALTER COLUMN "名称" TYPE varchar(40)',
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_that_changes_between_two_attempts_at_one_run(
    platform: Platform, source: sa.Engine, proxy: Proxy, change: str
) -> None:
    """The reading stalls, the connection dies, and the table is another one when it is read again."""
    through(platform, source, proxy)
    assert run(platform).error is None
    add_rows(source, ROWS + 1, 2 * ROWS)
    proxy.cut(after=200_000, times=1, how="stall")
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(run, platform)
        assert proxy.held.wait(240)
        with (
            source.begin() as connection
        ):  # whoever reads holds the table; a change waits until that connection is gone
            connection.execute(sa.text(GO_AWAY))
            connection.execute(sa.text(change))
        proxy.let_go()
        done = going.result()
    version = platform.tables.get(SYSTEM, "名册")
    if done.error is None:
        proof = platform.sources.certificates(SYSTEM, "名册")[0]
        assert (proof.run_id, proof.verdict, version.rows) == (done.id, Verdict.EQUAL, 2 * ROWS)
    else:
        assert done.error["zh"]
        assert done.error["en"]
        assert done.error["code"] in {"unknown_feed", "source_object_missing", "columns_gone", "schema_change_stops"}
        assert (version.version, version.rows) == (1, ROWS)


def test_commits_out_of_order_and_late_and_a_clock_an_hour_off(
    platform: Platform, source: sa.Engine, proxy: Proxy
) -> None:
    """Thirty transactions take their stamps in one order and commit in another, with runs between them."""
    through(platform, source, proxy)
    run(platform)
    dice = random.Random(30)  # noqa: S311 - an order, no secret
    open_ones = []
    for number in range(30):
        connection = source.connect()
        ahead = 3_600 if number % 10 == 5 else 0  # some writers' clocks are an hour ahead
        words = {"key": ROWS + 1 + number, "seconds": number + ahead}
        late = "INSERT INTO \"名册\" VALUES (:key, '迟', timestamptz '2026-07-01' + :seconds * interval '1 s')"
        connection.execute(sa.text(late), words)
        open_ones.append(connection)
    dice.shuffle(open_ones)
    for turn, connection in enumerate(open_ones):
        connection.commit()
        connection.close()
        if turn % 6 == 5:
            assert run(platform).error is None
    found = platform.sources.verify(SYSTEM, "名册")
    if found.verdict is not Verdict.EQUAL:  # what its cursor had passed is named, and one run brings it
        assert found.verdict is Verdict.DIFFERENT
        assert {d["kind"] for d in found.body["differences"]} == {"missing"}  # type: ignore[union-attr, index, call-overload]
        mending = platform.sources.repair(SYSTEM, "名册")
        assert mending is not None
        assert platform.ingest.wait(SYSTEM, mending).error is None
    settled(platform, ROWS + 30)
