"""The JSON API of services: what departments declare, and what consumers call under a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from beijiang.exchange.models import ServiceDraft, ServiceMove, ServiceQuery, ServiceState
from beijiang.exchange.routes.sharing import actor_of, step_json
from beijiang.kit import Invalid
from beijiang.protection import files

if TYPE_CHECKING:
    from beijiang.exchange.models import Service, ServicePlan, ServiceStats, ServiceVersion, ServiceView
    from beijiang.exchange.service import Services

__all__ = ["service_json", "services"]

_Words = Annotated[str, Field(max_length=2000)]
_Value = str | int | float | bool
_Values = Annotated[dict[str, _Value], Field(max_length=60)]
CALL_TEXT = (
    "Parameters as the service declares them. The header X-Beijiang-Purpose states the code of the purpose; it has to be "
    "one that a grant of yours is for. The answer names its receipt, and the SM3 digests that are in it (over salt, line "
    "feed, JSON with sorted keys and no blanks)."
)


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ServiceOrder(ServiceDraft):
    """What is declared of a service, with its secret; it is sealed and never shown again."""

    secret: SecretStr | None = Field(default=None, description="Left out at a change: the one before.")

    def draft(self) -> ServiceDraft:
        """Return it as the service takes it."""
        return ServiceDraft(resource_id=self.resource_id, name=self.name, purpose=self.purpose, spec=self.spec)

    def word(self) -> str | None:
        """Return the secret."""
        return None if self.secret is None else self.secret.get_secret_value()


class TestOrder(_Order):
    """Parameters of a test call; none at all: the sample."""

    parameters: _Values | None = None


class MoveOrder(_Order):
    """A step with a service."""

    move: ServiceMove
    words: _Words = ""


class CallOrder(_Order):
    """Parameters of a call."""

    parameters: _Values = {}


def services(service: Services) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/services``."""
    routes = APIRouter(prefix="/api/v1/exchange/services", tags=["exchange"])
    _add_provider(routes, service)

    @routes.get("", summary="Services that are offered, and your department's own")
    def listed(
        request: Request, find: Annotated[str, Query(max_length=200)] = "", state: ServiceState | None = None
    ) -> dict[str, Any]:
        found, count = service.services(actor_of(request), ServiceQuery(words=find, state=state))
        return {"count": count, "services": [service_json(one) for one in found]}

    @routes.get("/{service_id}", summary="What a service takes and answers; for its department how it does")
    def one(request: Request, service_id: str) -> dict[str, Any]:
        return _view(service.view(actor_of(request), service_id))

    @routes.post("/{service_id}/call", summary="Call a service under your grant", description=CALL_TEXT)
    def call(
        request: Request,
        service_id: str,
        order: CallOrder,
        purpose: Annotated[str, Header(alias="X-Beijiang-Purpose")] = "",
    ) -> Response:
        found = service.call(actor_of(request), service_id, order.parameters, purpose)
        body = {
            "service": found.service_id,
            "version": found.version,
            "columns": [
                {"name": c.name, "type": c.type, "grade": c.grade, "masked": c.masked, "mask": c.mask}
                for c in found.columns
            ],
            "rows": found.rows,
            "left_out": found.left_out,
            "more": found.more,
            "receipt": found.receipt,
            "in_doubt": [*found.in_doubt],
            "grant": found.grant_id,
            "salt": found.salt,
            "request_sm3": found.request_sm3,
            "response_sm3": found.response_sm3,
        }
        content = orjson.dumps(body, default=files.plain)
        headers = {"X-Beijiang-Receipt": found.receipt, "Cache-Control": "no-store"}
        return Response(content, media_type="application/json", headers=headers)

    return routes


def _add_provider(routes: APIRouter, service: Services) -> None:
    @routes.post("", status_code=201, summary="Register a service behind an entry of your department")
    def register(request: Request, order: ServiceOrder) -> dict[str, Any]:
        return service_json(service.register(actor_of(request), order.draft(), order.word() or ""))

    @routes.put("/{service_id}", summary="Declare it anew; what is offered goes on until the new version is")
    def change(request: Request, service_id: str, order: ServiceOrder) -> dict[str, Any]:
        return service_json(service.change(actor_of(request), service_id, order.draft(), order.word()))

    @routes.post("/{service_id}/test", summary="Call the newest version, and see whether its answer fits")
    def test(request: Request, service_id: str, order: TestOrder) -> dict[str, Any]:
        found = service.test(actor_of(request), service_id, order.parameters)
        return {
            "ok": found.ok,
            "version": found.version,
            "millis": found.millis,
            "records": found.records,
            "unfit": found.unfit,
            "problems": [*found.problems],
            "filled": dict(found.filled),
        }

    @routes.get("/{service_id}/plan", summary="What a step would do")
    def plan(request: Request, service_id: str, move: ServiceMove) -> dict[str, Any]:
        return _plan(service.plan(actor_of(request), service_id, move))

    @routes.post("/{service_id}/move", summary="Offer, pause, resume or retire it")
    def move(request: Request, service_id: str, order: MoveOrder) -> dict[str, Any]:
        who = actor_of(request)
        if order.move is ServiceMove.OFFER:
            return service_json(service.offer(who, service_id))
        steps = {
            ServiceMove.PAUSE: service.pause,
            ServiceMove.RESUME: service.resume,
            ServiceMove.RETIRE: service.retire,
        }
        if order.move not in steps:
            raise Invalid(
                "这一步请用登记、修改或测试接口。",
                "Register, change and test have addresses of their own.",
                code="no_move",
            )
        return service_json(steps[order.move](who, service_id, order.words))


def service_json(one: Service) -> dict[str, Any]:
    """Return a service as everybody may see it."""
    return {
        "id": one.id,
        "name": one.name,
        "purpose": one.purpose,
        "resource_id": one.resource_id,
        "resource": one.resource_name,
        "provider_id": one.provider_id,
        "state": one.state.value,
        "version": one.live,
        "newest": one.newest,
        "reason": one.reason,
        "changed_at": one.changed_at.isoformat(),
    }


def _plan(one: ServicePlan) -> dict[str, Any]:
    return {
        "move": one.move.value,
        "possible": one.possible,
        "problems": [{"code": p.code, "zh": p.text.zh, "en": p.text.en, "column": p.column} for p in one.problems],
        "from_version": one.from_version,
        "to_version": one.to_version,
        "grants": one.grants,
        "departments": [*one.orgs],
        "lost_fields": [*one.lost],
        "changed_parameters": [*one.parameters],
        "address_moves": one.address_moves,
    }


def _version(one: ServiceVersion) -> dict[str, Any]:
    return {
        "number": one.number,
        "state": one.state.value,
        "by": one.by_name,
        "at": one.at.isoformat(),
        "has_secret": bool(one.secret),
        "spec": one.spec.model_dump(mode="json"),
    }


def _stats(one: ServiceStats | None) -> dict[str, Any] | None:
    if one is None:
        return None
    names = ("calls", "answered", "errors", "held_back", "limited", "rows", "mean", "half", "most", "slowest")
    return {name: getattr(one, name) for name in names}


def _view(view: ServiceView) -> dict[str, Any]:
    spec = view.version.spec
    found = {
        **service_json(view.service),
        "method": spec.method,
        "parameters": [one.model_dump(mode="json") for one in spec.parameters],
        "fields": [one.model_dump(mode="json", exclude={"path"}) for one in spec.fields],
        "per_minute": spec.consumer_per_minute,
        "max_rows": spec.max_rows,
        "grants": [*view.grants],
        "stats": _stats(view.stats),
        "breaker": "closed" if view.breaker is None else view.breaker.state.value,
        "probes": [{"at": p.at.isoformat(), "ok": p.ok, "millis": p.millis, "reason": p.reason} for p in view.probes],
        "steps": [step_json(step) for step in view.steps],
        "consumers": {org: _stats(stats) for org, stats in view.consumers},
    }
    if view.may_manage:
        found["versions"] = [_version(one) for one in view.versions]
    return found
