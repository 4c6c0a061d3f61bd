"""The JSON API of statistical indicators: definitions, values, release, targets, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from beijiang.assess.models import (
    REGION,
    Better,
    FigureDraft,
    Operator,
    Period,
    PeriodKind,
    Stage,
    Target,
    ValueDraft,
    ValueKind,
)
from beijiang.assess.routes.plain import actor_of, handed_out
from beijiang.kit import Language
from beijiang.standards import SheetFormat
from beijiang.web.described import CSV, XLSX, files_of

if TYPE_CHECKING:
    from beijiang.assess.models import Figure, FigureRow, Value
    from beijiang.assess.service import Figures

__all__ = ["figures_router"]

_Words = Annotated[str, Field(max_length=4000)]
_FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}  # fmt: skip


class FigureOrder(BaseModel):
    """A statistical indicator, or its next version; ``org_id`` is the responsible department."""

    model_config = ConfigDict(extra="forbid")

    name_zh: str = Field(max_length=200)
    name_en: str = Field(default="", max_length=200)
    definition: _Words = ""
    unit_zh: str = Field(max_length=60)
    unit_en: str = Field(default="", max_length=60)
    period_kind: PeriodKind
    value_kind: ValueKind
    better: Better = Better.HIGHER
    org_id: str = Field(max_length=60)
    source: str = Field(default="", max_length=300)
    basis: _Words = ""
    formula: _Words = ""
    dimensions: list[Annotated[str, Field(max_length=100)]] = Field(default=[], max_length=50)
    reason: _Words


class ValueOrder(BaseModel):
    """A value; the number is text, so that nothing of it is rounded."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(max_length=10)
    value: str = Field(max_length=40)
    region: str = Field(default=REGION, max_length=12)
    dimension: str = Field(default="", max_length=100)
    stage: Stage = Stage.FINAL
    source: str = Field(default="", max_length=1000)


class ValuesOrder(BaseModel):
    """Values of one indicator, all or none."""

    model_config = ConfigDict(extra="forbid")

    values: list[ValueOrder] = Field(min_length=1, max_length=5000)
    reason: _Words = ""


class ComputeOrder(BaseModel):
    """For which period the query is run."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(max_length=10)
    stage: Stage = Stage.FINAL
    reason: _Words = ""


class ReleaseOrder(BaseModel):
    """Release values that wait, or return them with words."""

    model_config = ConfigDict(extra="forbid")

    values: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=5000)
    approve: bool
    words: _Words = ""
    seen: dict[str, Annotated[str, Field(max_length=300)]] = Field(default={}, max_length=5000)
    """By id, the ``seen`` of each revision as it was read; needed to release."""


class TargetOrder(BaseModel):
    """What a value should come to, and by which document."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(max_length=10)
    operator: Operator
    value: str = Field(max_length=40)
    basis: _Words
    region: str = Field(default=REGION, max_length=12)
    org_id: str = Field(default="", max_length=60)


class ReasonOrder(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: _Words


def figures_router(service: Figures) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["assess"])
    _add_reading(routes, service)
    _add_writing(routes, service)
    return routes


def _add_reading(routes: APIRouter, service: Figures) -> None:
    @routes.get("/figures", summary="Statistical indicators: newest value, target, whether it is met")
    def all_(request: Request) -> dict[str, Any]:
        return {"figures": [_row(one) for one in service.figures(actor_of(request))]}

    @routes.get(
        "/figures/file",
        summary="Released values as CSV, or a workbook with indicators and targets",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def file(
        request: Request,
        code: Annotated[str, Query(max_length=60)] = "",
        form: SheetFormat = SheetFormat.XLSX,
        language: Language = Language.ZH,
    ) -> Response:
        return handed_out(service.export(actor_of(request), form, language, code))

    @routes.get("/figures/{code}", summary="An indicator with values, revisions, targets and versions")
    def one(request: Request, code: str) -> dict[str, Any]:
        view = service.figure(actor_of(request), code)
        seen = view.seen
        return {
            **_figure(view.figure),
            "values": [_value(v) for v in view.values],
            "revisions": [{**_value(v), "seen": seen.get(v.id)} for v in view.revisions],
            "targets": [_target(t) for t in view.targets],
            "versions": [_figure(v) for v in view.versions],
        }


def _add_writing(routes: APIRouter, service: Figures) -> None:
    @routes.put("/figures/{code}", summary="Add an indicator, or its next version")
    def define(request: Request, code: str, order: FigureOrder) -> dict[str, Any]:
        given = order.model_dump(exclude={"reason", "dimensions"})
        draft = FigureDraft(code=code, **given, dimensions=tuple(order.dimensions))
        return _figure(service.define(actor_of(request), draft, order.reason))

    @routes.post("/figures/{code}/retire", summary="Take an indicator out of use; its values stay")
    def retire(request: Request, code: str, order: ReasonOrder) -> dict[str, Any]:
        return _figure(service.retire(actor_of(request), code, order.reason))

    @routes.post("/figures/{code}/values", status_code=201, summary="Report values; somebody else releases them")
    def report(request: Request, code: str, order: ValuesOrder) -> dict[str, Any]:
        drafts = [
            ValueDraft(code=code, **{**one.model_dump(), "period": Period.parse(one.period)}) for one in order.values
        ]
        return {"values": [_value(v) for v in service.report(actor_of(request), drafts, order.reason)]}

    @routes.post(
        "/figures/{code}/compute", status_code=201, summary="Report what the indicator's query gives for a period"
    )
    def compute(request: Request, code: str, order: ComputeOrder) -> dict[str, Any]:
        found = service.compute(actor_of(request), code, Period.parse(order.period), order.stage, order.reason)
        return {"values": [_value(v) for v in found]}

    @routes.put("/figures/{code}/targets", summary="Set what a value should come to")
    def target(request: Request, code: str, order: TargetOrder) -> dict[str, Any]:
        given = order.model_dump()
        made = Target(code=code, **{**given, "period": Period.parse(order.period)})
        return _target(service.set_target(actor_of(request), made))

    @routes.post("/figures/values/decision", summary="Release values that wait, or return them")
    def decide(request: Request, order: ReleaseOrder) -> dict[str, Any]:
        done = service.decide(
            actor_of(request), order.values, approve=order.approve, words=order.words, seen=order.seen
        )
        return {"values": [_value(v) for v in done]}

    @routes.post(
        "/figures/file", status_code=201, summary="Report the values of a file, all or none", openapi_extra=_FILE
    )
    async def import_(
        request: Request,
        name: Annotated[str, Query(max_length=200)] = "values",
        reason: Annotated[str, Query(max_length=1000)] = "",
    ) -> dict[str, Any]:
        content = await request.body()
        found = await run_in_threadpool(service.import_values, actor_of(request), name, content, reason)
        return {"values": [_value(v) for v in found]}

    @routes.post("/figures/plan-2018", status_code=201, summary="Add the numeric targets of the 2018 work plan")
    def load(request: Request) -> dict[str, Any]:
        return {"figures": [_figure(one) for one in service.load_plan(actor_of(request))]}


def _figure(one: Figure) -> dict[str, Any]:
    names = ("code", "version", "retired", "name_zh", "name_en", "definition", "unit_zh", "unit_en", "formula",
             "source", "org_id", "basis", "reason")  # fmt: skip
    return {
        **{name: getattr(one, name) for name in names},
        "period_kind": one.period_kind.value,
        "value_kind": one.value_kind.value,
        "better": one.better.value,
        "dimensions": list(one.dimensions),
        "by": one.by_name,
        "at": one.at.isoformat(),
    }


def _row(one: FigureRow) -> dict[str, Any]:
    return {
        **_figure(one.figure),
        "value": _value(one.value) if one.value else None,
        "target": _target(one.target) if one.target else None,
        "met": one.met,
        "waiting": one.waiting,
    }


def _value(one: Value) -> dict[str, Any]:
    names = ("id", "code", "region", "dimension", "revision", "value", "source", "reason", "decision")
    return {
        **{name: getattr(one, name) for name in names},
        "period": str(one.period),
        "stage": one.stage.value,
        "state": one.state.value,
        "by": one.by_name,
        "at": one.at.isoformat(),
        "decided_by": one.decided_name or None,
        "released_at": one.decided_at.isoformat() if one.decided_at else None,
    }


def _target(one: Target) -> dict[str, Any]:
    names = ("code", "region", "value", "basis", "org_id")
    return {
        **{name: getattr(one, name) for name in names},
        "period": str(one.period),
        "operator": one.operator.value,
    }
