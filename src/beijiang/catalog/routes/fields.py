"""The JSON API of the fields that the region declares: ``/api/v1/catalog/fields``."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.catalog.models import FieldDraft, FieldKind, FieldPlace
from beijiang.catalog.plain import as_field

if TYPE_CHECKING:
    from beijiang.catalog.service import Catalog
    from beijiang.kit import Actor

__all__ = ["router"]


class FieldWords(BaseModel):
    """What is said of a field, and may be said anew; what is absent has the value that is shown."""

    model_config = ConfigDict(extra="forbid")

    name_zh: str = Field(min_length=1, max_length=60)
    name_en: str = Field(min_length=1, max_length=60)
    required: bool = Field(default=False, description="Whether entries that are edited from today on must have it.")
    places: frozenset[FieldPlace] = Field(
        default=frozenset({FieldPlace.FORM, FieldPlace.PAGE, FieldPlace.API}),
        description="Where it is shown; neither page nor api: only inside government.",
    )
    valid_from: date | None = Field(default=None, description="First day on which entries are asked for it.")
    valid_to: date | None = Field(default=None, description="Last such day.")
    position: int = Field(default=0, ge=0, le=9_999, description="Its place among the fields.")
    region_code: str = Field(default="", max_length=12, description="Only departments of this region and below.")

    def draft(self, key: str, kind: FieldKind = FieldKind.TEXT, code_set: str = "") -> FieldDraft:
        """Return it as the service takes it."""
        return FieldDraft(key=key, kind=kind, code_set=code_set, **self.model_dump(exclude={"key", "kind", "code_set"}))


class NewField(FieldWords):
    """A field to be declared; its key, kind and code set never change."""

    key: str = Field(min_length=2, max_length=40, pattern="^[a-z][a-z0-9_]*$")
    kind: FieldKind = FieldKind.TEXT
    code_set: str = Field(default="", max_length=200)


def router(service: Catalog) -> APIRouter:
    """Return the addresses."""
    api = APIRouter(prefix="/api/v1/catalog/fields", tags=["catalog"])

    @api.get("", summary="Fields that the region declared beyond the national guide")
    def fields(
        request: Request,
        retired: Annotated[bool, Query(description="Retired ones too: entries may hold values of them.")] = True,
    ) -> dict[str, Any]:
        found = service.extension_fields(_actor(request))
        return {"fields": [as_field(one) for one in found if retired or one.retired_at is None]}

    @api.post("", status_code=201, summary="Declare a field")
    def declare(request: Request, body: NewField) -> dict[str, Any]:
        return as_field(service.declare_field(_actor(request), body.draft(body.key, body.kind, body.code_set)))

    @api.get("/{key}", summary="One declared field")
    def one(request: Request, key: str) -> dict[str, Any]:
        return as_field(service.extension_field(_actor(request), key))

    @api.put("/{key}", summary="Say something else of a field")
    def change(request: Request, key: str, body: FieldWords) -> dict[str, Any]:
        return as_field(service.change_field(_actor(request), key, body.draft(key)))

    @api.post("/{key}/retire", summary="Ask nobody for a field any more; the values stay")
    def retire(request: Request, key: str) -> dict[str, Any]:
        return as_field(service.retire_field(_actor(request), key))

    @api.post("/{key}/restore", summary="Ask for a retired field again")
    def restore(request: Request, key: str) -> dict[str, Any]:
        return as_field(service.restore_field(_actor(request), key))

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
