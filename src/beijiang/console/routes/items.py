"""The items of an entry as a grid: edited like a spreadsheet with a script, a plain form without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from beijiang.access import Permission
from beijiang.catalog import CellFault, cells_of
from beijiang.console.routes.frame import Frame, number, person
from beijiang.kit import Conflict, Invalid, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.catalog import Row

_CELLS = 40_000
"""Cells of one form at most."""


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the grid's pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/catalog/{resource_id}/items")
    def grid(request: Request, resource_id: str) -> Response:
        return _page(frame, platform, request, resource_id)

    @pages.post("/catalog/{resource_id}/items")
    async def save(request: Request, resource_id: str) -> Response:
        from starlette.concurrency import run_in_threadpool

        form = await request.form(max_fields=_CELLS)
        return await run_in_threadpool(_save, frame, platform, request, resource_id, form)

    return pages


def _page(
    frame: Frame,
    platform: Platform,
    request: Request,
    resource_id: str,
    *,
    rows: Sequence[Row] | None = None,
    revision: int = 0,
    faults: Sequence[CellFault] = (),
    words: Text | None = None,
) -> Response:
    who = person(request)
    resource = platform.catalog.get(who, resource_id)
    platform.access.require(who, Permission.CATALOG_RESOURCE_EDIT, resource.provider_id)
    by_cell: dict[str, list[Text]] = {}
    for fault in faults:
        by_cell.setdefault(f"{fault.row}:{fault.field}", []).append(fault.text)
    answer = frame.page(
        request,
        "items.html",
        resource=resource,
        fields=platform.catalog.item_fields(who),
        rows=rows if rows is not None else [cells_of(item) for item in resource.entry.items],
        known={item.column: item for item in resource.entry.items},
        revision=revision or resource.revision,
        faults=faults,
        by_cell=by_cell,
        refused=words,
        left=platform.catalog.open_threads(who).get(resource_id, 0),
        may_remark=platform.access.allows(who, Permission.CATALOG_RESOURCE_REMARK, resource.provider_id),
    )
    if words is not None:
        answer.status_code = Invalid.status
    return answer


def _save(frame: Frame, platform: Platform, request: Request, resource_id: str, form: FormData) -> Response:
    who, rows, revision = person(request), read_cells(form), number(form.get("revision"))
    again: dict[str, Any] = {"rows": rows, "revision": revision}
    faults = platform.catalog.check_items(who, resource_id, rows)
    if faults:
        words = Text(
            f"有 {len(faults)} 处不能保存，一行也没有存。", f"{len(faults)} cells cannot be saved, so no row was."
        )
        return _page(frame, platform, request, resource_id, faults=faults, words=words, **again)
    try:
        platform.catalog.save_items(who, resource_id, rows, revision=revision)
    except Conflict as error:
        return _page(frame, platform, request, resource_id, words=error.text, **again)
    return frame.after(request, f"/console/catalog/{resource_id}/items", Text("全部保存。", "All rows are saved."))


def read_cells(form: FormData) -> list[Row]:
    """Read the grid's form: ``column`` once for each row, ``<row>:<field>`` for each of its cells."""
    rows: list[dict[str, str]] = [{"column": str(column)} for column in form.getlist("column")]
    for name, value in form.multi_items():
        at, mark, key = name.partition(":")
        if mark and at.isdecimal() and len(at) < 6 and int(at) < len(rows):  # noqa: PLR2004 - digits of a row
            rows[int(at)][key] = str(value)
    return list(rows)
