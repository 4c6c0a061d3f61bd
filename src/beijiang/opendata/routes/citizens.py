"""Registration and the page of a signed-in member; the API of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from beijiang.kit import BeijiangError, Text
from beijiang.opendata.members import Registration, RegistrationDraft, RegistrationState, Standing
from beijiang.opendata.routes.api import actor

if TYPE_CHECKING:
    from beijiang.exchange import Openings
    from beijiang.opendata.hearing import Voices
    from beijiang.opendata.keeping import Keepings
    from beijiang.opendata.registering import Registrations
    from beijiang.web import Pages

__all__ = ["api", "pages", "source"]

SEE_OTHER = 303
_Line = Annotated[str, Form(max_length=300)]
_Words = Annotated[str, Form(max_length=6000)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegistrationOrder(_Order):
    """Who asks for an account; ``ticket`` comes from ``/api/v1/portal/ticket``, some seconds before."""

    login: str = Field(max_length=64)
    name: str = Field(max_length=100)
    contact: str = Field(max_length=200)
    standing: Standing = Standing.PERSON
    words: str = Field(default="", max_length=3000)
    credit_code: str = Field(default="", max_length=40, description="Of a business: GB 32100, 18 characters.")
    ticket: str = Field(default="", max_length=200)

    def draft(self) -> RegistrationDraft:
        """Return it as the service takes it."""
        return RegistrationDraft(
            login=self.login,
            name=self.name,
            contact=self.contact,
            standing=self.standing,
            words=self.words,
            credit_code=self.credit_code,
        )


class StandingOrder(_Order):
    """The login and the code from the registration."""

    login: str = Field(max_length=64)
    code: str = Field(max_length=100)


class ReasonOrder(_Order):
    """Why."""

    reason: str = Field(max_length=3000)


def source(request: Request) -> str:
    """Return where a request comes from, for counting."""
    return request.client.host if request.client else "unknown"


def api(registrations: Registrations) -> APIRouter:
    """Return the endpoints of registration."""
    routes = APIRouter(prefix="/api/v1/portal", tags=["portal"])
    doorman = registrations.parts.doorman

    @routes.get("/ticket", summary="A ticket that the form of a visitor must carry; good once, from three seconds on")
    def ticket() -> dict[str, str]:
        return {"ticket": doorman.ticket()}

    @routes.post("/registrations", status_code=201, summary="Ask for an account")
    def register(request: Request, order: RegistrationOrder) -> dict[str, Any]:
        doorman.admit(actor(request), source(request), order.ticket, "")
        made = registrations.register(actor(request), order.draft())
        return {"login": made.registration.login, "code": made.code, "state": made.registration.state.value}

    @routes.post("/registrations/standing", summary="How your registration stands")
    def standing(request: Request, order: StandingOrder) -> dict[str, Any]:
        found = registrations.standing(actor(request), order.login, order.code)
        return {"login": found.login, "state": found.state.value, "reason": found.reason}

    @routes.get("/registrations", summary="Registrations, for the officer who confirms them")
    def waiting(request: Request, state: RegistrationState = RegistrationState.WAITING) -> dict[str, Any]:
        found, count = registrations.registrations(actor(request), state)
        return {"count": count, "registrations": [_registration(one) for one in found]}

    @routes.post("/registrations/{registration}/contact", summary="How to reach who registered; goes on record")
    def contact(request: Request, registration: str) -> dict[str, str]:
        return {"contact": registrations.contact(actor(request), registration)}

    @routes.post("/registrations/{registration}/admit", summary="Make the account")
    def admit(request: Request, registration: str) -> dict[str, Any]:
        return _registration(registrations.admit(actor(request), registration))

    @routes.post("/registrations/{registration}/refuse", summary="Refuse it, with a reason")
    def refuse(request: Request, registration: str, order: ReasonOrder) -> dict[str, Any]:
        return _registration(registrations.refuse(actor(request), registration, order.reason))

    return routes


def pages(
    registrations: Registrations, voices: Voices, keepings: Keepings, openings: Openings, site: Pages
) -> APIRouter:
    """Return the pages."""
    routes = APIRouter(include_in_schema=False)
    doorman = registrations.parts.doorman

    def form(request: Request, fault: Text | None = None, status: int = 200, **given: str) -> Response:
        page = site.render(
            request,
            "opendata/register.html",
            fault=fault,
            ticket=doorman.ticket(),
            standings=[(one.value, one.text.in_language(request.state.language)) for one in Standing],
            given=given,
        )
        page.status_code = status
        return page

    @routes.get("/register")
    def register(request: Request) -> Response:
        return form(request)

    @routes.post("/register")
    def registered(
        request: Request,
        login: _Line = "",
        name: _Line = "",
        contact: _Line = "",
        words: _Words = "",
        credit_code: _Line = "",
        standing: _Line = Standing.PERSON.value,
        ticket: _Line = "",
        website: _Line = "",
    ) -> Response:
        try:
            doorman.admit(actor(request), source(request), ticket, website)
            kind = Standing(standing) if standing in set(Standing) else Standing.PERSON
            draft = RegistrationDraft(
                login=login, name=name, contact=contact, standing=kind, words=words, credit_code=credit_code
            )
            made = registrations.register(actor(request), draft)
        except BeijiangError as error:
            given = {"login": login, "name": name, "contact": contact, "words": words, "credit_code": credit_code}
            return form(request, error.text, error.status, **given, standing=standing)
        page = site.render(
            request, "opendata/registered.html", made=made, due=registrations.due(made.registration), code=made.code
        )
        page.headers["Cache-Control"] = "no-store"
        return page

    @routes.get("/register/standing")
    def ask(request: Request) -> Response:
        return site.render(request, "opendata/register_standing.html", found=None, fault=None, login="")

    @routes.post("/register/standing")
    def standing(request: Request, login: _Line = "", code: _Line = "") -> Response:
        found, fault = None, None
        try:
            found = registrations.standing(actor(request), login, code)
        except BeijiangError as error:
            fault = error.text
        page = site.render(request, "opendata/register_standing.html", found=found, fault=fault, login=login)
        page.headers["Cache-Control"] = "no-store"
        return page

    @routes.get("/my")
    def my(request: Request) -> Response:
        who = actor(request)
        if who.is_anonymous:
            return RedirectResponse("/console/sign-in?next=/my", SEE_OTHER)
        if "set_up_pending" in who.roles:
            return RedirectResponse("/console/password", SEE_OTHER)
        return site.render(
            request,
            "opendata/my.html",
            voices=voices.own(who),
            kept=keepings.kept(who),
            works=keepings.own_works(who),
            applications=openings.applications(who) if openings.may_apply(who) else (),
        )

    return routes


def _registration(one: Registration) -> dict[str, Any]:
    return {
        "id": one.id,
        "login": one.login,
        "name": one.name,
        "standing": one.standing.value,
        "credit_code": one.credit_code,
        "words": one.words,
        "state": one.state.value,
        "reason": one.reason,
        "created_at": one.created_at.isoformat(),
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
    }
