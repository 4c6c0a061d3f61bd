"""What the verbs of stream rules share: their parts, and who may see what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from beijiang.access import Permission
from beijiang.mining.errors import no_alert, no_rule
from beijiang.mining.models import (
    AlertState,
    AlertStep,
    ReadingAlert,
    RuleDraft,
    RuleKind,
    Severity,
    StepKind,
    StreamRule,
)
from beijiang.mining.service.stream_rules.recalling import Recalling
from beijiang.mining.store import ReadingAlertStore, RuleStore

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Row

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest import Streams
    from beijiang.kit import Actor, Clock
    from beijiang.protection import Gate
    from beijiang.tables import Tables

__all__ = ["HIDDEN", "PLATFORM", "Base", "Sight", "moment"]

PLATFORM = "平台"
HIDDEN = "＊＊"
"""Stands where the gate masks a sensor or a value for the reader."""


def moment(seconds: float) -> datetime:
    """Return the moment so many seconds after 1970 began."""
    return datetime.fromtimestamp(seconds, UTC)


class Base:
    """Holds the parts."""

    def __init__(
        self,
        streams: Streams,
        tables: Tables,
        gate: Gate,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self.db: Database = streams.db
        self.streams = streams
        self.tables = tables
        self.home = streams.ingest.settings.home
        self._recorded: dict[str, datetime] = {}
        self._recalled = Recalling()
        self.gate = gate
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.zone = zone

    def _rule(self, actor: Actor, rule_id: str) -> StreamRule:
        with self.db.read() as connection:
            found = RuleStore(connection).rules(rule_id=rule_id)
        if not found or not self.access.allows(actor, Permission.MINING_ALERT_READ, found[0].org_id):
            self.access.require(actor, Permission.MINING_ALERT_READ)
            raise no_rule()
        return found[0]

    def _end(self, alerts: ReadingAlertStore, row: Any, *, at: datetime, note: str, peak: float | None = None) -> None:
        """End the condition of an alert; one that somebody handles, or that quiet hours kept back, is thereby closed."""
        values: dict[str, Any] = {"cleared_at": at, "told": True}
        if peak is not None:
            values["peak"] = peak
        if row.state == AlertState.ACKNOWLEDGED.value:
            values["state"] = AlertState.CLOSED.value
        alerts.change(row.id, **values)
        alerts.step(row.id, AlertStep(StepKind.CLEAR, self.clock.now(), PLATFORM, note))

    def _words(self, draft: RuleDraft, sensor: str, figure: float | None, since: datetime) -> dict[str, str]:
        level = HIDDEN if draft.kind is RuleKind.MISSING else number(draft.level)
        return {
            "sensor": sensor,
            "value": HIDDEN if figure is None else number(figure),
            "level": level,
            "time": since.astimezone(self.zone).strftime("%m-%d %H:%M:%S"),
            "rule": draft.name,
        }


class Sight:
    """What one reader may see of alerts: asked of the gate once for each table, in the course of one answer."""

    def __init__(self, base: Base, actor: Actor) -> None:
        self._base = base
        self._actor = actor
        self._plain: dict[str, frozenset[str]] = {}

    def plain(self, table: str) -> frozenset[str]:
        """Return the columns of a table that the reader sees as they are; none where the table, or rows of it, are hidden."""
        if table not in self._plain:
            seen = self._base.gate.seen(self._actor, table)
            shown = () if seen is None or seen.filtered else seen.columns
            self._plain[table] = frozenset(one.name for one in shown if not one.masked)
        return self._plain[table]

    def shown(self, row: Row[Any]) -> ReadingAlert:
        """Return an alert as its reader may see it.

        Raises:
            NotFound: it is hidden (``reading_alert_not_found``).

        """
        plain = self.plain(row.table_name)
        if not self._base.access.allows(self._actor, Permission.MINING_ALERT_READ, row.org_id):
            raise no_alert()
        draft = RuleDraft.from_json(row.draft)
        keyed, valued = draft.key in plain, not draft.value or draft.value in plain
        sensor, figure = row.sensor if keyed else HIDDEN, row.figure if valued else None
        return ReadingAlert(
            id=row.id,
            rule_id=row.rule_id,
            revision=row.revision,
            rule=draft.name,
            kind=draft.kind,
            severity=Severity(row.severity),
            stream_id=row.stream_id,
            table=row.table_name,
            org_id=row.org_id,
            sensor=sensor,
            figure=figure,
            peak=row.peak if valued else None,
            level=None if draft.kind is RuleKind.MISSING else draft.level,
            text=draft.says(self._base._words(draft, sensor, figure, row.since)),  # noqa: SLF001 - of the same room
            raised_at=row.raised_at,
            since=row.since,
            seen_at=row.seen_at,
            cleared_at=row.cleared_at,
            state=AlertState(row.state),
            acknowledged_by=row.acknowledged_by,
            acknowledged_at=row.acknowledged_at,
            assignee_id=row.assignee_id,
            assignee=row.assignee,
            masked=not (keyed and valued),
        )


def number(value: float) -> str:
    """Return a figure as people write it."""
    return f"{value:.6g}"
