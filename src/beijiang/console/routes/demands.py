"""Demands (数据需求): the ledger, one demand with its next step, and a new one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.lists import demand_table
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import Said, Short, Word, day_of, names
from beijiang.exchange import (
    AT_WILL,
    DEMAND_MOVES,
    Answer,
    DemandDraft,
    DemandMove,
    DemandPlan,
    DemandQuery,
    DemandState,
    Evaluation,
    purposes,
)
from beijiang.kit import HOW_MANY, BeijiangError, Text
from beijiang.standards import SheetFormat
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE = "/console/demands"
OPEN = frozenset(state for state in DemandState if not state.is_over)


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of demands."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    demands = platform.demands

    @pages.get("/demands")
    def every(request: Request, show: Word = "") -> Response:
        who = person(request)
        waiting = demands.demand_part(who, DemandQuery(mine=True), HOW_MANY).found
        shown = show or ("mine" if waiting else "open")
        states = OPEN if shown == "open" else frozenset()
        query = DemandQuery(states=states, duties=shown == "duties", mine=shown == "mine")
        return listed(
            frame,
            platform,
            request,
            "demands.html",
            demand_table(platform, who, query, names(platform)),
            waiting=waiting,
            show=shown,
            may_raise=platform.access.allows(who, Permission.EXCHANGE_REQUEST_MAKE, who.org_id),
        )

    @pages.get("/demands/file")
    def ledger(request: Request, form: SheetFormat = SheetFormat.XLSX, duties: bool = False) -> Response:
        made = demands.ledger(person(request), form, language(request), duties=duties)
        headers = {"Content-Disposition": content_disposition(made.name), "Cache-Control": "no-store"}
        return Response(made.content, media_type=made.media_type, headers=headers)

    _add_new(pages, frame, platform)
    _add_one(pages, frame, platform)
    return pages


def _add_new(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    demands = platform.demands

    @pages.get("/demands/new")
    def new(request: Request, again: Word = "", title: Word = "") -> HTMLResponse:
        who = person(request)
        before = demands.demand(who, again).demand.draft if again else None
        draft = before or DemandDraft(title=title, items="", purpose="", use="")
        return frame.page(
            request,
            "demand_new.html",
            draft=draft,
            again=again,
            purposes=purposes(),
            similar=demands.similar(who, draft.title, draft.items),
            fault=None,
        )

    @pages.post("/demands/new", response_model=None)
    def put(
        request: Request,
        title: Short = "",
        items: Said = "",
        purpose: Short = "",
        use: Said = "",
        basis: Said = "",
        wished_by: Short = "",
        again: Short = "",
        words: Said = "",
        do: Short = "raise",
    ) -> HTMLResponse | RedirectResponse:
        who = person(request)
        draft = DemandDraft(title=title.strip(), items=items, purpose=purpose, use=use, basis=basis)
        fault = None
        try:
            draft = DemandDraft(
                title=draft.title, items=items, purpose=purpose, use=use, basis=basis, wished_by=day_of(wished_by)
            )
            if do == "raise":
                made = demands.revise(who, again, draft, words) if again else demands.raise_(who, draft)
                return frame.after(
                    request, f"{HERE}/{made.id}", Text("已提出，等待初审。", "Raised; it waits for the pre-audit.")
                )
        except BeijiangError as error:
            if error.status in {401, 404}:
                raise
            fault = error.text
        return frame.page(
            request,
            "demand_new.html",
            draft=draft,
            again=again,
            purposes=purposes(),
            similar=demands.similar(who, draft.title, draft.items),
            fault=fault,
        )


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    demands = platform.demands

    def page(
        request: Request,
        demand: str,
        *,
        asked: DemandMove | None = None,
        said: str = "",
        planned: DemandPlan | None = None,
        answer: Answer | None = None,
        fault: Text | None = None,
    ) -> HTMLResponse:
        who = person(request)
        view = demands.demand(who, demand)
        return frame.page(
            request,
            "demand.html",
            view=view,
            d=view.demand,
            specs=DEMAND_MOVES,
            names=names(platform),
            orgs=[(o.id, o.short) for o in platform.access.organisations()],
            purposes=purposes(),
            evaluations=tuple(Evaluation),
            hints=demands.hints(who, demand) if set(view.moves) - AT_WILL else None,
            asked=asked,
            said=said,
            planned=planned,
            answer=answer or Answer(),
            fault=fault,
        )

    @pages.get("/demands/{demand}")
    def one(request: Request, demand: str) -> HTMLResponse:
        return page(request, demand)

    @pages.post("/demands/{demand}", response_model=None)
    def move(
        request: Request,
        demand: str,
        move: Annotated[DemandMove, Form()],
        words: Said = "",
        org: Short = "",
        resource: Short = "",
        supply_by: Short = "",
        evaluation: Short = "",
        do: Short = "",
    ) -> HTMLResponse | RedirectResponse:
        back, asked = f"{HERE}/{demand}", Answer(org_id=org, resource_id=resource.strip())
        if do == "plan":
            try:
                asked = replace(asked, supply_by=day_of(supply_by))
                planned = demands.plan_move(person(request), demand, move, asked)
            except BeijiangError as error:
                if error.status in {401, 404}:
                    raise
                return page(request, demand, asked=move, said=words, answer=asked, fault=error.text)
            return page(request, demand, asked=move, said=words, planned=planned, answer=asked)

        def step() -> tuple[str, Text]:
            who = person(request)
            answer = Answer(
                org_id=org,
                resource_id=resource.strip(),
                supply_by=day_of(supply_by),
                evaluation=Evaluation(evaluation) if evaluation in set(Evaluation) else None,
            )
            after = demands.move(who, demand, move, words, answer)
            seen = demands.demands(who, DemandQuery(words=after.id))[1]
            return back if seen else HERE, Text(
                f"已办理，需求现为“{after.state.text.zh}”。", f"Done; the demand is now: {after.state.text.en}."
            )

        return frame.attempt(request, back, step)


__all__ = ["router"]
