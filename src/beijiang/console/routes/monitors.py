"""Monitors in the console: a table's history with what is usual, its findings and decisions; findings of all tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import finding_table
from beijiang.console.routes.frame import Frame, Seen, person
from beijiang.console.routes.listed import listed
from beijiang.kit import Invalid, Text
from beijiang.quality import Decision, Monitor, limits_on

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.quality import Band, Observation

SHOWN = 60
WIDTH, HEIGHT = 600.0, 120.0
_Words = Annotated[str, Form(max_length=1000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of monitors."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/quality-findings")
    def findings(request: Request) -> Response:
        return listed(frame, platform, request, "findings.html", finding_table(platform, person(request)))

    @pages.get("/quality/{name}/monitors")
    def monitors(request: Request, name: str) -> HTMLResponse:
        who = person(request)
        report = platform.monitors.report(who, name)
        today = platform.tickets.today
        own = {m: report.settings[m].limits for m in report.settings}
        return frame.page(
            request,
            "monitors.html",
            report=report,
            picture=picture(report.observations[-SHOWN:], report.band),
            infinity=float("inf"),
            monitors=tuple(Monitor),
            limits={m: limits_on(today, m, own.get(m)) for m in Monitor},
            may_decide=platform.access.allows(who, Permission.QUALITY_MONITOR_DECIDE, report.org_id),
        )

    @pages.post("/quality/{name}/monitors/look")
    def look(request: Request, name: str) -> RedirectResponse:
        back = f"/console/quality/{quote(name, safe='')}/monitors"

        def step() -> tuple[str, Text]:
            platform.monitors.look(person(request), name)
            return back, Text("最新版本已经看过。", "The newest version was looked into.")

        return frame.attempt(request, back, step)

    @pages.post("/quality/{name}/monitors/decide")
    def decide(
        request: Request,
        name: str,
        finding: Annotated[str, Form(max_length=60)],
        decision: Annotated[Decision, Form()],
        reason: _Words = "",
        until: Annotated[str, Form(max_length=10)] = "",
        seen: Seen = "",
    ) -> RedirectResponse:
        back = f"/console/quality/{quote(name, safe='')}/monitors"

        def step() -> tuple[str, Text]:
            platform.monitors.decide(person(request), finding, decision, reason, _day(until), seen=seen)
            return back, Text("已记录。", "Recorded.")

        return frame.attempt(request, back, step)

    @pages.post("/quality/{name}/monitors/set")
    async def set_monitor(request: Request, name: str) -> RedirectResponse:
        form, back = await request.form(), f"/console/quality/{quote(name, safe='')}/monitors"

        def step() -> tuple[str, Text]:
            words = str(form.get("monitor") or "")
            if words not in set(Monitor):
                raise Invalid("请选择监测项。", "Choose a monitor.", code="bad_form")
            monitor = Monitor(words)
            usual = limits_on(platform.tickets.today, monitor)
            given = {key: _number(str(form.get(f"l_{key}") or ""), usual[key]) for key in usual}
            platform.monitors.set_monitor(
                person(request),
                name,
                monitor,
                str(form.get("reason") or "")[:1000],
                is_on=bool(form.get("on")),
                limits={key: value for key, value in given.items() if value != usual[key]},
            )
            return back, Text("监测设置已保存。", "The monitor is set.")

        return await run_in_threadpool(frame.attempt, request, back, step)

    return pages


def picture(observations: Sequence[Observation], band: Band | None) -> dict[str, object] | None:
    """Return the places of a small chart of what was delivered, drawn by the page without a script."""
    if len(observations) < 2:  # noqa: PLR2004 - one point is no line
        return None
    top = max([o.volume for o in observations] + ([band.high] if band and band.high != float("inf") else [])) or 1
    step = WIDTH / (len(observations) - 1)

    def y(value: float) -> float:
        return round(HEIGHT - HEIGHT * min(value / top, 1.0), 1)

    dots = [(round(n * step, 1), y(o.volume), o) for n, o in enumerate(observations)]
    usual = None
    if band is not None:
        above = y(band.high) if band.high != float("inf") else 0.0
        usual = (above, round(y(band.low) - above, 1))
    return {"line": " ".join(f"{x},{at}" for x, at, _ in dots), "dots": dots, "usual": usual, "top": top}


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        return None


def _number(words: str, usual: float) -> float:
    try:
        return float(words) if words.strip() else usual
    except ValueError:
        raise Invalid("阈值应为数字。", "A limit is a number.", code="bad_form") from None
