"""The catalog: entries, their review and their publication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.catalog import ItemEdit, OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.console.extending import fields_shown, read_fields
from beijiang.console.listing import FIND, ONLY
from beijiang.console.lists.sharing import entry_table
from beijiang.console.routes.frame import SEE_OTHER, Frame, number, person
from beijiang.console.routes.listed import listed
from beijiang.console.words import told
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.catalog import Entry, Resource

_FORMER: Final = {"q": FIND, "state": f"{ONLY}state"}
"""Words of addresses that an older release kept as views, and what the list calls them now."""
_DONE = {
    "submit": Text("已提交审核。", "Submitted for review."),
    "endorse": Text("已确认。", "Endorsed."),
    "approve": Text("已审核通过，目录代码已生成。", "Approved; its codes are made."),
    "publish": Text("已发布。", "Published."),
    "take-columns": Text("数据项已与表的列对齐。", "The items now follow the table's columns."),
}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the catalog's stewards and reviewers."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_looking(pages, frame, platform)
    _add_editing(pages, frame, platform)
    _add_deciding(pages, frame, platform)
    return pages


def _add_looking(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/catalog")
    def entries(request: Request) -> Response:
        if any(name in request.query_params for name in _FORMER):
            pairs = [(_FORMER.get(name, name), value) for name, value in request.query_params.multi_items()]
            return RedirectResponse(f"/console/catalog?{urlencode(pairs)}", SEE_OTHER)
        return listed(frame, platform, request, "catalog.html", entry_table(platform, person(request)))

    @pages.get("/catalog/{resource_id}")
    def entry(request: Request, resource_id: str) -> HTMLResponse:
        who = person(request)
        resource = platform.catalog.get(who, resource_id)
        versions = platform.catalog.versions(who, resource_id) if resource.versions else ()
        standards = platform.standards
        return frame.page(
            request,
            "entry.html",
            afar=platform.travels.entry(resource_id),
            neighbours=platform.travels.neighbours(who),
            resource=resource,
            left=platform.catalog.open_threads(who).get(resource_id, 0),
            doubted=platform.tickets.doubted(who, resource_id),
            gaps=platform.catalog.missing(who, resource_id),
            steps=platform.catalog.steps(who, resource_id),
            versions=versions,
            changes=platform.catalog.changes(who, resource_id),
            promise=platform.catalog.promise(who, resource_id),
            told=told,
            chosen=_chosen_names(platform, resource.entry),
            may=_rights(platform, request, resource),
            categories=standards.categories(),
            cycles=standards.update_cycles(),
            licences=standards.licences(),
            share_types=tuple(ShareType),
            share_methods=tuple(ShareMethod),
            open_types=tuple(OpenType),
            **fields_shown(platform, who, resource),
        )


def _chosen_names(platform: Platform, entry: Entry) -> dict[str, Text | str]:
    """Return what the codes of an entry are called, for those who may read it only; an unknown code shows itself."""
    standards = platform.standards
    known = {
        "category": {c.code: Text(f"{c.code} {c.name.zh}", f"{c.code} {c.name.en}") for c in standards.categories()},
        "cycle": {c.code: c.name for c in standards.update_cycles()},
        "licence": {licence.id: licence.name for licence in standards.licences()},
    }
    codes = {
        "category": entry.categories[0] if entry.categories else "",
        "cycle": entry.update_cycle,
        "licence": entry.licence,
    }
    return {kind: known[kind].get(code, code) for kind, code in codes.items()}


def _add_editing(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/catalog/{resource_id}")
    async def edit(request: Request, resource_id: str) -> RedirectResponse:
        from starlette.concurrency import run_in_threadpool

        form = await request.form()
        return await run_in_threadpool(_edit, frame, platform, request, resource_id, form)


def _edit(frame: Frame, platform: Platform, request: Request, resource_id: str, form: FormData) -> RedirectResponse:
    back = f"/console/catalog/{resource_id}"

    def step() -> tuple[str, Text]:
        revision = number(form.get("revision"))  # none that can be read is none that is still the newest
        platform.catalog.edit(person(request), resource_id, read_edit(form), revision=revision)
        return back, Text("已保存。", "Saved.")

    return frame.attempt(request, back, step)


def read_edit(form: FormData) -> ResourceEdit:
    """Read the entry's form: its own fields, and per item the open flag and meaning."""
    columns = [str(c) for c in form.getlist("column")]
    opened = {str(c) for c in form.getlist("open_item")}
    items = tuple(ItemEdit(column=c, description=str(form.get(f"description:{n}", ""))) for n, c in enumerate(columns))
    plain: dict[str, Any] = {name: str(form[name]).strip() for name in _PLAIN if name in form}
    return ResourceEdit(
        **plain,
        categories=_categories(form),
        formats=_words(form, "formats"),
        related_codes=_words(form, "related_codes"),
        keywords=_words(form, "keywords"),
        share_type=_chosen(ShareType, form.get("share_type")),
        share_method=_chosen(ShareMethod, form.get("share_method")),
        open_type=_chosen(OpenType, form.get("open_type")),
        open_items=tuple(c for c in columns if c in opened) if columns else None,
        items=items,
        extensions=read_fields(form),
    )


_PLAIN = (
    "name",
    "summary",
    "provider_code",
    "inner_office",
    "share_condition",
    "no_share_basis",
    "open_condition",
    "licence",
    "update_cycle",
    "contact",
    "time_span",
)


def _categories(form: FormData) -> tuple[str, ...] | None:
    """Read the primary category and those after it; a form that saves one of them must not lose the others."""
    primary = _words(form, "category")
    return None if primary is None else (*primary, *(_words(form, "more_categories") or ()))


def _words(form: FormData, name: str) -> tuple[str, ...] | None:
    if name not in form:
        return None
    text = str(form[name]).replace("，", " ").replace("、", " ").replace(",", " ")
    return tuple(text.split())


def _chosen(kind: Any, value: object) -> Any:
    return kind(value) if isinstance(value, str) and value in set(kind) else None


def _add_deciding(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    catalog = platform.catalog
    steps: dict[str, Callable[..., Resource]] = {
        "submit": catalog.submit,
        "endorse": catalog.endorse,
        "approve": catalog.approve,
        "publish": catalog.publish,
        "take-columns": catalog.take_columns,
    }

    @pages.post("/catalog/{resource_id}/return")
    def send_back(
        request: Request, resource_id: str, reasons: Annotated[str, Form(max_length=4000)]
    ) -> RedirectResponse:
        back = f"/console/catalog/{resource_id}"

        def step() -> tuple[str, Text]:
            lines = [line.strip() for line in reasons.splitlines() if line.strip()]
            catalog.return_for_mending(person(request), resource_id, lines)
            return back, Text("已退回，并附上理由。", "Sent back with the reasons.")

        return frame.attempt(request, back, step)

    @pages.post("/catalog/{resource_id}/withdraw")
    def withdraw(request: Request, resource_id: str, reason: Annotated[str, Form(max_length=1000)]) -> RedirectResponse:
        back = f"/console/catalog/{resource_id}"

        def step() -> tuple[str, Text]:
            catalog.withdraw(person(request), resource_id, reason)
            return back, Text("已撤回，门户上立即不可见。", "Withdrawn; it is off the portal as of now.")

        return frame.attempt(request, back, step)

    for name, verb in steps.items():
        _add_step(pages, frame, name, verb)


_DECIDED: Final = frozenset({"approve", "endorse", "publish"})
"""Steps that hold for what their page showed."""


def _add_step(pages: APIRouter, frame: Frame, name: str, verb: Callable[..., Resource]) -> None:
    @pages.post(f"/catalog/{{resource_id}}/{name}", name=f"catalog_{name}")
    def decide(request: Request, resource_id: str, seen: Annotated[str, Form(max_length=300)] = "") -> RedirectResponse:
        back = f"/console/catalog/{resource_id}"
        shown = {"seen": seen} if name in _DECIDED else {}

        def step() -> tuple[str, Text]:
            verb(person(request), resource_id, **shown)
            return back, _DONE[name]

        return frame.attempt(request, back, step)


def _rights(platform: Platform, request: Request, resource: Resource) -> dict[str, bool]:
    who, allows, org = person(request), platform.access.allows, resource.provider_id
    return {
        "edit": allows(who, Permission.CATALOG_RESOURCE_EDIT, org),
        "submit": allows(who, Permission.CATALOG_RESOURCE_SUBMIT, org),
        "endorse": allows(who, Permission.CATALOG_RESOURCE_ENDORSE, org),
        "approve": allows(who, Permission.CATALOG_RESOURCE_APPROVE, org),
        "remark": allows(who, Permission.CATALOG_RESOURCE_REMARK, org),
        "return": allows(who, Permission.CATALOG_RESOURCE_RETURN, org),
        "publish": allows(who, Permission.CATALOG_RESOURCE_PUBLISH, org),
        "withdraw": allows(who, Permission.CATALOG_RESOURCE_WITHDRAW, org),
        "standard": bool(resource.entry.items) and allows(who, Permission.EXCHANGE_TEMPLATE_ISSUE, org),
    }
