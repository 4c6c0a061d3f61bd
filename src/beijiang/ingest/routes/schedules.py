"""The JSON API of schedules, limits, promises of freshness and alerts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.ingest.models import QuietWindow, ScheduleDraft, SourceLimits, Timing, TimingKind
from beijiang.ingest.service import Alerts, FreshnessBoard, Schedules
from beijiang.kit import Actor
from beijiang.web.bounds import Number, Whole

__all__ = ["schedules_router"]

_Id = Annotated[str, Field(min_length=1, max_length=100)]
_Table = Annotated[str, Field(min_length=1, max_length=200)]


class _Order(BaseModel):
    """A body takes the fields that it names and no others."""

    model_config = ConfigDict(extra="forbid")


class TimingOrder(_Order):
    """When it runs, in the installation's time."""

    kind: TimingKind
    minutes: Whole = Field(default=0, strict=True, description="Distance (every).")
    at: list[str] = Field(default_factory=list, max_length=24, description="Times of the day, 06:30.")
    days: list[Whole] = Field(
        default_factory=list, max_length=31, description="Days of the week or month, or n-th working days."
    )
    after: list[_Id] = Field(default_factory=list, max_length=50, description="Tables or syncs that it follows.")
    cron: str = Field(default="", max_length=100, description="Five fields.")

    def timing(self) -> Timing:
        """Return the rule."""
        return Timing(
            kind=self.kind,
            minutes=self.minutes,
            at=tuple(self.at),
            days=tuple(self.days),
            after=tuple(self.after),
            cron=self.cron,
        )


class PlanOrder(_Order):
    """What is to happen by itself."""

    timing: TimingOrder
    whole: bool = Field(default=False, strict=True, description="Read everything each time.")
    retries: int = Field(default=3, ge=0, le=10, strict=True)
    backoff: int = Field(default=60, ge=1, le=21_600, strict=True, description="Seconds before the first new try.")

    def draft(self) -> ScheduleDraft:
        """Return the draft."""
        return ScheduleDraft(timing=self.timing.timing(), whole=self.whole, retries=self.retries, backoff=self.backoff)


class ScheduleOrder(PlanOrder):
    """A schedule for a sync."""

    sync: str = Field(min_length=1, max_length=200, description="Table, or id of the sync.")


class PauseOrder(_Order):
    """Why a schedule rests."""

    reason: str = Field(default="", max_length=500)


class QuietOrder(_Order):
    """Hours in which no run of a source begins."""

    start: str = Field(max_length=5)
    end: str = Field(max_length=5)
    working_days: bool = Field(default=False, strict=True)


class LimitsOrder(_Order):
    """How much a source bears."""

    at_once: int = Field(ge=1, le=16, strict=True)
    quiet: list[QuietOrder] = Field(default_factory=list, max_length=10)


class PromiseOrder(_Order):
    """How old a table's data may be; 0 minutes takes the promise back."""

    minutes: Number = Field(strict=True)
    grace_minutes: Number = Field(default=0, strict=True)
    working_days: bool = Field(default=False, strict=True)


class AnswerOrder(_Order):
    """What is done about an alert."""

    answer: str = Field(default="", max_length=1000)


def schedules_router(schedules: Schedules, freshness: FreshnessBoard, alerts: Alerts) -> APIRouter:
    """Return the endpoints below ``/api/v1/schedules``, ``/api/v1/freshness`` and ``/api/v1/alerts``."""
    api = APIRouter(prefix="/api/v1", tags=["schedules"])

    @api.get("/schedules", summary="Schedules, by table")
    def list_(request: Request, sync: str | None = None) -> dict[str, Any]:
        return {"schedules": [s.to_json() for s in schedules.schedules(_actor(request), sync)]}

    @api.post("/schedules", status_code=201, summary="Have a sync run by itself")
    def add(request: Request, order: ScheduleOrder) -> dict[str, Any]:
        return schedules.add(_actor(request), order.sync, order.draft()).to_json()

    @api.post("/schedules/preview", summary="A timing in words, with its next moments; nothing is saved")
    def preview(request: Request, order: TimingOrder) -> dict[str, Any]:
        return schedules.preview(_actor(request), order.timing()).to_json()

    @api.get("/schedules/{schedule}", summary="One schedule, and what it waits for")
    def show(request: Request, schedule: _Id) -> dict[str, Any]:
        actor = _actor(request)
        waits = schedules.waits(actor, schedule)
        told = None if waits is None else {"zh": waits.zh, "en": waits.en}
        return {**schedules.schedule(actor, schedule).to_json(), "waits": told}

    @api.put("/schedules/{schedule}", summary="Replace when and how a schedule runs")
    def change(request: Request, schedule: _Id, order: PlanOrder) -> dict[str, Any]:
        return schedules.change(_actor(request), schedule, order.draft()).to_json()

    @api.delete("/schedules/{schedule}", summary="Forget a schedule")
    def remove(request: Request, schedule: _Id) -> dict[str, Any]:
        schedules.remove(_actor(request), schedule)
        return {"removed": schedule}

    @api.get("/schedules/{schedule}/slots", summary="What became of its moments, newest first")
    def slots(request: Request, schedule: _Id, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> dict[str, Any]:
        return {"slots": [s.to_json() for s in schedules.slots(_actor(request), schedule, limit)]}

    @api.post("/schedules/{schedule}/pause", summary="Let a schedule rest")
    def pause(request: Request, schedule: _Id, order: PauseOrder) -> dict[str, Any]:
        return schedules.pause(_actor(request), schedule, order.reason).to_json()

    @api.post("/schedules/{schedule}/resume", summary="Let a schedule run again, under the actor's name")
    def resume(request: Request, schedule: _Id) -> dict[str, Any]:
        return schedules.resume(_actor(request), schedule).to_json()

    @api.post("/schedules/{schedule}/run", status_code=202, summary="Run it now, by hand")
    def run(request: Request, schedule: _Id) -> dict[str, Any]:
        actor = _actor(request)
        return schedules.sources.ingest.run(actor, schedules.run_now(actor, schedule)).to_json()

    @api.get("/sources/{source}/limits", summary="Runs of a source at once, and its quiet hours")
    def limits(request: Request, source: _Id) -> dict[str, Any]:
        return schedules.limits(_actor(request), source).to_json()

    @api.put("/sources/{source}/limits", summary="Say how much a source bears")
    def set_limits(request: Request, source: _Id, order: LimitsOrder) -> dict[str, Any]:
        quiet = tuple(QuietWindow(**q.model_dump()) for q in order.quiet)
        made = SourceLimits(at_once=order.at_once, quiet=quiet)
        return schedules.set_limits(_actor(request), source, made).to_json()

    @api.get("/freshness", summary="How tables stand to their promises, the worst first")
    def board(request: Request) -> dict[str, Any]:
        return {"tables": [f.to_json() for f in freshness.freshness(_actor(request))]}

    @api.get("/freshness/{table}", summary="How one table stands to its promise")
    def one(request: Request, table: _Table) -> dict[str, Any]:
        return freshness.freshness(_actor(request), table)[0].to_json()

    @api.put("/freshness/{table}/promise", summary="Promise how old a table's data may be")
    def promise(request: Request, table: _Table, order: PromiseOrder) -> dict[str, Any]:
        made = freshness.promise(
            _actor(request),
            table,
            order.minutes,
            grace_minutes=order.grace_minutes,
            working_days=order.working_days,
        )
        return made.to_json()

    @api.get("/alerts", summary="What somebody should look after, newest first")
    def list_alerts(
        request: Request, closed: bool = False, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> dict[str, Any]:
        return {"alerts": [a.to_json() for a in alerts.alerts(_actor(request), closed=closed, limit=limit)]}

    @api.post("/alerts/{alert}/acknowledge", summary="Say that somebody looks after it")
    def acknowledge(request: Request, alert: _Id, order: AnswerOrder) -> dict[str, Any]:
        return alerts.acknowledge(_actor(request), alert, order.answer).to_json()

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
