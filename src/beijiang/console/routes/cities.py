"""Portals of cities and counties, for the data authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.sharing import Said, Short
from beijiang.kit import Text
from beijiang.opendata import PortalDraft

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE = "/console/portals"


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, portals = APIRouter(prefix="/console", include_in_schema=False), platform.portals

    @pages.get("/portals")
    def all_(request: Request, code: str = "") -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.OPENDATA_PORTAL_MANAGE)
        found = portals.portals(who)
        regions = [(one.code, f"{one.name} {one.code}") for one in platform.standards.regions() if one.level <= 3]  # noqa: PLR2004 - counties
        shown = next((one for one in found if one.code == code), None)
        return frame.page(request, "portals.html", portals=found, shown=shown, regions=regions)

    @pages.post("/portals")
    def put(
        request: Request,
        code: Short = "",
        name_zh: Short = "",
        name_en: Short = "",
        header_mn: Short = "",
        region: Short = "",
        colour: Short = "",
        host: Short = "",
        themes: Short = "",
        contact: Said = "",
    ) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            draft = PortalDraft(
                code=code,
                name_zh=name_zh,
                name_en=name_en,
                header_mn=header_mn,
                region_code=region,
                colour=colour,
                host=host,
                themes=tuple(themes.split()),
                contact=contact,
            )
            made = portals.put(person(request), draft)
            return f"{HERE}?code={made.code}", Text(f"{made.name_zh} 已保存。", f"{made.name_en} is kept.")

        return frame.attempt(request, HERE, take)

    @pages.post("/portals/{code}/logo")
    def logo(request: Request, code: str, picture: Annotated[UploadFile | None, Form()] = None) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            made = portals.put_logo(person(request), code, picture.file.read() if picture else b"")
            words = (
                Text("标志已更换。", "The logo is changed.")
                if made.logo
                else Text("标志已去掉。", "It has no logo now.")
            )
            return f"{HERE}?code={code}", words

        return frame.attempt(request, f"{HERE}?code={code}", take)

    @pages.post("/portals/{code}/remove")
    def remove(request: Request, code: str) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            portals.remove(person(request), code)
            return HERE, Text(
                "分门户已撤下，数据仍在区域门户。", "The portal is taken away; its data stay at the region."
            )

        return frame.attempt(request, HERE, take)

    return pages
