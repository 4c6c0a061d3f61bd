"""The row API over HTTP against a real datasette on the same rows, by turns, in one run.

    PYTHONPATH=src python benchmarks/bench_rows.py [rows]

Ours is ``beijiang serve`` on a home with one published table: each answer has passed the gate and left its two evidence
records. Datasette (set ``DATASETTE`` to its program; it is not a dependency) serves an SQLite file with the same rows, once
as a newcomer loads it (no index) and once with an index on the looked-up column, which our lake does not have either.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import duckdb
import pyarrow.parquet as pq
from report import Line, show

from beijiang.access import OrganisationDraft, Role
from beijiang.build import Platform, build
from beijiang.catalog import OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.kit import SYSTEM, Actor, ActorKind, new_id
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

TABLE = "企业登记"
KEY = "统一社会信用代码"
REGION = "行政区划代码"
QUERY = """
SELECT '9115' || lpad((i * 7919 % 10000000019)::VARCHAR, 14, '0') AS "统一社会信用代码", '内蒙古某某企业' || i AS "企业名称",
       (150000 + i * 31 % 900)::VARCHAR AS "行政区划代码", (i % 100000)::DECIMAL(14, 2) AS "注册资本",
       DATE '2000-01-01' + (i % 8000)::INT AS "成立日期", (i % 97)::BIGINT AS "从业人数",
       CASE i % 3 WHEN 0 THEN '存续' WHEN 1 THEN '注销' ELSE '吊销' END AS "状态", '第' || i % 20 || '产业' AS "行业"
FROM range({start}, {stop}) t(i)
"""
PART = 1_000_000
POINTS, PAGES = 10, 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def person(name: str, org: str, role: Role) -> Actor:
    return Actor(f"person_{name}", name, ActorKind.PERSON, org, frozenset({str(role)}))


def fill(home: Path, rows: int) -> str:
    """Commit the rows and take their entry through review; return the published data set."""
    platform = build(Settings(home=home, argon2_memory_kib=64, argon2_rounds=1))
    try:
        for org_id, name in (("market", "市场监督管理局"), ("bureau", "大数据发展管理局")):
            platform.access.add_organisation(
                SYSTEM, OrganisationDraft(id=org_id, name_zh=name, name_en=org_id, region_code="150000")
            )
        commit(platform, home / "staging", rows)
        with (home / "beijiang.toml").open("a", encoding="utf-8") as file:
            file.write("ckan_calls = 0\nvisitor_calls = 0\n")
        return publish(platform)
    finally:
        platform.close()


def commit(platform: Platform, staging: Path, rows: int) -> None:
    maker = duckdb.connect()
    parts = []
    for start in range(0, rows, PART):
        part = staging / f"{start}.parquet"
        query = QUERY.format(start=start, stop=min(start + PART, rows))
        maker.execute(
            f"COPY (SELECT *, 'sha' AS _bj_file, row_number() OVER () AS _bj_row FROM ({query})) TO '{part}' "
            "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)"
        )
        parts.append(part)
    platform.tables.commit(
        SYSTEM,
        CommitRequest(
            table=TABLE,
            org_id="market",
            staged=tuple(parts),
            schema=pq.read_schema(parts[0]),
            mode=WriteMode.APPEND,
            run_id=new_id("run"),
        ),
    )
    platform.db.deliver_waiting()


def publish(platform: Platform) -> str:
    catalog = platform.catalog
    found = catalog.resource_for_table(TABLE)
    assert found is not None
    edit = ResourceEdit(
        categories=("102001",),
        share_type=ShareType.UNCONDITIONAL,
        share_method=ShareMethod.SERVICE,
        open_type=OpenType.UNCONDITIONAL,
        licence="CC-BY-4.0",
        update_cycle="2",
        contact="数据管理科",
    )
    steward = person("steward", "market", Role.STEWARD)
    catalog.edit(steward, found.id, edit)
    catalog.submit(steward, found.id)
    catalog.approve(person("reviewer", "bureau", Role.BUREAU_REVIEWER), found.id)
    catalog.publish(person("publisher", "bureau", Role.BUREAU_PUBLISHER), found.id)
    return str(found.id)


def load_sqlite(path: Path, rows: int) -> None:
    """Load the same rows as text and numbers, as sqlite-utils or csvs-to-sqlite would."""
    names = [d[0] for d in duckdb.connect().sql(QUERY.format(start=0, stop=1)).description]
    target = sqlite3.connect(path)
    target.execute("PRAGMA journal_mode = OFF")
    target.execute("PRAGMA synchronous = OFF")
    target.execute(f"CREATE TABLE rows ({', '.join(chr(34) + n + chr(34) for n in names)})")
    source = duckdb.connect()
    for start in range(0, rows, PART):
        query = QUERY.format(start=start, stop=min(start + PART, rows))
        plain = f'SELECT * REPLACE ("注册资本"::DOUBLE AS "注册资本", "成立日期"::VARCHAR AS "成立日期") FROM ({query})'
        for batch in source.sql(plain).to_arrow_reader(100_000):
            rows_of = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            target.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(names))})", rows_of)
    target.commit()
    target.close()


class Site:
    """One server and one kept-alive connection to it."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, address: str) -> dict[str, object]:
        parts = urlsplit(address)
        target = f"{parts.path}?{parts.query}"
        try:
            self.connection.request("GET", target, headers={"Accept": "application/json"})
            answer = self.connection.getresponse()
        except http.client.RemoteDisconnected:  # idle for longer than the server keeps a connection
            self.connection.request("GET", target, headers={"Accept": "application/json"})
            answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, address, body[:300])
        found: dict[str, object] = json.loads(body)
        return found

    def wait(self, path: str) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                self.get(path)
            except OSError:
                self.connection.close()
                time.sleep(0.1)
            else:
                return
        raise SystemExit(f"no answer from {path}")


@contextmanager
def served(command: list[str], port: int, first: str) -> Iterator[Site]:
    """Run a server until the block ends."""
    environment: Mapping[str, str] = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as server:
        try:
            site = Site(port)
            site.wait(first)
            yield site
        finally:
            server.terminate()
            server.wait(60)


class Face:
    """How one server is asked for a row and for pages."""

    def __init__(self, site: Site, path: str, **extra: str) -> None:
        self.site = site
        self.path = path
        self.extra = extra
        self.next: str | None = None

    def filtered(self, column: str, value: str) -> list[object]:
        """Return the rows with this value, 100 at most."""
        return self._rows(self.site.get(f"{self.path}?{urlencode({f'{column}__exact': value, '_size': 100})}"))

    def page(self) -> list[object]:
        """Return the next page of a walk from the first row."""
        words = {"_size": "100", **self.extra} | ({"_next": self.next} if self.next else {})
        found = self.site.get(f"{self.path}?{urlencode(words)}")
        self.next = str(found["next"])
        return self._rows(found)

    @staticmethod
    def _rows(found: dict[str, object]) -> list[object]:
        rows = found["rows"]
        assert isinstance(rows, list)
        return rows


def timed(work: Callable[[], list[object]], expected: int) -> float:
    begin = time.perf_counter()
    rows = work()
    took = time.perf_counter() - begin
    assert len(rows) == expected, f"{len(rows)} rows instead of {expected}"
    return took * 1000


def by_turns(
    faces: list[Face], ask: Callable[[Face, int], list[object]], times: int, expected: int = 100
) -> list[float]:
    """Return the median milliseconds of each; a busy moment of the machine hits all."""
    for face in faces:
        ask(face, times)
    taken: list[list[float]] = [[] for _ in faces]
    for turn in range(times):
        for face, spent in zip(faces, taken, strict=True):
            spent.append(timed(lambda face=face, turn=turn: ask(face, turn), expected))  # type: ignore[misc]
    return [statistics.median(spent) for spent in taken]


def keys(rows: int) -> list[str]:
    pick = random.Random(7)  # noqa: S311 - test data
    return [f"9115{pick.randrange(rows) * 7919 % 10000000019:014d}" for _ in range(POINTS + 1)]


def main(rows: int) -> None:
    program = os.environ.get("DATASETTE") or shutil.which("datasette")
    if program is None:
        raise SystemExit(
            "datasette is not here: python -m venv X; X/bin/pip install datasette; DATASETTE=X/bin/datasette"
        )
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        home = folder / "home"
        dataset = fill(home, rows)
        files = {"plain": folder / "plain.db", "index": folder / "index.db"}
        load_sqlite(files["plain"], rows)
        shutil.copyfile(files["plain"], files["index"])
        with closing(sqlite3.connect(files["index"])) as target:
            target.execute(f'CREATE INDEX by_key ON rows ("{KEY}")')
        port = free_port()
        command = [str(Path(sys.executable).with_name("beijiang")), "--home", str(home), "serve", "--port", str(port)]
        path = f"/api/v1/datasets/{dataset}/rows"
        ours = Face(stack.enter_context(served(command, port, f"{path}?_size=1")), path)
        others = []
        for kind, file in files.items():
            port = free_port()
            path = f"/{kind}/rows.json"
            command = [program, str(file), "--port", str(port), "--setting", "sql_time_limit_ms", "60000"]
            others.append(Face(stack.enter_context(served(command, port, f"{path}?_size=1")), path))
        plain, index = others
        wanted = keys(rows)
        point = by_turns([ours, plain], lambda f, i: f.filtered(KEY, wanted[i]), POINTS, 1)
        indexed = by_turns([ours, index], lambda f, i: f.filtered(KEY, wanted[i]), POINTS, 1)
        pages = by_turns([ours, plain], lambda f, _: f.page(), PAGES)
        lean = Face(index.site, index.path, _nocount="1", _nosuggest="1")
        quick = by_turns([ours, lean], lambda f, _: f.page(), PAGES)
        some = by_turns([ours, plain], lambda f, i: f.filtered(REGION, str(150000 + i * 7)), POINTS)
    peer = "datasette, no index"
    show(
        f"Row API over HTTP, {rows:,} rows x 8 columns",
        [
            Line("point look-up by an unsorted key", point[0], peer, point[1], 4.0, "ms", at_least=True),
            Line("100-row page, walking from the first", pages[0], peer, pages[1], 1.5, "ms", at_least=True),
            Line("100 rows of one region", some[0], peer, some[1], 1.5, "ms", at_least=True),
            Line(
                "for honesty: page without counting",
                quick[0],
                "datasette, _nocount",
                quick[1],
                0.0,
                "ms",
                at_least=True,
            ),
            Line(
                "for honesty: key look-up against an index",
                indexed[0],
                "datasette, index",
                indexed[1],
                0.0,
                "ms",
                at_least=True,
            ),
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
