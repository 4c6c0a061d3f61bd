"""One suite for every engine: what a read returns, and how it ends when it must not go on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

from beijiang.engine import LAKE, Engine, QueryLimits, Scan
from beijiang.kit import BeijiangError, Invalid


def tree(sql: str) -> exp.Query:
    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(parsed, exp.Query)
    return parsed


def test_a_named_relation_reads_the_files_of_its_scan(engine: Engine, people: Scan) -> None:
    query = tree(
        'SELECT "城市", count(*) AS n, avg("年龄") AS a FROM lake."居民" WHERE "年龄" < 30 GROUP BY 1 ORDER BY 1'
    )
    before = query.sql("duckdb")
    table = engine.fetch(query, {"居民": people})
    assert table.column_names == ["城市", "n", "a"]
    assert table.column("城市").to_pylist() == ["包头", "呼和浩特", "赤峰"]
    assert sum(table.column("n").to_pylist()) == sum(1 for i in range(1000) if i % 90 < 30)
    assert query.sql("duckdb") == before


def test_a_relation_keeps_its_alias_and_joins_with_itself(engine: Engine, people: Scan) -> None:
    query = tree(
        'SELECT count(*) AS n FROM lake."居民" AS a JOIN lake."居民" AS b ON a."姓名" = b."姓名" WHERE b."年龄" = 5'
    )
    assert engine.fetch(query, {"居民": people}).to_pylist() == [{"n": 12}]


def test_a_quote_in_a_name_or_path_stays_a_name(engine: Engine, lake: Path) -> None:
    schema = pa.schema([('列"); DROP', pa.string()), ("a'b", pa.int64())])
    path = lake / 'it\'s "odd" %20.parquet'
    pq.write_table(pa.table({'列"); DROP': ["x'y"], "a'b": [1]}, schema=schema), path)
    query = exp.select("*").from_(exp.table_('表"; --', db=LAKE, quoted=True))
    assert engine.fetch(query, {'表"; --': Scan((str(path),), schema)}).to_pylist() == [{'列"); DROP': "x'y", "a'b": 1}]


def test_files_without_a_later_column_read_as_null_and_in_the_wanted_type(engine: Engine, lake: Path) -> None:
    old, new = lake / "old.parquet", lake / "new.parquet"
    pq.write_table(pa.table({"编号": pa.array([1, 2], pa.int32()), "名": ["甲", "乙"]}), old)
    pq.write_table(pa.table({"名": ["丙"], "编号": pa.array([3], pa.int64()), "新列": ["有"]}), new)
    schema = pa.schema(
        [("编号", pa.int64()), ("名", pa.string()), ("新列", pa.string()), ("未来", pa.decimal128(12, 2))]
    )
    table = engine.fetch(tree('SELECT * FROM lake.t ORDER BY "编号"'), {"t": Scan((str(old), str(new)), schema)})
    assert table.schema.types == schema.types
    assert table.column("新列").to_pylist() == [None, None, "有"]
    assert table.column("未来").to_pylist() == [None, None, None]


def test_a_scan_of_no_files_has_columns_and_no_rows(engine: Engine, people: Scan) -> None:
    empty = Scan((), people.schema, position=True)
    table = engine.fetch(tree("SELECT * FROM lake.t"), {"t": empty})
    assert table.num_rows == 0
    assert table.column_names == [*people.schema.names, "_bj_part", "_bj_at"]


def test_positions_name_each_row_once(engine: Engine, people: Scan) -> None:
    scan = Scan(people.files, people.schema, position=True)
    table = engine.fetch(tree('SELECT _bj_part, _bj_at, "姓名" FROM lake.t'), {"t": scan})
    places = set(zip(table.column("_bj_part").to_pylist(), table.column("_bj_at").to_pylist(), strict=True))
    assert places == {(part, row) for part in range(2) for row in range(500)}
    named = {(p, a): n for p, a, n in zip(*(table.column(i).to_pylist() for i in range(3)), strict=True)}
    assert named[1, 7] == "张507"


def test_moments_are_cut_into_days_of_the_region(engine: Engine, lake: Path) -> None:
    path = lake / "t.parquet"
    moments = pa.array([datetime(2026, 1, 1, 15, 59, tzinfo=UTC), datetime(2026, 1, 1, 16, 0, tzinfo=UTC)])
    schema = pa.schema([("时", pa.timestamp("us", "UTC"))])
    pq.write_table(pa.table({"时": moments.cast(schema.field(0).type)}), path)
    table = engine.fetch(
        tree('SELECT CAST("时" AS DATE) AS d FROM lake.t ORDER BY 1'), {"t": Scan((str(path),), schema)}
    )
    assert [str(day) for day in table.column("d").to_pylist()] == ["2026-01-01", "2026-01-02"]


def test_a_row_limit_hands_over_one_row_more(engine: Engine, people: Scan) -> None:
    limits = QueryLimits(rows=10)
    query = tree('WITH a AS (SELECT * FROM lake."居民") SELECT * FROM a ORDER BY "姓名"')
    assert engine.fetch(query, {"居民": people}, limits).num_rows == 11
    assert engine.fetch(tree('SELECT * FROM lake."居民" LIMIT 3'), {"居民": people}, limits).num_rows == 3


def test_a_stream_gives_every_row_in_batches(engine: Engine, lake: Path) -> None:
    path = lake / "many.parquet"
    pq.write_table(pa.table({"n": pa.array(range(200_000), pa.int64())}), path)
    scan = Scan((str(path),), pa.schema([("n", pa.int64())]))
    batches = list(engine.stream(tree("SELECT n FROM lake.t"), {"t": scan}))
    assert max(batch.num_rows for batch in batches) <= 65_536
    assert pa.Table.from_batches(batches).column("n").to_pylist() == list(range(200_000))


def test_a_stream_that_is_given_up_frees_the_engine(engine: Engine, people: Scan) -> None:
    batches = engine.stream(tree('SELECT * FROM lake."居民" a, lake."居民" b'), {"居民": people})
    assert next(batches).num_rows
    batches.close()  # type: ignore[attr-defined]
    assert engine.fetch(tree("SELECT 1 AS one"), {}).to_pylist() == [{"one": 1}]


def test_written_rows_read_back_in_order(engine: Engine, people: Scan, lake: Path) -> None:
    target = lake / "out.parquet"
    written = engine.write_parquet(tree('SELECT * FROM lake.t ORDER BY "姓名" DESC'), {"t": people}, target)
    assert (written.rows, written.bytes) == (1000, target.stat().st_size)
    names = pq.read_table(target).column("姓名").to_pylist()
    assert names == sorted(names, reverse=True)
    assert pq.read_metadata(target).row_group(0).column(0).compression == "ZSTD"


def test_a_failed_write_leaves_no_file(engine: Engine, people: Scan, lake: Path) -> None:
    target = lake / "broken.parquet"
    with pytest.raises(BeijiangError) as caught:
        engine.write_parquet(tree('SELECT CAST("姓名" AS INT) AS n FROM lake.t'), {"t": people}, target)
    assert caught.value.reason == "query_failed"
    assert not target.exists()


def test_a_query_over_its_time_ends_and_says_so(engine: Engine, people: Scan) -> None:
    query = tree(
        'SELECT count(*) AS n FROM lake.t a, lake.t b, lake.t c, lake.t d WHERE a."年龄" + b."年龄" + c."年龄" = d."年龄"'
    )
    with pytest.raises(BeijiangError) as caught:
        engine.fetch(query, {"t": people}, QueryLimits(seconds=0.5))
    assert caught.value.reason == "query_timeout"
    assert engine.fetch(tree("SELECT count(*) AS n FROM lake.t"), {"t": people}).to_pylist() == [{"n": 1000}]


def test_errors_carry_no_value_no_sql_and_no_path(engine: Engine, people: Scan, lake: Path) -> None:
    with pytest.raises(BeijiangError) as caught:
        engine.fetch(tree('SELECT CAST("姓名" AS INT) FROM lake.t'), {"t": people})
    lost = Scan((str(lake / "gone.parquet"),), people.schema)
    with pytest.raises(BeijiangError) as missing:
        engine.fetch(tree("SELECT * FROM lake.t"), {"t": lost})
    assert (caught.value.reason, missing.value.reason) == ("query_failed", "data_unavailable")
    for error in (caught.value, missing.value):
        said = f"{error} {error.text.zh} {error.text.en} {error.detail}"
        assert not any(secret in said for secret in ("张", "CAST", "姓名", "parquet", str(lake)))
        assert error.__cause__ is None or "张" not in str(error.__cause__)


def test_the_engine_reads_below_its_folders_only(engine: Engine, people: Scan, tmp_path: Path) -> None:
    outside = tmp_path / "outside.parquet"
    pq.write_table(pa.table({"姓名": ["秘密"], "年龄": [1], "城市": ["x"]}), outside)
    for sql in (f"SELECT * FROM read_parquet('{outside}')", "SELECT * FROM read_text('/etc/hostname')"):
        with pytest.raises(BeijiangError):
            engine.fetch(tree(sql), {})
    with pytest.raises(BeijiangError):
        engine.fetch(tree("SELECT * FROM lake.t"), {"t": Scan((str(outside),), people.schema)})


@pytest.mark.parametrize("wrong", [{"time_zone": "posixrules"}, {"engine_threads": -1}])
def test_settings_that_the_engine_refuses_are_named_when_the_server_starts(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    from beijiang.build import build
    from beijiang.settings import Settings

    settings = Settings.for_tests(tmp_path).model_copy(update=wrong)
    platform = build(settings)
    try:
        with pytest.raises(Invalid) as late:
            platform.engine.fetch(tree("SELECT 1"), {})
        with pytest.raises(Invalid) as early:
            platform.start()
    finally:
        platform.close()
    assert early.value.reason == late.value.reason == "engine_settings"
    assert "time_zone" in early.value.text.en


def test_a_sort_larger_than_memory_spills_to_the_home(tmp_path: Path) -> None:
    from beijiang.engine.duckdb import DuckDBEngine
    from beijiang.settings import Settings

    lake = tmp_path / "home" / "lake"
    small = DuckDBEngine(Settings.for_tests(tmp_path, engine_memory_mb=100, engine_threads=1), (lake,))
    query = tree("SELECT i, repeat(i::VARCHAR, 40) AS s FROM range(400000) AS t(i) ORDER BY s DESC")
    rows = sum(batch.num_rows for batch in small.stream(query, {}))
    small.close()
    assert rows == 400_000
