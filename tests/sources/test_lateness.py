"""How far back a run reads is learned from how late rows came, and keys that left are remembered."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from beijiang.build import Platform, build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.ingest.models import Lateness, learned
from beijiang.ingest.routes.sources import sources_router
from beijiang.ingest.typing import ColumnType
from beijiang.jobs import JobState
from beijiang.kit import SYSTEM, Actor, ActorKind, BeijiangError, NotFound
from beijiang.outbound import Target
from beijiang.settings import Settings


class Clock:
    """A clock that a test moves."""

    moment = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.moment

    def sleep_days(self, days: float) -> None:
        self.moment += dt.timedelta(days=days)


class Office:
    """A database with one table of notes, and the platform that takes it."""

    def __init__(self, platform: Platform, database: sa.Engine, clock: Clock) -> None:
        self.platform = platform
        self.database = database
        self.clock = clock

    def sql(self, *statements: str) -> None:
        with self.database.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def table(self, name: str, **words: Any) -> None:
        self.sql(
            f"DROP TABLE IF EXISTS {name}",
            f"CREATE TABLE {name} (k text PRIMARY KEY, v text, at timestamp)",
            f"INSERT INTO {name} SELECT 'k' || g, 'v', timestamp '2026-01-01 08:00' + g * interval '1 min' FROM generate_series(1, 500) g",
        )
        draft = SyncDraft(
            source_id="库", feed=f"public.{name}", table=name, mode=SyncMode.INCREMENTAL, cursor="at", **words
        )
        self.platform.sources.take(SYSTEM, draft)
        self.run(name)

    def run(self, name: str) -> dict[str, Any]:
        return self.finished(self.platform.sources.run(SYSTEM, name))

    def finished(self, run_id: str) -> dict[str, Any]:
        run = self.platform.ingest.wait(SYSTEM, run_id)
        assert run.error is None, run.error
        return run.report

    def overlap(self, name: str) -> Any:
        return self.platform.sources.plan(SYSTEM, name).overlap

    def add(self, name: str, key: str, minutes: float) -> None:
        """Add a row whose clock shows so many minutes after the beginning."""
        at = f"timestamp '2026-01-01 08:00' + {minutes} * interval '1 min'"
        self.sql(f"INSERT INTO {name} VALUES ('{key}', 'v', {at})")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Office]:
    platform = build(Settings.for_tests(tmp_path_factory.mktemp("home")))
    platform.first_start()
    clock = Clock()
    platform.ingest.clock = platform.sources.clock = clock  # before the first run takes it
    server, name = sa.make_url(postgres_server), f"t_{uuid.uuid4().hex}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    folder = str(server.query["host"])
    platform.sources.allow(SYSTEM, Target(folder=folder), "测试库")
    options = {"host": folder, "database": name, "user": "postgres", "tls": "off"}
    platform.sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=options))
    platform.jobs.start_worker()
    yield Office(platform, sa.create_engine(server.set(database=name), poolclass=sa.NullPool), clock)
    platform.close()
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_an_overlap_is_learned_and_widens_again_where_a_verification_finds_what_was_missed(office: Office) -> None:
    office.table("learns", overlap="auto")
    first = office.overlap("learns")
    assert first.size == "86400", "a day, until enough was seen"
    assert "10" in first.why.zh
    # Thirty commits out of order: each behind the position that a run has passed already.
    office.add("learns", "ahead", 600)
    office.run("learns")
    for number in range(30):
        office.add("learns", f"late{number}", 600 - 29 + number * 0.9)
    assert office.run("learns")["rows_added"] == 30
    for _ in range(8):
        office.clock.sleep_days(1)
        assert office.run("learns")["rows_added"] == 0
    learnt = office.overlap("learns")
    assert learnt.size == "3480", "twice the 29 minutes of the latest"
    assert "1740" in learnt.why.zh
    office.add("learns", "again", 600 - 50)
    assert office.run("learns")["rows_added"] == 1, "what comes a little later than ever is still within"
    assert office.overlap("learns").size == "6000"
    # A clock two hours behind: later than anything that was seen.
    office.add("learns", "clock", 600 - 120)
    assert office.run("learns")["rows_added"] == 0
    proof = office.platform.sources.verify(SYSTEM, "learns")
    assert (proof.verdict, proof.body["differences_found"]) == (Verdict.DIFFERENT, 1)
    wider = office.overlap("learns")
    assert wider.size == "14400"
    assert "核对" in wider.why.zh
    assert office.run("learns")["rows_added"] == 1, "the next run brings it, without reading everything"
    office.add("learns", "clock2", 600 - 121)
    assert office.run("learns")["rows_added"] == 1
    assert office.platform.sources.verify(SYSTEM, "learns").verdict is Verdict.EQUAL
    plan = office.platform.sources.plan(SYSTEM, "learns").to_json()
    assert plan["overlap"]["size"] == office.overlap("learns").size


@pytest.mark.parametrize(
    ("kind", "worst", "size"),
    [
        (ColumnType.TIMESTAMP, 0, "600"), (ColumnType.TIMESTAMP, 3600, "7200"), (ColumnType.TIMESTAMP, 10**8, "2592000"),
        (ColumnType.DATE, 0, "1"), (ColumnType.DATE, 4, "8"), (ColumnType.INTEGER, 3, "100"), (ColumnType.DECIMAL, 750.5, "1501"),
    ],
)  # fmt: skip
def test_the_bound_is_never_below_a_floor_nor_above_what_is_lateness(kind: ColumnType, worst: float, size: str) -> None:
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    seen = [
        Lateness(
            sync_id="s", run_id=f"r{n}", at=day + dt.timedelta(days=n), late=int(worst > 0), worst=worst, middle=worst
        )
        for n in range(12)
    ]
    assert learned(seen, kind).size == size


def test_keys_are_compared_at_every_so_many_runs_and_those_that_left_are_remembered(office: Office) -> None:
    office.table("keys", overlap="600", deletes=True, deletes_every=3)
    sources = office.platform.sources
    assert [c.keys for c in sources.comparisons(SYSTEM, "keys")] == [500], "the first run begins the count"
    office.sql("DELETE FROM keys WHERE k IN ('k7', 'k8')")
    assert [sources.plan(SYSTEM, "keys").compares_keys, office.run("keys")["rows"]] == [False, 500]
    assert office.run("keys")["rows"] == 500
    assert sources.plan(SYSTEM, "keys").compares_keys is True
    assert office.run("keys")["rows_removed"] == 2
    office.sql("DELETE FROM keys WHERE k = 'k9'", "INSERT INTO keys VALUES ('=1+1', 'v', '2026-01-01 16:20')")
    office.run("keys")
    office.sql("DELETE FROM keys WHERE k = '=1+1'")
    report = office.finished(sources.compare_keys(SYSTEM, "keys"))
    assert (report["rows_removed"], report["rows"]) == (2, 497)
    newest = sources.comparisons(SYSTEM, "keys")[0]
    assert (newest.keys, newest.gone) == (497, 2)
    left = sources.tombstones(SYSTEM, "keys")
    assert {t.key["k"] for t in left} == {"k7", "k8", "k9", "=1+1"}
    assert [t.key["k"] for t in sources.tombstones(SYSTEM, "keys", key=("k8",))] == ["k8"]
    assert len(sources.tombstones(SYSTEM, "keys", offset=1, limit=2)) == 2
    assert left[0].run_id == newest.run_id
    file = sources.tombstone_file(SYSTEM, "keys")
    lines = file.read_text("utf-8-sig").splitlines()
    file.unlink()
    assert lines[0] == "k,run,at,version"
    assert len(lines) == 5
    assert any(line.startswith("'=1+1,") for line in lines), "no formula"
    other = Actor(id="per_x", name="别人", kind=ActorKind.PERSON, org_id="health", roles=frozenset({"steward"}))
    with pytest.raises(BeijiangError):
        sources.tombstones(other, "keys")
    office.platform.sources.take(SYSTEM, SyncDraft(source_id="库", feed="public.keys", table="keys_full"))
    with pytest.raises(BeijiangError) as full:
        sources.compare_keys(SYSTEM, "keys_full")
    assert full.value.reason == "full_compares_everything"


def test_a_verification_is_a_job_that_may_be_watched_cancelled_and_mend(office: Office) -> None:
    office.table("proved", overlap="60")
    sources, jobs = office.platform.sources, office.platform.jobs
    office.sql("UPDATE proved SET v = 'planted' WHERE k = 'k42'")
    job = jobs.wait(sources.verify_later(SYSTEM, "proved"))
    assert (job.state, job.result["verdict"]) == (JobState.DONE, "different")
    found = sources.certificate_of(SYSTEM, sources.verification(SYSTEM, job.id))
    assert found.body["differences"] == [{"kind": "altered", "key": ["k42"], "columns": ["v"]}]
    assert "k42" not in json.dumps(job.to_json()), "jobs are seen by those who run the platform"
    job = jobs.wait(sources.verify_later(SYSTEM, "proved", repair=True))
    office.finished(job.result["run"])
    job = jobs.wait(sources.verify_later(SYSTEM, "proved", repair=True))
    assert (job.result["verdict"], "run" in job.result) == ("equal", False)
    jobs.stop()
    waiting = sources.verify_later(SYSTEM, "proved")
    assert sources.verify_later(SYSTEM, "proved") == waiting, "one at a time"
    assert [j.id for j in sources.verifications(SYSTEM, "proved")] == [waiting]
    assert sources.cancel_verification(SYSTEM, waiting).state is JobState.CANCELLED
    other = Actor(id="per_x", name="别人", kind=ActorKind.PERSON, org_id="health", roles=frozenset({"steward"}))
    with pytest.raises(BeijiangError) as hidden:
        sources.verification(other, waiting)
    assert hidden.value.reason == "verification_not_found"
    jobs.start_worker()
    sources.take(SYSTEM, SyncDraft(source_id="库", feed="public.proved", table="proved_full"))
    with pytest.raises(NotFound):  # never filled
        sources.verify_later(SYSTEM, "proved_full")


def test_the_same_over_http(office: Office) -> None:
    app = FastAPI()
    app.include_router(sources_router(office.platform.sources))

    @app.middleware("http")
    async def as_the_platform(request: Request, call_next: Any) -> Any:
        request.state.actor = SYSTEM
        return await call_next(request)

    jobs, client = office.platform.jobs, TestClient(app)
    office.table("spoken", overlap="auto", deletes=True, deletes_every=9)
    assert client.get("/api/v1/syncs/spoken/plan").json()["overlap"]["size"] == "86400"
    answer = client.post("/api/v1/syncs/spoken/verify", json={"repair": False})
    assert answer.status_code == 202
    jobs.wait(answer.json()["id"])
    done = client.get(f"/api/v1/verifications/{answer.json()['id']}").json()
    assert (done["state"], done["result"]["verdict"]) == ("done", "equal")
    assert client.post(f"/api/v1/verifications/{done['id']}/cancel").json()["state"] == "done"
    office.sql("DELETE FROM spoken WHERE k = 'k1'")
    run = client.post("/api/v1/syncs/spoken/compare-keys")
    assert run.status_code == 202
    office.finished(run.json()["id"])
    assert client.get("/api/v1/syncs/spoken/key-comparisons").json()["comparisons"][0]["gone"] == 1
    found = client.get("/api/v1/syncs/spoken/tombstones", params={"key": "k1"}).json()["tombstones"]
    assert [t["run"] for t in found] == [run.json()["id"]]
    lines = client.get("/api/v1/syncs/spoken/tombstones.csv").text.splitlines()
    assert lines[1].startswith("k1,run_")
