"""Sources: connect one, choose what is taken from it, run it, and see the proof that all of it arrived."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import source_table, target_table
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.schedules import plans_of
from beijiang.console.routes.sharing import names
from beijiang.ingest import CursorRange, FileOrder, FileRules, RunMode, SourceDraft, SyncDraft, SyncMode
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.outbound import Target, Use

if TYPE_CHECKING:
    from beijiang.build import Platform

_OPTION = "option:"
_RANGE = 40


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of sources and targets."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_sources(pages, frame, platform)
    _add_file_syncs(pages, frame, platform)
    _add_syncs(pages, frame, platform)
    _add_targets(pages, frame, platform)
    return pages


def _add_sources(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    sources, access = platform.sources, platform.access

    @pages.get("/sources")
    def every(request: Request, kind: str = "") -> Response:
        who = person(request)
        kinds: list[dict[str, Any]] = sources.kinds(who)
        chosen = next((k for k in kinds if k["kind"] == kind), kinds[0] if kinds else None)
        called = {k["kind"]: _words(k["text"], k["kind"]) for k in kinds}
        table = source_table(sources.sources(who), sources.syncs(who), names(platform), called)
        return listed(
            frame,
            platform,
            request,
            "sources.html",
            table,
            kinds=kinds,
            chosen=chosen,
            fields=fields_of(chosen),
            may_manage=access.allows(who, Permission.INGEST_SOURCE_MANAGE, who.org_id),
        )

    @pages.post("/sources")
    async def add(request: Request) -> RedirectResponse:
        form = await request.form()
        words = {name: str(value) for name, value in form.items()}
        who = person(request)

        def step() -> tuple[str, Text]:
            draft = SourceDraft(
                name=words.get("name", ""),
                kind=words.get("kind", ""),
                org_id=who.org_id or "",
                options=options_of(words),
            )
            made = sources.add(who, draft)
            return f"/console/sources/{made.id}", Text(
                "数据源已登记，口令已加密保存。请选择要取的表。",
                "The source is registered and its secrets are sealed. Choose what to take.",
            )

        back = f"/console/sources?kind={quote(words.get('kind', ''))}"
        return await run_in_threadpool(frame.attempt, request, back, step)

    @pages.get("/sources/{source_id}")
    def one(request: Request, source_id: str, feed: str = "") -> HTMLResponse:
        who = person(request)
        source = sources.source(who, source_id)
        may_manage = access.allows(who, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        feeds: list[Any] = []
        described, fault, fingerprint = None, None, ""
        if may_manage:
            try:
                feeds = sources.feeds(who, source.id)
                described = sources.feed(who, source.id, feed) if feed else None
            except BeijiangError as error:
                fault = error.text
                fingerprint = str((error.detail or {}).get("fingerprint", ""))
        return frame.page(
            request,
            "source.html",
            source=source,
            options=[(n, "、".join(map(str, v)) if isinstance(v, list) else v) for n, v in source.options.items()],
            feeds=feeds,
            feed=described,
            arrives=sources.holds_files(who, source.id),
            fault=fault,
            fingerprint=fingerprint,
            syncs=sources.syncs(who, source.id),
            limits=platform.schedules.limits(who, source.id),
            may_manage=may_manage,
        )

    @pages.post("/sources/{source_id}/trust")
    def trust(request: Request, source_id: str, fingerprint: Annotated[str, Form(max_length=100)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            sources.change(person(request), source_id, {"host_key": fingerprint})
            return f"/console/sources/{source_id}", Text(
                "指纹已登记，以后只连接出示此密钥的服务器。",
                "The fingerprint is registered; only a server that shows this key is spoken to from now on.",
            )

        return frame.attempt(request, f"/console/sources/{source_id}", step)

    @pages.post("/sources/{source_id}/remove")
    def remove(request: Request, source_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            sources.remove(person(request), source_id)
            return "/console/sources", Text(
                "数据源及其口令已删除，已取得的表不变。", "The source and its secrets are gone; its tables stay."
            )

        return frame.attempt(request, f"/console/sources/{source_id}", step)

    @pages.post("/sources/{source_id}/take")
    def take(  # the fields of a form
        request: Request,
        source_id: str,
        feed: Annotated[str, Form(max_length=300)],
        table: Annotated[str, Form(max_length=200)],
        mode: Annotated[SyncMode, Form()] = SyncMode.FULL,
        key: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
        cursor: Annotated[str, Form(max_length=200)] = "",
        overlap: Annotated[str, Form(max_length=40)] = "",
        deletes: Annotated[str, Form(max_length=4)] = "",
        deletes_every: Annotated[int, Form(ge=1, le=10_000)] = 1,
        history: Annotated[str, Form(max_length=4)] = "",
    ) -> RedirectResponse:
        who = person(request)

        def step() -> tuple[str, Text]:
            draft = SyncDraft(
                source_id=source_id,
                feed=feed,
                table=table.strip(),
                mode=mode,
                key=tuple(key),
                cursor=cursor if mode is SyncMode.INCREMENTAL else "",
                overlap=overlap,
                deletes=bool(deletes),
                deletes_every=deletes_every,
                history=bool(history),
            )
            made = sources.take(who, draft)
            return f"/console/syncs/{made.id}", Text("请核对计划，然后开始取数。", "Check the plan, then begin.")

        return frame.attempt(request, f"/console/sources/{source_id}?feed={quote(feed)}", step)


def _add_file_syncs(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/sources/{source_id}/take-files")
    def take_files(  # the fields of a form
        request: Request,
        source_id: str,
        feed: Annotated[str, Form(max_length=300)],
        table: Annotated[str, Form(max_length=200)],
        patterns: Annotated[str, Form(max_length=2000)] = "*",
        members: Annotated[str, Form(max_length=2000)] = "",
        done: Annotated[str, Form(max_length=100)] = "",
        mode: Annotated[RunMode, Form()] = RunMode.AUTO,
        newest: Annotated[str, Form(max_length=4)] = "",
        order: Annotated[FileOrder, Form()] = FileOrder.TIME,
        key: Annotated[str, Form(max_length=2000)] = "",
        encoding: Annotated[str, Form(max_length=40)] = "auto",
        sheet: Annotated[str, Form(max_length=200)] = "",
        title_rows: Annotated[str, Form(max_length=2)] = "",
        header_rows: Annotated[str, Form(max_length=2)] = "",
        checks: Annotated[str, Form(max_length=2000)] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            rules = FileRules(
                patterns=_listed(patterns) or ("*",),
                members=_listed(members),
                done=done.strip(),
                mode=mode,
                newest=bool(newest),
                order=order,
                encoding=encoding,
                sheet=sheet.strip(),
                title_rows=_number(title_rows),
                header_rows=_number(header_rows),
                checks=_listed(checks),
            )
            draft = SyncDraft(
                source_id=source_id,
                feed=feed,
                table=table.strip(),
                mode=SyncMode.FILES,
                key=_listed(key),
                files=rules,
            )
            made = platform.sources.take(person(request), draft)
            return f"/console/syncs/{made.id}", Text("请核对计划，然后开始取数。", "Check the plan, then begin.")

        return frame.attempt(request, f"/console/sources/{source_id}?feed={quote(feed)}", step)


def _listed(text: str) -> tuple[str, ...]:
    """Return what stands between commas (also Chinese ones) or on lines of its own."""
    return tuple(word for part in re.split(r"[,，、\n]", text) if (word := part.strip()))


def _number(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal():
        raise Invalid("行数应为数字。", "The number of rows is a number.", code="bad_file_rules")
    return int(text)


def _add_syncs(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    sources = platform.sources

    @pages.get("/syncs/{sync_id}")
    def one(request: Request, sync_id: str, since: str = "", until: str = "") -> HTMLResponse:
        who = person(request)
        sync = sources.sync(who, sync_id)
        part = CursorRange(since[:_RANGE], until[:_RANGE])
        may_run = platform.access.allows(who, Permission.INGEST_RUN_SUBMIT, sync.org_id)
        plan, fault, lag = None, None, None
        if may_run:
            try:
                plan = sources.plan(who, sync.id, part=part)
                lag = platform.captures.lag(who, sync.id) if sync.mode is SyncMode.CAPTURE else None
            except BeijiangError as error:
                fault = error.text
        return frame.page(
            request,
            "sync.html",
            sync=sync,
            plan=plan,
            part=part,
            lag=lag,
            fault=fault,
            proofs=sources.certificates(who, sync.id, limit=20),
            runs=platform.ingest.runs(who, table=sync.table, limit=10),
            verification=next(iter(sources.verifications(who, sync.id)), None),
            base=f"/console/syncs/{sync.id}",
            comparisons=sources.comparisons(who, sync.id, limit=10),
            may_run=may_run,
            plans=plans_of(platform, who, sync),
        )

    @pages.post("/syncs/{sync_id}/run")
    def run(
        request: Request,
        sync_id: str,
        whole: Annotated[str, Form(max_length=4)] = "",
        since: Annotated[str, Form(max_length=_RANGE)] = "",
        until: Annotated[str, Form(max_length=_RANGE)] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            run_id = sources.run(person(request), sync_id, whole=bool(whole), part=CursorRange(since, until))
            return f"/console/runs/{run_id}", Text("已开始取数。", "The run has begun.")

        return frame.attempt(request, f"/console/syncs/{sync_id}", step)

    @pages.post("/syncs/{sync_id}/verify")
    def verify(request: Request, sync_id: str, repair: Annotated[str, Form(max_length=4)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            sources.verify_later(person(request), sync_id, repair=bool(repair))
            return f"/console/syncs/{sync_id}", Text("已开始核对。", "The comparison has begun.")

        return frame.attempt(request, f"/console/syncs/{sync_id}", step)

    @pages.get("/syncs/{sync_id}/verification")
    def verification(request: Request, sync_id: str) -> HTMLResponse:
        """Return how far a comparison is; once it has ended the whole page is asked for again."""
        who = person(request)
        going = next(iter(sources.verifications(who, sync_id)), None)
        base = f"/console/syncs/{sources.sync(who, sync_id).id}"
        answer = frame.fragment(request, "verification.html", base=base, verification=going)
        if going is None:
            answer.headers["HX-Refresh"] = "true"
        return answer

    @pages.post("/syncs/{sync_id}/verification/{job_id}/cancel")
    def cancel(request: Request, sync_id: str, job_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            sources.cancel_verification(person(request), job_id)
            return f"/console/syncs/{sync_id}", Text("已请求取消核对。", "Cancelling the comparison.")

        return frame.attempt(request, f"/console/syncs/{sync_id}", step)

    @pages.post("/syncs/{sync_id}/compare-keys")
    def compare_keys(request: Request, sync_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            run_id = sources.compare_keys(person(request), sync_id)
            return f"/console/runs/{run_id}", Text("已开始比对主键。", "The comparison of keys has begun.")

        return frame.attempt(request, f"/console/syncs/{sync_id}", step)

    @pages.get("/syncs/{sync_id}/tombstones.csv")
    def tombstones(request: Request, sync_id: str) -> FileResponse:
        who = person(request)
        path = sources.tombstone_file(who, sync_id)
        name = f"{sources.sync(who, sync_id).table} 已删除主键.csv"
        return FileResponse(
            path, media_type="text/csv", filename=name, background=BackgroundTask(path.unlink, missing_ok=True)
        )

    @pages.post("/syncs/{sync_id}/leave")
    def leave(request: Request, sync_id: str, abandon: Annotated[str, Form(max_length=4)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            sources.leave(person(request), sync_id, abandon=bool(abandon))
            return "/console/sources", Text("已停止取数，表不变。", "No more is taken; the table stays.")

        return frame.attempt(request, f"/console/syncs/{sync_id}", step)


def _add_targets(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/targets")
    def targets(request: Request) -> Response:
        who, orgs = person(request), {o.id: o.short for o in platform.access.organisations()}
        return listed(
            frame,
            platform,
            request,
            "targets.html",
            target_table(platform.sources.targets(who), orgs),
            uses=[*Use],
            orgs=orgs,
            may_allow=platform.access.allows(who, Permission.ACCESS_TARGET_ALLOW),
        )

    @pages.post("/targets")
    def allow(
        request: Request,
        reason: Annotated[str, Form(max_length=1000)],
        host: Annotated[str, Form(max_length=255)] = "",
        port: Annotated[str, Form(max_length=5)] = "",
        network: Annotated[str, Form(max_length=60)] = "",
        folder: Annotated[str, Form(max_length=1000)] = "",
        uses: Annotated[list[Use] | None, Form()] = None,
        org: Annotated[str, Form(max_length=60)] = "",
        plain_http: Annotated[bool, Form()] = False,
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            if port and not port.isdecimal():
                raise Invalid("端口应为数字。", "The port is a number.", code="bad_target")
            target = Target(
                host=host.strip(),
                port=int(port or 0),
                network=network.strip(),
                folder=folder.strip(),
                uses=frozenset(uses or ()),
                org_id=org,
                plain_http=plain_http,
            )
            platform.sources.allow(person(request), target, reason)
            return "/console/targets", Text("已放行。", "It is open now.")

        return frame.attempt(request, "/console/targets", step)

    @pages.post("/targets/{target_id}/close")
    def close(request: Request, target_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.sources.close_target(person(request), target_id)
            return "/console/targets", Text("已关闭，下一次连接即被拒绝。", "Closed; the next connection is refused.")

        return frame.attempt(request, "/console/targets", step)


def fields_of(kind: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the options of a kind of source as the form shows them."""
    if kind is None:
        return []
    schema = kind["options"]
    needed, secret = set(schema.get("required", ())), set(kind["secrets"])
    fields = []
    for name, option in schema["properties"].items():
        default = option.get("default", "")
        fields.append(
            {
                "name": name,
                "label": _words(option.get("label"), name),
                "hint": _words(option.get("hint"), option.get("description", "")),
                "required": name in needed,
                "secret": name in secret,
                "default": default if isinstance(default, str | int) else "",
                "choices": [(value, value) for value in option.get("enum", ())],
            }
        )
    return fields


def _words(pair: dict[str, str] | None, otherwise: str) -> Text:
    return Text(otherwise, otherwise) if pair is None else Text(pair["zh"], pair["en"])


def options_of(words: dict[str, str]) -> dict[str, Any]:
    """Return the options of a form; a field left empty is one that was not given."""
    return {n.removeprefix(_OPTION): v.strip() for n, v in words.items() if n.startswith(_OPTION) and v.strip()}
