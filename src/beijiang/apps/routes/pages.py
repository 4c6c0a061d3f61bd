"""The store and the pages of applications. Every link and form works without JavaScript, which draws charts and fetches late cards."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from beijiang.apps.reader import page_facts
from beijiang.apps.routes.api import whence
from beijiang.kit import Actor
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.apps.service import Apps, RatingsOfApps
    from beijiang.web import Pages

__all__ = ["pages"]


def pages(service: Apps, ratings: RatingsOfApps, site: Pages) -> APIRouter:
    """Return the pages under ``/apps``."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/apps")
    def store(request: Request) -> Response:
        names = {one.id: one.short for one in service.access.organisations()}
        found = service.store(_actor(request))
        stars = ratings.stars(_actor(request))
        return site.render(request, "apps/store.html", found=found, names=names, stars=stars)

    @routes.get("/apps/{app}")
    def about(request: Request, app: str) -> Response:
        found, bundle = service.open(_actor(request), app, whence(request))
        names = {one.id: one.short for one in service.access.organisations()}
        said = ratings.of(_actor(request), app)
        return site.render(request, "apps/about.html", app=found, bundle=bundle, names=names, said=said)

    @routes.get("/apps/{app}/{page}")
    def page(request: Request, app: str, page: str) -> Response:
        view = service.page(_actor(request), app, page, asked(request), whence(request))
        return site.render(request, "apps/page.html", **page_facts(view, request.state.language, f"/apps/{quote(app)}"))

    @routes.get("/apps/{app}/{page}/cards/{number}")
    def card(request: Request, app: str, page: str, number: Whole) -> Response:
        view = service.card(_actor(request), app, page, number, asked(request), whence(request))
        values = page_facts(view, request.state.language, f"/apps/{quote(app)}", whole=False)
        return site.render(request, "apps/card.html", **values, card=view.cards[number])

    return routes


def asked(request: Request) -> dict[str, str]:
    """Return what the address says of parameters."""
    return {name: value for name, value in request.query_params.items() if name != "lang"}


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
