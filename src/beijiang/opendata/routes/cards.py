"""Pictures for shared links: one per data set, one for the site; the anonymous view, whoever asks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from beijiang.kit import ANONYMOUS, NotFound, Text
from beijiang.opendata.cards import Card, png
from beijiang.web.assets import font

if TYPE_CHECKING:
    from beijiang.opendata.models import Dataset
    from beijiang.opendata.service import OpenData

__all__ = ["router"]

FONT = "fonts/card.woff2"
HOURS = {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"}


def router(opendata: OpenData) -> APIRouter:
    """Return the addresses."""
    routes = APIRouter(include_in_schema=False)

    def drawn(request: Request, title: Text, source: Text, facts: Text) -> Response:
        path = font(FONT)
        if path is None:
            raise NotFound("没有可用的字体，不能画图。", "There is no font to draw with.", code="no_font")
        words = request.state.language
        brand = Text(f"云上北疆 · {opendata.region.zh}公共数据", f"Beijiang · open data of {opendata.region.en}")
        card = Card(*(text.in_language(words) for text in (brand, title, source, facts)))
        content = png(card, path)
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={**HOURS, "ETag": tag})
        return Response(content, media_type="image/png", headers={**HOURS, "ETag": tag})

    @routes.get("/card.png")
    def site(request: Request) -> Response:
        region = opendata.region
        return drawn(
            request,
            Text(f"{region.zh}的数据，大家来用", f"The data of {region.en}, for everybody"),
            Text("按法律开放，按时更新", "Open by law, fresh as promised"),
            Text(opendata.base, opendata.base),
        )

    @routes.get("/datasets/{dataset_id}/card.png")
    def one(request: Request, dataset_id: str) -> Response:
        dataset = opendata.entry(ANONYMOUS, dataset_id)
        return drawn(request, Text(dataset.title, dataset.title), dataset.provider, _facts(dataset))

    return routes


def _facts(dataset: Dataset) -> Text:
    parts = [dataset.open_type.text, Text(f"{dataset.update_cycle.zh}更新", f"updated: {dataset.update_cycle.en}")]
    if dataset.licence:
        parts.append(dataset.licence.name)
    return Text(" · ".join(p.zh for p in parts), " · ".join(p.en for p in parts))
