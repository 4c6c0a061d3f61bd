"""Tickets (校核): the list, one ticket with its next step, a reader's doubt, the record of departments, files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.lists import ticket_table
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.exchange import DisputeKind
from beijiang.kit import HOW_MANY, Text
from beijiang.quality import (
    MOVES,
    Doubt,
    HandedOut,
    Move,
    Origin,
    Severity,
    TicketQuery,
    TicketState,
    record_file,
    tickets_file,
)
from beijiang.standards import SheetFormat
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform

_Word = Annotated[str, Query(max_length=200)]
_Said = Annotated[str, Form(max_length=2000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of tickets."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_lists(pages, frame, platform)
    _add_one(pages, frame, platform)
    _add_opening(pages, frame, platform)
    _add_record(pages, frame, platform)
    return pages


def handed_out(file: HandedOut) -> Response:
    """Return a file for download."""
    headers = {"Content-Disposition": content_disposition(file.name), "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _query(words: str, state: str, org: str, origin: str, table: str, limit: int) -> TicketQuery:
    states = {
        "open": frozenset(s for s in TicketState if not s.is_over),
        "over": frozenset(s for s in TicketState if s.is_over),
        "late": frozenset(),
    }
    one = frozenset({TicketState(state)}) if state in set(TicketState) else frozenset()
    return TicketQuery(
        words=words.strip()[:100],
        states=states.get(state, one),
        org_id=org or None,
        table=table or None,
        origin=Origin(origin) if origin in set(Origin) else None,
        overdue=state == "late",
        mine=state == "mine",
        limit=limit,
    )


def _add_lists(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/tickets")
    def tickets(request: Request, state: _Word = "open", table: _Word = "") -> Response:
        who = person(request)
        mine = platform.tickets.ticket_part(who, TicketQuery(mine=True), HOW_MANY).found
        names = {o.id: o.short for o in platform.access.organisations()}
        rows = ticket_table(platform, who, _query("", state, "", "", table, 0), names)
        return listed(frame, platform, request, "tickets.html", rows, waiting=mine, state=state, only=table)

    @pages.get("/tickets/file")
    def file(
        request: Request,
        q: _Word = "",
        state: _Word = "open",
        org: _Word = "",
        origin: _Word = "",
        table: _Word = "",
        form: SheetFormat = SheetFormat.XLSX,
    ) -> Response:
        who = person(request)
        found, _ = platform.tickets.tickets(who, _query(q, state, org, origin, table, 5000))
        if state == "mine":
            found = platform.tickets.waiting(who)
        return handed_out(tickets_file(found, form, language(request)))


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/tickets/{ticket}")
    def one(request: Request, ticket: str) -> HTMLResponse:
        who = person(request)
        view = platform.tickets.ticket(who, ticket)
        return frame.page(
            request,
            "ticket.html",
            view=view,
            disputable=platform.disputes.disputable(who, ticket, (DisputeKind.CORRECTION,)),
            ticket=view.ticket,
            today=platform.tickets.today,
            specs=MOVES,
            orgs=[(o.id, o.short) for o in platform.access.organisations()],
            names={o.id: o.short for o in platform.access.organisations()},
        )

    @pages.post("/tickets/{ticket}/step")
    def step(
        request: Request, ticket: str, move: Annotated[Move, Form()], words: _Said = "", to: _Said = ""
    ) -> RedirectResponse:
        back = f"/console/tickets/{ticket}"

        def take() -> tuple[str, Text]:
            after = platform.tickets.move(person(request), ticket, move, words, to)
            here = (
                back
                if platform.tickets.tickets(person(request), TicketQuery(words=after.id))[1]
                else "/console/tickets"
            )
            return here, Text(
                f"已{move.text.zh}，工单现为“{after.state.text.zh}”。", f"Done; the ticket is {after.state.text.en}."
            )

        return frame.attempt(request, back, take)

    @pages.post("/tickets/{ticket}/reply")
    def reply(request: Request, ticket: str, words: _Said = "") -> RedirectResponse:
        back = f"/console/tickets/{ticket}"

        def say() -> tuple[str, Text]:
            platform.tickets.reply(person(request), ticket, words)
            return back, Text("已回复。", "Said.")

        return frame.attempt(request, back, say)

    @pages.get("/tickets/{ticket}/file")
    def rows(request: Request, ticket: str, form: SheetFormat = SheetFormat.XLSX) -> Response:
        return handed_out(platform.tickets.return_file(person(request), ticket, form, language(request)))


def _add_opening(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/quality-runs/{run}/rules/{rule}/ticket")
    def send_back(request: Request, run: str, rule: str, words: _Said = "") -> RedirectResponse:
        back = f"/console/quality-runs/{run}/rules/{rule}"

        def step() -> tuple[str, Text]:
            made = platform.tickets.open(person(request), run, rule, words)
            return f"/console/tickets/{made.id}", Text("工单已发给供数部门。", "The ticket is sent to the supplier.")

        return frame.attempt(request, back, step)

    @pages.get("/quality-runs/{run}/rules/{rule}/file")
    def failing(request: Request, run: str, rule: str, form: SheetFormat = SheetFormat.XLSX) -> Response:
        return handed_out(platform.quality.failing_file(person(request), run, rule, form, language(request)))

    @pages.get("/doubts/{resource}")
    def ask(request: Request, resource: str) -> HTMLResponse:
        who = person(request)
        entry, provider = platform.tickets.entry(who, resource)
        return frame.page(
            request,
            "doubt.html",
            resource=resource,
            name=entry.name,
            provider=provider,
            items=[(item.column, item.name) for item in entry.items],
            doubted=platform.tickets.doubted(who, resource),
        )

    @pages.post("/doubts/{resource}")
    def raise_one(
        request: Request,
        resource: str,
        column: Annotated[list[str] | None, Form()] = None,
        rows: Annotated[str, Form(max_length=12_000)] = "",
        words: _Said = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            given = Doubt(words=words, columns=tuple(column or ()), rows=tuple(rows.splitlines()))
            made = platform.tickets.doubt(person(request), resource, given)
            return f"/console/tickets/{made.id}", Text("疑义已发给供数部门。", "The doubt is sent to the supplier.")

        return frame.attempt(request, f"/console/doubts/{resource}", step)


def _add_record(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    def days(since: date | None, until: date | None) -> tuple[date, date]:
        today = platform.tickets.today
        return since or today - timedelta(days=365), until or today

    @pages.get("/tickets-record")
    def record(request: Request, since: date | None = None, until: date | None = None) -> HTMLResponse:
        who, (first, last) = person(request), days(since, until)
        return frame.page(
            request,
            "tickets_record.html",
            record=platform.tickets.record(who, first, last),
            policies=platform.tickets.policies(who),
            severities=tuple(Severity),
            since=first,
            until=last,
            names={o.id: o.short for o in platform.access.organisations()},
            may_supervise=platform.access.allows(who, Permission.QUALITY_TICKET_SUPERVISE),
        )

    @pages.get("/tickets-record/file")
    def listed(
        request: Request, since: date | None = None, until: date | None = None, form: SheetFormat = SheetFormat.XLSX
    ) -> Response:
        found = platform.tickets.record(person(request), *days(since, until))
        return handed_out(record_file(found, form, language(request)))

    @pages.post("/tickets-record/policy")
    def policy(
        request: Request,
        scope: Annotated[str, Form(max_length=200)],
        severity: Annotated[list[Severity] | None, Form()] = None,
        reason: _Said = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.tickets.set_policy(person(request), scope.strip() or "*", severity or (), reason)
            return "/console/tickets-record", Text("工单策略已保存。", "The policy is kept.")

        return frame.attempt(request, "/console/tickets-record", step)
