"""A department with two sources, a platform whose clock a test moves, and the few words in which a test speaks of both."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.ingest import Run, Schedule, ScheduleDraft, Slot, SourceDraft, SyncDraft, Timing
from beijiang.kit import SYSTEM, Actor, FixedClock
from beijiang.outbound import Target
from beijiang.settings import Settings

ORG = "education"
ZONE = ZoneInfo("Asia/Shanghai")
TABLES = ("学生", "教师", "学校", "班级", "课程")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@dataclass
class Office:
    """The platform, its clock and the department's files."""

    platform: Platform
    clock: FixedClock
    folder: Path
    steward: Actor

    def at(self, text: str) -> None:
        self.clock.at = local(text)

    def later(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))

    def plan(self, table: str, actor: Actor | None = None, *, retries: int = 3, **timing: Any) -> Schedule:
        draft = ScheduleDraft(timing=Timing.from_json(timing), retries=retries)
        return self.platform.schedules.add(actor or self.steward, table, draft)

    def tick(self) -> None:
        self.platform.dispatcher.tick()

    def settle(self) -> None:
        """Let all runs come to their end, and let the dispatcher know."""
        for run in self.runs()[:20]:
            assert self.platform.jobs.wait(run.job_id, timeout=240).ended
        self.tick()

    def open_runs(self) -> list[Run]:
        return [r for r in self.runs() if not r.ended]

    def runs(self, table: str | None = None) -> list[Run]:
        return self.platform.ingest.runs(SYSTEM, table=table, limit=500)

    def slots(self, schedule: Schedule) -> list[Slot]:
        return list(reversed(self.platform.schedules.slots(SYSTEM, schedule.id, 200)))

    def clear(self) -> None:
        """Take all schedules away, so that the next test begins anew."""
        for schedule in self.platform.schedules.schedules(SYSTEM):
            self.platform.schedules.remove(SYSTEM, schedule.id)
        for run in self.open_runs():
            self.platform.ingest.cancel(SYSTEM, run.id)
            assert self.platform.jobs.wait(run.job_id, timeout=240).ended


def fill(path: Path) -> None:
    with sqlite3.connect(path) as database:
        for table in TABLES:
            database.execute(f'CREATE TABLE "{table}" ("编号" TEXT PRIMARY KEY, "更新" DATETIME)')
            database.execute(f"""INSERT INTO "{table}" VALUES ('1', '2026-01-01 08:00'), ('2', '2026-02-01 08:00')""")
    database.close()


def furnish(platform: Platform, folder: Path) -> None:
    """Register a source over a file and take its tables."""
    folder.mkdir(exist_ok=True)
    fill(folder / "教育.db")
    platform.sources.allow(SYSTEM, Target(folder=str(folder)), "教育局的文件")
    path = {"path": str(folder / "教育.db")}
    platform.sources.add(SYSTEM, SourceDraft(name="教育库", kind="sqlite", org_id=ORG, options=path))
    for table in TABLES:
        platform.sources.take(SYSTEM, SyncDraft(source_id="教育库", feed=table, table=f"{table}表"))


@pytest.fixture(scope="session", name="furnish")
def furnish_fixture() -> Callable[[Platform, Path], None]:
    return furnish


@pytest.fixture(scope="module")
def database() -> str:
    """Which metadata database a module's office has; a module may ask for both."""
    return "sqlite"


@pytest.fixture(scope="module")
def home(request: pytest.FixtureRequest, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    changes = {}
    if database == "postgresql":
        server = request.getfixturevalue("postgres_server")
        name = f"t_{uuid.uuid4().hex}"
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        changes = {"database_url": server.replace("/postgres?", f"/{name}?")}
    clock = FixedClock(local("2025-09-25 10:00"))
    platform = build(Settings.for_tests(folder, **changes), clock)
    platform.first_start()
    furnish(platform, folder / "files")
    draft = PersonDraft(login="li", name="李专员", org_id=ORG, roles=frozenset({Role.STEWARD}))
    platform.access.add_person(SYSTEM, draft)
    platform.jobs.start_worker()
    yield Office(platform, clock, folder, platform.access.actor_for_person("li"))
    platform.close()


@pytest.fixture
def office(home: Office) -> Iterator[Office]:
    home.at("2025-09-25 10:00")
    yield home
    home.clear()
