"""The JSON API of the work-bench: run, stop, explain, export, history, saved queries, the queue."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, new_id
from beijiang.mining.models import Chart, ExportForm, SavedDraft
from beijiang.protection import QueryClass, doubt_headers
from beijiang.web import content_disposition
from beijiang.web.described import CSV, PARQUET, XLSX, ZIP, files_of
from beijiang.web.values import plain_value
from beijiang.web.waiting import WaitingRoom

if TYPE_CHECKING:
    from beijiang.mining.models import QueryRun, SavedQuery
    from beijiang.mining.service import Workbench
    from beijiang.protection import AnswerColumn, Described, Queued, Seen, SqlResult

__all__ = ["router"]

ID = r"^[0-9A-Za-z_-]{8,60}$"


class SqlOrder(BaseModel):
    """One SELECT and what it is for; an ``id`` of one's own making serves to stop it."""

    model_config = ConfigDict(extra="forbid")

    sql: str = Field(min_length=1, max_length=20_000)
    purpose: str = Field(default="", max_length=500)
    id: str | None = Field(default=None, pattern=ID)


class ExplainOrder(BaseModel):
    """One SELECT that is not run."""

    model_config = ConfigDict(extra="forbid")

    sql: str = Field(min_length=1, max_length=20_000)


class ExportOrder(SqlOrder):
    """One SELECT, and the file that its result is to leave in."""

    format: ExportForm = ExportForm.XLSX


class ChartOrder(BaseModel):
    """How a result is drawn."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=20)
    x: str = Field(max_length=400)
    y: list[str] = Field(min_length=1, max_length=8)


class SavedOrder(BaseModel):
    """A query to be kept; owner, organisation and time are not the sender's to say."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    sql: str = Field(min_length=1, max_length=20_000)
    description: str = Field(default="", max_length=2000)
    folder: str = Field(default="", max_length=100)
    shared: bool = False
    chart: ChartOrder | None = None

    def draft(self) -> SavedDraft:
        """Return it as the work-bench takes it."""
        return SavedDraft(
            name=self.name,
            text=self.sql,
            description=self.description,
            folder=self.folder,
            shared=self.shared,
            chart=Chart.from_json(None if self.chart is None else self.chart.model_dump()),
        )


def router(service: Workbench, room: WaitingRoom) -> APIRouter:
    """Return the endpoints under ``/api/v1/sql``."""
    routes = APIRouter(prefix="/api/v1", tags=["sql"])

    @routes.post(
        "/sql", summary="Run one SELECT over governed tables; masks and rights hold", response_model=dict[str, Any]
    )
    async def sql(request: Request, order: SqlOrder) -> Response:
        who, query_id = _actor(request), order.id or new_id("query")
        work = partial(service.run, who, order.sql, order.purpose, door=QueryClass.API, query_id=query_id)
        result = await room.serve(request, work, partial(_gone, service, who, query_id))
        content = json.dumps(
            _answer(result, query_id), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
        result.note_sent(hashlib.sha256(content).hexdigest(), len(content))
        headers = {"X-Beijiang-Receipt": result.receipt, **doubt_headers(result.in_doubt)}
        return Response(content, media_type="application/json", headers=headers)

    @routes.post("/sql/explain", summary="What a query reads, and how its result is graded; nothing is run")
    def explain(request: Request, order: ExplainOrder) -> dict[str, Any]:
        return _described(service.explain(_actor(request), order.sql))

    @routes.post(
        "/sql/export",
        summary="Run one SELECT for a file that carries its grade, the person, the time and the receipt",
        response_class=StreamingResponse,
        responses=files_of(CSV, XLSX, PARQUET, ZIP),
    )
    async def export(request: Request, order: ExportOrder) -> StreamingResponse:
        who, query_id = _actor(request), order.id or new_id("query")
        work = partial(
            service.export, who, order.sql, order.format, order.purpose, door=QueryClass.API, query_id=query_id
        )
        made = await room.serve(request, work, partial(_gone, service, who, query_id))
        headers = {
            "Content-Disposition": content_disposition(made.file_name),
            "X-Beijiang-Grade": made.result.grade,
            "X-Beijiang-Receipt": made.result.receipt,
            **doubt_headers(made.result.in_doubt),
        }
        return StreamingResponse(made.content, media_type=made.media_type, headers=headers)

    @routes.get("/sql/queue", summary="Queries that have not ended: one's own, or everybody's for who keeps the queue")
    def queue(request: Request) -> dict[str, Any]:
        return {"queries": [_queued(one) for one in service.queue(_actor(request))]}

    @routes.delete("/sql/queue/{query}", status_code=204, summary="Stop a query")
    def stop(request: Request, query: str) -> None:
        service.stop(_actor(request), query)

    @routes.get("/sql/history", summary="One's own runs, newest first")
    def history(
        request: Request,
        words: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: datetime | None = None,
    ) -> dict[str, Any]:
        return {"runs": [_run(one) for one in service.history(_actor(request), words, limit, before)]}

    @routes.get("/sql/tables", summary="Tables that one may ask, and the functions that a query may use")
    def tables(request: Request) -> dict[str, Any]:
        who = _actor(request)
        found = [{"name": one.name, "title": one.title, "own": one.mine} for one in service.tables(who)]
        return {"tables": found, "functions": list(service.functions(who))}

    @routes.get("/sql/tables/{name}", summary="Columns of a table as one sees them: type, grade, mask")
    def columns(request: Request, name: str) -> dict[str, Any]:
        return _seen(service.columns(_actor(request), name))

    _add_saved(routes, service)
    return routes


def _add_saved(routes: APIRouter, service: Workbench) -> None:
    @routes.get("/sql/saved", summary="Saved queries: one's own, and those that the own organisation shares")
    def saved(request: Request, words: Annotated[str, Query(max_length=200)] = "") -> dict[str, Any]:
        return {"queries": [_saved(one) for one in service.saved(_actor(request), words)]}

    @routes.post("/sql/saved", status_code=201, summary="Keep a query by name")
    def save(request: Request, order: SavedOrder) -> dict[str, Any]:
        return _saved(service.save(_actor(request), order.draft()))

    @routes.get("/sql/saved/{query}", summary="One saved query")
    def one(request: Request, query: str) -> dict[str, Any]:
        return _saved(service.one_saved(_actor(request), query))

    @routes.get("/sql/saved/{query}/revisions", summary="All revisions of a saved query, oldest first")
    def revisions(request: Request, query: str) -> dict[str, Any]:
        return {"revisions": [_saved(one) for one in service.revisions(_actor(request), query)]}

    @routes.put("/sql/saved/{query}", summary="Change one's own saved query; earlier revisions stay")
    def change(request: Request, query: str, order: SavedOrder) -> dict[str, Any]:
        return _saved(service.change(_actor(request), query, order.draft()))

    @routes.delete("/sql/saved/{query}", status_code=204, summary="Take one's own saved query out of use")
    def remove(request: Request, query: str) -> None:
        service.remove(_actor(request), query)


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _gone(service: Workbench, who: Actor, query_id: str) -> bool:
    """Stop the query of a reader who left."""
    return service.sql.stop(who, query_id)


def _answer(result: SqlResult, query_id: str) -> dict[str, Any]:
    columns = [result.rows.column(i).to_pylist() for i in range(result.rows.num_columns)]
    return {
        "id": query_id,
        "columns": list(result.columns),
        "rows": [[plain_value(value) for value in row] for row in zip(*columns, strict=True)],
        "truncated": result.truncated,
        "receipt": result.receipt,
        "grade": result.grade,
        "labels": [_labelled(one) for one in result.shown],
        "in_doubt": [*result.in_doubt],
        "cached": result.cached,
        "seconds": round(result.seconds, 3),
    }


def _labelled(column: AnswerColumn) -> dict[str, Any]:
    return {"name": column.name, "type": column.type, "grade": column.grade, "masked": column.masked}


def _described(found: Described) -> dict[str, Any]:
    return {
        "reads": [_seen(one) for one in found.reads],
        "grade": found.grade,
        "columns": [{"name": c.name, "grade": c.grade, "masked": c.masked} for c in found.columns],
    }


def _seen(seen: Seen) -> dict[str, Any]:
    return {
        "table": seen.table,
        "version": seen.version,
        "standing": str(seen.audience),
        "filtered": seen.filtered,
        "columns": [
            {"name": c.name, "type": c.type, "comment": c.comment, "grade": c.grade, "masked": c.masked, "mask": c.mask}
            for c in seen.columns
        ],
    }


def _queued(one: Queued) -> dict[str, Any]:
    return {
        "id": one.id,
        "person": one.person,
        "organisation": one.org_id,
        "door": str(one.door),
        "state": str(one.state),
        "since": one.since.isoformat(),
        "seconds": round(one.seconds, 1),
    }


def _run(one: QueryRun) -> dict[str, Any]:
    return {
        "id": one.id,
        "sql": one.text,
        "purpose": one.purpose,
        "door": str(one.door),
        "exit": str(one.exit),
        "at": one.asked_at.isoformat(),
        "state": str(one.state),
        "seconds": round(one.seconds, 3),
        "rows": one.rows,
        "truncated": one.truncated,
        "cached": one.cached,
        "grade": one.grade,
        "receipt": one.receipt,
        "error": one.error or None,
        "tables": list(one.tables),
    }


def _saved(one: SavedQuery) -> dict[str, Any]:
    return {
        "id": one.id,
        "revision": one.revision,
        "name": one.name,
        "sql": one.text,
        "description": one.description,
        "folder": one.folder,
        "shared": one.shared,
        "chart": None if one.chart is None else one.chart.to_json(),
        "owner": one.owner,
        "organisation": one.org_id,
        "at": one.at.isoformat(),
    }
