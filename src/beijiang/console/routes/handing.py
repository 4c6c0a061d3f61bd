"""Encrypted packages (加密包) and tracing (溯源) in the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, UploadFile
from fastapi.responses import HTMLResponse, StreamingResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.sharing import Said, Short, Word, names
from beijiang.exchange import PackageCipher
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.protection import files, read_where
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.exchange import MadePackage, TraceReport


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_packages(pages, frame, platform)
    _add_trace(pages, frame, platform)
    return pages


def _cipher(word: str) -> PackageCipher:
    return PackageCipher(word) if word in set(PackageCipher) else PackageCipher.AES


def _add_packages(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    packages = platform.packages

    def page(
        request: Request, table: str = "", made: MadePackage | None = None, fault: Text | None = None
    ) -> HTMLResponse:
        waiting = packages.waiting(person(request))
        shown = frame.page(
            request,
            "packages.html",
            waiting=waiting,
            made=made,
            table=table,
            fault=fault,
            forms=tuple(files.DownloadFormat),
            ciphers=tuple(PackageCipher),
        )
        shown.headers["Cache-Control"] = "no-store"
        return shown

    @pages.get("/packages")
    def listed(request: Request, table: Word = "") -> HTMLResponse:
        return page(request, table)

    @pages.post("/packages")
    def make(
        request: Request, table: Short, form: Short = "csv", where: Said = "", cipher: Short = "aes"
    ) -> HTMLResponse:
        try:
            order = files.DownloadOrder(
                form=files.parse_format(form),
                encoding=files.DownloadEncoding.UTF8_BOM,
                filters=tuple(read_where(line.strip()) for line in where.splitlines() if line.strip()),
                request="POST /console/packages",
            )
            made = packages.make(person(request), table.strip(), order, cipher=_cipher(cipher))
        except BeijiangError as error:
            if error.status == 401:  # noqa: PLR2004
                raise
            return page(request, table, fault=error.text)
        return page(request, made=made)

    @pages.get("/packages/{package_id}")
    def fetch(request: Request, package_id: str) -> StreamingResponse:
        if request.state.head:
            raise Invalid("下载不支持 HEAD。", "A download has no HEAD.", code="no_head")
        made = packages.fetch(person(request), package_id)
        headers = {"Content-Disposition": content_disposition(made.file_name), "Cache-Control": "no-store"}
        return StreamingResponse(made.content, media_type=made.media_type, headers=headers)


def _add_trace(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    def page(request: Request, report: TraceReport | None = None, fault: Text | None = None) -> HTMLResponse:
        return frame.page(request, "trace.html", report=report, fault=fault, names=names(platform))

    @pages.get("/trace")
    def ask(request: Request) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.EXCHANGE_TRACE_RUN, who.org_id)
        return page(request)

    @pages.post("/trace")
    def trace(request: Request, file: UploadFile) -> HTMLResponse:
        who = person(request)
        try:
            return page(request, platform.tracing.trace(who, file.file.read()))
        except BeijiangError as error:
            if error.status in {401, 403}:
                raise
            return page(request, fault=error.text)
