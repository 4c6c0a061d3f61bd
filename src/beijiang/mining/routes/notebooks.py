"""The JSON API of notebooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor
from beijiang.mining.models.notebooks import NotebookDraft, Sharing
from beijiang.protection import QueryClass
from beijiang.web.bounds import Number, Whole
from beijiang.web.described import files_of
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.mining.models.notebooks import CellOutcome, Notebook
    from beijiang.mining.service import Notebooks

__all__ = ["notebooks_router"]


class NotebookOrder(BaseModel):
    """A notebook as its file has it, who else has it, and what was changed."""

    model_config = ConfigDict(extra="forbid")

    notebook: dict[str, Any]
    sharing: Sharing = Sharing.PRIVATE
    note: str = Field(default="", max_length=200)
    base: Number = Field(default=0, description="The version that a change starts from")

    def draft(self) -> NotebookDraft:
        """Return it as the service takes it."""
        return NotebookDraft.from_json(self.notebook, sharing=self.sharing, note=self.note)


class ValuesOrder(BaseModel):
    """Values of the parameters, as people write them; and what the rows are for."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Annotated[str, Field(max_length=2000)]] = Field(default={}, max_length=20)
    purpose: str = Field(default="", max_length=500)


class WishOrder(ValuesOrder):
    """Why the data are needed."""

    purpose: str = Field(max_length=40, description="A code of the list of purposes")
    use: str = Field(min_length=1, max_length=2000)


def notebooks_router(service: Notebooks) -> APIRouter:
    """Return the endpoints under ``/api/v1/notebooks``."""
    routes = APIRouter(prefix="/api/v1/notebooks", tags=["notebooks"])

    @routes.get("", summary="Notebooks: one's own, and those that the own organisation shares")
    def notebooks(request: Request) -> dict[str, Any]:
        return {"notebooks": [_head(one) for one in service.notebooks(_actor(request))]}

    @routes.post("", status_code=201, summary="Keep a notebook, also one that came as a file")
    def save(request: Request, order: NotebookOrder) -> dict[str, Any]:
        return _whole(service.save(_actor(request), order.draft()))

    @routes.get("/{notebook}", summary="A notebook, now or in one of its versions")
    def one(
        request: Request, notebook: str, version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None
    ) -> dict[str, Any]:
        return _whole(service.notebook(_actor(request), notebook, version))

    @routes.put("/{notebook}", summary="Make a new version")
    def change(request: Request, notebook: str, order: NotebookOrder) -> dict[str, Any]:
        return _whole(service.change(_actor(request), notebook, order.draft(), order.base))

    @routes.delete("/{notebook}", status_code=204, summary="Take one's own notebook out of use")
    def remove(request: Request, notebook: str) -> None:
        service.remove(_actor(request), notebook)

    @routes.get("/{notebook}/versions", summary="All versions, oldest first")
    def versions(request: Request, notebook: str) -> dict[str, Any]:
        return {"versions": [_head(one) for one in service.versions(_actor(request), notebook)]}

    @routes.post("/{notebook}/versions/{version}/restored", summary="Make an older version the newest one")
    def restore(request: Request, notebook: str, version: Whole) -> dict[str, Any]:
        return _whole(service.restore(_actor(request), notebook, version))

    @routes.get("/{notebook}/compared", summary="How two versions differ")
    def compare(
        request: Request,
        notebook: str,
        older: Annotated[int, Query(ge=1, le=1_000_000)],
        newer: Annotated[int, Query(ge=1, le=1_000_000)],
    ) -> dict[str, Any]:
        return {"lines": list(service.compare(_actor(request), notebook, older, newer))}

    _add_running(routes, service)
    return routes


def _add_running(routes: APIRouter, service: Notebooks) -> None:
    @routes.post(
        "/{notebook}/run",
        summary="Run all cells; each is one line of JSON as it comes out, and the first that fails is the last",
        response_class=StreamingResponse,
        responses=files_of("application/x-ndjson"),
    )
    def run(request: Request, notebook: str, order: ValuesOrder) -> StreamingResponse:
        outcomes = service.run(_actor(request), notebook, order.values, purpose=order.purpose, door=QueryClass.API)
        return StreamingResponse(_lines(outcomes), media_type="application/x-ndjson")

    @routes.post("/{notebook}/cells/{cell}/run", summary="Run one cell")
    def run_cell(request: Request, notebook: str, cell: str, order: ValuesOrder) -> dict[str, Any]:
        who = _actor(request)
        return _outcome(service.run_cell(who, notebook, cell, order.values, purpose=order.purpose, door=QueryClass.API))

    @routes.post("/{notebook}/cells/{cell}/wish", status_code=201, summary="Ask the owners for what a query would give")
    def ask(request: Request, notebook: str, cell: str, order: WishOrder) -> dict[str, Any]:
        return {
            "request": service.ask(_actor(request), notebook, cell, order.values, purpose=order.purpose, use=order.use)
        }

    @routes.post(
        "/{notebook}/cells/{cell}/python",
        summary="Python that asks the same under one's own key",
    )
    def snippet(request: Request, notebook: str, cell: str, order: ValuesOrder) -> dict[str, Any]:
        return {"python": service.snippet(_actor(request), notebook, cell, order.values)}


def _lines(outcomes: Iterator[CellOutcome]) -> Iterator[str]:
    for one in outcomes:
        yield json.dumps(_outcome(one), ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _head(one: Notebook) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.revision,
        "name": one.name,
        "description": one.description,
        "sharing": str(one.sharing),
        "owner": one.owner,
        "organisation": one.org_id,
        "note": one.note,
        "by": one.by_name,
        "at": one.at.isoformat(),
    }


def _whole(one: Notebook) -> dict[str, Any]:
    return {**_head(one), "notebook": one.to_json()}


def _outcome(one: CellOutcome) -> dict[str, Any]:
    told: dict[str, Any] = {"cell": one.cell.id, "kind": str(one.cell.kind), "state": str(one.state)}
    if one.error is not None:
        told["error"] = {"code": one.code, "zh": one.error.zh, "en": one.error.en, "line": one.line}
    if one.result is not None:
        columns = [one.result.rows.column(i).to_pylist() for i in range(one.result.rows.num_columns)]
        told |= {
            "columns": list(one.result.columns),
            "rows": [[plain_value(value) for value in row] for row in zip(*columns, strict=True)],
            "truncated": one.result.truncated,
            "grade": one.grade,
            "tables": list(one.tables),
            "receipt": one.result.receipt,
            "seconds": round(one.result.seconds, 3),
        }
    return told
