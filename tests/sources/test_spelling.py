"""What a database writes in its own way is counted alike on both sides: its settings, its encoding, the edges of its types."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.ingest import Verdict
from beijiang.ingest.connectors.postgresql import _Grammar
from beijiang.ingest.service import fetching
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import SYSTEM

ROWS = """INSERT INTO t VALUES
  (1, '2026-11-27', '2026-11-27 08:00:00+08', '2026-11-27 08:00:00', 0.1, 1.1),
  (2, '0001-01-01', '0001-01-01 08:00:00+08', '0001-01-02 00:00:00', 1e300, 1e30),
  (3, '9999-12-31', '9999-12-31 23:59:59.999999+00', '9999-12-31 00:00:00.5', 'NaN', '-Infinity'),
  (4, '1970-01-01', '1970-01-01 00:00:00.1+00', '1986-05-04 02:30:00.000001', 123456789.123456789, 3.1415927),
  (5, '2000-02-29', '2000-02-29 23:59:59.12+00', '2000-02-29 23:59:59.123', -1e-7, 1e-7),
  (-6, NULL, NULL, NULL, NULL, NULL)"""
TABLE = "CREATE TABLE t (k bigint PRIMARY KEY, d date, m timestamptz, b timestamp, f float8, r real)"
ODD = """DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET datestyle TO ''German''', current_database());
  EXECUTE format('ALTER DATABASE %I SET timezone TO ''America/St_Johns''', current_database());
  EXECUTE format('ALTER DATABASE %I SET extra_float_digits TO -5', current_database());
END $$"""


@pytest.mark.parametrize("odd", [False, True])
def test_days_moments_and_numbers_are_counted_as_they_are_kept(department: Any, *, odd: bool) -> None:
    department.sql(TABLE, ROWS, *([ODD] if odd else []))
    department.connect()
    department.take("t", "表")
    proof = department.certificate(department.run("表"))
    assert (proof.verdict, proof.body["counted_by"]) == (Verdict.EQUAL, "source")
    assert "landed" not in proof.body, "the source's own count is the table's: no other had to be asked"
    assert department.platform.sources.verify(SYSTEM, "表").verdict is Verdict.EQUAL
    assert department.rows("表", "k, CAST(d AS VARCHAR) AS d, f")[2] == {"k": 2, "d": "0001-01-01", "f": 1e300}


def test_a_float_is_read_as_it_is_only_where_its_text_says_all_of_it() -> None:
    column: sa.ColumnClause[Any] = sa.column("f", sa.Double())
    spec = ColumnSpec("f", ColumnType.DOUBLE)
    assert _Grammar("UTC", exact=True).read(column, spec) is column
    assert str(_Grammar("UTC").read(column, spec)) == "CAST(CAST(f AS TEXT) AS DOUBLE)", "as it is counted"


def test_days_beyond_the_years_are_set_aside_and_explained(department: Any) -> None:
    department.sql(
        TABLE,
        ROWS,
        "INSERT INTO t (k, d) SELECT g, '2026-11-27' FROM generate_series(100, 199) g",
        "INSERT INTO t (k, d) VALUES (7, 'infinity'), (8, '0044-03-15 BC')",
        "INSERT INTO t (k, m) VALUES (9, '-infinity')",
        "INSERT INTO t (k, b) VALUES (10, '12026-01-01')",
    )
    department.connect()
    department.take("t", "表")
    run = department.run("表")
    proof = department.certificate(run)
    assert (proof.verdict, proof.body["set_aside"], run.report["rows"]) == (Verdict.EXPLAINED, 4, 106)
    assert proof.body["landed"] == proof.body["source"], "what did not fit arrived as the source counted it"


def test_a_database_in_another_encoding_is_counted_by_its_letters(department: Any) -> None:
    name = f"latin_{department.url.database}"
    with department.database.connect().execution_options(isolation_level="AUTOCOMMIT") as there:
        there.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
    other = sa.create_engine(department.url.set(database=name), poolclass=sa.NullPool)
    with other.begin() as there:
        there.exec_driver_sql("CREATE TABLE t (k text PRIMARY KEY, v text)")
        there.exec_driver_sql("INSERT INTO t VALUES ('é', 'größer'), ('e', 'plain')")
    other.dispose()
    department.connect(database=name)
    department.take("t", "表")
    assert department.certificate(department.run("表")).verdict is Verdict.EQUAL
    assert department.rows("表") == [{"k": "e", "v": "plain"}, {"k": "é", "v": "größer"}]


@pytest.mark.parametrize("held", [0, 1 << 20])
def test_rows_are_the_same_from_memory_and_from_what_landed(
    department: Any, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """A limit that the rows pass in their middle, or that they pass at once."""
    monkeypatch.setattr(fetching, "_HELD", held)
    department.sql(
        "CREATE TABLE t (k int PRIMARY KEY, v text, n numeric(6,2))",
        "INSERT INTO t SELECT g, repeat(md5(g::text), 20), g / 100.0 FROM generate_series(1, 70000) g",
    )
    department.connect()
    department.take("t", "表")
    run = department.run("表")
    assert department.certificate(run).verdict is Verdict.EQUAL
    assert run.report["rows"] == 70_000
    (held_now,) = department.rows("表", "count(*) AS c, count(DISTINCT v) AS v, sum(n) AS n")
    assert (held_now["c"], held_now["v"], float(held_now["n"])) == (70_000, 70_000, 24_500_350.0)
