"""Harvests: the catalogs that are taken over, each run with what failed and why, records, and the mapping of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.ingest import MapKind, MapRule, OutcomeKind, RecordState
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.build import Platform

_PAGE = 100
_TABS = ("records", "words", "files", "runs")
_PLANNED = 300


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of harvests."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_lists(pages, frame, platform)
    _add_acts(pages, frame, platform)
    _add_decisions(pages, frame, platform)
    return pages


def _add_lists(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    harvests, access = platform.harvests, platform.access

    @pages.get("/harvests")
    def every(request: Request) -> HTMLResponse:
        who = person(request)
        runs = harvests.runs(who, limit=50)
        latest = {run.source_id: run for run in reversed(runs)}
        return frame.page(request, "harvests.html", catalogs=harvests.catalogs(who), latest=latest, runs=runs)

    @pages.get("/harvests/{source_id}")
    def one(  # filters
        request: Request, source_id: str, tab: str = "records", state: str = "", search: str = "", after: str = ""
    ) -> HTMLResponse:
        who = person(request)
        source = harvests.catalog(who, source_id)
        wanted = RecordState(state) if state in set(RecordState) else None
        shown = tab if tab in _TABS else "records"
        records = []
        if shown == "records":
            records = harvests.records(who, source.id, state=wanted, search=search, after=after, limit=_PAGE)
        return frame.page(
            request,
            "harvest.html",
            source=source,
            tab=shown,
            setup=harvests.setup(who, source.id),
            counts=harvests.counts(who, source.id),
            states=list(RecordState),
            state=state,
            search=search,
            records=records,
            more=records[-1].guid if len(records) == _PAGE else "",
            rules=harvests.rules(who, source.id) if shown == "words" else [],
            targets=_targets(platform) if shown == "words" else {},
            files=harvests.files(who, source.id) if shown == "files" else [],
            runs=harvests.runs(who, source.id, limit=30),
            may_run=access.allows(who, Permission.INGEST_RUN_SUBMIT, source.org_id),
            may_manage=access.allows(who, Permission.INGEST_SOURCE_MANAGE, source.org_id),
            may_trust=access.allows(who, Permission.CATALOG_RESOURCE_PUBLISH, source.org_id),
        )

    @pages.get("/harvests/{source_id}/plan")
    def plan(request: Request, source_id: str) -> HTMLResponse:
        who = person(request)
        source = harvests.catalog(who, source_id)
        found, fault = None, None
        try:
            found = harvests.plan(who, source.id, most=_PLANNED)
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            fault = error.text
        return frame.page(request, "harvest_plan.html", source=source, plan=found, fault=fault)

    @pages.get("/harvests/{source_id}/record")
    def record(request: Request, source_id: str, guid: str) -> HTMLResponse:
        who = person(request)
        source = harvests.catalog(who, source_id)
        found = harvests.record(who, source.id, guid)
        try:
            original = harvests.original(who, source.id, guid).decode("utf-8", "replace")
        except BeijiangError:
            original = ""
        return frame.page(
            request,
            "harvest_record.html",
            source=source,
            record=found,
            original=original[:100_000],
            files=harvests.files(who, source.id, guid),
            may_manage=access.allows(who, Permission.INGEST_SOURCE_MANAGE, source.org_id),
        )

    @pages.get("/harvest-runs/{run_id}")
    def run(request: Request, run_id: str, kind: str = "", after: str = "", after_kind: str = "") -> HTMLResponse:
        who = person(request)
        found = harvests.harvest(who, run_id)
        wanted = OutcomeKind(kind) if kind in set(OutcomeKind) else None
        outcomes = harvests.outcomes(who, found.id, kind=wanted, after=(after, after_kind), limit=_PAGE)
        return frame.page(
            request,
            "harvest_run.html",
            run=found,
            kind=kind,
            kinds=list(OutcomeKind),
            outcomes=outcomes,
            last=outcomes[-1] if len(outcomes) == _PAGE else None,
            may_cancel=access.allows(who, Permission.INGEST_RUN_CANCEL, found.org_id),
        )

    @pages.get("/harvest-runs/{run_id}/report")
    def report(request: Request, run_id: str) -> StreamingResponse:
        lines = harvests.report(person(request), run_id)
        named = {"Content-Disposition": f'attachment; filename="{run_id}.csv"'}
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=named)


def _add_acts(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    harvests = platform.harvests

    @pages.post("/harvests/{source_id}/run")
    def run(
        request: Request,
        source_id: str,
        accept_vanished: Annotated[str, Form(max_length=4)] = "",
        go_on: Annotated[str, Form(max_length=4)] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            who = person(request)
            run_id = harvests.run(who, source_id, accept_vanished=bool(accept_vanished), go_on=bool(go_on))
            return f"/console/harvest-runs/{run_id}", Text("已开始采集。", "The harvest has begun.")

        return frame.attempt(request, f"/console/harvests/{quote(source_id)}", step)

    @pages.post("/harvest-runs/{run_id}/cancel")
    def cancel(request: Request, run_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            harvests.cancel(person(request), run_id)
            words = Text("已请求停止，已收到的保留。", "It was asked to stop; what came is kept.")
            return f"/console/harvest-runs/{quote(run_id)}", words

        return frame.attempt(request, f"/console/harvest-runs/{quote(run_id)}", step)

    @pages.post("/harvests/{source_id}/fetch")
    def fetch(request: Request, source_id: str) -> RedirectResponse:
        place = f"/console/harvests/{quote(source_id)}?tab=files"

        def step() -> tuple[str, Text]:
            harvests.fetch(person(request), source_id)
            return place, Text("已开始下载有变化的数据。", "What changed is being fetched.")

        return frame.attempt(request, place, step)

    @pages.post("/harvests/{source_id}/follow")
    def follow(
        request: Request,
        source_id: str,
        guid: Annotated[str, Form(max_length=500)],
        url: Annotated[str, Form(max_length=2000)],
        table: Annotated[str, Form(max_length=200)],
    ) -> RedirectResponse:
        back = f"/console/harvests/{quote(source_id)}/record?guid={quote(guid, safe='')}"

        def step() -> tuple[str, Text]:
            harvests.follow(person(request), source_id, guid, url, table)
            words = Text("已登记，每次采集后取有变化的数据。", "Noted; what changed is taken after each harvest.")
            return f"/console/harvests/{quote(source_id)}?tab=files", words

        return frame.attempt(request, back, step)

    @pages.post("/harvests/{source_id}/unfollow")
    def unfollow(request: Request, source_id: str, file: Annotated[str, Form(max_length=100)]) -> RedirectResponse:
        place = f"/console/harvests/{quote(source_id)}?tab=files"

        def step() -> tuple[str, Text]:
            harvests.unfollow(person(request), source_id, file)
            return place, Text("已停止取数，表不变。", "No more is taken; the table stays.")

        return frame.attempt(request, place, step)


def _add_decisions(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    harvests = platform.harvests

    @pages.post("/harvests/{source_id}/words")
    def decide(
        request: Request,
        source_id: str,
        kind: Annotated[MapKind, Form()],
        value: Annotated[str, Form(max_length=400)],
        target: Annotated[str, Form(max_length=100)] = "",
    ) -> RedirectResponse:
        place = f"/console/harvests/{quote(source_id)}?tab=words"

        def step() -> tuple[str, Text]:
            rule = MapRule(kind=kind, value=value, target=target.strip(), decided_by="")
            harvests.decide(person(request), source_id, rule)
            return place, Text("已确定，下次采集起生效。", "Decided; the next harvest applies it.")

        return frame.attempt(request, place, step)

    @pages.post("/harvests/{source_id}/setup")
    def setup(request: Request, source_id: str, withdraw_after: Annotated[int, Form()]) -> RedirectResponse:
        place = f"/console/harvests/{quote(source_id)}"

        def step() -> tuple[str, Text]:
            harvests.withdraw_after(person(request), source_id, withdraw_after)
            return place, Text("已保存。", "Saved.")

        return frame.attempt(request, place, step)

    @pages.post("/harvests/{source_id}/trust")
    def trust(request: Request, source_id: str, trusted: Annotated[str, Form(max_length=4)] = "") -> RedirectResponse:
        place = f"/console/harvests/{quote(source_id)}"

        def step() -> tuple[str, Text]:
            harvests.trust(person(request), source_id, trusted=bool(trusted))
            if trusted:
                return place, Text(
                    "已信任：开放许可的完整目录将以您的名义发布。",
                    "Trusted: complete open entries are published in your name.",
                )
            return place, Text("已取消信任，目录走审核流程。", "No longer trusted; entries go through the review.")

        return frame.attempt(request, place, step)


def _targets(platform: Platform) -> dict[str, list[tuple[str, Text]]]:
    """Return what words may be mapped to, per kind."""
    standards = platform.standards
    return {
        "theme": [(c.code, c.plain) for c in standards.categories() if standards.has_category(c.code)],
        "licence": [(x.id, x.name) for x in standards.licences()],
        "cycle": [(c.code, c.name) for c in standards.update_cycles()],
        "provider": [(o.id, Text(o.name_zh, o.name_en or o.name_zh)) for o in platform.access.organisations()],
    }
