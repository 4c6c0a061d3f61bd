"""The JSON API of suggested rules: take, decline, see the rows that would break one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.quality.routes.lines import draft_json, rule_json
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.quality.models import Declined
    from beijiang.quality.service import Quality, Suggestion

__all__ = ["add_suggestions"]


class AcceptOrder(BaseModel):
    """Which suggestions are to count; without ``keys`` all of them."""

    model_config = ConfigDict(extra="forbid")

    keys: list[str] | None = Field(default=None, max_length=300)


class DeclineOrder(BaseModel):
    """Which suggestions are not meant, and why."""

    model_config = ConfigDict(extra="forbid")

    keys: list[str] = Field(min_length=1, max_length=300)
    reason: str = Field(min_length=1, max_length=1000)


def add_suggestions(routes: APIRouter, service: Quality) -> None:
    """Add the endpoints of suggestions to those of quality."""

    @routes.get("/tables/{name}/quality/suggestions", summary="Rules that the table might be meant to meet")
    def suggest(request: Request, name: str) -> dict[str, Any]:
        seen = service.suggestions(_actor(request), name)
        return {
            "table": name,
            "suggestions": [_suggestion(one) for one in seen.found],
            "notes": [{"zh": note.zh, "en": note.en} for note in seen.notes],
        }

    @routes.post(
        "/tables/{name}/quality/suggestions", status_code=201, summary="Put suggestions in force, by their keys"
    )
    def accept(request: Request, name: str, order: AcceptOrder) -> dict[str, Any]:
        made = service.accept(_actor(request), name, order.keys)
        return {"table": name, "rules": [rule_json(rule) for rule in made]}

    @routes.get("/tables/{name}/quality/suggestions/declined", summary="Suggestions that were declined, and why")
    def declined(request: Request, name: str) -> dict[str, Any]:
        return {"table": name, "declined": [_declined(one) for one in service.declined(_actor(request), name)]}

    @routes.post(
        "/tables/{name}/quality/suggestions/declined", status_code=201, summary="Decline suggestions, with a reason"
    )
    def decline(request: Request, name: str, order: DeclineOrder) -> dict[str, Any]:
        made = service.decline(_actor(request), name, order.keys, order.reason)
        return {"table": name, "declined": [_declined(one) for one in made]}

    @routes.delete(
        "/tables/{name}/quality/suggestions/declined/{subject}",
        status_code=204,
        summary="Let what was declined be suggested again",
    )
    def offer_again(request: Request, name: str, subject: str) -> None:
        service.offer_again(_actor(request), name, subject)

    @routes.get(
        "/tables/{name}/quality/suggestions/{key}/rows", summary="Rows that would break a suggested rule, by the gate"
    )
    def breaking(request: Request, name: str, key: str) -> dict[str, Any]:
        found = service.breaking(_actor(request), name, key)
        return {
            "suggestion": _suggestion(found.suggestion),
            "version": found.version,
            "found": found.found,
            "cut": found.cut,
            "rows": [{name: plain_value(value) for name, value in row.items()} for row in found.rows.to_pylist()],
            "masked": [c.name for c in found.governed.columns if c.masked],
            "receipt": found.governed.receipt,
        }


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _suggestion(one: Suggestion) -> dict[str, Any]:
    return {
        "key": one.key,
        "subject": one.subject,
        "rule": draft_json(one.draft),
        "why": {"zh": one.why.zh, "en": one.why.en},
        "b": one.b,
        "failing": one.failing,
        "share": one.share,
        "measured": one.measured,
    }


def _declined(one: Declined) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "kind": one.kind.value,
        "columns": list(one.columns),
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
    }
