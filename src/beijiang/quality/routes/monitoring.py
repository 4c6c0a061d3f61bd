"""The JSON API of monitors: what is usual for a table, what was found, and what people decided."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.quality.models import Decision, Monitor

if TYPE_CHECKING:
    from beijiang.quality.models import Finding, MonitorSetting
    from beijiang.quality.service import MonitorReport, Monitors

__all__ = ["monitors_router"]


class DecisionOrder(BaseModel):
    """What a person says of a finding; a snooze needs the day until which nobody is told."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision
    reason: str = Field(min_length=1, max_length=1000)
    until: date | None = None
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the finding as it was read; without it nothing is decided."""


class MonitorOrder(BaseModel):
    """How a table wants to be watched: off, or with limits of its own."""

    model_config = ConfigDict(extra="forbid")

    is_on: bool = True
    limits: dict[str, float] = {}
    reason: str = Field(min_length=1, max_length=1000)


def monitors_router(service: Monitors) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["quality"])

    @routes.get("/quality/findings", summary="What monitors found, what goes on first")
    def findings(request: Request, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> dict[str, Any]:
        return {"findings": [_finding(f) for f in service.findings(_actor(request), limit)]}

    @routes.post("/quality/findings/{finding}/decision", summary="Say that a finding is as expected, or snooze it")
    def decide(request: Request, finding: str, order: DecisionOrder) -> dict[str, Any]:
        made = service.decide(_actor(request), finding, order.decision, order.reason, order.until, seen=order.seen)
        return _finding(made)

    @routes.get("/tables/{name}/quality/monitors", summary="How a table is watched: history, what is usual, findings")
    def report(request: Request, name: str) -> dict[str, Any]:
        return _report(service.report(_actor(request), name))

    @routes.post("/tables/{name}/quality/monitors/look", summary="Look into the newest version now")
    def look(request: Request, name: str) -> dict[str, Any]:
        return _report(service.look(_actor(request), name))

    @routes.put("/tables/{name}/quality/monitors/{monitor}", summary="Watch a table otherwise, with a reason")
    def set_monitor(request: Request, name: str, monitor: Monitor, order: MonitorOrder) -> dict[str, Any]:
        return _setting(
            service.set_monitor(_actor(request), name, monitor, order.reason, is_on=order.is_on, limits=order.limits)
        )

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _number(value: float | None) -> float | None:
    return None if value is None or value == float("inf") else value


def _report(found: MonitorReport) -> dict[str, Any]:
    band = found.band
    return {
        "table": found.table,
        "usual": None
        if band is None
        else {
            "low": band.low,
            "high": _number(band.high),
            "points": band.points,
            "of": {"zh": band.of.zh, "en": band.of.en},
        },
        "known": found.known,
        "observations": [
            {
                "version": o.version,
                "day": o.day.isoformat(),
                "mode": o.mode,
                "rows": o.rows,
                "delivered": o.volume,
                "looked_into": o.looks is not None,
                "expected": o.expected,
            }
            for o in found.observations
        ],
        "findings": [_finding(f) for f in found.findings],
        "settings": [_setting(s) for s in found.settings.values()],
        "freshness": None if found.freshness is None else found.freshness.to_json(),
    }


def _finding(f: Finding) -> dict[str, Any]:
    call = f.call
    return {
        "id": f.id,
        "table": f.table,
        "version": f.version,
        "monitor": call.monitor.value,
        "aspect": call.aspect,
        "column": call.column,
        "severity": call.severity.value,
        "low": _number(call.low),
        "high": _number(call.high),
        "came": call.came,
        "words": {"zh": call.words.zh, "en": call.words.en},
        "at": f.at.isoformat(),
        "state": f.state.value,
        "until": f.until.isoformat() if f.until else None,
        "decided_by": f.decided_by,
        "reason": f.reason,
        "over_at": f.over_at.isoformat() if f.over_at else None,
        "seen": f.shown.token,
    }


def _setting(s: MonitorSetting) -> dict[str, Any]:
    return {"monitor": s.monitor.value, "is_on": s.is_on, "limits": dict(s.limits), "reason": s.reason}
