"""Search over the whole console: the page that works without a script, and the answer that Ctrl-K asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from beijiang.console.finding import LONGEST
from beijiang.console.routes.frame import Frame, person
from beijiang.console.service import Console

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["api", "router"]

Words = Annotated[
    str, Query(max_length=LONGEST, description="Chinese, pinyin or initials; empty: what was touched last.")
]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the page."""
    del platform
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/search")
    def search(request: Request, q: Words = "") -> HTMLResponse:
        return frame.page(request, "search.html", found=frame.console.find(person(request), q), q=q)

    return pages


def api(platform: Platform) -> APIRouter:
    """Return the JSON address."""
    routes, console = APIRouter(prefix="/api/v1", tags=["console"]), Console(platform)

    @routes.get("/console/search", summary="Things, pages and actions of the console that fit some words")
    def search(request: Request, q: Words = "") -> dict[str, Any]:
        return {"found": [one.to_json() for one in console.find(person(request), q)]}

    return routes
