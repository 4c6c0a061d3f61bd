"""The portal over HTTP: the JSON API for programs, pages for people, feeds for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from beijiang.opendata.routes import (
    api,
    cards,
    citizens,
    explore,
    exports,
    follows,
    glance,
    guidance,
    machine,
    news,
    openings,
    pages,
    statistics,
    voices,
    works,
)
from beijiang.opendata.routes.cities import cities, drawn
from beijiang.opendata.routes.portal_door import PortalDoor
from beijiang.opendata.service import OpenData

if TYPE_CHECKING:
    from beijiang.exchange import Openings
    from beijiang.opendata.announcing import Newsroom
    from beijiang.opendata.counting import Statistics
    from beijiang.opendata.exports.service import Exports
    from beijiang.opendata.following import Follows
    from beijiang.opendata.glancing import Glance
    from beijiang.opendata.hearing import Voices
    from beijiang.opendata.keeping import Keepings
    from beijiang.opendata.registering import Registrations
    from beijiang.web import Pages

__all__ = ["PortalDoor", "cities", "drawn", "followed", "public", "router", "told"]


def router(opendata: OpenData, looks: Glance, faces: Exports, site: Pages) -> APIRouter:
    """Return every address of the portal; the JSON ones are described in the OpenAPI document."""
    whole = APIRouter()
    parts = (
        api.router(opendata),
        explore.api(opendata),
        exports.router(opendata, faces),
        pages.router(opendata, site),
        explore.pages(opendata, site),
        glance.api(opendata, looks),
        glance.pages(opendata, looks, site),
        cards.router(opendata),
        machine.router(opendata),
    )
    for part in parts:
        whole.routes.extend(part.routes)
    return whole


def told(counts: Statistics, newsroom: Newsroom, opendata: OpenData, site: Pages) -> APIRouter:
    """Return what the portal tells about itself: statistics of use, news, help, the developers' page."""
    whole = APIRouter()
    for part in (
        statistics.api(counts),
        statistics.pages(counts, site),
        news.api(newsroom),
        news.pages(newsroom, opendata, site),
        guidance.pages(opendata, site),
    ):
        whole.routes.extend(part.routes)
    return whole


def followed(follow: Follows, site: Pages) -> APIRouter:
    """Return the subscriptions: pages, the links in mails, and the API."""
    whole = APIRouter()
    for part in (follows.api(follow), follows.pages(follow, site)):
        whole.routes.extend(part.routes)
    return whole


def public(
    registrations: Registrations,
    said: Voices,
    keepings: Keepings,
    asked: Openings,
    opendata: OpenData,
    site: Pages,
) -> APIRouter:
    """Return what the public may do: register, give feedback, ask for data, keep and show things."""
    whole = APIRouter()
    for part in (
        citizens.api(registrations),
        citizens.pages(registrations, said, keepings, asked, site),
        voices.api(said),
        voices.pages(said, opendata, site),
        works.api(keepings),
        works.pages(keepings, site),
        openings.pages(asked, opendata, site),
    ):
        whole.routes.extend(part.routes)
    return whole
