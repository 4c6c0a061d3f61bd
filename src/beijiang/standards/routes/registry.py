"""``/api/v1/standards``: data elements, code sets, what became of codes, proposals, files in and out."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Path, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, Language, Text
from beijiang.standards.models import (
    Action,
    Became,
    Change,
    CodeSet,
    CodeValue,
    Difference,
    Edition,
    Entry,
    EntryKind,
    Planned,
    Proposal,
    ProposalState,
    Status,
    flat_code,
    flat_of,
    flat_set,
)
from beijiang.standards.service import ElementQuery, Listed, Registry, SheetFormat
from beijiang.web.bounds import Number
from beijiang.web.described import CSV, JSON, XLSX, files_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["registry_router"]

_Id = Annotated[str, Path(max_length=130)]
_On = Annotated[date | None, Query(description="As of this day; today when left out.")]


class ChangeOrder(BaseModel):
    """One entry as it is to be, in flat words; to retire it, its id is enough."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    kind: EntryKind
    form: dict[str, str] = Field(description="Fields of an element, or of a code set without its codes.")
    codes: list[dict[str, str]] = Field(default=[], max_length=50_000, description="All codes of a code set.")
    base: Number | None = Field(default=None, description="The version that you saw; the newest when left out.")


class ProposalOrder(BaseModel):
    """Changes that are to be approved as a whole."""

    model_config = ConfigDict(extra="forbid")

    changes: list[ChangeOrder] = Field(min_length=1, max_length=5000)
    reason: str = Field(min_length=1, max_length=1000)
    valid_from: date | None = None


class DecisionOrder(BaseModel):
    """Why a proposal is decided so."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=1000)


def registry_router(service: Registry) -> APIRouter:
    """Return the endpoints of the registry; reading is public, as standards are."""
    api = APIRouter(prefix="/api/v1/standards", tags=["standards"])
    _add_entries(api, service)
    _add_proposals(api, service)
    _add_files(api, service)
    return api


def _add_entries(api: APIRouter, service: Registry) -> None:
    @api.get("/elements", summary="Find data elements")
    def elements(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        library: Annotated[str, Query(max_length=60)] = "",
        type: Annotated[str, Query(max_length=1)] = "",  # noqa: A002 - the word of the standard
        level: Annotated[str, Query(max_length=2)] = "",
        code_set: Annotated[str, Query(max_length=130)] = "",
        status: Status | None = None,
    ) -> dict[str, Any]:
        query = ElementQuery(q=q, library=library, type=type, level=level, code_set=code_set, status=status)
        return {"elements": [_listed(one) for one in service.elements(_actor(request), query)]}

    @api.get("/elements/{element}", summary="A data element with all its versions, newest first")
    def element(request: Request, element: _Id) -> dict[str, Any]:
        status, versions = service.element(_actor(request), element)
        return {"id": element, "status": status.value, "versions": [_entry(v) for v in versions]}

    @api.get("/code-sets", summary="All code sets as they stand today")
    def code_sets(request: Request) -> dict[str, Any]:
        return {"code_sets": [_listed(one) for one in service.code_sets(_actor(request))]}

    @api.get("/code-sets/{code_set}", summary="A code set with the values that held on a day")
    def code_set(request: Request, code_set: _Id, on: _On = None) -> dict[str, Any]:
        status, found = service.code_set(_actor(request), code_set, on)
        return {**_entry(found), "status": status.value, "codes": [_code(v) for v in found.values]}

    @api.get("/code-sets/{code_set}/versions", summary="All versions of a code set with all their values")
    def code_set_versions(request: Request, code_set: _Id) -> dict[str, Any]:
        found = service.code_set_versions(_actor(request), code_set)
        return {"versions": [{**_entry(v), "codes": [_code(c) for c in v.values]} for v in found]}

    @api.get("/code-sets/{code_set}/became", summary="What became of a code by a day, over all steps")
    def became(
        request: Request, code_set: _Id, code: Annotated[str, Query(min_length=1, max_length=60)], on: _On = None
    ) -> dict[str, Any]:
        return _became(service.became(_actor(request), code_set, code, on))


def _add_proposals(api: APIRouter, service: Registry) -> None:
    @api.get("/proposals", summary="Proposals, newest first")
    def proposals(request: Request, state: ProposalState | None = None) -> dict[str, Any]:
        return {"proposals": [_proposal(one) for one in service.proposals(_actor(request), state)]}

    @api.post("/proposals", status_code=201, summary="Propose entries, changes of them, or their end")
    def propose(request: Request, order: ProposalOrder) -> dict[str, Any]:
        who = _actor(request)
        changes = [service.change_of(who, c.action, c.kind, c.form, c.codes, c.base) for c in order.changes]
        return _proposal(service.propose(who, changes, order.reason, order.valid_from))

    @api.get("/proposals/{proposal}", summary="A proposal with what each change alters")
    def proposal(request: Request, proposal: _Id) -> dict[str, Any]:
        who = _actor(request)
        found = service.proposal(who, proposal)
        return {**_proposal(found), "changes": [_change(*pair) for pair in service.differences(who, found)]}

    @api.post(
        "/proposals/{proposal}/approve", summary="Put a proposal in force as a whole; nobody approves the own one"
    )
    def approve(request: Request, proposal: _Id, order: DecisionOrder) -> dict[str, Any]:
        return _proposal(service.approve(_actor(request), proposal, order.reason))

    @api.post("/proposals/{proposal}/return", summary="Send a proposal back with a reason")
    def send_back(request: Request, proposal: _Id, order: DecisionOrder) -> dict[str, Any]:
        return _proposal(service.send_back(_actor(request), proposal, order.reason))

    @api.post("/proposals/{proposal}/withdraw", summary="Take the own proposal back")
    def withdraw(request: Request, proposal: _Id, order: DecisionOrder) -> dict[str, Any]:
        return _proposal(service.withdraw(_actor(request), proposal, order.reason))


def _add_files(api: APIRouter, service: Registry) -> None:
    @api.get(
        "/export/{kind}.{form}",
        summary="All entries of a kind as a file",
        response_class=Response,
        responses=files_of(CSV, XLSX, JSON),
    )
    def export(
        request: Request,
        kind: EntryKind,
        form: SheetFormat,
        language: Language = Language.ZH,
        id: Annotated[list[str] | None, Query(max_length=100)] = None,  # noqa: A002 - the name of the field
    ) -> Response:
        content = service.export(_actor(request), kind, form, language, tuple(id or ()))
        named = {"Content-Disposition": f'attachment; filename="{kind.value}.{form.value}"'}
        return Response(content, media_type=form.media_type, headers=named)

    @api.post("/plan", summary="What an import of a file would do, row by row; nothing is done")
    def plan(request: Request, file: UploadFile) -> dict[str, Any]:
        planned = service.plan(_actor(request), file.filename or "", file.file.read())
        return {"planned": [_planned(one) for one in planned]}

    @api.post("/import", status_code=201, summary="Propose what a file changes, all of it or nothing")
    def take_in(
        request: Request,
        file: UploadFile,
        reason: Annotated[str, Form(min_length=1, max_length=1000)],
        valid_from: Annotated[date | None, Form()] = None,
    ) -> dict[str, Any]:
        content = file.file.read()
        return _proposal(service.propose_import(_actor(request), file.filename or "", content, reason, valid_from))


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _listed(one: Listed) -> dict[str, Any]:
    return {**_entry(one.entry), "status": one.status.value, "versions": one.versions}


def _entry(entry: Entry) -> dict[str, Any]:
    if not isinstance(entry, CodeSet):
        return {**flat_of(entry), **_edition(entry.edition)}
    return {"id": entry.id, **flat_set(entry), "values": len(entry.values), **_edition(entry.edition)}


def _edition(edition: Edition) -> dict[str, Any]:
    return {
        "version": edition.version,
        "valid_from": edition.valid_from,
        "valid_to": edition.valid_to,
        "retired": edition.retired,
        "verified": edition.verified,
        "reason": edition.reason,
        "by": edition.by,
        "at": edition.at,
        "proposal": edition.proposal or None,
    }


def _code(value: CodeValue) -> dict[str, Any]:
    return {**flat_code(value), "replaced_by": list(value.replaced_by)}


def _became(found: Became) -> dict[str, Any]:
    return {
        "code": _code(found.code),
        "on": found.on,
        "now": [_code(value) for value in found.now],
        "steps": [{**_code(step.value), "ended": step.ended} for step in found.steps],
        "lost": [_code(value) for value in found.lost],
        "before": [_code(value) for value in found.before],
    }


def _proposal(one: Proposal) -> dict[str, Any]:
    return {
        "id": one.id,
        "org_id": one.org_id,
        "state": one.state.value,
        "size": one.size,
        "about": list(one.about),
        "valid_from": one.valid_from,
        "reason": one.reason,
        "by": one.by,
        "by_name": one.by_name,
        "at": one.at,
        "decided_by": one.decided_by or None,
        "decided_name": one.decided_name or None,
        "decided_at": one.decided_at,
        "decision": one.decision,
    }


def _change(change: Change, found: Sequence[Difference]) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "kind": change.kind.value,
        "id": change.id,
        "base": change.base,
        "differences": [_difference(one) for one in found],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {"what": _both(one.what), "before": one.before, "after": one.after}


def _planned(one: Planned) -> dict[str, Any]:
    return {
        "outcome": one.outcome,
        "row": one.row,
        "kind": one.kind.value,
        "id": one.id,
        "reason": None if one.reason is None else _both(one.reason),
        "differences": [_difference(d) for d in one.differences],
    }
