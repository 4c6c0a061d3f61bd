"""Help for everybody, and the page for developers with a row API to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from beijiang.catalog import Facet, OpenType, SearchQuery, Sort
from beijiang.kit import NotFound
from beijiang.opendata.errors_table import ERRORS
from beijiang.opendata.glance import Gap, GapCode
from beijiang.opendata.helping import HelpTopic, found_help, help_page
from beijiang.opendata.routes.api import actor

if TYPE_CHECKING:
    from beijiang.opendata.service import OpenData
    from beijiang.web import Pages

__all__ = ["pages"]

_Find = Annotated[str, Query(max_length=60)]
OFFERED = 20
"""Data sets that the try-out offers."""


def pages(opendata: OpenData, site: Pages) -> APIRouter:
    """Return the pages."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/help")
    def index(request: Request, q: _Find = "") -> Response:
        found = found_help(q, request.state.language)
        return site.render(request, "opendata/help.html", topics=tuple(HelpTopic), q=q, found=found)

    @routes.get("/help/reasons")
    def reasons(request: Request) -> Response:
        gaps = [Gap.of(code, "") for code in GapCode]
        return site.render(request, "opendata/help_reasons.html", gaps=gaps)

    @routes.get("/help/{topic}")
    def topic(request: Request, topic: str) -> Response:
        if topic not in set(HelpTopic):
            raise NotFound("没有这一页帮助。", "There is no such page of help.", code="help_not_found")
        chosen = HelpTopic(topic)
        body = help_page(chosen, request.state.language)
        return site.render(request, "opendata/help_topic.html", topic=chosen, topics=tuple(HelpTopic), body=body)

    @routes.get("/developers")
    def developers(request: Request, dataset: _Find = "") -> Response:
        opened = {Facet.OPEN_TYPE: frozenset({OpenType.UNCONDITIONAL.value})}
        query = SearchQuery(sort=Sort.UPDATED, size=OFFERED, facets=opened)
        hits = [hit for hit in opendata.search(actor(request), query).hits if hit.rows]
        return site.render(
            request,
            "opendata/developers.html",
            hits=hits,
            chosen=dataset,
            base=opendata.base,
            errors=ERRORS,
            visitor_calls=request.state.pace.most,
        )

    return routes
