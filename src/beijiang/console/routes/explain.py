"""Why may, or may not, this person do this: the policies that decide, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from beijiang.access import Explanation
    from beijiang.build import Platform
    from beijiang.kit import Text

__all__ = ["router"]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the page."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/explain")
    def explain(request: Request, who: str = "", do: str = "", org: str = "") -> HTMLResponse:
        asker = person(request)
        found: Explanation | None = None
        fault: Text | None = None
        name = who.strip() or asker.id
        if do.strip():
            try:
                found = platform.access.explain(asker, name, do.strip(), org.strip() or None)
            except BeijiangError as error:
                fault = error.text
        return frame.page(
            request,
            "explain.html",
            found=found,
            fault=fault,
            who=who,
            do=do,
            org=org,
            permissions=tuple(Permission),
            organisations=platform.access.organisations(),
        )

    return pages
