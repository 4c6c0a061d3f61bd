"""One guided path from a database or service to a proved table: connect, pick, look, map, read the plan, run, see the proof.

Each step's address holds everything that was chosen so far, so that back and reload work; secrets are sealed at the
first step and are in no address and no form after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.catalog import State
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.sources import fields_of, options_of
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.tables import require_no_state_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.datastructures import QueryParams

    from beijiang.build import Platform
    from beijiang.ingest import Source
    from beijiang.kit import Actor

SHOWN = 500
CATALOGS = frozenset({"ckan", "dcat", "data_json"})
MOST = 20
"""Tables that one path takes; more are taken in a second one."""
STEPS = (
    ("connect", Text("连接", "Connect")),
    ("pick", Text("选表", "Pick tables")),
    ("look", Text("预览", "Preview")),
    ("map", Text("设置", "Settings")),
    ("plan", Text("核对计划", "Check the plan")),
    ("run", Text("取数与证明", "Run and proof")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """How one feed is to be taken, as the address of a step tells it."""

    feed: str
    table: str
    mode: SyncMode
    key: tuple[str, ...]
    cursor: str
    overlap: str
    deletes: bool
    resource: str
    """The catalog entry to bind it to; empty makes a new draft."""
    history: bool = False

    def draft(self, source_id: str) -> SyncDraft:
        """Return it for the service."""
        following = self.mode is SyncMode.INCREMENTAL
        return SyncDraft(
            source_id=source_id,
            feed=self.feed,
            table=self.table,
            mode=self.mode,
            key=self.key,
            cursor=self.cursor if following else "",
            overlap=self.overlap if following else "",
            deletes=self.deletes and following,
            history=self.history,
        )


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the guided path."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_connecting(pages, frame, platform)
    _add_choosing(pages, frame, platform)
    _add_running(pages, frame, platform)
    return pages


def _add_connecting(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    sources = platform.sources

    @pages.get("/connect")
    def begin(request: Request, kind: str = "", name: str = "") -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.INGEST_SOURCE_MANAGE, who.org_id)
        kinds = sources.kinds(who)
        chosen = next((k for k in kinds if k["kind"] == kind), None)
        fields = fields_of(chosen)
        return frame.page(request, "wiz_connect.html", steps=STEPS, here="connect", kinds=kinds, chosen=chosen, fields=fields, name=name, source=None, trouble=None, asked="")  # fmt: skip

    @pages.post("/connect")
    async def connect(request: Request) -> Response:
        form = await request.form()
        words = {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(_connect, frame, platform, request, words)

    @pages.get("/connect/{source_id}")
    def again(request: Request, source_id: str) -> HTMLResponse:
        who = person(request)
        source = sources.source(who, source_id)
        platform.access.require(who, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        chosen = next((k for k in sources.kinds(who) if k["kind"] == source.kind), None)
        fields = [{**f, "default": _shown(source.options.get(f["name"], f["default"])), "required": f["required"] and not f["secret"]} for f in fields_of(chosen)]  # fmt: skip
        trouble = _trouble(platform, who, source)
        return frame.page(request, "wiz_connect.html", steps=STEPS, here="connect", kinds=[], chosen=chosen, fields=fields, name=source.name, source=source, trouble=trouble, asked=_asked(source, trouble))  # fmt: skip

    @pages.post("/connect/{source_id}")
    async def mend(request: Request, source_id: str) -> RedirectResponse:
        form = await request.form()
        words = {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(_reconnect, frame, platform, request, source_id, options_of(words))


def _reconnect(
    frame: Frame, platform: Platform, request: Request, source_id: str, given: dict[str, Any]
) -> RedirectResponse:
    """Change what was filled in, and test again."""
    who = person(request)
    try:
        if given:
            platform.sources.change(who, source_id, given)
        found = platform.sources.source(who, source_id)
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        return frame.after(request, f"/console/connect/{source_id}", error.text, "bad")
    return frame.after(request, *_after_connecting(platform, who, found))


def _connect(frame: Frame, platform: Platform, request: Request, words: Mapping[str, str]) -> Response:
    """Register a source, its secrets sealed, and test it at once; what is refused is asked again, secrets left out."""
    who = person(request)
    kind, name = words.get("kind", ""), words.get("name", "")
    given = options_of(dict(words))
    try:
        source = platform.sources.add(who, SourceDraft(name=name, kind=kind, org_id=who.org_id or "", options=given))
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        chosen = next((k for k in platform.sources.kinds(who) if k["kind"] == kind), None)
        fields = [f if f["secret"] else {**f, "default": _shown(given.get(f["name"], f["default"]))} for f in fields_of(chosen)]  # fmt: skip
        return frame.page(request, "wiz_connect.html", steps=STEPS, here="connect", kinds=[], chosen=chosen, fields=fields, name=name, source=None, trouble=error, asked="")  # fmt: skip
    return frame.after(request, *_after_connecting(platform, who, source))


def _after_connecting(platform: Platform, who: Actor, source: Source) -> tuple[str, Text, str]:
    """Return where to go after a test, what to say, and how it went."""
    if _trouble(platform, who, source) is None:
        words = Text("连接正常，口令已加密保存。", "It answers; its secrets are sealed.")
        return _first_choice(platform, who, source), words, "ok"
    return (
        f"/console/connect/{source.id}",
        Text("已登记，但还连不上。", "It is registered, but does not answer yet."),
        "warn",
    )


def _first_choice(platform: Platform, who: Actor, source: Source) -> str:
    """Return the page on which it is chosen what to take: tables here, folders and catalogs on their own."""
    if platform.sources.holds_files(who, source.id):
        return f"/console/sources/{source.id}"
    if source.kind in CATALOGS:
        return f"/console/harvests/{source.id}"
    return f"/console/connect/{source.id}/tables"


def _trouble(platform: Platform, who: Actor, source: Source) -> BeijiangError | None:
    try:
        platform.sources.feeds(who, source.id)
    except BeijiangError as error:
        if error.status in {401, 404}:
            raise
        return error
    return None


def _asked(source: Source, trouble: BeijiangError | None) -> str:
    """Return the words with which the security administrator is asked to open the way."""
    if trouble is None or trouble.reason not in {"target_not_allowed", "folder_not_allowed"}:
        return ""
    host, port = trouble.detail.get("host"), trouble.detail.get("port")
    place = f"{host}:{port}" if host else str(next((source.options[n] for n in ("path", "file", "folder", "host") if source.options.get(n)), "?"))  # fmt: skip
    if place.startswith("/") and PurePosixPath(place).suffix:
        place = str(PurePosixPath(place).parent)  # a folder is what is opened
    return (
        f"请放行访问目标：{place}\n"
        f"用途：数据源“{source.name}”（{source.kind}）取数\n"
        f"申请人：{source.created_by}，部门：{source.org_id}\n"
        f"操作：控制台 → 访问目标 → 放行"
    )


def _add_choosing(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    sources = platform.sources

    @pages.get("/connect/{source_id}/tables", response_model=None)
    def pick(request: Request, source_id: str, q: str = "") -> Response:
        who = person(request)
        source = sources.source(who, source_id)
        first = _first_choice(platform, who, source)
        if first != f"/console/connect/{source.id}/tables":
            return RedirectResponse(first, 303)
        try:
            feeds = sources.feeds(who, source.id)
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return frame.after(request, f"/console/connect/{source.id}", error.text, "bad")
        wanted = q.strip().lower()
        found = [f for f in feeds if wanted in f.name.lower() or wanted in f.comment.lower()]
        taken = {s.feed: s for s in sources.syncs(who, source.id)}
        return frame.page(request, "wiz_pick.html", steps=STEPS, here="pick", source=source, feeds=found[:SHOWN], total=len(found), q=q, taken=taken, picked=request.query_params.getlist("feed"))  # fmt: skip

    @pages.get("/connect/{source_id}/look", response_model=None)
    def look(request: Request, source_id: str, show: str = "") -> Response:
        who = person(request)
        source = sources.source(who, source_id)
        picked = _picked(request.query_params)
        if not picked:
            return frame.after(request, f"/console/connect/{source.id}/tables", Text("请先选择要取的表。", "Pick a table first."), "warn")  # fmt: skip
        chosen = show if show in picked else picked[0]
        feed, preview, fault = None, None, None
        try:
            feed = sources.feed(who, source.id, chosen)
            preview = sources.preview(who, source.id, chosen)
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            fault = error.text
        return frame.page(request, "wiz_look.html", steps=STEPS, here="look", source=source, picked=picked, chosen=chosen, feed=feed, preview=preview, fault=fault, query=urlencode([("feed", f) for f in picked]))  # fmt: skip

    @pages.get("/connect/{source_id}/map", response_model=None)
    def map_(request: Request, source_id: str) -> Response:
        who = person(request)
        source = sources.source(who, source_id)
        picked = _picked(request.query_params)
        try:
            suggested = sources.suggest(who, source.id, picked)
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return frame.after(request, f"/console/connect/{source.id}", error.text, "bad")
        told = {c.feed: c for c in _choices(request.query_params)}
        return frame.page(request, "wiz_map.html", steps=STEPS, here="map", source=source, suggested=suggested, told=told, loose=[(r.id, r.entry.name) for r in _loose(platform, who)], cursors={f.name: [(c.name, c.name) for c in f.columns if c.is_cursor] for f, _ in suggested}, query=urlencode([("feed", f) for f in picked]))  # fmt: skip

    @pages.get("/connect/{source_id}/plan", response_model=None)
    def plan(request: Request, source_id: str) -> Response:
        who = person(request)
        source = sources.source(who, source_id)
        choices = _choices(request.query_params)
        names = [c.feed for c in choices]
        described = {f.name: f for f, _ in sources.suggest(who, source.id, names)}
        owners = {c.feed: platform.ingest.owner(who, c.table) for c in choices}
        filled = {
            x.table: x for x in sources.syncs(who) if (x.source_id, x.feed) not in {(source.id, n) for n in names}
        }
        tables = [c.table for c in choices]
        troubles = {
            c.feed: [
                *_judged(c, described[c.feed], owners[c.feed], source),
                *([_FILLED] if c.table in filled or tables.count(c.table) > 1 else []),
            ]
            for c in choices
        }
        loose = {r.id: r.entry.name for r in _loose(platform, who)}
        pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
        return frame.page(request, "wiz_plan.html", steps=STEPS, here="plan", source=source, choices=choices, described=described, owners=owners, troubles=troubles, loose=loose, pairs=pairs, query=urlencode(pairs))  # fmt: skip


_FILLED = Text(
    "目标表已有别的数据来源（一数一源），请换一个表名。",
    "The table is filled from somewhere else (one source per item); choose another name.",
)


def _judged(choice: Choice, feed: Any, owner: str | None, source: Source) -> list[Text]:
    """Return what forbids a choice, before anything is done."""
    found = []
    if not choice.table:
        found.append(Text("请填写目标表名。", "Name the table."))
    if owner not in {None, source.org_id}:
        found.append(
            Text("目标表属于其他部门，请换一个表名。", "The table is another department's; choose another name.")
        )
    if choice.mode is SyncMode.INCREMENTAL and not choice.key:
        found.append(Text("增量取数需要主键。", "An incremental sync needs a key."))
    column = feed.column(choice.cursor)
    if choice.mode is SyncMode.INCREMENTAL and (column is None or not column.is_cursor):
        found.append(Text("增量取数需要游标列。", "An incremental sync needs a cursor."))
    if choice.history and not (choice.key or feed.key):
        found.append(Text("保留历史需要主键。", "To keep history takes a key."))
    if choice.history:
        try:
            require_no_state_columns(c.name for c in feed.columns)
        except Invalid as taken:
            found.append(taken.text)
    return found


def _add_running(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    sources = platform.sources

    @pages.post("/connect/{source_id}/run")
    async def run(request: Request, source_id: str) -> Response:
        form = await request.form()
        choices = _choices(form)
        who = person(request)
        back = f"/console/connect/{source_id}/map?{urlencode([(n, str(v)) for n, v in form.multi_items() if n != '_csrf'])}"

        def step() -> tuple[str, Text]:
            made = [_begin(platform, who, source_id, choice) for choice in choices]
            if not made:
                raise Invalid("请先选择要取的表。", "Pick a table first.", code="nothing_to_do")
            where = urlencode([("sync", sync) for sync in made])
            return f"/console/connect/{source_id}/runs?{where}", Text("已开始取数。", "The runs have begun.")

        return await run_in_threadpool(frame.attempt, request, back, step)

    @pages.get("/connect/{source_id}/runs")
    def runs(request: Request, source_id: str) -> HTMLResponse:
        who = person(request)
        source = sources.source(who, source_id)
        return frame.page(request, "wiz_run.html", steps=STEPS, here="run", source=source, **_progress(platform, who, request))  # fmt: skip

    @pages.get("/connect/{source_id}/progress")
    def progress(request: Request, source_id: str) -> HTMLResponse:
        who = person(request)
        source = sources.source(who, source_id)
        return frame.fragment(request, "wiz_progress.html", source=source, **_progress(platform, who, request))


def _begin(platform: Platform, who: Actor, source_id: str, choice: Choice) -> str:
    """Take one feed into its table, bind its catalog entry, and queue the first run; done before, only the run is new."""
    sources = platform.sources
    known = next((s for s in sources.syncs(who, source_id) if s.table == choice.table and s.feed == choice.feed), None)
    sync = known or sources.take(who, choice.draft(source_id))
    if choice.resource:
        platform.catalog.bind(who, choice.resource, sync.table)
    sources.run(who, sync.id)
    return sync.id


def _progress(platform: Platform, who: Actor, request: Request) -> dict[str, Any]:
    """Return, for each sync of the address, its newest run and what proves it."""
    rows: list[dict[str, Any]] = []
    for sync_id in request.query_params.getlist("sync")[:MOST]:
        sync = platform.sources.sync(who, sync_id)
        run = next(iter(platform.ingest.runs(who, table=sync.table, limit=1)), None)
        proof = platform.sources.certificate(who, run.id) if run is not None and run.ended else None
        resource = platform.catalog.resource_for_table(sync.table) if run is not None and run.version else None
        rows.append({"sync": sync, "run": run, "proof": proof, "resource": resource})
    going = any(row["run"] is not None and not row["run"].ended for row in rows)
    return {"rows": rows, "going": going, "query": urlencode([("sync", row["sync"].id) for row in rows])}


def _picked(params: QueryParams) -> list[str]:
    return list(dict.fromkeys(f for f in params.getlist("feed") if f))[:MOST]


def _choices(params: Any) -> list[Choice]:
    """Read what an address or a form says of each feed: fields carry the number of theirs."""
    found = []
    for number, feed in enumerate(_picked(params)):
        if f"table:{number}" not in params:
            continue
        mode = params.get(f"mode:{number}", "")
        found.append(
            Choice(
                feed=feed,
                table=str(params.get(f"table:{number}", "")).strip(),
                mode=SyncMode(mode) if mode in set(SyncMode) else SyncMode.FULL,
                key=tuple(str(k) for k in params.getlist(f"key:{number}")),
                cursor=str(params.get(f"cursor:{number}", "")),
                overlap=str(params.get(f"overlap:{number}", "")).strip(),
                deletes=bool(params.get(f"deletes:{number}", "")),
                resource=str(params.get(f"resource:{number}", "")),
                history=bool(params.get(f"history:{number}", "")),
            )
        )
    return found


def _loose(platform: Platform, who: Actor) -> list[Any]:
    """Return the department's draft entries that have no table yet."""
    if not platform.access.allows(who, Permission.CATALOG_RESOURCE_EDIT, who.org_id):
        return []
    drafts: Iterable[Any] = platform.catalog.list(who, states=[State.DRAFT])
    return [r for r in drafts if r.table is None and r.provider_id == who.org_id]


def _shown(value: object) -> str | int:
    return ",".join(map(str, value)) if isinstance(value, list) else value if isinstance(value, str | int) else ""
