"""The fields that the region declares beyond the national guide: seen by all who compile, kept by the data authority."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.catalog import FieldDraft, FieldKind, FieldPlace
from beijiang.console.routes.frame import Frame, language, number, person
from beijiang.console.routes.sharing import Short
from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.catalog import ExtensionField
    from beijiang.kit import Actor

HERE = "/console/fields"
Many = Annotated[list[str], Form(max_length=20)]


def _drafted(
    key: Short = "",
    name_zh: Short = "",
    name_en: Short = "",
    kind: Short = FieldKind.TEXT,
    code_set: Short = "",
    required: Short = "",
    places: Many = [],  # noqa: B006 - FastAPI copies defaults
    valid_from: Short = "",
    valid_to: Short = "",
    position: Short = "0",
    region: Short = "",
) -> Callable[[], FieldDraft]:
    """Return what reads the form, so that what is wrong in it is told on the page."""

    def read() -> FieldDraft:
        return FieldDraft(
            key=key,
            name_zh=name_zh,
            name_en=name_en,
            kind=FieldKind(kind) if kind in {*FieldKind} else FieldKind.TEXT,
            code_set=code_set,
            required=bool(required),
            places=frozenset(FieldPlace(place) for place in places if place in {*FieldPlace}),
            valid_from=_day(valid_from),
            valid_to=_day(valid_to),
            position=number(position, -1),
            region_code=region,
        )

    return read


_Draft = Annotated[Callable[[], FieldDraft], Depends(_drafted)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, catalog = APIRouter(prefix="/console", include_in_schema=False), platform.catalog

    @pages.get("/fields")
    def listed(request: Request) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.CATALOG_RESOURCE_READ, who.org_id)
        return frame.page(
            request,
            "fields.html",
            fields=catalog.extension_fields(who),
            field=None,
            today=catalog.today(),
            may_declare=_may(platform, who),
            **_choices(platform, request),
        )

    @pages.get("/fields/{field}")
    def one(request: Request, field: str) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.CATALOG_RESOURCE_READ, who.org_id)
        may = _may(platform, who)
        return frame.page(
            request,
            "field.html",
            field=catalog.extension_field(who, field),
            used=catalog.field_use(who, field) if may else None,
            today=catalog.today(),
            may_declare=may,
            **_choices(platform, request),
        )

    @pages.post("/fields")
    def declare(request: Request, draft: _Draft) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = catalog.declare_field(person(request), draft())
            return f"{HERE}/{made.key}", Text(
                "已声明。编目人员从启用之日起会看到它。", "Declared. Whoever compiles sees it from its first day on."
            )

        return frame.attempt(request, HERE, step)

    @pages.post("/fields/{field}")
    def change(request: Request, field: str, draft: _Draft) -> RedirectResponse:
        return _after(
            frame, request, field, lambda: catalog.change_field(person(request), field, draft()), "已保存。", "Saved."
        )

    @pages.post("/fields/{field}/retire")
    def retire(request: Request, field: str) -> RedirectResponse:
        words = "已停用。原有的值保留可读。", "Retired. The values that entries have stay readable."
        return _after(frame, request, field, lambda: catalog.retire_field(person(request), field), *words)

    @pages.post("/fields/{field}/restore")
    def restore(request: Request, field: str) -> RedirectResponse:
        words = "已恢复。", "It is asked for again."
        return _after(frame, request, field, lambda: catalog.restore_field(person(request), field), *words)

    return pages


def _after(
    frame: Frame, request: Request, field: str, verb: Callable[[], ExtensionField], zh: str, en: str
) -> RedirectResponse:
    def step() -> tuple[str, Text]:
        verb()
        return f"{HERE}/{field}", Text(zh, en)

    return frame.attempt(request, f"{HERE}/{field}", step)


def _choices(platform: Platform, request: Request) -> dict[str, object]:
    tongue, standards = language(request), platform.standards
    regions = [
        (one.code, f"{one.code} {one.name if tongue.value != 'en' else one.name_en}") for one in standards.regions()
    ]
    return {
        "kinds": FieldKind,
        "places": FieldPlace,
        "code_sets": [(one.id, f"{one.name.in_language(tongue)}（{one.id}）") for one in standards.code_sets()],
        "regions": regions,
    }


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said.strip()) if said.strip() else None
    except ValueError:
        raise Invalid(
            f"“{said[:40]}”不是日期，应如 2026-01-31。", f"“{said[:40]}” is no date like 2026-01-31.", code="bad_date"
        ) from None


def _may(platform: Platform, who: Actor) -> bool:
    return platform.access.allows(who, Permission.CATALOG_FIELD_DECLARE)
