"""The supervised work plan: the list with lights, one task with its progress, reporting, confirming, urging."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.assess import LIGHT_RULE, PLAN_TABLES, Light, Proof, ProofKind, TaskState
from beijiang.console.duties import plan_tasks
from beijiang.console.routes.frame import Frame, Seen, language, person
from beijiang.console.routes.tickets import handed_out
from beijiang.kit import Text
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from beijiang.assess import PlanTask
    from beijiang.build import Platform
    from beijiang.kit import Actor

HERE: Final = "/console/plan"
_WRITING: Final = Text(
    "督办计划正在后台写入数据表，请稍后刷新本页查看。",
    "The plan is being written into tables in the background; look at this page again in a moment.",
)
_Said = Annotated[str, Form(max_length=4000)]
_Word = Annotated[str, Query(max_length=60)]
_PAGES: Final = {
    ProofKind.ENTRY: "/console/catalog/",
    ProofKind.TABLE: "/console/tables/",
    ProofKind.FIGURE: "/console/figures/",
}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the work plan."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_reading(pages, frame, platform)
    _add_steps(pages, frame, platform)
    return pages


def _rights(platform: Platform, who: Actor, task: PlanTask | None = None) -> dict[str, bool]:
    allows = platform.access.allows
    mine = [] if task is None else [*task.leads, *task.joint]
    return {
        "manage": allows(who, Permission.ASSESS_PLAN_MANAGE),
        "record": allows(who, Permission.TABLES_TABLE_WRITE, who.org_id),
        "report": any(allows(who, Permission.ASSESS_PLAN_REPORT, org) for org in mine),
    }


def _href(proof: Proof) -> str:
    return proof.ref if proof.kind is ProofKind.LINK else _PAGES[proof.kind] + quote(proof.ref, safe="")


def _add_reading(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    plan = platform.plan

    @pages.get("/plan")
    def tasks(request: Request, light: _Word = "", org: _Word = "", name: _Word = "", show: _Word = "") -> HTMLResponse:
        who = person(request)
        found = plan.tasks(who)
        plans = list(dict.fromkeys(one.task.plan for one in found))
        chosen = name if name in plans else (plans[0] if plans else "")
        mine = [one for one in found if one.task.plan == chosen]
        counts = Counter(one.light for one in mine)
        shown = [
            one
            for one in mine
            if light in {"", one.light.value} and (not org or org in {*one.task.leads, *one.task.joint})
        ]
        across = show if show in {"late", "reported"} else ""
        return frame.page(
            request,
            "plan.html",
            tasks=plan_tasks(found, across, org) if across else shown,
            show=across,
            counts=[(one, counts[one]) for one in Light],
            light=light,
            org=org,
            plans=plans,
            chosen=chosen,
            rule=LIGHT_RULE,
            own=who.org_id,
            names={o.id: o.short for o in platform.access.organisations()},
            may=_rights(platform, who),
            year=plan.today.year,
            sets=platform.plan_tables.sets(who),
            plan_tables=list(PLAN_TABLES),
        )

    @pages.get("/plan-file")
    def file(request: Request, form: SheetFormat = SheetFormat.XLSX) -> Response:
        return handed_out(plan.export(person(request), form, language(request)))

    @pages.get("/plan/{task}")
    def one(request: Request, task: str) -> HTMLResponse:
        who = person(request)
        view = plan.task(who, task)
        return frame.page(
            request,
            "plan_task.html",
            view=view,
            lit=view.lit,
            task=view.lit.task,
            rule=LIGHT_RULE,
            href=_href,
            reported=TaskState.REPORTED,
            done=TaskState.DONE,
            names={o.id: o.short for o in platform.access.organisations()},
            figures={r.figure.code: r for r in platform.figures.figures(who)},
            may=_rights(platform, who, view.lit.task),
        )


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    plan = platform.plan

    @pages.post("/plan-load")
    def load(
        request: Request,
        name: Annotated[str, Form(max_length=40)],
        since: Annotated[date, Form()],
        due_on: Annotated[date, Form()],
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            added = plan.load(person(request), plan=name, since=since, due_on=due_on)
            return HERE, Text(f"新增 {added} 项任务。", f"{added} tasks added.")

        return frame.attempt(request, HERE, step)

    @pages.post("/plan-tables")
    def record(request: Request) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = platform.plan_tables.record_into(person(request))
            words = Text(
                "督办计划已写入数据表，此后有变化即更新。", "The plan is written into tables, and kept up to date."
            )
            return HERE, words if made.stale_since is None else _WRITING

        return frame.attempt(request, HERE, step)

    @pages.post("/plan-tables/{org}/take-over")
    def take_over(request: Request, org: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            kept = platform.plan_tables.take_over(person(request), org)
            words = Text("已由您负责，并已写入。", "You answer for them now, and they are written.")
            return HERE, words if kept.stale_since is None else _WRITING

        return frame.attempt(request, HERE, step)

    @pages.post("/plan-tables/{org}/stop")
    def stop(request: Request, org: str, reason: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.plan_tables.stop(person(request), org, reason)
            return HERE, Text("不再写入，已有的表保持不变。", "It is written no more; the tables stay as they are.")

        return frame.attempt(request, HERE, step)

    @pages.post("/plan/{task}/report")
    def report(
        request: Request, task: str, percent: Annotated[int, Form()], words: _Said = "", proofs: _Said = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            plan.report(person(request), task, percent, words, proofs.splitlines())
            return f"{HERE}/{task}", Text("进展已报告。", "Progress is reported.")

        return frame.attempt(request, f"{HERE}/{task}", step)

    @pages.post("/plan/{task}/confirm")
    def confirm(
        request: Request, task: str, answer: Annotated[str, Form(max_length=10)], words: _Said = "", seen: Seen = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            plan.confirm(person(request), task, words, accept=answer == "accept", seen=seen)
            return f"{HERE}/{task}", Text("已处理。", "Done.")

        return frame.attempt(request, f"{HERE}/{task}", step)

    @pages.post("/plan/{task}/deadline")
    def deadline(request: Request, task: str, due_on: Annotated[date, Form()], words: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            plan.move_deadline(person(request), task, due_on, words)
            return f"{HERE}/{task}", Text("期限已调整。", "The deadline is moved.")

        return frame.attempt(request, f"{HERE}/{task}", step)

    @pages.post("/plan/{task}/urge")
    def urge(request: Request, task: str, words: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            plan.urge(person(request), task, words)
            return f"{HERE}/{task}", Text("已督办，牵头部门会收到告警。", "Urged; those who lead are alerted.")

        return frame.attempt(request, f"{HERE}/{task}", step)
