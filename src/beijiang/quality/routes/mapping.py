"""``/api/v1/tables/{name}/mapping``: which data element each column holds, and how far it conforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor

if TYPE_CHECKING:
    from beijiang.quality.models.mapping import Candidate, Conformity, Mapped
    from beijiang.quality.service import ColumnView, Mappings

__all__ = ["mapping_router"]


class ConfirmOrder(BaseModel):
    """Which element each column holds; with ``rules`` the table gets the rule of each element."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, str] = Field(min_length=1, max_length=500, description="Column to element id.")
    rules: bool = True
    reason: str = Field(default="", max_length=1000)


class RefuseOrder(BaseModel):
    """A column and an element that it does not hold."""

    model_config = ConfigDict(extra="forbid")

    column: str = Field(max_length=400)
    element: str = Field(max_length=130)
    reason: str = Field(default="", max_length=1000)


def mapping_router(service: Mappings) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["quality"])

    @routes.get("/tables/{name}/mapping", summary="Columns with the elements they hold, and what others might hold")
    def columns(
        request: Request, name: str, suggest: Annotated[bool, Query(description="Count values and suggest.")] = False
    ) -> dict[str, Any]:
        found = service.columns(_actor(request), name, suggest=suggest)
        return {"table": name, "columns": [_view(one) for one in found]}

    @routes.post("/tables/{name}/mapping", status_code=201, summary="Say which element some columns hold")
    def confirm(request: Request, name: str, order: ConfirmOrder) -> dict[str, Any]:
        made = service.confirm(_actor(request), name, order.columns, order.reason, rules=order.rules)
        return {"table": name, "mapped": [_mapped(one) for one in made]}

    @routes.post("/tables/{name}/mapping/refuse", summary="Say that a column does not hold an element")
    def refuse(request: Request, name: str, order: RefuseOrder) -> dict[str, Any]:
        return _mapped(service.refuse(_actor(request), name, order.column, order.element, order.reason))

    @routes.post("/tables/{name}/conformity", summary="Measure how far the mapped columns conform, in one pass")
    def measure(request: Request, name: str) -> dict[str, Any]:
        return {"table": name, "conformity": [_conformity(one) for one in service.measure(_actor(request), name)]}

    @routes.get("/tables/{name}/conformity", summary="How far the mapped columns of a version conform")
    def conformity(
        request: Request, name: str, version: Annotated[int | None, Query(ge=1, le=1 << 31)] = None
    ) -> dict[str, Any]:
        found = service.conformity(_actor(request), name, version)
        return {"table": name, "conformity": [_conformity(one) for one in found]}

    @routes.get(
        "/standards/elements/{element}/columns", summary="Columns that hold an element, as far as you may see them"
    )
    def used(request: Request, element: Annotated[str, Path(max_length=130)]) -> dict[str, Any]:
        return {"element": element, "columns": [_mapped(one) for one in service.used(_actor(request), element)]}

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _view(one: ColumnView) -> dict[str, Any]:
    return {
        "column": one.column.name,
        "type": one.column.type,
        "mapped": None if one.mapped is None else _mapped(one.mapped),
        "conformity": None if one.conformity is None else _conformity(one.conformity),
        "candidates": [_candidate(c) for c in one.candidates],
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "element": one.element.id,
        "name": {"zh": one.element.name.zh, "en": one.element.name.en},
        "score": one.score,
        "reasons": [{"zh": r.text.zh, "en": r.text.en, "weight": r.weight} for r in one.reasons],
        "b": one.b,
        "meeting": one.meeting,
    }


def _mapped(one: Mapped) -> dict[str, Any]:
    return {
        "table": one.table,
        "column": one.column,
        "element": one.element,
        "confirmed": one.confirmed,
        "score": one.score,
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
    }


def _conformity(one: Conformity) -> dict[str, Any]:
    return {
        "column": one.column,
        "element": one.element,
        "element_version": one.element_version,
        "version": one.version,
        "a": one.a,
        "b": one.b,
        "x": one.x,
        "error": None if one.error is None else {"zh": one.error.zh, "en": one.error.en},
        "at": one.at.isoformat(),
    }
