"""The JSON API of libraries: declare, sources, runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.fusion.models import Choosing, Element, LibraryDraft, LinkDraft
from beijiang.fusion.routes.records import add_claims, add_subjects
from beijiang.kit import Actor, Text

if TYPE_CHECKING:
    from beijiang.fusion.models import FusionRun, Library, Link
    from beijiang.fusion.service import Fusion

__all__ = ["router"]

Reason = Annotated[str, Query(min_length=1, max_length=1000)]


class ElementOrder(BaseModel):
    """One field of a library."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    element: str = Field(default="", max_length=100)
    type: str = Field(default="C", max_length=1)
    length: str = Field(default="", max_length=10)
    check: str = Field(default="", max_length=20)
    choosing: Choosing = Choosing.SOURCE

    def made(self) -> Element:
        """Return the order as an element."""
        return Element(**self.model_dump())


class LibraryOrder(BaseModel):
    """A library; ``GET /api/v1/library-kinds/{kind}/draft`` gives one to begin with."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=40)
    name: str = Field(default="", max_length=200)
    target: str = Field(default="", max_length=200)
    elements: list[ElementOrder] = Field(max_length=200)
    key: list[str] = Field(default=[], max_length=20)
    matching: str = Field(default="", max_length=40)
    certain: float = Field(default=0.99, gt=0, le=1)
    grey: float = Field(default=0.6, gt=0, le=1)
    reason: str = Field(default="", max_length=1000)

    def draft(self) -> LibraryDraft:
        """Return the order as a draft."""
        words = self.model_dump(exclude={"elements", "key", "reason"})
        return LibraryDraft(**words, elements=tuple(one.made() for one in self.elements), key=tuple(self.key))


class LinkOrder(BaseModel):
    """A table that is to serve a library."""

    model_config = ConfigDict(extra="forbid")

    table: str = Field(max_length=200)
    columns: dict[str, str] = Field(max_length=200)
    """Element to column."""
    priority: int = Field(default=5, ge=1, le=98)
    key: list[str] = Field(default=[], max_length=20)
    seen: str = Field(default="", max_length=200)
    reason: str = Field(default="", max_length=1000)

    def draft(self) -> LinkDraft:
        """Return the order as a draft."""
        return LinkDraft(
            table=self.table,
            columns=dict(self.columns),
            priority=self.priority,
            key=tuple(self.key),
            seen=self.seen,
        )


def router(service: Fusion) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["libraries"])

    @routes.get("/library-kinds", summary="The kinds of libraries that the plan names")
    def kinds(request: Request) -> dict[str, Any]:
        found = service.models(_actor(request))
        return {"kinds": [{"kind": o.kind, "name": _words(o.name), "basis": o.basis} for o in found]}

    @routes.get("/library-kinds/{kind}/draft", summary="A library as the standards would have it")
    def draft(request: Request, kind: str) -> dict[str, Any]:
        return dict(service.draft(_actor(request), kind).to_json())

    @routes.get("/libraries", summary="The libraries in force")
    def all_(request: Request) -> dict[str, Any]:
        return {"libraries": [_library(one) for one in service.libraries(_actor(request))]}

    @routes.post("/libraries", status_code=201, summary="Declare a library; it fills a table of its own")
    def declare(request: Request, order: LibraryOrder) -> dict[str, Any]:
        return _library(service.declare(_actor(request), order.draft(), order.reason))

    @routes.get("/libraries/{library}", summary="A library, by its id or the table that it fills")
    def one(request: Request, library: str) -> dict[str, Any]:
        return _library(service.library(_actor(request), library))

    @routes.put("/libraries/{library}", summary="Make a new revision of a library, with a reason")
    def change(request: Request, library: str, order: LibraryOrder) -> dict[str, Any]:
        return _library(service.change(_actor(request), library, order.draft(), order.reason))

    @routes.delete("/libraries/{library}", status_code=204, summary="Let a library run no more; its tables stay")
    def retire(request: Request, library: str, reason: Reason) -> None:
        service.retire(_actor(request), library, reason)

    @routes.get("/libraries/{library}/history", summary="All revisions of a library")
    def history(request: Request, library: str) -> dict[str, Any]:
        return {"history": [_library(one) for one in service.history(_actor(request), library)]}

    @routes.post("/libraries/{library}/run", status_code=202, summary="Have a library run now")
    def run(request: Request, library: str) -> dict[str, Any]:
        return {"job": service.run(_actor(request), library)}

    @routes.get("/libraries/{library}/runs", summary="The runs of a library, newest first")
    def runs(request: Request, library: str) -> dict[str, Any]:
        return {"runs": [_run(one) for one in service.runs(_actor(request), library)]}

    _add_sources(routes, service)
    add_subjects(routes, service)
    add_claims(routes, service)
    return routes


_Seen = Annotated[
    str, Query(max_length=300, description="The `as_shown` of the source as you read it; without it nothing is agreed.")
]


def _add_sources(routes: APIRouter, service: Fusion) -> None:
    @routes.get("/libraries/{library}/sources", summary="The sources of a library")
    def links(request: Request, library: str) -> dict[str, Any]:
        return {"sources": [_link(one) for one in service.links(_actor(request), library)]}

    @routes.get("/libraries/{library}/suggest", summary="Which column of a table seems to be which field")
    def suggest(request: Request, library: str, table: Annotated[str, Query(max_length=200)]) -> dict[str, Any]:
        return {"table": table, "columns": dict(service.suggest(_actor(request), library, table))}

    @routes.post("/libraries/{library}/sources", status_code=201, summary="Offer a table to a library")
    def propose(request: Request, library: str, order: LinkOrder) -> dict[str, Any]:
        return _link(service.propose(_actor(request), library, order.draft(), order.reason))

    @routes.post("/library-sources/{link}/agree", summary="Agree to what the other side proposed")
    def agree(request: Request, link: str, seen: _Seen = "") -> dict[str, Any]:
        return _link(service.agree(_actor(request), link, seen=seen))

    @routes.put("/library-sources/{link}", summary="Change what is taken of a source, with a reason")
    def remap(request: Request, link: str, order: LinkOrder) -> dict[str, Any]:
        return _link(service.remap(_actor(request), link, order.draft(), order.reason))

    @routes.delete("/library-sources/{link}", summary="End a source, as either side may")
    def end(request: Request, link: str, reason: Reason) -> dict[str, Any]:
        return _link(service.end(_actor(request), link, reason))


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _library(one: Library) -> dict[str, Any]:
    return {
        **one.to_json(),
        "id": one.id,
        "revision": one.revision,
        "org_id": one.org_id,
        "crosswalk": one.crosswalk,
        "retired": one.retired,
        "reason": one.reason,
        "by": one.owner.id,
        "at": one.at.isoformat(),
    }


def _link(one: Link) -> dict[str, Any]:
    return {
        "id": one.id,
        "table": one.table,
        "org_id": one.org_id,
        "columns": dict(one.columns),
        "priority": one.priority,
        "key": list(one.key),
        "seen": one.seen,
        "state": one.state.value,
        "reason": one.reason,
        "at": one.at.isoformat(),
        "as_shown": one.shown.token,
    }


def _run(run: FusionRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "revision": run.revision,
        "at": run.at.isoformat(),
        "trigger": run.trigger.value,
        "seconds": round(run.seconds, 3),
        "version": run.version,
        "records": run.records,
        "subjects": run.subjects,
        "matched": run.matched,
        "waiting": run.waiting,
        "fields": [{"name": f.name, "filled": f.filled, "conflicting": f.conflicting} for f in run.fields],
        "sources": [
            {
                "source": s.link_id,
                "table": s.table,
                "version": s.version,
                "records": s.records,
                "filled": dict(s.filled),
                "differing": dict(s.differing),
            }
            for s in run.sources
        ],
        "matching": dict(run.matching),
        "error": None if run.error is None else _words(run.error),
    }
