"""Conditional opening: the conditions of each set, for its department and the data authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.catalog import Facet, OpenType, SearchQuery
from beijiang.console.routes.frame import Frame, number, person
from beijiang.console.routes.sharing import Many, Short
from beijiang.exchange import OPENING_WAYS, PUBLIC, ConditionsDraft, RequestQuery, Way, opening_purposes
from beijiang.kit import ANONYMOUS, Text

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE = "/console/openings"
_Text = Annotated[str, Form(max_length=4000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, openings = APIRouter(prefix="/console", include_in_schema=False), platform.openings

    @pages.get("/openings")
    def sets(request: Request, page: Annotated[int, Query(ge=1, le=100)] = 1) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.EXCHANGE_REQUEST_READ)
        facets = {Facet.OPEN_TYPE: frozenset({OpenType.CONDITIONAL.value})}
        found = platform.catalog.search(ANONYMOUS, SearchQuery(facets=facets, page=page, size=50))
        return frame.page(
            request,
            "openings.html",
            found=found,
            page=page,
            held={hit.id: openings.offered(hit.id) for hit in found.hits},
            may={hit.id: openings.may_set(who, hit.provider_id) for hit in found.hits},
            asked=platform.exchange.requests(who, RequestQuery(org_id=PUBLIC, limit=50))[0],
        )

    @pages.get("/openings/{dataset}")
    def one(request: Request, dataset: str) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.EXCHANGE_REQUEST_READ)
        entry = platform.catalog.published(ANONYMOUS, dataset).version.entry
        return frame.page(
            request,
            "opening.html",
            dataset=dataset,
            entry=entry,
            held=openings.conditions(who, dataset),
            purposes=opening_purposes(),
            ways=OPENING_WAYS,
            may=openings.may_set(who, entry.provider_id),
        )

    @pages.post("/openings/{dataset}")
    def set_(
        request: Request,
        dataset: str,
        for_whom: _Text = "",
        purpose: Many = [],  # noqa: B006
        way: Many = [],  # noqa: B006
        duties: _Text = "",
        months: Short = "",
        agreement: _Text = "",
    ) -> RedirectResponse:
        back = f"{HERE}/{quote(dataset)}"

        def take() -> tuple[str, Text]:
            draft = ConditionsDraft(
                who=for_whom,
                purposes=frozenset(purpose),
                ways=frozenset(Way(one) for one in way if one in set(Way)),
                duties=duties,
                months=number(months),
                agreement=agreement,
            )
            made = openings.set_conditions(person(request), dataset, draft)
            return back, Text(f"第 {made.version} 版已生效。", f"Version {made.version} holds.")

        return frame.attempt(request, back, take)

    return pages
