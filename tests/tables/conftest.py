"""A lake on a throw-away home: real metadata database (SQLite and PostgreSQL), real Delta tables, real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

from beijiang.access import Access
from beijiang.db import Database
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.evidence import Evidence
from beijiang.kit import SYSTEM, Actor, FixedClock, NotFound, new_id
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, Exit, GovernedTable, Lake, Tables, TableVersion, TableWritten, WriteMode

TABLE = "企业名录"
ORG = "org_market"
SCHEMA = pa.schema(
    [
        ("统一社会信用代码", pa.string()),
        ("企业名称", pa.string()),
        ("注册资本(万元)", pa.decimal128(14, 2)),
        ("_bj_file", pa.dictionary(pa.int32(), pa.string())),
        ("_bj_row", pa.int64()),
    ]
)


class ClosedGate:
    """A policy that lets nobody read: rows are not the subject here."""

    def open(
        self,
        actor: Actor,
        table: str,
        purpose: str,
        exit: Exit,  # noqa: A002 - the parameter of the port
        version: int | None = None,
    ) -> GovernedTable:
        raise NotFound("没有这张表", f"no table {table} for {actor.id}, {purpose}, {exit}, {version}")


@dataclass
class Bench:
    """The lake and the small words in which a test speaks to it."""

    settings: Settings
    db: Database
    engine: DuckDBEngine
    lake: Lake
    tables: Tables
    evidence: Evidence
    clock: FixedClock
    events: list[TableWritten] = field(default_factory=list)
    staged: int = 0

    @staticmethod
    def firms(start: int, stop: int, *, name: str = "企业", file: str = "f1") -> list[dict[str, Any]]:
        return [
            {
                "统一社会信用代码": f"91{i:06d}",
                "企业名称": f"{name}{i}",
                "注册资本(万元)": i,
                "_bj_file": file,
                "_bj_row": i,
            }
            for i in range(start, stop)
        ]

    def stage(self, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Path:
        folder = self.settings.home / "staging"
        folder.mkdir(exist_ok=True)
        self.staged += 1
        path = folder / f"{self.staged}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        return path

    def request(self, rows: list[dict[str, Any]], **words: Any) -> CommitRequest:
        schema = words.pop("schema", SCHEMA)
        values: dict[str, Any] = {
            "table": TABLE,
            "org_id": ORG,
            "staged": (self.stage(rows, schema),),
            "schema": schema,
            "mode": WriteMode.APPEND,
            "run_id": new_id("run"),
        }
        return CommitRequest(**{**values, **words})

    def commit(self, rows: list[dict[str, Any]], **words: Any) -> TableVersion:
        return self.tables.commit(words.pop("actor", SYSTEM), self.request(rows, **words))

    def rows(self, version: int | None = None, table: str = TABLE, columns: str = "*") -> list[dict[str, Any]]:
        query = sqlglot.parse_one(f"SELECT {columns} FROM lake.t ORDER BY 1, 2", dialect="duckdb")
        assert isinstance(query, exp.Query)
        return self.engine.fetch(query, {"t": self.lake.scan(self.lake.snapshot(table, version))}).to_pylist()

    def names(self, version: int | None = None) -> list[str]:
        return [row["企业名称"] for row in self.rows(version)]


def build(folder: Path, url: str | None = None) -> Bench:
    settings = Settings.for_tests(folder, **({"database_url": url} if url else {}))
    settings.home.mkdir(parents=True, exist_ok=True)
    db = Database(settings.metadata_url)
    db.create_all()
    clock = FixedClock(datetime(2026, 11, 23, 2, 0, tzinfo=UTC))
    evidence = Evidence(db, clock)
    engine = DuckDBEngine(settings)
    lake = Lake(settings.home / "lake", db)
    access = Access(db, evidence, clock, settings)
    tables = Tables(db, lake, engine, access, evidence, clock, policy=ClosedGate())
    bench = Bench(settings, db, engine, lake, tables, evidence, clock)
    db.subscribe(TableWritten, "test", bench.events.append)
    return bench


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    built = build(tmp_path, url)
    yield built
    built.engine.close()
    built.db.close()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    """The lake on SQLite, for what does not touch the metadata database."""
    built = build(tmp_path)
    yield built
    built.engine.close()
    built.db.close()


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], Bench]:
    """Build another process's view of the same home."""
    return lambda: build(tmp_path)
