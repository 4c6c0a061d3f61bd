"""The JSON API of assessment: periods, ranks, marks and their facts, weights, appeals, files."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.assess.models import AppealState, Period, PeriodKind
from beijiang.assess.routes.plain import (
    actor_of,
    appeal_json,
    book_json,
    fact_json,
    handed_out,
    indicator_json,
    mark_json,
    place_json,
    sheet_json,
)
from beijiang.kit import Language
from beijiang.standards import SheetFormat
from beijiang.web.bounds import Whole
from beijiang.web.described import CSV, XLSX, files_of

if TYPE_CHECKING:
    from beijiang.assess.service import Assess

__all__ = ["router"]

_Words = Annotated[str, Field(max_length=4000)]


class WeightsOrder(BaseModel):
    """Weights by indicator, from which day on, and why; ``fewest`` is how many scored indicators a rank needs."""

    model_config = ConfigDict(extra="forbid")

    weights: dict[str, float]
    since: date
    reason: _Words
    fewest: Whole = 2


class DecisionOrder(BaseModel):
    """A decision with its words."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    words: _Words = ""


class AppealOrder(BaseModel):
    """Why a mark is wrong."""

    model_config = ConfigDict(extra="forbid")

    words: _Words


class AnswerOrder(BaseModel):
    """The answer to an appeal; places of facts that are left out, or counted as done."""

    model_config = ConfigDict(extra="forbid")

    outcome: AppealState
    words: _Words
    leave_out: list[Whole] = Field(default=[], max_length=10_000)
    grant: list[Whole] = Field(default=[], max_length=10_000)


def router(service: Assess) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["assess"])
    _add_reading(routes, service)
    _add_computing(routes, service)
    _add_weights(routes, service)
    _add_appeals(routes, service)
    return routes


def _add_reading(routes: APIRouter, service: Assess) -> None:
    @routes.get("/assess/indicators", summary="The indicators of assessment: A, B, direction, weight, basis")
    def known() -> dict[str, Any]:
        return {"indicators": [indicator_json(one) for one in service.indicators().values()]}

    @routes.get("/assess/periods", summary="The periods that were computed, the newest first")
    def periods(request: Request, kind: PeriodKind | None = None) -> dict[str, Any]:
        return {"periods": [sheet_json(one) for one in service.sheets(actor_of(request), kind)]}

    @routes.get("/assess/periods/{period}", summary="Ranks and totals of all departments")
    def ranking(request: Request, period: str) -> dict[str, Any]:
        found = service.ranking(actor_of(request), Period.parse(period))
        return {**sheet_json(found.sheet), "departments": [place_json(p) for p in found.places]}

    @routes.get(
        "/assess/periods/{period}/file",
        summary="The same as CSV or a workbook",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def file(
        request: Request, period: str, form: SheetFormat = SheetFormat.XLSX, language: Language = Language.ZH
    ) -> Response:
        return handed_out(service.report(actor_of(request), Period.parse(period), form, language))

    @routes.get("/assess/periods/{period}/departments/{org}", summary="One department, indicator by indicator")
    def standing(request: Request, period: str, org: str) -> dict[str, Any]:
        found = service.standing(actor_of(request), Period.parse(period), org)
        return {
            **sheet_json(found.sheet),
            "place": place_json(found.place),
            "marks": [{**mark_json(m), "weight": found.book.weight(m.indicator)} for m in found.marks.values()],
        }

    @routes.get(
        "/assess/periods/{period}/departments/{org}/file",
        summary="The same with every fact, as a workbook",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def department_file(
        request: Request, period: str, org: str, form: SheetFormat = SheetFormat.XLSX, language: Language = Language.ZH
    ) -> Response:
        return handed_out(service.department_report(actor_of(request), Period.parse(period), org, form, language))

    @routes.get(
        "/assess/periods/{period}/departments/{org}/{indicator}", summary="Every fact behind a mark, counted or not"
    )
    def facts(request: Request, period: str, org: str, indicator: str) -> dict[str, Any]:
        _, mark, found = service.facts(actor_of(request), Period.parse(period), org, indicator)
        return {**mark_json(mark), "facts": [fact_json(f, n) for n, f in enumerate(found)]}


def _add_computing(routes: APIRouter, service: Assess) -> None:
    @routes.post("/assess/periods/{period}", summary="Compute a period from the facts as they are now")
    def compute(request: Request, period: str) -> dict[str, Any]:
        return sheet_json(service.compute(actor_of(request), Period.parse(period)))

    @routes.post("/assess/periods/{period}/freeze", summary="Close the results of a period that is over")
    def freeze(request: Request, period: str) -> dict[str, Any]:
        return sheet_json(service.freeze(actor_of(request), Period.parse(period)))


def _add_weights(routes: APIRouter, service: Assess) -> None:
    @routes.get("/assess/weights", summary="All weights ever proposed, the newest first")
    def books(request: Request) -> dict[str, Any]:
        return {"weights": [book_json(one) for one in service.books(actor_of(request))]}

    @routes.post("/assess/weights", status_code=201, summary="Propose weights; somebody else approves them")
    def propose(request: Request, order: WeightsOrder) -> dict[str, Any]:
        made = service.propose_weights(
            actor_of(request), order.weights, since=order.since, reason=order.reason, fewest=order.fewest
        )
        return book_json(made)

    @routes.post("/assess/weights/{version}/decision", summary="Approve or return proposed weights")
    def decide(request: Request, version: Whole, order: DecisionOrder) -> dict[str, Any]:
        return book_json(service.decide_weights(actor_of(request), version, approve=order.approve, words=order.words))


def _add_appeals(routes: APIRouter, service: Assess) -> None:
    @routes.post(
        "/assess/periods/{period}/departments/{org}/{indicator}/appeals",
        status_code=201,
        summary="Say that a frozen mark is wrong",
    )
    def appeal(request: Request, period: str, org: str, indicator: str, order: AppealOrder) -> dict[str, Any]:
        return appeal_json(service.appeal(actor_of(request), Period.parse(period), org, indicator, order.words))

    @routes.get("/assess/appeals", summary="Appeals, open ones first; the reader's own department's")
    def appeals(request: Request, period: str = "") -> dict[str, Any]:
        wanted = Period.parse(period) if period else None
        return {"appeals": [appeal_json(one) for one in service.appeals(actor_of(request), wanted)]}

    @routes.get("/assess/appeals/{appeal}", summary="An appeal with the raw facts that it is about")
    def one(request: Request, appeal: str) -> dict[str, Any]:
        view = service.appeal_view(actor_of(request), appeal)
        return {
            **appeal_json(view.appeal),
            "mark": mark_json(view.mark),
            "after": mark_json(view.after) if view.after else None,
            "facts": [fact_json(f, n) for n, f in enumerate(view.facts)],
        }

    @routes.post("/assess/appeals/{appeal}/answer", summary="Keep the mark, or recompute it")
    def answer(request: Request, appeal: str, order: AnswerOrder) -> dict[str, Any]:
        done = service.decide_appeal(
            actor_of(request), appeal, order.outcome, order.words, leave_out=order.leave_out, grant=order.grant
        )
        return appeal_json(done)
