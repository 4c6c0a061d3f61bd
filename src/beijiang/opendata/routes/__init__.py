"""The portal over HTTP: the JSON API for programs, pages for people, feeds for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from beijiang.opendata.routes import api, explore, machine, pages
from beijiang.opendata.service import OpenData

if TYPE_CHECKING:
    from beijiang.web import Pages

__all__ = ["router"]


def router(opendata: OpenData, site: Pages) -> APIRouter:
    """Return every address of the portal; the JSON ones are described in the OpenAPI document."""
    whole = APIRouter()
    parts = (api.router(opendata), explore.api(opendata), pages.router(opendata, site), explore.pages(opendata, site))
    for part in (*parts, machine.router(opendata)):
        whole.routes.extend(part.routes)
    return whole
