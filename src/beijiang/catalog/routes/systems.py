"""The JSON API of the inventory of systems and of the negative list: ``/api/v1/systems``."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.catalog.models import Network, SystemDraft, SystemQuery, SystemState
from beijiang.catalog.plain import as_plain
from beijiang.kit import Actor, Language
from beijiang.standards import SheetFormat
from beijiang.web.described import CSV, XLSX, files_of

if TYPE_CHECKING:
    from beijiang.catalog.models import GovernmentSystem
    from beijiang.catalog.service import Inventory

__all__ = ["router"]


class SystemOrder(BaseModel):
    """What is said of a system; what is absent has the value that is shown."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    purpose: str = Field(default="", max_length=1000)
    state: SystemState = SystemState.IN_USE
    network: Network = Network.EXTRANET
    database: str = Field(default="", max_length=200)
    since: date | None = None
    contact: str = Field(default="", max_length=200)

    def draft(self) -> SystemDraft:
        """Return it as the service takes it."""
        return SystemDraft(**dict(self))


def router(service: Inventory) -> APIRouter:
    """Return the addresses."""
    api = APIRouter(prefix="/api/v1/systems", tags=["catalog"])

    @api.get("", summary="The inventory of government systems")
    def systems(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        org: str | None = None,
        state: SystemState | None = None,
        bare: Annotated[bool, Query(description="Only those without any entry.")] = False,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> dict[str, Any]:
        query = SystemQuery(words=q.strip(), org_id=org, state=state, bare=bare)
        found, count = service.systems(_actor(request), query, limit=limit, offset=offset)
        return {"systems": [_plain(one) for one in found], "count": count}

    @api.post("", status_code=201, summary="Put a system into the inventory")
    def add(request: Request, body: SystemOrder, org: str | None = None) -> dict[str, Any]:
        return _plain(service.add(_actor(request), body.draft(), org))

    @api.get("/coverage", summary="Per department: systems in use, and those with an entry")
    def coverage(request: Request, org: str | None = None) -> dict[str, Any]:
        return {"coverage": as_plain(service.coverage(_actor(request), org))}

    @api.get("/negative", summary="The negative list: what is not shared, with its basis")
    def negative(request: Request, org: str | None = None) -> dict[str, Any]:
        return {"not_shared": as_plain(service.negative(_actor(request), org))}

    @api.get("/{system_id}", summary="One system")
    def one(request: Request, system_id: str) -> dict[str, Any]:
        return _plain(service.system(_actor(request), system_id))

    @api.put("/{system_id}", summary="Say something else of a system")
    def change(request: Request, system_id: str, body: SystemOrder) -> dict[str, Any]:
        return _plain(service.change(_actor(request), system_id, body.draft()))

    @api.put("/{system_id}/entries/{resource_id}", summary="Say that an entry describes data of a system")
    def link(request: Request, system_id: str, resource_id: str) -> dict[str, Any]:
        return _plain(service.link(_actor(request), system_id, resource_id))

    @api.delete("/{system_id}/entries/{resource_id}", summary="Take that back")
    def unlink(request: Request, system_id: str, resource_id: str) -> dict[str, Any]:
        return _plain(service.unlink(_actor(request), system_id, resource_id))

    _add_files(api, service)
    return api


def _add_files(api: APIRouter, service: Inventory) -> None:
    @api.get(
        "/file/systems.{form}",
        summary="The inventory as a spreadsheet",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def export(request: Request, form: SheetFormat, language: Language = Language.ZH) -> Response:
        return _file("systems", form, service.export(_actor(request), form, language=language))

    @api.get(
        "/file/negative.{form}",
        summary="The negative list as a file",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def export_negative(request: Request, form: SheetFormat, language: Language = Language.ZH) -> Response:
        return _file("negative-list", form, service.export_negative(_actor(request), form, language=language))

    @api.post("/file", summary="Add and change systems as a spreadsheet says, all of them or none")
    def take(request: Request, file: UploadFile, check: bool = False) -> dict[str, Any]:
        return dict(as_plain(service.take(_actor(request), file.file.read(), only_check=check)))


def _file(name: str, form: SheetFormat, content: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form.value}"', "Cache-Control": "no-store"}
    return Response(content, media_type=form.media_type, headers=headers)


def _plain(found: GovernmentSystem) -> dict[str, Any]:
    facts = dict(as_plain(found))
    return {**facts.pop("draft"), **facts}


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
