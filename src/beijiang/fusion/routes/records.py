"""The JSON API of what is in a library: subjects, pairs, decisions about records, one source for each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.fusion.models import Verdict
from beijiang.fusion.models.atlas import FARTHEST, Spot
from beijiang.kit import Actor
from beijiang.tables import Filter, FilterOp
from beijiang.web.bounds import Place
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.fusion.models import Claim, Decision, Dispute, Pair
    from beijiang.fusion.service import Compared, Fusion, Subject, Subjects

__all__ = ["add_claims", "add_subjects"]

Reason = Annotated[str, Query(min_length=1, max_length=1000)]


class VerdictOrder(BaseModel):
    """What is decided about a pair, and why."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    reason: str = Field(min_length=1, max_length=1000)
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the pair as it was compared; without it nothing is decided."""


class MergeOrder(BaseModel):
    """Subjects that are one."""

    model_config = ConfigDict(extra="forbid")

    subjects: list[str] = Field(min_length=2, max_length=200)
    reason: str = Field(min_length=1, max_length=1000)
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the subjects side by side; without it nothing is merged."""


class TakeOutOrder(BaseModel):
    """Records that do not belong to a subject."""

    model_config = ConfigDict(extra="forbid")

    records: list[str] = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=1000)
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the subject as it was read; without it nothing is taken out."""


class ClaimOrder(BaseModel):
    """A field of which the own department is the one source, and on what ground."""

    model_config = ConfigDict(extra="forbid")

    element: str = Field(min_length=1, max_length=100)
    basis: str = Field(min_length=1, max_length=1000)


class RulingOrder(BaseModel):
    """Yes or no, and why."""

    model_config = ConfigDict(extra="forbid")

    accept: bool
    why: str = Field(min_length=1, max_length=1000)


class ReasonOrder(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000)


def add_subjects(routes: APIRouter, service: Fusion) -> None:
    """Add subjects, pairs and decisions."""

    @routes.get("/libraries/{library}/subjects", summary="Golden records, through the gate")
    def subjects(
        request: Request,
        library: str,
        field: Annotated[str, Query(max_length=200)] = "",
        value: Annotated[str, Query(max_length=200)] = "",
        after: Annotated[str | None, Query(max_length=2000)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        filters = [Filter(field, FilterOp.CONTAINS, value)] if field and value else []
        return _subjects(service.subjects(_actor(request), library, filters, after, limit))

    @routes.get("/libraries/{library}/subjects/{subject}", summary="A golden record: fields, history, records")
    def subject(request: Request, library: str, subject: str) -> dict[str, Any]:
        return _subject(service.subject(_actor(request), library, subject))

    @routes.get("/libraries/{library}/places", summary="What contains a spot, and what is near it")
    def places(
        request: Request,
        library: str,
        lon: Annotated[float, Query(ge=-180, le=180, description="Longitude in degrees")],
        lat: Annotated[float, Query(ge=-85, le=85, description="Latitude in degrees")],
        km: Annotated[float, Query(gt=0, le=FARTHEST, description="Kilometres around it")] = 50,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        found = service.near(_actor(request), library, Spot(lon, lat), km=km, limit=limit)
        return {
            "library": found.library.id,
            "version": found.governed.version,
            "receipt": found.governed.receipt,
            "left_out": found.left_out,
            "places": [
                {"km": round(one.km, 3), "inside": one.inside, **{k: plain_value(v) for k, v in one.row.items()}}
                for one in found.places
            ],
        }

    @routes.get("/libraries/{library}/merge", summary="Subjects side by side, before they are put together")
    def together(
        request: Request, library: str, subjects: Annotated[list[str], Query(min_length=2, max_length=200)]
    ) -> dict[str, Any]:
        found = service.together(_actor(request), library, subjects)
        return {"subjects": [_subject(one) for one in found.subjects], "seen": found.shown.token}

    @routes.post("/libraries/{library}/merge", summary="Put subjects together; effective with the next run")
    def merge(request: Request, library: str, order: MergeOrder) -> dict[str, Any]:
        made = service.merge(_actor(request), library, order.subjects, order.reason, seen=order.seen)
        return {"decisions": [_decision(one) for one in made]}

    @routes.post("/libraries/{library}/subjects/{subject}/take-out", summary="Take records out of a subject")
    def take_out(request: Request, library: str, subject: str, order: TakeOutOrder) -> dict[str, Any]:
        made = service.take_out(_actor(request), library, subject, order.records, order.reason, seen=order.seen)
        return {"decisions": [_decision(one) for one in made]}

    @routes.get("/libraries/{library}/pairs", summary="Pairs that wait for a person, the surest first")
    def pairs(
        request: Request,
        library: str,
        offset: Place = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        found, waiting = service.queue(_actor(request), library, offset, limit)
        return {"waiting": waiting, "pairs": [_pair(one) for one in found]}

    @routes.get("/library-pairs/{pair}", summary="Both sides of a pair, and what speaks for it and against it")
    def compare(request: Request, pair: str) -> dict[str, Any]:
        return _compared(service.compare(_actor(request), pair))

    @routes.post("/library-pairs/{pair}", summary="Decide about a pair; effective with the next run")
    def decide(request: Request, pair: str, order: VerdictOrder) -> dict[str, Any]:
        return _decision(service.decide(_actor(request), pair, order.verdict, order.reason, seen=order.seen))

    @routes.get("/libraries/{library}/decisions", summary="What persons decided about records, newest first")
    def decisions(request: Request, library: str) -> dict[str, Any]:
        actor = _actor(request)
        return {
            "unapplied": service.unapplied(actor, library),
            "decisions": [_decision(one) for one in service.decisions(actor, library)],
        }

    @routes.delete("/library-decisions/{decision}", status_code=204, summary="Let a decision hold no longer")
    def revoke(request: Request, decision: str, reason: Reason) -> None:
        service.revoke(_actor(request), decision, reason)


def add_claims(routes: APIRouter, service: Fusion) -> None:
    """Add declarations and objections."""

    @routes.get("/libraries/{library}/claims", summary="Which department answers for which field, and objections")
    def claims(request: Request, library: str) -> dict[str, Any]:
        found, disputes = service.claims(_actor(request), library)
        return {"claims": [_claim(one) for one in found], "disputes": [_dispute(one) for one in disputes]}

    @routes.post("/libraries/{library}/claims", status_code=201, summary="Declare to be the one source of a field")
    def claim(request: Request, library: str, order: ClaimOrder) -> dict[str, Any]:
        return _claim(service.declare_source(_actor(request), library, order.element, order.basis))

    @routes.post("/library-claims/{claim}/decide", status_code=204, summary="Confirm a declaration, or refuse it")
    def confirm(request: Request, claim: str, order: RulingOrder) -> None:
        service.confirm_source(_actor(request), claim, order.why, accept=order.accept)

    @routes.post("/library-claims/{claim}/object", status_code=201, summary="Object to a declaration in force")
    def object_(request: Request, claim: str, order: ReasonOrder) -> dict[str, Any]:
        return _dispute(service.object_to(_actor(request), claim, order.reason))

    @routes.post("/library-disputes/{dispute}/rule", status_code=204, summary="Rule on an objection")
    def rule(request: Request, dispute: str, order: RulingOrder) -> None:
        service.rule(_actor(request), dispute, order.why, uphold=order.accept)

    @routes.post("/library-disputes/{dispute}/withdraw", status_code=204, summary="Withdraw an objection")
    def withdraw(request: Request, dispute: str) -> None:
        service.withdraw(_actor(request), dispute)


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _plain(row: Any) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in row.items()}


def _subjects(found: Subjects) -> dict[str, Any]:
    return {
        "version": found.governed.version,
        "masked": [c.name for c in found.governed.columns if c.masked],
        "withheld": list(found.governed.withheld),
        "rows": [_plain(row) for row in found.rows.to_pylist()],
        "next": found.next,
        "receipt": found.governed.receipt,
    }


def _subject(one: Subject) -> dict[str, Any]:
    return {
        "id": one.id,
        "now": None if one.now is None else _plain(one.now),
        "states": [_plain(row) for row in one.states],
        "records": one.records,
        "masked": sorted(one.masked),
        "went_to": list(one.went_to),
        "members": [
            {
                "record": member.record,
                "table": member.table,
                "how": member.how,
                "row": None if member.row is None else _plain(member.row),
                "masked": sorted(member.masked),
            }
            for member in one.members
        ],
        "seen": one.shown.token,
    }


def _pair(one: Pair) -> dict[str, Any]:
    return {
        "id": one.id,
        "left": one.left,
        "right": one.right,
        "probability": one.probability,
        "levels": dict(one.levels),
        "against": one.against,
        "state": one.state.value,
        "found_at": one.found_at.isoformat(),
    }


def _compared(found: Compared) -> dict[str, Any]:
    return {
        **_pair(found.pair),
        "left_subject": None if found.left is None else _subject(found.left),
        "right_subject": None if found.right is None else _subject(found.right),
        "weights": [{"field": b.field, "level": b.level, "weight": round(b.weight, 3)} for b in found.bars],
        "seen": found.shown.token,
    }


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "id": one.id,
        "left": one.left,
        "right": one.right,
        "verdict": one.verdict.value,
        "taken_out": one.taken_out,
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
        "revoked_at": None if one.revoked_at is None else one.revoked_at.isoformat(),
        "why_revoked": one.why_revoked,
    }


def _claim(one: Claim) -> dict[str, Any]:
    return {
        "id": one.id,
        "element": one.element,
        "org_id": one.org_id,
        "basis": one.basis,
        "state": one.state.value,
        "at": one.at.isoformat(),
        "why": one.why,
    }


def _dispute(one: Dispute) -> dict[str, Any]:
    return {
        "id": one.id,
        "claim": one.claim_id,
        "org_id": one.org_id,
        "reason": one.reason,
        "state": one.state.value,
        "at": one.at.isoformat(),
        "ruling": one.ruling,
    }
