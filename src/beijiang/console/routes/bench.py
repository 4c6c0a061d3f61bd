"""The bench: rows that were set aside, mended in place, sent back, dismissed, taken in again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import mending_table
from beijiang.console.routes.frame import Frame, actor, language, number, person
from beijiang.console.routes.listed import listed
from beijiang.ingest import BenchPage, BenchQuery, Fix, FixKind, MendState
from beijiang.kit import BeijiangError, Text
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.build import Platform
    from beijiang.kit import Actor

PAGE = 50
CELL = "cell:"
SCOPE = ("table", "run", "reason", "column", "file", "state")
FORMS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
DATES = ("DD/MM/YYYY", "MM/DD/YYYY", "YYYYMMDD", "YYYY年M月D日", "DD.MM.YYYY", "YYYY/MM/DD HH:mm:ss")


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the bench."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_table(pages, frame, platform)
    _add_row(pages, frame, platform)
    _add_many(pages, frame, platform)
    _add_sendings(pages, frame, platform)
    return pages


def _add_table(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    bench = platform.bench

    @pages.get("/quarantine")
    def quarantine(
        request: Request,
        table: str = "",
        run: str = "",
        reason: str = "",
        column: str = "",
        file: str = "",
        state: str = "",
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        who = person(request)
        platform.access.require(who, Permission.INGEST_QUARANTINE_READ, who.org_id)
        if not table and not run:
            counts, sendings = bench.counts(who), bench.sendings(who)
            return listed(
                frame,
                platform,
                request,
                "bench_tables.html",
                mending_table(counts),
                counts=counts,
                sendings=sendings,
            )
        scope = {"table": table, "run": run, "reason": reason, "column": column, "file": file, "state": state}
        query = _query(scope)
        page = bench.rows(who, query, offset=offset, limit=PAGE)
        into = table or platform.ingest.run(who, run).table
        return frame.page(
            request,
            "bench.html",
            page=page,
            into=into,
            scope=scope,
            offset=offset,
            size=PAGE,
            states=tuple(MendState),
            plan=bench.plan_replay(who, BenchQuery(table=table, run_id=run)),
            fixes=bench.fixes(who, into),
            sendings=bench.sendings(who, into),
            choices=[(c, c) for c in _columns(page.rows)],
            kind_choices=[(k.value, k.text.in_language(language(request))) for k in FixKind],
            dates=DATES,
            may_mend=_may(platform, who, Permission.INGEST_QUARANTINE_MEND),
            may_run=_may(platform, who, Permission.INGEST_RUN_SUBMIT),
        )


def _add_row(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    bench = platform.bench

    @pages.get("/quarantine/{run}/{seq}")
    def row(request: Request, run: str, seq: int) -> HTMLResponse:
        who = person(request)
        found = bench.row(who, run, seq)
        scope = _scope(request.query_params)
        return frame.page(
            request,
            "bench_row.html",
            row=found,
            scope=scope,
            back=_back(scope, found.table),
            here=_place(run, seq, scope),
            may_mend=_may(platform, who, Permission.INGEST_QUARANTINE_MEND),
        )

    @pages.post("/quarantine/{run}/{seq}/check")
    async def check(request: Request, run: str, seq: int) -> HTMLResponse:
        cells = _cells(await request.form())
        who = person(request)
        found = await run_in_threadpool(bench.check, who, run, seq, cells)
        return frame.fragment(request, "bench_verdict.html", row=found)

    @pages.post("/quarantine/{run}/{seq}")
    async def save(request: Request, run: str, seq: int) -> RedirectResponse:
        form = await request.form()
        scope = _scope(request.query_params)
        cells, go_on = _cells(form), form.get("then") == "next"
        who = person(request)

        def step() -> tuple[str, Text]:
            kept = bench.correct(who, run, seq, cells)
            words = (
                Text("已保存为草稿，入库前可撤销。", "Kept as a draft; it can be taken back until it goes in.")
                if kept.ready
                else Text("已保存，但仍有标红的单元格。", "Kept, but some cells are still wrong.")
            )
            return (_next(who, run, seq, scope) if go_on else _place(run, seq, scope)), words

        return await run_in_threadpool(frame.attempt, request, _place(run, seq, scope), step)

    def _next(who: Actor, run: str, seq: int, scope: dict[str, str]) -> str:
        """Return the address of the row that waits after this one, or of the list when none does."""
        query = _query({**scope, "state": scope["state"] or MendState.OPEN.value, "run": scope["run"] or run})
        for found in bench.rows(who, query, limit=PAGE).rows:
            if found.row.seq != seq:
                return _place(found.row.run_id, found.row.seq, scope)
        return _back(scope, bench.row(who, run, seq).table)


def _add_many(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    bench = platform.bench

    @pages.post("/quarantine/fix", response_model=None)
    async def fix(request: Request) -> Response:
        form = await request.form()
        words = {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(_fix, frame, platform, request, words)

    @pages.post("/quarantine/fixes/{fix_id}/undo")
    def undo(request: Request, fix_id: str, table: Annotated[str, Form(max_length=200)] = "") -> RedirectResponse:
        back = _back({}, table)

        def step() -> tuple[str, Text]:
            rows = bench.undo(person(request), fix_id)
            return back, Text(f"已撤销，{rows} 行恢复原样。", f"Taken back; {rows} rows are as they were.")

        return frame.attempt(request, back, step)

    @pages.post("/quarantine/decide")
    async def decide(request: Request) -> RedirectResponse:
        form = await request.form()
        words = {name: str(value) for name, value in form.items()}
        rows = tuple(_named(str(value)) for value in form.getlist("row"))
        return await run_in_threadpool(_decide, frame, platform, request, words, rows)

    @pages.post("/quarantine/replay")
    def replay(
        request: Request,
        table: Annotated[str, Form(max_length=200)] = "",
        run: Annotated[str, Form(max_length=40)] = "",
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        scope = {"table": table, "run": run}

        def step() -> tuple[str, Text]:
            made = bench.replay(person(request), BenchQuery(table=table, run_id=run), reason=reason)
            return f"/console/runs/{made}", Text("已开始入库。", "The mended rows are going in.")

        return frame.attempt(request, _back(scope, table), step)


def _fix(frame: Frame, platform: Platform, request: Request, words: Mapping[str, str]) -> Response:
    """Show what a correction would do, and do it once that has been seen."""
    who, bench = person(request), platform.bench
    scope = _scope(words)
    wanted = Fix(
        kind=FixKind(words["kind"]) if words.get("kind") in set(FixKind) else FixKind.TRIM,
        column=words.get("target", ""),
        find=words.get("find", ""),
        text=words.get("text", ""),
    )
    back = _back(scope, scope["table"])
    if words.get("apply"):

        def step() -> tuple[str, Text]:
            done = bench.fix(who, _query(scope), wanted)
            return back, Text(
                f"已更正 {done.rows} 行，入库前可撤销。", f"{done.rows} rows corrected; it can be taken back."
            )

        return frame.attempt(request, back, step)
    try:
        preview = bench.preview_fix(who, _query(scope), wanted)
    except BeijiangError as error:
        if error.status in {401, 404}:
            raise
        return frame.after(request, back, error.text, "bad")
    return frame.page(request, "bench_fix.html", preview=preview, scope=scope, back=back)


def _decide(
    frame: Frame, platform: Platform, request: Request, words: Mapping[str, str], rows: tuple[tuple[str, int], ...]
) -> RedirectResponse:
    """Send rows back, dismiss them, or take drafts and dismissals back."""
    who, bench = person(request), platform.bench
    scope = _scope(words)
    back = _back(scope, scope["table"])
    query = _query(scope) if words.get("which") == "all" else BenchQuery(rows=rows)

    def step() -> tuple[str, Text]:
        if not rows and words.get("which") != "all":
            return back, Text("请先勾选要处理的行。", "Tick the rows first.")
        what, note = words.get("what"), words.get("note", "")
        if what == "send_back":
            sending = bench.send_back(who, query, note)
            words_ = Text(f"{sending.rows} 行已标为退回，请下载文件交给供数方。", f"{sending.rows} rows are marked as sent back; download their file.")  # fmt: skip
            return f"/console/sendings/{sending.id}", words_
        if what == "dismiss":
            count = bench.dismiss(who, query, note)
            return back, Text(f"已忽略 {count} 行，可随时恢复。", f"{count} rows dismissed; it can be taken back.")
        count = bench.revert(who, query)
        return back, Text(f"{count} 行已恢复原样。", f"{count} rows are as they were.")

    return frame.attempt(request, back, step)


def _add_sendings(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    bench = platform.bench

    @pages.get("/sendings/{sending_id}")
    def sending(request: Request, sending_id: str, offset: Annotated[int, Query(ge=0)] = 0) -> HTMLResponse:
        who = person(request)
        found = bench.sending(who, sending_id)
        query = bench.rows_of_sending(who, sending_id)
        # Rows that went back once more belong to the newer sending.
        page = bench.rows(who, query, offset=offset, limit=PAGE) if query.rows else BenchPage(0, ())
        return frame.page(request, "bench_sending.html", sending=found, page=page, offset=offset, size=PAGE)

    @pages.get("/sendings/{sending_id}/file", response_model=None)
    def file(request: Request, sending_id: str, form: str = "xlsx") -> Response:
        who = actor(request)
        form = form if form in FORMS else "xlsx"
        found = bench.sending(who, sending_id)
        name = content_disposition(f"{found.table}_退回修改.{form}")
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        if request.state.head:
            return Response(media_type=FORMS[form], headers=headers)
        path = bench.sending_file(who, sending_id, form=form, language=language(request))
        tidy = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type=FORMS[form], headers=headers, background=tidy)


def _scope(words: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(words.get(name, "")) for name in SCOPE}


def _query(scope: Mapping[str, str]) -> BenchQuery:
    state = scope.get("state", "")
    return BenchQuery(
        table="" if scope.get("run") else scope.get("table", ""),
        run_id=scope.get("run", ""),
        reason=scope.get("reason", ""),
        column=scope.get("column", ""),
        file=scope.get("file", ""),
        state=MendState(state) if state in set(MendState) else None,
    )


def _back(scope: Mapping[str, str], table: str) -> str:
    """Return the address of the list that somebody came from."""
    told = {name: scope[name] for name in SCOPE if scope.get(name)}
    if not told.get("table") and not told.get("run") and table:
        told["table"] = table
    return f"/console/quarantine?{urlencode(told)}" if told else "/console/quarantine"


def _place(run: str, seq: int, scope: Mapping[str, str]) -> str:
    told = {name: scope[name] for name in SCOPE if scope.get(name)}
    return f"/console/quarantine/{run}/{seq}" + (f"?{urlencode(told)}" if told else "")


def _named(word: str) -> tuple[str, int]:
    run, _, seq = word.rpartition(":")
    return run, number(seq)


def _cells(form: Mapping[str, Any]) -> dict[str, str]:
    return {name.removeprefix(CELL): str(value) for name, value in form.items() if name.startswith(CELL)}


def _columns(rows: Any) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row.row.columns))


def _may(platform: Platform, who: Actor, permission: Permission) -> bool:
    return platform.access.allows(who, permission, who.org_id)
