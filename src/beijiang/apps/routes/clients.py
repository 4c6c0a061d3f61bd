"""The JSON API of applications written elsewhere: registration, review, secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.apps.models import ClientDraft, ClientKind, FarewellState, Plan
from beijiang.kit import Actor

if TYPE_CHECKING:
    from beijiang.apps.models import Client, Farewell, Subscription
    from beijiang.apps.service import Clients, Subscriptions

__all__ = ["client_json", "clients", "farewell_json"]

_Uri = Annotated[str, Field(max_length=500)]


class ClientOrder(BaseModel):
    """What is registered of an application."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    purpose: str = Field(min_length=1, max_length=1000)
    kind: ClientKind = ClientKind.CONFIDENTIAL
    redirect_uris: list[_Uri] = Field(default=[], max_length=20)
    after_uris: list[_Uri] = Field(default=[], max_length=20)
    logout_uri: _Uri = ""
    scopes: list[Annotated[str, Field(max_length=100)]] = Field(default=[], max_length=100)
    machine: bool = False
    upstream: _Uri = ""
    label: Annotated[str, Field(max_length=40)] = ""
    health_path: Annotated[str, Field(max_length=200)] = "/"

    def draft(self) -> ClientDraft:
        """Return it as the service takes it."""
        return ClientDraft(
            name=self.name,
            purpose=self.purpose,
            kind=self.kind,
            redirect_uris=tuple(self.redirect_uris),
            after_uris=tuple(self.after_uris),
            logout_uri=self.logout_uri,
            scopes=frozenset(self.scopes),
            machine=self.machine,
            upstream=self.upstream,
            label=self.label,
            health_path=self.health_path,
        )


class ClientReviewOrder(BaseModel):
    """A decision on what waits."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    note: str = Field(min_length=1, max_length=1000)
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the application as it was read; needed to approve."""


class ClientSwitchOrder(BaseModel):
    """Suspend, or let go on."""

    model_config = ConfigDict(extra="forbid")

    off: bool
    reason: str = Field(min_length=1, max_length=1000)


class SubscribeOrder(BaseModel):
    """To which API, and on which plan."""

    model_config = ConfigDict(extra="forbid")

    api: str = Field(min_length=3, max_length=200)
    plan: Plan = Plan.TRIAL


class SubscriptionReviewOrder(BaseModel):
    """A decision on a subscription that waits."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    note: str = Field(default="", max_length=1000)


def clients(service: Clients, subscriptions: Subscriptions) -> APIRouter:
    """Return the endpoints under ``/api/v1/clients``."""
    routes = APIRouter(prefix="/api/v1/clients", tags=["clients"])

    @routes.get("", summary="Applications written elsewhere that you have to do with")
    def all_(request: Request) -> dict[str, Any]:
        return {"clients": [client_json(one) for one in service.clients(_actor(request))]}

    @routes.post("", status_code=201, summary="Register an application of your department")
    def register(request: Request, order: ClientOrder) -> dict[str, Any]:
        return client_json(service.register(_actor(request), order.draft()))

    @routes.get("/{client_id}", summary="An application, and when its secrets end")
    def one(request: Request, client_id: str) -> dict[str, Any]:
        found, living = service.client(_actor(request), client_id)
        told = [
            {"id": s.id, "made_at": s.made_at.isoformat(), "ends_at": s.ends_at.isoformat() if s.ends_at else None}
            for s in living
        ]
        return {**client_json(found), "secrets": told}

    @routes.get("/{client_id}/farewells", summary="The sign-outs that an application was told of, or is to be told of")
    def farewells(request: Request, client_id: str) -> dict[str, Any]:
        newest, counts = service.farewells(_actor(request), client_id)
        return {
            "counts": {state.value: counts.get(state, 0) for state in FarewellState},
            "newest": [farewell_json(one) for one in newest],
        }

    @routes.put("/{client_id}", summary="Propose other facts; those in force stay until the review")
    def change(request: Request, client_id: str, order: ClientOrder) -> dict[str, Any]:
        return client_json(service.change(_actor(request), client_id, order.draft()))

    @routes.post("/{client_id}/review", summary="Approve what waits, or send it back")
    def review(request: Request, client_id: str, order: ClientReviewOrder) -> dict[str, Any]:
        return client_json(
            service.review(_actor(request), client_id, approve=order.approve, note=order.note, seen=order.seen)
        )

    @routes.post("/{client_id}/secrets", status_code=201, summary="Make a secret; it is shown this once")
    def secret(request: Request, client_id: str) -> dict[str, Any]:
        made, text = service.new_secret(_actor(request), client_id)
        return {"id": made.id, "client_id": client_id, "client_secret": text}

    @routes.delete("/{client_id}/secrets", summary="End every secret at once")
    def end(request: Request, client_id: str) -> dict[str, Any]:
        return {"ended": service.end_secrets(_actor(request), client_id)}

    @routes.post("/{client_id}/switch", summary="Suspend an application, or let it go on")
    def switch(request: Request, client_id: str, order: ClientSwitchOrder) -> dict[str, Any]:
        return client_json(service.switch(_actor(request), client_id, off=order.off, reason=order.reason))

    _add_subscriptions(routes, subscriptions)
    return routes


def _add_subscriptions(routes: APIRouter, service: Subscriptions) -> None:
    @routes.get("/{client_id}/subscriptions", summary="The APIs that an application subscribes to")
    def subscribed(request: Request, client_id: str) -> dict[str, Any]:
        return {"subscriptions": [_subscription(one) for one in service.subscriptions(_actor(request), client_id)]}

    @routes.post("/{client_id}/subscriptions", status_code=201, summary="Subscribe to an API")
    def subscribe(request: Request, client_id: str, order: SubscribeOrder) -> dict[str, Any]:
        return _subscription(service.ask(_actor(request), client_id, order.api, order.plan))

    @routes.post("/subscriptions/{subscription_id}/review", summary="Decide on a subscription that waits")
    def decide(request: Request, subscription_id: str, order: SubscriptionReviewOrder) -> dict[str, Any]:
        return _subscription(service.decide(_actor(request), subscription_id, approve=order.approve, note=order.note))

    @routes.delete("/subscriptions/{subscription_id}", summary="End a subscription")
    def end(request: Request, subscription_id: str) -> dict[str, Any]:
        return _subscription(service.end(_actor(request), subscription_id))

    @routes.get("/{client_id}/use", summary="What an application asked of its APIs, by the hour")
    def use(request: Request, client_id: str, days: Annotated[int, Query(ge=1, le=366)] = 14) -> dict[str, Any]:
        found = service.use(_actor(request), client_id, days)
        return {
            "use": [
                {
                    "hour": one.hour.isoformat(),
                    "api": one.api,
                    "calls": one.calls,
                    "errors": one.errors,
                    "refused": one.refused,
                    "p95_ms": one.p95,
                }
                for one in found
            ]
        }


def client_json(client: Client) -> dict[str, Any]:
    """Return an application as JSON has it."""
    return {
        "client_id": client.id,
        "owner": client.org_id,
        "state": client.state.value,
        **client.facts.to_json(),
        "proposed": None if client.proposed is None else client.proposed.to_json(),
        "by": client.by,
        "at": client.at.isoformat(),
        "decided_by": client.decided_by,
        "note": client.note,
        "seen": client.shown.token,
    }


def farewell_json(one: Farewell) -> dict[str, Any]:
    """Return a farewell as JSON has it; whose sign-on it was stays with the application, by the ``sid``."""
    return {
        "id": one.id,
        "sid": one.family_id,
        "state": one.state.value,
        "tries": one.attempts,
        "made_at": one.made_at.isoformat(),
        "next_at": one.next_at.isoformat() if one.state is FarewellState.WAITING else None,
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
        "error": one.error,
    }


def _subscription(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id,
        "client_id": one.client_id,
        "api": one.api,
        "name": one.name,
        "plan": one.plan.value,
        "per_minute": one.plan.per_minute,
        "per_day": one.plan.per_day,
        "state": one.state.value,
        "by": one.by,
        "decided_by": one.decided_by,
        "note": one.note,
    }


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
