"""The pages below ``/console``, one file per area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from beijiang.console.routes import (
    apps,
    assess,
    bench,
    catalog,
    cities,
    contracts,
    demands,
    directory,
    drafts,
    evidence,
    explain,
    figures,
    grants,
    handing,
    harvests,
    intake,
    items,
    laws,
    libraries,
    lineage,
    mapping,
    matters,
    monitors,
    news,
    notebooks,
    notices,
    onboarding,
    openings,
    people,
    plan,
    portal,
    private,
    proving,
    pushes,
    quality,
    receipts,
    recipes,
    releases,
    reviewing,
    schedules,
    search,
    services,
    serving,
    session,
    shares,
    sharing,
    sources,
    sql,
    standards,
    streams,
    subjects,
    tables,
    templates,
    texts,
    tickets,
    together,
    views,
    wizard,
)
from beijiang.console.routes.frame import Frame
from beijiang.console.service import Console

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.web import Pages
    from beijiang.web.waiting import WaitingRoom

__all__ = ["router", "search"]


def router(platform: Platform, pages: Pages, room: WaitingRoom) -> APIRouter:
    """Return every page of the console."""
    frame = Frame(Console(platform), pages)
    whole = APIRouter(include_in_schema=False)
    for area in (
        session,
        views,
        notices,
        search,
        onboarding,
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
        laws,
        standards,
        mapping,
        quality,
        contracts,
        monitors,
        tickets,
        recipes,
        libraries,
        subjects,
        lineage,
        notebooks,
        texts,
        demands,
        matters,
        templates,
        serving,
        handing,
        pushes,
        services,
        shares,
        grants,
        together,
        sharing,
        apps,
        assess,
        figures,
        plan,
        drafts,
        news,
        portal,
        directory,
        items,
        reviewing,
        openings,
        cities,
        catalog,
        people,
        explain,
        proving,
        receipts,
        evidence,
    ):
        whole.include_router(area.router(frame, platform), prefix="/console")
    whole.include_router(sql.router(frame, platform, room), prefix="/console")
    return whole
