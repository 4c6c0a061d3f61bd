"""The JSON API of pushes: register a destination, follow its deliveries, replay or drop dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.models.pushes import PushDraft, PushMode, PushQuery, PushState
from beijiang.exchange.routes.sharing import actor_of
from beijiang.ingest import Timing, TimingKind
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.exchange.models.pushes import Push, PushDelivery, PushPlan
    from beijiang.exchange.service import Pushes
    from beijiang.kit import Text

__all__ = ["pushes"]

_Words = Annotated[str, Field(max_length=2000)]
_Id = Annotated[str, Field(min_length=1, max_length=60)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PushTiming(_Order):
    """When deliveries are made; as of the schedules of syncs, without ``after``."""

    kind: TimingKind
    minutes: int = Field(default=0, ge=0, le=50_000, strict=True)
    at: list[str] = Field(default_factory=list, max_length=24, description="Times of the day: 06:30.")
    days: list[Whole] = Field(default_factory=list, max_length=62)
    cron: str = Field(default="", max_length=200)

    def timing(self) -> Timing:
        """Return it as the service takes it."""
        return Timing(
            kind=self.kind, minutes=self.minutes, at=tuple(self.at), days=tuple(self.days), cron=self.cron
        ).checked()


class PushOrder(_Order):
    """A destination to be registered; secrets are among its options and are never given back."""

    grant_id: _Id
    name: str = Field(min_length=1, max_length=100)
    kind: str = Field(min_length=1, max_length=20, description="See /api/v1/exchange/pushes/kinds.")
    target: str = Field(default="", max_length=300, description="Table or folder at the far side.")
    options: dict[str, Any] = Field(description="As the kind describes them, secrets included.")
    mode: PushMode = PushMode.CHANGES
    timing: PushTiming | None = Field(default=None, description="None: at every new version.")

    def draft(self) -> PushDraft:
        """Return it as the service takes it."""
        return PushDraft(
            grant_id=self.grant_id,
            name=self.name,
            kind=self.kind,
            target=self.target,
            options=self.options,
            mode=self.mode,
            timing=None if self.timing is None else self.timing.timing(),
        )


class PushChange(_Order):
    """What is to change; secrets that are not named stay, unless the destination moves."""

    options: dict[str, Any] = Field(default_factory=dict)
    timing: PushTiming | None = None
    on_release: bool = Field(default=False, strict=True, description="Deliver at every new version from now on.")


class PushWords(_Order):
    """What is said with it."""

    words: _Words = ""


class PushNow(_Order):
    """Whether everything is brought anew."""

    whole: bool = Field(default=False, strict=True)


def pushes(service: Pushes) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/pushes``."""
    routes = APIRouter(prefix="/api/v1/exchange/pushes", tags=["exchange"])

    @routes.get("", summary="Pushes of and from your organisation, newest first")
    def all_(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        state: PushState | None = None,
        grant: Annotated[str, Query(max_length=60)] = "",
    ) -> dict[str, Any]:
        found, count = service.pushes(actor_of(request), PushQuery(words=q, state=state, grant_id=grant))
        return {"count": count, "pushes": [_push(one) for one in found]}

    @routes.get("/kinds", summary="Kinds of destinations with their options")
    def kinds(request: Request) -> dict[str, Any]:
        return {"kinds": service.kinds(actor_of(request))}

    @routes.get("/dead", summary="Dead letters, newest first")
    def dead(request: Request) -> dict[str, Any]:
        found = service.dead(actor_of(request))
        return {"letters": [{"push": push.name, **_delivery(one)} for push, one in found]}

    @routes.post("/plan", summary="Show what a push would do and meet at the far side; nothing is stored or sent")
    def plan(request: Request, order: PushOrder) -> dict[str, Any]:
        return _plan(service.plan(actor_of(request), order.draft()))

    @routes.post("", summary="Register a destination", status_code=201)
    def add(request: Request, order: PushOrder) -> dict[str, Any]:
        return _push(service.add(actor_of(request), order.draft()))

    @routes.get("/{push}", summary="One push with its deliveries")
    def one(request: Request, push: str) -> dict[str, Any]:
        view = service.view(actor_of(request), push)
        return {
            **_push(view.push),
            "released": view.released,
            "in_doubt": [*view.in_doubt],
            "deliveries": [_delivery(one) for one in view.deliveries],
        }

    @routes.patch("/{push}", summary="Change options or the schedule")
    def change(request: Request, push: str, order: PushChange) -> dict[str, Any]:
        timing = None if order.timing is None else order.timing.timing()
        who = actor_of(request)
        return _push(service.change(who, push, options=order.options, timing=timing, on_release=order.on_release))

    @routes.post("/{push}/pause", summary="Stop for now")
    def pause(request: Request, push: str, order: PushWords) -> dict[str, Any]:
        return _push(service.pause(actor_of(request), push, order.words))

    @routes.post("/{push}/resume", summary="Go on; who resumes it answers for it")
    def resume(request: Request, push: str) -> dict[str, Any]:
        return _push(service.resume(actor_of(request), push))

    @routes.post("/{push}/end", summary="End it and forget its secrets")
    def end(request: Request, push: str, order: PushWords) -> dict[str, Any]:
        return _push(service.end(actor_of(request), push, order.words))

    @routes.post("/{push}/now", summary="Deliver at once")
    def now(request: Request, push: str, order: PushNow) -> dict[str, Any]:
        return _push(service.now(actor_of(request), push, whole=order.whole))

    @routes.post("/deliveries/{delivery}/replay", summary="Try a dead letter again")
    def replay(request: Request, delivery: str) -> dict[str, Any]:
        return _delivery(service.replay(actor_of(request), delivery))

    @routes.post("/deliveries/{delivery}/drop", summary="Give a dead letter up, with a reason")
    def drop(request: Request, delivery: str, order: PushWords) -> dict[str, Any]:
        return _delivery(service.drop(actor_of(request), delivery, order.words))

    return routes


def _text(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"zh": text.zh, "en": text.en}


def _push(one: Push) -> dict[str, Any]:
    return {
        "id": one.id,
        "grant_id": one.grant_id,
        "org_id": one.org_id,
        "provider_id": one.provider_id,
        "table": one.table,
        "name": one.name,
        "kind": one.kind,
        "target": one.target,
        "options": {**one.options},
        "secrets_set": sorted(one.secrets),
        "mode": one.mode.value,
        "timing": None if one.timing is None else one.timing.to_json(),
        "owner": one.owner_name,
        "state": one.state.value,
        "why": _text(one.why),
        "version": one.version,
        "delivered_at": None if one.delivered_at is None else one.delivered_at.isoformat(),
        "next_at": None if one.next_at is None else one.next_at.isoformat(),
    }


def _delivery(one: PushDelivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "push_id": one.push_id,
        "sequence": one.sequence,
        "mode": one.mode.value,
        "from_version": one.before,
        "to_version": one.version,
        "state": one.state.value,
        "attempts": one.attempts,
        "next_at": one.next_at.isoformat() if one.state.is_open else None,
        "error": one.error,
        "rows": one.rows,
        "gone": one.gone,
        "moved": one.moved,
        "receipt": one.receipt,
        "proof": one.proof,
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }


def _plan(plan: PushPlan) -> dict[str, Any]:
    return {
        "table": plan.grant.table,
        "version": plan.version,
        "mode": plan.mode.value,
        "rows": plan.rows,
        "columns": [{"name": name, "type": word, "masked": name in plan.masked} for name, word in plan.columns],
        "key": [*plan.key],
        "there": _text(plan.there),
        "next_at": None if plan.next_at is None else plan.next_at.isoformat(),
        "warnings": [_text(one) for one in plan.warnings],
    }
