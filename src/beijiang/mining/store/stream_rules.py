"""Rules on streams: their revisions, where each stands, and what it remembers of every sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, and_, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.db import JsonDocument, Revisions, UtcDateTime, metadata
from beijiang.mining.models import KeyState, RuleDraft, StreamRule

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["RuleStore", "stream_rule"]

stream_rule = Table(
    "stream_rule",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("stream_id", String(40), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("draft", JsonDocument, nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_stream_rule_stream", "stream_id", "is_current"),
    Index("ix_stream_rule_org", "org_id", "is_current"),
)

stream_rule_standing = Table(
    "stream_rule_standing",
    metadata,
    Column("rule_id", String(40), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("trouble", JsonDocument),
    Column("began_at", UtcDateTime, nullable=False),
)

stream_rule_sensor = Table(
    "stream_rule_sensor",
    metadata,
    Column("rule_id", String(40), primary_key=True),
    Column("sensor", String(200), primary_key=True),
    Column("heard", Float, nullable=False),  # seconds since 1970, by the platform's clock
    Column("up", Boolean, nullable=False),
    Column("state", JsonDocument, nullable=False),
    Index("ix_stream_rule_sensor_heard", "rule_id", "up", "heard"),
)

_R = stream_rule.c
_S = stream_rule_standing.c
_K = stream_rule_sensor.c
_AT_ONCE = 500


class RuleStore:
    """Read and write rules on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept = Revisions(connection, stream_rule, _said)

    def add(self, rule: StreamRule) -> None:
        """Add a revision; it is the one in force from now on, and begins with nothing remembered."""
        self._kept.put(
            {
                "id": rule.id,
                "revision": rule.revision,
                "active": rule.active,
                "stream_id": rule.stream_id,
                "org_id": rule.org_id,
                "table_name": rule.table,
                "draft": rule.draft.to_json(),
                "set_by": rule.set_by[:200],
                "set_at": rule.set_at,
            }
        )
        self._connection.execute(delete(stream_rule_standing).where(_S.rule_id == rule.id))
        self._connection.execute(delete(stream_rule_sensor).where(_K.rule_id == rule.id))
        self._connection.execute(
            insert(stream_rule_standing).values(
                rule_id=rule.id, position=rule.position, late=0, trouble=None, began_at=rule.began_at
            )
        )

    def rules(self, *, org_id: str | None = None, stream_id: str = "", rule_id: str = "") -> list[StreamRule]:
        """Return the revisions in force of a department (None: of all), of a stream, or of one rule."""
        query = select(stream_rule, stream_rule_standing).join(
            stream_rule_standing, and_(_S.rule_id == _R.id, _R.is_current.is_(True))
        )
        if org_id is not None:
            query = query.where(_R.org_id == org_id)
        if stream_id:
            query = query.where(_R.stream_id == stream_id)
        if rule_id:
            query = query.where(_R.id == rule_id)
        return [_rule(row) for row in self._connection.execute(query.order_by(_R.id))]

    def history(self, rule_id: str) -> list[tuple[int, bool, RuleDraft, str, datetime]]:
        """Return all revisions, newest first: number, whether it was active, what it said, who set it and when."""
        return self._kept.history(rule_id)[::-1]

    def revision(self, rule_id: str, number: int) -> RuleDraft:
        """Return what one revision said."""
        query = select(_R.draft).where(_R.id == rule_id, _R.revision == number)
        return RuleDraft.from_json(self._connection.execute(query).scalar_one())

    # Where a rule stands

    def advance(self, rule: StreamRule, position: int, late: int) -> bool:
        """Move a rule on from where it was read; False where another process, or a new revision, was faster."""
        query = update(stream_rule_standing).where(_S.rule_id == rule.id, _S.position == rule.position)
        current = select(_R.id).where(_R.id == rule.id, _R.revision == rule.revision, _R.is_current.is_(True))
        moved = query.where(current.exists()).values(position=position, late=_S.late + late, trouble=None)
        return bool(self._connection.execute(moved).rowcount)

    def note(self, rule_id: str, trouble: Mapping[str, Any] | None, position: int) -> None:
        """Write down why a rule cannot judge a batch; it goes on behind it."""
        query = update(stream_rule_standing).where(_S.rule_id == rule_id)
        self._connection.execute(query.values(trouble=None if trouble is None else dict(trouble), position=position))

    # What it remembers

    def states(self, rule_id: str, sensors: Sequence[str]) -> dict[str, KeyState]:
        """Return what a rule remembers of some sensors."""
        found: dict[str, KeyState] = {}
        for start in range(0, len(sensors), _AT_ONCE):
            part = sensors[start : start + _AT_ONCE]
            query = select(_K.sensor, _K.state).where(_K.rule_id == rule_id, _K.sensor.in_(part))
            found |= {row.sensor: KeyState.from_json(row.state) for row in self._connection.execute(query)}
        return found

    def known(self, rule_id: str) -> set[str]:
        """Return the sensors that a rule has heard of."""
        return set(self._connection.execute(select(_K.sensor).where(_K.rule_id == rule_id)).scalars())

    def quiet_ones(self, rule_id: str, before: float, limit: int) -> dict[str, KeyState]:
        """Return sensors that are not missed yet and were heard last before a moment, the longest silent first."""
        query = select(_K.sensor, _K.state).where(_K.rule_id == rule_id, _K.up.is_(False), _K.heard <= before)
        rows = self._connection.execute(query.order_by(_K.heard).limit(limit))
        return {row.sensor: KeyState.from_json(row.state) for row in rows}

    def keep(self, rule_id: str, states: Mapping[str, KeyState]) -> None:
        """Write down what a rule remembers of some sensors."""
        values = [
            {
                "rule_id": rule_id,
                "sensor": sensor,
                "heard": state.heard or 0.0,
                "up": state.up is not None,
                "state": state.to_json(),
            }
            for sensor, state in states.items()
        ]
        if not values:
            return
        kind = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        put = kind.insert(stream_rule_sensor)
        changed = {name: put.excluded[name] for name in ("heard", "up", "state")}
        self._connection.execute(put.on_conflict_do_update(index_elements=["rule_id", "sensor"], set_=changed), values)


def _said(row: Row[Any]) -> tuple[int, bool, RuleDraft, str, datetime]:
    return row.revision, row.active, RuleDraft.from_json(row.draft), row.set_by, row.set_at


def _rule(row: Row[Any]) -> StreamRule:
    return StreamRule(
        id=row.id,
        revision=row.revision,
        stream_id=row.stream_id,
        org_id=row.org_id,
        table=row.table_name,
        draft=RuleDraft.from_json(row.draft),
        active=row.active,
        position=row.position,
        late=row.late,
        trouble=row.trouble,
        set_by=row.set_by,
        set_at=row.set_at,
        began_at=row.began_at,
    )
