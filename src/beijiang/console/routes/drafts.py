"""Drafts of the work plan: read from a document, each line beside its source, decided, taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.assess import DraftState, LineVerdict
from beijiang.console.routes.frame import Frame, person
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE: Final = "/console/plan-drafts"
_Said = Annotated[str, Form(max_length=4000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of drafts."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    drafts = platform.plan_drafts

    @pages.get("/plan-drafts")
    def all_(request: Request) -> HTMLResponse:
        return frame.page(request, "plan_drafts.html", found=drafts.drafts(person(request)))

    @pages.get("/plan-drafts/{draft}")
    def one(request: Request, draft: str) -> HTMLResponse:
        found = drafts.draft(person(request), draft)
        bodies = [(one.id, one.short) for one in platform.access.organisations() if one.admin_tier == 1]
        return frame.page(
            request,
            "plan_draft.html",
            draft=found,
            open_=DraftState.OPEN,
            verdicts=LineVerdict,
            bodies=bodies,
            names=dict(bodies),
        )

    @pages.post("/plan-drafts")
    def read(
        request: Request, document: Annotated[str, Form(max_length=40)], plan: Annotated[str, Form(max_length=40)] = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = drafts.read(person(request), document, plan=plan)
            told = Text(
                f"识别出 {len(made.lines)} 项任务，请逐行核对。", f"{len(made.lines)} tasks were read; check each."
            )
            return f"{HERE}/{made.id}", told

        return frame.attempt(request, f"/console/texts/{document}?tab=tasks", step)  # fmt: skip

    @pages.post("/plan-drafts/{draft}/lines/{place}")
    async def decide(request: Request, draft: str, place: int) -> RedirectResponse:
        form = await request.form()
        words = {
            name: str(form.get(name) or "") for name in ("number", "part", "title", "summary", "joint_words", "due_on")
        }
        lists = {name: [str(one) for one in form.getlist(name) if str(one)] for name in ("leads", "joint")}
        targets = [line for line in str(form.get("targets") or "").splitlines() if line.strip()]

        def step() -> tuple[str, Text]:
            accept = form.get("answer") == "accept"
            said = {**words, **lists, "targets": targets} if accept else None
            note, seen = (str(form.get(name) or "") for name in ("note", "seen"))
            drafts.decide(person(request), draft, place, said, note, accept=accept, seen=seen)
            return f"{HERE}/{draft}#line-{place + 1}", Text("已记下。", "Noted.")

        return frame.attempt(request, f"{HERE}/{draft}", step)

    @pages.post("/plan-drafts/{draft}/take")
    def take(request: Request, draft: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            added = drafts.take(person(request), draft)
            return "/console/plan", Text(f"新增 {added} 项督办任务。", f"{added} tasks are on the plan.")

        return frame.attempt(request, f"{HERE}/{draft}", step)

    @pages.post("/plan-drafts/{draft}/drop")
    def drop(request: Request, draft: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            drafts.drop(person(request), draft)
            return HERE, Text("草稿已放弃。", "The draft is dropped.")

        return frame.attempt(request, f"{HERE}/{draft}", step)

    return pages
