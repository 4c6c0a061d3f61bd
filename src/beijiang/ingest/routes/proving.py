"""The JSON API of proof: comparisons as jobs, certificates, keys that left."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from beijiang.ingest.service import Sources
from beijiang.kit import Actor
from beijiang.web.bounds import Place
from beijiang.web.described import CSV, files_of

__all__ = ["add_proofs"]

_Id = Annotated[str, Field(min_length=1, max_length=100)]


class VerifyOrder(BaseModel):
    """How to compare a whole table."""

    model_config = ConfigDict(extra="forbid")

    repair: bool = Field(default=False, strict=True, description="Read everything again where something differs.")


def add_proofs(api: APIRouter, sources: Sources) -> None:
    """Add the end-points below ``/api/v1/syncs`` and ``/api/v1/verifications``."""

    @api.post("/syncs/{sync}/verify", status_code=202, summary="Hold the whole table against its source, as a job")
    def verify(request: Request, sync: _Id, order: VerifyOrder | None = None) -> dict[str, Any]:
        actor = _actor(request)
        job_id = sources.verify_later(actor, sync, repair=order is not None and order.repair)
        return sources.verification(actor, job_id).to_json()

    @api.get("/verifications/{job}", summary="A comparison: progress, and in the end the ids of certificate and run")
    def verification(request: Request, job: _Id) -> dict[str, Any]:
        return sources.verification(_actor(request), job).to_json()

    @api.post("/verifications/{job}/cancel", summary="Stop a comparison; it changes nothing")
    def cancel(request: Request, job: _Id) -> dict[str, Any]:
        return sources.cancel_verification(_actor(request), job).to_json()

    @api.get("/syncs/{sync}/certificates", summary="Proof of what arrived, newest first")
    def certificates(request: Request, sync: _Id, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> dict[str, Any]:
        return {"certificates": [c.to_json() for c in sources.certificates(_actor(request), sync, limit)]}

    @api.post("/syncs/{sync}/compare-keys", status_code=202, summary="Compare all keys now, as a run")
    def compare_keys(request: Request, sync: _Id) -> dict[str, Any]:
        actor = _actor(request)
        return sources.ingest.run(actor, sources.compare_keys(actor, sync)).to_json()

    @api.get("/syncs/{sync}/key-comparisons", summary="When keys were compared, and how many left; newest first")
    def comparisons(request: Request, sync: _Id, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> dict[str, Any]:
        return {"comparisons": [c.to_json() for c in sources.comparisons(_actor(request), sync, limit=limit)]}

    @api.get("/syncs/{sync}/tombstones", summary="Keys that left since the source deleted them: when, by which run")
    def tombstones(
        request: Request,
        sync: _Id,
        key: Annotated[list[str], Query(max_length=20, description="One key: its columns in order.")] = [],  # noqa: B006  # FastAPI copies it
        offset: Place = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        found = sources.tombstones(_actor(request), sync, key=tuple(key), offset=offset, limit=limit)
        return {"tombstones": [t.to_json() for t in found]}

    @api.get(
        "/syncs/{sync}/tombstones.csv",
        response_class=FileResponse,
        summary="All of them, as CSV",
        responses=files_of(CSV),
    )
    def tombstone_file(request: Request, sync: _Id) -> FileResponse:
        path = sources.tombstone_file(_actor(request), sync)
        return FileResponse(
            path,
            media_type="text/csv",
            filename="tombstones.csv",
            background=BackgroundTask(path.unlink, missing_ok=True),
        )


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
