"""The keys of the log as JSON: which there are, and how one follows another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.evidence.service import LogKey, Succession
    from beijiang.kit import Actor

__all__ = ["keys_router"]


class NextKey(BaseModel):
    """Which key is to be followed, and how long both sign."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(default="log", max_length=20, description="log, log-sm2 where SM2 signs too, or witness.")
    days: Whole = Field(default=90, description="From 1 to 730.")


def keys_router(succession: Succession) -> APIRouter:
    """Return the endpoints of ``/api/v1/evidence/keys``."""
    api = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])

    @api.get("/keys", summary="The public keys of this log, and of this installation as a witness")
    def keys(request: Request) -> dict[str, Any]:
        found = succession.all(_actor(request))
        return {"keys": [str(one.key) for one in found], "details": [_key(one) for one in found]}

    @api.post("/keys", status_code=201, summary="Have a new key follow the one that signs; for a while both do")
    def succeed(request: Request, wanted: NextKey) -> dict[str, Any]:
        return _key(succession.begin(_actor(request), wanted.role, wanted.days))

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _key(one: LogKey) -> dict[str, Any]:
    return {
        "role": one.role,
        "key": str(one.key),
        "made_at": one.made_at,
        "retires_at": one.retires_at,
        "signs": one.signs,
        "handover": one.handover,
    }
