"""The JSON API of graphs: declare, find, ask, and take the answer along."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.mining.models import Asked, GraphDraft, GraphFile, Holdings, Question, Relation, Subjects
from beijiang.mining.plain import graph_json, party_json, shown_json
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.mining.service import Graphs

__all__ = ["GRAPH_TYPES", "router"]

GRAPH_TYPES = {
    GraphFile.SVG: "image/svg+xml",
    GraphFile.CSV: "text/csv; charset=utf-8",
    GraphFile.GRAPHML: "application/graphml+xml",
}
Column = Annotated[str, Field(max_length=400)]


class SubjectsOrder(BaseModel):
    """The table of enterprises and its columns."""

    model_config = ConfigDict(extra="forbid")

    table: Column
    key: Column
    name: Column
    representative: Column = ""
    representative_key: Column = ""
    address: Column = ""
    phone: Column = ""


class HoldingsOrder(BaseModel):
    """The table of holdings and its columns; shares are in per cent."""

    model_config = ConfigDict(extra="forbid")

    table: Column
    held: Column
    share: Column
    holder_firm: Column = ""
    holder_person: Column = ""
    holder_name: Column = ""
    held_name: Column = ""
    since: Column = ""
    until: Column = ""


class GraphOrder(BaseModel):
    """A graph to be declared."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=1000)
    shared: bool = False
    subjects: SubjectsOrder
    holdings: HoldingsOrder

    def draft(self) -> GraphDraft:
        """Return it as the service takes it."""
        return GraphDraft(
            name=self.name,
            description=self.description,
            shared=self.shared,
            subjects=Subjects(**self.subjects.model_dump()),
            holdings=Holdings(**self.holdings.model_dump()),
        )


def _asked(
    question: Question,
    party: Annotated[str, Query(max_length=60)] = "",
    to: Annotated[str, Query(max_length=60)] = "",
    at: date | None = None,
    by: Annotated[list[Relation] | None, Query()] = None,
    number: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
    seed: Annotated[int, Query(ge=0, le=1_000_000)] = 1,
) -> Asked:
    return Asked(question=question, party=party, to=to, at=at, by=tuple(by or ()), number=number, seed=seed)


def router(service: Graphs) -> APIRouter:
    """Return the endpoints under ``/api/v1/graphs``."""
    routes = APIRouter(prefix="/api/v1", tags=["graphs"])

    @routes.get("/graphs", summary="Graphs of relations that one may use")
    def graphs(request: Request) -> dict[str, Any]:
        return {"graphs": [graph_json(one) for one in service.graphs(_actor(request))]}

    @routes.post("/graphs", status_code=201, summary="Declare a graph on governed tables")
    def declare(request: Request, order: GraphOrder) -> dict[str, Any]:
        return graph_json(service.declare(_actor(request), order.draft()))

    @routes.post("/graphs-preview", summary="What a graph would be made of, before it is declared")
    def preview(request: Request, order: GraphOrder) -> dict[str, Any]:
        return asdict(service.try_out(_actor(request), order.draft()))

    @routes.get("/graphs/{graph}", summary="One graph: its declaration, and what it is made of for the reader")
    def one(request: Request, graph: str) -> dict[str, Any]:
        who = _actor(request)
        found = service.graph(who, graph)
        return {**graph_json(found), "summary": asdict(service.summary(who, graph))}

    @routes.put("/graphs/{graph}", summary="Declare a graph anew; earlier revisions stay")
    def change(request: Request, graph: str, order: GraphOrder) -> dict[str, Any]:
        return graph_json(service.change(_actor(request), graph, order.draft()))

    @routes.delete("/graphs/{graph}", status_code=204, summary="Take a graph out of use")
    def remove(request: Request, graph: str) -> None:
        service.remove(_actor(request), graph)

    @routes.get("/graphs/{graph}/parties", summary="Find parties by name or credit code")
    def parties(request: Request, graph: str, q: Annotated[str, Query(max_length=200)]) -> dict[str, Any]:
        return {"parties": [party_json(one) for one in service.find(_actor(request), graph, q)]}

    @routes.get(
        "/graphs/{graph}/answer",
        summary="Ask a graph: chains, real controller, related parties, shortest chain, circles, communities",
        response_model=dict[str, Any],
    )
    def answer(
        request: Request, graph: str, asked: Annotated[Asked, Depends(_asked)], form: GraphFile = GraphFile.JSON
    ) -> Response:
        who = _actor(request)
        if form is GraphFile.JSON:
            return JSONResponse(shown_json(service.answer(who, graph, asked)))
        name, text, shown = service.file(who, graph, asked, form, request.state.language)
        head = {"Content-Disposition": content_disposition(name), "X-Beijiang-Receipt": " ".join(shown.receipts)}
        return Response(text, media_type=GRAPH_TYPES[form], headers=head)

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
