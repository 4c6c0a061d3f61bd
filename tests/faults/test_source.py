"""A source that breaks off, a worker that is killed, two at once: equal by certificate afterwards, or a clear stop."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.build import Platform, build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

VICTIM = Path(__file__).with_name("source_victim.py")
KILLS = 12
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
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after: int, times: int) -> None:
        """Cut the next ``times`` connections that get so far; later ones pass."""
        self.cut_after, self.limit, self.cuts = after, times, 0

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


def test_a_worker_that_is_killed_again_and_again_ends_with_an_equal_table(tmp_path: Path, source: sa.Engine) -> None:
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    platform.sources.allow(SYSTEM, Target(folder=str(source.url.query["host"])), "套接字")
    connect(platform, source, host=source.url.query["host"])
    platform.close()
    dice = random.Random(20261125)  # noqa: S311 - instants, no secret
    for number in range(KILLS):
        with source.begin() as connection:
            connection.execute(sa.text(f"""DELETE FROM "名册" WHERE "编号" = {number + 1}"""))
            connection.execute(sa.text(f"""INSERT INTO "名册" VALUES ({ROWS + number + 1}, '新', '2027-01-01')"""))
        victim = subprocess.Popen([sys.executable, str(VICTIM), str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.0, 1.5))
        victim.kill()
        victim.wait()
        victim.stdout.close()
    subprocess.run([sys.executable, str(VICTIM), str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    platform = build(Settings.for_tests(tmp_path))
    proof = platform.sources.verify(SYSTEM, "名册")
    assert (proof.verdict, proof.body["held"]["rows"]) == (Verdict.EQUAL, ROWS)
    history = platform.tables.history(SYSTEM, "名册")
    assert len({v.run_id for v in history}) == len(history), "no run commits twice"
    assert platform.evidence.check().ok
    platform.close()
