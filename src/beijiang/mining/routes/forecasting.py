"""The JSON API of forecasts: declare, have them made, read them with their back-tests and with what came true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, Text
from beijiang.mining.models import Effort, ForecastDraft, SourceKind

if TYPE_CHECKING:
    from beijiang.mining.models import Declared, Forecast, ForecastRun, Method, NoForecast, Score
    from beijiang.mining.service import Expected, Forecasts, SeriesLine, SeriesView

__all__ = ["forecasts_router"]

_Column = Annotated[str, Field(max_length=200)]
_Waiting = Annotated[bool, Query(description="Only those whose card waits for whoever asks.")]


class ForecastOrder(BaseModel):
    """A forecast: over a table (``series``, ``period`` and ``value`` name its columns), or over an indicator by its code."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=200)
    kind: SourceKind = SourceKind.TABLE
    source: str = Field(min_length=1, max_length=200)
    target: str = Field(default="", max_length=190)
    series: list[_Column] = Field(default=[], max_length=6)
    period: str = Field(default="", max_length=200)
    value: str = Field(default="", max_length=200)
    definition: str = Field(default="", max_length=200)
    horizon: int = Field(default=0, ge=0, le=24)
    effort: Effort = Effort.USUAL
    on_write: bool = True
    reason: str = Field(default="", max_length=1000)

    def draft(self) -> ForecastDraft:
        """Return the order as a draft."""
        said = self.model_dump(exclude={"series", "reason", "target"})
        return ForecastDraft(**said, series=tuple(self.series), target=self.target or f"{self.source}_预测")


class CardOrder(BaseModel):
    """What a forecast is for, and for what it is not."""

    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(min_length=1, max_length=2000)
    limits: str = Field(min_length=1, max_length=2000)


class CardDecision(BaseModel):
    """A decision on a card; ``seen`` is the token of the card that was read."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    note: str = Field(min_length=1, max_length=2000)
    seen: str = Field(default="", max_length=200)


def forecasts_router(service: Forecasts) -> APIRouter:
    """Return the endpoints under ``/api/v1/forecasts``."""
    routes = APIRouter(prefix="/api/v1", tags=["forecasts"])

    @routes.get("/forecasts", summary="The forecasts in force that one may see")
    def all_(request: Request, waiting: _Waiting = False) -> dict[str, Any]:
        who = _actor(request)
        return {
            "forecasts": [_forecast(one) for one in (service.to_approve(who) if waiting else service.forecasts(who))]
        }

    @routes.post("/forecasts/check", summary="Which series a declaration comes to, and why some have no forecast")
    def check(request: Request, order: ForecastOrder) -> dict[str, Any]:
        return declared(service.check(_actor(request), order.draft()))

    @routes.post("/forecasts", status_code=201, summary="Put a forecast in force; it fills two tables of its own")
    def save(request: Request, order: ForecastOrder) -> dict[str, Any]:
        return _forecast(service.save(_actor(request), order.draft(), order.reason))

    @routes.get("/forecasts/{forecast}", summary="A forecast, by its id or the table that it fills")
    def one(request: Request, forecast: str) -> dict[str, Any]:
        return _forecast(service.forecast(_actor(request), forecast))

    @routes.put("/forecasts/{forecast}", summary="Make a new revision, with a reason; source and tables stay")
    def change(request: Request, forecast: str, order: ForecastOrder) -> dict[str, Any]:
        return _forecast(service.change(_actor(request), forecast, order.draft(), order.reason))

    @routes.delete("/forecasts/{forecast}", status_code=204, summary="Let a forecast run no more; its tables stay")
    def retire(request: Request, forecast: str, reason: Annotated[str, Query(min_length=1, max_length=1000)]) -> None:
        service.retire(_actor(request), forecast, reason)

    @routes.get("/forecasts/{forecast}/history", summary="All revisions of a forecast")
    def history(request: Request, forecast: str) -> dict[str, Any]:
        return {"history": [_forecast(one) for one in service.history(_actor(request), forecast)]}

    @routes.get(
        "/forecasts/{forecast}/card", summary="The model card: purpose, data, back-test, limits, who approved it"
    )
    def card(request: Request, forecast: str) -> dict[str, Any]:
        return dict(service.card(_actor(request), forecast).to_json())

    @routes.put(
        "/forecasts/{forecast}/card", summary="Say what a forecast is for and where it ends, for another to approve"
    )
    def describe(request: Request, forecast: str, order: CardOrder) -> dict[str, Any]:
        return dict(service.describe(_actor(request), forecast, order.purpose, order.limits).to_json())

    @routes.post("/forecasts/{forecast}/card/decide", summary="Approve a card or send it back; never one's own")
    def decide(request: Request, forecast: str, order: CardDecision) -> dict[str, Any]:
        who, seen = _actor(request), order.seen
        return dict(service.decide_card(who, forecast, approve=order.approve, note=order.note, seen=seen).to_json())

    @routes.post("/forecasts/{forecast}/run", status_code=202, summary="Have a forecast made anew")
    def run(request: Request, forecast: str) -> dict[str, Any]:
        return {"job": service.run(_actor(request), forecast)}

    @routes.get("/forecasts/{forecast}/runs", summary="The runs of a forecast, newest first")
    def runs(request: Request, forecast: str) -> dict[str, Any]:
        return {"runs": [run_facts(one) for one in service.runs(_actor(request), forecast)]}

    @routes.get("/forecasts/{forecast}/series", summary="The series of a run with their back-tests, through the gate")
    def series(request: Request, forecast: str, run: Annotated[int, Query(ge=0, le=10**9)] = 0) -> dict[str, Any]:
        found, lines = service.series(_actor(request), forecast, run)
        return {"run": None if found is None else run_facts(found), "series": [line_facts(one) for one in lines]}

    @routes.get(
        "/forecasts/{forecast}/values",
        summary="One series: past, forecast, back-test, earlier forecasts against what came true, through the gate",
    )
    def values(
        request: Request,
        forecast: str,
        key: Annotated[list[Annotated[str, Field(max_length=400)]], Query(max_length=6)] = [],  # noqa: B006 - pydantic copies it
        run: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> dict[str, Any]:
        return view_facts(service.one_series(_actor(request), forecast, key, run))

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _forecast(one: Forecast) -> dict[str, Any]:
    return {
        "id": one.id,
        "revision": one.revision,
        "name": one.name,
        "organisation": one.org_id,
        "kind": one.kind.value,
        "source": one.source,
        "target": one.target,
        "tests": one.tests,
        **one.to_json(),
        "reason": one.reason,
        "by": one.owner.name,
        "at": one.at.isoformat(),
    }


def _without(found: NoForecast | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"why": found.why.value, "facts": _words(found.facts), "next": _words(found.next_step)}


def declared(found: Declared) -> dict[str, Any]:
    """Return what a declaration comes to as JSON."""
    return {
        "frequency": found.frequency.value,
        "series": found.series,
        "ready": found.ready,
        "first": found.first.isoformat(),
        "last_period": found.last_period,
        "without": [{"key": list(key), **(_without(reason) or {})} for key, reason in found.without],
    }


def run_facts(run: ForecastRun) -> dict[str, Any]:
    """Return a run as JSON."""
    return {
        "id": run.id,
        "number": run.number,
        "revision": run.revision,
        "at": run.at.isoformat(),
        "cause": run.cause.value,
        "seconds": round(run.seconds, 2),
        "frequency": run.frequency.value if run.frequency else None,
        "data_version": run.data_version,
        "calendar": run.calendar,
        "model": run.model,
        "seed": run.seed,
        "last_period": run.last_period,
        "series": run.series,
        "done": run.done,
        "without": dict(run.without),
        "methods": dict(run.methods),
        "mase": run.mase,
        "naive_mase": run.naive_mase,
        "cover80": run.cover80,
        "version": run.version,
        "error": None if run.error is None else _words(run.error),
    }


def line_facts(line: SeriesLine) -> dict[str, Any]:
    """Return a series of a run as JSON."""
    return {
        "key": list(line.key),
        "method": None if line.method is None else line.method.value,
        "beats_naive": line.beats_naive,
        "scores": {method.value: _score(method, score) for method, score in line.scores.items()},
        "festival": line.festival,
        "working_day": line.working_day,
        "filled": line.filled,
        "without": _without(line.without),
    }


def _score(method: Method, score: Score) -> dict[str, Any]:
    return {
        "name": _words(method.text),
        "mase": score.mase,
        "smape": score.smape,
        "cover80": score.cover80,
        "cover95": score.cover95,
        "points": score.points,
    }


def view_facts(view: SeriesView) -> dict[str, Any]:
    """Return one series as JSON."""
    return {
        "run": run_facts(view.run),
        **line_facts(view.line),
        "grade": view.grade,
        "past": [{"period": period, "value": value} for period, value in view.past],
        "unseen": None if view.unseen is None else _words(view.unseen),
        "forecast": [_expected(one) for one in view.expected],
        "came_true": [
            {
                **_expected(one.forecast),
                "run": one.forecast.run,
                "actual": one.actual,
                "error": one.error,
                "held": one.held,
            }
            for one in view.kept
        ],
    }


def _expected(one: Expected) -> dict[str, Any]:
    return {
        "period": one.period,
        "middle": one.middle,
        "low80": one.low80,
        "high80": one.high80,
        "low95": one.low95,
        "high95": one.high95,
    }
