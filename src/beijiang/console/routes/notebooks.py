"""Notebooks: the list, one with its cells and runs, changing it, its versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.exchange import purposes
from beijiang.kit import BeijiangError, Text
from beijiang.mining import CellKind, CellOutcome, ChartKind, NotebookDraft, ParameterKind, Sharing
from beijiang.web import content_disposition
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform

HERE: Final = "/console/notebooks"
FILE_MOST: Final = 2 << 20
SPARE: Final = 2
"""Empty cells at the end of the form, for new ones."""
_VALUE: Final = "value:"
_CELL_HEADING: Final = 2
_READER: Final = MarkdownIt("commonmark", {"html": False}).disable("image")
_CELL: Final = {"id": "", "kind": "sql", "title": "", "text": "", "source": "", "chart": None}
_PARAMETER: Final = {"name": "", "kind": "text", "label": "", "default": ""}
_FIRST: Final = {
    "name": "",
    "cells": [{"id": "note-1", "kind": "note", "text": ""}, {"id": "query-1", "kind": "sql", "text": "SELECT 1 AS n"}],
}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of notebooks."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_reading(pages, frame, platform)
    _add_running(pages, frame, platform)
    _add_steps(pages, frame, platform)
    return pages


def _add_reading(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    books = platform.notebooks

    @pages.get("/notebooks")
    def all_(request: Request) -> HTMLResponse:
        who = person(request)
        return frame.page(request, "notebooks.html", found=books.notebooks(who), me=who.id)

    @pages.get("/notebooks-new")
    def new(request: Request) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.PROTECTION_SQL_RUN, who.org_id)
        return _form(frame, request, {"book": None, "whole": _FIRST, "own": True})

    @pages.get("/notebooks/{notebook}")
    def one(
        request: Request, notebook: str, version: Annotated[int | None, Query(ge=1, le=10**6)] = None
    ) -> HTMLResponse:
        who = person(request)
        book = books.notebook(who, notebook, version)
        return frame.page(
            request,
            "notebook.html",
            book=book,
            notes={one.id: note(one.text) for one in book.cells if one.kind is CellKind.NOTE},
            old=version is not None and version != books.notebook(who, notebook).revision,
            own=book.owner_id == who.id,
            edits=book.owner_id == who.id or book.sharing is Sharing.EDIT,
            purposes=[(code, text.in_language(language(request))) for code, text in purposes().items()],
        )

    @pages.get("/notebooks/{notebook}/edit")
    def edit(request: Request, notebook: str) -> HTMLResponse:
        who = person(request)
        book = books.notebook(who, notebook)
        return _form(frame, request, {"book": book, "whole": book.to_json(), "own": book.owner_id == who.id})

    @pages.get("/notebooks/{notebook}/versions")
    def versions(
        request: Request,
        notebook: str,
        older: Annotated[int, Query(ge=0, le=10**6)] = 0,
        newer: Annotated[int, Query(ge=0, le=10**6)] = 0,
    ) -> HTMLResponse:
        who = person(request)
        lines = books.compare(who, notebook, older, newer) if older and newer else None
        book = books.notebook(who, notebook)
        return frame.page(
            request,
            "notebook_versions.html",
            book=book,
            found=books.versions(who, notebook),
            lines=lines,
            pair=(older, newer),
        )

    @pages.get("/notebooks/{notebook}/file")
    def file(request: Request, notebook: str) -> Response:
        book = books.notebook(person(request), notebook)
        content = json.dumps(book.to_json(), ensure_ascii=False, indent=1)
        headers = {
            "Content-Disposition": content_disposition(f"{book.name}.notebook.json"),
            "Cache-Control": "no-store",
        }
        return Response(content, media_type="application/json", headers=headers)


def _add_running(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    books = platform.notebooks

    @pages.post("/notebooks/{notebook}/cells/{cell}/run")
    async def run(request: Request, notebook: str, cell: str) -> HTMLResponse:
        """Run one cell; with ``all`` the answer asks for the next one, as long as none has failed."""
        form = await request.form()
        who, said, everything = person(request), _values(form), form.get("all") == "1"

        def work() -> HTMLResponse:
            book = books.notebook(who, notebook)
            outcome = _tried(platform, who, notebook, cell, (said, str(form.get("purpose") or "")[:500]))
            ids = [one.id for one in book.cells]
            at = ids.index(cell)
            after = (
                ids[at + 1]
                if everything and not isinstance(outcome, Text) and outcome.error is None and at + 1 < len(ids)
                else ""
            )
            return frame.fragment(
                request,
                "notebook_result.html",
                cell=frame.cell(request),
                book=book,
                done=at + 1,
                of=len(ids),
                everything=everything,
                after=after,
                fault=outcome if isinstance(outcome, Text) else outcome.error,
                outcome=None if isinstance(outcome, Text) else outcome,
                spec=None if isinstance(outcome, Text) else _spec(outcome),
                here=cell,
            )

        return await run_in_threadpool(work)

    @pages.post("/notebooks/{notebook}/cells/{cell}/python")
    async def python(request: Request, notebook: str, cell: str) -> HTMLResponse:
        said = _values(await request.form())
        code = await run_in_threadpool(books.snippet, person(request), notebook, cell, said)
        return frame.fragment(request, "notebook_python.html", code=code, here=cell)

    @pages.post("/notebooks/{notebook}/cells/{cell}/wish")
    async def wish(request: Request, notebook: str, cell: str) -> RedirectResponse:
        form = await request.form()

        def step() -> tuple[str, Text]:
            said = _values(form)
            purpose, use = str(form.get("purpose_code") or ""), str(form.get("use") or "")
            made = books.ask(person(request), notebook, cell, said, purpose=purpose, use=use)
            return f"/console/demands/{made}", Text("需求已提出，由数据局和数源部门办理。", "The request is handed in.")

        return await run_in_threadpool(frame.attempt, request, f"{HERE}/{notebook}", step)


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    books = platform.notebooks

    @pages.post("/notebooks")
    async def save(request: Request) -> Response:
        form = await request.form()
        return await run_in_threadpool(_saved, frame, platform, request, form)

    @pages.post("/notebooks-import")
    def import_(request: Request, file: UploadFile) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            try:
                whole = json.loads(file.file.read(FILE_MOST))
            except ValueError:
                whole = None
            made = books.save(person(request), NotebookDraft.from_json(whole))
            return f"{HERE}/{made.id}", Text("已导入。", "Imported.")

        return frame.attempt(request, HERE, step)

    @pages.post("/notebooks/{notebook}/restore")
    def restore(request: Request, notebook: str, version: Annotated[int, Form(ge=1, le=10**6)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = books.restore(person(request), notebook, version)
            return f"{HERE}/{notebook}", Text(f"已恢复为第 {made.revision} 版。", f"It is version {made.revision} now.")

        return frame.attempt(request, f"{HERE}/{notebook}/versions", step)

    @pages.post("/notebooks/{notebook}/remove")
    def remove(request: Request, notebook: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            books.remove(person(request), notebook)
            return HERE, Text("笔记本已移除。", "The notebook is removed.")

        return frame.attempt(request, f"{HERE}/{notebook}", step)


def note(text: str) -> Markup:
    """Return a note as HTML: no tags of its own, no pictures, headings below that of its cell and without a gap between them."""
    tokens = _READER.parse(text)
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    top = min((int(token.tag[1]) for token in headings), default=1)
    above = _CELL_HEADING
    for token in headings:
        if token.type == "heading_open":
            above = min(int(token.tag[1]) - top + _CELL_HEADING + 1, above + 1, 6)
        token.tag = f"h{above}"
    return Markup(_READER.renderer.render(tokens, _READER.options, {}))  # noqa: S704 - HTML of the text is escaped


def _saved(frame: Frame, platform: Platform, request: Request, form: FormData) -> Response:
    """Keep what the form says; where it does not fit, show the form again with everything that was written."""
    who, book_id, whole = person(request), str(form.get("notebook") or ""), _whole(form)
    said = str(form.get("sharing") or "")
    try:
        sharing = Sharing(said) if said in set(Sharing) else Sharing.PRIVATE
        draft = NotebookDraft.from_json(whole, sharing=sharing, note=str(form.get("note") or ""))
        if book_id:
            made = platform.notebooks.change(who, book_id, draft, int(str(form.get("base") or 0)))
        else:
            made = platform.notebooks.save(who, draft)
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        book = platform.notebooks.notebook(who, book_id) if book_id else None
        own = book is None or book.owner_id == who.id
        return _form(frame, request, {"book": book, "whole": whole, "own": own, "fault": error.text})
    words = Text(f"已保存第 {made.revision} 版。", f"Version {made.revision} is kept.")
    return frame.after(request, f"{HERE}/{made.id}", words)


def _form(frame: Frame, request: Request, values: dict[str, Any]) -> HTMLResponse:
    tongue = language(request)
    cells = [{**_CELL, **one} for one in [*values["whole"]["cells"], *({} for _ in range(SPARE))]]
    parameters = [{**_PARAMETER, **one} for one in [*values["whole"].get("parameters", ()), {}]]
    values["whole"] = {"description": "", **values["whole"]}
    choices = {
        name: [(one.value, one.text.in_language(tongue)) for one in kind]
        for name, kind in (
            ("cell_kinds", CellKind),
            ("charts", ChartKind),
            ("kinds", ParameterKind),
            ("sharings", Sharing),
        )
    }
    return frame.page(
        request, "notebook_edit.html", **{"fault": None, **values, "cells": cells, "parameters": parameters, **choices}
    )


def _whole(form: FormData) -> dict[str, Any]:
    """Return what the form says as a notebook's file has it; cells without content are left out."""

    def column(name: str) -> list[str]:
        return [str(one) for one in form.getlist(name)]

    cells = []
    names = ("cell_id", "cell_kind", "cell_title", "cell_text", "cell_source", "cell_chart", "cell_x", "cell_y")
    for place, row in enumerate(zip(*map(column, names), strict=False), 1):
        cell_id, kind, title, text, source, chart, x, y = row
        if not text.strip() and not (kind == "chart" and source):
            continue
        ups = [one.strip() for one in y.replace("，", ",").split(",") if one.strip()]
        drawn = {"kind": chart, "x": x.strip(), "y": ups} if kind == "chart" else None
        cells.append(
            {"id": cell_id.strip() or f"cell-{place}", "kind": kind, "title": title, "text": text, "source": source.strip() if kind == "chart" else "", "chart": drawn}
        )  # fmt: skip
    said = zip(*map(column, ("p_name", "p_kind", "p_label", "p_default")), strict=False)
    parameters = [dict(zip(("name", "kind", "label", "default"), row, strict=True)) for row in said if row[0].strip()]
    return {
        "name": str(form.get("name") or ""),
        "description": str(form.get("description") or ""),
        "parameters": parameters,
        "cells": cells,
    }


def _values(form: FormData) -> dict[str, str]:
    return {name.removeprefix(_VALUE): str(value) for name, value in form.items() if name.startswith(_VALUE)}


def _tried(
    platform: Platform, who: Any, notebook: str, cell: str, how: tuple[dict[str, str], str]
) -> CellOutcome | Text:
    try:
        return platform.notebooks.run_cell(who, notebook, cell, how[0], purpose=how[1])
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        return error.text


def _spec(outcome: CellOutcome) -> dict[str, Any] | None:
    """Return what a chart cell draws; nothing where its columns are not in the result."""
    chart, result = outcome.cell.chart, outcome.result
    if chart is None or result is None or not {chart.x, *chart.y} <= set(result.columns):
        return None
    across = [str(plain_value(one)) for one in result.rows.column(chart.x).to_pylist()]
    series = [
        {"name": name, "values": [_number(one) for one in result.rows.column(name).to_pylist()]} for name in chart.y
    ]
    kind = chart.kind.value if chart.kind is not ChartKind.SCATTER else "line"
    return {"type": kind, "x": across, "series": series}


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
