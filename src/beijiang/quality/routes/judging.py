"""The JSON API of quality: rules, runs, failing rows, scores, decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, Text
from beijiang.quality.models import KINDS, Kind, RuleDraft, Scorecard, Severity
from beijiang.quality.routes.lines import rule_json
from beijiang.quality.routes.proposing import add_suggestions
from beijiang.web.bounds import Ordinal, Whole
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.quality.models import Fact, Hold, Release, Run, Score
    from beijiang.quality.service import Failing, Quality

__all__ = ["router"]


class RuleOrder(BaseModel):
    """What is asked of a table; see ``GET /api/v1/quality/kinds`` for what each kind takes."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    columns: list[str] = Field(default=[], max_length=200)
    params: dict[str, str | int | float] = {}
    name: str = Field(default="", max_length=200)
    severity: Severity = Severity.MAJOR
    threshold: float = Field(default=1.0, ge=0, le=1)
    indicator: str = Field(default="", pattern="^([0-9]{4})?$")
    where: str = Field(default="", max_length=2000)
    owner: str = Field(default="", max_length=200)
    limit: str = Field(default="", max_length=60)
    reason: str = Field(default="", max_length=1000)

    def draft(self) -> RuleDraft:
        """Return the order as a draft."""
        return RuleDraft(
            kind=self.kind,
            columns=tuple(self.columns),
            params=dict(self.params),
            name=self.name,
            severity=self.severity,
            threshold=self.threshold,
            indicator=self.indicator,
            where=self.where,
            owner=self.owner,
            limit=self.limit,
        )


class ReleaseOrder(BaseModel):
    """Why readers get a version that fails critical rules."""

    model_config = ConfigDict(extra="forbid")

    version: Ordinal
    reason: str = Field(min_length=1, max_length=1000)
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of what keeps it back, as it was read; without it nothing is released."""


class ScorecardOrder(BaseModel):
    """Weights of the six dimensions and the twenty indicators; what is not named weighs 1."""

    model_config = ConfigDict(extra="forbid")

    name_zh: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)
    dimensions: dict[str, float] = {}
    indicators: dict[str, float] = {}
    critical_cap: float | None = Field(default=None, ge=0, le=100)
    failed_runs_count: bool = False
    reason: str = Field(min_length=1, max_length=1000)


def router(service: Quality) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["quality"])

    @routes.get("/quality", summary="How the tables stand: held versions first, then by score, worst first")
    def board(request: Request) -> dict[str, Any]:
        return {
            "tables": [
                {
                    "table": s.table,
                    "org_id": s.org_id,
                    "rules": s.rules,
                    "run": None if s.run is None else s.run.id,
                    "version": None if s.run is None else s.run.version,
                    "score": None if s.score is None else s.score.total,
                    "assessed": None if s.score is None else s.score.assessed,
                    "failed": 0 if s.run is None else len(s.run.failed),
                    "held": None if s.hold is None else _hold(s.hold),
                }
                for s in service.board(_actor(request))
            ]
        }

    @routes.get("/quality/kinds", summary="The kinds of rules, what each takes and which indicators it feeds")
    def kinds(request: Request) -> dict[str, Any]:
        service.scorecards(_actor(request))  # whoever may see results may see what can be asked
        return {"kinds": [_kind(kind) for kind in Kind]}

    _add_rules(routes, service)
    add_suggestions(routes, service)
    _add_runs(routes, service)
    _add_scorecards(routes, service)
    return routes


def _add_rules(routes: APIRouter, service: Quality) -> None:
    @routes.get("/tables/{name}/quality/rules", summary="The rules in force of a table")
    def rules(request: Request, name: str) -> dict[str, Any]:
        return {"table": name, "rules": [rule_json(rule) for rule in service.rules(_actor(request), name)]}

    @routes.post("/tables/{name}/quality/rules", status_code=201, summary="Put a rule in force")
    def add(request: Request, name: str, order: RuleOrder) -> dict[str, Any]:
        return rule_json(service.add(_actor(request), name, order.draft(), order.reason))

    @routes.post("/tables/{name}/quality/try", summary="Hold a rule against the newest version and keep nothing")
    def try_out(request: Request, name: str, order: RuleOrder) -> dict[str, Any]:
        tried = service.try_out(_actor(request), name, order.draft())
        return {"table": name, "version": tried.version, "b": tried.b, "failing": tried.failing}

    @routes.get("/quality/rules/{rule}/history", summary="All revisions of a rule")
    def history(request: Request, rule: str) -> dict[str, Any]:
        return {"history": [rule_json(one) for one in service.history(_actor(request), rule)]}

    @routes.put("/quality/rules/{rule}", summary="Make a new revision of a rule, with a reason")
    def change(request: Request, rule: str, order: RuleOrder) -> dict[str, Any]:
        return rule_json(service.change(_actor(request), rule, order.draft(), order.reason))

    @routes.delete("/quality/rules/{rule}", status_code=204, summary="Take a rule out of force, with a reason")
    def retire(request: Request, rule: str, reason: Annotated[str, Query(min_length=1, max_length=1000)]) -> None:
        service.retire(_actor(request), rule, reason)


def _add_runs(routes: APIRouter, service: Quality) -> None:
    @routes.get("/tables/{name}/quality", summary="Score, newest run, trend and what keeps readers back")
    def report(request: Request, name: str) -> dict[str, Any]:
        found = service.report(_actor(request), name)
        return {
            "table": found.table,
            "version": found.version,
            "run": None if found.run is None else _run(found.run),
            "score": None if found.score is None else _score(found.score),
            "held": None if found.hold is None else _hold(found.hold),
            "served": found.served,
            "trend": [{"at": at.isoformat(), "version": v, "score": total} for at, v, total in found.trend],
            "releases": [_release(one) for one in found.releases],
        }

    @routes.post("/tables/{name}/quality/check", status_code=202, summary="Have the newest version checked")
    def check(request: Request, name: str) -> dict[str, Any]:
        return {"job": service.check(_actor(request), name)}

    @routes.get("/tables/{name}/quality/runs", summary="The runs of a table with their raw counts, newest first")
    def runs(request: Request, name: str) -> dict[str, Any]:
        return {"table": name, "runs": [_run(run) for run in service.runs(_actor(request), name)]}

    @routes.get("/quality/runs/{run}/rules/{rule}/rows", summary="Rows that fail a rule, through the gate")
    def failing(request: Request, run: str, rule: str) -> dict[str, Any]:
        return _failing(service.failing(_actor(request), run, rule))

    @routes.get(
        "/tables/{name}/quality/held/{version}", summary="What keeps a version back: rules that fail, on how many rows"
    )
    def kept_back(request: Request, name: str, version: Whole) -> dict[str, Any]:
        found = service.kept_back(_actor(request), name, version)
        return {**_hold(found), "facts": [_fact(fact) for fact in found.facts]}

    @routes.post("/tables/{name}/quality/release", status_code=201, summary="Give readers a version all the same")
    def release(request: Request, name: str, order: ReleaseOrder) -> dict[str, Any]:
        return _release(service.release(_actor(request), name, order.version, order.reason, seen=order.seen))


def _add_scorecards(routes: APIRouter, service: Quality) -> None:
    @routes.get("/quality/scorecards", summary="Versions of the scorecard, the one in force first; and presets")
    def scorecards(request: Request) -> dict[str, Any]:
        found = service.scorecards(_actor(request))
        return {"scorecards": [_card(card) for card in found], "presets": [_card(c) for c in service.presets()]}

    @routes.post("/quality/scorecards", status_code=201, summary="Put other weights in force, with a reason")
    def set_scorecard(request: Request, order: ScorecardOrder) -> dict[str, Any]:
        card = Scorecard(
            version=0,
            name=Text(order.name_zh, order.name_en),
            dimensions=order.dimensions,
            indicators=order.indicators,
            critical_cap=order.critical_cap,
            failed_runs_count=order.failed_runs_count,
        )
        return _card(service.set_scorecard(_actor(request), card, order.reason))


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _kind(kind: Kind) -> dict[str, Any]:
    spec = KINDS[kind]
    return {
        "kind": kind.value,
        "name": _words(kind.text),
        "indicators": list(spec.indicators),
        "columns": {"least": spec.columns[0], "most": spec.columns[1]},
        "params": [
            {"name": p.name, "type": p.type.value, "required": p.required, "words": _words(p.text)} for p in spec.params
        ],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "table": run.table,
        "version": run.version,
        "rows": run.rows,
        "at": run.at.isoformat(),
        "trigger": run.trigger.value,
        "seconds": round(run.seconds, 3),
        "facts": [_fact(fact) for fact in run.facts],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "indicator": fact.indicator,
        "rule": fact.rule_id,
        "revision": fact.revision,
        "name": fact.name,
        "severity": fact.severity.value,
        "threshold": fact.threshold,
        "a": fact.a,
        "b": fact.b,
        "x": fact.x,
        "failing": fact.failing,
        "outcome": fact.outcome.value,
        "error": None if fact.error is None else _words(fact.error),
    }


def _score(mark: Score) -> dict[str, Any]:
    return {
        "total": mark.total,
        "assessed": mark.assessed,
        "scorecard": mark.scorecard,
        "dimensions": [
            {
                "code": d.code,
                "score": d.score,
                "capped": d.capped,
                "indicators": [{"code": i.code, "a": i.a, "b": i.b, "score": i.score} for i in d.indicators],
            }
            for d in mark.dimensions
        ],
    }


def _hold(hold: Hold) -> dict[str, Any]:
    return {
        "version": hold.version,
        "run": hold.run_id or None,
        "rules": list(hold.rules),
        "seen": hold.shown.token,
    }


def _release(one: Release) -> dict[str, Any]:
    return {
        "table": one.table,
        "version": one.version,
        "run": one.run_id,
        "rules": list(one.rules),
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
    }


def _card(card: Scorecard) -> dict[str, Any]:
    return {
        "version": card.version,
        "name": _words(card.name),
        "dimensions": dict(card.dimensions),
        "indicators": dict(card.indicators),
        "critical_cap": card.critical_cap,
        "failed_runs_count": card.failed_runs_count,
        "reason": card.reason,
        "by": card.by,
        "at": None if card.at is None else card.at.isoformat(),
    }


def _failing(found: Failing) -> dict[str, Any]:
    return {
        "rule": rule_json(found.rule),
        "version": found.run.version,
        "columns": list(found.columns),
        "found": found.found,
        "rows": [{name: plain_value(value) for name, value in row.items()} for row in found.rows.to_pylist()],
        "masked": [c.name for c in found.governed.columns if c.masked],
        "receipt": found.governed.receipt,
    }
