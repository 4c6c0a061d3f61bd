"""The JSON API for stewards, reviewers and publishers: ``/api/v1/catalog``. The public side is ``/api/v1/datasets``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.catalog.models import (
    Entry,
    Facet,
    Filled,
    Item,
    ItemEdit,
    OpenType,
    ResourceEdit,
    SearchQuery,
    ShareMethod,
    ShareType,
    Sort,
    State,
)
from beijiang.catalog.plain import as_gap, as_hit, as_plain, as_resource, as_thread, as_version
from beijiang.catalog.service import Catalog
from beijiang.kit import Actor, Language
from beijiang.standards import SheetFormat
from beijiang.web.bounds import Ordinal, Place
from beijiang.web.described import CSV, XLSX, files_of

_Seen = Annotated[
    str, Query(max_length=300, description="The `seen` of the entry as you read it; without it nothing is decided.")
]
"""The ``seen`` of an entry as it was read; nothing else is decided on."""

__all__ = ["router"]

_Revision = Annotated[Ordinal | None, Query(description="Refuse the change if the entry has moved on since this.")]
_Value = Annotated[str, Field(max_length=4000)]
_Values = Annotated[list[str], Query()]


class _Body(BaseModel):
    """A body takes the fields that it names and no others."""

    model_config = ConfigDict(extra="forbid")


class ItemChange(_Body):
    """Changes to one data item; what is absent stays."""

    column: str
    name: str | None = Field(default=None, max_length=200)
    description: str | None = Field(default=None, max_length=1000)
    length: Annotated[Place, Field(ge=1)] | None = None
    element_id: str | None = None
    code_set: str | None = None
    share_type: ShareType | None = None
    share_condition: str | None = Field(default=None, max_length=1000)
    no_share_basis: str | None = Field(default=None, max_length=1000)
    share_method: ShareMethod | None = None
    open_type: OpenType | None = None
    open_condition: str | None = Field(default=None, max_length=1000)
    update_cycle: str | None = None
    secret_flag: bool | None = None
    source_org: str | None = None
    inherit: tuple[str, ...] = Field(default=(), description="Attributes to take from the entry again.")


class EntryChange(_Body):
    """Changes to an entry; what is absent stays. Code, provider, state and dates are the platform's."""

    name: str | None = Field(default=None, max_length=200)
    summary: str | None = Field(default=None, max_length=2000)
    inner_office: str | None = Field(default=None, max_length=200)
    provider_code: str | None = Field(default=None, max_length=18)
    categories: tuple[str, ...] | None = None
    formats: tuple[str, ...] | None = None
    share_type: ShareType | None = None
    share_condition: str | None = Field(default=None, max_length=1000)
    no_share_basis: str | None = Field(default=None, max_length=1000)
    share_method: ShareMethod | None = None
    open_type: OpenType | None = None
    open_condition: str | None = Field(default=None, max_length=1000)
    open_items: tuple[str, ...] | None = Field(default=None, description="Columns to open; all others are closed.")
    licence: str | None = None
    update_cycle: str | None = None
    region_code: str | None = None
    keywords: tuple[str, ...] | None = None
    time_span: str | None = Field(default=None, max_length=100)
    related_codes: tuple[str, ...] | None = None
    contact: str | None = Field(default=None, max_length=200)
    secret_flag: bool | None = None
    extensions: dict[str, _Value] | None = Field(
        default=None,
        max_length=100,
        description="Values of the fields that the region declared, by key; an empty text takes one away.",
    )
    items: tuple[ItemChange, ...] = ()

    def to_edit(self) -> ResourceEdit:
        """Return the change as the service takes it."""
        facts = self.model_dump(exclude={"items"})
        return ResourceEdit(**facts, items=tuple(ItemEdit(**item.model_dump()) for item in self.items))


class NewItem(_Body):
    """A data item of an entry registered by hand."""

    column: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200)
    type: str = Field(default="C", pattern="^[CNYDTLMGBIF]$")
    description: str = Field(default="", max_length=1000)


class NewEntry(_Body):
    """An entry registered by hand, without a table."""

    name: str = Field(min_length=1, max_length=200)
    summary: str = Field(default="", max_length=2000)
    provider_id: str
    categories: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    extensions: dict[str, _Value] = Field(default_factory=dict, max_length=100)
    items: tuple[NewItem, ...] = ()

    def to_entry(self) -> Entry:
        """Return the entry as the service takes it."""
        items = tuple(Item(**item.model_dump()) for item in self.items)
        extensions = tuple(Filled(key, value) for key, value in sorted(self.extensions.items()) if value.strip())
        return Entry(**self.model_dump(exclude={"extensions", "items"}), items=items, extensions=extensions)


class Reasons(_Body):
    """Why an entry goes back."""

    reasons: list[str] = Field(min_length=1, max_length=20)
    for_good: bool = Field(default=False, description="Refuse the registration altogether.")


class Withdrawal(_Body):
    """Why an entry is taken offline."""

    reason: str = Field(min_length=1, max_length=500)
    for_good: bool = Field(default=False, description="End the entry; its codes are never used again.")


class Said(_Body):
    """A comment on an entry or one of its items."""

    text: str = Field(min_length=1, max_length=1000)
    column: str | None = Field(default=None, max_length=200, description="The item; left out for the entry itself.")


class Answer(_Body):
    """An answer to a comment."""

    text: str = Field(min_length=1, max_length=1000)


class SheetRows(_Body):
    """Items of an entry as rows of a sheet: ``column`` says which item, every other cell is an attribute in words or codes."""

    rows: list[dict[str, Annotated[str, Field(max_length=4000)]]] = Field(min_length=1, max_length=2000)


def router(service: Catalog) -> APIRouter:
    """Return the endpoints below ``/api/v1/catalog``."""
    api = APIRouter(prefix="/api/v1/catalog", tags=["catalog"])

    @api.get("/search", summary="Search the catalog, as far as the caller may see it")
    def search(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        theme: _Values = [],  # noqa: B006 - FastAPI copies defaults
        department: _Values = [],  # noqa: B006
        region: _Values = [],  # noqa: B006
        format: _Values = [],  # noqa: A002, B006
        open_type: _Values = [],  # noqa: B006
        update_cycle: _Values = [],  # noqa: B006
        grade: _Values = [],  # noqa: B006
        extension: _Values = [],  # noqa: B006
        sort: Sort = Sort.RELEVANCE,
        page: Ordinal = 1,
        size: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        chosen: tuple[Sequence[str], ...] = (
            theme, department, region, format, open_type, update_cycle, grade, extension,
        )  # fmt: skip
        facets = {facet: frozenset(values) for facet, values in zip(Facet, chosen, strict=True) if values}
        query = SearchQuery(text=q, facets=facets, sort=sort, page=page, size=size)
        found = service.search(_actor(request), query)
        answer = {**as_plain(found), "hits": [as_hit(hit) for hit in found.hits]}
        del answer["indexed_up_to"]  # it moves with every private entry too, which is nobody else's business
        return answer

    @api.get("/tasks", summary="What the caller is waited for")
    def tasks(request: Request) -> dict[str, Any]:
        return {"tasks": as_plain(service.tasks_for(_actor(request)))}

    @api.get("/resources", summary="Entries that the caller may see, latest change first")
    def list_resources(
        request: Request,
        state: Annotated[list[State] | None, Query()] = None,
        org: str | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
    ) -> dict[str, Any]:
        found = service.list(_actor(request), states=state or (), org_id=org, limit=limit)
        return {"resources": [as_resource(one) for one in found]}

    @api.post("/resources", status_code=201, summary="Register an entry by hand")
    def register(request: Request, body: NewEntry) -> dict[str, Any]:
        return as_resource(service.register(_actor(request), body.to_entry()))

    @api.get("/resources/{resource_id}", summary="One entry with its items and state")
    def show(request: Request, resource_id: str) -> dict[str, Any]:
        return as_resource(service.get(_actor(request), resource_id))

    @api.patch("/resources/{resource_id}", summary="Change an entry; a published one begins a new version")
    def edit(request: Request, resource_id: str, body: EntryChange, revision: _Revision = None) -> dict[str, Any]:
        return as_resource(service.edit(_actor(request), resource_id, body.to_edit(), revision=revision))

    @api.get("/resources/{resource_id}/missing", summary="What an entry still lacks")
    def missing(request: Request, resource_id: str) -> dict[str, Any]:
        return {"missing": [as_gap(gap) for gap in service.missing(_actor(request), resource_id)]}

    @api.get("/resources/{resource_id}/advice", summary="What an entry could say, with the reason for each field")
    def advice(request: Request, resource_id: str) -> dict[str, Any]:
        return {"advice": as_plain(service.advice(_actor(request), resource_id))}

    @api.post("/resources/{resource_id}/advice", summary="Fill in all that is advised and not decided yet")
    def take_advice(request: Request, resource_id: str, revision: _Revision = None) -> dict[str, Any]:
        return as_resource(service.take_advice(_actor(request), resource_id, revision=revision))

    @api.post("/resources/{resource_id}/take-columns", summary="Bring the items in line with the table's columns")
    def take_columns(request: Request, resource_id: str) -> dict[str, Any]:
        return as_resource(service.take_columns(_actor(request), resource_id))

    @api.post("/resources/{resource_id}/endorse", summary="Stand behind an entry as reviewer of its department")
    def endorse(request: Request, resource_id: str, seen: _Seen = "") -> dict[str, Any]:
        return as_resource(service.endorse(_actor(request), resource_id, seen=seen))

    @api.post("/resources/{resource_id}/submit", summary="Hand an entry to the bureau")
    def submit(request: Request, resource_id: str) -> dict[str, Any]:
        return as_resource(service.submit(_actor(request), resource_id))

    @api.post("/resources/{resource_id}/approve", summary="Register an entry")
    def approve(request: Request, resource_id: str, seen: _Seen = "") -> dict[str, Any]:
        return as_resource(service.approve(_actor(request), resource_id, seen=seen))

    @api.post("/resources/{resource_id}/return", summary="Send an entry back with reasons")
    def return_for_mending(request: Request, resource_id: str, body: Reasons) -> dict[str, Any]:
        found = service.return_for_mending(_actor(request), resource_id, body.reasons, for_good=body.for_good)
        return as_resource(found)

    @api.post("/resources/{resource_id}/publish", summary="Publish an entry as an immutable version")
    def publish(request: Request, resource_id: str, seen: _Seen = "") -> dict[str, Any]:
        return as_resource(service.publish(_actor(request), resource_id, seen=seen))

    @api.post("/resources/{resource_id}/withdraw", summary="Take an entry offline")
    def withdraw(request: Request, resource_id: str, body: Withdrawal) -> dict[str, Any]:
        return as_resource(service.withdraw(_actor(request), resource_id, body.reason, for_good=body.for_good))

    @api.get("/resources/{resource_id}/versions", summary="Published versions, newest first")
    def versions(request: Request, resource_id: str) -> dict[str, Any]:
        hidden = service.hidden_fields(_actor(request))
        return {"versions": [as_version(one, hidden) for one in service.versions(_actor(request), resource_id)]}

    @api.get("/resources/{resource_id}/compare", summary="What changed between two published versions")
    def compare(
        request: Request,
        resource_id: str,
        before: Annotated[int, Query(ge=1, le=10_000)],
        after: Annotated[int | None, Query(ge=1, le=10_000, description="Left out: the entry being compiled.")] = None,
    ) -> dict[str, Any]:
        return dict(as_plain(service.compare(_actor(request), resource_id, before, after)))

    @api.get("/resources/{resource_id}/steps", summary="An entry's life so far")
    def steps(request: Request, resource_id: str) -> dict[str, Any]:
        return {"steps": as_plain(service.steps(_actor(request), resource_id))}

    @api.get("/resources/{resource_id}/promise", summary="The update promise against the fact")
    def promise(request: Request, resource_id: str) -> dict[str, Any]:
        return dict(as_plain(service.promise(_actor(request), resource_id)))

    _add_remarks(api, service)
    _add_sheet(api, service)
    _add_directory(api, service)
    return api


def _add_directory(api: APIRouter, service: Catalog) -> None:
    @api.get(
        "/directory.{form}",
        summary="The directory as a spreadsheet in the national layout",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def export(
        request: Request,
        form: SheetFormat,
        state: Annotated[list[State] | None, Query()] = None,
        org: str | None = None,
        language: Language = Language.ZH,
    ) -> Response:
        content = service.export_directory(_actor(request), form, states=state or (), org_id=org, language=language)
        named = {"Content-Disposition": f'attachment; filename="directory.{form.value}"', "Cache-Control": "no-store"}
        return Response(content, media_type=form.media_type, headers=named)

    @api.post("/directory", summary="Register and change entries as a spreadsheet says, all of them or none")
    def take(request: Request, file: UploadFile, check: bool = False) -> dict[str, Any]:
        content = file.file.read()
        return dict(as_plain(service.take_directory(_actor(request), file.filename or "", content, only_check=check)))


def _add_sheet(api: APIRouter, service: Catalog) -> None:
    @api.post("/resources/{resource_id}/items/check", summary="What is wrong with the items as rows of a sheet")
    def check_items(request: Request, resource_id: str, body: SheetRows) -> dict[str, Any]:
        return {"faults": as_plain(service.check_items(_actor(request), resource_id, body.rows))}

    @api.put("/resources/{resource_id}/items", summary="Save the items as rows of a sheet, all or none")
    def save_items(request: Request, resource_id: str, body: SheetRows, revision: Ordinal) -> dict[str, Any]:
        return as_resource(service.save_items(_actor(request), resource_id, body.rows, revision=revision))


def _add_remarks(api: APIRouter, service: Catalog) -> None:
    @api.get("/resources/{resource_id}/threads", summary="What provider and reviewers say about an entry")
    def threads(request: Request, resource_id: str) -> dict[str, Any]:
        return {"threads": [as_thread(one) for one in service.threads(_actor(request), resource_id)]}

    @api.post("/resources/{resource_id}/threads", status_code=201, summary="Comment on an entry or an item")
    def remark(request: Request, resource_id: str, body: Said) -> dict[str, Any]:
        return as_thread(service.remark(_actor(request), resource_id, body.text, column=body.column))

    @api.post("/threads/{thread_id}/replies", status_code=201, summary="Answer a comment")
    def reply(request: Request, thread_id: str, body: Answer) -> dict[str, Any]:
        return as_thread(service.reply(_actor(request), thread_id, body.text))

    @api.post("/threads/{thread_id}/resolve", summary="Say that a comment is settled")
    def resolve(request: Request, thread_id: str) -> dict[str, Any]:
        return as_thread(service.resolve(_actor(request), thread_id))


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
