"""The JSON API of lineage: graphs, impact, paths; OpenLineage events out and in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from beijiang.kit import Actor
from beijiang.lineage.models import Direction
from beijiang.lineage.models.graph import DEEPEST
from beijiang.lineage.plain import array_of
from beijiang.tables import moment_of
from beijiang.web.described import NDJSON, files_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.lineage.service import Lineage

__all__ = ["router"]

Name = Annotated[str, Query(min_length=1, max_length=400)]
Moment = Annotated[str, Query(max_length=40, description="A moment; without a zone, one of the platform's.")]


def router(service: Lineage, zone: ZoneInfo) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["lineage"])

    @routes.get("/tables/{name}/lineage", summary="What a table or column was made from and what is made of it")
    def graph(
        request: Request,
        name: str,
        column: Annotated[str, Query(max_length=400)] = "",
        direction: Direction = Direction.BOTH,
        depth: Annotated[int, Query(ge=1, le=DEEPEST)] = 3,
        at: Moment = "",
        tables_only: bool = False,
    ) -> dict[str, Any]:
        found = service.graph(
            _actor(request),
            name,
            column,
            direction=direction,
            depth=depth,
            at=moment_of(at, zone) if at else None,
            tables_only=tables_only,
        )
        return found.to_json()

    @routes.get("/tables/{name}/lineage/impact", summary="What a change of a column touches")
    def impact(request: Request, name: str, column: Name) -> dict[str, Any]:
        touched = service.impact(_actor(request), name, column)
        return {"table": name, "column": column, "touched": [one.to_json() for one in touched]}

    @routes.get("/lineage/path", summary="The steps by which one column was made from another")
    def path(request: Request, from_table: Name, from_column: Name, to_table: Name, to_column: Name) -> dict[str, Any]:
        steps = service.path(_actor(request), (from_table, from_column), (to_table, to_column))
        return {"steps": [step.to_json() for step in steps]}

    _add_events(routes, service, zone)
    return routes


def _add_events(routes: APIRouter, service: Lineage, zone: ZoneInfo) -> None:
    @routes.get("/lineage/events", summary="OpenLineage 2-0-2 events of the platform's own writes, a page of them")
    def events(
        request: Request,
        table: Annotated[str, Query(max_length=400)] = "",
        since: Moment = "",
        until: Moment = "",
        after: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> dict[str, Any]:
        begin, end = (moment_of(word, zone) if word else None for word in (since, until))
        told, following = service.events(_actor(request), table=table, since=begin, until=end, after=after)
        return {"events": told, "next": following}

    @routes.get(
        "/lineage/events/download",
        summary="The same events as NDJSON, all of them",
        response_class=StreamingResponse,
        responses=files_of(NDJSON),
    )
    def download(
        request: Request, table: Annotated[str, Query(max_length=400)] = "", since: Moment = "", until: Moment = ""
    ) -> StreamingResponse:
        who = _actor(request)
        begin, end = (moment_of(word, zone) if word else None for word in (since, until))
        first = service.events(who, table=table, since=begin, until=end)

        def lines() -> Iterator[str]:
            told, following = first
            while True:
                for event in told:
                    yield json.dumps(event, ensure_ascii=False) + "\n"
                if following is None:
                    return
                told, following = service.events(who, table=table, since=begin, until=end, after=following)

        head = {"Content-Disposition": 'attachment; filename="lineage.ndjson"'}
        return StreamingResponse(lines(), media_type="application/x-ndjson", headers=head)

    @routes.post("/lineage", status_code=201, summary="Take one OpenLineage 2-0-2 event in (1 MiB)")
    async def receive(request: Request) -> dict[str, Any]:
        return {"new": await run_in_threadpool(service.receive, _actor(request), [await request.body()])}

    @routes.post("/lineage/batch", status_code=201, summary="Take a JSON array of OpenLineage 2-0-2 events in")
    async def receive_batch(request: Request) -> dict[str, Any]:
        body = await request.body()
        return {"new": await run_in_threadpool(_receive_all, service, _actor(request), body)}


def _receive_all(service: Lineage, actor: Actor, body: bytes) -> int:
    service.may_send(actor)
    return service.receive(actor, array_of(body))


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
