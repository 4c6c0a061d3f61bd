"""Alerts of readings and their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, func, insert, select, update

from beijiang.db import JsonDocument, UtcDateTime, metadata
from beijiang.mining.models import AlertQuery, AlertState, AlertStep, StepKind
from beijiang.mining.store.stream_rules import stream_rule

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from beijiang.kit import Actor

__all__ = ["CopyStore", "ReadingAlertStore"]

reading_alert = Table(
    "reading_alert",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("rule_id", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("stream_id", String(40), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("sensor", String(200), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("figure", Float),
    Column("peak", Float),
    Column("since", UtcDateTime, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("cleared_at", UtcDateTime),
    Column("state", String(20), nullable=False),
    Column("acknowledged_by", String(200), nullable=False),
    Column("acknowledged_at", UtcDateTime),
    Column("assignee_id", String(60), nullable=False),
    Column("assignee", String(200), nullable=False),
    Column("told", Boolean, nullable=False),  # whether people were told, or quiet hours keep it back
    Column("changes", Integer, nullable=False),  # counts what happened to it, so that a copy knows what is new
    Index("ix_reading_alert_org", "org_id", "state", "raised_at"),
    Index("ix_reading_alert_sensor", "stream_id", "sensor", "raised_at"),
)
Index(
    "uq_reading_alert_lasting",
    reading_alert.c.rule_id,
    reading_alert.c.sensor,
    unique=True,
    sqlite_where=reading_alert.c.cleared_at.is_(None),
    postgresql_where=reading_alert.c.cleared_at.is_(None),
)

stream_alert_copy = Table(
    "stream_alert_copy",
    metadata,
    Column("stream_id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("table_name", String(200), nullable=False, unique=True),
    Column("owner", JsonDocument, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("digest", String(60), nullable=False),  # of the alerts that the table holds
)

reading_alert_step = Table(
    "reading_alert_step",
    metadata,
    Column("alert_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("note", String(1000), nullable=False),
    Column("to", String(200), nullable=False),
)

_A = reading_alert.c
_H = reading_alert_step.c
_C = stream_alert_copy.c


class ReadingAlertStore:
    """Read and write alerts on one connection. A row has the columns of an alert, and the ``draft`` of its rule as it was then."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def raise_(self, values: Mapping[str, Any], by: str, at: datetime) -> None:
        """Add an alert; of one rule and sensor there is one that lasts."""
        fresh = {"state": AlertState.NEW.value, "acknowledged_by": "", "assignee_id": "", "assignee": "", "changes": 0}
        self._connection.execute(insert(reading_alert).values(**fresh, **values))
        self.step(values["id"], AlertStep(StepKind.RAISE, at, by, ""))

    def lasting(self, rule_id: str, sensors: Sequence[str] = ()) -> dict[str, Row[Any]]:
        """Return the alerts of a rule whose condition lasts, by sensor."""
        query = select(reading_alert).where(_A.rule_id == rule_id, _A.cleared_at.is_(None))
        if sensors:
            query = query.where(_A.sensor.in_(sensors))
        return {row.sensor: row for row in self._connection.execute(query)}

    def change(self, alert_id: str, **values: Any) -> None:
        """Replace some columns of an alert."""
        self._connection.execute(update(reading_alert).where(_A.id == alert_id).values(**values))

    def move(self, alert_id: str, before: AlertState, **values: Any) -> bool:
        """Replace some columns unless the alert stands elsewhere by now."""
        query = update(reading_alert).where(_A.id == alert_id, _A.state == before.value)
        return bool(self._connection.execute(query.values(**values)).rowcount)

    def step(self, alert_id: str, step: AlertStep) -> None:
        """Add a line to the history."""
        query = select(func.coalesce(func.max(_H.number), 0)).where(_H.alert_id == alert_id)
        number = int(self._connection.execute(query).scalar_one()) + 1
        self._connection.execute(
            insert(reading_alert_step).values(
                alert_id=alert_id,
                number=number,
                kind=step.kind.value,
                at=step.at,
                by=step.by[:200],
                note=step.note[:1000],
                to=step.to[:200],
            )
        )
        self.change(alert_id, changes=number)

    def steps(self, alert_id: str) -> list[AlertStep]:
        """Return the history, oldest first."""
        query = select(reading_alert_step).where(_H.alert_id == alert_id).order_by(_H.number)
        return [
            AlertStep(StepKind(row.kind), row.at, row.by, row.note, row.to) for row in self._connection.execute(query)
        ]

    def get(self, alert_id: str) -> Row[Any] | None:
        """Return one alert."""
        return self._connection.execute(_told().where(_A.id == alert_id)).one_or_none()

    def find(self, query: AlertQuery, org_ids: Sequence[str]) -> list[Row[Any]]:
        """Return alerts of some departments, those that last first, then the newest."""
        asked = _told().where(_A.org_id.in_(org_ids))
        for column, value in (
            (_A.state, query.state and query.state.value),
            (_A.severity, query.severity and query.severity.value),
            (_A.rule_id, query.rule),
            (_A.stream_id, query.stream),
            (_A.sensor, query.sensor),
        ):
            if value:
                asked = asked.where(column == value)
        if query.lasting is not None:
            asked = asked.where(_A.cleared_at.is_(None) if query.lasting else _A.cleared_at.is_not(None))
        if query.since is not None:
            asked = asked.where(_A.raised_at >= query.since)
        order = (_A.cleared_at.is_not(None), _A.raised_at.desc(), _A.id.desc())
        return list(self._connection.execute(asked.order_by(*order).limit(query.limit)))

    def organisations(self) -> list[str]:
        """Return the departments that ever had an alert."""
        return list(self._connection.execute(select(_A.org_id).distinct()).scalars())

    def digest(self, stream_id: str) -> str:
        """Return words that change whenever something happens to an alert of a stream."""
        query = select(func.count(), func.coalesce(func.sum(_A.changes), 0)).where(_A.stream_id == stream_id)
        count, changes = self._connection.execute(query).one()
        return f"{count}:{changes}"

    def untold(self) -> list[Row[Any]]:
        """Return the alerts that nobody was told of yet, as they came in quiet hours."""
        return list(self._connection.execute(_told().where(_A.told.is_(False))))


class CopyStore:
    """Read and write which streams have their alerts written into a table, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, stream_id: str, org_id: str, table: str, owner: Actor, at: datetime) -> None:
        """Add one; a stream has one table, and a table one stream."""
        values = {"stream_id": stream_id, "org_id": org_id, "table_name": table, "set_at": at, "digest": ""}
        self._connection.execute(insert(stream_alert_copy).values(**values, owner=owner.to_json()))

    def copies(self) -> list[Row[Any]]:
        """Return all of them."""
        return list(self._connection.execute(select(stream_alert_copy).order_by(_C.stream_id)))

    def note(self, stream_id: str, digest: str) -> None:
        """Write down what the table holds now."""
        self._connection.execute(update(stream_alert_copy).where(_C.stream_id == stream_id).values(digest=digest))


def _told() -> Select[Any]:
    join = (stream_rule.c.id == _A.rule_id) & (stream_rule.c.revision == _A.revision)
    return select(reading_alert, stream_rule.c.draft).join(stream_rule, join)
