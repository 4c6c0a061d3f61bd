"""The query page: SQL on governed tables, for roles that may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from beijiang.build import Platform


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the query page."""
    pages = APIRouter()

    @pages.get("/sql")
    def form(request: Request, text: Annotated[str, Query(max_length=20_000)] = "") -> HTMLResponse:
        """Show the page, with a query that another page proposes; nothing runs before it is sent."""
        who = person(request)
        platform.access.require(who, Permission.PROTECTION_SQL_RUN, who.org_id)
        return frame.page(request, "sql.html", text=text, purpose="", result=None, fault=None)

    @pages.post("/sql")
    def run(
        request: Request,
        text: Annotated[str, Form(max_length=20_000)],
        purpose: Annotated[str, Form(max_length=200)] = "",
    ) -> HTMLResponse:
        result, fault = None, None
        try:
            result = platform.sql.run(person(request), text, purpose=purpose)
        except BeijiangError as error:
            if error.status in {401, 403}:
                raise
            fault = error.text
        return frame.page(request, "sql.html", text=text, purpose=purpose, result=result, fault=fault)

    return pages
