"""The JSON API of protection: grades of a table's columns, rules on its rows, masks and release checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.protection.models.choices import MaskFunction
from beijiang.protection.models.reference import controls, kinds
from beijiang.protection.models.releases import ColumnRole
from beijiang.protection.models.sight import Audience
from beijiang.protection.plain import lowering_json
from beijiang.tables import Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.protection.models.choices import MaskChoice
    from beijiang.protection.models.grades import ColumnGrade
    from beijiang.protection.models.reference import Control
    from beijiang.protection.models.releases import Roles
    from beijiang.protection.models.sight import RowRule, RuleEffect
    from beijiang.protection.service import Protection, Releases

__all__ = ["router"]


class CorrectionOrder(BaseModel):
    """A person's judgement on one column; a lowering needs a reason."""

    model_config = ConfigDict(extra="forbid")

    level: str | None = Field(default=None, pattern="^L[1-4]$")
    kind: str | None = Field(default=None, max_length=60)
    reason: str = Field(default="", max_length=1000)


class ConditionOrder(BaseModel):
    """One condition on one column, as in the row API; ``in`` and ``notin`` take a list."""

    model_config = ConfigDict(extra="forbid")

    column: str = Field(min_length=1, max_length=400)
    op: FilterOp = FilterOp.EQ
    value: str | bool | int | float | list[str | bool | int | float] | None = None


class RuleOrder(BaseModel):
    """Which rows stay visible, to whom the rule applies (nobody named: to everybody), and why."""

    model_config = ConfigDict(extra="forbid")

    filters: list[ConditionOrder] = Field(min_length=1, max_length=30)
    audience: Audience | None = None
    reason: str = Field(min_length=1, max_length=1000)


class MaskOrder(BaseModel):
    """A function of the closed list with its parameters, and why; see the how-to on masks."""

    model_config = ConfigDict(extra="forbid")

    function: MaskFunction
    parameters: dict[str, str] = Field(default_factory=dict, max_length=5)
    reason: str = Field(min_length=1, max_length=1000)


class RolesOrder(BaseModel):
    """Which columns tell persons apart (quasi), are sensitive, count persons, or are not about persons (plain), and why."""

    model_config = ConfigDict(extra="forbid")

    roles: dict[str, ColumnRole] = Field(max_length=500)
    reason: str = Field(min_length=1, max_length=1000)


def router(service: Protection, releases: Releases) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["protection"])

    @routes.get("/tables/{name}/grades", summary="The grade of each column, with the evidence for it")
    def grades(request: Request, name: str) -> dict[str, Any]:
        return {"table": name, "columns": [_grade(g) for g in service.grades(_actor(request), name)]}

    @routes.get("/tables/{name}/grades/{column}/history", summary="All grades that a column had")
    def history(request: Request, name: str, column: str) -> dict[str, Any]:
        return {"history": [_grade(g) for g in service.history(_actor(request), name, column)]}

    @routes.get("/protection/controls", summary="What each grade asks for at each stage, and what enforces it")
    def controls_of_grades() -> dict[str, Any]:
        return {"controls": [_control(one) for one in controls()]}

    @routes.patch(
        "/tables/{name}/grades/{column}",
        summary="Correct the grade of a column; what shows more waits until another person agrees",
    )
    def correct(request: Request, name: str, column: str, order: CorrectionOrder) -> dict[str, Any]:
        done = service.correct(_actor(request), name, column, level=order.level, kind=order.kind, reason=order.reason)
        return {**_grade(done.grade), "waits": None if done.lowering is None else lowering_json(done.lowering)}

    @routes.get("/tables/{name}/row-rules", summary="Row rules in force, and how many rows they keep back from whom")
    def rules(request: Request, name: str) -> dict[str, Any]:
        return _effect(service.rules(_actor(request), name))

    @routes.post(
        "/tables/{name}/row-rules", status_code=201, summary="Show only rows that meet the conditions, at every exit"
    )
    def restrict(request: Request, name: str, order: RuleOrder) -> dict[str, Any]:
        filters = [Filter(one.column, one.op, one.value) for one in order.filters]
        who = _actor(request)
        made = service.restrict(who, name, filters, audience=order.audience, reason=order.reason)
        return _rule(made, service.rules(who, made.table).hidden.get(made.id))

    @routes.delete(
        "/tables/{name}/row-rules/{rule}", status_code=204, summary="End a row rule; the rows are shown again at once"
    )
    def lift(
        request: Request, name: str, rule: str, reason: Annotated[str, Query(min_length=1, max_length=1000)]
    ) -> None:
        service.lift(_actor(request), rule, reason, table=name)

    _add_masks(routes, service)
    _add_releases(routes, releases)

    return routes


def _add_masks(routes: APIRouter, service: Protection) -> None:
    @routes.get("/tables/{name}/masks", summary="Masks that were chosen for columns, in force and ended")
    def masks(request: Request, name: str) -> dict[str, Any]:
        return {"masks": [_mask(one) for one in service.masks(_actor(request), name)]}

    @routes.put(
        "/tables/{name}/masks/{column}", summary="Mask a column by a function of the list instead of its default"
    )
    def choose(request: Request, name: str, column: str, order: MaskOrder) -> dict[str, Any]:
        who = _actor(request)
        return _mask(service.choose_mask(who, name, column, order.function, order.parameters, reason=order.reason))

    @routes.delete("/tables/{name}/masks/{column}", status_code=204, summary="Go back to the default mask of a column")
    def drop(
        request: Request, name: str, column: str, reason: Annotated[str, Query(min_length=1, max_length=1000)]
    ) -> None:
        service.drop_mask(_actor(request), name, column, reason)


def _add_releases(routes: APIRouter, releases: Releases) -> None:
    @routes.get(
        "/tables/{name}/release-roles",
        summary="What each column does to the anonymity of persons: declared or proposed",
    )
    def roles(request: Request, name: str) -> dict[str, Any]:
        return _roles(releases.roles(_actor(request), name))

    @routes.put(
        "/tables/{name}/release-roles", summary="Declare quasi-identifiers, sensitive attributes and counts of persons"
    )
    def declare(request: Request, name: str, order: RolesOrder) -> dict[str, Any]:
        return _roles(releases.declare(_actor(request), name, order.roles, order.reason))

    @routes.post("/tables/{name}/release-checks", status_code=201, summary="Check what would be opened and shared now")
    def check(request: Request, name: str) -> dict[str, Any]:
        return {"reports": [one.to_json() for one in releases.check(_actor(request), name)]}

    @routes.get("/tables/{name}/release-checks", summary="Reports of release checks, newest first")
    def reports(request: Request, name: str) -> dict[str, Any]:
        return {"reports": [one.to_json() for one in releases.reports(_actor(request), name)]}

    @routes.get("/tables/{name}/release-checks/{report}", summary="One report of a release check")
    def report(request: Request, name: str, report: str) -> dict[str, Any]:
        return releases.report(_actor(request), name, report).to_json()


def _roles(found: Roles) -> dict[str, Any]:
    return {
        "table": found.table,
        "persons": found.persons,
        "declared": found.declared,
        "roles": {name: str(role) for name, role in found.roles.items()},
        "reason": found.reason,
        "by": found.declared_by,
        "at": None if found.declared_at is None else found.declared_at.isoformat(),
    }


def _mask(choice: MaskChoice) -> dict[str, Any]:
    return {
        "column": choice.column,
        "function": str(choice.function),
        "parameters": dict(choice.parameters),
        "words": choice.words,
        "weaker_than_default": choice.weaker,
        "reason": choice.reason,
        "by": choice.by,
        "at": choice.at.isoformat(),
        "ended_at": None if choice.ended_at is None else choice.ended_at.isoformat(),
    }


def _control(control: Control) -> dict[str, Any]:
    return {
        "stage": str(control.stage),
        "level": str(control.level),
        "control": {"zh": control.text.zh, "en": control.text.en},
        "by": control.by.value,
        "rules": sorted(control.rules),
        "enforced_by": control.enforced_by or None,
        "basis": control.basis,
    }


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _grade(grade: ColumnGrade) -> dict[str, Any]:
    entry = kinds()[grade.kind]
    return {
        "column": grade.column,
        "level": str(grade.level),
        "kind": grade.kind,
        "kind_name": {"zh": entry.name.zh, "en": entry.name.en},
        "personal": str(grade.personal),
        "mask": grade.mask,
        "source": str(grade.source),
        "reason": grade.reason,
        "basis": entry.basis,
        "evidence": grade.evidence.to_json(),
        "revision": grade.revision,
        "table_version": grade.table_version,
        "by": grade.by,
        "at": grade.at.isoformat(),
    }


def _effect(effect: RuleEffect) -> dict[str, Any]:
    return {
        "table": effect.table,
        "version": effect.version,
        "rows": effect.rows,
        "rules": [_rule(rule, effect.hidden[rule.id]) for rule in effect.rules],
        "hidden_from": {str(audience): hidden for audience, hidden in effect.hidden_from.items()},
    }


def _rule(rule: RowRule, hides: int | None) -> dict[str, Any]:
    """Return a rule; ``hides`` is null when its column is gone or has another type, which shows nobody any row."""
    return {
        "id": rule.id,
        "audience": rule.audience,
        "filters": [{"column": f.column, "op": str(f.op), "value": f.value} for f in rule.filters],
        "hides": hides,
        "reason": rule.reason,
        "by": rule.by,
        "at": rule.at.isoformat(),
    }
