"""The JSON API of harvests: plan, run, records with reasons, the mapping, and followed files."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from beijiang.ingest.models import MapKind, MapRule, OutcomeKind, RecordState
from beijiang.ingest.service import Harvests
from beijiang.kit import Actor
from beijiang.web.described import CSV, TEXT, files_of

__all__ = ["harvest_router"]

_Id = Annotated[str, Field(min_length=1, max_length=100)]
_Guid = Annotated[str, Query(min_length=1, max_length=500)]
_Limit = Annotated[int, Query(ge=1, le=1000)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HarvestOrder(_Order):
    """How to harvest."""

    accept_vanished: bool = Field(default=False, strict=True, description="Mark what did not come, however much it is.")
    go_on: bool = Field(default=False, strict=True, description="Begin where the last harvest failed or was cancelled.")


class SetupOrder(_Order):
    """How a source is harvested; what is not named stays."""

    trusted: bool | None = Field(default=None, description="Vouch for the source, as a publisher.")
    withdraw_after: int | None = Field(default=None, ge=1, le=100, description="Harvests on end without the record.")


class RuleOrder(_Order):
    """What a word of the source means here."""

    kind: MapKind
    value: str = Field(min_length=1, max_length=400)
    target: str = Field(
        default="", max_length=100, description="Division, licence, cycle or organisation; empty: none."
    )


class FollowOrder(_Order):
    """A distribution whose data are to be taken."""

    guid: str = Field(min_length=1, max_length=500)
    url: str = Field(min_length=1, max_length=2000)
    table: str = Field(min_length=1, max_length=200)


def harvest_router(harvests: Harvests) -> APIRouter:  # a list of small functions
    """Return the endpoints below ``/api/v1/harvests`` and ``/api/v1/sources/{source}/harvest``."""
    api = APIRouter(prefix="/api/v1", tags=["harvests"])
    _add_runs(api, harvests)
    _add_records(api, harvests)
    return api


def _add_runs(api: APIRouter, harvests: Harvests) -> None:
    @api.get("/harvests", summary="Harvests, newest first")
    def runs(request: Request, source: str | None = None, limit: _Limit = 50) -> dict[str, Any]:
        return {"harvests": [r.to_json() for r in harvests.runs(_actor(request), source, limit)]}

    @api.get("/harvests/{run_id}", summary="One harvest with its counts")
    def run(request: Request, run_id: _Id) -> dict[str, Any]:
        return harvests.harvest(_actor(request), run_id).to_json()

    @api.post("/harvests/{run_id}/cancel", summary="Stop a harvest after its page; what it brought stays")
    def cancel(request: Request, run_id: _Id) -> dict[str, Any]:
        return harvests.cancel(_actor(request), run_id).to_json()

    @api.get("/harvests/{run_id}/outcomes", summary="What became of each record that was not simply unchanged")
    def outcomes(  # filters
        request: Request,
        run_id: _Id,
        kind: OutcomeKind | None = None,
        after: Annotated[str, Query(max_length=500)] = "",
        after_kind: Annotated[str, Query(max_length=20)] = "",
        limit: _Limit = 100,
    ) -> dict[str, Any]:
        found = harvests.outcomes(_actor(request), run_id, kind=kind, after=(after, after_kind), limit=limit)
        return {"outcomes": [o.to_json() for o in found]}

    @api.get(
        "/harvests/{run_id}/report.csv",
        summary="The same as a file",
        response_class=StreamingResponse,
        responses=files_of(CSV),
    )
    def report(request: Request, run_id: _Id) -> StreamingResponse:
        named = {"Content-Disposition": f'attachment; filename="{run_id}.csv"'}
        lines = harvests.report(_actor(request), run_id)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=named)

    @api.get("/sources/{source}/harvest/plan", summary="What a harvest would do, found by looking")
    def plan(request: Request, source: _Id, most: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> dict[str, Any]:
        return harvests.plan(_actor(request), source, most=most).to_json()

    @api.post("/sources/{source}/harvest", status_code=202, summary="Harvest a catalog, as a job")
    def begin(request: Request, source: _Id, order: HarvestOrder) -> dict[str, Any]:
        actor = _actor(request)
        return harvests.harvest(actor, harvests.run(actor, source, **order.model_dump())).to_json()

    @api.get("/sources/{source}/harvest/setup", summary="How a catalog is harvested")
    def setup(request: Request, source: _Id) -> dict[str, Any]:
        return harvests.setup(_actor(request), source).to_json()

    @api.patch("/sources/{source}/harvest/setup", summary="Change how a catalog is harvested")
    def change(request: Request, source: _Id, order: SetupOrder) -> dict[str, Any]:
        actor = _actor(request)
        if order.withdraw_after is not None:
            harvests.withdraw_after(actor, source, order.withdraw_after)
        if order.trusted is not None:
            harvests.trust(actor, source, trusted=order.trusted)
        return harvests.setup(actor, source).to_json()


def _add_records(api: APIRouter, harvests: Harvests) -> None:
    @api.get("/sources/{source}/harvest/records", summary="Records of a catalog and what they became here")
    def records(  # filters
        request: Request,
        source: _Id,
        state: RecordState | None = None,
        search: Annotated[str, Query(max_length=200)] = "",
        after: Annotated[str, Query(max_length=500)] = "",
        limit: _Limit = 100,
    ) -> dict[str, Any]:
        actor = _actor(request)
        found = harvests.records(actor, source, state=state, search=search, after=after, limit=limit)
        return {"counts": harvests.counts(actor, source), "records": [r.to_json() for r in found]}

    @api.get("/sources/{source}/harvest/record", summary="One record")
    def record(request: Request, source: _Id, guid: _Guid) -> dict[str, Any]:
        return harvests.record(_actor(request), source, guid).to_json()

    @api.get(
        "/sources/{source}/harvest/original",
        summary="A record as its source gave it",
        response_class=Response,
        responses=files_of(TEXT),
    )
    def original(request: Request, source: _Id, guid: _Guid) -> Response:
        named = {"Content-Disposition": 'attachment; filename="record.txt"'}
        body = harvests.original(_actor(request), source, guid)
        return Response(body, media_type="text/plain; charset=utf-8", headers=named)

    @api.get("/sources/{source}/harvest/words", summary="How words of a catalog are put into our terms")
    def words(request: Request, source: _Id) -> dict[str, Any]:
        return {"words": [r.to_json() for r in harvests.rules(_actor(request), source)]}

    @api.put("/sources/{source}/harvest/words", summary="Decide what a word of a catalog means here")
    def decide(request: Request, source: _Id, order: RuleOrder) -> dict[str, Any]:
        rule = MapRule(kind=order.kind, value=order.value, target=order.target, decided_by="")
        return harvests.decide(_actor(request), source, rule).to_json()

    @api.get("/sources/{source}/harvest/files", summary="Distributions whose data are taken")
    def files(request: Request, source: _Id) -> dict[str, Any]:
        return {"files": [f.to_json() for f in harvests.files(_actor(request), source)]}

    @api.post("/sources/{source}/harvest/files", status_code=201, summary="Take a distribution's data into a table")
    def follow(request: Request, source: _Id, order: FollowOrder) -> dict[str, Any]:
        return harvests.follow(_actor(request), source, order.guid, order.url, order.table).to_json()

    @api.post("/sources/{source}/harvest/fetch", status_code=202, summary="Fetch what changed, as a job")
    def fetch(request: Request, source: _Id) -> dict[str, Any]:
        return {"job": harvests.fetch(_actor(request), source)}

    @api.delete("/sources/{source}/harvest/files/{file_id}", summary="Take a distribution's data no longer")
    def unfollow(request: Request, source: _Id, file_id: _Id) -> dict[str, Any]:
        harvests.unfollow(_actor(request), source, file_id)
        return {"ended": file_id}


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
