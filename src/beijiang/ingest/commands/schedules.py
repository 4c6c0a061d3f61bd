"""``beijiang ingest schedule``, ``backfill``, ``freshness``, ``promise`` and ``alerts``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

import typer

from beijiang.ingest.commands.files import AS, actor_of
from beijiang.ingest.models import QuietWindow, ScheduleDraft, SourceLimits, Timing, TimingKind
from beijiang.kit import Actor, Invalid, Text
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import Alert, Freshness, Preview, Schedule, Slot
    from beijiang.ingest.service import Alerts, FreshnessBoard, Schedules

__all__ = ["add_schedules"]

_SCHEDULES = (
    Column("id", Text("计划", "schedule"), whole=True),
    Column("table", Text("表", "table")),
    Column("when", Text("何时", "when")),
    Column("next", Text("下一次", "next")),
    Column("last", Text("上一次", "last")),
    Column("owner", Text("负责人", "owner")),
    Column("rests", Text("暂停或等待", "rests or waits")),
)
_SLOTS = (
    Column("number", Text("序", "no."), right=True),
    Column("at", Text("应于", "due")),
    Column("began", Text("开始", "began")),
    Column("state", Text("结果", "result")),
    Column("attempt", Text("尝试", "attempt"), right=True),
    Column("late", Text("迟", "late")),
    Column("missed", Text("并入", "missed"), right=True),
    Column("run", Text("任务", "run"), whole=True),
    Column("note", Text("原因", "reason")),
)
_FRESH = (
    Column("table", Text("表", "table")),
    Column("org_id", Text("部门", "organisation")),
    Column("state", Text("状态", "state")),
    Column("promise", Text("承诺", "promise")),
    Column("data", Text("数据截至", "data of")),
    Column("deadline", Text("期限", "deadline")),
    Column("next", Text("下一次", "next")),
    Column("why", Text("原因", "reasons")),
)
_ALERTS = (
    Column("id", Text("告警", "alert"), whole=True),
    Column("kind", Text("类别", "kind")),
    Column("org_id", Text("部门", "organisation")),
    Column("text", Text("内容", "text")),
    Column("opened", Text("自", "since")),
    Column("seen", Text("已确认", "acknowledged")),
    Column("closed", Text("已解除", "closed")),
)
_EVERY = re.compile(r"(\d{1,5})([mhd])")
_MINUTES = {"m": 1, "h": 60, "d": 1440}


class _Parts(Protocol):
    """What these commands speak to."""

    @property
    def schedules(self) -> Schedules: ...
    @property
    def freshness(self) -> FreshnessBoard: ...
    @property
    def alerts(self) -> Alerts: ...


class _Words(NamedTuple):
    """The options that say when."""

    every: str
    at: Sequence[str]
    working: bool
    weekday: Sequence[int]
    month_day: Sequence[int]
    month_working_day: Sequence[int]
    after: Sequence[str]
    cron: str


def add_schedules(group: typer.Typer, get: Callable[[], _Parts]) -> None:
    """Add the commands of schedules, promises and alerts to ``beijiang ingest``."""
    plans = typer.Typer(help="Schedules: what runs by itself, and when.", no_args_is_help=True)
    group.add_typer(plans, name="schedule")
    _add_making(plans, get)
    _add_keeping(plans, get)
    _add_watching(group, get)


def _add_making(plans: typer.Typer, get: Callable[[], _Parts]) -> None:
    @plans.command("add")
    def add(  # options of a command
        table: str = typer.Argument(help="Table, sync, or a source of which one feed is taken."),
        every: str = typer.Option("", help="Distance: 30m, 2h, 1d."),
        at: Annotated[list[str] | None, typer.Option(help="Time of the day, 06:30; again for more.")] = None,
        working_days: bool = typer.Option(False, "--working-days", help="Only on working days, make-up days included."),
        weekday: Annotated[list[int] | None, typer.Option(help="1 Monday to 7 Sunday; again for more.")] = None,
        month_day: Annotated[list[int] | None, typer.Option(help="Day of the month; -1 is the last.")] = None,
        month_working_day: Annotated[
            list[int] | None, typer.Option(help="N-th working day of the month; -1 is the last.")
        ] = None,
        after: Annotated[list[str] | None, typer.Option(help="After this table's sync has succeeded.")] = None,
        cron: str = typer.Option("", help="For experts: five fields, in the installation's time."),
        whole: bool = typer.Option(False, "--whole", help="Read everything each time, not only what is new."),
        retries: int = typer.Option(3, min=0, max=10, help="How often a passing trouble is tried again."),
        backoff: int = typer.Option(60, min=1, help="Seconds before the first new try; doubled each time."),
        preview: bool = typer.Option(False, "--preview", help="Say when it would run, and save nothing."),
        person: str = AS,
    ) -> None:
        """Have a sync run by itself; says in words when, and the next five times."""
        schedules = get().schedules
        actor = _actor(schedules, person)
        timing = _timing(
            _Words(
                every,
                at or (),
                working_days,
                weekday or (),
                month_day or (),
                month_working_day or (),
                after or (),
                cron,
            )
        )
        told = schedules.preview(actor, timing)
        if preview:
            show(told.to_json()) if as_json() else _say_preview(told, schedules)
            return
        draft = ScheduleDraft(timing=timing, whole=whole, retries=retries, backoff=backoff)
        made = schedules.add(actor, table, draft)
        if as_json():
            show(made.to_json())
            return
        _say_preview(told, schedules)
        show([_schedule(made, schedules, actor)], _SCHEDULES)


def _add_keeping(plans: typer.Typer, get: Callable[[], _Parts]) -> None:
    @plans.command("list")
    def list_(table: str = typer.Argument("", help="Table or sync; all if empty."), person: str = AS) -> None:
        """List schedules with their next and last moment."""
        schedules = get().schedules
        actor = _actor(schedules, person)
        found = schedules.schedules(actor, table or None)
        show([s.to_json() for s in found] if as_json() else [_schedule(s, schedules, actor) for s in found], _SCHEDULES)

    @plans.command("show")
    def show_(
        schedule: str = typer.Argument(help="Id of the schedule."),
        limit: int = typer.Option(20, min=1, max=200, help="How many moments, newest first."),
        person: str = AS,
    ) -> None:
        """Show what became of a schedule's moments: on time, late, tried again, failed and why."""
        schedules = get().schedules
        found = schedules.slots(_actor(schedules, person), schedule, limit)
        show([s.to_json() for s in found] if as_json() else [_slot(s, schedules) for s in found], _SLOTS)

    @plans.command("pause")
    def pause(
        schedule: str = typer.Argument(help="Id of the schedule."),
        reason: str = typer.Option("", help="Why; shown to everybody who wonders."),
        person: str = AS,
    ) -> None:
        """Let a schedule rest."""
        schedules = get().schedules
        show(schedules.pause(_actor(schedules, person), schedule, reason).to_json())

    @plans.command("resume")
    def resume(schedule: str = typer.Argument(help="Id of the schedule."), person: str = AS) -> None:
        """Let a schedule run again, from now on and under your name."""
        schedules = get().schedules
        show(schedules.resume(_actor(schedules, person), schedule).to_json())

    @plans.command("remove")
    def remove(schedule: str = typer.Argument(help="Id of the schedule."), person: str = AS) -> None:
        """Forget a schedule; what it fills stays."""
        schedules = get().schedules
        schedules.remove(_actor(schedules, person), schedule)

    @plans.command("limits")
    def limits(
        source: str = typer.Argument(help="Source: name or id."),
        at_once: int = typer.Option(0, help="Runs at the same time; 0 leaves everything as it is."),
        quiet: Annotated[
            list[str] | None, typer.Option(help="08:00-18:00, or working:08:00-18:00; again for more.")
        ] = None,
        person: str = AS,
    ) -> None:
        """Show or set how much a source bears: runs at once, and hours in which none begins."""
        schedules = get().schedules
        actor = _actor(schedules, person)
        if at_once:
            made = SourceLimits(at_once=at_once, quiet=tuple(_window(q) for q in quiet or ()))
            show(schedules.set_limits(actor, source, made).to_json())
            return
        show(schedules.limits(actor, source).to_json())


def _add_watching(group: typer.Typer, get: Callable[[], _Parts]) -> None:
    @group.command("freshness")
    def freshness(table: str = typer.Argument("", help="Table; all if empty."), person: str = AS) -> None:
        """Show how each table stands to its promise, the worst first."""
        parts = get()
        found = parts.freshness.freshness(_actor(parts.schedules, person), table or None)
        show([f.to_json() for f in found] if as_json() else [_fresh(f, parts.schedules) for f in found], _FRESH)

    @group.command("promise")
    def promise(
        table: str = typer.Argument(help="Table."),
        within: str = typer.Option(help="How old its data may be: 90m, 26h, 7d; 0m takes the promise back."),
        grace: str = typer.Option("0m", help="How long after that it is late: 2h, 1d."),
        working_days: bool = typer.Option(False, "--working-days", help="Days on which nobody works do not count."),
        person: str = AS,
    ) -> None:
        """Promise how old a table's data may be, instead of the update cycle of its catalog entry."""
        parts = get()
        made = parts.freshness.promise(
            _actor(parts.schedules, person),
            table,
            _span(within),
            grace_minutes=_span(grace),
            working_days=working_days,
        )
        show(made.to_json())

    @group.command("alerts")
    def alerts(
        closed: bool = typer.Option(False, "--closed", help="Those whose reason is gone, too."),
        person: str = AS,
    ) -> None:
        """List what somebody should look after."""
        parts = get()
        found = parts.alerts.alerts(_actor(parts.schedules, person), closed=closed)
        show([a.to_json() for a in found] if as_json() else [_alert(a, parts.schedules) for a in found], _ALERTS)

    @group.command("acknowledge")
    def acknowledge(
        alert: str = typer.Argument(help="Id of the alert."),
        answer: str = typer.Option("", help="What is done about it."),
        person: str = AS,
    ) -> None:
        """Say that you look after an alert; it closes by itself when its reason is gone."""
        parts = get()
        show(parts.alerts.acknowledge(_actor(parts.schedules, person), alert, answer).to_json())


def _actor(schedules: Schedules, person: str) -> Actor:
    return actor_of(schedules.sources.ingest, person)


def _timing(words: _Words) -> Timing:
    """Return what the options say; more than one way of saying when is no way."""
    at = tuple(words.at)
    ways: list[Timing] = []
    if words.every:
        ways.append(Timing(kind=TimingKind.EVERY, minutes=_span(words.every)))
    if words.after:
        ways.append(Timing(kind=TimingKind.AFTER, after=tuple(words.after)))
    if words.cron:
        ways.append(Timing(kind=TimingKind.CRON, cron=words.cron))
    if words.working:
        ways.append(Timing(kind=TimingKind.WORKING_DAYS, at=at))
    days = {
        TimingKind.WEEKLY: words.weekday,
        TimingKind.MONTHLY: words.month_day,
        TimingKind.MONTH_WORKING_DAY: words.month_working_day,
    }
    ways += [Timing(kind=kind, at=at, days=tuple(given)) for kind, given in days.items() if given]
    if not ways and at:
        ways.append(Timing(kind=TimingKind.DAILY, at=at))
    if len(ways) != 1:
        raise Invalid(
            "请只用一种方式说明何时运行：--every、--at（可加 --working-days、--weekday、--month-day、--month-working-day 之一）、--after 或 --cron。",
            "Say in one way when it runs: --every, --at (with one of --working-days, --weekday, --month-day, --month-working-day if wanted), --after or --cron.",
            code="bad_timing",
        )
    return ways[0].checked()


def _span(text: str) -> int:
    """Return minutes of ``30m``, ``2h`` or ``1d``."""
    found = _EVERY.fullmatch(text.strip())
    if found is None:
        raise Invalid(f"“{text}”应写作 30m、2h 或 1d。", f'Write "{text}" as 30m, 2h or 1d.', code="bad_timing")
    return int(found[1]) * _MINUTES[found[2]]


def _window(text: str) -> QuietWindow:
    working = text.startswith("working:")
    start, _, end = text.removeprefix("working:").partition("-")
    return QuietWindow(start=start.strip(), end=end.strip(), working_days=working)


def _say_preview(told: Preview, schedules: Schedules) -> None:
    moments = "、".join(_moment(m, schedules) for m in told.moments)
    say(
        Text(
            f"{told.text.zh}。接下来：{moments or '等先行的取数成功'}",
            f"{told.text.en}. Next: {moments or 'when they succeed'}",
        )
    )
    if told.provisional:
        say(
            Text(
                "其中有的年份尚未载入节假日安排，暂只按周末计算。",
                "The holidays of some of these years are not loaded yet; only weekends count there.",
            )
        )


def _schedule(schedule: Schedule, schedules: Schedules, actor: Actor) -> dict[str, Any]:
    last = next(iter(schedules.slots(actor, schedule.id, 1)), None)
    waits = schedule.rests or schedules.waits(actor, schedule.id)
    return {
        "id": schedule.id,
        "table": schedule.table,
        "when": _words(schedule.text),
        "next": "" if schedule.paused else _moment(schedule.next_at, schedules),
        "last": "" if last is None else f"{_moment(last.at, schedules)} {_words(last.state.text)}",
        "owner": schedule.owner_name,
        "rests": _words(waits),
    }


def _slot(slot: Slot, schedules: Schedules) -> dict[str, Any]:
    minutes = slot.late_seconds // 60
    return {
        "number": slot.number,
        "at": _moment(slot.at, schedules),
        "began": _moment(slot.claimed_at, schedules),
        "state": _words(slot.state.text),
        "attempt": slot.attempt,
        "late": f"{minutes:,} min" if minutes else "",
        "missed": slot.missed or "",
        "run": slot.run_id,
        "note": _words(slot.note),
    }


def _fresh(one: Freshness, schedules: Schedules) -> dict[str, Any]:
    return {
        "table": one.table,
        "org_id": one.org_id,
        "state": _words(one.state.text),
        "promise": "" if one.promise is None else _words(one.promise.text),
        "data": _moment(one.data_at, schedules),
        "deadline": _moment(one.deadline, schedules),
        "next": _moment(one.next_at, schedules),
        "why": "；".join(_words(r) for r in one.reasons),
    }


def _alert(alert: Alert, schedules: Schedules) -> dict[str, Any]:
    return {
        "id": alert.id,
        "kind": _words(alert.kind.text),
        "org_id": alert.org_id,
        "text": _words(alert.text),
        "opened": _moment(alert.opened_at, schedules),
        "seen": alert.acknowledged_by or "",
        "closed": _moment(alert.closed_at, schedules),
    }


def _words(text: Text | None) -> str:
    return "" if text is None else text.in_language(language())


def _moment(moment: datetime | None, schedules: Schedules) -> str:
    return "" if moment is None else moment.astimezone(schedules.zone).strftime("%Y-%m-%d %H:%M")
