"""Promises of freshness, how far they are kept, and the alerts that say so before they break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from beijiang.ingest.models.files import RunState
from beijiang.ingest.models.timing import IsWorking
from beijiang.kit import Text
from beijiang.kit.errors import JsonValue

__all__ = ["Alert", "AlertKind", "FreshState", "Freshness", "Promised", "RunDot"]

_REAL_TIME: Final = timedelta(minutes=60)
_FARTHEST: Final = timedelta(days=3660)


class FreshState(StrEnum):
    """How a table stands to its promise."""

    LATE = "late"
    NEVER = "never"
    DUE_SOON = "due_soon"
    PAUSED = "paused"
    ON_TIME = "on_time"
    NO_PROMISE = "no_promise"

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _STATES[self]


_STATES: Final = {
    FreshState.LATE: Text("已超期", "late"),
    FreshState.NEVER: Text("从未更新", "never"),
    FreshState.DUE_SOON: Text("即将超期", "due soon"),
    FreshState.PAUSED: Text("已暂停", "paused"),
    FreshState.ON_TIME: Text("按时", "on time"),
    FreshState.NO_PROMISE: Text("未承诺", "no promise"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """How old a table's data may be."""

    interval: timedelta
    grace: timedelta
    origin: str
    """``own`` where the department set it, ``catalog`` where it is the update cycle of the catalog entry."""
    working_days: bool = False
    """Days on which nobody works do not count."""
    name: Text | None = None

    @property
    def text(self) -> Text:
        """Return the promise in words."""
        if self.name is not None:
            return self.name
        span = _span(self.interval)
        zh, en = ("（只计工作日）", ", working days only") if self.working_days else ("", "")
        return Text(f"不旧于{span.zh}{zh}", f"no older than {span.en}{en}")

    def deadline(self, since: datetime, zone: tzinfo, is_working: IsWorking) -> datetime:
        """Return when the promise breaks, if nothing newer comes than what is of ``since``."""
        end = since + (self.interval or _REAL_TIME) + self.grace
        if not self.working_days:
            return end
        day, moved = since.astimezone(zone).date(), end
        while day < moved.astimezone(zone).date() and moved - since < _FARTHEST:
            day += timedelta(days=1)
            if not is_working(day):
                moved += timedelta(days=1)
        return moved

    @property
    def warning(self) -> timedelta:
        """Return how long before the deadline it is time to say something: half the grace, or a fifth of the interval."""
        return self.grace / 2 if self.grace else (self.interval or _REAL_TIME) / 5


@dataclass(frozen=True, slots=True)
class RunDot:
    """One run, as a dot on a line of time."""

    run_id: str
    at: datetime
    state: RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """One table: what was promised, what is, and what comes next."""

    table: str
    org_id: str
    state: FreshState
    promise: Promised | None
    data_at: datetime | None
    deadline: datetime | None
    next_at: datetime | None
    reasons: Sequence[Text]
    sync_id: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        reasons: list[JsonValue] = [{"zh": r.zh, "en": r.en} for r in self.reasons]
        promise: dict[str, JsonValue] | None = None
        if self.promise is not None:
            promise = {
                "minutes": int(self.promise.interval.total_seconds() // 60),
                "grace_minutes": int(self.promise.grace.total_seconds() // 60),
                "working_days": self.promise.working_days,
                "origin": self.promise.origin,
                "text": {"zh": self.promise.text.zh, "en": self.promise.text.en},
            }
        return {
            "table": self.table,
            "org_id": self.org_id,
            "state": self.state.value,
            "promise": promise,
            "data_at": None if self.data_at is None else self.data_at.isoformat(),
            "deadline": None if self.deadline is None else self.deadline.isoformat(),
            "next_at": None if self.next_at is None else self.next_at.isoformat(),
            "reasons": reasons,
            "sync": self.sync_id,
        }


class AlertKind(StrEnum):
    """What an alert is about."""

    CLAIM = "claim"
    CLAIM_OVERDUE = "claim_overdue"
    DOUBT = "doubt"
    ENTRY_TOLD = "entry_told"
    EVIDENCE_FORK = "evidence_fork"
    FRESHNESS_DUE = "freshness_due"
    FRESHNESS_LATE = "freshness_late"
    GRANT_ENDING = "grant_ending"
    MONITOR = "monitor"
    NODE_FULL = "node_full"
    NODE_LATE = "node_late"
    PLAN_TABLES = "plan_tables"
    PLAN_TASK = "plan_task"
    PUSH_DEAD = "push_dead"
    PUSH_DIFFERS = "push_differs"
    PUSH_HELD = "push_held"
    QUALITY = "quality"
    QUALITY_TICKET = "quality_ticket"
    QUALITY_TICKET_OVERDUE = "quality_ticket_overdue"
    RECALL = "recall"
    RECALL_OVERDUE = "recall_overdue"
    RELEASE = "release"
    REQUEST = "request"
    REQUEST_OVERDUE = "request_overdue"
    RUN_FAILED = "run_failed"
    SCHEDULE_STOPPED = "schedule_stopped"
    SERVICE_CHANGED = "service_changed"
    SERVICE_CONTRACT = "service_contract"
    SERVICE_DOWN = "service_down"
    VOICE = "voice"
    VOICE_OVERDUE = "voice_overdue"

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _KINDS[self]

    @property
    def is_grave(self) -> bool:
        """Tell whether something is broken already."""
        return self not in _MILD


_MILD: Final = frozenset(
    {
        AlertKind.CLAIM,
        AlertKind.DOUBT,
        AlertKind.ENTRY_TOLD,
        AlertKind.FRESHNESS_DUE,
        AlertKind.GRANT_ENDING,
        AlertKind.MONITOR,
        AlertKind.NODE_FULL,
        AlertKind.PLAN_TASK,
        AlertKind.PUSH_HELD,
        AlertKind.QUALITY_TICKET,
        AlertKind.REQUEST,
        AlertKind.SERVICE_CHANGED,
        AlertKind.VOICE,
    }
)
_KINDS: Final = {
    AlertKind.CLAIM: Text("标准目录待认领", "standard entry to be claimed"),
    AlertKind.CLAIM_OVERDUE: Text("目录认领超期", "claim overdue"),
    AlertKind.DOUBT: Text("数据项校核中", "values in doubt"),
    AlertKind.ENTRY_TOLD: Text("目录由来源节点上报", "entry told by its origin"),
    AlertKind.EVIDENCE_FORK: Text("存证日志分叉", "evidence log forked"),
    AlertKind.FRESHNESS_DUE: Text("即将超期", "due soon"),
    AlertKind.FRESHNESS_LATE: Text("更新超期", "late"),
    AlertKind.GRANT_ENDING: Text("授权将到期", "grant ends soon"),
    AlertKind.MONITOR: Text("监测异常", "out of the usual"),
    AlertKind.NODE_FULL: Text("下级目录已达上限", "no room for entries of a node"),
    AlertKind.NODE_LATE: Text("节点失联或信件滞留", "a linked node is late"),
    AlertKind.PLAN_TABLES: Text("督办数据表无法写入", "tables of the work plan rest"),
    AlertKind.PLAN_TASK: Text("督办任务", "task of the work plan"),
    AlertKind.PUSH_DEAD: Text("推送多次失败", "push failed for good"),
    AlertKind.PUSH_DIFFERS: Text("推送对账不一致", "push differs at the far side"),
    AlertKind.PUSH_HELD: Text("推送已停", "push rests"),
    AlertKind.QUALITY: Text("质量未达标", "fails critical rules"),
    AlertKind.QUALITY_TICKET: Text("校核工单将到期", "ticket due"),
    AlertKind.QUALITY_TICKET_OVERDUE: Text("校核工单超期", "ticket overdue"),
    AlertKind.RECALL: Text("数据召回待确认", "recall to be confirmed"),
    AlertKind.RECALL_OVERDUE: Text("召回确认超期", "recall not confirmed in time"),
    AlertKind.RELEASE: Text("已发布数据不再达标", "what is released falls below"),
    AlertKind.REQUEST: Text("共享申请将到期", "request due"),
    AlertKind.REQUEST_OVERDUE: Text("共享申请超期", "request overdue"),
    AlertKind.RUN_FAILED: Text("定时取数失败", "scheduled run failed"),
    AlertKind.SCHEDULE_STOPPED: Text("计划已停", "schedule stopped"),
    AlertKind.SERVICE_CHANGED: Text("服务接口变更", "service changed"),
    AlertKind.SERVICE_CONTRACT: Text("服务应答与约定不符", "answer of a service does not fit"),
    AlertKind.SERVICE_DOWN: Text("服务接口故障", "service down"),
    AlertKind.VOICE: Text("公众来件待办", "word of the public to be answered"),
    AlertKind.VOICE_OVERDUE: Text("公众来件超期", "word of the public overdue"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a department, and the data authority, should know before others notice."""

    id: str
    org_id: str
    kind: AlertKind
    subject: str
    """The table, or the schedule, that it is about."""
    text: Text
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    answer: str | None = None
    closed_at: datetime | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the alert for an API answer or the terminal."""
        return {
            "id": self.id,
            "org_id": self.org_id,
            "kind": self.kind.value,
            "subject": self.subject,
            "text": {"zh": self.text.zh, "en": self.text.en},
            "opened_at": self.opened_at.isoformat(),
            "acknowledged_at": None if self.acknowledged_at is None else self.acknowledged_at.isoformat(),
            "acknowledged_by": self.acknowledged_by,
            "answer": self.answer,
            "closed_at": None if self.closed_at is None else self.closed_at.isoformat(),
        }


def days_back(today: date, count: int) -> list[date]:
    """Return the last days up to today, oldest first."""
    return [today - timedelta(days=n) for n in range(count - 1, -1, -1)]


def _span(span: timedelta) -> Text:
    minutes = int(span.total_seconds() // 60)
    if minutes and minutes % 1440 == 0:
        days = minutes // 1440
        return Text(f" {days} 天", "1 day" if days == 1 else f"{days} days")
    if minutes and minutes % 60 == 0:
        hours = minutes // 60
        return Text(f" {hours} 小时", "1 hour" if hours == 1 else f"{hours} hours")
    return Text(f" {minutes} 分钟", "1 minute" if minutes == 1 else f"{minutes} minutes")
