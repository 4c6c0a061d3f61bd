"""The JSON API of ingest: hand in files, look into them, run, and fetch what was set aside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, BinaryIO, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from beijiang.ingest.models import CheckSpec, FilePreview, IngestRequest, RunMode
from beijiang.ingest.service import Ingest
from beijiang.kit import Actor
from beijiang.web import content_disposition
from beijiang.web.bounds import Place
from beijiang.web.described import XLSX, files_of

__all__ = ["router"]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Order(BaseModel):
    """A body takes the fields that it names and no others."""

    model_config = ConfigDict(extra="forbid")


class HeaderChoice(_Order):
    """Where the header stands, as confirmed in a preview."""

    title_rows: int = Field(default=0, ge=0, le=100, strict=True, description="Rows above the header that are skipped.")
    header_rows: int = Field(
        default=1, ge=0, le=10, strict=True, description="Rows of the header; 0 means there is none."
    )
    columns: list[str] = Field(default_factory=list, max_length=5000, description="Names; needed without a header.")


class PreviewOrder(_Order):
    """How to look into a landed file."""

    org_id: str = Field(min_length=1, max_length=40, description="The department that handed it in.")
    into: str = Field(default="", max_length=200, description="Target table, whose remembered layout is used.")
    encoding: str = Field(default="auto", max_length=40)
    sheet: str | None = Field(default=None, max_length=400)
    delimiter: str | None = Field(default=None, max_length=4)
    header: HeaderChoice | None = None


class RunOrder(PreviewOrder):
    """What to take in, and how."""

    files: list[_Sha256] = Field(min_length=1, max_length=10_000, description="SHA-256 of landed files.")
    into: str = Field(min_length=1, max_length=200, description="Target table.")
    key: list[str] = Field(default_factory=list, max_length=20, description="Columns that identify a row.")
    mode: RunMode = RunMode.AUTO
    checks: list[str] = Field(default_factory=list, max_length=200, description="COLUMN=CHECK, e.g. 证号=citizen_id.")
    reason: str = Field(default="", max_length=1000)
    again: bool = Field(default=False, strict=True, description="Append files that the table has taken in before.")
    accept_plan: str = Field(default="", max_length=64, description="Token of an accepted schema plan (replace only).")


def router(ingest: Ingest) -> APIRouter:  # a list of small functions
    """Return the endpoints below ``/api/v1/ingest``."""
    api = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])

    @api.post("/files", status_code=201, summary="Hand in a file: its bytes are the body of the request")
    async def land(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=1000, description="The file's name")],
        org: Annotated[str, Query(min_length=1, max_length=40, description="The department that hands it in")],
        into: Annotated[
            str, Query(max_length=200, description="The table it is meant for, checked before it lands")
        ] = "",
    ) -> dict[str, Any]:
        if into.strip():
            await run_in_threadpool(ingest.require_free, request.state.actor, into.strip(), org)
        body = cast("BinaryIO", _Body(request.stream()))
        return (await run_in_threadpool(ingest.land, request.state.actor, body, name, org)).to_json()

    @api.get("/files", summary="What a department handed in, newest first")
    def files(
        request: Request, org: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        return {"files": [f.to_json() for f in ingest.files(_actor(request), org_id=org, limit=limit)]}

    @api.post("/files/{sha256}/preview", summary="The head of every table inside a landed file, as raw text")
    def preview(request: Request, sha256: str, order: PreviewOrder) -> dict[str, Any]:
        from beijiang.ingest.readers import HeaderTemplate, ReadOptions

        header = HeaderTemplate.from_json(order.header.model_dump()) if order.header else None
        options = ReadOptions(order.encoding, order.sheet, order.delimiter, header)
        return _preview(ingest.preview(_actor(request), sha256, order.org_id, options, into=order.into))

    @api.post("/runs", status_code=202, summary="Take landed files into a table, as a job")
    def submit(request: Request, order: RunOrder) -> dict[str, Any]:
        actor = _actor(request)
        return ingest.run(actor, ingest.submit(actor, _request(order))).to_json()

    @api.get("/runs", summary="Runs of a department, newest first")
    def runs(
        request: Request,
        org: str | None = None,
        table: str | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[str | None, Query(max_length=40, description="Only runs older than this one")] = None,
    ) -> dict[str, Any]:
        found = ingest.runs(_actor(request), org_id=org, table=table, limit=limit, before=before)
        return {"runs": [run.to_json() for run in found]}

    @api.get("/runs/{run_id}", summary="One run: state, progress, report")
    def run(request: Request, run_id: str) -> dict[str, Any]:
        return ingest.run(_actor(request), run_id).to_json()

    @api.post("/runs/{run_id}/cancel", summary="Stop a run before its commit")
    def cancel(request: Request, run_id: str) -> dict[str, Any]:
        return ingest.cancel(_actor(request), run_id).to_json()

    @api.get(
        "/runs/{run_id}/return-file",
        summary="The bad rows of a run as a workbook for the supplier",
        response_class=Response,
        responses=files_of(XLSX),
    )
    def return_file(request: Request, run_id: str) -> Response:
        headers = {"Content-Disposition": content_disposition(f"退回-{run_id}.xlsx")}
        if request.state.head:
            ingest.run(_actor(request), run_id)
            return Response(media_type=_XLSX, headers=headers)
        path = ingest.return_file(_actor(request), run_id, language=request.state.language)
        return FileResponse(path, media_type=_XLSX, headers=headers, background=BackgroundTask(path.unlink))

    @api.get("/quarantine", summary="Rows that were set aside, by run or by table")
    def quarantine(  # query parameters
        request: Request,
        table: str | None = None,
        run: str | None = None,
        reason: str | None = None,
        offset: Place = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        page = ingest.quarantine(_actor(request), table=table, run_id=run, reason=reason, offset=offset, limit=limit)
        return {"total": page.total, "by_reason": page.by_reason, "rows": [row.to_json() for row in page.rows]}

    @api.get("/raw", summary="What the supplier wrote in one cell")
    def raw(  # query parameters
        request: Request, table: str, file: str, row: Annotated[Place, Query(ge=1)], column: str
    ) -> dict[str, Any]:
        return asdict(ingest.raw_cell(_actor(request), table, file, row, column))

    return api


class _Body:
    """The body of a request as a stream for a worker thread: one chunk at a time, never the whole."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, none at the end of the body."""
        import anyio.from_thread

        while not self._rest:
            chunk = anyio.from_thread.run(self._next)
            if chunk is None:
                return b""
            self._rest = chunk
        piece, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return piece

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _request(order: RunOrder) -> IngestRequest:
    given = order.model_dump(exclude={"files", "key", "checks"})
    return IngestRequest(
        **given,
        files=tuple(order.files),
        key=tuple(order.key),
        checks=tuple(CheckSpec.parse(c) for c in order.checks),
    )


def _preview(found: FilePreview) -> dict[str, Any]:
    tables = [{**asdict(t), "notes": [asdict(n) for n in t.notes]} for t in found.tables]
    return {"file": found.file.to_json(), "tables": tables}
