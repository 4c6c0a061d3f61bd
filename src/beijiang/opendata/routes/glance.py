"""How good, how fresh, what changed: two tabs of a data set's page and the same as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from beijiang.opendata import tableview
from beijiang.opendata.models import RowPage
from beijiang.opendata.routes.api import PREFIX, actor, answer
from beijiang.opendata.routes.pages import frame
from beijiang.opendata.shapes import changes_json, quality_json
from beijiang.web.bounds import Ordinal

if TYPE_CHECKING:
    from beijiang.opendata.glancing import Glance
    from beijiang.opendata.service import OpenData
    from beijiang.web import Pages

__all__ = ["api", "pages"]

_Version = Annotated[
    Ordinal | None, Query(description="A version of the rows; left out: the newest, or the one before")
]


def api(opendata: OpenData, glance: Glance) -> APIRouter:
    """Return the endpoints."""
    routes = APIRouter(prefix=PREFIX, tags=["datasets"])

    @routes.get(
        "/{dataset_id}/quality", summary="Quality score with its reasons, arrivals, and what is missing and why"
    )
    def quality(request: Request, dataset_id: str) -> Response:
        dataset = opendata.dataset(actor(request), dataset_id)
        return answer(request, quality_json(dataset.id, glance.glimpse(dataset, whole=True)))

    @routes.get("/{dataset_id}/changes", summary="What changed between two versions: counts, columns, a sample of rows")
    def changes(request: Request, dataset_id: str, before: _Version = None, after: _Version = None) -> Response:
        return answer(request, changes_json(glance.changes(actor(request), dataset_id, before, after)))

    return routes


def pages(opendata: OpenData, glance: Glance, site: Pages) -> APIRouter:
    """Return the pages."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/datasets/{dataset_id}/quality")
    def quality(request: Request, dataset_id: str) -> Response:
        dataset = opendata.dataset(actor(request), dataset_id)
        common = frame(request, opendata, dataset, "quality")
        whole = glance.glimpse(dataset, whole=True)
        return site.render(request, "opendata/dataset/quality.html", **{**common, "glimpse": whole})

    @routes.get("/datasets/{dataset_id}/compare")
    def compare(request: Request, dataset_id: str, before: _Version = None, after: _Version = None) -> Response:
        who = actor(request)
        found = glance.changes(who, dataset_id, before, after)
        common = frame(request, opendata, opendata.dataset(who, dataset_id), "versions")
        cells = tableview.cells(
            RowPage(columns=found.heads, rows=tuple(r.values for r in found.sample), next=None, version=found.after),
            request.state.language,
        )
        versions = opendata.versions(who, dataset_id)
        return site.render(
            request,
            "opendata/dataset/compare.html",
            **common,
            changes=found,
            cells=cells,
            names=[head.name for head in found.heads],
            versions=versions,
        )

    return routes
