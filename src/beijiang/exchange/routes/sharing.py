"""The JSON API of exchange: requests, decisions, delegations, grants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.models import (
    GranteeKind,
    GrantQuery,
    GrantState,
    Item,
    Narrowing,
    RequestDraft,
    RequestQuery,
    RequestState,
    Terms,
    Way,
)
from beijiang.kit import Actor, Invalid, Language, Text
from beijiang.protection import Handling, doubt_headers, files, read_where, rowquery
from beijiang.web import content_disposition, request_line
from beijiang.web.bounds import Ordinal
from beijiang.web.described import CSV, JSON, PARQUET, PDF, XLSX, files_of

if TYPE_CHECKING:
    from beijiang.exchange.models import Delegation, Grant, GrantView, Plan, RequestView, Step
    from beijiang.exchange.models import Request as ShareRequest
    from beijiang.exchange.service import Exchange

__all__ = ["actor_of", "request_json", "router", "step_json"]

PURPOSE: Final = "X-Beijiang-Purpose"
ROWS_TEXT: Final = (
    "Filters, order and pages as of the rows of open data sets. The header X-Beijiang-Purpose states the code of the purpose; "
    "it has to be one that a grant of yours is for. The answer names its receipt."
)
_Words = Annotated[str, Field(max_length=2000)]
_Conditions = Annotated[list[str], Field(max_length=30, description="COLUMN=VALUE or COLUMN__op=VALUE; all must hold.")]
_Quota = Annotated[int | None, Field(ge=1, le=1_000_000_000_000)]


class ItemOrder(BaseModel):
    """A data item, and whether its values are asked for as they are."""

    model_config = ConfigDict(extra="forbid")

    column: str = Field(max_length=200)
    handling: Handling = Handling.MASKED


class DraftOrder(BaseModel):
    """A request, or a grant that is given without one."""

    model_config = ConfigDict(extra="forbid")

    resource_id: str = Field(max_length=40)
    items: list[ItemOrder] = Field(max_length=2000)
    ways: list[Way] = [Way.API]
    since: date
    until: date
    where: _Conditions = []
    calls_per_day: _Quota = None
    rows_per_day: _Quota = None
    purpose: str = Field(default="", max_length=40)
    use: _Words = ""
    basis: _Words = ""
    grantee_kind: GranteeKind = GranteeKind.ORGANISATION
    grantee_id: str = Field(default="", max_length=60)
    system: str = Field(default="", max_length=200)
    contact: str = Field(default="", max_length=200)
    impact: str = Field(default="", max_length=200)

    def draft(self) -> RequestDraft:
        """Return it as the service takes it."""
        terms = Terms(
            items=tuple(Item(item.column, item.handling) for item in self.items),
            ways=frozenset(self.ways),
            since=self.since,
            until=self.until,
            filters=tuple(read_where(text) for text in self.where),
            calls_per_day=self.calls_per_day,
            rows_per_day=self.rows_per_day,
        )
        own = {"items", "ways", "since", "until", "where", "calls_per_day", "rows_per_day"}
        return RequestDraft(terms=terms, **self.model_dump(exclude=own))


class NarrowOrder(BaseModel):
    """Words, and what is taken away."""

    model_config = ConfigDict(extra="forbid")

    words: _Words = ""
    without: list[str] = Field(default=[], max_length=2000)
    masked: list[str] = Field(default=[], max_length=2000)
    without_ways: list[Way] = []
    until: date | None = None
    where: _Conditions = []
    calls_per_day: _Quota = None
    rows_per_day: _Quota = None

    def narrowing(self) -> Narrowing:
        """Return it as the service takes it."""
        return Narrowing(
            without=frozenset(self.without),
            masked=frozenset(self.masked),
            without_ways=frozenset(self.without_ways),
            until=self.until,
            filters=tuple(read_where(text) for text in self.where),
            calls_per_day=self.calls_per_day,
            rows_per_day=self.rows_per_day,
        )


class ApproveOrder(NarrowOrder):
    """What is taken away, and the revision of the request that was looked at."""

    revision: Ordinal = Field(description="As the request said when it was read.")


class VerifyOrder(BaseModel):
    """The values that are to be compared, for all items of the grant."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Annotated[str, Field(max_length=1000)]] = Field(min_length=2, max_length=100)


class WordsOrder(BaseModel):
    """A step with its words."""

    model_config = ConfigDict(extra="forbid")

    words: _Words = ""


class RefuseOrder(WordsOrder):
    """The words, and to the public the reason that is published."""

    reason: str = Field(default="", max_length=40, description="Of the list, for applications of the public.")


class SubmitOrder(BaseModel):
    """Which requests of the basket are handed in."""

    model_config = ConfigDict(extra="forbid")

    requests: list[str] = Field(min_length=1, max_length=100)


class SupplyOrder(DraftOrder):
    """The completed request, and what was done."""

    words: _Words


class DelegateOrder(BaseModel):
    """Who decides in one's place, and when."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(max_length=100, description="Login of a person of the same organisation.")
    since: date
    until: date
    reason: _Words


class GiveOrder(DraftOrder):
    """To whom, and why."""

    org_id: str = Field(max_length=60)
    words: _Words


def router(service: Exchange) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange``."""
    routes = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])
    _add_requests(routes, service)
    _add_decisions(routes, service)
    _add_delegations(routes, service)
    _add_grants(routes, service)
    _add_delivery(routes, service)
    return routes


def _add_requests(routes: APIRouter, service: Exchange) -> None:
    @routes.get("/basket", summary="What you put together and have not handed in")
    def basket(request: Request) -> dict[str, Any]:
        return {"requests": [request_json(one) for one in service.basket(actor_of(request))]}

    @routes.post("/plan", summary="What would happen to a request; nothing is kept")
    def plan(request: Request, order: DraftOrder) -> dict[str, Any]:
        return _plan(service.plan(actor_of(request), order.draft()))

    @routes.post("/requests", status_code=201, summary="Put a request into the basket")
    def put(request: Request, order: DraftOrder) -> dict[str, Any]:
        return request_json(service.put(actor_of(request), order.draft()))

    @routes.post("/requests/submit", summary="Hand in requests of the basket, all or none")
    def submit(request: Request, order: SubmitOrder) -> dict[str, Any]:
        return {"requests": [request_json(one) for one in service.submit(actor_of(request), order.requests)]}

    @routes.get("/requests", summary="Requests of and to your organisation, newest first")
    def requests(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        state: Annotated[list[RequestState], Query()] = [],  # noqa: B006 - FastAPI copies it
        org: Annotated[str, Query(max_length=60)] = "",
        provider: Annotated[str, Query(max_length=60)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        query = RequestQuery(
            words=q, states=frozenset(state), org_id=org or None, provider_id=provider or None, limit=limit
        )
        found, count = service.requests(actor_of(request), query)
        return {"count": count, "requests": [request_json(one) for one in found]}

    @routes.get("/requests/waiting", summary="Requests whose stage is yours to decide, oldest first")
    def waiting(request: Request) -> dict[str, Any]:
        return {"requests": [request_json(one) for one in service.waiting(actor_of(request))]}

    @routes.get("/requests/{request_id}", summary="A request with its stages, its time and what happened")
    def one(request: Request, request_id: str) -> dict[str, Any]:
        return _view(service.request(actor_of(request), request_id))

    @routes.get(
        "/requests/{request_id}/minutes",
        summary="The minutes of a request as PDF",
        response_class=Response,
        responses=files_of(PDF),
    )
    def minutes(request: Request, request_id: str, language: Language = Language.ZH) -> Response:
        file = service.minutes(actor_of(request), request_id, language)
        head = {"Content-Disposition": content_disposition(file.name)}
        return Response(file.content, media_type=file.media_type, headers=head)

    @routes.put("/requests/{request_id}", summary="Change a request in the basket")
    def change(request: Request, request_id: str, order: DraftOrder) -> dict[str, Any]:
        return request_json(service.put(actor_of(request), order.draft(), request_id))

    @routes.delete("/requests/{request_id}", status_code=204, summary="Take a request out of the basket")
    def discard(request: Request, request_id: str) -> None:
        service.discard(actor_of(request), request_id)

    @routes.post("/requests/{request_id}/supply", summary="Complete a request that was sent back")
    def supply(request: Request, request_id: str, order: SupplyOrder) -> dict[str, Any]:
        draft = DraftOrder(**order.model_dump(exclude={"words"})).draft()
        return request_json(service.supply(actor_of(request), request_id, draft, order.words))

    @routes.post("/requests/{request_id}/withdraw", summary="Take a request back before it is decided")
    def withdraw(request: Request, request_id: str, order: WordsOrder) -> dict[str, Any]:
        return request_json(service.withdraw(actor_of(request), request_id, order.words))


def _add_decisions(routes: APIRouter, service: Exchange) -> None:
    @routes.post("/requests/{request_id}/approve", summary="Pass a stage, with less than asked for if you say so")
    def approve(request: Request, request_id: str, order: ApproveOrder) -> dict[str, Any]:
        less = order.narrowing()
        return request_json(service.approve(actor_of(request), request_id, order.words, less, order.revision))

    @routes.post("/requests/{request_id}/refuse", summary="Refuse a request, with the reason")
    def refuse(request: Request, request_id: str, order: RefuseOrder) -> dict[str, Any]:
        return request_json(service.refuse(actor_of(request), request_id, order.words, order.reason))

    @routes.post(
        "/requests/{request_id}/ask-more", summary="Send it back to be completed; once, with all that is missing"
    )
    def ask_more(request: Request, request_id: str, order: WordsOrder) -> dict[str, Any]:
        return request_json(service.ask_more(actor_of(request), request_id, order.words))


def _add_delegations(routes: APIRouter, service: Exchange) -> None:
    @routes.get("/delegations", summary="Who decides in your place, and in whose place you decide")
    def delegations(request: Request) -> dict[str, Any]:
        return {"delegations": [_delegation(one) for one in service.delegations(actor_of(request))]}

    @routes.post("/delegations", status_code=201, summary="Let somebody decide in your place for some days")
    def delegate(request: Request, order: DelegateOrder) -> dict[str, Any]:
        return _delegation(service.delegate(actor_of(request), order.to, order.since, order.until, order.reason))

    @routes.delete("/delegations/{delegation_id}", status_code=204, summary="End a delegation that you made")
    def end(request: Request, delegation_id: str) -> None:
        service.end_delegation(actor_of(request), delegation_id)


def _add_grants(routes: APIRouter, service: Exchange) -> None:
    @routes.get("/grants", summary="Grants of and to your organisation, newest first")
    def grants(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        state: GrantState | None = None,
        org: Annotated[str, Query(max_length=60)] = "",
        provider: Annotated[str, Query(max_length=60)] = "",
        table: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        query = GrantQuery(
            words=q, state=state, org_id=org or None, provider_id=provider or None, table=table or None, limit=limit
        )
        found, count = service.grants(actor_of(request), query)
        return {"count": count, "grants": [_grant(one) for one in found]}

    @routes.post("/grants", status_code=201, summary="Give a department a grant that it did not ask for")
    def give(request: Request, order: GiveOrder) -> dict[str, Any]:
        draft = DraftOrder(**order.model_dump(exclude={"words", "org_id"})).draft()
        return _grant(service.give(actor_of(request), order.org_id, draft, order.words))

    @routes.get("/grants/{grant_id}", summary="A grant, who decided on it, and what was had under it")
    def one(request: Request, grant_id: str) -> dict[str, Any]:
        return _grant_view(service.grant(actor_of(request), grant_id))

    @routes.post("/grants/{grant_id}/narrow", summary="Take something away from a grant; it holds at once")
    def narrow(request: Request, grant_id: str, order: NarrowOrder) -> dict[str, Any]:
        return _grant(service.narrow(actor_of(request), grant_id, order.narrowing(), order.words))

    @routes.post("/grants/{grant_id}/suspend", summary="Stop a grant for the time being; it holds at once")
    def suspend(request: Request, grant_id: str, order: WordsOrder) -> dict[str, Any]:
        return _grant(service.suspend(actor_of(request), grant_id, order.words))

    @routes.post("/grants/{grant_id}/resume", summary="Let a suspended grant go on")
    def resume(request: Request, grant_id: str, order: WordsOrder) -> dict[str, Any]:
        return _grant(service.resume(actor_of(request), grant_id, order.words))

    @routes.post("/grants/{grant_id}/revoke", summary="End a grant for good; the next access is refused")
    def revoke(request: Request, grant_id: str, order: WordsOrder) -> dict[str, Any]:
        return _grant(service.revoke(actor_of(request), grant_id, order.words))

    @routes.post("/grants/{grant_id}/give-up", summary="End a grant that your organisation needs no longer")
    def give_up(request: Request, grant_id: str, order: WordsOrder) -> dict[str, Any]:
        return _grant(service.give_up(actor_of(request), grant_id, order.words))


def _add_delivery(routes: APIRouter, service: Exchange) -> None:
    @routes.get("/tables/{table}/rows", summary="Rows under your grant, page by page", description=ROWS_TEXT)
    def rows(request: Request, table: str, purpose: Annotated[str, Header(alias=PURPOSE)] = "") -> Response:
        asked = rowquery.parse(request.query_params.multi_items())
        page = service.rows(actor_of(request), table, asked, purpose)
        here = f"/api/v1/exchange/tables/{quote(table)}/rows"
        following = f"{here}{asked.at(page.next).encoded()}" if page.next else None
        body = {
            "table": page.table,
            "version": page.version,
            "columns": [{"name": c.name, "type": c.type, "grade": c.grade, "masked": c.masked} for c in page.columns],
            "rows": page.rows,
            "next": page.next,
            "next_url": following,
            "receipt": page.receipt,
            "in_doubt": [*page.in_doubt],
        }
        headers = _proof(page.receipt, page.contract) | doubt_headers(page.in_doubt)
        if following:
            headers["Link"] = f'<{following}>; rel="next"'
        content = orjson.dumps(body, default=files.plain)
        page.delivered(files.digests(request_line(request), content), len(content))
        return Response(content, media_type="application/json", headers=headers)

    @routes.post("/tables/{table}/verify", summary="Whether values belong together: yes or no, no value")
    def verify(
        request: Request, table: str, order: VerifyOrder, purpose: Annotated[str, Header(alias=PURPOSE)] = ""
    ) -> Response:
        found = service.verify(actor_of(request), table, order.values, purpose)
        body = {"match": found.match, "receipt": found.receipt, "salt": found.salt, "in_doubt": found.in_doubt}
        return Response(orjson.dumps(body), media_type="application/json", headers=_proof(found.receipt, ""))

    @routes.get(
        "/tables/{table}/download",
        summary="All rows under your grant as CSV, Excel, JSON or Parquet",
        response_class=Response,
        responses=files_of(CSV, XLSX, JSON, PARQUET),
    )
    def download(
        request: Request,
        table: str,
        format: Annotated[str, Query(description="csv, xlsx, json or parquet")] = "csv",  # noqa: A002 - the promised name
        encoding: Annotated[str, Query(description="Of a CSV: utf-8, utf-8-sig or gb18030")] = "utf-8",
        purpose: Annotated[str, Header(alias=PURPOSE)] = "",
    ) -> Response:
        words = [pair for pair in request.query_params.multi_items() if pair[0] not in {"format", "encoding"}]
        order = files.DownloadOrder(
            form=files.parse_format(format),
            encoding=files.parse_encoding(encoding),
            filters=rowquery.parse(words).filters,
            request=request_line(request),
        )
        if request.state.head:
            raise Invalid("下载不支持 HEAD。", "A download has no HEAD.", code="no_head")
        made = service.file(actor_of(request), table, order, purpose)
        headers = {"Content-Disposition": content_disposition(made.file_name), **_proof(made.receipt, made.contract)}
        return StreamingResponse(made.content, media_type=made.media_type, headers=headers)


def _proof(receipt: str, contract: str) -> dict[str, str]:
    """Return the headers that name what proves the delivery, and the contract that it is under; nothing is stored."""
    named = {"X-Data-Contract": contract} if contract else {}
    return {"X-Beijiang-Receipt": receipt, "Cache-Control": "no-store", **named}


def actor_of(request: Request) -> Actor:
    """Return who asks."""
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _terms(terms: Terms) -> Mapping[str, Any]:
    return terms.to_json()


def request_json(one: ShareRequest) -> dict[str, Any]:
    """Return a request as programs read it."""
    draft = one.draft
    return {
        "id": one.id,
        "state": one.state.value,
        "revision": one.revision,
        "org_id": one.org_id,
        "provider_id": one.provider_id,
        "by": one.by_name,
        "resource_id": draft.resource_id,
        "resource": one.resource_name,
        "resource_version": one.resource_version,
        "table": one.table,
        "asked": _terms(draft.terms),
        "offered": _terms(one.offered),
        "purpose": draft.purpose,
        "use": draft.use,
        "basis": draft.basis,
        "grantee_kind": draft.grantee_kind.value,
        "grantee_id": draft.grantee_id,
        "system": draft.system,
        "contact": draft.contact,
        "impact": draft.impact,
        "stages": [{"id": stage.id, "side": stage.side.value, "name": _words(stage.name)} for stage in one.stages],
        "stage": None if one.stage is None else one.stage.id,
        "created_at": one.created_at.isoformat(),
        "submitted_at": None if one.submitted_at is None else one.submitted_at.isoformat(),
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "grant_id": one.grant_id,
        "afar": None if one.afar is None else one.afar.to_json(),
    }


def step_json(one: Step) -> dict[str, Any]:
    """Return one thing that happened."""
    return {
        "at": one.at.isoformat(),
        "by": one.name,
        "org_id": one.org_id,
        "behalf": one.behalf,
        "move": one.move.value,
        "stage": one.stage,
        "words": one.words,
        "detail": dict(one.detail),
    }


def _view(one: RequestView) -> dict[str, Any]:
    time = one.deadline
    return {
        **request_json(one.request),
        "steps": [step_json(step) for step in one.steps],
        "deadline": None
        if time is None
        else {
            "due": time.due.isoformat(),
            "state": time.state.value,
            "provisional": time.provisional,
            "paused_days": time.paused_days,
            "rule": one.request.case.rule_id if one.request.case else "",
        },
        "time_asked": None if one.time_asked is None else step_json(one.time_asked),
        "may": {
            "decide": one.may_decide,
            "supply": one.may_supply,
            "withdraw": one.may_withdraw,
            "consent": one.may_consent,
        },
    }


def _plan(one: Plan) -> dict[str, Any]:
    return {
        "ready": not one.problems,
        "problems": [{"code": p.code, "column": p.column, **_words(p.text)} for p in one.problems],
        "traits": [{"code": trait.value, **_words(trait.text)} for trait in sorted(one.traits)],
        "stages": [
            {
                "id": planned.stage.id,
                "name": _words(planned.stage.name),
                "org_id": planned.org_id,
                "due_on": None if planned.due_on is None else planned.due_on.isoformat(),
                "limit": planned.limit,
                "basis": planned.stage.basis,
            }
            for planned in one.stages
        ],
    }


def _grant(one: Grant) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": one.state.value,
        "request_id": one.request_id,
        "resource_id": one.resource_id,
        "resource": one.resource_name,
        "table": one.table,
        "provider_id": one.provider_id,
        "org_id": one.org_id,
        "grantee_kind": one.grantee_kind.value,
        "grantee_id": one.grantee_id,
        "terms": _terms(one.terms),
        "levels": dict(one.levels),
        "purpose": one.purpose,
        "use": one.use,
        "basis": one.basis,
        "agreement": one.agreement,
        "made_at": one.made_at.isoformat(),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
        "reason": one.reason,
    }


def _grant_view(one: GrantView) -> dict[str, Any]:
    return {
        **_grant(one.grant),
        "standing": one.standing.value,
        "steps": [step_json(step) for step in one.steps],
        "usage": [{"day": day.day.isoformat(), "calls": day.calls, "rows": day.rows} for day in one.usage],
        "may": {"manage": one.may_manage, "give_up": one.may_give_up},
    }


def _delegation(one: Delegation) -> dict[str, Any]:
    return {
        "id": one.id,
        "by": one.by_name,
        "to": one.to_name,
        "since": one.since.isoformat(),
        "until": one.until.isoformat(),
        "reason": one.reason,
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }
