"""From a spreadsheet to an entry under review, without a manual: a file, a look, and one page that proposes the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.catalog import OpenType, ShareType, tidy_name
from beijiang.console.extending import fields_shown
from beijiang.console.routes.catalog import read_edit
from beijiang.console.routes.frame import Frame, language, number, person
from beijiang.ingest import IngestRequest
from beijiang.kit import BeijiangError, Text
from beijiang.protection import kinds

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.catalog import Resource
    from beijiang.ingest import TablePreview
    from beijiang.kit import Actor, Language

HERE: Final = "/console/onboard"
_KEY: Final = re.compile(r"(编号|代码|证号|号码|标识|标识码|id|code)$", re.IGNORECASE)
_GOOD: Final = frozenset({"committed"})


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the guided path."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_file(pages, frame, platform)
    _add_run(pages, frame, platform)
    _add_entry(pages, frame, platform)
    return pages


def _add_file(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/onboard")
    def begin(request: Request) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.INGEST_FILE_LAND, who.org_id)
        return frame.page(request, "onboard.html")

    @pages.post("/onboard")
    def land(request: Request, file: UploadFile) -> RedirectResponse:
        who = person(request)

        def step() -> tuple[str, Text]:
            landed = platform.ingest.land(who, file.file, file.filename or "upload", who.org_id or "")
            return f"{HERE}/file/{landed.sha256}", Text("文件已原样保存。", "The file is kept unchanged.")

        return frame.attempt(request, HERE, step)

    @pages.get("/onboard/file/{sha256}")
    def look(request: Request, sha256: str) -> Response:
        who = person(request)
        try:
            preview = platform.ingest.preview(who, sha256, who.org_id or "")
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return frame.after(request, f"/console/ingest/{sha256}", error.text, "bad")
        names = {table.name for table in platform.tables.list(who)}
        whole = len(preview.tables) == 1
        sheets = [
            {"table": one, "into": tidy_name(_stem(preview.file.name if whole else one.inner)), "key": _key(one)}
            for one in preview.tables
        ]
        return frame.page(request, "onboard_file.html", preview=preview, sha256=sha256, sheets=sheets, known=names)

    @pages.post("/onboard/file/{sha256}")
    def take_in(
        request: Request,
        sha256: str,
        into: Annotated[str, Form(max_length=200)],
        key: Annotated[str, Form(max_length=200)] = "",
        sheet: Annotated[str, Form(max_length=200)] = "",
    ) -> RedirectResponse:
        who = person(request)

        def step() -> tuple[str, Text]:
            order = IngestRequest(
                files=(sha256,),
                into=into.strip(),
                org_id=who.org_id or "",
                key=(key,) if key else (),
                sheet=sheet or None,
            )
            return f"{HERE}/run/{platform.ingest.submit(who, order)}", Text("正在读入。", "Taking it in.")

        return frame.attempt(request, f"{HERE}/file/{sha256}", step)


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _key(table: TablePreview) -> str:
    """Return the column that tells rows apart: named like a number or code, filled, and never twice among the first rows."""
    for at, column in enumerate(table.columns):
        values = [row[at] for row in table.rows if at < len(row)]
        if _KEY.search(column) and len(values) > 1 and all(values) and len(set(values)) == len(values):
            return column
    return ""


def _add_run(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/onboard/run/{run_id}")
    def watch(request: Request, run_id: str) -> Response:
        who = person(request)
        run = platform.ingest.run(who, run_id)
        found = platform.catalog.resource_for_table(run.table) if run.ended else None
        if found is not None and run.state.value in _GOOD and found.grades:
            onward = f"{HERE}/entry/{found.id}"
            if request.headers.get("hx-request"):
                return Response(headers={"HX-Redirect": onward})
            return RedirectResponse(onward, 303)
        return frame.page(request, "onboard_run.html", run=run, failed=run.ended and run.state.value not in _GOOD)


def _add_entry(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/onboard/entry/{resource_id}")
    def entry(request: Request, resource_id: str) -> HTMLResponse:
        return frame.page(
            request, "onboard_entry.html", **_shown(platform, person(request), resource_id, language(request))
        )

    @pages.post("/onboard/entry/{resource_id}")
    async def adopt(request: Request, resource_id: str) -> RedirectResponse:
        from starlette.concurrency import run_in_threadpool

        form = await request.form()
        return await run_in_threadpool(_adopt, frame, platform, request, resource_id, form)


def _shown(platform: Platform, who: Actor, resource_id: str, tongue: Language) -> dict[str, Any]:
    catalog, standards = platform.catalog, platform.standards
    resource = catalog.get(who, resource_id)
    platform.access.require(who, Permission.CATALOG_RESOURCE_EDIT, resource.provider_id)
    return {
        "resource": resource,
        "advice": {one.field: one for one in catalog.advice(who, resource_id)},
        "grades": _grades(platform, who, resource),
        "gaps": [gap for gap in catalog.missing(who, resource_id) if gap.blocking],
        "promise": catalog.promise(who, resource_id),
        "category_pairs": [(one.code, f"{one.code} {one.name.in_language(tongue)}") for one in standards.categories()],
        "cycle_pairs": [(one.code, one.name.in_language(tongue)) for one in standards.update_cycles()],
        "share_pairs": [(one.value, one.text.in_language(tongue)) for one in ShareType],
        "open_pairs": [(one.value, one.text.in_language(tongue)) for one in OpenType],
        "licences": standards.licences(),
        **fields_shown(platform, who, resource),
    }


def _grades(platform: Platform, who: Actor, resource: Resource) -> dict[str, Text]:
    """Say of each column why it has its grade."""
    allowed = platform.access.allows(who, Permission.PROTECTION_GRADE_READ, resource.provider_id)
    if resource.table is None or not allowed:
        return {}
    named = kinds()
    found = {}
    for grade in platform.protection.grades(who, resource.table):
        kind, looked = named.get(grade.kind), grade.evidence
        name = kind.name if kind else Text(grade.kind, grade.kind)
        share = f"{looked.share:.0%}"
        if looked.hits:
            found[grade.column] = Text(f"{share} 的值是{name.zh}。", f"{share} of the values are: {name.en}.")
        elif looked.by_name:
            found[grade.column] = Text(f"列名是{name.zh}。", f"The name says: {name.en}.")
        else:
            found[grade.column] = Text("没有发现个人或敏感信息。", "Nothing personal or sensitive was found.")
    return found


def _adopt(frame: Frame, platform: Platform, request: Request, resource_id: str, form: FormData) -> RedirectResponse:
    back = f"{HERE}/entry/{resource_id}"

    def step() -> tuple[str, Text]:
        who = person(request)
        platform.catalog.edit(who, resource_id, read_edit(form), revision=number(form.get("revision")))
        platform.catalog.submit(who, resource_id)
        return back, Text("已提交审核。", "Submitted for review.")

    return frame.attempt(request, back, step)
