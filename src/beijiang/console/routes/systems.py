"""The inventory of systems (系统清单) and the negative list (不予共享清单): seen, kept, linked to entries, taken along."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.catalog import SYSTEM_COLUMNS, Network, SystemDraft, SystemQuery, SystemState
from beijiang.console.lists import system_table
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import Said, Short, Word, names
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.standards import SheetFormat
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.catalog import Taken
    from beijiang.kit import Actor

HERE = "/console/systems"
NEGATIVE = "/console/negative"
PAGE = 50
_CHOICES = 500
_FILES = {HERE: Text("系统清单", "systems"), NEGATIVE: Text("不予共享清单", "negative-list")}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, inventory = APIRouter(prefix="/console", include_in_schema=False), platform.inventory

    def shown(request: Request, query: SystemQuery, taken: Taken | None = None, fault: Text | None = None) -> Response:
        who = person(request)
        covered = inventory.coverage(who, query.org_id)
        answer = listed(
            frame,
            platform,
            request,
            "systems.html",
            system_table(platform, who, query, names(platform)),
            query=query,
            department=names(platform).get(query.org_id or "", query.org_id),
            covered=sum(one.covered for one in covered),
            in_use=sum(one.in_use for one in covered),
            states=SystemState,
            networks=Network,
            columns=SYSTEM_COLUMNS,
            taken=taken,
            fault=fault,
            may_write=_may_write(platform, who),
        )
        if fault is not None or (taken is not None and taken.faults):
            answer.status_code = Invalid.status
        return answer

    @pages.get("/systems")
    def every(request: Request, org: Word = "", bare: Word = "") -> Response:
        return shown(request, SystemQuery(org_id=org or None, bare=bool(bare)))

    @pages.post("/systems")
    def add(request: Request, draft: Annotated[SystemDraft, Depends(_drafted)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = inventory.add(person(request), draft)
            return f"{HERE}/{made.id}", Text("已登记。下一步：关联目录。", "Kept. Next: link its entries.")

        return frame.attempt(request, HERE, step)

    @pages.post("/systems/file")
    def take(request: Request, file: UploadFile, what: Annotated[str, Form()] = "check") -> Response:
        try:
            taken = inventory.take(person(request), file.file.read(), only_check=what != "take")
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return shown(request, SystemQuery(), fault=error.text)
        return shown(request, SystemQuery(), taken=taken)

    @pages.get("/negative")
    def negative(request: Request, org: Word = "") -> HTMLResponse:
        found = inventory.negative(person(request), org or None)
        return frame.page(
            request,
            "negative.html",
            lines=found,
            bare=sum(not one.basis for one in found),
            names=names(platform),
        )

    _add_files(pages, platform)
    _add_one(pages, frame, platform)
    return pages


def _add_files(pages: APIRouter, platform: Platform) -> None:
    def file(request: Request, here: str, form: SheetFormat, content: bytes) -> Response:
        name = f"{_FILES[here].in_language(language(request))}.{form.value}"
        headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
        return Response(content, media_type=form.media_type, headers=headers)

    @pages.get("/systems/export.{form}")
    def export(request: Request, form: SheetFormat) -> Response:
        content = platform.inventory.export(person(request), form, language=language(request))
        return file(request, HERE, form, content)

    @pages.get("/negative/export.{form}")
    def export_negative(request: Request, form: SheetFormat) -> Response:
        content = platform.inventory.export_negative(person(request), form, language=language(request))
        return file(request, NEGATIVE, form, content)


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    inventory = platform.inventory

    @pages.get("/systems/{system}")
    def one(request: Request, system: str) -> HTMLResponse:
        who = person(request)
        found = inventory.system(who, system)
        offered = platform.catalog.list(who, org_id=found.org_id, limit=_CHOICES)
        return frame.page(
            request,
            "system.html",
            system=found,
            linked=[e for e in offered if e.id in found.entries],
            offered=[e for e in offered if e.id not in found.entries],
            states=SystemState,
            networks=Network,
            names=names(platform),
            may_write=platform.access.allows(who, Permission.CATALOG_RESOURCE_REGISTER, found.org_id),
        )

    @pages.post("/systems/{system}")
    def change(request: Request, system: str, draft: Annotated[SystemDraft, Depends(_drafted)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            inventory.change(person(request), system, draft)
            return f"{HERE}/{system}", Text("已保存。", "Saved.")

        return frame.attempt(request, f"{HERE}/{system}", step)

    @pages.post("/systems/{system}/entries")
    def entries(request: Request, system: str, entry: Short = "", do: Short = "link") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            if do == "unlink":
                inventory.unlink(person(request), system, entry)
                return f"{HERE}/{system}", Text("已取消关联。", "No longer linked.")
            inventory.link(person(request), system, entry)
            return f"{HERE}/{system}", Text("已关联。", "Linked.")

        return frame.attempt(request, f"{HERE}/{system}", step)


def _drafted(
    name: Short = "",
    purpose: Said = "",
    state: Short = SystemState.IN_USE,
    network: Short = Network.EXTRANET,
    database: Short = "",
    since: Short = "",
    contact: Short = "",
) -> SystemDraft:
    return SystemDraft(
        name=name,
        purpose=purpose,
        state=SystemState(state) if state in {*SystemState} else SystemState.IN_USE,
        network=Network(network) if network in {*Network} else Network.EXTRANET,
        database=database,
        since=_day(since),
        contact=contact,
    )


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said.strip()) if said.strip() else None
    except ValueError:
        return None


def _may_write(platform: Platform, who: Actor) -> bool:
    return who.org_id is not None and platform.access.allows(who, Permission.CATALOG_RESOURCE_REGISTER, who.org_id)
