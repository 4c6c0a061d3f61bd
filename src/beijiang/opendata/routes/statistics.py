"""How much open data is used: the page with charts and tables, the same as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from beijiang.kit import guard_formula
from beijiang.opendata.counting import MONTHS_MOST
from beijiang.opendata.routes.api import actor, answer
from beijiang.opendata.usage import Usage, UseKind, told_count

if TYPE_CHECKING:
    from beijiang.opendata.counting import Statistics
    from beijiang.web import Pages

__all__ = ["api", "pages", "usage_json"]

_Months = Annotated[int, Query(ge=1, le=MONTHS_MOST, description="How many months back, this one included")]
_Id = Annotated[str, Query(max_length=40, description="Only this data set")]


def api(statistics: Statistics) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(prefix="/api/v1/portal", tags=["portal"])

    @routes.get(
        "/statistics", summary="How much open data is used, by month; counts below ten are told as 1, others in tens"
    )
    def usage(request: Request, months: _Months = 12, dataset: _Id = "") -> Response:
        return answer(request, usage_json(statistics.usage(actor(request), months, dataset)))

    return routes


def pages(statistics: Statistics, site: Pages) -> APIRouter:
    """Return the page and its CSV."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/statistics")
    def page(request: Request, months: _Months = 12, dataset: _Id = "") -> Response:
        found = statistics.usage(actor(request), months, dataset)
        words = request.state.language
        drawing = {
            "type": "line",
            "x": list(found.months),
            "unit": "",
            "series": [{"name": k.text.in_language(words), "values": list(found.by_month[k])} for k in UseKind],
        }
        return site.render(
            request,
            "opendata/statistics.html",
            usage=found,
            kinds=tuple(UseKind),
            told=told_count,
            drawing=drawing,
            months=months,
            dataset=dataset,
        )

    @routes.get("/statistics.csv")
    def sheet(request: Request, months: _Months = 12) -> Response:
        found = statistics.usage(actor(request), months)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(["dataset_id", "title", *(kind.value for kind in UseKind)])
        for one in found.sets:
            writer.writerow([one.dataset_id, guard_formula(one.title), *(told_count(one.counts[k]) for k in UseKind)])
        headers = {"Content-Disposition": 'attachment; filename="statistics.csv"'}
        return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    return routes


def usage_json(found: Usage) -> dict[str, Any]:
    """Return the use as plain data."""
    return {
        "coarse": {"below_ten": 1, "step": 10},
        "months": list(found.months),
        "by_month": {kind.value: list(counts) for kind, counts in found.by_month.items()},
        "totals": {kind.value: count for kind, count in found.totals.items()},
        "datasets": [
            {"id": one.dataset_id, "title": one.title, **{k.value: c for k, c in one.counts.items()}}
            for one in found.sets
        ],
    }
