"""The portal over HTTP: the JSON API for programs, pages for people, feeds for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from beijiang.opendata.routes import api, exports, machine, pages
from beijiang.opendata.service import OpenData

if TYPE_CHECKING:
    from beijiang.opendata.exports.service import Exports
    from beijiang.web import Pages

__all__ = ["router"]


def router(opendata: OpenData, faces: Exports, site: Pages) -> APIRouter:
    """Return every address of the portal; the JSON ones are described in the OpenAPI document."""
    whole = APIRouter()
    parts = (
        api.router(opendata),
        exports.router(opendata, faces),
        pages.router(opendata, site),
        machine.router(opendata),
    )
    for part in parts:
        whole.routes.extend(part.routes)
    return whole
