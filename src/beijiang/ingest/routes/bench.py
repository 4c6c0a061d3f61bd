"""The JSON API of the bench: rows that were set aside, their corrections, what goes back and what goes in again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from beijiang.ingest.models import BenchQuery, Fix, FixKind, MendState
from beijiang.ingest.service import Bench
from beijiang.kit import Actor
from beijiang.web import content_disposition
from beijiang.web.bounds import Place
from beijiang.web.described import CSV, XLSX, files_of

__all__ = ["bench_router"]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"
_Id = Annotated[str, Field(min_length=1, max_length=40)]
_Cells = Annotated[dict[str, str], Field(max_length=5000, description="Column to new text; empty means no value.")]


class _Order(BaseModel):
    """A body takes the fields that it names and no others."""

    model_config = ConfigDict(extra="forbid")


class RowName(_Order):
    """One quarantined row."""

    run_id: _Id
    seq: Place = Field(strict=True)


class Which(_Order):
    """Which rows are meant: a table or a run, narrowed by what is wrong, or one by one."""

    table: str = Field(default="", max_length=200)
    run_id: str = Field(default="", max_length=40)
    reason: str = Field(default="", max_length=40)
    column: str = Field(default="", max_length=400)
    file: str = Field(default="", max_length=255)
    state: MendState | None = None
    rows: list[RowName] = Field(default_factory=list, max_length=10_000)

    def query(self) -> BenchQuery:
        """Return the same for the service."""
        given = self.model_dump(include={"table", "run_id", "reason", "column", "file", "state"})
        return BenchQuery(**given, rows=tuple((r.run_id, r.seq) for r in self.rows))


class CellsOrder(_Order):
    """New texts of cells."""

    cells: _Cells = Field(default_factory=dict)


class FixOrder(Which):
    """One correction for every row that is meant."""

    kind: FixKind
    target: str = Field(min_length=1, max_length=400, description="The column to correct.")
    find: str = Field(default="", max_length=1000, description="Text to look for, or the format of dates.")
    text: str = Field(default="", max_length=10_000, description="What it becomes.")

    def fix(self) -> Fix:
        """Return the correction."""
        return Fix(kind=self.kind, column=self.target, find=self.find, text=self.text)


class DismissOrder(Which):
    """Rows that are not wanted."""

    reason_given: str = Field(min_length=1, max_length=1000, description="Why.")


class SendOrder(Which):
    """Rows that go back to their supplier."""

    note: str = Field(default="", max_length=1000)


class ReplayOrder(Which):
    """Mended rows that go in."""

    why: str = Field(default="", max_length=1000, description="Kept in the table's history.")


def bench_router(bench: Bench) -> APIRouter:  # a list of small functions
    """Return the endpoints below ``/api/v1/ingest/mending``."""
    api = APIRouter(prefix="/api/v1/ingest/mending", tags=["ingest"])

    @api.get("/tables", summary="How many rows of each table are open, mended, sent back, dismissed")
    def tables(request: Request) -> dict[str, Any]:
        return {"tables": [c.to_json() for c in bench.counts(_actor(request))]}

    @api.get("/rows", summary="Rows that were set aside, with what is wrong in each cell")
    def rows(
        request: Request,
        table: str = "",
        run: str = "",
        reason: str = "",
        column: str = "",
        file: str = "",
        state: MendState | None = None,
        offset: Place = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> dict[str, Any]:
        query = BenchQuery(table=table, run_id=run, reason=reason, column=column, file=file, state=state)
        page = bench.rows(_actor(request), query, offset=offset, limit=limit)
        facets = {"reasons": page.reasons, "columns": page.columns, "files": page.files, "states": page.states}
        return {"total": page.total, **facets, "rows": [row.to_json() for row in page.rows]}

    @api.get("/rows/{run}/{seq}", summary="One row, with what is wrong in each cell")
    def row(request: Request, run: _Id, seq: Place) -> dict[str, Any]:
        return bench.row(_actor(request), run, seq).to_json()

    @api.post("/rows/{run}/{seq}/check", summary="What would be wrong with some cells changed; nothing is kept")
    def check(request: Request, run: _Id, seq: Place, order: CellsOrder) -> dict[str, Any]:
        found = bench.check(_actor(request), run, seq, order.cells)
        return {"problems": {c.column: asdict(c.problem) for c in found.cells if c.problem is not None}}

    @api.put("/rows/{run}/{seq}", summary="Keep corrected cells as a draft; none: the row is right as it stands")
    def correct(request: Request, run: _Id, seq: Place, order: CellsOrder) -> dict[str, Any]:
        return bench.correct(_actor(request), run, seq, order.cells).to_json()

    @api.post("/fixes/preview", summary="What one correction would do to many rows; nothing is kept")
    def preview(request: Request, order: FixOrder) -> dict[str, Any]:
        return bench.preview_fix(_actor(request), order.query(), order.fix()).to_json()

    @api.post("/fixes", status_code=201, summary="Make one correction to many rows, as drafts")
    def fix(request: Request, order: FixOrder) -> dict[str, Any]:
        return bench.fix(_actor(request), order.query(), order.fix()).to_json()

    @api.get("/fixes", summary="Corrections made to many rows of a table, newest first")
    def fixes(request: Request, table: str) -> dict[str, Any]:
        return {"fixes": [f.to_json() for f in bench.fixes(_actor(request), table)]}

    @api.delete("/fixes/{fix_id}", summary="Take a correction of many rows back, until they go in")
    def undo(request: Request, fix_id: _Id) -> dict[str, Any]:
        return {"rows": bench.undo(_actor(request), fix_id)}

    @api.post("/revert", summary="Take back drafts and dismissals")
    def revert(request: Request, order: Which) -> dict[str, Any]:
        return {"rows": bench.revert(_actor(request), order.query())}

    @api.post("/dismiss", summary="Decide that rows are not wanted, with the reason")
    def dismiss(request: Request, order: DismissOrder) -> dict[str, Any]:
        return {"rows": bench.dismiss(_actor(request), order.query(), order.reason_given)}

    @api.post("/sendings", status_code=201, summary="Send rows back to their supplier")
    def send_back(request: Request, order: SendOrder) -> dict[str, Any]:
        return bench.send_back(_actor(request), order.query(), order.note).to_json()

    @api.get("/sendings", summary="What was sent back, and what came of it")
    def sendings(request: Request, table: str = "") -> dict[str, Any]:
        return {"sendings": [s.to_json() for s in bench.sendings(_actor(request), table)]}

    @api.get("/sendings/{sending}", summary="One sending, and what came of it")
    def sending(request: Request, sending: _Id) -> dict[str, Any]:
        return bench.sending(_actor(request), sending).to_json()

    @api.get(
        "/sendings/{sending}/file",
        summary="The rows of a sending as a workbook or CSV for the supplier",
        response_class=Response,
        responses=files_of(CSV, XLSX),
    )
    def file(request: Request, sending: _Id, form: Literal["xlsx", "csv"] = "xlsx") -> Response:
        kind = _CSV if form == "csv" else _XLSX
        headers = {"Content-Disposition": content_disposition(f"退回-{sending}.{form}")}
        if request.state.head:
            bench.sending(_actor(request), sending)
            return Response(media_type=kind, headers=headers)
        path = bench.sending_file(_actor(request), sending, form=form, language=request.state.language)
        return FileResponse(path, media_type=kind, headers=headers, background=BackgroundTask(path.unlink))

    @api.post("/replay/plan", summary="What taking the mended rows in would do")
    def plan(request: Request, order: Which) -> dict[str, Any]:
        return bench.plan_replay(_actor(request), order.query()).to_json()

    @api.post("/replay", status_code=202, summary="Take the mended rows in, as a run like any other")
    def replay(request: Request, order: ReplayOrder) -> dict[str, Any]:
        actor = _actor(request)
        return bench.ingest.run(actor, bench.replay(actor, order.query(), reason=order.why)).to_json()

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
