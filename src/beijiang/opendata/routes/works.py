"""Works that use the data, favourites and stars: pages of the portal and their API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from beijiang.kit import BeijiangError, Text
from beijiang.opendata.routes.api import actor
from beijiang.opendata.routes.citizens import SEE_OTHER
from beijiang.opendata.works import Work, WorkDraft, WorkKind, WorkState

if TYPE_CHECKING:
    from beijiang.opendata.keeping import Keepings
    from beijiang.web import Pages

__all__ = ["api", "pages"]

_Find = Annotated[str, Query(max_length=200)]
_Line = Annotated[str, Form(max_length=600)]
_Words = Annotated[str, Form(max_length=6000)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WorkOrder(_Order):
    """What was made, and of which data sets."""

    kind: WorkKind
    title: str = Field(max_length=200)
    author: str = Field(max_length=200)
    words: str = Field(max_length=6000)
    link: str = Field(default="", max_length=600)
    datasets: list[str] = Field(min_length=1, max_length=50)

    def draft(self) -> WorkDraft:
        """Return it as the service takes it."""
        return WorkDraft(**{**self.model_dump(), "datasets": tuple(self.datasets)})


class WorkDecisionOrder(_Order):
    """Whether it is shown, and why not."""

    shown: bool
    reason: str = Field(default="", max_length=3000)
    seen: str = Field(default="", max_length=300)
    """The ``seen`` of the work as it was read; without it nothing is decided."""


class KeepOrder(_Order):
    """Whether to keep it."""

    on: bool = True


class StarsOrder(_Order):
    """One to five."""

    stars: int = Field(ge=1, le=5)


def api(keepings: Keepings) -> APIRouter:
    """Return the endpoints."""
    routes = APIRouter(prefix="/api/v1/portal", tags=["portal"])

    @routes.get("/works", summary="What people made of the data; newest first")
    def works(request: Request, kind: WorkKind | None = None) -> dict[str, Any]:
        return {"works": [_work(one) for one in keepings.works(actor(request), kind)]}

    @routes.post("/works", status_code=201, summary="Hand in a work; it is looked at before it is shown")
    def hand_in(request: Request, order: WorkOrder) -> dict[str, Any]:
        made = keepings.hand_in(actor(request), order.draft())
        return {"id": made.id, "state": made.state.value}

    @routes.get("/works/desk", summary="Works to be decided on")
    def desk(request: Request, state: WorkState = WorkState.WAITING) -> dict[str, Any]:
        found = keepings.handed_in(actor(request), state)
        told = [{"state": one.state.value, "reason": one.reason, "seen": one.shown.token} for one in found]
        return {"works": [{**_work(one), **more} for one, more in zip(found, told, strict=True)]}

    @routes.post("/works/{work}/decide", summary="Show it, or not, with a reason")
    def decide(request: Request, work: str, order: WorkDecisionOrder) -> dict[str, Any]:
        made = keepings.decide(actor(request), work, shown=order.shown, reason=order.reason, seen=order.seen)
        return {"state": made.state.value, "seen": made.shown.token}

    @routes.get("/kept", summary="The data sets that you keep, and which changed since you looked")
    def kept(request: Request) -> dict[str, Any]:
        return {
            "kept": [
                {
                    "dataset_id": one.dataset_id,
                    "title": one.title,
                    "data_at": None if one.data_at is None else one.data_at.isoformat(),
                    "changed": one.fresh,
                }
                for one in keepings.kept(actor(request))
            ]
        }

    @routes.put("/kept/{dataset}", summary="Keep a data set, or keep it no more")
    def keep(request: Request, dataset: str, order: KeepOrder) -> dict[str, bool]:
        keepings.keep(actor(request), dataset, on=order.on)
        return {"kept": order.on}

    @routes.put("/ratings/{dataset}", summary="Give a data set stars")
    def rate(request: Request, dataset: str, order: StarsOrder) -> dict[str, Any]:
        echo = keepings.rate(actor(request), dataset, order.stars)
        return {"average": echo.average, "ratings": echo.ratings}

    return routes


def pages(keepings: Keepings, site: Pages) -> APIRouter:
    """Return the pages."""
    routes = APIRouter(include_in_schema=False)

    def form(request: Request, given: WorkDraft, fault: Text | None = None, status: int = 200) -> Response:
        page = site.render(request, "opendata/work_new.html", given=given, fault=fault, kinds=tuple(WorkKind))
        page.status_code = status
        return page

    @routes.get("/works")
    def works(request: Request, kind: _Find = "") -> Response:
        chosen = WorkKind(kind) if kind in set(WorkKind) else None
        found = keepings.works(actor(request), chosen)
        return site.render(request, "opendata/works.html", works=found, kind=chosen, kinds=tuple(WorkKind))

    @routes.get("/work")
    def new(request: Request, dataset: _Find = "") -> Response:
        if actor(request).is_anonymous:
            return RedirectResponse("/console/sign-in?next=/work", SEE_OTHER)
        empty = WorkDraft(kind=WorkKind.APPLICATION, title="", author="", words="", link="", datasets=(dataset,))
        return form(request, empty)

    @routes.post("/work")
    def hand_in(
        request: Request,
        kind: _Line = "",
        title: _Line = "",
        author: _Line = "",
        words: _Words = "",
        link: _Line = "",
        datasets: _Words = "",
    ) -> Response:
        chosen = WorkKind(kind) if kind in set(WorkKind) else WorkKind.APPLICATION
        named = tuple(one.rstrip("/").rpartition("/")[2] for one in datasets.split())
        draft = WorkDraft(kind=chosen, title=title, author=author, words=words, link=link, datasets=named)
        try:
            keepings.hand_in(actor(request), draft)
        except BeijiangError as error:
            return form(request, draft, error.text, error.status)
        return RedirectResponse("/my", SEE_OTHER)

    @routes.post("/my/seen")
    def seen(request: Request) -> Response:
        keepings.seen(actor(request))
        return RedirectResponse("/my", SEE_OTHER)

    @routes.post("/datasets/{dataset_id}/keep")
    def keep(request: Request, dataset_id: str, on: _Line = "yes") -> Response:
        keepings.keep(actor(request), dataset_id, on=on == "yes")
        return RedirectResponse("/my", SEE_OTHER)

    @routes.post("/datasets/{dataset_id}/rate")
    def rate(request: Request, dataset_id: str, stars: _Line = "") -> Response:
        keepings.rate(actor(request), dataset_id, int(stars) if stars in {"1", "2", "3", "4", "5"} else 0)
        return RedirectResponse(f"/datasets/{dataset_id}", SEE_OTHER)

    return routes


def _work(one: Work) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "title": one.title,
        "author": one.author,
        "words": one.words,
        "link": one.link or None,
        "datasets": [{"id": dataset, "title": title} for dataset, title in one.datasets],
        "shown_at": None if one.decided_at is None else one.decided_at.isoformat(),
    }
