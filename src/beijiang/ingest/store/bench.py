"""All SQL on mending: where each quarantined row stands, its corrections, what went back to suppliers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.ingest.models import Fix, FixDone, MendState, RunMode, RunState, Sending, SyncMode
from beijiang.ingest.store.metadata import ingest_resolution, ingest_run
from beijiang.ingest.store.sources import ingest_certificate, ingest_sync

__all__ = ["BenchStore", "Correction", "Mend"]

ingest_mending = Table(
    "ingest_mending",
    metadata,
    Column("run_id", String(40), ForeignKey("ingest_run.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("state", String(12), nullable=False),
    Column("note", Text, nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("sending", String(40)),
    Column("replay", String(40)),
    Column("line", BigInteger),
    Column("outcome", String(20)),
    Index("ix_ingest_mending_replay", "replay", "line"),
    Index("ix_ingest_mending_sending", "sending"),
)

ingest_correction = Table(
    "ingest_correction",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(40), ForeignKey("ingest_run.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("fix_id", String(40)),
    Column("column", String(400), nullable=False),
    Column("value", Text, nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_ingest_correction_row", "run_id", "seq"),
    Index("ix_ingest_correction_fix", "fix_id"),
)

ingest_fix = Table(
    "ingest_fix",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False, index=True),
    Column("org_id", String(60), nullable=False),
    Column("fix", JsonDocument, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

ingest_sending = Table(
    "ingest_sending",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("table_name", String(200), nullable=False, index=True),
    Column("org_id", String(60), nullable=False),
    Column("note", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

_BATCH = 5000
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Mend:
    """Where one row stands, as stored."""

    state: MendState
    note: str
    by: str
    at: datetime
    sending: str | None
    replay: str | None
    line: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One new text for one cell."""

    run_id: str
    seq: int
    column: str
    value: str
    fix_id: str | None = None


@dataclass(slots=True)
class RunCount:
    """How many rows of one run stand where."""

    run_id: str
    table: str
    org_id: str
    bad: int
    resolved: int = 0
    states: dict[str, int] = field(default_factory=dict)


class BenchStore:
    """Rows of the bench."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Where rows stand

    def mends(self, run_id: str, seqs: Iterable[int] | None = None) -> dict[int, Mend]:
        """Return what is known of rows of a run (of some of them)."""
        query = select(ingest_mending).where(ingest_mending.c.run_id == run_id)
        if seqs is None:
            return {row.seq: _mend(row) for row in self._connection.execute(query)}
        return {
            row.seq: _mend(row)
            for part in _parts(seqs)
            for row in self._connection.execute(query.where(ingest_mending.c.seq.in_(part)))
        }

    def put(self, run_id: str, seqs: Sequence[int], state: MendState, **values: Any) -> None:
        """Say where rows stand; ``values`` are the other columns to set."""
        known = set(self.mends(run_id, seqs))
        fresh = [{"run_id": run_id, "seq": s, "state": state.value, **values} for s in seqs if s not in known]
        for part in _parts(known):
            where = (ingest_mending.c.run_id == run_id, ingest_mending.c.seq.in_(part))
            self._connection.execute(update(ingest_mending).where(*where).values(state=state.value, **values))
        for start in range(0, len(fresh), _BATCH):
            self._connection.execute(insert(ingest_mending), fresh[start : start + _BATCH])

    def forget(self, run_id: str, seqs: Sequence[int]) -> None:
        """Let rows stand where they stood before anybody touched them: sent back, if they were, else open."""
        for part in _parts(seqs):
            where = (ingest_mending.c.run_id == run_id, ingest_mending.c.seq.in_(part))
            sent = ingest_mending.c.sending.is_not(None)
            values = {"state": MendState.SENT_BACK.value, "replay": None, "line": None, "outcome": None}
            self._connection.execute(update(ingest_mending).where(*where, sent).values(**values))
            self._connection.execute(delete(ingest_mending).where(*where, ~sent))

    # Corrections

    def add_corrections(self, corrections: Sequence[Correction], by: str, at: datetime) -> None:
        """Keep new texts of cells; the newest of a cell counts."""
        rows = [
            {
                "run_id": c.run_id,
                "seq": c.seq,
                "column": c.column,
                "value": c.value,
                "fix_id": c.fix_id,
                "actor_name": by,
                "at": at,
            }
            for c in corrections
        ]
        for start in range(0, len(rows), _BATCH):
            self._connection.execute(insert(ingest_correction), rows[start : start + _BATCH])

    def drafts(self, run_id: str, seqs: Iterable[int]) -> dict[int, dict[str, str]]:
        """Return the corrected cells of rows of a run."""
        found: dict[int, dict[str, str]] = {}
        query = select(ingest_correction).where(ingest_correction.c.run_id == run_id).order_by(ingest_correction.c.id)
        for part in _parts(seqs):
            for row in self._connection.execute(query.where(ingest_correction.c.seq.in_(part))):
                found.setdefault(row.seq, {})[row.column] = row.value
        return found

    def drop_drafts(self, run_id: str, seqs: Sequence[int]) -> None:
        """Forget every correction of rows."""
        for part in _parts(seqs):
            where = (ingest_correction.c.run_id == run_id, ingest_correction.c.seq.in_(part))
            self._connection.execute(delete(ingest_correction).where(*where))

    # One correction for many rows

    def add_fix(self, done: FixDone) -> None:
        """Keep what was done to many rows."""
        self._connection.execute(
            insert(ingest_fix).values(
                id=done.id,
                table_name=done.table,
                org_id=done.org_id,
                fix=done.fix.to_json(),
                rows=done.rows,
                actor_name=done.by,
                at=done.at,
            )
        )

    def fixes(self, *, table: str = "", fix_id: str = "", limit: int = 50) -> list[FixDone]:
        """Return what was done to many rows of a table, newest first; it cannot be undone once a row went in."""
        query = select(ingest_fix).order_by(ingest_fix.c.id.desc()).limit(limit)
        if table:
            query = query.where(ingest_fix.c.table_name == table)
        if fix_id:
            query = query.where(ingest_fix.c.id == fix_id)
        return [
            FixDone(
                id=row.id,
                table=row.table_name,
                org_id=row.org_id,
                fix=Fix.from_json(row.fix),
                rows=row.rows,
                by=row.actor_name,
                at=row.at,
                undoable=not self._gone_in(row.id),
            )
            for row in self._connection.execute(query)
        ]

    def _gone_in(self, fix_id: str) -> bool:
        joined = and_(
            ingest_resolution.c.run_id == ingest_correction.c.run_id, ingest_resolution.c.seq == ingest_correction.c.seq
        )
        query = select(ingest_correction.c.seq).join(ingest_resolution, joined)
        return self._connection.execute(query.where(ingest_correction.c.fix_id == fix_id).limit(1)).first() is not None

    def rows_of_fix(self, fix_id: str) -> dict[str, list[int]]:
        """Return the rows that a correction touched, by run."""
        query = select(ingest_correction.c.run_id, ingest_correction.c.seq).where(ingest_correction.c.fix_id == fix_id)
        found: dict[str, list[int]] = {}
        for row in self._connection.execute(query.distinct()):
            found.setdefault(row.run_id, []).append(row.seq)
        return found

    def drop_fix(self, fix_id: str) -> None:
        """Forget a correction of many rows."""
        self._connection.execute(delete(ingest_correction).where(ingest_correction.c.fix_id == fix_id))
        self._connection.execute(delete(ingest_fix).where(ingest_fix.c.id == fix_id))

    # Going back, and going in again

    def add_sending(self, sending: Sending) -> None:
        """Keep that rows went back to their supplier."""
        self._connection.execute(
            insert(ingest_sending).values(
                id=sending.id,
                table_name=sending.table,
                org_id=sending.org_id,
                note=sending.note,
                rows=sending.rows,
                actor_name=sending.by,
                at=sending.at,
            )
        )

    def sendings(self, *, table: str = "", sending_id: str = "", limit: int = 50) -> list[Sending]:
        """Return what went back, newest first, with what has come of it."""
        query = select(ingest_sending).order_by(ingest_sending.c.id.desc()).limit(limit)
        if table:
            query = query.where(ingest_sending.c.table_name == table)
        if sending_id:
            query = query.where(ingest_sending.c.id == sending_id)
        return [self._sending(row) for row in self._connection.execute(query).all()]

    def _sending(self, row: Row[Any]) -> Sending:
        joined = and_(ingest_resolution.c.run_id == ingest_mending.c.run_id, ingest_resolution.c.seq == ingest_mending.c.seq)  # fmt: skip
        query = select(ingest_resolution.c.resolved_by, func.count()).join(ingest_mending, joined)
        query = query.where(ingest_mending.c.sending == row.id).group_by(ingest_resolution.c.resolved_by)
        came = [(str(run), int(count)) for run, count in self._connection.execute(query)]
        return Sending(
            id=row.id,
            table=row.table_name,
            org_id=row.org_id,
            note=row.note,
            rows=row.rows,
            by=row.actor_name,
            at=row.at,
            back=sum(count for _, count in came),
            runs=tuple(sorted(run for run, _ in came)),
        )

    def rows_of_sending(self, sending_id: str) -> dict[str, list[int]]:
        """Return the rows that went back together, by run."""
        query = select(ingest_mending.c.run_id, ingest_mending.c.seq).where(ingest_mending.c.sending == sending_id)
        found: dict[str, list[int]] = {}
        for row in self._connection.execute(query.order_by(ingest_mending.c.run_id, ingest_mending.c.seq)):
            found.setdefault(row.run_id, []).append(row.seq)
        return found

    def claim(self, run_id: str, lines: Mapping[int, int], replay: str, free: Sequence[str]) -> int:
        """Mark mended rows as being on their way in, by number and line of the new file; return how many were free.

        A row that another run has on its way is left alone; ``free`` names runs that came to nothing.
        """
        taken = 0
        loose: ColumnElement[bool] = ingest_mending.c.replay.is_(None)
        if free:
            loose = or_(loose, ingest_mending.c.replay.in_(list(free)))
        for seq, line in lines.items():
            where = (ingest_mending.c.run_id == run_id, ingest_mending.c.seq == seq, loose)
            done = self._connection.execute(update(ingest_mending).where(*where).values(replay=replay, line=line))
            taken += done.rowcount
        return taken

    def claimed(self, replay: str) -> dict[str, dict[int, int]]:
        """Return the rows that a run takes in: by run, number to line of its file."""
        query = select(ingest_mending.c.run_id, ingest_mending.c.seq, ingest_mending.c.line)
        found: dict[str, dict[int, int]] = {}
        for row in self._connection.execute(query.where(ingest_mending.c.replay == replay)):
            found.setdefault(row.run_id, {})[row.seq] = row.line
        return found

    def origins(self, replay: str, lines: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return where lines of a replay come from: run and number."""
        query = select(ingest_mending.c.run_id, ingest_mending.c.seq, ingest_mending.c.line)
        return {
            row.line: (row.run_id, row.seq)
            for part in _parts(lines)
            for row in self._connection.execute(
                query.where(ingest_mending.c.replay == replay, ingest_mending.c.line.in_(part))
            )
        }

    def settle(self, replay: str, outcomes: Mapping[str, Sequence[int]]) -> None:
        """Write down what became of the rows of a replay: outcome to lines."""
        for outcome, lines in outcomes.items():
            for part in _parts(lines):
                where = (ingest_mending.c.replay == replay, ingest_mending.c.line.in_(part))
                self._connection.execute(update(ingest_mending).where(*where).values(outcome=outcome))

    # Counting

    def counts(self, org_id: str | None, table: str = "") -> list[RunCount]:
        """Return, for every run whose rows still count, how many stand where."""
        wanted = [ingest_run.c.quarantined > 0, ingest_run.c.ended_at.is_not(None)]
        if org_id is not None:
            wanted.append(ingest_run.c.org_id == org_id)
        if table:
            wanted.append(ingest_run.c.table_name == table)
        query = select(ingest_run.c.id, ingest_run.c.table_name, ingest_run.c.org_id, ingest_run.c.report).where(
            *wanted
        )
        newest = self.replaced(table)
        runs = {
            row.id: RunCount(row.id, row.table_name, row.org_id, int((row.report or {}).get("bad", 0)))
            for row in self._connection.execute(query)
            if row.id >= newest.get(row.table_name, "")
        }
        done = select(ingest_resolution.c.run_id, func.count()).join(ingest_run, ingest_run.c.id == ingest_resolution.c.run_id)  # fmt: skip
        for run_id, count in self._connection.execute(done.where(*wanted).group_by(ingest_resolution.c.run_id)):
            if run_id in runs:
                runs[run_id].resolved = count
        resolved = and_(ingest_resolution.c.run_id == ingest_mending.c.run_id, ingest_resolution.c.seq == ingest_mending.c.seq)  # fmt: skip
        left = (
            select(ingest_mending.c.run_id, ingest_mending.c.state, func.count())
            .join(ingest_run, ingest_run.c.id == ingest_mending.c.run_id)
            .join(ingest_resolution, resolved, isouter=True)
            .where(*wanted, ingest_resolution.c.seq.is_(None))
            .group_by(ingest_mending.c.run_id, ingest_mending.c.state)
        )
        for run_id, state, count in self._connection.execute(left):
            if run_id in runs:
                runs[run_id].states[state] = count
        return list(runs.values())

    def replaced(self, table: str = "") -> dict[str, str]:
        """Return, by table, the newest run that replaced it whole; with history kept, that held it against all of its source."""
        whole = (
            select(ingest_certificate.c.run_id)
            .join(ingest_sync, ingest_sync.c.id == ingest_certificate.c.sync_id)
            .where(ingest_sync.c.mode == SyncMode.FULL.value, ingest_certificate.c.run_id.is_not(None))
        )
        kept = and_(ingest_run.c.mode == RunMode.HISTORY.value, ingest_run.c.id.in_(whole))
        query = select(ingest_run.c.table_name, func.max(ingest_run.c.id)).where(
            or_(ingest_run.c.mode == RunMode.REPLACE.value, kept),
            ingest_run.c.state == RunState.COMMITTED.value,
            ingest_run.c.version.is_not(None),
        )
        if table:
            query = query.where(ingest_run.c.table_name == table)
        return {str(name): str(run) for name, run in self._connection.execute(query.group_by(ingest_run.c.table_name))}


def _parts(values: Iterable[int]) -> Iterable[list[int]]:
    whole = list(values)
    return [whole[start : start + _ASKED] for start in range(0, len(whole), _ASKED)]


def _mend(row: Row[Any]) -> Mend:
    return Mend(
        state=MendState(row.state),
        note=row.note,
        by=row.actor_name,
        at=row.at,
        sending=row.sending,
        replay=row.replay,
        line=row.line,
        outcome=row.outcome,
    )
