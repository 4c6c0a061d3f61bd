"""Noisy statistics (差分隐私): what is offered, a question with its accuracy beforehand, the answer, the spent budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, number, person
from beijiang.kit import BeijiangError, NotFound, Text
from beijiang.protection import (
    OfferDraft,
    PrivateKind,
    PrivateQuestion,
    epsilon_of,
    micro_of,
    read_domain,
    read_where,
    written_domain,
)

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform

LEDGER_SHOWN = 30


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of noisy statistics."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/private")
    def offers(request: Request) -> HTMLResponse:
        found = platform.private.offers(person(request))
        return frame.page(request, "private.html", offers=found, names=_names(platform), epsilon=epsilon_of)

    @pages.get("/private/{name}")
    def table(request: Request, name: str) -> HTMLResponse:
        return _page(frame, platform, request, name, {})

    @pages.post("/private/{name}/ask")
    async def ask(request: Request, name: str) -> HTMLResponse:
        form = await request.form()
        return await run_in_threadpool(_asked, frame, platform, request, name, form)

    @pages.get("/private/{name}/offer")
    def ask_offer(request: Request, name: str) -> HTMLResponse:
        return _offer_form(frame, platform, request, name)

    @pages.post("/private/{name}/offer")
    async def offer(request: Request, name: str) -> RedirectResponse:
        form, here = await request.form(), f"/console/private/{quote(name)}"

        def step() -> tuple[str, Text]:
            made = platform.private.offer(person(request), name, _draft(form))
            if made.approved:
                return here, Text("已开放。", "The table is offered.")
            return here, Text(
                "已提交，含最高级别数据项，须由数据局审核员同意后生效。",
                "Kept; it holds once a reviewer of the data bureau agrees, because of columns of the highest grade.",
            )

        return await run_in_threadpool(frame.attempt, request, here + "/offer", step)

    @pages.post("/private/{name}/approve")
    def approve(request: Request, name: str, seen: Annotated[str, Form(max_length=300)] = "") -> RedirectResponse:
        here = f"/console/private/{quote(name)}"

        def step() -> tuple[str, Text]:
            platform.private.approve(person(request), name, seen=seen)
            return here, Text("已同意，现在可以查询。", "Agreed; questions are answered now.")

        return frame.attempt(request, here, step)

    @pages.post("/private/{name}/withdraw")
    def withdraw(request: Request, name: str, reason: Annotated[str, Form(max_length=1000)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.private.withdraw(person(request), name, reason)
            return "/console/private", Text("已停止，不再回答。", "Ended; nothing is answered any more.")

        return frame.attempt(request, f"/console/private/{quote(name)}", step)

    return pages


def _page(
    frame: Frame, platform: Platform, request: Request, name: str, given: dict[str, Any], **shown: Any
) -> HTMLResponse:
    who = person(request)
    try:
        found, budget = platform.private.shown(who, name)
    except NotFound:
        facts = platform.tables.get(who, name)  # the department goes on to its form, others are told there is nothing
        platform.access.require(who, Permission.PROTECTION_PRIVATE_OFFER, facts.org_id)
        return _offer_form(frame, platform, request, name)
    return frame.page(
        request,
        "private_table.html",
        offer=found,
        budget=budget,
        ledger=platform.private.ledger(who, name)[:LEDGER_SHOWN],
        names=_names(platform),
        kinds=tuple(PrivateKind),
        given={"kind": "count", "column": "", "where": "", "epsilon": "0.1", "by": (), **given},
        epsilon=epsilon_of,
        written=written_domain,
        may={
            "offer": platform.access.allows(who, Permission.PROTECTION_PRIVATE_OFFER, found.org_id),
            "approve": platform.access.allows(who, Permission.PROTECTION_PRIVATE_APPROVE) and not found.approved,
        },
        **{"answer": None, "estimate": None, "fault": None, **shown},
    )


def _asked(frame: Frame, platform: Platform, request: Request, name: str, form: FormData) -> HTMLResponse:
    """Tell the accuracy of a question, or answer it; what is wrong with it is said above the form as it was filled in."""
    who = person(request)
    given = {key: str(form.get(key) or "").strip()[:400] for key in ("kind", "column", "where", "epsilon")}
    by = [str(value)[:400] for value in form.getlist("by")]
    try:
        question = PrivateQuestion(
            kind=PrivateKind(given["kind"]) if given["kind"] in set(PrivateKind) else PrivateKind.COUNT,
            column=(given["column"] or None) if given["kind"] != PrivateKind.COUNT else None,
            by=tuple(by),
            where=tuple(read_where(line) for line in given["where"].replace("；", ";").split(";") if line.strip()),
            micro=micro_of(given["epsilon"]),
        )
        if form.get("step") == "ask":
            shown: dict[str, Any] = {"answer": platform.private.ask(who, name, question)}
        else:
            shown = {"estimate": platform.private.estimate(who, name, question)}
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        shown = {"fault": error.text}
    return _page(frame, platform, request, name, {**given, "by": by}, **shown)


def _offer_form(frame: Frame, platform: Platform, request: Request, name: str) -> HTMLResponse:
    who = person(request)
    info = platform.tables.get(who, name)
    platform.access.require(who, Permission.PROTECTION_PRIVATE_OFFER, info.org_id)
    try:
        before = platform.private.shown(who, name)[0]
    except NotFound:
        before = None
    grades = {grade.column: grade for grade in platform.protection.grades(who, name)}
    likely = next((c for c, g in grades.items() if g.kind == "citizen_id"), "")
    return frame.page(
        request,
        "private_offer.html",
        info=info,
        columns=[(column.name, column.name) for column in info.columns],
        grades=grades,
        before=before,
        key=before.person if before else likely,
        written=written_domain,
    )


def _draft(form: FormData) -> OfferDraft:
    def words(name: str, most: int = 400) -> str:
        return str(form.get(name) or "").strip()[:most]

    columns, said = form.getlist("column"), form.getlist("domain")
    pairs = [(str(c)[:400], str(d).strip()[:20_000]) for c, d in zip(columns, said, strict=False)]
    return OfferDraft(
        person=words("person"),
        domains={column: read_domain(domain) for column, domain in pairs if domain},
        reason=words("reason", 1000),
        rows_per_person=number(words("rows_per_person"), 1),
        consumer_epsilon=words("consumer_epsilon", 20),
        total_epsilon=words("total_epsilon", 20),
    )


def _names(platform: Platform) -> dict[str, str]:
    return {o.id: o.short for o in platform.access.organisations()}
