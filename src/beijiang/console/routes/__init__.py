"""The pages below ``/console``, one file per area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from beijiang.console.routes import (
    bench,
    catalog,
    evidence,
    harvests,
    intake,
    lineage,
    mapping,
    people,
    private,
    quality,
    recipes,
    releases,
    schedules,
    session,
    sources,
    sql,
    standards,
    streams,
    tables,
    wizard,
)
from beijiang.console.routes.frame import Frame
from beijiang.console.service import Console

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.web import Pages

__all__ = ["router"]


def router(platform: Platform, pages: Pages) -> APIRouter:
    """Return every page of the console."""
    frame = Frame(Console(platform), pages)
    whole = APIRouter(include_in_schema=False)
    for area in (
        session,
        intake,
        bench,
        sources,
        harvests,
        streams,
        wizard,
        schedules,
        releases,
        private,
        tables,
        standards,
        mapping,
        quality,
        recipes,
        lineage,
        catalog,
        people,
        evidence,
        sql,
    ):
        whole.include_router(area.router(frame, platform), prefix="/console")
    return whole
