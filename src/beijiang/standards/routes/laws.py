"""``/api/v1/standards``: rules of law with their versions, and the profiles that they belong to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, Text
from beijiang.standards.models import flat_rule
from beijiang.standards.service import Laws, RuleQuery

if TYPE_CHECKING:
    from beijiang.standards.models import Choice, Rule
    from beijiang.standards.service import ProfileView

__all__ = ["laws_router"]


class ChooseOrder(BaseModel):
    """Which profile counts from a day on, for a department or (without one) for all that chose none."""

    model_config = ConfigDict(extra="forbid")

    profile: str = Field(max_length=40)
    since: date
    reason: str = Field(min_length=1, max_length=1000)
    org_id: str = Field(default="", max_length=60)


def laws_router(service: Laws) -> APIRouter:
    """Return the endpoints; reading is public, as the law is."""
    api = APIRouter(prefix="/api/v1/standards", tags=["standards"])

    @api.get("/laws", summary="What the law asks: rules with basis, dates and whether they are confirmed")
    def rules(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        profile: Annotated[str, Query(max_length=40)] = "",
        kind: Annotated[str, Query(max_length=40)] = "",
        unverified: bool = False,
    ) -> dict[str, Any]:
        query = RuleQuery(q=q, profile=profile, kind=kind, unverified=unverified)
        found = service.rules(_actor(request), query)
        return {
            "rules": [{**flat_rule(one.rule), "status": one.status.value, "versions": one.versions} for one in found]
        }

    @api.get("/laws/{rule}", summary="A rule with all its versions, newest first")
    def rule(request: Request, rule: str) -> dict[str, Any]:
        status, versions = service.rule(_actor(request), rule)
        return {"id": rule, "status": status.value, "versions": [_rule(one) for one in versions]}

    @api.get("/profiles", summary="Profiles of law, what each asks, and for whom it counts today")
    def profiles(request: Request) -> dict[str, Any]:
        who = _actor(request)
        return {
            "profiles": [_profile(one) for one in service.profiles(who)],
            "choices": [_choice(one) for one in service.choices(who)],
        }

    @api.post("/profiles/choose", status_code=201, summary="Say which profile counts from a day on")
    def choose(request: Request, order: ChooseOrder) -> dict[str, Any]:
        return _choice(service.choose(_actor(request), order.profile, order.since, order.reason, order.org_id))

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _rule(one: Rule) -> dict[str, Any]:
    edition = one.edition
    return {
        **flat_rule(one),
        "version": edition.version,
        "valid_from": edition.valid_from,
        "valid_to": edition.valid_to,
        "reason": edition.reason,
        "proposal": edition.proposal or None,
    }


def _profile(one: ProfileView) -> dict[str, Any]:
    return {
        "id": one.profile.id,
        "name": _both(one.profile.name),
        "basis": one.profile.basis,
        "effective_from": one.profile.effective_from,
        "effective_to": one.profile.effective_to,
        "verified": one.profile.verified,
        "note": one.profile.note,
        "rules": [rule.id for rule in one.rules],
        "fields": {rule.trigger: rule.value for rule in one.fields},
        "counts_for": list(one.counts_for),
    }


def _choice(one: Choice) -> dict[str, Any]:
    return {
        "org_id": one.org_id,
        "profile": one.profile,
        "since": one.since,
        "reason": one.reason,
        "by": one.by,
        "at": one.at,
    }
