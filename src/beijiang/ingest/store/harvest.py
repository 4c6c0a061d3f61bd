"""All SQL on harvests: setups, runs, records, outcomes, mappings and followed files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.ingest.models import (
    HarvestFile,
    HarvestRecord,
    HarvestRun,
    HarvestSetup,
    HarvestState,
    MapKind,
    MapRule,
    Outcome,
    OutcomeKind,
    RecordState,
)

__all__ = ["HarvestStore"]

ingest_harvest = Table(
    "ingest_harvest",
    metadata,
    Column("source_id", String(40), primary_key=True),
    Column("trusted_by", String(200), nullable=False),
    Column("withdraw_after", Integer, nullable=False),
)

ingest_harvest_run = Table(
    "ingest_harvest_run",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("source_id", String(40), nullable=False),
    Column("source_name", String(100), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("job_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("submitted_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("pages", Integer, nullable=False),
    Column("position", JsonDocument),
    Column("total", BigInteger),
    Column("accept_vanished", Boolean, nullable=False),
    Column("counts", JsonDocument, nullable=False),
    Column("warnings", JsonDocument, nullable=False),
    Column("error", JsonDocument),
    Index("ix_ingest_harvest_run_job", "job_id"),
    Index("ix_ingest_harvest_run_source", "source_id", "id"),
)

ingest_harvest_record = Table(
    "ingest_harvest_record",
    metadata,
    Column("source_id", String(40), primary_key=True),
    Column("guid", String(500), primary_key=True),
    Column("title", String(400), nullable=False),
    Column("url", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("resource_id", String(32)),
    Column("digest", String(64), nullable=False),
    Column("told", JsonDocument, nullable=False),
    Column("page", String(64), nullable=False),
    Column("place", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("missed_in", Integer, nullable=False),  # the harvest that counted it last: a resumed one counts once
    Column("reason", JsonDocument),
    Column("first_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("to_release", Boolean, nullable=False),
    Index("ix_ingest_harvest_record_resource", "resource_id"),
    Index("ix_ingest_harvest_record_state", "source_id", "state", "guid"),
)

ingest_harvest_outcome = Table(
    "ingest_harvest_outcome",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("guid", String(500), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("title", String(400), nullable=False),
    Column("reason", JsonDocument),
)

ingest_harvest_map = Table(
    "ingest_harvest_map",
    metadata,
    Column("source_id", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("value", String(400), primary_key=True),
    Column("target", String(100), nullable=False),
    Column("decided_by", String(200), nullable=False),
)

ingest_harvest_file = Table(
    "ingest_harvest_file",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("source_id", String(40), nullable=False),
    Column("guid", String(500), nullable=False),
    Column("url", Text, nullable=False),
    Column("table_name", String(200), nullable=False, unique=True),
    Column("etag", String(500), nullable=False),
    Column("modified", String(100), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("run_id", String(40)),
    Column("checked_at", UtcDateTime),
    Column("error", JsonDocument),
    UniqueConstraint("table_name"),
)

_run, _record, _outcome = ingest_harvest_run.c, ingest_harvest_record.c, ingest_harvest_outcome.c
_HELD = (RecordState.ACTIVE.value, RecordState.FAILED.value)
_SOME = 400


class HarvestStore:
    """Rows of harvests; takes the connection of whoever opened the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Setups

    def setup(self, source_id: str) -> HarvestSetup:
        """Return how a source is harvested."""
        query = select(ingest_harvest).where(ingest_harvest.c.source_id == source_id)
        row = self._connection.execute(query).one_or_none()
        return (
            HarvestSetup()
            if row is None
            else HarvestSetup(trusted_by=row.trusted_by, withdraw_after=row.withdraw_after)
        )

    def keep_setup(self, source_id: str, setup: HarvestSetup) -> None:
        """Store how a source is harvested."""
        self._connection.execute(delete(ingest_harvest).where(ingest_harvest.c.source_id == source_id))
        values = {"trusted_by": setup.trusted_by, "withdraw_after": setup.withdraw_after}
        self._connection.execute(insert(ingest_harvest).values(source_id=source_id, **values))

    # Runs

    def add_run(self, values: Mapping[str, Any]) -> None:
        """Store a queued harvest."""
        self._connection.execute(insert(ingest_harvest_run).values(**values))

    def run(self, run_id: str) -> HarvestRun | None:
        """Return one harvest, by its id or its job."""
        where = (_run.id == run_id) | (_run.job_id == run_id)
        row = self._connection.execute(select(ingest_harvest_run).where(where)).one_or_none()
        return None if row is None else _run_of(row)

    def runs(self, *, source_id: str | None, org_id: str | None, limit: int) -> list[HarvestRun]:
        """Return harvests of a source, of a department, or all, newest first."""
        query = select(ingest_harvest_run).order_by(_run.id.desc()).limit(limit)
        if source_id is not None:
            query = query.where(_run.source_id == source_id)
        if org_id is not None:
            query = query.where(_run.org_id == org_id)
        return [_run_of(row) for row in self._connection.execute(query)]

    def last_number(self, source_id: str) -> int:
        """Return the number of the newest harvest of a source, 0 if there was none."""
        query = select(func.max(_run.number)).where(_run.source_id == source_id)
        return int(self._connection.execute(query).scalar() or 0)

    def set_run(self, run_id: str, **values: Any) -> bool:
        """Change a harvest that has not ended; tell whether it was so."""
        query = update(ingest_harvest_run).where(_run.id == run_id, _run.ended_at.is_(None)).values(**values)
        return bool(self._connection.execute(query).rowcount)

    def advance(self, run: HarvestRun, values: Mapping[str, Any]) -> bool:
        """Go on to the next page, if nobody else did; tell whether nobody did."""
        where = (_run.id == run.id) & (_run.pages == run.pages) & _run.ended_at.is_(None)
        changed = self._connection.execute(update(ingest_harvest_run).where(where).values(**values))
        return bool(changed.rowcount)

    # Records

    def known(self, source_id: str, guids: Sequence[str]) -> dict[str, HarvestRecord]:
        """Return those of some records that were met before."""
        found: dict[str, HarvestRecord] = {}
        for begin in range(0, len(guids), _SOME):
            some = list(guids[begin : begin + _SOME])
            query = select(ingest_harvest_record).where(_record.source_id == source_id, _record.guid.in_(some))
            found |= {row.guid: _record_of(row) for row in self._connection.execute(query)}
        return found

    def add_records(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store records that were met for the first time."""
        if rows:
            self._connection.execute(insert(ingest_harvest_record), [dict(row) for row in rows])

    def change_records(self, source_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store what changed of records, each with its ``guid``."""
        for row in rows:
            values = {name: value for name, value in row.items() if name not in {"guid", "source_id"}}
            query = update(ingest_harvest_record).where(_record.source_id == source_id, _record.guid == row["guid"])
            self._connection.execute(query.values(**values))

    def mark_seen(self, source_id: str, guids: Sequence[str], number: int) -> None:
        """Note that a harvest has met records and found them as they were."""
        for begin in range(0, len(guids), _SOME):
            some = list(guids[begin : begin + _SOME])
            query = update(ingest_harvest_record).where(_record.source_id == source_id, _record.guid.in_(some))
            self._connection.execute(query.values(seen=number, missed=0))

    def unseen(self, source_id: str, number: int) -> tuple[int, int]:
        """Return how many records a harvest did not meet, and how many there are."""
        where = (_record.source_id == source_id) & _record.state.in_(_HELD)
        count = select(func.count()).select_from(ingest_harvest_record).where(where)
        gone = self._connection.execute(count.where(_record.seen < number)).scalar_one()
        return int(gone), int(self._connection.execute(count).scalar_one())

    def missing(self, source_id: str, number: int, limit: int) -> list[HarvestRecord]:
        """Return records that a harvest did not meet and that have not been counted as missing in it."""
        where = (_record.source_id == source_id) & (_record.seen < number) & (_record.missed_in < number)
        query = select(ingest_harvest_record).where(where, _record.state != RecordState.WITHDRAWN.value).limit(limit)
        return [_record_of(row) for row in self._connection.execute(query)]

    def to_release(self, source_id: str, limit: int) -> list[HarvestRecord]:
        """Return records whose entries are to be published."""
        query = select(ingest_harvest_record).where(_record.source_id == source_id, _record.to_release.is_(True))
        return [_record_of(row) for row in self._connection.execute(query.order_by(_record.guid).limit(limit))]

    def release_none(self, source_id: str) -> None:
        """Note that no record waits to have its entry published."""
        query = update(ingest_harvest_record).where(_record.source_id == source_id, _record.to_release.is_(True))
        self._connection.execute(query.values(to_release=False))

    def records(
        self, source_id: str, *, state: RecordState | None = None, words: str = "", after: str = "", limit: int = 100
    ) -> list[HarvestRecord]:
        """Return records of a source by guid, from ``after`` on."""
        query = select(ingest_harvest_record).where(_record.source_id == source_id, _record.guid > after)
        if state is not None:
            query = query.where(_record.state == state.value)
        if words:
            named = _record.title.icontains(words, autoescape=True) | _record.guid.icontains(words, autoescape=True)
            query = query.where(named)
        return [_record_of(row) for row in self._connection.execute(query.order_by(_record.guid).limit(limit))]

    def counts(self, source_id: str) -> dict[str, int]:
        """Return how many records are in which state."""
        query = select(_record.state, func.count()).where(_record.source_id == source_id).group_by(_record.state)
        return {state: int(count) for state, count in self._connection.execute(query)}

    def record_of(self, resource_id: str) -> HarvestRecord | None:
        """Return the record that an entry of the catalog came from."""
        query = select(ingest_harvest_record).where(_record.resource_id == resource_id).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _record_of(row)

    # Outcomes

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Store what a harvest did; again is harmless."""
        guids = list({o.guid for o in outcomes})
        for begin in range(0, len(guids), _SOME):
            where = (_outcome.run_id == outcomes[0].run_id) & _outcome.guid.in_(guids[begin : begin + _SOME])
            kinds = _outcome.kind.in_(sorted({o.kind.value for o in outcomes}))
            self._connection.execute(delete(ingest_harvest_outcome).where(where & kinds))
        rows = [
            {"run_id": o.run_id, "guid": o.guid, "kind": o.kind.value, "title": o.title, "reason": o.reason}
            for o in {(o.guid, o.kind): o for o in outcomes}.values()
        ]
        if rows:
            self._connection.execute(insert(ingest_harvest_outcome), rows)

    def outcomes(self, run_id: str, kind: OutcomeKind | None, after: tuple[str, str], limit: int) -> list[Outcome]:
        """Return what a harvest did, by guid and kind, from ``after`` on."""
        later = (_outcome.guid > after[0]) | ((_outcome.guid == after[0]) & (_outcome.kind > after[1]))
        query = select(ingest_harvest_outcome).where(_outcome.run_id == run_id, later)
        if kind is not None:
            query = query.where(_outcome.kind == kind.value)
        rows = self._connection.execute(query.order_by(_outcome.guid, _outcome.kind).limit(limit))
        return [
            Outcome(run_id=r.run_id, guid=r.guid, kind=OutcomeKind(r.kind), title=r.title, reason=r.reason)
            for r in rows
        ]

    # Mappings

    def rules(self, source_id: str) -> list[MapRule]:
        """Return how words of a source are put into our terms."""
        query = select(ingest_harvest_map).where(ingest_harvest_map.c.source_id == source_id)
        rows = self._connection.execute(query.order_by(ingest_harvest_map.c.kind, ingest_harvest_map.c.value))
        return [MapRule(kind=MapKind(r.kind), value=r.value, target=r.target, decided_by=r.decided_by) for r in rows]

    def keep_rule(self, source_id: str, rule: MapRule) -> None:
        """Store how one word is put into our terms."""
        c = ingest_harvest_map.c
        where = (c.source_id == source_id) & (c.kind == rule.kind.value) & (c.value == rule.value)
        self._connection.execute(delete(ingest_harvest_map).where(where))
        values = {"kind": rule.kind.value, "value": rule.value, "target": rule.target, "decided_by": rule.decided_by}
        self._connection.execute(insert(ingest_harvest_map).values(source_id=source_id, **values))

    def note_guess(self, source_id: str, rule: MapRule) -> None:
        """Store a guess, unless the word is known: what a steward decides meanwhile is never undone."""
        c = ingest_harvest_map.c
        where = (c.source_id == source_id) & (c.kind == rule.kind.value) & (c.value == rule.value)
        if self._connection.execute(select(c.value).where(where)).first() is None:
            self.keep_rule(source_id, rule)

    # Files

    def add_file(self, file: HarvestFile) -> None:
        """Store that a distribution is followed; a table has at most one."""
        values = {c.name: getattr(file, c.name, None) for c in ingest_harvest_file.c if c.name != "table_name"}
        self._connection.execute(insert(ingest_harvest_file).values(**values, table_name=file.table))

    def change_file(self, file_id: str, **values: Any) -> None:
        """Store what is known of a followed file."""
        self._connection.execute(
            update(ingest_harvest_file).where(ingest_harvest_file.c.id == file_id).values(**values)
        )

    def forget_file(self, file_id: str) -> None:
        """Stop following a distribution."""
        self._connection.execute(delete(ingest_harvest_file).where(ingest_harvest_file.c.id == file_id))

    def files(self, source_id: str, guid: str | None = None) -> list[HarvestFile]:
        """Return the followed files of a source, or of one of its records."""
        query = select(ingest_harvest_file).where(ingest_harvest_file.c.source_id == source_id)
        if guid is not None:
            query = query.where(ingest_harvest_file.c.guid == guid)
        rows = self._connection.execute(query.order_by(ingest_harvest_file.c.id)).mappings()
        return [HarvestFile(**{"table" if n == "table_name" else n: v for n, v in row.items()}) for row in rows]


def _run_of(row: Row[Any]) -> HarvestRun:
    values = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names
    return HarvestRun(**{**values, "state": HarvestState(row.state), "warnings": tuple(row.warnings)})


def _record_of(row: Row[Any]) -> HarvestRecord:
    values = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names
    del values["missed_in"]
    return HarvestRecord(**{**values, "state": RecordState(row.state)})
