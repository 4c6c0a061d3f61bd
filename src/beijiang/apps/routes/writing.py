"""The pages of an application while it is written: a saved file shows in the open page, a fault with its place and its mend.

Served on the writer's own machine by ``beijiang app preview --watch``, as the person named there: who does not know the key of
the address finds nothing.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from beijiang.apps.errors import no_page
from beijiang.apps.folder import folder_files, folder_mark
from beijiang.apps.reader import page_facts
from beijiang.apps.routes.pages import asked
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from beijiang.apps.service import Apps, PageView
    from beijiang.kit import Actor
    from beijiang.web import Pages

__all__ = ["Folder", "writing"]

_LOOK_SECONDS: Final = 0.2
_BEATS: Final = 50
"""After so many looks without a change a stream shows that it lives."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, who looks at it, and the key that the address of its pages holds."""

    path: Path
    who: Callable[[], Actor]
    key: str


def writing(service: Apps, folder: Folder, site: Pages) -> APIRouter:
    """Return the pages under ``/writing``."""
    routes = APIRouter(include_in_schema=False)

    def checked(key: str) -> None:
        if not hmac.compare_digest(key.encode(), folder.key.encode()):
            raise no_page()

    @routes.get("/writing/{key}/pages/{page}")
    def page(request: Request, key: str, page: str) -> Response:
        checked(key)
        mark, base = folder_mark(folder.path), f"/writing/{folder.key}"
        values: dict[str, Any] = {"mark": mark, "base": base, "folder": folder.path.name, "faults": (), "error": None}
        try:
            view = _view(service, folder, page, asked(request))
        except BeijiangError as error:
            values["faults"] = _faults(error)
            values["error"] = None if values["faults"] else error.text
            values["view"] = None
        else:
            values |= page_facts(view, request.state.language, f"{base}/pages", costs=True)
        return site.render(request, "apps/writing.html", **values)

    @routes.get("/writing/{key}/checks")
    def checks(request: Request, key: str) -> Response:
        checked(key)
        try:
            found = service.check(folder.who(), folder_files(folder.path))
        except BeijiangError:  # the page says it
            return site.render(request, "apps/writing_checks.html", checks=(), faults=())
        faults = [one.to_json() for one in found.faults]
        return site.render(request, "apps/writing_checks.html", checks=found.checks, faults=faults)

    @routes.get("/writing/{key}/changes")
    async def changes(
        request: Request, key: str, since: str = "", last_event_id: Annotated[str, Header()] = ""
    ) -> Response:
        checked(key)
        stream = _changes(request, folder.path, last_event_id or since)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return routes


async def _changes(request: Request, folder: Path, last: str) -> AsyncIterator[str]:
    """Tell of each change of a folder once; a page that was away is told of what it missed."""
    yield "retry: 500\n\n"
    quiet = 0
    while not await request.is_disconnected():
        mark = await run_in_threadpool(folder_mark, folder)
        quiet = 0 if mark != last else quiet + 1
        if not quiet:
            last = mark
            yield f"id: {mark}\nevent: changed\ndata: {{}}\n\n"
        elif quiet % _BEATS == 0:
            yield ": beat\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def _view(service: Apps, folder: Folder, page: str, values: Mapping[str, str]) -> PageView:
    return service.try_page(folder.who(), folder_files(folder.path), "" if page == "-" else page, values)


def _faults(error: BeijiangError) -> Sequence[Mapping[str, Any]]:
    """Return the faults that an error names, each with its file, line and mend."""
    found = error.detail.get("faults", ())
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
