"""A user's SQL whose answer comes in parts: the same child and limits, nothing kept, pauses of the reader for free."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from beijiang.engine import Engine, QueryLimits, Scan, Stop, Streamed
from beijiang.engine.cell import PART_BYTES
from beijiang.kit import BeijiangError

WIDE = 'SELECT a."姓名", repeat(a."城市", 500) AS w FROM memory.lake."居民" AS a, memory.lake."居民" AS b'


def stream(
    engine: Engine, sql: str, people: Scan, stop: Stop | None = None, limits: QueryLimits | None = None
) -> Streamed:
    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(parsed, exp.Query)
    return engine.stream_untrusted(parsed, {"居民": people}, limits or QueryLimits(), stop)


def drained(found: Streamed) -> int:
    return sum(batch.num_rows for batch in found.batches)


def left(home: Path) -> list[Path]:
    return [*(home / "tmp" / "cells").glob("cell-*")]


def test_a_stream_gives_what_the_whole_answer_holds(engine: Engine, people: Scan, tmp_path: Path) -> None:
    sql = 'SELECT "姓名", "年龄", "城市" FROM memory.lake."居民" ORDER BY "姓名"'
    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(parsed, exp.Query)
    whole = engine.run_untrusted(parsed, {"居民": people})
    found = stream(engine, sql, people)
    assert found.schema == whole.schema
    assert [row for batch in found.batches for row in batch.to_pylist()] == whole.to_pylist()
    empty = stream(engine, 'SELECT "姓名" FROM memory.lake."居民" WHERE "年龄" < 0', people)
    assert (empty.schema.names, sum(batch.num_rows for batch in empty.batches)) == (["姓名"], 0)
    assert not left(tmp_path / "home")


def test_parts_are_bounded_and_a_reader_may_leave(engine: Engine, people: Scan, tmp_path: Path) -> None:
    found = stream(engine, WIDE, people)
    for _ in range(3):
        batch = next(found.batches)
        assert 0 < batch.nbytes <= PART_BYTES
    found.batches.close()
    assert not left(tmp_path / "home"), "the child of a stream that nobody reads is gone"


def test_limits_of_rows_and_bytes_end_a_stream(engine: Engine, people: Scan) -> None:
    rows = stream(engine, WIDE, people, limits=QueryLimits(rows=10))
    assert sum(batch.num_rows for batch in rows.batches) == 11
    large = stream(engine, WIDE, people, limits=QueryLimits(bytes=20 << 20))
    with pytest.raises(BeijiangError) as told:
        drained(large)
    assert told.value.reason == "query_too_large"


def test_pauses_of_the_reader_are_free_and_work_is_not(engine: Engine, people: Scan) -> None:
    found = stream(engine, WIDE, people, limits=QueryLimits(seconds=5, rows=8_000, pause=60))
    next(found.batches)
    time.sleep(8)  # longer than the limit and its grace
    assert sum(batch.num_rows for batch in found.batches) > 0
    slow = 'SELECT count(*) AS n FROM memory.lake."居民" a, memory.lake."居民" b, memory.lake."居民" c, memory.lake."居民" d WHERE a."年龄" + b."年龄" + c."年龄" + d."年龄" = -1'
    with pytest.raises(BeijiangError) as told:
        drained(stream(engine, slow, people, limits=QueryLimits(seconds=1)))
    assert told.value.reason in {"query_timeout", "query_memory"}


def test_a_stream_is_stopped_between_its_parts(engine: Engine, people: Scan) -> None:
    stop = Stop()
    found = stream(engine, WIDE, people, stop)
    next(found.batches)
    stop.ask()
    with pytest.raises(BeijiangError) as told:
        drained(found)
    assert told.value.reason == "query_cancelled"


def test_what_fails_on_a_later_row_says_no_value(engine: Engine, people: Scan) -> None:
    sql = 'SELECT CAST(CASE WHEN "姓名" = \'张999\' THEN "姓名" ELSE \'1\' END AS INT) AS n FROM memory.lake."居民"'
    with pytest.raises(BeijiangError) as told:
        drained(stream(engine, sql, people))
    assert told.value.reason == "query_failed"
    assert "张" not in told.value.text.zh


def test_stops_nest() -> None:
    stop, said = Stop(), list[str]()
    with stop.over(lambda: said.append("outer")):
        with stop.over(lambda: said.append("inner")):
            pass
        stop.ask()
    assert said == ["outer"]
