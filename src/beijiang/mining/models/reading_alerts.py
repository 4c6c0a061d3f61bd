"""Alerts that rules on streams have raised, and what people did about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from beijiang.kit import Text, Word
from beijiang.mining.models.stream_rules import RuleKind, Severity

__all__ = ["AlertQuery", "AlertState", "AlertStep", "ReadingAlert", "StepKind", "Trial"]


class AlertState(Word):
    """What people have done about an alert."""

    NEW = "new", "待确认", "new"
    ACKNOWLEDGED = "acknowledged", "处理中", "being handled"
    CLOSED = "closed", "已办结", "closed"


class StepKind(Word):
    """What happened to an alert."""

    RAISE = "raise", "发出", "raised"
    CLEAR = "clear", "读数恢复", "readings recovered"
    ACKNOWLEDGE = "acknowledge", "确认", "acknowledged"
    ASSIGN = "assign", "指派", "assigned"
    CLOSE = "close", "办结", "closed"
    REOPEN = "reopen", "重新打开", "re-opened"


FITS: Final = {
    StepKind.ACKNOWLEDGE: frozenset({AlertState.NEW}),
    StepKind.ASSIGN: frozenset({AlertState.NEW, AlertState.ACKNOWLEDGED}),
    StepKind.CLOSE: frozenset({AlertState.NEW, AlertState.ACKNOWLEDGED}),
    StepKind.REOPEN: frozenset({AlertState.CLOSED}),
}
"""In which states a person may take a step."""


@dataclass(frozen=True, slots=True)
class AlertStep:
    """One line of the history of an alert."""

    kind: StepKind
    at: datetime
    by: str
    note: str
    to: str = ""
    """Whom it was assigned to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertQuery:
    """Which alerts are wanted."""

    state: AlertState | None = None
    lasting: bool | None = None
    """Whether the condition still lasts."""
    severity: Severity | None = None
    rule: str = ""
    stream: str = ""
    sensor: str = ""
    since: datetime | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingAlert:
    """One alert as its reader may see it: what the gate masks for him or her is not in it."""

    id: str
    rule_id: str
    revision: int
    rule: str
    kind: RuleKind
    severity: Severity
    stream_id: str
    table: str
    org_id: str
    sensor: str
    figure: float | None
    peak: float | None
    level: float | None
    text: Text
    raised_at: datetime
    """Time of the reading that raised it."""
    since: datetime
    """When its condition began."""
    seen_at: datetime
    """When the platform judged that reading."""
    cleared_at: datetime | None
    state: AlertState
    acknowledged_by: str
    acknowledged_at: datetime | None
    assignee_id: str
    assignee: str
    masked: bool = False

    @property
    def lasts(self) -> bool:
        """Tell whether its condition still holds."""
        return self.cleared_at is None

    def to_json(self) -> dict[str, Any]:
        """Return it for an API answer, an export, or the terminal."""
        return {
            "id": self.id,
            "rule": self.rule,
            "rule_id": self.rule_id,
            "revision": self.revision,
            "kind": self.kind.value,
            "severity": self.severity.value,
            "stream": self.stream_id,
            "table": self.table,
            "organisation": self.org_id,
            "sensor": self.sensor,
            "value": self.figure,
            "peak": self.peak,
            "level": self.level,
            "text": {"zh": self.text.zh, "en": self.text.en},
            "raised_at": self.raised_at.isoformat(),
            "since": self.since.isoformat(),
            "seen_at": self.seen_at.isoformat(),
            "cleared_at": None if self.cleared_at is None else self.cleared_at.isoformat(),
            "state": self.state.value,
            "acknowledged_by": self.acknowledged_by,
            "acknowledged_at": None if self.acknowledged_at is None else self.acknowledged_at.isoformat(),
            "assignee": self.assignee,
            "masked": self.masked,
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rule would have done with the readings of the past."""

    since: datetime
    until: datetime
    readings: int
    sensors: int
    late: int
    alerts: tuple[tuple[str, datetime, datetime | None, float | None], ...]
    """Sensor, begin, end and worst figure of each, in order; at most a hundred of them."""
    raised: int
    truncated: bool
    """There were more readings than a trial takes; the newest were not looked at."""
