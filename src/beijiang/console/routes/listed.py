"""Answer with a list: as a page, or as the file of what the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from fastapi.responses import Response

from beijiang.console.listing import FORMAT, Ask, KeptView, Listing, as_now
from beijiang.console.routes.frame import language, person
from beijiang.standards import SheetFormat, text_file
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from fastapi import Request

    from beijiang.build import Platform
    from beijiang.console.listing import Table
    from beijiang.console.routes.frame import Frame

__all__ = ["listed"]

FORMS = {form.value: form for form in (SheetFormat.CSV, SheetFormat.XLSX)}


def listed(
    frame: Frame, platform: Platform, request: Request, template: str, table: Table[Any], /, **values: Any
) -> Response:
    """Return the page with the list as it was asked for, or the file of the very same rows and columns."""
    ask = Ask(
        path=table.path,
        pairs=as_now(request.query_params.multi_items()),
        language=language(request),
        zone=ZoneInfo(platform.settings.time_zone),
    )
    form = FORMS.get(ask.one(FORMAT))
    found = Listing.of(table, ask, () if form else _views(platform, request, ask, table))
    if form is None:
        return frame.page(request, template, listing=found, **values)
    title = table.title.in_language(ask.language)
    content = text_file([(title[:31], found.file_lines())], form, title=title, language=ask.language)
    name = f"{title}{found.file_part}_{platform.clock.now().astimezone(ask.zone):%Y%m%d_%H%M}.{form.value}"
    headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
    return Response(content, media_type=form.media_type, headers=headers)


def _views(platform: Platform, request: Request, ask: Ask, table: Table[Any]) -> list[KeptView]:
    """Return what the person keeps of the list, and which of it is being looked at."""
    kept = platform.desk.views(person(request), table.key)
    now = {v.id: urlencode(as_now(parse_qsl(v.query))) for v in kept}
    return [KeptView(v.id, v.name, f"{table.path}?{now[v.id]}", current=now[v.id] == ask.query) for v in kept]
