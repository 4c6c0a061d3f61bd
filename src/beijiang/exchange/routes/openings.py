"""The JSON API of conditional opening: conditions, applications of the public, and what is published of them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.models import ApplicationDraft, ConditionsDraft, Item, Way
from beijiang.exchange.routes.sharing import ItemOrder, WordsOrder, actor_of, step_json

if TYPE_CHECKING:
    from beijiang.exchange.models import ApplicationView, Outcomes
    from beijiang.exchange.models import Request as ShareRequest
    from beijiang.exchange.service import Openings
    from beijiang.kit import Text

__all__ = ["openings", "outcomes_json"]

_Text = Annotated[str, Field(max_length=4000)]
_Words = Annotated[str, Field(max_length=2000)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConditionsOrder(_Order):
    """For whom, for what, by which ways, with which duties, how long, under which agreement."""

    who: _Text
    purposes: list[str] = Field(max_length=50)
    ways: list[Way] = [Way.PAGE, Way.API, Way.FILE]
    duties: _Text
    months: int = Field(ge=1, le=36)
    agreement: _Text

    def draft(self) -> ConditionsDraft:
        """Return it as the service takes it."""
        return ConditionsDraft(
            who=self.who,
            purposes=frozenset(self.purposes),
            ways=frozenset(self.ways),
            duties=self.duties,
            months=self.months,
            agreement=self.agreement,
        )


class ApplicationOrder(_Order):
    """An application; ``agreed`` is the digest of the conditions that were read."""

    resource_id: str = Field(max_length=40)
    items: list[ItemOrder] = Field(max_length=2000)
    ways: list[Way] = [Way.API]
    since: date
    until: date
    purpose: str = Field(max_length=40)
    use: _Words
    products: _Words
    measures: _Words
    agreed: str = Field(max_length=100)

    def draft(self) -> ApplicationDraft:
        """Return it as the service takes it."""
        told = self.model_dump(include={"resource_id", "since", "until", "purpose", "use", "products", "measures"})
        items = tuple(Item(item.column, item.handling) for item in self.items)
        return ApplicationDraft(**told, items=items, ways=frozenset(self.ways), agreed=self.agreed)


class CompletedOrder(ApplicationOrder):
    """The completed application, and what was done."""

    words: _Words


def openings(service: Openings) -> APIRouter:
    """Return the endpoints under ``/api/v1/openings``."""
    routes = APIRouter(prefix="/api/v1/openings", tags=["openings"])

    @routes.get("/outcomes", summary="What became of applications of the public; nothing of who applied but the kind")
    def outcomes(request: Request, dataset: Annotated[str, Query(max_length=40)] = "") -> dict[str, Any]:
        return outcomes_json(service.outcomes(actor_of(request), dataset))

    @routes.get("/applications", summary="Your own applications, newest first")
    def applications(request: Request) -> dict[str, Any]:
        return {"applications": [_view(one) for one in service.applications(actor_of(request))]}

    @routes.post("/applications", status_code=201, summary="Apply for data that are open on conditions")
    def apply(request: Request, order: ApplicationOrder) -> dict[str, Any]:
        return _request(service.apply(actor_of(request), order.draft()))

    @routes.get(
        "/applications/{application}", summary="One of your applications: stages, time, what happened, the grant"
    )
    def application(request: Request, application: str) -> dict[str, Any]:
        return _view(service.application(actor_of(request), application))

    @routes.post("/applications/{application}/supply", summary="Complete an application that was sent back")
    def supply(request: Request, application: str, order: CompletedOrder) -> dict[str, Any]:
        return _request(service.supply(actor_of(request), application, order.draft(), order.words))

    @routes.post("/applications/{application}/withdraw", summary="Take it back before it is decided")
    def withdraw(request: Request, application: str, order: WordsOrder) -> dict[str, Any]:
        return _request(service.withdraw(actor_of(request), application, order.words))

    @routes.post("/applications/{application}/appeal", summary="Appeal once against a refusal, in time")
    def appeal(request: Request, application: str, order: WordsOrder) -> dict[str, Any]:
        return _request(service.appeal(actor_of(request), application, order.words))

    @routes.post("/applications/{application}/give-up", summary="End what was granted, as it is needed no longer")
    def give_up(request: Request, application: str, order: WordsOrder) -> dict[str, Any]:
        return {"standing": service.give_up(actor_of(request), application, order.words).state.value}

    @routes.get("/{dataset}", summary="The conditions on which a data set is open, with the agreement and its digest")
    def conditions(request: Request, dataset: str) -> dict[str, Any]:
        items = service.offered_items(actor_of(request), dataset)
        return {**service.conditions(actor_of(request), dataset).to_json(), "items": dict(items)}

    @routes.put("/{dataset}", summary="Set the conditions of a data set anew")
    def set_conditions(request: Request, dataset: str, order: ConditionsOrder) -> dict[str, Any]:
        return service.set_conditions(actor_of(request), dataset, order.draft()).to_json()

    return routes


def outcomes_json(found: Outcomes) -> dict[str, Any]:
    """Return what is published, as plain data."""
    return {
        "decided": found.decided,
        "waiting": found.waiting,
        "counts": {state.value: n for state, n in found.counts.items()},
        "mean_working_days": found.days,
        "outcomes": [
            {
                "dataset": one.resource_id,
                "title": one.resource_name,
                "applicant": one.kind.value,
                "purpose": one.purpose,
                "decision": one.decision.value,
                "working_days": one.days,
                "reason": _words(one.reason),
                "decided_on": one.decided_on.isoformat(),
                "appealed": one.appealed,
            }
            for one in found.outcomes
        ],
    }


def _request(one: ShareRequest) -> dict[str, Any]:
    said, application = one.draft, one.draft.application
    return {
        "id": one.id,
        "dataset": said.resource_id,
        "title": one.resource_name,
        "state": one.state.value,
        "stages": [{"id": stage.id, "name": _words(stage.name), "basis": stage.basis} for stage in one.stages],
        "at_stage": one.stage.id if one.stage else None,
        "items": [{"column": item.column, "handling": item.handling.value} for item in one.offered.items],
        "ways": sorted(way.value for way in one.offered.ways),
        "since": one.offered.since.isoformat(),
        "until": one.offered.until.isoformat(),
        "purpose": said.purpose,
        "use": said.use,
        "products": application.products if application else "",
        "measures": application.measures if application else "",
        "agreed": application.agreed if application else "",
        "submitted_at": None if one.submitted_at is None else one.submitted_at.isoformat(),
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "grant_id": one.grant_id,
    }


def _view(one: ApplicationView) -> dict[str, Any]:
    return {
        **_request(one.request),
        "standing": None if one.standing is None else one.standing.value,
        "due_on": None if one.deadline is None else one.deadline.last_day.isoformat(),
        "appeal_until": None if one.appeal_until is None else one.appeal_until.isoformat(),
        "usage": [{"day": day.day.isoformat(), "calls": day.calls, "rows": day.rows} for day in one.usage],
        "steps": [step_json(step) for step in one.steps],
        "may": {"supply": one.may_supply, "withdraw": one.may_withdraw, "give_up": one.may_give_up},
    }


def _words(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"zh": text.zh, "en": text.en}
