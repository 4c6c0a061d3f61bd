"""Applications that run elsewhere, on the platform's own pages: which there are, what one is told, and the way in; and their health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from beijiang.apps.models import IDENTITY_SCOPES
from beijiang.kit import Actor
from beijiang.web import form_may_go_to

if TYPE_CHECKING:
    from beijiang.apps.models import Health, HealthTurn
    from beijiang.apps.service import HealthWatch, Relay
    from beijiang.web import Pages

__all__ = ["health", "health_json", "outside"]

SEE_OTHER = 303
_State = Annotated[str, Query(max_length=64, pattern=r"^[0-9a-f]{64}$|^$")]
_To = Annotated[str, Query(max_length=2000)]


def outside(relay: Relay, watch: HealthWatch, site: Pages) -> APIRouter:
    """Return the pages under ``/outside``."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/outside", response_model=None)
    def list_(request: Request) -> Response:
        who = _actor(request)
        if who.is_anonymous:
            return _sign_in("/outside")
        found, states = relay.offered(who), watch.states(who)
        names = {one.id: one.short for one in relay.access.organisations()}
        return site.render(request, "apps/outside.html", found=found, states=states, names=names, domain=relay.domain)

    @routes.get("/outside/{client_id}", response_model=None)
    def one(request: Request, client_id: str) -> Response:
        if _actor(request).is_anonymous:
            return _sign_in(f"/outside/{quote(client_id)}")
        return _page(relay, watch, site, request, client_id)

    @routes.get("/outside/{client_id}/enter", response_model=None)
    def enter(request: Request, client_id: str, state: _State = "", to: _To = "/") -> Response:
        who = _actor(request)
        if who.is_anonymous:
            said = urlencode({"state": state, "to": to})
            return _sign_in(f"/outside/{quote(client_id)}/enter?{said}")
        client, agreed = relay.look(who, client_id)
        if not state or not relay.address(client):  # the way in begins in the browser that goes in
            return RedirectResponse(relay.address(client) or f"/outside/{quote(client_id)}", SEE_OTHER)
        if agreed:
            return _fresh(RedirectResponse(relay.enter(who, client_id, state, to), SEE_OTHER))
        return _page(relay, watch, site, request, client_id, state, to)

    @routes.post("/outside/{client_id}/enter", response_model=None)
    def agree(
        request: Request,
        client_id: str,
        state: Annotated[str, Form(max_length=64)] = "",
        to: Annotated[str, Form(max_length=2000)] = "/",
        seen: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        who = _actor(request)
        relay.agree(who, client_id, seen=seen)
        if not state:
            return _fresh(RedirectResponse(relay.address(relay.look(who, client_id)[0]), SEE_OTHER))
        return _fresh(RedirectResponse(relay.enter(who, client_id, state, to), SEE_OTHER))

    return routes


def _page(
    relay: Relay, watch: HealthWatch, site: Pages, request: Request, client_id: str, state: str = "", to: str = "/"
) -> Response:
    who = _actor(request)
    client, agreed = relay.look(who, client_id)
    now, turns = watch.health(who, client_id)
    told = [IDENTITY_SCOPES[one] for one in sorted(relay.told(client))]
    names = {one.id: one.short for one in relay.access.organisations()}
    address = relay.address(client)
    page = site.render(
        request,
        "apps/outside_one.html",
        client=client,
        agreed=agreed,
        told=told,
        seen=relay.shown(client).token,
        health=now,
        turns=turns,
        names=names,
        address=address,
        state=state,
        to=to,
    )
    if address:
        page.headers.update(form_may_go_to(address))
    return _fresh(page)


def health(watch: HealthWatch) -> APIRouter:
    """Return the end-points of an application's health."""
    routes = APIRouter(prefix="/api/v1/clients", tags=["clients"])

    @routes.get("/{client_id}/health", summary="Whether an application that runs elsewhere answers, and its last turns")
    def one(request: Request, client_id: str) -> dict[str, Any]:
        return health_json(*watch.health(_actor(request), client_id))

    @routes.post("/{client_id}/health", summary="Look now whether it answers")
    def check(request: Request, client_id: str) -> dict[str, Any]:
        watch.check(_actor(request), client_id)
        return health_json(*watch.health(_actor(request), client_id))

    return routes


def health_json(now: Health | None, turns: Any) -> dict[str, Any]:
    """Return an application's health as JSON has it."""
    if now is None:
        return {"state": "unknown", "turns": []}
    return {
        "state": now.state.value,
        "since": now.since.isoformat(),
        "checked_at": now.checked_at.isoformat(),
        "failures": now.failures,
        "error": {"zh": now.error.zh, "en": now.error.en},
        "millis": now.millis,
        "turns": [_turn(one) for one in turns],
    }


def _turn(one: HealthTurn) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "state": one.state.value,
        "error": {"zh": one.error.zh, "en": one.error.en},
        "lasted_seconds": int(one.lasted.total_seconds()),
    }


def _sign_in(back: str) -> Response:
    return RedirectResponse(f"/console/sign-in?next={quote(back, safe='')}", SEE_OTHER)


def _fresh(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
