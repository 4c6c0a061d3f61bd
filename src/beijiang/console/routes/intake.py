"""Handing in: land a file, look at it, take it in, watch the run, mend what was set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from beijiang.access import Permission
from beijiang.console.lists import job_table, run_table
from beijiang.console.routes.frame import Frame, actor, language, number, person
from beijiang.console.routes.listed import listed
from beijiang.ingest import CheckSpec, HeaderTemplate, IngestRequest, ReadOptions, RunMode
from beijiang.kit import BeijiangError, Text
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform

ENCODINGS = ("auto", "utf-8", "gb18030", "big5", "utf-16")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_TITLE_ROWS, MOST_HEADER_ROWS = 100, 10


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of aggregation."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_files(pages, frame, platform)
    _add_runs(pages, frame, platform)
    _add_return(pages, platform)
    return pages


def _add_files(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/ingest")
    def hand_in(request: Request) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.INGEST_FILE_LAND, who.org_id)
        return frame.page(request, "ingest.html", files=platform.ingest.files(who, limit=20))

    @pages.post("/ingest")
    def upload(request: Request, file: UploadFile) -> RedirectResponse:
        who = person(request)
        try:
            landed = platform.ingest.land(who, file.file, file.filename or "upload", who.org_id or "")
        except BeijiangError as error:
            return frame.after(request, "/console/ingest", error.text, "bad")
        words = (
            Text(
                "这份文件以前交过，内容完全相同，没有重复保存。",
                "This very file was handed in before; it is not stored twice.",
            )
            if landed.again
            else Text("文件已原样保存。请核对识别结果。", "The file is kept unchanged. Check what was recognised.")
        )
        return frame.after(request, f"/console/ingest/{landed.sha256}", words, "warn" if landed.again else "ok")

    @pages.get("/ingest/{sha256}")
    def look(
        request: Request,
        sha256: str,
        encoding: str = "auto",
        sheet: str = "",
        header_rows: str = "",
        title_rows: str = "",
    ) -> HTMLResponse:
        who = person(request)
        chosen = {"encoding": encoding, "sheet": sheet, "header_rows": header_rows, "title_rows": title_rows}
        preview, fault = None, None
        try:
            preview = platform.ingest.preview(who, sha256, who.org_id or "", _options(chosen))
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            fault = error.text
        return frame.page(
            request,
            "preview.html",
            sha256=sha256,
            preview=preview,
            fault=fault,
            chosen=chosen,
            encodings=ENCODINGS,
            tables=platform.tables.list(who),
        )

    @pages.post("/ingest/{sha256}")
    def take_in(
        request: Request,
        sha256: str,
        into: Annotated[str, Form(max_length=200)],
        mode: Annotated[RunMode, Form()] = RunMode.AUTO,
        key: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
        checks: Annotated[str, Form(max_length=4000)] = "",
        encoding: Annotated[str, Form()] = "auto",
        sheet: Annotated[str, Form(max_length=200)] = "",
        title_rows: Annotated[str, Form(max_length=4)] = "",
        header_rows: Annotated[str, Form(max_length=4)] = "",
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        who = person(request)
        chosen = {"encoding": encoding, "sheet": sheet, "header_rows": header_rows, "title_rows": title_rows}

        def step() -> tuple[str, Text]:
            options = _options(chosen)
            run_id = platform.ingest.submit(
                who,
                IngestRequest(
                    files=(sha256,),
                    into=into.strip(),
                    org_id=who.org_id or "",
                    key=tuple(key),
                    mode=mode,
                    encoding=encoding,
                    sheet=sheet or None,
                    header=None if options.header is None else options.header.to_json(),
                    checks=tuple(CheckSpec.parse(line) for line in checks.split() if line),
                    reason=reason,
                ),
            )
            return f"/console/runs/{run_id}", Text("已开始汇聚。", "The run has begun.")

        return frame.attempt(request, f"/console/ingest/{sha256}", step)


def _options(chosen: dict[str, str]) -> ReadOptions:
    """Read what the form says about a file; empty means that it is to be found."""
    header = None
    if chosen["header_rows"].isdecimal() or chosen["title_rows"].isdecimal():
        header = HeaderTemplate(
            title_rows=min(number(chosen["title_rows"]), MOST_TITLE_ROWS),
            header_rows=min(number(chosen["header_rows"], 1), MOST_HEADER_ROWS),
        )
    encoding = chosen["encoding"] if chosen["encoding"] in ENCODINGS else "auto"
    return ReadOptions(encoding=encoding, sheet=chosen["sheet"] or None, header=header)


def _add_runs(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/runs")
    def runs(request: Request) -> Response:
        return listed(frame, platform, request, "runs.html", run_table(platform, person(request)))

    @pages.get("/runs/{run_id}")
    def run(request: Request, run_id: str) -> HTMLResponse:
        who = person(request)
        found = platform.ingest.run(who, run_id)
        proof = platform.sources.certificate(who, run_id)
        return frame.page(request, "run.html", run=found, proof=proof, origins=platform.bench.origins(who, run_id))

    @pages.get("/runs/{run_id}/progress")
    def progress(request: Request, run_id: str) -> HTMLResponse:
        return frame.fragment(request, "run_state.html", run=platform.ingest.run(person(request), run_id))

    @pages.post("/runs/{run_id}/cancel")
    def cancel(request: Request, run_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.ingest.cancel(person(request), run_id)
            return f"/console/runs/{run_id}", Text(
                "已请求取消；提交之前停下。", "Cancelling; it stops before its commit."
            )

        return frame.attempt(request, f"/console/runs/{run_id}", step)

    @pages.get("/jobs")
    def jobs(request: Request) -> Response:
        return listed(frame, platform, request, "jobs.html", job_table(platform, person(request)))

    @pages.post("/jobs/{job_id}/cancel")
    def cancel_job(request: Request, job_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.jobs.cancel(person(request), job_id)
            return "/console/jobs", Text("已请求取消。", "Cancelling.")

        return frame.attempt(request, "/console/jobs", step)


def _add_return(pages: APIRouter, platform: Platform) -> None:
    @pages.get("/runs/{run_id}/return-file", response_model=None)
    def return_file(request: Request, run_id: str) -> Response:
        who = actor(request)
        found = platform.ingest.run(who, run_id)
        name = f"{found.table}_退回修改.xlsx"
        headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
        if request.state.head:
            return Response(media_type=XLSX, headers=headers)
        path = platform.ingest.return_file(who, run_id, language=language(request))
        tidy = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type=XLSX, headers=headers, background=tidy)
