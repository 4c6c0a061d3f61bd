"""Subscriptions: the pages on which anybody follows data, the links in mails, and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from beijiang.kit import BeijiangError, Invalid, Language, NotFound, Text
from beijiang.opendata.follows import FollowDraft, FollowKind, FollowPace, FollowWay, canonical, feed_path, page_path
from beijiang.opendata.routes.api import actor
from beijiang.opendata.routes.citizens import SEE_OTHER, source

if TYPE_CHECKING:
    from beijiang.opendata.following import Follows
    from beijiang.web import Pages

__all__ = ["api", "pages"]

_OWN = "/follows"
_Find = Annotated[str, Query(max_length=1100)]
_What = Annotated[str, Form(max_length=1100)]
_Line = Annotated[str, Form(max_length=300)]
_To = Annotated[str, Form(max_length=2000)]


class FollowOrder(BaseModel):
    """What to follow and how to hear of it; a visitor's needs a ``ticket`` from ``/api/v1/portal/ticket``, some seconds before."""

    model_config = ConfigDict(extra="forbid")

    kind: FollowKind
    what: str = Field(
        max_length=1100,
        description="Id of the data set or department, code of the topic, or a search as the address of a result list has it.",
    )
    way: FollowWay = FollowWay.MAIL
    pace: FollowPace = FollowPace.DAILY
    to: str = Field(default="", max_length=2000, description="Mail address, or address of the receiver.")
    language: Language | None = None
    ticket: str = Field(default="", max_length=200)


class ConfirmOrder(BaseModel):
    """The code at the end of the link in the letter."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=100)


def api(follows: Follows) -> APIRouter:
    """Return the endpoints under ``/api/v1/portal/follows``."""
    routes = APIRouter(prefix="/api/v1/portal/follows", tags=["portal"])
    doorman = follows.parts.public.doorman

    @routes.post("", status_code=201, summary="Follow data by mail, webhook or in the notice centre")
    def follow(request: Request, order: FollowOrder) -> dict[str, Any]:
        who = actor(request)
        doorman.admit(who, source(request), order.ticket, "")
        language = order.language or request.state.language
        draft = FollowDraft(**order.model_dump(exclude={"ticket", "language"}), language=language)
        made = follows.follow(who, draft)
        if who.is_anonymous:
            return {"state": "waiting", "feed": f"{follows.parts.base}{feed_path(made.follow.kind, made.follow.what)}"}
        return {**made.follow.to_json(), "secret": made.secret or None}

    @routes.get("/own", summary="What you follow")
    def own(request: Request) -> dict[str, Any]:
        return {"follows": [{**one.to_json(), "name": name or None} for one, name in follows.own(actor(request))]}

    @routes.get("/counts", summary="How many subscriptions there are, for those who run the portal; never whose")
    def counts(request: Request) -> dict[str, Any]:
        words = ("kind", "way", "state", "number")
        return {"counts": [dict(zip(words, one, strict=True)) for one in follows.counts(actor(request))]}

    @routes.post("/{follow_id}/confirm", summary="Begin a subscription with the code from its letter")
    def confirm(request: Request, follow_id: str, order: ConfirmOrder) -> dict[str, str]:
        return {"id": follows.confirm(actor(request), follow_id, order.code).id, "state": "active"}

    @routes.post("/{follow_id}/resume", summary="Begin again with one that was switched off")
    def resume(request: Request, follow_id: str) -> dict[str, Any]:
        return follows.resume(actor(request), follow_id).to_json()

    @routes.delete("/{follow_id}", status_code=204, summary="Follow it no more")
    def end(request: Request, follow_id: str) -> None:
        follows.end(actor(request), follow_id)

    return routes


def pages(follows: Follows, site: Pages) -> APIRouter:
    """Return the pages."""
    routes = APIRouter(include_in_schema=False)
    _add_asking(routes, follows, site)
    _add_links(routes, follows, site)
    _add_own(routes, follows, site)
    return routes


def _add_asking(routes: APIRouter, follows: Follows, site: Pages) -> None:
    def form(request: Request, given: FollowDraft, fault: Text | None = None, status: int = 200) -> Response:
        page = site.render(
            request,
            "opendata/follow.html",
            given=given,
            name=follows.name(actor(request), given.kind, given.what),
            fault=fault,
            ticket=follows.parts.public.doorman.ticket(),
            paces=[(one.value, one.text.in_language(request.state.language)) for one in FollowPace],
            feed=feed_path(given.kind, given.what),
            there=page_path(given.kind, given.what),
            by_mail=follows.parts.mail.is_set_up,
        )
        page.status_code = status
        return page

    @routes.get("/follow")
    def ask(request: Request, kind: FollowKind = FollowKind.SEARCH, what: _Find = "") -> Response:
        try:
            given = FollowDraft(kind=kind, what=canonical(kind, what))
        except Invalid:
            return site.render(request, "opendata/follow_what.html")  # nothing, or no search: it leads to the search
        return form(request, given)

    @routes.post("/follow")
    def follow(
        request: Request,
        kind: Annotated[FollowKind, Form()],
        what: _What,
        way: Annotated[FollowWay, Form()] = FollowWay.MAIL,
        pace: Annotated[FollowPace, Form()] = FollowPace.DAILY,
        to: _To = "",
        ticket: _Line = "",
        website: _Line = "",
    ) -> Response:
        who, words = actor(request), request.state.language
        draft = FollowDraft(kind=kind, what=canonical(kind, what), way=way, pace=pace, to=to, language=words)
        try:
            follows.parts.public.doorman.admit(who, source(request), ticket, website)
            made = follows.follow(who, draft)
        except NotFound:
            raise
        except BeijiangError as error:
            return form(request, draft, error.text, error.status)
        page = site.render(
            request, "opendata/follow_made.html", made=made, there=page_path(kind, draft.what), own=not who.is_anonymous
        )
        page.headers["Cache-Control"] = "no-store"
        return page


def _add_links(routes: APIRouter, follows: Follows, site: Pages) -> None:
    """Add where the links in mails lead: programs that look at every link of a mail change nothing by looking."""

    @routes.get("/follow/confirm/{follow_id}/{code}")
    def ask_to_confirm(request: Request, follow_id: str, code: str) -> Response:
        del follow_id, code
        return site.render(request, "opendata/follow_link.html", ends=False, done=None)

    @routes.post("/follow/confirm/{follow_id}/{code}")
    def confirm(request: Request, follow_id: str, code: str) -> Response:
        done = follows.confirm(actor(request), follow_id, code)
        return site.render(
            request, "opendata/follow_link.html", ends=False, done=done, there=page_path(done.kind, done.what)
        )

    @routes.get("/follow/end/{follow_id}/{token}")
    def ask_to_end(request: Request, follow_id: str, token: str) -> Response:
        del follow_id, token
        return site.render(request, "opendata/follow_link.html", ends=True, done=None)

    @routes.post("/follow/end/{follow_id}/{token}")
    def end(request: Request, follow_id: str, token: str) -> Response:
        done = follows.end_by_link(actor(request), follow_id, token)
        return site.render(
            request, "opendata/follow_link.html", ends=True, done=done, there=page_path(done.kind, done.what)
        )


def _add_own(routes: APIRouter, follows: Follows, site: Pages) -> None:
    @routes.get(_OWN)
    def own(request: Request) -> Response:
        if actor(request).is_anonymous:
            return RedirectResponse(f"/console/sign-in?next={_OWN}", SEE_OTHER)
        found = [(one, name, page_path(one.kind, one.what)) for one, name in follows.own(actor(request))]
        return site.render(request, "opendata/follows.html", found=found)

    @routes.post("/follows/{follow_id}/end")
    def end(request: Request, follow_id: str) -> Response:
        follows.end(actor(request), follow_id)
        return RedirectResponse(_OWN, SEE_OTHER)

    @routes.post("/follows/{follow_id}/resume")
    def resume(request: Request, follow_id: str) -> Response:
        follows.resume(actor(request), follow_id)
        return RedirectResponse(_OWN, SEE_OTHER)
