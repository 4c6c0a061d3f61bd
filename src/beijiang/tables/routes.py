"""The JSON API of the lake: tables and their versions. Rows are not here; they come through the gate only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.tables.models import SchemaPlan, TableInfo, TableVersion, moment_of
from beijiang.tables.service import Tables
from beijiang.web.bounds import Ordinal

__all__ = ["router"]


class RollbackOrder(BaseModel):
    """Which version to make the newest again, and why."""

    model_config = ConfigDict(extra="forbid")

    version: Ordinal = Field(strict=True, description="The version to go back to.")
    reason: str = Field(min_length=1, max_length=1000, description="Why; kept in the history and in the evidence.")


def router(tables: Tables) -> APIRouter:
    """Return the endpoints below ``/api/v1/tables``."""
    api = APIRouter(prefix="/api/v1/tables", tags=["tables"])

    @api.get("", summary="Tables whose metadata the caller may see")
    def list_tables(request: Request) -> dict[str, Any]:
        return {"tables": [_table(info) for info in tables.list(_actor(request))]}

    @api.get("/{name}", summary="One table: columns, key, newest version")
    def show_table(request: Request, name: str) -> dict[str, Any]:
        return _table(tables.get(_actor(request), name))

    @api.get("/{name}/history", summary="Versions of a table, newest first")
    def history(request: Request, name: str, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
        return {"versions": [_version(v) for v in tables.history(_actor(request), name, limit)]}

    @api.get("/{name}/as-of", summary="The SQL that shows a table that keeps its history as it was at a moment")
    def as_of(
        request: Request,
        name: str,
        at: Annotated[str, Query(max_length=40, description="With its offset: 2026-01-31T08:00+08:00")],
    ) -> dict[str, Any]:
        return {"sql": tables.as_of(_actor(request), name, moment_of(at))}

    @api.post("/{name}/rollback", summary="Make an older version the newest again")
    def rollback(request: Request, name: str, order: RollbackOrder) -> dict[str, Any]:
        return _version(tables.rollback(_actor(request), name, order.version, order.reason))

    @api.post("/{name}/compact", summary="Rewrite a table as one sorted file")
    def compact(request: Request, name: str) -> dict[str, Any]:
        return _version(tables.compact(_actor(request), name))

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _table(info: TableInfo) -> dict[str, Any]:
    return asdict(info)


def _version(version: TableVersion) -> dict[str, Any]:
    change: SchemaPlan | None = version.schema_change
    return {**asdict(version), "schema_change": None if change is None else change.to_json()}
