"""Standard entries (标准目录) and their claims (认领)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, Seen, person
from beijiang.console.routes.sharing import Many, Said, Short, Word, names
from beijiang.exchange import ClaimMove, ClaimState, TemplateDraft
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE, CLAIMS = "/console/templates", "/console/claims"
_TIERS = {2: Text("盟市级", "leagues and cities"), 3: Text("旗县级", "banners and counties")}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_looking(pages, frame, platform)
    _add_issuing(pages, frame, platform)
    _add_claims(pages, frame, platform)
    return pages


def _add_looking(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    service = platform.templates

    @pages.get("/templates")
    def listed(request: Request) -> HTMLResponse:
        who = person(request)
        waiting = service.waiting(who)
        return frame.page(
            request,
            "templates.html",
            templates=service.templates(who),
            waiting=waiting,
            due={one.id: service.due(one) for one in waiting},
            states=tuple(ClaimState),
            may=platform.access.allows(who, Permission.EXCHANGE_TEMPLATE_ISSUE, who.org_id),
            names=names(platform),
        )

    @pages.get("/templates/{template}")
    def one(request: Request, template: str) -> HTMLResponse:
        view = service.template(person(request), template)
        current = [task for task in view.tasks if task.template_version == view.template.version]
        return frame.page(
            request,
            "template.html",
            view=view,
            standard=view.template,
            current=current,
            states=tuple(ClaimState),
            names=names(platform),
        )

    @pages.post("/templates/{template}/retire")
    def retire(request: Request, template: str, words: Said = "") -> RedirectResponse:
        back = f"{HERE}/{template}"

        def step() -> tuple[str, Text]:
            service.retire(person(request), template, words)
            return back, Text("已废止。", "Retired.")

        return frame.attempt(request, back, step)


def _add_issuing(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    service = platform.templates

    def page(
        request: Request, draft: TemplateDraft, fault: Text | None = None, *, planned: bool = False
    ) -> HTMLResponse:
        who = person(request)
        found = platform.catalog.get(who, draft.resource_id)
        plan = None
        if planned:
            try:
                plan = service.plan(who, draft)
            except BeijiangError as error:
                fault = error.text
        return frame.page(
            request, "template_new.html", draft=draft, entry=found.entry, plan=plan, tiers=_TIERS,
            names=names(platform), fault=fault,
        )  # fmt: skip

    @pages.get("/template")
    def new(request: Request, resource: Word) -> HTMLResponse:
        return page(request, TemplateDraft(resource_id=resource))

    @pages.post("/template", response_model=None)
    def put(
        request: Request,
        resource: Short,
        tier: Many = [],  # noqa: B006
        words: Short = "",
        basis: Said = "",
        do: Short = "plan",
    ) -> HTMLResponse | RedirectResponse:
        draft = TemplateDraft(
            resource_id=resource,
            tiers=frozenset(int(one) for one in tier if one in {"2", "3"}),
            words=words.strip(),
            basis=basis,
        )
        if do != "issue":
            return page(request, draft, planned=True)
        try:
            made = service.issue(person(request), draft)
        except BeijiangError as error:
            return page(request, draft, error.text, planned=True)
        told = Text("已下发，下级部门会收到认领任务。", "Issued; the units below have their tasks.")
        return frame.after(request, f"{HERE}/{made.id}", told)


def _add_claims(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    service = platform.templates

    @pages.get("/claims/{task}")
    def one(request: Request, task: str) -> HTMLResponse:
        who = person(request)
        view = service.task(who, task)
        claims = ClaimMove.CLAIM in view.moves
        own = [one for one in platform.catalog.list(who) if one.provider_id == view.task.org_id] if claims else []
        return frame.page(
            request,
            "claim.html",
            view=view,
            task=view.task,
            standard=view.template.entry,
            own=own,
            differs={one.column: one for one in view.deviations if one.column},
            names=names(platform),
        )

    @pages.post("/claims/{task}")
    def move(
        request: Request,
        task: str,
        move: Annotated[ClaimMove, Form()],
        entry: Short = "",
        named: Short = "",
        words: Said = "",
        seen: Seen = "",
    ) -> RedirectResponse:
        back = f"{CLAIMS}/{task}"

        def step() -> tuple[str, Text]:
            who = person(request)
            if move is ClaimMove.CLAIM:
                done = service.claim(who, task, entry)
                told = Text("已认领。请补全后提交审核。", "Claimed. Complete the entry and hand it in.")
                return f"/console/catalog/{done.resource_id}", told
            if move in {ClaimMove.DECLINE, ClaimMove.NAME}:
                service.decline(who, task, words, named)
                return back, Text("已提出，等待下发部门确认。", "Said; who issued it decides.")
            service.decide(who, task, move, words, seen=seen)
            return back, Text("已办理。", "Done.")

        return frame.attempt(request, back, step)


__all__ = ["router"]
