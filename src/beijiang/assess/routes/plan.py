"""The JSON API of the work plan: tasks with lights, progress, confirmation, deadlines, files."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.assess.models import LIGHT_RULE, PLAN_TABLES
from beijiang.assess.routes.plain import actor_of, handed_out, words_json
from beijiang.kit import Language
from beijiang.standards import SheetFormat
from beijiang.web.bounds import Whole
from beijiang.web.described import CSV, XLSX, files_of

if TYPE_CHECKING:
    from beijiang.assess.models import Lit, PlanTableSet, PlanTask, Progress
    from beijiang.assess.service import PlanTables, WorkPlan

__all__ = ["plan_router", "plan_tables_router"]

_Words = Annotated[str, Field(max_length=4000)]


class LoadOrder(BaseModel):
    """Which year the packaged tasks are taken up for, from when to when."""

    model_config = ConfigDict(extra="forbid")

    plan: str = Field(default="2018", max_length=40)
    since: date | None = None
    due_on: date | None = None


class ProgressOrder(BaseModel):
    """Progress in per cent, in words, with proofs (``table:name``, ``entry:id``, ``figure:code`` or an address)."""

    model_config = ConfigDict(extra="forbid")

    percent: Whole
    words: _Words
    proofs: list[Annotated[str, Field(max_length=1000)]] = Field(default=[], max_length=20)


class ConfirmOrder(BaseModel):
    """Whether a task reported as done is done."""

    model_config = ConfigDict(extra="forbid")

    accept: bool
    words: _Words = ""
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the task as it was read; needed to confirm."""


class DeadlineOrder(BaseModel):
    """Another deadline, and why."""

    model_config = ConfigDict(extra="forbid")

    due_on: date
    words: _Words


class UrgeOrder(BaseModel):
    """What to tell those who lead."""

    model_config = ConfigDict(extra="forbid")

    words: _Words


class StopOrder(BaseModel):
    """Why the plan is written into tables no more."""

    model_config = ConfigDict(extra="forbid")

    reason: _Words


def plan_tables_router(service: PlanTables) -> APIRouter:
    """Return the endpoints of the tables that the plan is written into."""
    routes = APIRouter(prefix="/api/v1", tags=["assess"])

    @routes.get("/plan/tables", summary="Which departments have the work plan written into tables")
    def sets(request: Request) -> list[dict[str, Any]]:
        return [_set(one) for one in service.sets(actor_of(request))]

    @routes.post("/plan/tables", status_code=201, summary="Have the work plan written into tables of one's department")
    def record(request: Request) -> dict[str, Any]:
        return _set(service.record_into(actor_of(request)))

    @routes.post("/plan/tables/{org}/take-over", summary="Answer for the tables of the work plan and write them now")
    def take_over(request: Request, org: str) -> dict[str, Any]:
        return _set(service.take_over(actor_of(request), org))

    @routes.post("/plan/tables/{org}/stop", status_code=204, summary="Have the work plan written into tables no more")
    def stop(request: Request, org: str, order: StopOrder) -> None:
        service.stop(actor_of(request), org, order.reason)

    return routes


def _set(one: PlanTableSet) -> dict[str, Any]:
    return {
        "org_id": one.org_id,
        "tables": list(PLAN_TABLES),
        "by": one.by_name,
        "since": one.set_at.isoformat(),
        "written_at": None if one.written_at is None else one.written_at.isoformat(),
        "stale_since": None if one.stale_since is None else one.stale_since.isoformat(),
        "trouble": None if one.trouble is None else words_json(one.trouble),
    }


def plan_router(service: WorkPlan) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["assess"])

    @routes.get("/plan/tasks", summary="The work plan: tasks with lights and the rule of lights")
    def tasks(request: Request) -> dict[str, Any]:
        return {"rule": words_json(LIGHT_RULE), "tasks": [_lit(one) for one in service.tasks(actor_of(request))]}

    @routes.post("/plan/tasks", status_code=201, summary="Put the packaged tasks of 2018 on the plan")
    def load(request: Request, order: LoadOrder) -> dict[str, Any]:
        found = service.load(actor_of(request), plan=order.plan, since=order.since, due_on=order.due_on)
        return {"added": found}

    @routes.get(
        "/plan/file",
        summary="The plan with progress and lights as CSV or a workbook",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def file(request: Request, form: SheetFormat = SheetFormat.XLSX, language: Language = Language.ZH) -> Response:
        return handed_out(service.export(actor_of(request), form, language))

    @routes.get("/plan/tasks/{task}", summary="A task and what happened to it")
    def one(request: Request, task: str) -> dict[str, Any]:
        view = service.task(actor_of(request), task)
        return {**_lit(view.lit), "progress": [_progress(p) for p in view.progress], "seen": view.shown.token}

    @routes.post("/plan/tasks/{task}/progress", status_code=201, summary="Report progress with evidence")
    def report(request: Request, task: str, order: ProgressOrder) -> dict[str, Any]:
        return _task(service.report(actor_of(request), task, order.percent, order.words, order.proofs))

    @routes.post("/plan/tasks/{task}/confirmation", summary="Confirm that a task is done, or send the report back")
    def confirm(request: Request, task: str, order: ConfirmOrder) -> dict[str, Any]:
        return _task(service.confirm(actor_of(request), task, order.words, accept=order.accept, seen=order.seen))

    @routes.put("/plan/tasks/{task}/deadline", summary="Give a task another deadline")
    def move(request: Request, task: str, order: DeadlineOrder) -> dict[str, Any]:
        return _task(service.move_deadline(actor_of(request), task, order.due_on, order.words))

    @routes.post("/plan/tasks/{task}/urge", summary="Urge the departments that lead a task")
    def urge(request: Request, task: str, order: UrgeOrder) -> dict[str, Any]:
        return _task(service.urge(actor_of(request), task, order.words))

    return routes


def _task(one: PlanTask) -> dict[str, Any]:
    names = ("id", "plan", "number", "percent", "measures", "joint_words")
    return {
        **{name: getattr(one, name) for name in names},
        "part": words_json(one.part),
        "title": words_json(one.title),
        "summary": words_json(one.summary),
        "leads": list(one.leads),
        "joint": list(one.joint),
        "figures": list(one.figures),
        "since": one.since.isoformat(),
        "due_on": one.due_on.isoformat(),
        "state": one.state.value,
        "reported_at": one.reported_at.isoformat() if one.reported_at else None,
    }


def _lit(one: Lit) -> dict[str, Any]:
    return {**_task(one.task), "light": one.light.value, "why": words_json(one.why), "working_days_left": one.days_left}


def _progress(one: Progress) -> dict[str, Any]:
    return {
        "act": one.act.value,
        "org_id": one.org_id,
        "percent": one.percent,
        "words": one.words,
        "proofs": [str(p) for p in one.proofs],
        "by": one.by_name,
        "at": one.at.isoformat(),
    }
