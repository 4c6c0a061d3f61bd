"""The directory as a spreadsheet: taken away, checked, and read in, all of it or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.standards import SheetFormat
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.catalog import Taken


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the directory's files."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    def shown(request: Request, taken: Taken | None = None, words: Text | None = None) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.CATALOG_RESOURCE_READ, who.org_id)
        answer = frame.page(
            request,
            "directory.html",
            taken=taken,
            refused=words,
            columns=platform.catalog.directory_columns(who),
            may_take=platform.access.allows(who, Permission.CATALOG_RESOURCE_REGISTER, who.org_id),
        )
        if words is not None or (taken is not None and taken.faults):
            answer.status_code = Invalid.status
        return answer

    @pages.get("/directory")
    def directory(request: Request) -> HTMLResponse:
        return shown(request)

    @pages.get("/directory/export.{form}")
    def export(request: Request, form: SheetFormat) -> Response:
        who, tongue = person(request), language(request)
        name = Text(f"政务信息资源目录.{form.value}", f"directory.{form.value}").in_language(tongue)
        headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
        content = platform.catalog.export_directory(who, form, language=tongue)
        return Response(content, media_type=form.media_type, headers=headers)

    @pages.post("/directory")
    def take(request: Request, file: UploadFile, what: Annotated[str, Form()] = "check") -> HTMLResponse:
        content = file.file.read()
        try:
            taken = platform.catalog.take_directory(
                person(request), file.filename or "", content, only_check=what != "take"
            )
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return shown(request, words=error.text)
        return shown(request, taken)

    return pages
