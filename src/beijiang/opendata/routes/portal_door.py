"""Which portal a request is for: by its path, else by a host name that is configured. It stands before everything else.

``/p/CODE/datasets`` is answered as ``/datasets`` is, with the portal at hand; addresses that a portal does not have are not there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from fastapi import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from beijiang.opendata.cities import Portal
    from beijiang.opendata.portals import Portals

__all__ = ["PortalDoor", "portal_at", "portal_of"]

_PATH: Final = re.compile(r"/p/([a-z0-9]{1,24})(/.*)?")
_SHOWN: Final = re.compile(
    r"/|/datasets|/departments|/departments/[^/]+|/about|/feed\.xml|/sitemap\.xml|/sitemap-\d+\.xml|/data\.json"
    r"|/catalog\.[a-z]+|/api/v1/datasets"
)
"""What a portal has of its own; all else, data sets too, is at the region's one address."""


_AT_HOME: Final = re.compile(
    r"/(?:apps|register|voice|voices|work|works|my|applications|console)(?:/.*)?|/datasets/[^/]+/apply"
)
"""What needs a session or sends a form: cookies are of the region's host alone, so a portal's host leads there."""


class PortalDoor:
    """Middleware: put the portal of a request beside it; from a portal's own host lead to the region what needs a session."""

    def __init__(self, app: ASGIApp, portals: Portals, home: str) -> None:
        self._app = app
        self._portals = portals
        self._home = home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        by_path = _PATH.fullmatch(scope["path"])
        portal: Portal | None = None
        if by_path:
            rest = by_path[2] or "/"
            if _SHOWN.fullmatch(rest):
                portal = await run_in_threadpool(self._portals.of_code, by_path[1])
            if portal is not None:
                scope = {**scope, "path": rest, "raw_path": rest.encode()}
        else:
            host = Headers(scope=scope).get("host", "")
            if not self._portals.is_home(host):
                portal = await run_in_threadpool(self._portals.of_host, host)
        if portal is not None:
            if not by_path and scope["method"] in {"GET", "HEAD"} and _AT_HOME.fullmatch(scope["path"]):
                query = scope["query_string"].decode("latin-1")
                target = f"{self._home}{quote(scope['path'])}{'?' if query else ''}{query}"
                await RedirectResponse(target, 302)(scope, receive, send)
                return
            state = scope.setdefault("state", {})
            state["portal"], state["portal_at"] = portal, portal.path if by_path else ""
            state["canonical_at"] = portal.path if _SHOWN.fullmatch(scope["path"]) else ""
        await self._app(scope, receive, send)


def portal_of(request: Request) -> Portal | None:
    """Return the portal that a request is for; None for the region's own."""
    found: Portal | None = getattr(request.state, "portal", None)
    return found


def portal_at(request: Request) -> str:
    """Return what addresses of a portal begin with: its path, nothing under a host of its own or for the region."""
    found: str = getattr(request.state, "portal_at", "")
    return found
