"""``/health``: for load balancers and monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from beijiang.kit import Unavailable

if TYPE_CHECKING:
    from beijiang.guard.service import Health


def router(health: Health) -> APIRouter:
    """Offer the state of the installation."""
    api = APIRouter(tags=["health"])

    @api.get("/health", summary="Whether the installation answers")
    def alive() -> dict[str, str]:
        if not health.alive():
            raise Unavailable(
                "元数据库没有应答，请稍后再试。", "The metadata database does not answer; try again later."
            )
        return {"status": "ok"}

    return api
