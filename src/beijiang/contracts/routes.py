"""The JSON API of contracts: files in and out, versions, what tables are held against, decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from beijiang.contracts.models import parse, plain
from beijiang.contracts.service import Edit
from beijiang.kit import Actor, Text
from beijiang.web.described import YAML, files_of

if TYPE_CHECKING:
    from beijiang.contracts.models import Change, Contract, Finding, Version
    from beijiang.contracts.service import Bound, Contracts, View

__all__ = ["router"]

_FILE = {"requestBody": {"required": True, "content": {YAML: {"schema": {"type": "string"}}}}}


class AddOrder(BaseModel):
    """An item for a list, by JSON pointer."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(max_length=400)
    value: dict[str, Any]


class EditOrder(BaseModel):
    """Changes of the draft by JSON pointers (RFC 6901): values, items to add, items to take out."""

    model_config = ConfigDict(extra="forbid")

    put: dict[str, str | int | float | bool | None] = {}
    add: list[AddOrder] = Field(default=[], max_length=100)
    remove: list[str] = Field(default=[], max_length=100)
    reason: str = Field(default="", max_length=1000)


class BindOrder(BaseModel):
    """An object of the contract, and the table that it is about."""

    model_config = ConfigDict(extra="forbid")

    object: str = Field(max_length=300)
    table: str = Field(max_length=200)


class DecideOrder(BaseModel):
    """A step with its reason."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=1000)


class ApproveOrder(DecideOrder):
    """An approval of what was read."""

    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the version as it was read; without it nothing is approved."""


def router(service: Contracts) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["contracts"])

    @routes.get("/contracts", summary="Data contracts that you may see, by name")
    def all_(request: Request) -> dict[str, Any]:
        return {"contracts": [_contract(one) for one in service.contracts(_actor(request))]}

    @routes.post(
        "/contracts/check",
        summary="Read a file and say what there is to say of it; nothing is kept",
        openapi_extra=_FILE,
    )
    async def check(request: Request) -> dict[str, Any]:
        terms, findings = await run_in_threadpool(service.check, _actor(request), await request.body())
        return {
            "usable": not any(f.grave for f in findings),
            "id": terms.id,
            "version": terms.version,
            "findings": [_finding(f) for f in findings],
        }

    @routes.post(
        "/contracts",
        status_code=201,
        summary="Hand in a file as a contract, or as its next version",
        openapi_extra=_FILE,
    )
    async def hand_in(
        request: Request,
        org: Annotated[str, Query(max_length=60)],
        reason: Annotated[str, Query(max_length=1000)] = "",
    ) -> dict[str, Any]:
        content = await request.body()
        return _contract(await run_in_threadpool(service.hand_in, _actor(request), org, content, reason))

    @routes.post("/tables/{name}/contract", status_code=201, summary="Make a draft of what is known of a table")
    def make(request: Request, name: str) -> dict[str, Any]:
        return _contract(service.make(_actor(request), name))

    @routes.get(
        "/contracts/{contract}", summary="A contract, its versions and tables, and what its newest version says"
    )
    def one(request: Request, contract: str, version: Annotated[str, Query(max_length=60)] = "") -> dict[str, Any]:
        return _view(service.view(_actor(request), contract, version))

    @routes.get(
        "/contracts/{contract}/odcs.yaml",
        summary="The file of a version, byte for byte",
        response_class=Response,
        responses=files_of(YAML),
    )
    def file(
        request: Request,
        contract: str,
        version: Annotated[str, Query(max_length=60)] = "",
        original: Annotated[bool, Query(description="As it was handed in.")] = False,
    ) -> Response:
        return Response(service.file(_actor(request), contract, version, original=original), media_type=YAML)

    @routes.patch("/contracts/{contract}", summary="Change the draft, only in the lines concerned")
    def edit(request: Request, contract: str, order: EditOrder) -> dict[str, Any]:
        steps = Edit(put=order.put, add=[(a.to, a.value) for a in order.add], remove=order.remove)
        return _contract(service.edit(_actor(request), contract, steps, order.reason))

    @routes.get("/contracts/{contract}/changes", summary="What one version changes against another")
    def changes(
        request: Request,
        contract: str,
        before: Annotated[str, Query(max_length=60)],
        after: Annotated[str, Query(max_length=60)],
    ) -> dict[str, Any]:
        return {"changes": [_change(c) for c in service.compare(_actor(request), contract, before, after)]}

    @routes.get("/contracts/{contract}/tables", summary="Each bound table against a version, term by term")
    def tables(request: Request, contract: str, version: Annotated[str, Query(max_length=60)] = "") -> dict[str, Any]:
        return {"tables": [_bound(one) for one in service.bound(_actor(request), contract, version)]}

    @routes.post("/contracts/{contract}/tables", status_code=201, summary="Bind a table to an object")
    def bind(request: Request, contract: str, order: BindOrder) -> dict[str, Any]:
        return _contract(service.bind(_actor(request), contract, order.object, order.table))

    @routes.delete("/contracts/{contract}/tables/{table}", summary="Let a table go")
    def unbind(
        request: Request, contract: str, table: str, reason: Annotated[str, Query(min_length=1, max_length=1000)]
    ) -> dict[str, Any]:
        return _contract(service.unbind(_actor(request), contract, table, reason))

    _add_decisions(routes, service)
    return routes


def _add_decisions(routes: APIRouter, service: Contracts) -> None:
    @routes.post("/contracts/{contract}/propose", summary="Ask for the approval of the draft")
    def propose(request: Request, contract: str, order: DecideOrder) -> dict[str, Any]:
        return _contract(service.propose(_actor(request), contract, order.reason))

    @routes.post("/contracts/{contract}/approve", summary="Put the proposed version in force")
    def approve(request: Request, contract: str, order: ApproveOrder) -> dict[str, Any]:
        return _contract(service.approve(_actor(request), contract, order.reason, seen=order.seen))

    @routes.post("/contracts/{contract}/return", summary="Return the proposed version to its author")
    def send_back(request: Request, contract: str, order: DecideOrder) -> dict[str, Any]:
        return _contract(service.send_back(_actor(request), contract, order.reason))

    @routes.post("/contracts/{contract}/retire", summary="End a contract")
    def retire(request: Request, contract: str, order: DecideOrder) -> dict[str, Any]:
        return _contract(service.retire(_actor(request), contract, order.reason))


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _contract(one: Contract) -> dict[str, Any]:
    return {
        "id": one.id,
        "odcs_id": one.odcs_id,
        "org_id": one.org_id,
        "name": one.name,
        "active": None if one.active is None else one.active.version,
        "versions": [_version(v) for v in one.versions],
        "tables": [{"object": b.object, "table": b.table} for b in one.bindings],
    }


def _version(one: Version) -> dict[str, Any]:
    return {
        "version": one.version,
        "state": one.state.value,
        "sha256": one.digest,
        "original_sha256": one.original,
        "untouched": one.untouched,
        "by": one.by,
        "at": one.at.isoformat(),
        "reason": one.reason,
        "decided_by": one.decided_by,
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "decision": one.decision,
        "seen": one.shown.token,
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {"line": one.line, "column": one.column, "path": one.path, "grave": one.grave, **_words(one.text)}


def _view(one: View) -> dict[str, Any]:
    return {
        **_contract(one.contract),
        "shown": one.version.version,
        "document": plain(parse(one.text.encode()).root),
        "findings": [_finding(f) for f in one.findings],
    }


def _change(one: Change) -> dict[str, Any]:
    return {
        "effect": one.effect.value,
        "where": one.where,
        "what": _words(one.what),
        "before": one.before,
        "after": one.after,
    }


def _bound(one: Bound) -> dict[str, Any]:
    return {
        "object": one.object,
        "table": one.table,
        "version": one.version,
        "gaps": [{"column": g.column, "says": g.says, "has": g.has, "grave": g.grave} for g in one.gaps],
        "terms": [
            {
                "name": t.draft.name,
                "kind": t.draft.kind.value,
                "columns": list(t.draft.columns),
                "severity": t.draft.severity.value,
                "limit": t.draft.limit,
                "outcome": t.outcome.value,
                "b": t.b,
                "failing": t.failing,
                "error": None if t.error is None else _words(t.error),
            }
            for t in one.terms
        ],
        "left": [{"where": left.where, **_words(left.text)} for left in one.left],
    }
