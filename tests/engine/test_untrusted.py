"""A user's SQL runs in a child that is locked, limited and silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

import beforehand
from beijiang.engine import Engine, QueryLimits, Scan, Stop
from beijiang.engine.cells import SCRIPT, Cells, Errand
from beijiang.kit import BeijiangError
from waiting import until

MARK = "MARKER-5d1f"


def run(engine: Engine, sql: str, people: Scan, **limits: float) -> pa.Table:
    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(parsed, exp.Query)
    return engine.run_untrusted(parsed, {"居民": people}, QueryLimits(**limits))  # type: ignore[arg-type]


def reason(engine: Engine, sql: str, people: Scan, **limits: float) -> str:
    with pytest.raises(BeijiangError) as caught:
        run(engine, sql, people, **limits)
    said = f"{caught.value} {caught.value.text.zh} {caught.value.detail}"
    assert "张" not in said
    assert MARK not in said
    return caught.value.reason


LEGITIMATE = [
    ('SELECT count(*) AS n FROM memory.lake."居民"', [{"n": 1000}]),
    ('SELECT count(*) AS n FROM memory.lake."居民" WHERE "城市" = \'包头\'', [{"n": 333}]),
    ('WITH a AS (SELECT "城市" AS c FROM memory.lake."居民") SELECT count(DISTINCT c) AS n FROM a', [{"n": 3}]),
    (
        (
            "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 5) "
            'SELECT max(i) + 0 * (SELECT count(*) FROM memory.lake."居民") AS n FROM r'
        ),
        [{"n": 5}],
    ),
    (
        'SELECT max(n) AS n FROM (SELECT row_number() OVER (ORDER BY "姓名") AS n FROM memory.lake."居民") AS w',
        [{"n": 1000}],
    ),
    ('SELECT count(*) AS n FROM (SELECT "姓名" FROM memory.lake."居民" EXCEPT SELECT \'张1\') AS s', [{"n": 999}]),
]


@pytest.mark.parametrize(("sql", "rows"), LEGITIMATE)
def test_plain_questions_are_answered(engine: Engine, people: Scan, sql: str, rows: list[dict[str, int]]) -> None:
    assert run(engine, sql, people).to_pylist() == rows


@pytest.mark.threat("TM-03")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{marker}')",
        "SELECT * FROM read_csv('{marker}', columns={{'x': 'VARCHAR'}})",
        "SELECT * FROM '{marker}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM duckdb_settings()",
        'SELECT * FROM memory.lake."别的表"',
        "SELECT * FROM information_schema.tables",
        "SELECT getenv('MARKER') FROM memory.lake.\"居民\"",
        "SELECT 1",
        "SELECT * FROM memory.lake.\"居民\" AS a, read_text('{marker}') AS b",
        "SELECT * FROM memory.lake.\"居民\" UNION ALL SELECT content, 1, '' FROM read_text('{marker}')",
        "SELECT * FROM query('SELECT * FROM read_text(''{marker}'')') AS q, memory.lake.\"居民\"",
    ],
)
def test_nothing_but_the_granted_relations_can_be_reached(
    engine: Engine, people: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    marker = tmp_path / "marker.txt"
    marker.write_text(MARK)
    monkeypatch.setenv("MARKER", MARK)
    said = reason(engine, sql.format(marker=marker, folder=tmp_path), people)
    assert said in {"query_failed", "tables_differ", "data_unavailable"}


@pytest.mark.threat("TM-03")
def test_neighbouring_files_of_a_granted_file_stay_closed(engine: Engine, people: Scan, lake: Path) -> None:
    pq.write_table(pa.table({"x": [MARK]}), lake / "secret.parquet")
    sql = f"SELECT s.x FROM read_parquet('{lake / 'secret.parquet'}') AS s, memory.lake.\"居民\" AS p"
    assert reason(engine, sql, people) in {"query_failed", "data_unavailable", "tables_differ"}
    trusted = sqlglot.parse_one(sql.replace("memory.lake", "lake"), dialect="duckdb")
    assert isinstance(trusted, exp.Query)
    opened = engine.fetch(trusted, {"居民": people}, QueryLimits(rows=1))
    assert opened.column("x").to_pylist()[0] == MARK  # the positive control: unlocked, the same SQL does read it


@pytest.mark.threat("TM-03")
def test_the_engine_and_the_platform_must_see_the_same_tables(engine: Engine, people: Scan) -> None:
    parsed = sqlglot.parse_one('SELECT 1 AS one FROM memory.lake."居民"', dialect="duckdb")
    assert isinstance(parsed, exp.Query)
    with pytest.raises(BeijiangError) as caught:
        engine.run_untrusted(parsed, {"居民": people, "其他": people})
    assert caught.value.reason == "tables_differ"


@pytest.mark.parametrize("name", ["企业 AS 名录", 'a"b', "a.b", "lake", "memory", "SELECT", "大 写 Ａ", "x'y"])
def test_relations_of_any_name_are_found(engine: Engine, people: Scan, name: str) -> None:
    table = exp.table_(exp.to_identifier(name, quoted=True), db="lake", catalog="memory", alias="a")
    for source in (table, exp.table_(exp.to_identifier(name, quoted=True), db="lake")):
        query = exp.select(exp.Count(this=exp.Star()).as_("n")).from_(source)
        assert engine.run_untrusted(query, {name: people}).to_pylist() == [{"n": 1000}]


@pytest.mark.threat("TM-04")
@pytest.mark.parametrize(
    "expression",
    [
        'CAST("姓名" AS INT)',
        'CAST("姓名" AS DATE)',
        'error("姓名")',
        '"年龄" // 0 + CAST("姓名" AS INT)',
        "strptime(\"姓名\", '%Y')",
    ],
)
def test_error_texts_never_carry_a_value(engine: Engine, people: Scan, expression: str) -> None:
    assert reason(engine, f'SELECT {expression} FROM memory.lake."居民"', people) == "query_failed"


@pytest.mark.threat("TM-05")
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (('SELECT count(*) AS n FROM memory.lake."居民" a, memory.lake."居民" b, memory.lake."居民" c, memory.lake."居民" d '
         'WHERE a."年龄" + b."年龄" + c."年龄" + d."年龄" = -1'), {"query_timeout"}),
        ('SELECT length(repeat("姓名", 2000000000)) AS n FROM memory.lake."居民"', {"query_memory", "query_failed"}),
        ('SELECT length(string_agg(repeat("姓名", 2000000))) AS n FROM memory.lake."居民"', {"query_memory", "query_timeout"}),
        (('WITH RECURSIVE r AS (SELECT "姓名" AS s FROM memory.lake."居民" UNION ALL SELECT s || s FROM r) '
         "SELECT max(length(s)) AS n FROM r"), {"query_memory", "query_timeout"}),
        ('SELECT list(a."姓名" || b."姓名") AS l FROM memory.lake."居民" a, memory.lake."居民" b, memory.lake."居民" c',
         {"query_memory", "query_timeout"}),
    ],
)  # fmt: skip
def test_greedy_queries_end_while_the_platform_stays_small(
    engine: Engine, people: Scan, sql: str, expected: set[str]
) -> None:
    before = resident()
    seconds = 2 if "query_timeout" in expected else 60  # what has to end by its size is not to end by its time
    assert reason(engine, sql, people, seconds=seconds, memory_mb=256) in expected
    assert resident() - before < 100 << 20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_query_that_spills_too_much_is_told_so_and_no_file_is_blamed(engine: Engine, people: Scan) -> None:
    sql = (
        'SELECT count(DISTINCT a."姓名" || b."姓名" || c."城市") AS n '
        'FROM memory.lake."居民" a, memory.lake."居民" b, memory.lake."居民" c'
    )
    assert reason(engine, sql, people, seconds=60, memory_mb=64, temp_mb=1) == "query_memory"


def test_rows_and_bytes_of_an_answer_are_bounded(engine: Engine, people: Scan) -> None:
    assert run(engine, 'SELECT * FROM memory.lake."居民"', people, rows=100).num_rows == 101
    wide = 'SELECT repeat("姓名", 10000) AS w FROM memory.lake."居民"'
    assert reason(engine, wide, people, bytes=1 << 20) == "query_too_large"


def test_children_and_their_folders_are_gone_afterwards(engine: Engine, people: Scan, tmp_path: Path) -> None:
    run(engine, 'SELECT count(*) AS n FROM memory.lake."居民"', people)
    engine.close()
    until(lambda: not list((tmp_path / "home" / "tmp" / "cells").glob("cell-*")))


@pytest.mark.threat("TM-03")
def test_nothing_goes_from_one_query_to_the_next_and_a_killed_nursery_is_replaced(tmp_path: Path) -> None:
    with beforehand.the_long_way():  # with a nursery of its own
        cells = Cells(tmp_path / "cells")
    try:
        seen = Errand("SELECT count(*) AS n FROM duckdb_tables()", (), (), (), ())
        left = replace(seen, views=("CREATE TABLE memory.main.left_behind AS SELECT 1 AS a",))
        assert cells.run(left, QueryLimits()).to_pylist() == [{"n": 1}]
        assert cells.run(seen, QueryLimits()).to_pylist() == [{"n": 0}]
        assert cells._nursery is not None
        cells._nursery[0].kill()
        cells._nursery[0].wait()
        assert cells.run(seen, QueryLimits()).to_pylist() == [{"n": 0}]
    finally:
        cells.close()


def test_a_running_query_is_stopped_from_another_thread(engine: Engine, people: Scan) -> None:
    parsed = sqlglot.parse_one(
        'SELECT count(*) AS n FROM memory.lake."居民" a, memory.lake."居民" b, memory.lake."居民" c, memory.lake."居民" d '
        'WHERE a."年龄" + b."年龄" + c."年龄" + d."年龄" = -1',
        dialect="duckdb",
    )
    assert isinstance(parsed, exp.Query)
    stop = Stop()
    timer = threading.Timer(0.5, stop.ask)
    timer.start()
    with pytest.raises(BeijiangError) as told:
        engine.run_untrusted(parsed, {"居民": people}, QueryLimits(seconds=300, threads=2), stop)
    assert told.value.reason == "query_cancelled", "long before its time is up"
    with pytest.raises(BeijiangError) as again:
        engine.run_untrusted(parsed, {"居民": people}, QueryLimits(seconds=60), stop)
    assert again.value.reason == "query_cancelled", "what was stopped before it began does not begin"
    assert reason(engine, 'SELECT "没有" FROM memory.lake."居民"', people) == "query_unbound"


@pytest.mark.threat("TM-03")
def test_a_secluded_child_has_no_network_no_programs_and_no_environment() -> None:
    script = """
import importlib.util, json, os, socket, subprocess, sys
spec = importlib.util.spec_from_file_location("cell", sys.argv[1])
cell = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cell)
said = {}
def attempt(name, work):
    try:
        work()
        said[name] = "possible"
    except OSError as error:
        said[name] = error.errno
control = socket.socket()
control.close()
subprocess.run(["/bin/true"], check=True)
cell._seclude()
attempt("socket", socket.socket)
attempt("program", lambda: os.execv("/bin/true", ["true"]))
attempt("child", lambda: subprocess.run(["/bin/true"], check=True))
said["environment"] = dict(os.environ)
import threading
thread = threading.Thread(target=lambda: attempt("thread", socket.socket))
thread.start(); thread.join()
print(json.dumps(said))
"""
    command = [sys.executable, "-c", script, str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env={"SECRET": MARK})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"socket": 1, "program": 1, "child": 1, "thread": 1, "environment": {}}
