"""Portals of cities and counties: the JSON API, and their stylesheets and pictures where no cookie is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from beijiang.opendata.cities import LOGO_MOST, Portal, PortalDraft
from beijiang.opendata.routes.api import actor

if TYPE_CHECKING:
    from beijiang.opendata.portals import Portals

__all__ = ["cities", "drawn", "portal_json"]

FOREVER: Final = "public, max-age=31536000, immutable"


class PortalOrder(BaseModel):
    """A portal as it is set; its code is in the address."""

    model_config = ConfigDict(extra="forbid")

    name_zh: str = Field(max_length=200)
    name_en: str = Field(max_length=200)
    region_code: str = Field(max_length=6)
    header_mn: str = Field(default="", max_length=200)
    colour: str = Field(default="#155e75", max_length=7)
    host: str = Field(default="", max_length=255)
    themes: list[str] = Field(default=[], max_length=12)
    contact: str = Field(default="", max_length=500)


def cities(portals: Portals) -> APIRouter:
    """Return the endpoints under ``/api/v1/portals``."""
    routes = APIRouter(prefix="/api/v1/portals", tags=["portal"])

    @routes.get("", summary="The portals of cities and counties")
    def all_(request: Request) -> dict[str, Any]:
        return {"portals": [portal_json(one) for one in portals.portals(actor(request))]}

    @routes.put("/{code}", summary="Set a portal up, or change it")
    def put(request: Request, code: str, order: PortalOrder) -> dict[str, Any]:
        told = order.model_dump() | {"themes": tuple(order.themes)}
        return portal_json(portals.put(actor(request), PortalDraft(code=code, **told)))

    @routes.delete("/{code}", status_code=204, summary="Take a portal away; what it showed stays")
    def remove(request: Request, code: str) -> None:
        portals.remove(actor(request), code)

    @routes.put(
        "/{code}/logo", summary=f"Its picture: PNG, JPEG or WebP, {LOGO_MOST >> 10} KB at most; nothing takes it away"
    )
    async def logo(request: Request, code: str) -> dict[str, Any]:
        from starlette.concurrency import run_in_threadpool

        content = await request.body()
        return portal_json(await run_in_threadpool(portals.put_logo, actor(request), code, content))

    return routes


def drawn(portals: Portals) -> APIRouter:
    """Return the address of stylesheets and pictures: nobody is asked who they are there."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/static/portals/{name}")
    def file(name: str) -> Response:
        content, media = portals.drawn(name)
        return Response(content, media_type=media, headers={"Cache-Control": FOREVER})

    return routes


def portal_json(one: Portal) -> dict[str, Any]:
    """Return a portal as plain data."""
    return {
        "code": one.code,
        "name": {"zh": one.name_zh, "en": one.name_en},
        "header_mn": one.header_mn,
        "region_code": one.region_code,
        "regions": sorted(one.regions),
        "colour": one.colour,
        "host": one.host or None,
        "path": one.path,
        "themes": list(one.themes),
        "contact": one.contact,
        "logo": one.logo or None,
        "revision": one.revision,
    }
