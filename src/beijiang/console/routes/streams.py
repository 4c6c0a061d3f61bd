"""Streams: set one up, start and pause it, see how it goes, and declare window tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import stream_table
from beijiang.console.routes.frame import Frame, number, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sources import fields_of, options_of
from beijiang.ingest import StreamDraft, StreamKind
from beijiang.kit import NotFound, Text
from beijiang.tables import WindowMeasure, WindowSpec

if TYPE_CHECKING:
    from beijiang.build import Platform

LATEST = 10


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of streams."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_streams(pages, frame, platform)
    _add_one(pages, frame, platform)
    _add_windows(pages, frame, platform)
    return pages


def _add_streams(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    streams, access = platform.streams, platform.access

    @pages.get("/streams")
    def every(request: Request, kind: str = "webhook") -> Response:
        who = person(request)
        kinds = streams.kinds(who)
        chosen: Any = next((k for k in kinds if k["kind"] == kind), kinds[0])
        return listed(
            frame,
            platform,
            request,
            "streams.html",
            stream_table(platform, who, {one.id: one.short for one in access.organisations()}),
            kinds=kinds,
            chosen=chosen,
            fields=fields_of(chosen),
            may_manage=access.allows(who, Permission.INGEST_SOURCE_MANAGE, who.org_id),
        )

    @pages.post("/streams")
    async def add(request: Request) -> RedirectResponse:
        form = await request.form()
        words = {name: str(value) for name, value in form.items()}
        who = person(request)

        def step() -> tuple[str, Text]:
            draft = StreamDraft(
                name=words.get("name", ""),
                kind=StreamKind.MQTT if words.get("kind") == StreamKind.MQTT else StreamKind.WEBHOOK,
                org_id=who.org_id or "",
                table=words.get("table", ""),
                key=tuple(k.strip() for k in words.get("key", "").replace("，", ",").split(",") if k.strip()),
                options=options_of(words),
            )
            made = streams.add(who, draft)
            return f"/console/streams/{made.id}", Text(
                "数据流已登记。核对无误后请启动。", "The stream is set up. Start it when it looks right."
            )

        back = f"/console/streams?kind={quote(words.get('kind', ''))}"
        return await run_in_threadpool(frame.attempt, request, back, step)


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    streams = platform.streams

    @pages.get("/streams/{stream_id}")
    def one(request: Request, stream_id: str) -> HTMLResponse:
        who = person(request)
        stream = streams.stream(who, stream_id)
        columns: Any = stream.options.get("columns", [])
        return frame.page(
            request,
            "stream.html",
            stream=stream,
            columns=columns,
            options=[
                (n, "、".join(map(str, v)) if isinstance(v, list) else v)
                for n, v in stream.options.items()
                if n != "columns"
            ],
            windows=platform.windows.windows(who, stream.id),
            runs=platform.ingest.runs(who, table=stream.table, limit=LATEST),
            address=f"{platform.settings.public_url.rstrip('/')}/api/v1/streams/{stream.id}/messages",
            may_manage=platform.access.allows(who, Permission.INGEST_SOURCE_MANAGE, stream.org_id),
            may_run=platform.access.allows(who, Permission.INGEST_RUN_SUBMIT, stream.org_id),
            proofs=streams.certificates(who, stream.id, limit=LATEST),
            verification=next(iter(streams.verifications(who, stream.id)), None),
            base=f"/console/streams/{stream.id}",
        )

    @pages.get("/streams/{stream_id}/verification")
    def verification(request: Request, stream_id: str) -> HTMLResponse:
        """Return how far a comparison is; once it has ended the whole page is asked for again."""
        stream = streams.stream(person(request), stream_id)
        going = next(iter(streams.verifications(person(request), stream_id)), None)
        base = f"/console/streams/{stream.id}"
        answer = frame.fragment(request, "verification.html", base=base, verification=going)
        if going is None:
            answer.headers["HX-Refresh"] = "true"
        return answer

    @pages.post("/streams/{stream_id}/verification/{job_id}/cancel")
    def cancel(request: Request, stream_id: str, job_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            streams.cancel_verification(person(request), job_id)
            return f"/console/streams/{stream_id}", Text("已请求取消核对。", "Cancelling the comparison.")

        return frame.attempt(request, f"/console/streams/{stream_id}", step)

    @pages.post("/streams/{stream_id}/{step}")
    def steps(request: Request, stream_id: str, step: str) -> RedirectResponse:
        who = person(request)
        here = f"/console/streams/{stream_id}"

        def start() -> tuple[str, Text]:
            streams.start(who, stream_id)
            return here, Text("已启动。", "It is started.")

        def pause() -> tuple[str, Text]:
            streams.pause(who, stream_id)
            return here, Text(
                "已暂停，已收到的消息仍会入表。", "It is paused; what was received still goes into the table."
            )

        def remove() -> tuple[str, Text]:
            streams.remove(who, stream_id)
            return "/console/streams", Text("数据流已删除，表不变。", "The stream is gone; its table stays.")

        def verify() -> tuple[str, Text]:
            streams.verify_later(who, stream_id)
            return here, Text("已开始核对。", "The comparison has begun.")

        known = {"start": start, "pause": pause, "remove": remove, "verify": verify}
        if step not in known:
            raise NotFound("没有这种操作。", "There is no such step.", code="unknown_step")
        return frame.attempt(request, here, known[step])


def _add_windows(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    windows = platform.windows

    @pages.post("/stream-windows/{stream_id}")
    def add(  # the fields of a form
        request: Request,
        stream_id: str,
        table: Annotated[str, Form(max_length=200)],
        time: Annotated[str, Form(max_length=200)],
        measures: Annotated[str, Form(max_length=2000)],
        size: Annotated[str, Form(max_length=9)],
        slide: Annotated[str, Form(max_length=9)] = "",
        groups: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
        lateness: Annotated[str, Form(max_length=9)] = "",
    ) -> RedirectResponse:
        here = f"/console/streams/{stream_id}"

        def step() -> tuple[str, Text]:
            words = measures.replace("，", ",").replace("\n", ",").split(",")
            spec = WindowSpec(
                time=time,
                size=number(size),
                slide=number(slide) or number(size),
                groups=tuple(groups),
                measures=tuple(WindowMeasure.parse(w.strip()) for w in words if w.strip()),
                lateness=number(lateness),
            )
            windows.add(person(request), stream_id, table, spec)
            return here, Text("窗口表已登记，正在计算。", "The window table is declared and is being made.")

        return frame.attempt(request, here, step)

    @pages.post("/stream-windows/{stream_id}/{window_id}/remove")
    def remove(request: Request, stream_id: str, window_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            windows.remove(person(request), window_id)
            return f"/console/streams/{stream_id}", Text(
                "窗口表不再更新，表不变。", "It follows no more; the table stays."
            )

        return frame.attempt(request, f"/console/streams/{stream_id}", step)
