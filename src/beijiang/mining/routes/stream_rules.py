"""The JSON API of rules on streams and of their alerts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.mining.models import AlertQuery, AlertState, RuleDraft, Severity
from beijiang.web import content_disposition
from beijiang.web.bounds import Whole
from beijiang.web.described import CSV, files_of

if TYPE_CHECKING:
    from beijiang.mining.models import AlertStep, StreamRule, Trial
    from beijiang.mining.service import StreamRules

__all__ = ["stream_rules_router"]

_Note = Annotated[str, Field(max_length=1000)]
_Word = Annotated[str, Query(max_length=200)]


class _Order(BaseModel):
    """A body takes the fields that it names and no others."""

    model_config = ConfigDict(extra="forbid")


class RuleOrder(_Order):
    """A rule; lengths of time are seconds, levels are in the unit of the value."""

    name: str = Field(min_length=1, max_length=100)
    kind: str = Field(max_length=20, description="threshold, trend or missing.")
    key: str = Field(min_length=1, max_length=200, description="Column that tells sensors apart.")
    time: str = Field(min_length=1, max_length=200, description="Column of a reading's own time.")
    value: str = Field(default="", max_length=200, description="Column that is judged; none for a missing sensor.")
    side: str = Field(default="above", max_length=20)
    level: float = 0.0
    clear: float | None = None
    hold: Whole = 0
    settle: Whole = 0
    least: Whole = 0
    measure: str = Field(default="change", max_length=20)
    window: Whole = 3600
    readings: Whole = 5
    silence: Whole = 600
    sensors: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=5000)
    severity: str = Field(default="warning", max_length=20)
    quiet: str = Field(default="", max_length=11)
    zh: str = Field(default="", max_length=300)
    en: str = Field(default="", max_length=300)

    def draft(self) -> RuleDraft:
        """Return it as the service takes it."""
        return RuleDraft.from_json(self.model_dump())


class DeclareOrder(_Order):
    """A rule, and the stream whose readings it judges."""

    stream: str = Field(min_length=1, max_length=200, description="Id, name or table of the stream.")
    rule: RuleOrder


class TrialOrder(DeclareOrder):
    """A rule that is tried on the past."""

    days: float = Field(default=7, gt=0, le=92)


class RecordOrder(_Order):
    """A stream, and the new table that its alerts are written into."""

    stream: str = Field(min_length=1, max_length=200)
    table: str = Field(min_length=1, max_length=200)


class NoteOrder(_Order):
    """What is said about a step."""

    note: _Note = ""


class AssignOrder(NoteOrder):
    """Into whose hands an alert is put."""

    person: str = Field(min_length=1, max_length=100, description="Login or id.")


def stream_rules_router(service: StreamRules) -> APIRouter:
    """Return the endpoints under ``/api/v1/stream-rules`` and ``/api/v1/reading-alerts``."""
    api = APIRouter(prefix="/api/v1", tags=["stream-rules"])

    @api.get("/stream-rules", summary="Rules in force on the department's streams, or on one of them")
    def rules(request: Request, stream: _Word = "") -> dict[str, Any]:
        return {"rules": [rule_json(one) for one in service.rules(_actor(request), stream)]}

    @api.post("/stream-rules", status_code=201, summary="Have a stream's readings judged from now on")
    def declare(request: Request, order: DeclareOrder) -> dict[str, Any]:
        return rule_json(service.declare(_actor(request), order.stream, order.rule.draft()))

    @api.post("/stream-rules/trial", summary="What a rule would have raised in the last days; nothing is raised")
    def trial(request: Request, order: TrialOrder) -> dict[str, Any]:
        return trial_json(service.try_out(_actor(request), order.stream, order.rule.draft(), order.days))

    @api.post("/stream-rules/record", status_code=204, summary="Have a stream's alerts written into a new table")
    def record(request: Request, order: RecordOrder) -> None:
        service.record_into(_actor(request), order.stream, order.table)

    @api.get("/stream-rules/{rule}", summary="One rule: what it says and how it stands")
    def show(request: Request, rule: str) -> dict[str, Any]:
        return rule_json(service.rule(_actor(request), rule))

    @api.get("/stream-rules/{rule}/revisions", summary="All revisions of a rule, newest first")
    def revisions(request: Request, rule: str) -> dict[str, Any]:
        return {"revisions": service.revisions(_actor(request), rule)}

    @api.put("/stream-rules/{rule}", summary="Replace what a rule says; earlier revisions stay on record")
    def change(request: Request, rule: str, order: RuleOrder) -> dict[str, Any]:
        return rule_json(service.change(_actor(request), rule, order.draft()))

    @api.post("/stream-rules/{rule}/stop", summary="Judge no more by a rule")
    def stop(request: Request, rule: str) -> dict[str, Any]:
        return rule_json(service.stop_rule(_actor(request), rule))

    @api.get("/stream-rules/{rule}/timeline", summary="Readings of a sensor, the thresholds and the alerts")
    def timeline(
        request: Request,
        rule: str,
        sensor: Annotated[str, Query(min_length=1, max_length=200)],
        hours: Annotated[int, Query(ge=1, le=744)] = 24,
    ) -> dict[str, Any]:
        line = service.timeline(_actor(request), rule, sensor, hours)
        return {
            "sensor": line.sensor,
            "since": line.since.isoformat(),
            "until": line.until.isoformat(),
            "points": [list(one) for one in line.points],
            "rules": [rule_json(one) for one in line.rules],
            "alerts": [one.to_json() for one in line.alerts],
        }

    _add_alerts(api, service)
    return api


def _add_alerts(api: APIRouter, service: StreamRules) -> None:
    @api.get("/reading-alerts", summary="Alerts that one may see: those that last first, then the newest")
    def alerts(
        request: Request,
        state: AlertState | None = None,
        severity: Severity | None = None,
        lasting: bool | None = None,
        rule: _Word = "",
        stream: _Word = "",
        sensor: _Word = "",
        since: datetime | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        query = AlertQuery(
            state=state, severity=severity, lasting=lasting, rule=rule, stream=stream, sensor=sensor, since=since,
            limit=limit,
        )  # fmt: skip
        return {"alerts": [one.to_json() for one in service.alerts(_actor(request), query)]}

    @api.get(
        "/reading-alerts/export",
        summary="The same as CSV",
        response_class=Response,
        responses=files_of(CSV),
    )
    def export(request: Request, state: AlertState | None = None, lasting: bool | None = None) -> Response:
        content = service.export(_actor(request), AlertQuery(state=state, lasting=lasting))
        return Response(
            content,
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": content_disposition("读数预警.csv")},
        )

    @api.get("/reading-alerts/{alert}", summary="One alert with its history")
    def alert(request: Request, alert: str) -> dict[str, Any]:
        who = _actor(request)
        return {**service.alert(who, alert).to_json(), "history": [step_json(s) for s in service.steps(who, alert)]}

    @api.post("/reading-alerts/{alert}/acknowledge", summary="Say that one looks after it")
    def acknowledge(request: Request, alert: str, order: NoteOrder) -> dict[str, Any]:
        return service.acknowledge(_actor(request), alert, order.note).to_json()

    @api.post("/reading-alerts/{alert}/assign", summary="Put it into somebody's hands, who is told")
    def assign(request: Request, alert: str, order: AssignOrder) -> dict[str, Any]:
        return service.assign(_actor(request), alert, order.person, order.note).to_json()

    @api.post("/reading-alerts/{alert}/close", summary="Say how it ended; words are needed")
    def close(request: Request, alert: str, order: NoteOrder) -> dict[str, Any]:
        return service.close(_actor(request), alert, order.note).to_json()

    @api.post("/reading-alerts/{alert}/reopen", summary="Take a closed alert up again")
    def reopen(request: Request, alert: str, order: NoteOrder) -> dict[str, Any]:
        return service.reopen(_actor(request), alert, order.note).to_json()


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def rule_json(rule: StreamRule) -> dict[str, Any]:
    """Return a rule as JSON has it."""
    return {
        "id": rule.id,
        "revision": rule.revision,
        "stream": rule.stream_id,
        "table": rule.table,
        "organisation": rule.org_id,
        "active": rule.active,
        "late": rule.late,
        "trouble": rule.trouble,
        "set_by": rule.set_by,
        "set_at": rule.set_at.isoformat(),
        "rule": rule.draft.to_json(),
    }


def trial_json(trial: Trial) -> dict[str, Any]:
    """Return what a trial found as JSON has it."""
    return {
        "since": trial.since.isoformat(),
        "until": trial.until.isoformat(),
        "readings": trial.readings,
        "sensors": trial.sensors,
        "late": trial.late,
        "raised": trial.raised,
        "truncated": trial.truncated,
        "alerts": [
            {
                "sensor": sensor,
                "raised_at": begin.isoformat(),
                "cleared_at": None if end is None else end.isoformat(),
                "peak": peak,
            }
            for sensor, begin, end, peak in trial.alerts
        ],
    }


def step_json(step: AlertStep) -> dict[str, Any]:
    """Return a line of the history as JSON has it."""
    return {"kind": step.kind.value, "at": step.at.isoformat(), "by": step.by, "note": step.note, "to": step.to}
