"""OGC API Features over HTTP, below ``/ogc``; whoever asks gets what anybody gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from beijiang.kit import ANONYMOUS
from beijiang.opendata.ogc import Features, Teller, parse
from beijiang.opendata.ogc.telling import API_TYPE, GEOJSON, PREFIX
from beijiang.opendata.routes.api import ANY_SITE, asked, under, with_receipt
from beijiang.opendata.routes.exports import answered
from beijiang.protection import files
from beijiang.web import request_line

if TYPE_CHECKING:
    from beijiang.opendata.ogc.service import FeaturePage
    from beijiang.opendata.service import OpenData

__all__ = ["PREFIX", "protocol_error", "router"]

_UNPROCESSABLE: Final = 422


def protocol_error(status: int, body: dict[str, Any], error: Exception) -> tuple[int, dict[str, Any]]:
    """Return status and body of an error as OGC API Common has them."""
    del error
    status = 400 if status == _UNPROCESSABLE else status
    return status, {"code": body["code"], "description": body["message"], "request_id": body["request_id"]}


def router(opendata: OpenData, features: Features) -> APIRouter:
    """Return the addresses."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)

    def teller(request: Request) -> Teller:
        return Teller(opendata.base, opendata.title, request.state.language)

    @routes.get("")
    @routes.get("/")
    def landing(request: Request) -> Response:
        return _told(request, teller(request).landing())

    @routes.get("/conformance")
    def conformance(request: Request) -> Response:
        return _told(request, Teller.conformance())

    @routes.get("/api")
    def api(request: Request) -> Response:
        return _told(request, teller(request).api(features.collections(ANONYMOUS)), API_TYPE)

    @routes.get("/collections")
    def collections(request: Request) -> Response:
        return _told(request, teller(request).collections(features.collections(ANONYMOUS)))

    @routes.get("/collections/{collection}")
    def collection(request: Request, collection: str) -> Response:
        return _told(request, teller(request).collection(features.collection(ANONYMOUS, collection)))

    @routes.get("/collections/{collection}/items")
    def items(request: Request, collection: str) -> Response:
        pairs = asked(request)
        page = features.items(ANONYMOUS, collection, lambda names: parse(pairs, names, features.zone))
        return _given(request, page, teller(request).items(page))

    @routes.get("/collections/{collection}/items/{feature:path}")
    def item(request: Request, collection: str, feature: str) -> Response:
        page = features.item(ANONYMOUS, collection, feature)
        return _given(request, page, teller(request).item(page))

    return routes


def _told(request: Request, body: dict[str, Any], media: str = "application/json") -> Response:
    """Answer with a description, which caches may keep for a while; it holds no row."""
    return answered(request, orjson.dumps(body), media)


def _given(request: Request, page: FeaturePage, body: dict[str, Any]) -> Response:
    """Answer with rows, on record as they were sent."""
    content = orjson.dumps(body, default=files.plain)
    page.sent(request_line(request), content)
    headers = {**ANY_SITE, **under(page.governed.contract), **with_receipt(page.governed.receipt)}
    return Response(content, media_type=GEOJSON, headers=headers)
