"""The sandbox page: try an API on synthetic data, and copy what a program needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from beijiang.console.routes.frame import Frame, person
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from beijiang.platform import Platform


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the page."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/sandbox")
    def sandbox(request: Request, api: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        who, found, fault = person(request), None, None
        given = {name.removeprefix("p."): text for name, text in request.query_params.items() if name[:2] == "p."}
        if api.strip():
            try:
                found = platform.sandbox.answer(who, api.strip(), given)
            except BeijiangError as error:
                fault = error.text
        return frame.page(
            request,
            "sandbox.html",
            api=api.strip(),
            found=found,
            fault=fault,
            base=platform.sign_on.issuer,
            choices=platform.sandbox.choices(who),
        )

    return pages
