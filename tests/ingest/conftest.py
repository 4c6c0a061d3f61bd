"""A hand-in desk on a throw-away home: real metadata database, real lake, real job engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlglot import exp

from beijiang.access import Access
from beijiang.db import Database
from beijiang.engine.duckdb import DuckDBEngine
from beijiang.evidence import Evidence
from beijiang.ingest import INGEST_JOB, Ingest, IngestRequest, Landing, Run
from beijiang.jobs import Jobs
from beijiang.kit import SYSTEM, Actor, NotFound, SystemClock
from beijiang.settings import Settings
from beijiang.standards import Standards
from beijiang.tables import HIDDEN, Exit, GovernedTable, Lake, Tables

ORG = "org_market"


class ClosedGate:
    """A policy that lets nobody read: rows are looked at in the lake itself here."""

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
class Desk:
    """The platform's intake and the small words in which a test speaks to it."""

    folder: Path
    settings: Settings
    db: Database
    lake: Lake
    tables: Tables
    jobs: Jobs
    ingest: Ingest
    evidence: Evidence
    engine: DuckDBEngine

    def file(self, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.folder / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    def land(self, *paths: Path) -> tuple[str, ...]:
        return tuple(self.ingest.land(SYSTEM, path, path.name, ORG).sha256 for path in paths)

    def take(self, paths: Path | Sequence[Path], into: str = "表", **how: Any) -> Run:
        chosen = [paths] if isinstance(paths, Path) else paths
        request = IngestRequest(files=self.land(*chosen), into=into, org_id=ORG, **how)
        return self.ingest.wait(SYSTEM, self.ingest.submit(SYSTEM, request))

    def rows(self, table: str = "表", *, places: bool = False) -> pl.DataFrame:
        snapshot = self.lake.snapshot(table)
        query = exp.select("*").from_(exp.Table(this=exp.to_identifier("t"), db=exp.to_identifier("lake")))
        frame = pl.from_arrow(self.engine.fetch(query, {"t": self.lake.scan(snapshot)}))
        assert isinstance(frame, pl.DataFrame)
        return frame if places else frame.drop([c for c in frame.columns if c in HIDDEN])

    def checksum(self, table: str = "表") -> str:
        """Digest of the visible cells, whatever the order of rows and columns."""
        frame = self.rows(table)
        frame = frame.select(sorted(frame.columns))
        return hashlib.sha256(frame.sort(frame.columns).write_csv(null_value="\0").encode()).hexdigest()

    def aside(self, run: Run) -> list[tuple[int, str | None, str]]:
        page = self.ingest.quarantine(SYSTEM, run_id=run.id, limit=1000)
        return sorted((row.line, row.column, row.reason) for row in page.rows)

    def close(self) -> None:
        self.jobs.stop()
        self.engine.close()
        self.evidence.close()
        self.db.close()


def open_desk(folder: Path, **changes: Any) -> Desk:
    settings = Settings.for_tests(folder, **changes)
    home = settings.home
    for name in ("lake", "landing", "staging", "evidence", "cache"):
        (home / name).mkdir(parents=True, exist_ok=True)
    db, clock = Database(settings.metadata_url), SystemClock()
    db.create_all()
    evidence = Evidence(db, clock, home / "evidence")
    access = Access(db, evidence, clock, settings)
    engine = DuckDBEngine(settings, (home / "lake", home / "staging"))
    lake = Lake(home / "lake", db)
    tables = Tables(db=db, lake=lake, engine=engine, access=access, evidence=evidence, clock=clock, policy=ClosedGate())
    jobs = Jobs(db, settings, clock, evidence, access)
    ingest = Ingest(db, Landing(home / "landing"), tables, jobs, access, evidence, Standards(), clock, settings)
    jobs.register(INGEST_JOB, ingest.work)
    return Desk(folder, settings, db, lake, tables, jobs, ingest, evidence, engine)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk on each kind of metadata database."""
    changes = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgres_url")}
    opened = open_desk(tmp_path, **changes)
    yield opened
    opened.close()
