"""The feed of the newest, the sitemap and robots.txt: the anonymous view, whoever asks."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from beijiang.kit import ANONYMOUS
from beijiang.opendata import feeds
from beijiang.opendata.service import OpenData

FOR_A_WHILE = {"Cache-Control": "public, max-age=60"}


def router(opendata: OpenData) -> APIRouter:
    """Return the addresses that crawlers and feed readers know."""
    machine = APIRouter(include_in_schema=False)

    @machine.get("/feed.xml")
    def feed() -> Response:
        content = feeds.atom(opendata.feed(ANONYMOUS), base=opendata.base, title=opendata.title, now=opendata.now)
        return Response(content, media_type="application/atom+xml", headers=FOR_A_WHILE)

    @machine.get("/sitemap.xml")
    def sitemap() -> Response:
        fixed = [(f"{opendata.base}{path}", None) for path in ("/", "/datasets", "/departments", "/about", "/api")]
        found = [(entry.address, entry.updated) for entry in opendata.sitemap(ANONYMOUS)]
        return Response(feeds.sitemap([*fixed, *found]), media_type="application/xml", headers=FOR_A_WHILE)

    @machine.get("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse(feeds.robots(opendata.base), headers=FOR_A_WHILE)

    return machine
