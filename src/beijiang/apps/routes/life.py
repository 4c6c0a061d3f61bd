"""The JSON API of versions on trial and of ratings, and the form by which a reader rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse

from beijiang.apps.models import CanaryKind, CanaryTo
from beijiang.kit import Actor
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.apps.service import AppCanaries, RatingsOfApps

__all__ = ["canaries", "ratings"]

SEE_OTHER: Final = 303


class CanaryOrder(BaseModel):
    """Who gets a version first: ids of departments, logins of people, or a share of the readers in percent."""

    model_config = ConfigDict(extra="forbid")

    to: CanaryKind
    names: list[str] = Field(default=[], max_length=200)
    percent: int = Field(default=0, ge=0, le=99)


class EndOrder(BaseModel):
    """Why a trial ends; kept in the evidence."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000)


class PromoteOrder(EndOrder):
    """Why a version goes to all, and what was looked at before."""

    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the comparison as it was read; without it nothing is promoted."""


class RatingOrder(BaseModel):
    """Stars, and words if wanted."""

    model_config = ConfigDict(extra="forbid")

    stars: int = Field(ge=1, le=5)
    words: str = Field(default="", max_length=1000)


class AnswerOrder(BaseModel):
    """What the makers say."""

    model_config = ConfigDict(extra="forbid")

    words: str = Field(min_length=1, max_length=1000)


class HideOrder(BaseModel):
    """Why a rating is hidden; nothing shows it again."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=1000)


def canaries(service: AppCanaries) -> APIRouter:
    """Return the endpoints of trials under ``/api/v1/apps``."""
    routes = APIRouter(prefix="/api/v1/apps", tags=["apps"])

    @routes.get("/{app}/canary", summary="The version on trial, and how it and the one before answer")
    def comparison(request: Request, app: str) -> dict[str, Any]:
        found = service.comparison(_actor(request), app)
        return {"canary": None if found is None else found.to_json()}

    @routes.post("/{app}/versions/{number}/canary", summary="Give an approved version to some of the readers first")
    def begin(request: Request, app: str, number: Whole, order: CanaryOrder) -> dict[str, Any]:
        to = CanaryTo(kind=order.to, names=order.names, percent=order.percent)
        return service.begin(_actor(request), app, number, to).to_json()

    @routes.post("/{app}/canary/promote", summary="Give all readers the version on trial")
    def promote(request: Request, app: str, order: PromoteOrder) -> dict[str, Any]:
        return {"app": app, "version": service.promote(_actor(request), app, order.reason, seen=order.seen).current}

    @routes.post("/{app}/canary/withdraw", summary="End the trial; all readers have the version before")
    def withdraw(request: Request, app: str, order: EndOrder) -> dict[str, Any]:
        return {"app": app, "version": service.withdraw(_actor(request), app, order.reason).current}

    return routes


def ratings(service: RatingsOfApps) -> APIRouter:
    """Return the endpoints of ratings under ``/api/v1/apps``, and the form of the page of an application."""
    routes = APIRouter(prefix="/api/v1/apps", tags=["apps"])

    @routes.get("/{app}/ratings", summary="What readers think of an application, without whose word it is")
    def of(request: Request, app: str) -> dict[str, Any]:
        return service.of(_actor(request), app).to_json()

    @routes.put("/{app}/rating", summary="Rate an application, or change your rating")
    def rate(request: Request, app: str, order: RatingOrder) -> dict[str, Any]:
        return service.rate(_actor(request), app, order.stars, order.words).to_json()

    @routes.delete("/{app}/rating", status_code=204, summary="Take your rating back")
    def remove(request: Request, app: str) -> None:
        service.remove(_actor(request), app)

    @routes.post(
        "/{app}/ratings/{rating}/answer", summary="Answer a rating, for the department that makes the application"
    )
    def answer(request: Request, app: str, rating: str, order: AnswerOrder) -> dict[str, Any]:
        return service.answer(_actor(request), app, rating, order.words).to_json()

    @routes.post("/{app}/ratings/{rating}/hide", summary="Hide a rating with a reason, or show it again without one")
    def hide(request: Request, app: str, rating: str, order: HideOrder) -> dict[str, Any]:
        if order.reason:
            return service.hide(_actor(request), app, rating, order.reason).to_json()
        return service.show(_actor(request), app, rating).to_json()

    form = APIRouter(include_in_schema=False)

    @form.post("/apps/{app}/rating")
    def rated(
        request: Request,
        app: str,
        do: Annotated[str, Form(max_length=10)] = "rate",
        stars: Annotated[int, Form()] = 0,
        words: Annotated[str, Form(max_length=4000)] = "",
    ) -> RedirectResponse:
        if do == "remove":
            service.remove(_actor(request), app)
        else:
            service.rate(_actor(request), app, stars, words)
        return RedirectResponse(f"/apps/{quote(app)}#ratings", SEE_OTHER)

    routes.routes.extend(form.routes)
    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
