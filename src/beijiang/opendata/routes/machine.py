"""The feed of the newest, the sitemap and robots.txt: the anonymous view, whoever asks."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from beijiang.kit import ANONYMOUS
from beijiang.opendata import examples, feeds, listing
from beijiang.opendata.routes.api import asked
from beijiang.opendata.routes.exports import answered
from beijiang.opendata.routes.portal_door import portal_of
from beijiang.opendata.service import OpenData
from beijiang.web.bounds import Whole

FOR_A_WHILE = {"Cache-Control": "public, max-age=60"}
_PORTAL_PAGES = ("/", "/datasets", "/departments", "/about")
_SITE_PAGES = ("/api", "/news", "/works", "/voices", "/statistics", "/developers", "/help")


def router(opendata: OpenData) -> APIRouter:
    """Return the addresses that crawlers and feed readers know."""
    machine = APIRouter(include_in_schema=False)

    @machine.get("/feed.xml")
    def feed(request: Request) -> Response:
        query = listing.parse(asked(request))
        portal = portal_of(request)
        at, title = ("", opendata.title) if portal is None else (portal.path, f"{opendata.title} · {portal.name_zh}")
        path = listing.address(replace(query, page=1), f"{at}/feed.xml")
        found = opendata.feed(ANONYMOUS, query, portal)
        content = feeds.atom(found, base=opendata.base, title=title, path=path)
        return Response(content, media_type="application/atom+xml", headers=FOR_A_WHILE)

    @machine.get("/datasets/{dataset_id}/feed.xml")
    def feed_of(dataset_id: str) -> Response:
        title, found = opendata.feed_of(ANONYMOUS, dataset_id)
        path = examples.address("/datasets", dataset_id, "feed.xml")
        content = feeds.atom(found, base=opendata.base, title=title, path=path)
        return Response(content, media_type="application/atom+xml", headers=FOR_A_WHILE)

    @machine.get("/sitemap.xml")
    def sitemap_index(request: Request) -> Response:
        portal = portal_of(request)
        at = opendata.base if portal is None else opendata.base + portal.path
        numbers = range(1, opendata.sitemaps(ANONYMOUS, portal) + 1)
        content = feeds.sitemap_index([f"{at}/sitemap-{number}.xml" for number in numbers])
        return answered(request, content, "application/xml")

    @machine.get("/sitemap-{number}.xml")
    def sitemap(request: Request, number: Whole) -> Response:
        portal = portal_of(request)
        at = opendata.base if portal is None else opendata.base + portal.path
        paths = () if number > 1 else _PORTAL_PAGES if portal else (*_PORTAL_PAGES, *_SITE_PAGES)
        found = [(entry.address, entry.updated) for entry in opendata.sitemap(ANONYMOUS, number, portal)]
        content = feeds.sitemap([*((f"{at}{path}", None) for path in paths), *found])
        return answered(request, content, "application/xml")

    @machine.get("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse(feeds.robots(opendata.base), headers=FOR_A_WHILE)

    return machine
