"""Assessment: ranks, one department, the facts behind a number, weights, appeals, the report to print."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.assess import AppealState, Kind, Period, PeriodKind, Subject
from beijiang.console.duties import open_appeals
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.tickets import handed_out
from beijiang.kit import Invalid, Text
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beijiang.assess import Fact, Sheet
    from beijiang.build import Platform
    from beijiang.kit import Actor

HERE: Final = "/console/assess"
_Word = Annotated[str, Query(max_length=60)]
_Said = Annotated[str, Form(max_length=4000)]
_TIERS: Final = {
    1: Text("自治区部门", "Departments of the region"),
    2: Text("盟市", "Leagues and cities"),
    3: Text("旗县", "Banners and counties"),
}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of assessment."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_ranking(pages, frame, platform)
    _add_weights(pages, frame, platform)
    _add_appeals(pages, frame, platform)
    _add_department(pages, frame, platform)
    return pages


def spark(trend: Sequence[tuple[str, float | None]]) -> str:
    """Return the points of a line 100 wide and 24 high; nothing where fewer than two values are known."""
    known = [(place, value) for place, (_, value) in enumerate(trend) if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    low, high = min(v for _, v in known), max(v for _, v in known)
    last = len(trend) - 1

    def height(value: float) -> float:
        return 22 - 20 * (value - low) / (high - low) if high > low else 12.0

    return " ".join(f"{100 * place / last:.1f},{height(value):.1f}" for place, value in known)


def _names(platform: Platform) -> Mapping[str, str]:
    return {one.id: one.short for one in platform.access.organisations()}


def _may(platform: Platform, who: Actor, org: str | None = None) -> dict[str, bool]:
    allows = platform.access.allows
    return {
        "manage": allows(who, Permission.ASSESS_SCORE_MANAGE),
        "approve": allows(who, Permission.ASSESS_WEIGHTS_APPROVE),
        "appeal": org is not None and allows(who, Permission.ASSESS_SCORE_APPEAL, org),
    }


def _chosen(sheets: Sequence[Sheet], words: str) -> Period | None:
    if words:
        return Period.parse(words)
    return sheets[0].period if sheets else None


def _add_ranking(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    assess = platform.assess

    @pages.get("/assess")
    def ranking(request: Request, period: _Word = "") -> HTMLResponse:
        who, now = person(request), assess.today
        sheets = assess.sheets(who)
        chosen = _chosen(sheets, period)
        found = assess.ranking(who, chosen) if chosen in {s.period for s in sheets} and chosen else None
        offered = [p for kind in PeriodKind for p in (Period.holding(now, kind), Period.holding(now, kind).before)]
        return frame.page(
            request,
            "assess.html",
            found=found,
            chosen=chosen,
            sheets=sheets,
            offered=[(str(p), p.text.in_language(language(request))) for p in offered],
            over=chosen is not None and chosen.last < now,
            spark=spark,
            tiers=_TIERS,
            indicators=assess.indicators(),
            names=_names(platform),
            seen=_seen(platform, who, [p.org_id for p in found.places] if found else []),
            may=_may(platform, who),
        )

    @pages.post("/assess/compute")
    def compute(request: Request, period: Annotated[str, Form(max_length=20)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = assess.compute(person(request), Period.parse(period))
            return f"{HERE}?period={made.period}", Text("已按现有事实计算。", "Computed from the facts as they are.")

        return frame.attempt(request, HERE, step)

    @pages.post("/assess/freeze")
    def freeze(request: Request, period: Annotated[str, Form(max_length=20)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = assess.freeze(person(request), Period.parse(period))
            return f"{HERE}?period={made.period}", Text(
                "结果已冻结，今后只能经申诉更正。", "Frozen; only appeals change it."
            )

        return frame.attempt(request, HERE, step)

    @pages.get("/assess/file")
    def file(request: Request, period: _Word, form: SheetFormat = SheetFormat.XLSX) -> Response:
        return handed_out(assess.report(person(request), Period.parse(period), form, language(request)))

    @pages.get("/assess/print")
    def printed(request: Request, period: _Word, org: _Word = "") -> HTMLResponse:
        """Show a report to print, or to save as PDF with the browser."""
        who, chosen = person(request), Period.parse(period)
        found = assess.ranking(who, chosen)
        return frame.page(
            request,
            "assess_print.html",
            found=found,
            standing=assess.standing(who, chosen, org) if org else None,
            org=org,
            tiers=_TIERS,
            indicators=assess.indicators(),
            names=_names(platform),
        )


def _seen(platform: Platform, who: Actor, orgs: Sequence[str]) -> set[str]:
    """Return the departments whose facts the person may see."""
    return {org for org in orgs if platform.access.allows(who, Permission.ASSESS_SCORE_READ, org)}


def _add_department(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    assess = platform.assess

    @pages.get("/assess/{period}/{org}")
    def one(request: Request, period: str, org: str) -> HTMLResponse:
        who, chosen = person(request), Period.parse(period)
        return frame.page(
            request,
            "assess_department.html",
            standing=assess.standing(who, chosen, org),
            org=org,
            indicators=assess.indicators(),
            appeals=[a for a in assess.appeals(who, chosen) if a.org_id == org],
            spark=spark,
            names=_names(platform),
            tiers=_TIERS,
            rate=Kind.RATE,
        )

    @pages.get("/assess/{period}/{org}/file")
    def file(request: Request, period: str, org: str, form: SheetFormat = SheetFormat.XLSX) -> Response:
        return handed_out(assess.department_report(person(request), Period.parse(period), org, form, language(request)))

    @pages.get("/assess/{period}/{org}/{indicator}")
    def facts(request: Request, period: str, org: str, indicator: str) -> HTMLResponse:
        who, chosen = person(request), Period.parse(period)
        sheet, mark, found = assess.facts(who, chosen, org, indicator)
        return frame.page(
            request,
            "assess_facts.html",
            sheet=sheet,
            mark=mark,
            facts=found,
            href=href_of(platform, who),
            indicator=assess.indicators()[indicator],
            org=org,
            appeals=[a for a in assess.appeals(who, chosen) if (a.org_id, a.indicator) == (org, indicator)],
            names=_names(platform),
            may=_may(platform, who, org),
        )

    @pages.post("/assess/{period}/{org}/{indicator}/appeal")
    def appeal(request: Request, period: str, org: str, indicator: str, words: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = assess.appeal(person(request), Period.parse(period), org, indicator, words)
            return f"/console/assess-appeals/{made.id}", Text("申诉已提交数据局。", "The appeal is with the authority.")

        return frame.attempt(request, f"{HERE}/{period}/{org}/{indicator}", step)


def href_of(platform: Platform, who: Actor) -> Callable[[Fact], str]:
    """Return what finds the page of what a fact is about; what a unit did stands in the log, which few may read."""
    log = platform.access.allows(who, Permission.EVIDENCE_LOG_READ)
    return lambda fact: "" if fact.subject is Subject.UNIT and not log else fact.href


def _add_weights(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    assess = platform.assess

    @pages.get("/assess-weights")
    def weights(request: Request) -> HTMLResponse:
        who = person(request)
        books = assess.books(who)
        return frame.page(
            request,
            "assess_weights.html",
            books=books,
            now=assess.book_for(who, Period.holding(assess.today, PeriodKind.MONTH)),
            indicators=assess.indicators(),
            rate=Kind.RATE,
            today=assess.today,
            may=_may(platform, who),
        )

    @pages.post("/assess-weights")
    async def propose(request: Request) -> RedirectResponse:
        form = await request.form()

        def step() -> tuple[str, Text]:
            said = {name: str(form.get(f"w:{name}") or "0") for name in assess.indicators()}
            assess.propose_weights(
                person(request),
                {name: _number(words) for name, words in said.items()},
                since=_day(str(form.get("since") or "")),
                reason=str(form.get("reason") or ""),
                fewest=int(_number(str(form.get("fewest") or "2"))),
            )
            return "/console/assess-weights", Text("权重已提出，等待另一人审批。", "Proposed; somebody else decides.")

        return await run_in_threadpool(frame.attempt, request, "/console/assess-weights", step)

    @pages.post("/assess-weights/{version}")
    def decide(
        request: Request, version: int, answer: Annotated[str, Form(max_length=10)], words: _Said = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            assess.decide_weights(person(request), version, approve=answer == "approve", words=words)
            return "/console/assess-weights", Text("已处理。", "Done.")

        return frame.attempt(request, "/console/assess-weights", step)


def _add_appeals(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    assess = platform.assess

    @pages.get("/assess-appeals")
    def appeals(request: Request, show: Annotated[str, Query(max_length=20)] = "") -> HTMLResponse:
        found = assess.appeals(person(request))
        return frame.page(
            request,
            "assess_appeals.html",
            appeals=open_appeals(found) if show == "open" else found,
            show=show,
            indicators=assess.indicators(),
            names=_names(platform),
        )

    @pages.get("/assess-appeals/{appeal}")
    def one(request: Request, appeal: str) -> HTMLResponse:
        who = person(request)
        view = assess.appeal_view(who, appeal)
        return frame.page(
            request,
            "assess_appeal.html",
            view=view,
            href=href_of(platform, who),
            indicator=assess.indicators()[view.appeal.indicator],
            names=_names(platform),
            may=_may(platform, who)["manage"] and view.appeal.state is AppealState.OPEN and view.appeal.by != who.id,
        )

    @pages.post("/assess-appeals/{appeal}")
    def answer(
        request: Request,
        appeal: str,
        outcome: Annotated[AppealState, Form()],
        words: _Said = "",
        leave_out: Annotated[list[int] | None, Form()] = None,
        grant: Annotated[list[int] | None, Form()] = None,
    ) -> RedirectResponse:
        back = f"/console/assess-appeals/{appeal}"

        def step() -> tuple[str, Text]:
            assess.decide_appeal(person(request), appeal, outcome, words, leave_out=leave_out or (), grant=grant or ())
            return back, Text("申诉已答复。", "The appeal is answered.")

        return frame.attempt(request, back, step)


def _number(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        raise Invalid("权重须为数值。", "A weight is a number.", code="bad_weight") from None


def _day(words: str) -> date:
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise Invalid("请填写生效日期。", "Give the first day.", code="bad_option") from None
