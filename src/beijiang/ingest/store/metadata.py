"""All SQL on the tables of ingest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from beijiang.db import JsonDocument, Shelf, UtcDateTime, age_of, metadata, number_of, part_of
from beijiang.ingest.models import IngestRequest, LandedFile, Run, RunMode, RunState
from beijiang.kit import Part, Wanted, new_id
from beijiang.kit.errors import JsonValue

__all__ = ["IngestStore"]

ingest_file = Table(
    "ingest_file",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("landed_at", UtcDateTime, nullable=False),
)

ingest_delivery = Table(
    "ingest_delivery",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("sha256", String(64), ForeignKey("ingest_file.sha256"), nullable=False),
    Column("org_id", String(40), nullable=False),
    Column("actor_id", String(40), nullable=False),
    Column("name", String(255), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_ingest_delivery_file", "sha256", "org_id"),
)

ingest_run = Table(
    "ingest_run",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("job_id", String(40), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("org_id", String(40), nullable=False),
    Column("actor_id", String(40), nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("mode", String(12), nullable=False),
    Column("key", JsonDocument, nullable=False),
    Column("request", JsonDocument, nullable=False),
    Column("state", String(12), nullable=False),
    Column("submitted_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("version", Integer),
    Column("report", JsonDocument),
    Column("error", JsonDocument),
    Column("quarantined", BigInteger, nullable=False, default=0),
    Index("ix_ingest_run_job", "job_id"),
    Index("ix_ingest_run_table", "table_name", "id"),
    Index("ix_ingest_run_org", "org_id", "id"),
)

ingest_run_file = Table(
    "ingest_run_file",
    metadata,
    Column("run_id", String(40), ForeignKey("ingest_run.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sha256", String(64), ForeignKey("ingest_file.sha256"), nullable=False),
    Column("name", String(255), nullable=False),
    Index("ix_ingest_run_file_sha256", "sha256"),
)

ingest_schema = Table(
    "ingest_schema",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("columns", JsonDocument, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

ingest_template = Table(
    "ingest_template",
    metadata,
    Column("org_id", String(40), primary_key=True),
    Column("table_name", String(200), primary_key=True),
    Column("header", JsonDocument, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

ingest_resolution = Table(
    "ingest_resolution",
    metadata,
    Column("run_id", String(40), ForeignKey("ingest_run.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("resolved_by", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

_BATCH = 5000
_IN = 500


class IngestStore:
    """Deliveries, runs, pinned schemas, header templates and resolutions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Deliveries

    def add_delivery(self, sha256: str, size: int, org_id: str, actor_id: str, name: str, at: datetime) -> None:
        """Note that a department handed in a file (again)."""
        if self._connection.execute(select(ingest_file.c.sha256).where(ingest_file.c.sha256 == sha256)).first() is None:
            self._connection.execute(insert(ingest_file).values(sha256=sha256, bytes=size, landed_at=at))
        row = {"id": new_id("dlv"), "sha256": sha256, "org_id": org_id, "actor_id": actor_id, "name": name, "at": at}
        self._connection.execute(insert(ingest_delivery).values(**row))

    def delivery(self, sha256: str, org_id: str | None = None) -> LandedFile | None:
        """Return the newest delivery of a file (by a department, if given)."""
        query = (
            select(ingest_delivery, ingest_file.c.bytes)
            .join(ingest_file, ingest_file.c.sha256 == ingest_delivery.c.sha256)
            .where(ingest_delivery.c.sha256 == sha256)
            .order_by(ingest_delivery.c.id.desc())
            .limit(1)
        )
        if org_id is not None:
            query = query.where(ingest_delivery.c.org_id == org_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _landed(row)

    def deliveries(self, org_id: str | None, limit: int) -> list[LandedFile]:
        """Return what was handed in, newest first."""
        query = (
            select(ingest_delivery, ingest_file.c.bytes)
            .join(ingest_file, ingest_file.c.sha256 == ingest_delivery.c.sha256)
            .order_by(ingest_delivery.c.id.desc())
            .limit(limit)
        )
        if org_id is not None:
            query = query.where(ingest_delivery.c.org_id == org_id)
        return [_landed(row) for row in self._connection.execute(query)]

    # Runs

    def add_run(  # one row and its files
        self,
        run_id: str,
        job_id: str,
        request: IngestRequest,
        files: Sequence[tuple[str, str]],
        *,
        actor: tuple[str, str],
        at: datetime,
    ) -> None:
        """Insert a queued run."""
        self._connection.execute(
            insert(ingest_run).values(
                id=run_id,
                job_id=job_id,
                table_name=request.into,
                org_id=request.org_id,
                actor_id=actor[0],
                actor_name=actor[1],
                mode=request.mode.value,
                key=[*request.key],
                request=request.to_json(),
                state=RunState.QUEUED.value,
                submitted_at=at,
            )
        )
        rows = [{"run_id": run_id, "position": i, "sha256": s, "name": n} for i, (s, n) in enumerate(files)]
        if rows:
            self._connection.execute(insert(ingest_run_file), rows)

    def add_deliveries(self, files: Mapping[str, tuple[int, str]], *, org_id: str, actor_id: str, at: datetime) -> None:
        """Note many files that a source delivered: SHA-256 to size and name."""
        shas = list(files)
        known: set[str] = set()
        for start in range(0, len(shas), _IN):
            query = select(ingest_file.c.sha256).where(ingest_file.c.sha256.in_(shas[start : start + _IN]))
            known.update(self._connection.execute(query).scalars())
        new = [{"sha256": s, "bytes": files[s][0], "landed_at": at} for s in shas if s not in known]
        told = [
            {"id": new_id("dlv"), "sha256": s, "org_id": org_id, "actor_id": actor_id, "name": files[s][1], "at": at}
            for s in shas
        ]
        if new:
            self._connection.execute(insert(ingest_file), new)
        if told:
            self._connection.execute(insert(ingest_delivery), told)

    def add_run_files(self, run_id: str, files: Sequence[tuple[str, str]]) -> None:
        """Name the files that a run from a source takes, once."""
        rows = [{"run_id": run_id, "position": i, "sha256": s, "name": n} for i, (s, n) in enumerate(files)]
        self._connection.execute(delete(ingest_run_file).where(ingest_run_file.c.run_id == run_id))
        if rows:
            self._connection.execute(insert(ingest_run_file), rows)

    def add_run_file(self, run_id: str, sha256: str, name: str) -> None:
        """Name another file that a run from a source has landed."""
        c = ingest_run_file.c
        position = self._connection.execute(select(func.count()).where(c.run_id == run_id)).scalar_one()
        values = {"run_id": run_id, "position": position, "sha256": sha256, "name": name}
        self._connection.execute(insert(ingest_run_file).values(**values))

    def run(self, run_id: str) -> Run | None:
        """Return one run."""
        row = self._connection.execute(select(ingest_run).where(ingest_run.c.id == run_id)).one_or_none()
        return None if row is None else self._runs([row])[0]

    def run_of_job(self, job_id: str) -> str | None:
        """Return the run that a job works on."""
        found: str | None = self._connection.execute(
            select(ingest_run.c.id).where(ingest_run.c.job_id == job_id)
        ).scalar_one_or_none()
        return found

    def request(self, run_id: str) -> IngestRequest:
        """Return what a run was asked to do."""
        value = self._connection.execute(select(ingest_run.c.request).where(ingest_run.c.id == run_id)).scalar_one()
        return IngestRequest.from_json(value)

    def runs(
        self, *, org_id: str | None = None, table: str | None = None, limit: int = 50, before: str | None = None
    ) -> list[Run]:
        """Return runs, newest first."""
        query = select(ingest_run).order_by(ingest_run.c.id.desc()).limit(limit)
        if org_id is not None:
            query = query.where(ingest_run.c.org_id == org_id)
        if table is not None:
            query = query.where(ingest_run.c.table_name == table)
        if before is not None:
            query = query.where(ingest_run.c.id < before)
        return self._runs(self._connection.execute(query).all())

    def open_runs(self, org_id: str | None) -> list[Run]:
        """Return the runs that never came to their report: they wait, go on, or their job ended without them."""
        query = select(ingest_run).where(ingest_run.c.ended_at.is_(None))
        rows = self._connection.execute(query if org_id is None else query.where(ingest_run.c.org_id == org_id))
        return [_run(row, ()) for row in rows]

    def part(self, wanted: Wanted, org_id: str | None, now: datetime, states: Mapping[str, RunState]) -> Part[Run]:
        """Return a part of the runs of a department (None: of all), newest first; ``states`` are told by their jobs."""
        told = {run_id: state.value for run_id, state in states.items()}
        state = case(told, value=ingest_run.c.id, else_=ingest_run.c.state) if told else ingest_run.c.state
        report = ingest_run.c.report
        good = (RunState.COMMITTED.value, RunState.CANCELLED.value)
        opened = (RunState.QUEUED.value, RunState.RUNNING.value)
        shelf = Shelf(
            rows=select(ingest_run) if org_id is None else select(ingest_run).where(ingest_run.c.org_id == org_id),
            columns={
                "table": ingest_run.c.table_name,
                "state": state,
                "outcome": case((state.in_(opened), "open"), (state.in_(good), "good"), else_="bad"),
                "read": number_of(report, "read"),
                "good": number_of(report, "good"),
                "bad": number_of(report, "bad"),
                "why": ingest_run.c.error["zh"].as_string(),
                "by": ingest_run.c.actor_name,
                "at": ingest_run.c.submitted_at,
                "ended": ingest_run.c.ended_at,
                "age": age_of(ingest_run.c.submitted_at, now),
                "id": ingest_run.c.id,
            },
            counted=("state", "outcome", "by", "age"),
            words=("table", "why", "id"),
            inner=[
                (
                    select(ingest_run_file.c.run_id)
                    .where(ingest_run_file.c.run_id == ingest_run.c.id)
                    .correlate(ingest_run),
                    ingest_run_file.c.name,
                )
            ],
            order=(ingest_run.c.id.desc(),),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part(self._runs(rows), found, counts)

    def set_state(self, run_id: str, state: RunState) -> None:
        """Move a run that has not ended to another state."""
        self._connection.execute(
            update(ingest_run)
            .where(ingest_run.c.id == run_id, ingest_run.c.ended_at.is_(None))
            .values(state=state.value)
        )

    def end_run(  # one row
        self,
        run_id: str,
        state: RunState,
        at: datetime,
        *,
        version: int | None = None,
        report: Mapping[str, JsonValue] | None = None,
        error: Mapping[str, JsonValue] | None = None,
        quarantined: int = 0,
    ) -> bool:
        """End a run once; False when it had ended before."""
        done = self._connection.execute(
            update(ingest_run)
            .where(ingest_run.c.id == run_id, ingest_run.c.ended_at.is_(None))
            .values(
                state=state.value,
                ended_at=at,
                version=version,
                report=dict(report) if report is not None else None,
                error=dict(error) if error is not None else None,
                quarantined=quarantined,
            )
        )
        return bool(done.rowcount)

    def quarantines(self, table: str) -> list[str]:
        """Return the ended runs into a table that set rows aside, newest first."""
        query = select(ingest_run.c.id).where(
            ingest_run.c.table_name == table, ingest_run.c.quarantined > 0, ingest_run.c.ended_at.is_not(None)
        )
        return list(self._connection.execute(query.order_by(ingest_run.c.id.desc())).scalars())

    def taken_in(self, table: str, files: Iterable[str]) -> dict[str, str]:
        """Return those files that a committed run has put into a table, each with its newest run."""
        query = (
            select(ingest_run_file.c.sha256, func.max(ingest_run.c.id))
            .join(ingest_run, ingest_run.c.id == ingest_run_file.c.run_id)
            .where(
                ingest_run.c.table_name == table,
                ingest_run.c.state == RunState.COMMITTED.value,
                ingest_run_file.c.sha256.in_(list(files)),
            )
            .group_by(ingest_run_file.c.sha256)
        )
        return {sha256: run_id for sha256, run_id in self._connection.execute(query)}  # noqa: C416  # rows are no pairs to mypy

    def runs_of_file(self, table: str, sha256: str) -> list[str]:
        """Return every committed run that put a file into a table, newest first."""
        query = (
            select(ingest_run.c.id)
            .join(ingest_run_file, ingest_run.c.id == ingest_run_file.c.run_id)
            .where(
                ingest_run.c.table_name == table,
                ingest_run.c.state == RunState.COMMITTED.value,
                ingest_run_file.c.sha256 == sha256,
            )
        )
        return list(self._connection.execute(query.order_by(ingest_run.c.id.desc())).scalars())

    # Schemas, templates, resolutions

    def schema(self, table: str) -> dict[str, Any] | None:
        """Return the pinned columns of a table."""
        query = select(ingest_schema.c.columns).where(ingest_schema.c.table_name == table)
        found: dict[str, Any] | None = self._connection.execute(query).scalar_one_or_none()
        return found

    def pin_schema(self, table: str, columns: Mapping[str, Any], at: datetime) -> None:
        """Pin the columns of a table as its newest version has them."""
        self._connection.execute(delete(ingest_schema).where(ingest_schema.c.table_name == table))
        self._connection.execute(insert(ingest_schema).values(table_name=table, columns=dict(columns), updated_at=at))

    def template(self, org_id: str, table: str) -> dict[str, Any] | None:
        """Return how the last good file of a supplier for a table was laid out."""
        query = select(ingest_template.c.header).where(
            ingest_template.c.org_id == org_id, ingest_template.c.table_name == table
        )
        found: dict[str, Any] | None = self._connection.execute(query).scalar_one_or_none()
        return found

    def remember_template(self, org_id: str, table: str, header: Mapping[str, Any], at: datetime) -> None:
        """Remember a layout for the next file of the same supplier."""
        where = (ingest_template.c.org_id == org_id, ingest_template.c.table_name == table)
        self._connection.execute(delete(ingest_template).where(*where))
        row = {"org_id": org_id, "table_name": table, "header": dict(header), "updated_at": at}
        self._connection.execute(insert(ingest_template).values(**row))

    def resolved(self, run_id: str) -> dict[int, str]:
        """Return the quarantined rows of a run that a later run has resolved."""
        query = select(ingest_resolution.c.seq, ingest_resolution.c.resolved_by)
        rows = self._connection.execute(query.where(ingest_resolution.c.run_id == run_id))
        return {int(row.seq): str(row.resolved_by) for row in rows}

    def resolve(self, run_id: str, rows: Sequence[int], resolved_by: str, at: datetime) -> None:
        """Note that a later run brought good rows for quarantined ones."""
        values = [{"run_id": run_id, "seq": seq, "resolved_by": resolved_by, "at": at} for seq in rows]
        for start in range(0, len(values), _BATCH):
            self._connection.execute(insert(ingest_resolution), values[start : start + _BATCH])

    def _runs(self, rows: Sequence[Row[Any]]) -> list[Run]:
        """Make runs of rows; their files are read for many at a time."""
        c = ingest_run_file.c
        files: dict[str, list[tuple[str, str]]] = {row.id: [] for row in rows}
        for start in range(0, len(rows), _BATCH):
            ids = [row.id for row in rows[start : start + _BATCH]]
            query = select(c.run_id, c.sha256, c.name).where(c.run_id.in_(ids)).order_by(c.run_id, c.position)
            for one in self._connection.execute(query):
                files[one.run_id].append((one.sha256, one.name))
        return [_run(row, files[row.id]) for row in rows]


def _told(error: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    """Leave out whom a change touches, which was kept once as whoever ran it could see it: each reader is told anew."""
    detail = None if error is None else error.get("detail")
    if error is None or not isinstance(detail, dict):
        return error
    return error | {"detail": {name: value for name, value in detail.items() if name != "affected"}}


def _run(row: Row[Any], files: Sequence[tuple[str, str]]) -> Run:
    return Run(
        id=row.id,
        job_id=row.job_id,
        table=row.table_name,
        org_id=row.org_id,
        actor_name=row.actor_name,
        mode=RunMode(row.mode),
        key=tuple(row.key),
        files=tuple(files),
        state=RunState(row.state),
        submitted_at=row.submitted_at,
        ended_at=row.ended_at,
        version=row.version,
        report=row.report or {},
        error=_told(row.error),
    )


def _landed(row: Row[Any]) -> LandedFile:
    return LandedFile(sha256=row.sha256, name=row.name, bytes=row.bytes, at=row.at, org_id=row.org_id, again=True)
