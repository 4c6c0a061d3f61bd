"""The SQL work-bench: the editor with its result, past and saved queries, files to take along, and the queue."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import BeijiangError, Text, new_id
from beijiang.mining import Chart, ChartKind, ExportForm, SavedDraft
from beijiang.web import content_disposition
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor
    from beijiang.mining import SavedQuery
    from beijiang.protection import SqlResult
    from beijiang.web.waiting import WaitingRoom

BACK = "/console/sql"
RECENT = 12
TEXT = 20_000


def router(frame: Frame, platform: Platform, room: WaitingRoom) -> APIRouter:
    """Return the pages of the work-bench."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/workbench")
    def workbench() -> RedirectResponse:
        return RedirectResponse(BACK)

    @pages.get("/sql")
    def form(
        request: Request,
        text: Annotated[str, Query(max_length=TEXT)] = "",
        saved: Annotated[str, Query(max_length=60)] = "",
        run: Annotated[str, Query(max_length=60)] = "",
    ) -> HTMLResponse:
        """Show the page, with a query that another page proposes, that was kept, or that ran; nothing runs by itself."""
        who = person(request)
        platform.access.require(who, Permission.PROTECTION_SQL_RUN, who.org_id)
        kept = platform.workbench.one_saved(who, saved) if saved else None
        if kept is not None:
            text = kept.text
        elif run:
            text = platform.workbench.past(who, run).text
        return _page(frame, platform, request, {"text": text, "kept": kept})

    @pages.post("/sql")
    async def run_(
        request: Request,
        text: Annotated[str, Form(max_length=TEXT)] = "",
        purpose: Annotated[str, Form(max_length=200)] = "",
        saved: Annotated[str, Form(max_length=60)] = "",
        query: Annotated[str, Form(max_length=60)] = "",
    ) -> HTMLResponse:
        """Run a query; a script gets the result alone, a browser without scripts the whole page."""
        who, query_id = person(request), query or new_id("query")
        bench = platform.workbench
        work = partial(_tried, partial(bench.run, who, text, purpose, query_id=query_id))
        found = await room.serve(request, work, partial(platform.sql.stop, who, query_id))
        values = {"text": text, "purpose": purpose, **found}
        return await room.serve(request, partial(_shown, frame, platform, request, values, saved), lambda: None)

    @pages.post("/sql/explain")
    def explain(
        request: Request,
        text: Annotated[str, Form(max_length=TEXT)] = "",
        purpose: Annotated[str, Form(max_length=200)] = "",
        saved: Annotated[str, Form(max_length=60)] = "",
    ) -> HTMLResponse:
        found: dict[str, Any] = {"text": text, "purpose": purpose}
        try:
            found["told"] = platform.workbench.explain(person(request), text)
        except BeijiangError as error:
            found |= _fault(error)
        return _shown(frame, platform, request, found, saved)

    @pages.post("/sql/stop")
    def stop(request: Request, query: Annotated[str, Form(max_length=60)], back: str = BACK) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.workbench.stop(person(request), query)
            return back, Text("已要求停止。", "It was asked to stop.")

        return frame.attempt(request, back, step)

    @pages.post("/sql/export")
    async def export(
        request: Request,
        text: Annotated[str, Form(max_length=TEXT)],
        form: Annotated[ExportForm, Form()] = ExportForm.XLSX,
        purpose: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        who, query_id = person(request), new_id("query")
        work = partial(platform.workbench.export, who, text, form, purpose, query_id=query_id)
        made = await room.serve(request, work, partial(platform.sql.stop, who, query_id))
        headers = {"Content-Disposition": content_disposition(made.file_name)}
        return StreamingResponse(made.content, media_type=made.media_type, headers=headers)

    @pages.get("/sql/words")
    def words(request: Request, table: Annotated[str, Query(max_length=400)] = "") -> JSONResponse:
        """Return what the editor proposes: tables and functions, or the columns of one table."""
        return JSONResponse(_words(platform, person(request), table))

    @pages.get("/sql/history")
    def history(request: Request, q: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        return frame.page(
            request, "sql_history.html", words_=q, runs=platform.workbench.history(person(request), q, 200)
        )

    @pages.get("/sql/queue")
    def queue(request: Request) -> HTMLResponse:
        who = person(request)
        manages = platform.access.allows(who, Permission.PROTECTION_QUEUE_MANAGE)
        names = {o.id: o.short for o in platform.access.organisations()}
        found = platform.workbench.queue(who)
        return frame.page(
            request, "sql_queue.html", found=found, names=names, manages=manages, places=platform.sql.governor.places
        )

    _add_saved(pages, frame, platform)
    return pages


def _add_saved(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/sql/saved")
    def saved(request: Request, q: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        who = person(request)
        return frame.page(request, "sql_saved.html", words_=q, found=platform.workbench.saved(who, q), me=who.id)

    @pages.get("/sql/saved/{query}")
    def one(request: Request, query: str) -> HTMLResponse:
        who = person(request)
        found = platform.workbench.one_saved(who, query)
        revisions = platform.workbench.revisions(who, query)
        return frame.page(request, "sql_saved_one.html", kept=found, revisions=revisions, me=who.id)

    @pages.post("/sql/save")
    def save(
        request: Request,
        text: Annotated[str, Form(max_length=TEXT)] = "",
        name: Annotated[str, Form(max_length=200)] = "",
        folder: Annotated[str, Form(max_length=100)] = "",
        description: Annotated[str, Form(max_length=2000)] = "",
        shared: Annotated[str, Form(max_length=5)] = "",
        saved: Annotated[str, Form(max_length=60)] = "",
        as_new: Annotated[str, Form(max_length=5)] = "",
        chart_kind: Annotated[str, Form(max_length=20)] = "",
        chart_x: Annotated[str, Form(max_length=400)] = "",
        chart_y: Annotated[list[str] | None, Form()] = None,
    ) -> RedirectResponse:
        """Keep the query, as a new revision of the one that was opened if it is the person's own."""
        who = person(request)

        def step() -> tuple[str, Text]:
            chosen = {"kind": chart_kind, "x": chart_x, "y": chart_y or []} if chart_kind else None
            draft = SavedDraft(
                name=name,
                text=text,
                folder=folder,
                description=description,
                shared=bool(shared),
                chart=Chart.from_json(chosen),
            )
            if saved and not as_new:
                made = platform.workbench.change(who, saved, draft)
            else:
                made = platform.workbench.save(who, draft)
            return f"{BACK}?saved={quote(made.id)}", Text(f"已保存“{made.name}”。", f'"{made.name}" is saved.')

        return frame.attempt(request, BACK, step)

    @pages.post("/sql/saved/{query}/remove")
    def remove(request: Request, query: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.workbench.remove(person(request), query)
            return f"{BACK}/saved", Text(
                "已移除，各次修订仍在记录中。", "It was removed; its revisions stay on record."
            )

        return frame.attempt(request, f"{BACK}/saved", step)


def _tried(work: Any) -> dict[str, Any]:
    """Return the result, or what is to be said instead of it."""
    try:
        return {"result": work()}
    except BeijiangError as error:
        return _fault(error)


def _fault(error: BeijiangError) -> dict[str, Any]:
    if error.status in {401, 403}:
        raise error
    return {"fault": error.text, "line": error.detail.get("line", 0), "column": error.detail.get("column", 0)}


def _shown(frame: Frame, platform: Platform, request: Request, values: dict[str, Any], saved: str) -> HTMLResponse:
    if request.headers.get("x-fragment"):
        return frame.fragment(request, "sql_result.html", **_values(frame, request, values))
    who = person(request)
    kept = platform.workbench.one_saved(who, saved) if saved else None
    return _page(frame, platform, request, {**values, "kept": kept})


def _page(frame: Frame, platform: Platform, request: Request, values: dict[str, Any]) -> HTMLResponse:
    who = person(request)
    kept: SavedQuery | None = values.get("kept")
    return frame.page(
        request,
        "sql.html",
        me=who.id,
        tables=platform.workbench.tables(who),
        saved=platform.workbench.saved(who),
        runs=platform.workbench.history(who, limit=RECENT),
        own=kept is not None and kept.owner_id == who.id,
        **_values(frame, request, values),
    )


def _values(frame: Frame, request: Request, values: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a page of the work-bench needs and a step before it did not give."""
    tongue = language(request)
    result: SqlResult | None = values.get("result")
    return {
        "text": "",
        "purpose": "",
        "kept": None,
        "result": None,
        "told": None,
        "fault": None,
        "line": 0,
        "column": 0,
        "forms": [(form.value, form.text.in_language(tongue)) for form in ExportForm],
        "charts": [(kind.value, kind.text.in_language(tongue)) for kind in ChartKind],
        "drawable": None if result is None else _drawable(result),
        "cell": frame.cell(request),
        **values,
    }


def _drawable(result: SqlResult) -> dict[str, Any]:
    """Return the rows for a chart: numbers as numbers, everything else as it is shown."""
    numbers = {"integer", "decimal", "double"}
    columns = []
    for place, column in enumerate(result.shown):
        values = result.rows.column(place).to_pylist()
        if column.type in numbers:
            values = [None if value is None else float(value) for value in values]
        columns.append(
            {"name": column.name, "number": column.type in numbers, "values": [plain_value(v) for v in values]}
        )
    return {"columns": columns}


def _words(platform: Platform, who: Actor, table: str) -> dict[str, Any]:
    bench = platform.workbench
    if not table:
        tables = [{"name": one.name, "title": one.title} for one in bench.tables(who)]
        return {"tables": tables, "functions": list(bench.functions(who))}
    seen = bench.columns(who, table)
    columns = [{"name": c.name, "type": c.type, "grade": c.grade, "masked": c.masked} for c in seen.columns]
    return {"table": seen.table, "columns": columns}
