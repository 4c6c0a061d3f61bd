"""联动目录: entries of nodes below, marked with their origin, and what is told of the catalog to nodes above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.sharing import Said, Short
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE = "/console/linked-entries"
_PAGE = 50


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, cascade = APIRouter(prefix="/console", include_in_schema=False), platform.cascade

    @pages.get("/linked-entries")
    def all_(
        request: Request, words: str = "", origin: str = "", skip: Annotated[int, Query(ge=0, le=10_000_000)] = 0
    ) -> HTMLResponse:
        found, total = cascade.entries(person(request), words, origin, skip)
        more = skip + len(found) < total
        further = urlencode({"words": words, "origin": origin, "skip": skip + _PAGE})
        return frame.page(
            request,
            "linked_entries.html",
            entries=found,
            total=total,
            words=words,
            origin=origin,
            further=f"{HERE}?{further}" if more else None,
        )

    @pages.get("/linked-entries/{entry_id}")
    def one(request: Request, entry_id: str) -> HTMLResponse:
        who = person(request)
        found = cascade.entry(who, entry_id)
        may_ask = platform.access.allows(who, Permission.EXCHANGE_REQUEST_MAKE, who.org_id)
        return frame.page(request, "linked_entry.html", one=found, entry=found.entry, may_ask=may_ask)

    @pages.get("/federation/catalog/{node_id}")
    def rule(request: Request, node_id: str) -> HTMLResponse:
        who = person(request)
        return frame.page(
            request,
            "federation_catalog.html",
            node=platform.nodes.link(who, node_id),
            rule=cascade.rule(who, node_id),
            untold=cascade.untold(who, node_id),
            may_offer=platform.access.allows(who, Permission.FEDERATION_CATALOG_OFFER),
        )

    @pages.post("/federation/catalog/{node_id}")
    def decide(request: Request, node_id: str, on: Short = "", divisions: Said = "") -> RedirectResponse:
        here = f"/console/federation/catalog/{quote(node_id)}"

        def step() -> tuple[str, Text]:
            codes = divisions.replace("，", " ").replace("、", " ").replace(",", " ").split()
            made = cascade.set_rule(person(request), node_id, on=on == "yes", divisions=codes)
            if made.on:
                return here, Text("已保存，一分钟内开始比对和上报。", "Saved; it is compared and told within a minute.")
            return here, Text(
                "已停止上报，已上报的将撤回。", "Nothing is told any more, and what was told is taken back."
            )

        return frame.attempt(request, here, step)

    return pages
