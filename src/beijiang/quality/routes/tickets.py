"""The JSON API of tickets: what goes back to its supplier, its steps, its rows, and the record of departments."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, Language, Text
from beijiang.quality.models import Doubt, Move, Origin, Severity, TicketQuery, TicketState
from beijiang.quality.service.handing import record_file, tickets_file
from beijiang.standards import SheetFormat
from beijiang.web import content_disposition
from beijiang.web.described import CSV, XLSX, files_of

if TYPE_CHECKING:
    from beijiang.quality.models import DepartmentTickets, Ticket, TicketPolicy, TicketStep
    from beijiang.quality.service import HandedOut, Quality, Tickets, TicketView

__all__ = ["handed_out", "tickets_router"]

_Words = Annotated[str, Field(max_length=2000)]


class StepOrder(BaseModel):
    """A step of a ticket; ``words`` is the reason where one is needed, ``to`` the department of a transfer."""

    model_config = ConfigDict(extra="forbid")

    move: Move
    words: _Words = ""
    to: str = Field(default="", max_length=60)


class WordsOrder(BaseModel):
    """Something to say."""

    model_config = ConfigDict(extra="forbid")

    words: _Words = ""


class DoubtOrder(BaseModel):
    """What is in doubt: columns by name, rows by whatever names them at the source."""

    model_config = ConfigDict(extra="forbid")

    words: str = Field(min_length=1, max_length=2000)
    columns: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=200)
    rows: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=50)


class PolicyOrder(BaseModel):
    """Which failing rules open a ticket: ``scope`` is ``*``, a table, or the id of a rule; no severity: none does."""

    model_config = ConfigDict(extra="forbid")

    scope: str = Field(min_length=1, max_length=200)
    severities: list[Severity]
    reason: str = Field(min_length=1, max_length=1000)


def asked(
    words: Annotated[str, Query(max_length=100)] = "",
    state: Annotated[list[TicketState] | None, Query()] = None,
    org: Annotated[str, Query(max_length=60)] = "",
    table: Annotated[str, Query(max_length=200)] = "",
    origin: Origin | None = None,
    *,
    overdue: bool = False,
    limit: Annotated[int, Query(ge=1, le=5000)] = 200,
) -> TicketQuery:
    """Read which tickets are wanted from an address."""
    return TicketQuery(
        words=words,
        states=frozenset(state or ()),
        org_id=org or None,
        table=table or None,
        origin=origin,
        overdue=overdue,
        limit=limit,
    )


Asked = Annotated[TicketQuery, Depends(asked)]


def tickets_router(service: Tickets, quality: Quality) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["quality"])
    _add_lists(routes, service)
    _add_one(routes, service)
    _add_opening(routes, service, quality)
    return routes


def _add_lists(routes: APIRouter, service: Tickets) -> None:
    @routes.get("/quality/tickets", summary="Tickets, what is due first; the reader's own departments")
    def tickets(request: Request, query: Asked) -> dict[str, Any]:
        found, count = service.tickets(_actor(request), query)
        return {"tickets": [_ticket(t) for t in found], "count": count}

    @routes.get(
        "/quality/tickets/file",
        summary="The same list as CSV or a workbook",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def listed(
        request: Request, query: Asked, form: SheetFormat = SheetFormat.CSV, language: Language = Language.ZH
    ) -> Response:
        found, _ = service.tickets(_actor(request), query)
        return handed_out(tickets_file(found, form, language))

    @routes.get("/quality/tickets/record", summary="The record of departments: opened, in time, overdue, reopened")
    def record(request: Request, since: date, until: date) -> dict[str, Any]:
        return {"departments": [_record(d) for d in service.record(_actor(request), since, until)]}

    @routes.get(
        "/quality/tickets/record/file",
        summary="The same record as CSV or a workbook",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def record_listed(
        request: Request,
        since: date,
        until: date,
        form: SheetFormat = SheetFormat.CSV,
        language: Language = Language.ZH,
    ) -> Response:
        return handed_out(record_file(service.record(_actor(request), since, until), form, language))

    @routes.get("/quality/tickets/policies", summary="Which failing rules open tickets, where it was said")
    def policies(request: Request) -> dict[str, Any]:
        return {"policies": [_policy(p) for p in service.policies(_actor(request)).values()]}

    @routes.put("/quality/tickets/policies", summary="Say which failing rules open tickets, with a reason")
    def set_policy(request: Request, order: PolicyOrder) -> dict[str, Any]:
        return _policy(service.set_policy(_actor(request), order.scope, order.severities, order.reason))


def _add_one(routes: APIRouter, service: Tickets) -> None:
    @routes.get("/quality/tickets/{ticket}", summary="One ticket, its steps, and what the reader may do next")
    def one(request: Request, ticket: str) -> dict[str, Any]:
        return _view(service.ticket(_actor(request), ticket))

    @routes.post("/quality/tickets/{ticket}/steps", summary="Take a step; impossible ones say what is possible")
    def step(request: Request, ticket: str, order: StepOrder) -> dict[str, Any]:
        return _ticket(service.move(_actor(request), ticket, order.move, order.words, order.to))

    @routes.post("/quality/tickets/{ticket}/replies", status_code=201, summary="Say something, without a step")
    def reply(request: Request, ticket: str, order: WordsOrder) -> dict[str, Any]:
        return _step(service.reply(_actor(request), ticket, order.words))

    @routes.get(
        "/quality/tickets/{ticket}/file",
        summary="The return file: its rows through the gate",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def rows(
        request: Request, ticket: str, form: SheetFormat = SheetFormat.XLSX, language: Language = Language.ZH
    ) -> Response:
        return handed_out(service.return_file(_actor(request), ticket, form, language))


def _add_opening(routes: APIRouter, service: Tickets, quality: Quality) -> None:
    @routes.post("/quality/runs/{run}/rules/{rule}/ticket", status_code=201, summary="Send a failing rule back")
    def send_back(request: Request, run: str, rule: str, order: WordsOrder) -> dict[str, Any]:
        return _ticket(service.open(_actor(request), run, rule, order.words))

    @routes.get(
        "/quality/runs/{run}/rules/{rule}/file",
        summary="Failing rows as CSV or a workbook, through the gate",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def failing(
        request: Request,
        run: str,
        rule: str,
        form: SheetFormat = SheetFormat.CSV,
        language: Language = Language.ZH,
    ) -> Response:
        return handed_out(quality.failing_file(_actor(request), run, rule, form, language))

    @routes.get("/catalog/resources/{resource}/doubts", summary="What is in doubt of an entry now")
    def doubted(request: Request, resource: str) -> dict[str, Any]:
        found = service.doubted(_actor(request), resource)
        return {
            "doubts": [
                {"columns": list(t.columns), "state": t.state.value, "at": t.opened_at.isoformat()} for t in found
            ]
        }

    @routes.post("/catalog/resources/{resource}/doubts", status_code=201, summary="Say that a value is in doubt")
    def doubt(request: Request, resource: str, order: DoubtOrder) -> dict[str, Any]:
        made = Doubt(words=order.words, columns=tuple(order.columns), rows=tuple(order.rows))
        return _ticket(service.doubt(_actor(request), resource, made))


def handed_out(file: HandedOut) -> Response:
    """Return a file for download."""
    headers = {"Content-Disposition": content_disposition(file.name), "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _ticket(t: Ticket) -> dict[str, Any]:
    return {
        "id": t.id,
        "table": t.table,
        "org_id": t.org_id,
        "origin": t.origin.value,
        "state": t.state.value,
        "turn": t.turn.value,
        "title": t.title,
        "words": t.words,
        "columns": list(t.columns),
        "rows": list(t.rows),
        "rule": t.rule_id,
        "revision": t.revision,
        "severity": t.severity.value,
        "indicator": t.indicator,
        "run": t.run_id,
        "version": t.version,
        "failing": t.failing,
        "assessed": t.assessed,
        "resource": t.resource_id,
        "opened_by": t.opened_name,
        "opened_org": t.opened_org,
        "opened_at": t.opened_at.isoformat(),
        "due_on": t.due_on.isoformat(),
        "provisional": t.provisional,
        "limit": {
            "rule": t.limit.rule,
            "working_days": t.limit.days,
            "basis": t.limit.basis,
            "verified": t.limit.verified,
        },
        "stage": t.stage.name.lower(),
        "answer": t.answer.value if t.answer else None,
        "answered_at": t.answered_at.isoformat() if t.answered_at else None,
        "closed_at": t.closed_at.isoformat() if t.closed_at else None,
        "reopened": t.reopened,
    }


def _view(view: TicketView) -> dict[str, Any]:
    return {
        **_ticket(view.ticket),
        "days_left": view.days_left,
        "moves": [move.value for move in view.moves],
        "steps": [_step(one) for one in view.steps],
    }


def _step(one: TicketStep) -> dict[str, Any]:
    return {
        "place": one.place,
        "at": one.at.isoformat(),
        "by": one.name,
        "org_id": one.org_id,
        "move": one.move.value,
        "state": one.state.value,
        "words": _words(one.words),
        "detail": dict(one.detail),
    }


def _record(d: DepartmentTickets) -> dict[str, Any]:
    return {
        "org_id": d.org_id,
        "opened": d.opened,
        "open": d.open,
        "overdue": d.overdue,
        "closed": d.closed,
        "on_time": d.on_time,
        "on_time_share": d.on_time_share,
        "confirmed_right": d.confirmed_right,
        "withdrawn": d.withdrawn,
        "reopened": d.reopened,
        "median_working_days": d.median_days,
    }


def _policy(p: TicketPolicy) -> dict[str, Any]:
    return {
        "scope": p.scope,
        "severities": sorted(s.value for s in p.severities),
        "by": p.by,
        "at": p.at.isoformat(),
        "reason": p.reason,
    }
