"""All SQL on alerts and promises of freshness, and the facts that freshness is judged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
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

from beijiang.db import JsonDocument, Shelf, UtcDateTime, age_of, metadata, part_of
from beijiang.ingest.models import Alert, AlertKind, Promised, RunDot, RunState
from beijiang.ingest.store.metadata import ingest_run
from beijiang.ingest.store.turns import ingest_turn
from beijiang.kit import Part, Text

if TYPE_CHECKING:
    from beijiang.kit import Wanted

__all__ = ["AlertStore", "FreshnessStore"]

ingest_alert = Table(
    "ingest_alert",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("kind", String(30), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("text", JsonDocument, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", String(200)),
    Column("answer", String(1000)),
    Column("closed_at", UtcDateTime),
)
Index(
    "uq_ingest_alert_open",
    ingest_alert.c.kind,
    ingest_alert.c.subject,
    unique=True,
    sqlite_where=ingest_alert.c.closed_at.is_(None),
    postgresql_where=ingest_alert.c.closed_at.is_(None),
)

_A: Final = ingest_alert.c

ingest_promise = Table(
    "ingest_promise",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("minutes", Integer, nullable=False),
    Column("grace_minutes", Integer, nullable=False),
    Column("working_days", Boolean, nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
)


class AlertStore:
    """Rows of alerts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, alert: Alert) -> None:
        """Store an alert; of one kind and subject there is one open."""
        values = {c.name: getattr(alert, c.name) for c in ingest_alert.c if c.name not in {"kind", "text"}}
        told = {"zh": alert.text.zh, "en": alert.text.en}
        self._connection.execute(insert(ingest_alert).values(**values, kind=alert.kind.value, text=told))

    def get(self, alert_id: str) -> Alert | None:
        """Return one alert."""
        row = self._connection.execute(select(ingest_alert).where(ingest_alert.c.id == alert_id)).one_or_none()
        return None if row is None else _alert(row)

    def open(self) -> dict[tuple[AlertKind, str], Alert]:
        """Return every open alert by its kind and subject."""
        rows = self._connection.execute(select(ingest_alert).where(ingest_alert.c.closed_at.is_(None)))
        return {(a.kind, a.subject): a for a in map(_alert, rows)}

    def standing(self, kind: AlertKind, subject: str) -> Alert | None:
        """Return the open alert of a kind and subject."""
        asked = select(ingest_alert).where(_A.kind == kind.value, _A.subject == subject, _A.closed_at.is_(None))
        row = self._connection.execute(asked).one_or_none()
        return None if row is None else _alert(row)

    def organisations(self) -> set[str]:
        """Return the departments that ever had an alert."""
        return set(self._connection.execute(select(ingest_alert.c.org_id).distinct()).scalars())

    def list(self, org_ids: Collection[str], *, closed: bool, limit: int) -> list[Alert]:
        """Return alerts of some departments, newest first; those that have closed too, if wanted."""
        query = select(ingest_alert).where(ingest_alert.c.org_id.in_(org_ids))
        if not closed:
            query = query.where(ingest_alert.c.closed_at.is_(None))
        return [_alert(row) for row in self._connection.execute(query.order_by(ingest_alert.c.id.desc()).limit(limit))]

    def part(self, wanted: Wanted, org_ids: Collection[str], now: datetime, *, closed: bool) -> Part[Alert]:
        """Return a part of the alerts of some departments, newest first; of those that have closed too, if wanted."""
        query = select(ingest_alert).where(_A.org_id.in_(org_ids))
        shelf = Shelf(
            rows=query if closed else query.where(_A.closed_at.is_(None)),
            columns={
                "kind": _A.kind,
                "text": _A.text["zh"].as_string(),
                "text_en": _A.text["en"].as_string(),
                "org": _A.org_id,
                "state": case(
                    (_A.closed_at.is_not(None), "closed"), (_A.acknowledged_at.is_not(None), "attended"), else_="open"
                ),
                "at": _A.opened_at,
                "by": _A.acknowledged_by,
                "answer": _A.answer,
                "closed": _A.closed_at,
                "age": age_of(_A.opened_at, now),
                "id": _A.id,
            },
            counted=("kind", "org", "state", "age"),
            words=("text", "text_en", "by", "answer", "id"),
            order=(_A.id.desc(),),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([_alert(row) for row in rows], found, counts)

    def unattended(self, org_ids: Collection[str]) -> int:
        """Count the open alerts of some departments that nobody looks after yet."""
        c = ingest_alert.c
        query = select(func.count()).where(c.org_id.in_(org_ids), c.closed_at.is_(None), c.acknowledged_at.is_(None))
        return int(self._connection.execute(query).scalar_one())

    def acknowledge(self, alert_id: str, by: str, answer: str, at: datetime) -> bool:
        """Note who has seen an alert; False where somebody had before."""
        query = update(ingest_alert).where(ingest_alert.c.id == alert_id, ingest_alert.c.acknowledged_at.is_(None))
        done = self._connection.execute(query.values(acknowledged_at=at, acknowledged_by=by, answer=answer))
        return bool(done.rowcount)

    def close(self, alert_id: str, at: datetime) -> bool:
        """Close an alert whose reason is gone; False where it was closed before."""
        query = update(ingest_alert).where(ingest_alert.c.id == alert_id, ingest_alert.c.closed_at.is_(None))
        return bool(self._connection.execute(query.values(closed_at=at)).rowcount)


class FreshnessStore:
    """Promises, and what runs have brought."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def promises(self) -> dict[str, Promised]:
        """Return what departments promised of their tables, by table."""
        return {
            row.table_name: Promised(
                interval=timedelta(minutes=row.minutes),
                grace=timedelta(minutes=row.grace_minutes),
                working_days=row.working_days,
                origin="own",
            )
            for row in self._connection.execute(select(ingest_promise))
        }

    def set_promise(self, table: str, values: Mapping[str, Any] | None) -> None:
        """Replace or (None) take back a promise."""
        self._connection.execute(delete(ingest_promise).where(ingest_promise.c.table_name == table))
        if values is not None:
            self._connection.execute(insert(ingest_promise).values(table_name=table, **values))

    def fresh_at(self) -> dict[str, datetime]:
        """Return of when each table's data are: when its last committed run began to read (files: when it ended)."""
        newest = (
            select(func.max(ingest_run.c.id))
            .where(ingest_run.c.state == RunState.COMMITTED.value)
            .group_by(ingest_run.c.table_name)
        )
        query = (
            select(ingest_run.c.table_name, ingest_turn.c.released_at, ingest_run.c.ended_at)
            .select_from(ingest_run.outerjoin(ingest_turn, ingest_turn.c.run_id == ingest_run.c.id))
            .where(ingest_run.c.id.in_(newest))
        )
        return {row.table_name: row.released_at or row.ended_at for row in self._connection.execute(query)}

    def dots(self, tables: Sequence[str], since: datetime) -> dict[str, list[RunDot]]:
        """Return the runs into some tables since a moment, oldest first."""
        query = (
            select(ingest_run.c.table_name, ingest_run.c.id, ingest_run.c.submitted_at, ingest_run.c.state)
            .where(ingest_run.c.table_name.in_(tables), ingest_run.c.submitted_at >= since)
            .order_by(ingest_run.c.id)
        )
        found: dict[str, list[RunDot]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.table_name, []).append(RunDot(row.id, row.submitted_at, RunState(row.state)))
        return found


def _alert(row: Row[Any]) -> Alert:
    known = {c.name: getattr(row, c.name) for c in ingest_alert.c if c.name not in {"kind", "text"}}
    return Alert(**known, kind=AlertKind(row.kind), text=Text(row.text["zh"], row.text["en"]))
