"""Schedules of syncs, what became of each moment of theirs, and how much a source can bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from beijiang.ingest.models.timing import IsWorking, Timing
from beijiang.kit import Invalid, Text
from beijiang.kit.errors import JsonValue

__all__ = [
    "DEFAULT_AT_ONCE",
    "PREVIEWED",
    "Preview",
    "QuietWindow",
    "Schedule",
    "ScheduleDraft",
    "Slot",
    "SlotState",
    "SourceLimits",
]

DEFAULT_AT_ONCE: Final = 2
"""Runs of one source at the same time, unless the department says otherwise."""
PREVIEWED: Final = 5
_MOST_RETRIES: Final = 10
_MOST_AT_ONCE: Final = 16
_LONGEST_BACKOFF: Final = 6 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDraft:
    """What a person wants to happen by itself."""

    timing: Timing
    whole: bool = False
    """Read everything each time, not only what is new."""
    retries: int = 3
    """How often a run that met a passing trouble is tried again."""
    backoff: int = 60
    """Seconds before the first new try; each later one waits twice as long, up to six hours."""

    def checked(self) -> ScheduleDraft:
        """Return the draft in order.

        Raises:
            Invalid: a number is out of range, or the timing is wrong.

        """
        if not 0 <= self.retries <= _MOST_RETRIES or not 1 <= self.backoff <= _LONGEST_BACKOFF:
            raise Invalid(
                "重试次数为 0 至 10，首次间隔为 1 秒至 6 小时。",
                "Retries are 0 to 10, and the first pause is 1 second to 6 hours.",
                code="bad_retries",
            )
        return ScheduleDraft(timing=self.timing.checked(), whole=self.whole, retries=self.retries, backoff=self.backoff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One plan by which a sync runs by itself, under the name of the person who answers for it."""

    id: str
    sync_id: str
    table: str
    source_id: str
    source_name: str
    org_id: str
    timing: Timing
    whole: bool
    retries: int
    backoff: int
    owner_id: str
    owner_name: str
    created_at: datetime
    next_at: datetime | None
    fired: int
    """How often it has begun a run; a change of it is the claim of one moment."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """For ``after``: the last run of each sync that has been followed."""
    paused: Mapping[str, JsonValue] | None = None
    """When, by whom and why it rests; ``stopped`` where the platform itself stopped it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the syncs of ``after`` are called."""

    @property
    def text(self) -> Text:
        """Return when it runs, in words."""
        return self.timing.text(self.names)

    @property
    def rests(self) -> Text | None:
        """Return why it does not run, if it does not."""
        return None if self.paused is None else Text(str(self.paused["zh"]), str(self.paused["en"]))

    def pause_before(self, attempt: int) -> timedelta:
        """Return how long a run waits before its next try, without the scatter that is added to it."""
        return timedelta(seconds=min(self.backoff * 2 ** (attempt - 1), _LONGEST_BACKOFF))

    def to_json(self) -> dict[str, JsonValue]:
        """Return the schedule for an API answer or the terminal."""
        return {
            "id": self.id,
            "sync": self.sync_id,
            "table": self.table,
            "source": self.source_name,
            "org_id": self.org_id,
            "timing": self.timing.to_json(),
            "text": {"zh": self.text.zh, "en": self.text.en},
            "whole": self.whole,
            "retries": self.retries,
            "backoff": self.backoff,
            "owner": self.owner_name,
            "next_at": None if self.next_at is None or self.paused else self.next_at.isoformat(),
            "paused": None if self.paused is None else {**self.paused},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A timing in words, with its next moments, before anything is saved."""

    text: Text
    moments: Sequence[datetime]
    provisional: bool
    """A year's holidays are not loaded, so only its weekends count."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {
            "text": {"zh": self.text.zh, "en": self.text.en},
            "next": [m.isoformat() for m in self.moments],
            "provisional": self.provisional,
        }


class SlotState(StrEnum):
    """What became of one moment of a schedule."""

    RUNNING = "running"
    """Its run is queued or going on."""
    RETRY = "retry"
    """Its run met a passing trouble; the next try has a time."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    JOINED = "joined"
    """The run before had not ended; it counts for this moment too."""

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _STATES[self]


_STATES: Final = {
    SlotState.RUNNING: Text("进行中", "going on"),
    SlotState.RETRY: Text("等待重试", "waits for a new try"),
    SlotState.DONE: Text("成功", "done"),
    SlotState.FAILED: Text("失败", "failed"),
    SlotState.CANCELLED: Text("已取消", "cancelled"),
    SlotState.JOINED: Text("上一次尚未结束，并入", "joined the run before"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One moment of a schedule, and what was made of it."""

    id: str
    schedule_id: str
    number: int
    at: datetime
    """When it should have begun."""
    claimed_at: datetime
    state: SlotState
    attempt: int
    run_id: str | None
    late_seconds: int
    """How much later it began; 0 where it was on time."""
    missed: int
    """Later moments that passed while nothing ran here; this one stands for them too."""
    retry_at: datetime | None = None
    ended_at: datetime | None = None
    note: Text | None = None
    """Why it failed, or waits."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the moment for an API answer or the terminal."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "began_at": self.claimed_at.isoformat(),
            "state": self.state.value,
            "attempt": self.attempt,
            "run": self.run_id,
            "late_seconds": self.late_seconds,
            "missed": self.missed,
            "retry_at": None if self.retry_at is None else self.retry_at.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "note": None if self.note is None else {"zh": self.note.zh, "en": self.note.en},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietWindow:
    """Hours in which a source is not to be disturbed; over midnight where the end is the earlier one."""

    start: str
    end: str
    working_days: bool = False
    """Only on working days."""

    def end_of(self, moment: datetime, zone: tzinfo, is_working: IsWorking) -> datetime | None:
        """Return when the window around ``moment`` ends; None where the moment lies in none."""
        local = moment.astimezone(zone)
        start, end = time.fromisoformat(self.start), time.fromisoformat(self.end)
        for day in (local.date(), local.date() - timedelta(days=1)):
            last = day if start < end else day + timedelta(days=1)
            begins, ends = datetime.combine(day, start, zone), datetime.combine(last, end, zone)
            if begins <= local < ends and (not self.working_days or is_working(day)):
                return ends
        return None

    @property
    def text(self) -> Text:
        """Return the window in words."""
        zh, en = ("工作日 ", " on working days") if self.working_days else ("", "")
        return Text(f"{zh}{self.start}—{self.end}", f"{self.start} to {self.end}{en}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """How much reading a source can bear."""

    at_once: int = DEFAULT_AT_ONCE
    quiet: tuple[QuietWindow, ...] = ()

    def checked(self) -> SourceLimits:
        """Return the limits.

        Raises:
            Invalid: a number or a time is out of range, or a window is empty.

        """
        Timing.from_json(
            {"kind": "daily", "at": [t for q in self.quiet for t in (q.start, q.end)] or ["00:00"]}
        ).checked()
        if not 1 <= self.at_once <= _MOST_AT_ONCE or any(q.start == q.end for q in self.quiet):
            raise Invalid(
                "同时运行数为 1 至 16；静默时段的起止时刻不能相同。",
                "Runs at the same time are 1 to 16; a quiet window begins and ends at different times.",
                code="bad_limits",
            )
        return self

    def to_json(self) -> dict[str, JsonValue]:
        """Return the limits for storage and answers."""
        quiet: list[JsonValue] = [{"start": q.start, "end": q.end, "working_days": q.working_days} for q in self.quiet]
        return {"at_once": self.at_once, "quiet": quiet}
