"""What monitors observed and found, and how tables want to be watched."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, delete, func, insert, literal, or_, select, update

from beijiang.db import among
from beijiang.kit import Text
from beijiang.quality.models.monitors import (
    Call,
    Finding,
    FindingState,
    Look,
    Monitor,
    MonitorSetting,
    Observation,
)
from beijiang.quality.models.rules import Severity
from beijiang.quality.store.schema import quality_finding, quality_monitor, quality_observation

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, Select

__all__ = ["MonitorStore", "finding_of", "findings_asked"]

_O, _F, _M = quality_observation.c, quality_finding.c, quality_monitor.c
KEPT: Final = 2_000
"""Versions of a table that are remembered."""
_STANDS = (FindingState.OPEN.value, FindingState.SNOOZED.value)


class MonitorStore:
    """Read and write observations and findings on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def observations(self, table: str, limit: int, *, looks: bool = False) -> list[Observation]:
        """Return the newest observations of a table, oldest first; what was measured of columns only if wanted."""
        shown: list[ColumnElement[Any]] = [c for c in quality_observation.c if c.name != "looks"]
        shown.append(_O.looks if looks else literal(None).label("looks"))
        query = select(*shown).where(_O.table_name == table).order_by(_O.version.desc()).limit(limit)
        return [_observation(row) for row in reversed(self._connection.execute(query).all())]

    def unseen(self) -> list[Observation]:
        """Return the newest observation of each table, where nothing was measured of it."""
        newest = select(_O.table_name, func.max(_O.version).label("v")).group_by(_O.table_name).subquery()
        same = and_(_O.table_name == newest.c.table_name, _O.version == newest.c.v)
        query = select(quality_observation).join(newest, same).where(_O.looks.is_(None)).order_by(_O.table_name)
        return [_observation(row) for row in self._connection.execute(query)]

    def put(self, one: Observation) -> None:
        """Write an observation in place of the one of its version; very old ones go."""
        same = or_(_O.version == one.version, _O.version <= one.version - KEPT)
        self._connection.execute(delete(quality_observation).where(_O.table_name == one.table, same))
        looks = None
        if one.looks is not None:
            looks = {n: [x.filled, x.distinct, x.sized, x.logs, list(x.shares)] for n, x in one.looks.items()}
        self._connection.execute(
            insert(quality_observation).values(
                table_name=one.table,
                version=one.version,
                org_id=one.org_id,
                day=one.day,
                at=one.at,
                mode=one.mode,
                rows=one.rows,
                moved=one.moved,
                columns=[list(pair) for pair in one.columns],
                looks=looks,
                seconds=one.seconds,
                expected=one.expected,
            )
        )

    def learn(self, table: str, since: int) -> None:
        """Have bands learn from all versions of a table since one."""
        query = update(quality_observation).where(_O.table_name == table, _O.version >= since)
        self._connection.execute(query.values(expected=True))

    def finding(self, finding_id: str) -> Finding | None:
        """Return one finding."""
        row = self._connection.execute(select(quality_finding).where(_F.id == finding_id)).one_or_none()
        return None if row is None else finding_of(row)

    def standing(self, table: str) -> list[Finding]:
        """Return what goes on at a table."""
        query = select(quality_finding).where(_F.table_name == table, _F.state.in_(_STANDS)).order_by(_F.id)
        return [finding_of(row) for row in self._connection.execute(query)]

    def findings(self, tables: Collection[str] | None, limit: int) -> list[Finding]:
        """Return findings of tables (None: of all): those that go on first, then the newest, of one moment the gravest."""
        query, order = findings_asked(tables)
        return [finding_of(row) for row in self._connection.execute(query.order_by(*order).limit(limit))]

    def add(self, one: Finding) -> None:
        """Add a finding."""
        self._connection.execute(insert(quality_finding).values(id=one.id, **_values(one)))

    def change(self, one: Finding) -> None:
        """Write a finding anew."""
        self._connection.execute(update(quality_finding).where(_F.id == one.id).values(**_values(one)))

    def settings(self, table: str) -> dict[Monitor, MonitorSetting]:
        """Return how a table wants to be watched, where it said so."""
        rows = self._connection.execute(select(quality_monitor).where(_M.table_name == table))
        return {
            Monitor(row.monitor): MonitorSetting(
                table=row.table_name,
                monitor=Monitor(row.monitor),
                is_on=row.is_on,
                limits=row.limits,
                by=row.by,
                at=row.at,
                reason=row.reason,
            )
            for row in rows
        }

    def put_setting(self, one: MonitorSetting, at: datetime) -> None:
        """Write a setting in place of the one there was."""
        same = (_M.table_name == one.table, _M.monitor == one.monitor.value)
        self._connection.execute(delete(quality_monitor).where(*same))
        self._connection.execute(
            insert(quality_monitor).values(
                table_name=one.table,
                monitor=one.monitor.value,
                is_on=one.is_on,
                limits=dict(one.limits),
                by=one.by,
                at=at,
                reason=one.reason,
            )
        )


def key_of(table: str, call: Call) -> str:
    """Return what a standing finding is told apart by."""
    return f"{table}\x1f{call.monitor.value}\x1f{call.aspect}\x1f{call.column}"


def _values(one: Finding) -> dict[str, Any]:
    call = one.call
    return {
        "open_key": key_of(one.table, call) if one.stands else None,
        "table_name": one.table,
        "org_id": one.org_id,
        "version": one.version,
        "monitor": call.monitor.value,
        "aspect": call.aspect,
        "column_name": call.column,
        "severity": call.severity.value,
        "low": call.low,
        "high": call.high,
        "came": call.came,
        "words": {"zh": call.words.zh, "en": call.words.en},
        "at": one.at,
        "state": one.state.value,
        "until": one.until,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
        "reason": one.reason,
        "over_at": one.over_at,
    }


def _observation(row: Row[Any]) -> Observation:
    looks = row.looks
    return Observation(
        table=row.table_name,
        version=row.version,
        org_id=row.org_id,
        day=row.day,
        at=row.at,
        mode=row.mode,
        rows=row.rows,
        moved=row.moved,
        columns=tuple((name, kind) for name, kind in row.columns),
        looks=None if looks is None else {n: Look(v[0], v[1], v[2], v[3], tuple(v[4])) for n, v in looks.items()},
        seconds=row.seconds,
        expected=row.expected,
    )


def findings_asked(tables: Collection[str] | None) -> tuple[Select[Any], Sequence[ColumnElement[Any]]]:
    """Return the query for findings of tables (None: of all), and their order: what goes on, the newest, the gravest."""
    gravest = case({one.value: n for n, one in enumerate(Severity)}, value=_F.severity)
    query = select(quality_finding)
    order = (_F.state.not_in(_STANDS), _F.at.desc(), gravest, _F.aspect, _F.column_name, _F.id)
    return query if tables is None else query.where(among(_F.table_name, tables)), order


def finding_of(row: Row[Any]) -> Finding:
    """Make a finding of its row."""
    return Finding(
        id=row.id,
        table=row.table_name,
        org_id=row.org_id,
        version=row.version,
        call=Call(
            monitor=Monitor(row.monitor),
            aspect=row.aspect,
            column=row.column_name,
            severity=Severity(row.severity),
            low=row.low,
            high=row.high,
            came=row.came,
            words=Text(row.words["zh"], row.words["en"]),
        ),
        at=row.at,
        state=FindingState(row.state),
        until=row.until,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
        over_at=row.over_at,
    )
