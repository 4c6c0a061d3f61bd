"""The JSON API of the time of a request: more of it, with consent; and standing still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import Field

from beijiang.exchange.routes.sharing import WordsOrder, actor_of, request_json
from beijiang.standards import PauseReason
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.exchange.service import Exchange

__all__ = ["times"]


class ExtendOrder(WordsOrder):
    """By how much, and why; who consented, where that is nobody of the platform."""

    days: int = Field(ge=1, le=100)


class ConsentOrder(WordsOrder):
    """Whether the data authority agrees to more time, and why."""

    agree: bool
    revision: Whole = Field(description="The revision that was looked at; another one is refused.")


class PauseOrder(WordsOrder):
    """Why the time stands still."""

    reason: PauseReason


def times(service: Exchange) -> APIRouter:
    """Return the endpoints of a request's time under ``/api/v1/exchange/requests``."""
    routes = APIRouter(prefix="/api/v1/exchange/requests/{request_id}", tags=["exchange"])

    @routes.post("/extend", summary="Extend the time of the stage once, or ask the data authority to")
    def extend(request: Request, request_id: str, order: ExtendOrder) -> dict[str, Any]:
        return request_json(service.extend(actor_of(request), request_id, order.days, order.words))

    @routes.post("/extension", summary="Consent to more time that was asked for, as the data authority, or not")
    def extension(request: Request, request_id: str, order: ConsentOrder) -> dict[str, Any]:
        who, seen = actor_of(request), order.revision
        return request_json(service.answer_extension(who, request_id, order.words, agree=order.agree, revision=seen))

    @routes.post("/pause", summary="Let the time of the stage stand still, for a third party or force majeure")
    def pause(request: Request, request_id: str, order: PauseOrder) -> dict[str, Any]:
        return request_json(service.pause(actor_of(request), request_id, order.reason, order.words))

    @routes.post("/resume", summary="Let the time of the stage run on")
    def resume(request: Request, request_id: str, order: WordsOrder) -> dict[str, Any]:
        return request_json(service.resume_time(actor_of(request), request_id, order.words))

    return routes
