"""Grades of whole tables: the matrix to choose by, the versions of a judgement, and what waits for a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import assessment_table
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import names
from beijiang.kit import Text
from beijiang.protection import AffectedObject, AssessmentDraft, Harm, Tier, factors, sectors

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform

WAITING = "/console/grading"


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of grading."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/grading")
    def overview(request: Request) -> Response:
        who = person(request)
        table = assessment_table(platform.protection.assessed(who), names(platform))
        return listed(frame, platform, request, "grading.html", table, waiting=platform.protection.lowerings(who))

    @pages.get("/tables/{name}/grading")
    def table(request: Request, name: str) -> HTMLResponse:
        return _page(frame, platform, request, name)

    @pages.post("/tables/{name}/grading")
    async def assess(request: Request, name: str) -> RedirectResponse:
        form, here = await request.form(), f"/console/tables/{quote(name, safe='')}/grading"

        def step() -> tuple[str, Text]:
            made, lowering = platform.protection.assess(person(request), name, _draft(form))
            if lowering is not None:
                return here, Text(
                    f"已提交（{lowering.words}）。低于现行定级，须由另一名审核人员同意；此前按原定级执行。",
                    f"Kept ({lowering.words}). It asks for less, so another person has to agree; what is in force holds until then.",
                )
            return here, Text(
                f"已定为{made.tier.text.zh}，各数据项不低于 {made.level}。",
                f"It is {made.tier.text.en} now, every column {made.level} at least.",
            )

        return await run_in_threadpool(frame.attempt, request, here, step)

    @pages.post("/grading/{lowering}/decide")
    def decide(
        request: Request,
        lowering: str,
        agree: Annotated[str, Form(max_length=4)],
        reason: Annotated[str, Form(max_length=1000)] = "",
        seen: Annotated[str, Form(max_length=300)] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            agreed = agree == "yes"
            platform.protection.decide_lowering(person(request), lowering, agree=agreed, reason=reason, seen=seen)
            if agreed:
                return WAITING, Text("已同意，降级生效。", "Agreed; it holds now.")
            return WAITING, Text("未同意，仍按原级别执行。", "Refused; the stricter grade goes on to hold.")

        return frame.attempt(request, WAITING, step)

    @pages.post("/grading/{lowering}/withdraw")
    def withdraw(
        request: Request, lowering: str, reason: Annotated[str, Form(max_length=1000)] = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.protection.withdraw_lowering(person(request), lowering, reason)
            return WAITING, Text("已撤回，仍按原级别执行。", "Taken back; the stricter grade goes on to hold.")

        return frame.attempt(request, WAITING, step)

    return pages


def _page(frame: Frame, platform: Platform, request: Request, name: str) -> HTMLResponse:
    who = person(request)
    found, today = platform.protection.grading(who, name), platform.protection.today()
    return frame.page(
        request,
        "table_grading.html",
        grading=found,
        objects=tuple(AffectedObject),
        harms=tuple(Harm),
        sectors=sectors(today),
        factors=factors(today),
        doors=DOORS[found.tier],
        floors=platform.protection.floors(who, name),
        closed=[one for one in platform.protection.lowerings(who, name) if one.lowering.decided_at],
        may_assess=platform.access.allows(who, Permission.PROTECTION_GRADE_CORRECT, found.org_id),
    )


DOORS = {
    Tier.GENERAL: Text(
        "按各数据项的等级提供，见数据表页“各级别在各阶段的要求”。",
        "Given out by the grade of each column; see what each grade asks for on the page of the table.",
    ),
    Tier.IMPORTANT: Text(
        "各数据项按 L4 保护。拒绝：开放门户与一切匿名出口、无条件共享、逐行读取、SQL、下载、导出、共享文件；发布检查拒绝含开放数据项的发布。只可核验和带噪声的统计，须双人审批、限时。",
        "Every column is protected as L4. Refused: the open portal and every anonymous exit, unconditional sharing, rows, SQL, downloads, exports, shared files; the release check refuses a release that opens an item. Only verification and noisy statistics are left, agreed to by two persons and for a time.",
    ),
    Tier.CORE: Text(
        "平台不接收、不提供核心数据。拒绝：一切出口（页面、预览、接口、SQL、下载、共享、核验、统计）、发布、写入新版本。请停止交换、报告主管部门并删除该表。",
        "The platform neither takes in nor gives out core data. Refused: every exit (pages, previews, APIs, SQL, downloads, shares, verification, statistics), releases, new versions. Stop its deliveries, report it and have the table dropped.",
    ),
}
"""Which doors refuse a table of a tier."""


def _draft(form: FormData) -> AssessmentDraft:
    def word(name: str, most: int = 60) -> str:
        return str(form.get(name) or "").strip()[:most]

    harms: dict[Any, Any] = {one: word(one) for one in AffectedObject if word(one)}
    weighed = tuple(str(one)[:60] for one in form.getlist("factor"))
    return AssessmentDraft(category=word("category"), harms=harms, factors=weighed, reason=word("reason", 1000))
