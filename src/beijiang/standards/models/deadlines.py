"""Limits of law as they run in a case: due dates, pauses, extensions, warnings, escalation (`standards.md` 8.2, 8.3).

Pure functions over a case and the calendar; a case carries the rule as it was when it began, so later rules do not touch it.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Conflict, Invalid, Word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.standards.models.facts import WorkingCalendar
    from beijiang.standards.models.registry import Rule

__all__ = [
    "Case",
    "CaseState",
    "Deadline",
    "Pause",
    "PauseReason",
    "begin",
    "deadline",
    "extend",
    "pause",
    "resume",
    "stop",
]

_WARNINGS: Final = (0.5, 0.8)
_ESCALATES_EACH: Final = 2
"""Working days from one step of an escalation to the next."""
_STEPS_MOST: Final = 3
"""Head of the provider, data authority, authority above."""


class PauseReason(Word):
    """Why a limit may stand still."""

    PAPERS = "papers", "申请人补正材料", "the applicant completes the papers"
    THIRD_PARTY = "third_party", "征求第三方意见", "a third party is heard"
    FORCE_MAJEURE = "force_majeure", "不可抗力", "force majeure"


class CaseState(Word):
    """How a case stands."""

    RUNNING = "running", "办理中", "running"
    WARNED = "warned", "临近到期", "due soon"
    OVERDUE = "overdue", "逾期", "overdue"
    PAUSED = "paused", "已中止", "paused"
    ANSWERED = "answered", "已答复", "answered"


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which a limit stands still; open while ``until`` is not known."""

    since: date
    reason: PauseReason
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A limit that runs: the rule as it was, what began it, and what happened since."""

    rule_id: str
    rule_version: int
    value: int
    unit: str
    extension_most: int
    can_pause: bool
    on_overdue: str
    basis: str
    began: datetime
    pauses: tuple[Pause, ...] = ()
    extended: int = 0
    answered: datetime | None = None
    extension_condition: str = ""
    """Whose consent an extension needs; empty in what began before that was kept."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        pauses = [
            {"since": p.since.isoformat(), "reason": p.reason.value, "until": p.until and p.until.isoformat()}
            for p in self.pauses
        ]
        answered = self.answered and self.answered.isoformat()
        return {**asdict(self), "began": self.began.isoformat(), "answered": answered, "pauses": pauses}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Case:
        """Read a stored case back."""
        answered = value["answered"] and datetime.fromisoformat(value["answered"])
        pauses = tuple(
            Pause(
                date.fromisoformat(p["since"]),
                PauseReason(p["reason"]),
                p["until"] and date.fromisoformat(p["until"]),
            )
            for p in value["pauses"]
        )
        began = datetime.fromisoformat(value["began"])
        return cls(**{**value, "began": began, "answered": answered, "pauses": pauses})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a case is due, and what follows from it at a moment."""

    due: datetime
    """The end of the last day (24:00 in the zone of the place), or the very hour."""
    provisional: bool
    """Whether the official calendar of a year on the way is not loaded."""
    warnings: tuple[datetime, ...]
    """When to warn: at half and four fifths of the limit, and a working day before it is due."""
    state: CaseState
    paused_days: int
    step: int
    """To whom an overdue case has gone up: 0 nobody, 1 the provider's head, 2 the data authority, 3 the one above."""

    @property
    def last_day(self) -> date:
        """Return the day on whose end it is due."""
        return (self.due - timedelta(microseconds=1)).date()


def begin(rule: Rule, at: datetime) -> Case:
    """Begin a case by a rule as it is now."""
    return Case(
        rule_id=rule.id,
        rule_version=rule.edition.version,
        value=int(rule.value),
        unit=rule.unit,
        extension_most=int(rule.extension_value or 0),
        can_pause=rule.can_pause,
        on_overdue=rule.on_overdue,
        basis=rule.basis,
        began=at,
        extension_condition=rule.extension_condition,
    )


def pause(case: Case, reason: PauseReason, on: date) -> Case:
    """Let a limit stand still from a day on.

    Raises:
        Conflict: the rule allows no pause, it stands still already, or the case is answered.

    """
    if not case.can_pause:
        raise Conflict("这一时限不可中止。", "This limit cannot be paused.", code="limit_no_pause")
    if case.answered is not None or (case.pauses and case.pauses[-1].until is None):
        raise Conflict(
            "时限已中止或已办结。", "The limit is paused already, or the case is answered.", code="limit_state"
        )
    return replace(case, pauses=(*case.pauses, Pause(on, reason)))


def resume(case: Case, on: date) -> Case:
    """Let a limit run on; the days that were used stay used.

    Raises:
        Conflict: it does not stand still.

    """
    if not case.pauses or case.pauses[-1].until is not None:
        raise Conflict("时限没有中止。", "The limit is not paused.", code="limit_state")
    return replace(case, pauses=(*case.pauses[:-1], replace(case.pauses[-1], until=on)))


def extend(case: Case, by: int, at: datetime, works: WorkingCalendar, zone: ZoneInfo, consent: str) -> Case:
    """Extend a limit once, before it is due; the consent is kept by the caller and told to the applicant with it.

    Raises:
        Invalid: more than the rule allows, or no consent was stated.
        Conflict: it was extended before, or is due.

    """
    if not 0 < by <= case.extension_most:
        raise Invalid(
            f"最多可延长 {case.extension_most}。",
            f"It is extended by {case.extension_most} at most.",
            code="limit_extension",
        )
    if not consent.strip():
        raise Invalid(
            "延期须写明谁同意、为何延期。", "An extension states who consented and why.", code="reason_needed"
        )
    if case.extended or case.answered is not None or at > deadline(case, at, works, zone).due:
        raise Conflict("只能在到期前延长一次。", "A limit is extended once, and before it is due.", code="limit_state")
    return replace(case, extended=by)


def stop(case: Case, at: datetime) -> Case:
    """End a case with its answer."""
    return replace(case, answered=at)


def deadline(case: Case, now: datetime, works: WorkingCalendar, zone: ZoneInfo) -> Deadline:
    """Return when a case is due and how it stands at a moment."""
    count = case.value + case.extended
    due, provisional = _due(case, count, works, zone)
    paused = sum(_length(one, case.unit, now.astimezone(zone).date(), works) for one in case.pauses)
    warnings = sorted(
        {*(_part(case, count, due, share, works, zone) for share in _WARNINGS), _day_before(due, works, zone)}
    )
    answered = case.answered
    standing = now if answered is None else answered
    state = CaseState.RUNNING
    if answered is not None:
        state = CaseState.ANSWERED
    elif case.pauses and case.pauses[-1].until is None:
        state = CaseState.PAUSED
    elif standing > due:
        state = CaseState.OVERDUE
    elif any(standing >= moment for moment in warnings):
        state = CaseState.WARNED
    step = _step(case, due, standing, works, zone) if state is CaseState.OVERDUE else 0
    return Deadline(
        due=due, provisional=provisional, warnings=tuple(warnings), state=state, paused_days=paused, step=step
    )


def _due(case: Case, count: int, works: WorkingCalendar, zone: ZoneInfo) -> tuple[datetime, bool]:
    began = case.began.astimezone(zone)
    if case.unit == "hour":
        still = sum(((p.until or p.since) - p.since for p in case.pauses), timedelta())
        return began + timedelta(hours=count) + still, False
    if case.unit == "working_day":
        day, provisional = _working_due(case, count, began.date(), works)
        return _end_of(day, zone), provisional
    day = _natural(began.date(), count, case.unit)
    day += sum(((p.until or p.since) - p.since for p in case.pauses), timedelta())
    provisional = day.year not in works.years
    while not works.is_working(day):  # Civil Code 203: a limit that ends on a day off ends on the next working day
        day += timedelta(days=1)
    return _end_of(day, zone), provisional


def _working_due(case: Case, count: int, day: date, works: WorkingCalendar) -> tuple[date, bool]:
    """Count working days between pauses; the day of the trigger, and the day on which it runs on, are day 0."""
    left, provisional = count, False
    for one in case.pauses:
        used = min(left, max(0, works.working_days_between(day, one.since)))
        left -= used
        day = one.until or one.since
        if one.until is None:
            break
    found = works.due(day, left)
    return found.on, provisional or found.provisional


def _natural(day: date, count: int, unit: str) -> date:
    if unit == "day":
        return day + timedelta(days=count)
    months = count * (12 if unit == "year" else 1)
    if unit not in {"month", "year"}:
        raise Invalid(f"单位“{unit}”不是时限。", f'The unit "{unit}" makes no limit.', code="limit_unit")
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _part(case: Case, count: int, due: datetime, share: float, works: WorkingCalendar, zone: ZoneInfo) -> datetime:
    """Return when a share of a limit is used up: of working days in whole ones."""
    if case.unit == "working_day":
        return _end_of(_working_due(case, math.ceil(count * share), case.began.astimezone(zone).date(), works)[0], zone)
    return case.began + (due - case.began) * share


def _day_before(due: datetime, works: WorkingCalendar, zone: ZoneInfo) -> datetime:
    """Return the beginning of the last working day before the one on whose end it is due."""
    day = (due - timedelta(microseconds=1)).astimezone(zone).date() - timedelta(days=1)
    while not works.is_working(day):
        day -= timedelta(days=1)
    return datetime.combine(day, time(), zone)


def _length(one: Pause, unit: str, today: date, works: WorkingCalendar) -> int:
    until = one.until or today
    return works.working_days_between(one.since, until) if unit == "working_day" else (until - one.since).days


def _step(case: Case, due: datetime, now: datetime, works: WorkingCalendar, zone: ZoneInfo) -> int:
    if case.on_overdue != "escalate":
        return 0
    last = (due - timedelta(microseconds=1)).astimezone(zone).date()
    late = works.working_days_between(last, now.astimezone(zone).date())
    return min(_STEPS_MOST, 1 + max(0, late - 1) // _ESCALATES_EACH)
