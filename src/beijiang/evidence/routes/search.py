"""The JSON API of evidence, for the audit administrator."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from beijiang.evidence.models import Decision, EvidenceQuery, EvidenceRecord
from beijiang.evidence.service import EvidenceReader
from beijiang.kit import Actor

__all__ = ["router"]


class SearchFilters(BaseModel):
    """What to look for; every filter given must match."""

    model_config = ConfigDict(extra="forbid")

    actor_id: str | None = None
    org_id: str | None = None
    action: str | None = Field(default=None, description="An action, or a prefix that ends in a dot.")
    target: str | None = None
    decision: Decision | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: int | None = Field(default=None, ge=1, le=(1 << 63) - 1, description="The `next` of the page before.")
    limit: int = Field(default=100, ge=1, le=1000)


def router(reader: EvidenceReader) -> APIRouter:
    """Return the endpoints below ``/api/v1/evidence``."""
    api = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])

    @api.get("", summary="Search the log, newest first")
    def search(request: Request, wanted: Annotated[SearchFilters, Query()]) -> dict[str, Any]:
        query = EvidenceQuery(**wanted.model_dump())
        page = reader.search(_actor(request), query)
        return {"records": [_record(record) for record in page.records], "next": page.next}

    @api.post("/check", summary="Re-hash the whole log and name every damaged place")
    def check(request: Request) -> dict[str, Any]:
        report = reader.check(_actor(request))
        problems = [{"sequence": p.sequence, "kind": str(p.kind), "what": asdict(p.what)} for p in report.problems]
        return {"ok": report.ok, "records": report.records, "head": report.head, "problems": problems}

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _record(record: EvidenceRecord) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(record).items()}
