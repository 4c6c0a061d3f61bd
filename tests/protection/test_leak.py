"""Row filters are literals, because a filter with a subquery leaks: the control below does, ours does not (TM-04).

Run per engine version: if the control stops leaking, the test proves nothing any more and has to be sharpened.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from beijiang.kit import BeijiangError
from beijiang.protection.service import governor
from beijiang.tables import Filter, FilterOp

if TYPE_CHECKING:
    from conftest import House

SECRET = "SECRETVALUE"
EXPRESSIONS = (
    'CAST("值" AS INTEGER)',
    'CAST("值" AS DATE)',
    'CAST("值" AS DOUBLE) > 1',
    'CAST(substr("值", 1, 30) AS BIGINT)',
    "CAST(\"值\" || 'x' AS TIMESTAMP)",
    "strptime(\"值\", '%Y-%m-%d')",
    'CASE WHEN "值" LIKE \'SECRET%\' THEN CAST("值" AS INTEGER) ELSE 1 END',
    'CAST(upper("值") AS DECIMAL(10, 2))',
)
SCHEMA = pa.schema([("地区", pa.int64()), ("值", pa.string()), ("_bj_row", pa.int64())])


def rows(count: int = 4000) -> list[dict[str, object]]:
    """Every tenth region may be seen and holds numbers; the others hold secrets."""
    return [
        {"地区": i % 1000, "值": str(i) if (i % 1000) % 2 == 0 else f"{SECRET}{i}", "_bj_row": i} for i in range(count)
    ]


@pytest.mark.threat("TM-04")
def test_the_control_leaks(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pylist(rows(), schema=SCHEMA), path)
    leaks = 0
    for expression in EXPRESSIONS:
        engine = duckdb.connect()
        engine.execute("CREATE TABLE allowed AS SELECT (range * 2)::BIGINT AS r FROM range(350)")
        engine.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{path}')")
        query = f'SELECT count({expression}) FROM (SELECT * FROM t WHERE "地区" IN (SELECT r FROM allowed)) g WHERE {expression} IS NOT NULL'
        try:
            engine.execute(query).fetchall()
        except duckdb.Error as error:
            leaks += SECRET in str(error)
    assert leaks >= 1


def told(house: House, sql: str) -> tuple[str, str]:
    try:
        return "answered", str(house.sql.run(house.steward, sql).rows.to_pylist())
    except BeijiangError as error:
        return error.reason, f"{error.text} {error.detail} {error.__cause__}"


@pytest.mark.threat("TM-04")
def test_literal_filters_show_nothing_by_value_or_by_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(governor, "FAILURES", 10_000)
    house.write("台账", rows(), SCHEMA)
    allowed = [i * 2 for i in range(350)]
    house.protection.restrict(house.steward, "台账", [Filter("地区", FilterOp.IN_, allowed)], reason="只看辖区")
    plain = [e for e in EXPRESSIONS if "strptime" not in e and "DATE)" not in e and "TIMESTAMP" not in e]
    for expression in EXPRESSIONS:
        sql = f"SELECT count({expression}) AS n FROM 台账 WHERE {expression} IS NOT NULL"
        ending, output = told(house, sql)
        assert SECRET not in output
        # No error may come from a hidden row: what is allowed are whole numbers, so only dates may fail.
        assert ending == "answered" or expression not in plain, expression
    everything = house.sql.run(house.steward, "SELECT max(值) AS m, count(*) AS n FROM 台账").rows.to_pylist()
    assert everything[0]["n"] == 1400
    assert SECRET not in str(everything)
