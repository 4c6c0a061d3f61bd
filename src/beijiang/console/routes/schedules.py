"""Schedules, the freshness board and alerts: what runs by itself, how fresh tables are, and what to look after."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.board import board
from beijiang.console.lists import alert_table
from beijiang.console.routes.frame import Frame, number, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import names
from beijiang.ingest import QuietWindow, ScheduleDraft, SourceLimits, Timing, TimingKind
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.ingest import Sync
    from beijiang.kit import Actor

_SLOTS = 100
_Word = Annotated[str, Query(max_length=200)]
_Field = Annotated[str, Form(max_length=200)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of schedules, freshness and alerts."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_making(pages, frame, platform)
    _add_keeping(pages, frame, platform)
    _add_watching(pages, frame, platform)
    return pages


def plans_of(platform: Platform, who: Actor, sync: Sync) -> list[dict[str, Any]]:
    """Return the schedules of a sync as its page shows them."""
    schedules = platform.schedules
    return [
        {
            "schedule": plan,
            "last": next(iter(schedules.slots(who, plan.id, 1)), None),
            "waits": schedules.waits(who, plan.id),
        }
        for plan in schedules.schedules(who, sync.id)
    ]


def _add_making(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    schedules = platform.schedules

    @pages.get("/syncs/{sync_id}/schedule")
    def form(
        request: Request,
        sync_id: str,
        kind: _Word = "",
        minutes: _Word = "60",
        at: _Word = "06:30",
        days: _Word = "",
        after: Annotated[list[str], Query()] = [],  # noqa: B006  # FastAPI copies it
        cron: _Word = "",
    ) -> HTMLResponse:
        who = person(request)
        sync = platform.sources.sync(who, sync_id)
        told, fault = None, None
        if kind:
            try:
                told = schedules.preview(who, _timing(kind, minutes, at, days, after, cron))
            except BeijiangError as error:
                fault = error.text
        return frame.page(
            request,
            "schedule_form.html",
            sync=sync,
            kinds=_KINDS,
            chosen=kind or "working_days",
            given={"minutes": minutes, "at": at, "days": days, "after": after, "cron": cron},
            others=[s for s in platform.sources.syncs(who) if s.id != sync.id],
            told=told,
            fault=fault,
        )

    @pages.post("/syncs/{sync_id}/schedule")
    def save(
        request: Request,
        sync_id: str,
        kind: _Field,
        minutes: _Field = "60",
        at: _Field = "",
        days: _Field = "",
        after: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
        cron: _Field = "",
        whole: _Field = "",
        retries: _Field = "3",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            timing = _timing(kind, minutes, at, days, after, cron)
            draft = ScheduleDraft(timing=timing, whole=bool(whole), retries=number(retries, 3))
            made = schedules.add(person(request), sync_id, draft)
            return f"/console/syncs/{sync_id}", Text(
                f"已保存：{made.text.zh}。由您负责。", f"Saved: {made.text.en}. You answer for it."
            )

        return frame.attempt(request, f"/console/syncs/{sync_id}/schedule", step)


def _add_keeping(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    schedules = platform.schedules

    @pages.get("/schedules/{schedule_id}")
    def one(request: Request, schedule_id: str) -> HTMLResponse:
        who = person(request)
        found = schedules.schedule(who, schedule_id)
        return frame.page(
            request,
            "schedule.html",
            schedule=found,
            waits=schedules.waits(who, schedule_id),
            slots=schedules.slots(who, schedule_id, _SLOTS),
        )

    @pages.post("/schedules/{schedule_id}/{verb}")
    def change(request: Request, schedule_id: str, verb: str, reason: _Field = "") -> RedirectResponse:
        who = person(request)
        found = schedules.schedule(who, schedule_id)
        page = f"/console/syncs/{found.sync_id}"

        def step() -> tuple[str, Text]:
            if verb == "pause":
                schedules.pause(who, schedule_id, reason)
                return page, Text("已暂停。", "It rests.")
            if verb == "resume":
                schedules.resume(who, schedule_id)
                return page, Text("已恢复，由您负责。", "It runs again, and you answer for it.")
            if verb == "remove":
                schedules.remove(who, schedule_id)
                return page, Text("计划已删除，表不变。", "The schedule is gone; the table stays.")
            run_id = schedules.run_now(who, schedule_id)
            return f"/console/runs/{run_id}", Text("已开始取数。", "The run has begun.")

        return frame.attempt(request, page, step)

    @pages.post("/sources/{source_id}/limits")
    def limits(
        request: Request,
        source_id: str,
        at_once: _Field,
        start: _Field = "",
        end: _Field = "",
        working_days: _Field = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            quiet: tuple[QuietWindow, ...] = ()
            if start.strip() or end.strip():
                quiet = (QuietWindow(start=start.strip(), end=end.strip(), working_days=bool(working_days)),)
            schedules.set_limits(person(request), source_id, SourceLimits(at_once=number(at_once), quiet=quiet))
            return f"/console/sources/{source_id}", Text("已保存。", "Saved.")

        return frame.attempt(request, f"/console/sources/{source_id}", step)


def _add_watching(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/freshness")
    def freshness(request: Request) -> HTMLResponse:
        who = person(request)
        found = platform.freshness.freshness(who)
        dots = platform.freshness.timeline(who, [f.table for f in found])
        names = {o.id: o.short for o in platform.access.organisations()}
        drawn = board(found, dots, now=platform.clock.now(), zone=platform.schedules.zone, schedules=platform.schedules)
        return frame.page(
            request,
            "freshness.html",
            board=drawn,
            names=names,
            counts={state: sum(1 for f in found if f.state is state) for state in {f.state for f in found}},
            may_promise={
                o: platform.access.allows(who, Permission.INGEST_SOURCE_MANAGE, o) for o in {f.org_id for f in found}
            },
        )

    @pages.post("/freshness/promise")
    def promise(
        request: Request,
        table: _Field,
        hours: _Field,
        grace_hours: _Field = "0",
        working_days: _Field = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.freshness.promise(
                person(request),
                table,
                60 * number(hours),
                grace_minutes=60 * number(grace_hours),
                working_days=bool(working_days),
            )
            return f"/console/freshness#{quote(table)}", Text("承诺已保存。", "The promise is saved.")

        return frame.attempt(request, "/console/freshness", step)

    @pages.get("/alerts")
    def alerts(request: Request, closed: _Word = "") -> Response:
        who = person(request)
        table = alert_table(platform, who, names(platform), closed=bool(closed))

        @cache  # one department has many alerts
        def may(org_id: str) -> bool:
            return platform.access.allows(who, Permission.INGEST_ALERT_ACKNOWLEDGE, org_id)

        return listed(frame, platform, request, "alerts.html", table, closed=bool(closed), may_acknowledge=may)

    @pages.post("/alerts/{alert_id}/acknowledge")
    def acknowledge(
        request: Request, alert_id: str, answer: Annotated[str, Form(max_length=1000)] = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.alerts.acknowledge(person(request), alert_id, answer)
            return "/console/alerts", Text(
                "已确认；原因消除后会自动解除。", "Noted; it closes when its reason is gone."
            )

        return frame.attempt(request, "/console/alerts", step)


_KINDS = (
    (TimingKind.WORKING_DAYS.value, Text("每个工作日", "every working day")),
    (TimingKind.DAILY.value, Text("每天", "every day")),
    (TimingKind.WEEKLY.value, Text("每周", "every week")),
    (TimingKind.MONTHLY.value, Text("每月", "every month")),
    (TimingKind.MONTH_WORKING_DAY.value, Text("每月第几个工作日", "n-th working day of the month")),
    (TimingKind.EVERY.value, Text("每隔一段时间", "at an even distance")),
    (TimingKind.AFTER.value, Text("在其他取数成功之后", "after others have succeeded")),
    (TimingKind.CRON.value, Text("cron 表达式（专家）", "cron expression (experts)")),
)


def _timing(kind: str, minutes: str, at: str, days: str, after: list[str], cron: str) -> Timing:
    """Return what a form says; what its kind does not use is left aside."""
    chosen = TimingKind(kind) if kind in set(TimingKind) else TimingKind.DAILY
    return Timing(
        kind=chosen,
        minutes=number(minutes),
        at=tuple(_parts(at)),
        days=tuple(-number(d[1:]) if d.startswith("-") else number(d) for d in _parts(days)),
        after=tuple(after),
        cron=cron,
    ).checked()


def _parts(text: str) -> list[str]:
    for mark in "，、；; ：":
        text = text.replace(mark, ":" if mark == "：" else ",")
    return [part for part in text.split(",") if part]
