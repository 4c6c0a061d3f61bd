"""Pages of base and theme libraries: what there is, sources, fields and their agreement, declaring and changing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import library_table
from beijiang.console.routes.frame import Frame, Seen, person
from beijiang.console.routes.listed import listed
from beijiang.fusion import MATCHING, Choosing, Element, LibraryDraft, LinkDraft
from beijiang.kit import BeijiangError, Invalid, NotFound, Text

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.fusion import Library
    from beijiang.kit import Actor

PATIENCE = 3.0
"""Seconds that a page waits for a run that was asked for."""


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    fusion = platform.fusion

    @pages.get("/libraries")
    def list_(request: Request) -> Response:
        who = person(request)
        declared = fusion.kinds(who)
        return listed(
            frame,
            platform,
            request,
            "libraries.html",
            library_table(platform, who, _org_names(platform)),
            missing=[model for model in fusion.models(who) if model.kind not in declared],
            may={"manage": platform.access.allows(who, Permission.FUSION_LIBRARY_MANAGE, who.org_id)},
        )

    @pages.get("/libraries/{library}")
    def one(request: Request, library: str) -> HTMLResponse:
        return _library_page(frame, platform, request, fusion.library(person(request), library))

    @pages.post("/libraries/{library}/run")
    def run(request: Request, library: str) -> RedirectResponse:
        who, back = person(request), f"/console/libraries/{quote(library)}"
        return frame.attempt(request, back, lambda: (back, _run(platform, who, library)))

    @pages.post("/libraries/{library}/retire")
    def retire(request: Request, library: str, reason: Annotated[str, Form(max_length=1000)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            ended = fusion.retire(person(request), library, reason)
            return "/console/libraries", Text(
                f"“{ended.name}”已停用，库表保留。", f'"{ended.name}" is retired; its tables stay.'
            )

        return frame.attempt(request, f"/console/libraries/{quote(library)}", step)

    _add_editor(pages, frame, platform)
    _add_sources(pages, frame, platform)
    return pages


def _library_page(frame: Frame, platform: Platform, request: Request, library: Library) -> HTMLResponse:
    who, fusion = person(request), platform.fusion
    runs = fusion.runs(who, library.id)
    claims, disputes = fusion.claims(who, library.id)
    newest = next((run for run in runs if run.version is not None), None)
    _, waiting = fusion.queue(who, library.id, limit=1)
    allows = platform.access.allows
    return frame.page(
        request,
        "library.html",
        library=library,
        links=fusion.links(who, library.id),
        agreeable={link.id for link in fusion.links(who, library.id) if _may_agree(platform, who, library, link)},
        runs=runs,
        newest=newest,
        fields={} if newest is None else {one.name: one for one in newest.fields},
        reports={} if newest is None else {one.link_id: one for one in newest.sources},
        sources={one.element: one for one in claims if one.state.value == "in_force"},
        open_claims=sum(1 for one in claims if one.state.value == "proposed")
        + sum(1 for one in disputes if one.state.value == "raised"),
        rules=_rules(library),
        history=fusion.history(who, library.id),
        waiting=waiting,
        unapplied=fusion.unapplied(who, library.id),
        names=_org_names(platform),
        shown=library.target in platform.tables.names(who),
        may={
            "manage": allows(who, Permission.FUSION_LIBRARY_MANAGE, library.org_id),
            "offer": allows(who, Permission.FUSION_SOURCE_AGREE, who.org_id),
            "decide": allows(who, Permission.FUSION_PAIR_DECIDE, library.org_id),
        },
    )


def _add_editor(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    fusion = platform.fusion

    @pages.get("/libraries-new")
    def new(request: Request, kind: Annotated[str, Query(max_length=40)] = "theme") -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.FUSION_LIBRARY_MANAGE, who.org_id)
        return _editor(frame, request, fusion.draft(who, kind))

    @pages.get("/libraries/{library}/edit")
    def edit(request: Request, library: str) -> HTMLResponse:
        found = fusion.library(person(request), library)
        platform.access.require(person(request), Permission.FUSION_LIBRARY_MANAGE, found.org_id)
        return _editor(frame, request, found, library=found)

    @pages.post("/libraries-edit")
    async def save(request: Request) -> Response:
        form = await request.form()
        return await run_in_threadpool(_saved, frame, platform, request, form)


def _saved(frame: Frame, platform: Platform, request: Request, form: FormData) -> Response:
    who, fusion = person(request), platform.fusion
    before = fusion.library(who, str(form.get("library"))[:40]) if form.get("library") else None
    draft = _draft(form)
    if form.get("do") == "more":
        return _editor(frame, request, draft, library=before, more=5)
    try:
        reason = str(form.get("reason") or "")[:1000]
        made = fusion.declare(who, draft, reason) if before is None else fusion.change(who, before.id, draft, reason)
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        return _editor(frame, request, draft, library=before, fault=error.text)
    words = Text("库已生效。接下来接入来源。", "The library is in force. Next, take in its sources.")
    return frame.after(request, f"/console/libraries/{made.id}", words)


def _editor(
    frame: Frame,
    request: Request,
    draft: LibraryDraft,
    *,
    library: Library | None = None,
    fault: Text | None = None,
    more: int = 0,
) -> HTMLResponse:
    blank = max(more, 0 if draft.elements else 8)
    return frame.page(
        request,
        "library_edit.html",
        draft=draft,
        library=library,
        fault=fault,
        rows=[*draft.elements, *[Element(name="")] * blank],
        ways=[(way.value, way.text) for way in Choosing],
        types=_TYPES,
        models=[("", Text("只按主键", "by the key only")), *((key, one.name) for key, one in MATCHING.items())],
    )


_TYPES = (
    ("C", Text("字符", "text")),
    ("N", Text("数值", "number")),
    ("I", Text("整数", "whole number")),
    ("D", Text("日期", "date")),
    ("T", Text("日期时间", "date and time")),
    ("L", Text("逻辑", "yes or no")),
    ("M", Text("备注", "memo")),
)


def _draft(form: FormData) -> LibraryDraft:
    """Read a library from its form; a row without a name, or one that is not ticked, is left out."""
    elements, key = [], []
    for n, name in enumerate(str(value).strip()[:100] for value in form.getlist("name")):
        if not name or f"keep{n}" not in form:
            continue
        words = {field: str(form.get(f"{field}{n}") or "")[:100] for field in ("element", "length", "check")}
        kind = str(form.get(f"type{n}") or "C")[:1]
        elements.append(Element(name=name, type=kind, choosing=_way(form.get(f"choosing{n}")), **words))
        if f"key{n}" in form:
            key.append(name)
    return LibraryDraft(
        kind=str(form.get("kind") or "theme")[:40],
        name=str(form.get("title") or "").strip()[:200],
        target=str(form.get("target") or "").strip()[:200],
        elements=tuple(elements),
        key=tuple(key),
        matching=str(form.get("matching") or "")[:40],
        certain=_share(form.get("certain"), 0.99),
        grey=_share(form.get("grey"), 0.6),
    )


def _way(value: object) -> Choosing:
    try:
        return Choosing(str(value or "source"))
    except ValueError:
        raise Invalid(
            "取值规则不对，请重新选择。", "There is no such way to choose a value.", code="bad_form"
        ) from None


def _share(value: object, default: float) -> float:
    try:
        return float(str(value or default))
    except ValueError:
        return 0.0


def _add_sources(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    fusion = platform.fusion

    @pages.get("/libraries/{library}/offer")
    def offer(request: Request, library: str, table: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        who = person(request)
        found = fusion.library(who, library)
        if not table:
            return frame.page(request, "library_offer.html", library=found, table="", tables=_own(platform, who))
        suggested = fusion.suggest(who, found.id, table)
        draft = LinkDraft(table=table, columns=suggested)
        return _mapping(frame, platform, request, found, draft)

    @pages.get("/library-sources/{library}/{link}")
    def edit(request: Request, library: str, link: str) -> HTMLResponse:
        who = person(request)
        found = fusion.library(who, library)
        link_ = next((one for one in fusion.links(who, found.id) if one.id == link), None)
        if link_ is None:
            raise NotFound("没有这个来源。", "There is no such source.", code="library_source_not_found")
        return _mapping(frame, platform, request, found, link_, link=link_.id)

    @pages.post("/libraries/{library}/offer")
    async def offered(request: Request, library: str) -> RedirectResponse:
        form = await request.form()

        def step() -> tuple[str, Text]:
            who = person(request)
            draft, reason = _link_draft(form), str(form.get("reason") or "")[:1000]
            if form.get("link"):
                made = fusion.remap(who, str(form.get("link"))[:40], draft, reason)
            else:
                made = fusion.propose(who, library, draft, reason)
            return f"/console/libraries/{quote(library)}", Text(
                f"“{made.table}”：{made.state.text.zh}。", f'"{made.table}": {made.state.text.en}.'
            )

        back = f"/console/libraries/{quote(library)}"
        return await run_in_threadpool(frame.attempt, request, back, step)

    @pages.post("/library-sources/{library}/{link}/agree")
    def agree(request: Request, library: str, link: str, seen: Seen = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = fusion.agree(person(request), link, seen=seen)
            return back, Text(
                f"“{made.table}”已接入，下次运行起入库。", f'"{made.table}" is in force from the next run on.'
            )

        back = f"/console/libraries/{quote(library)}"
        return frame.attempt(request, back, step)

    @pages.post("/library-sources/{library}/{link}/end")
    def end(
        request: Request, library: str, link: str, reason: Annotated[str, Form(max_length=1000)] = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = fusion.end(person(request), link, reason)
            return back, Text(
                f"“{made.table}”已停用，下次运行时其记录离开本库。",
                f'"{made.table}" has ended; its records leave with the next run.',
            )

        back = f"/console/libraries/{quote(library)}"
        return frame.attempt(request, back, step)


def _mapping(
    frame: Frame, platform: Platform, request: Request, library: Library, draft: LinkDraft, link: str = ""
) -> HTMLResponse:
    who = person(request)
    try:
        columns: Sequence[str] = [column.name for column in platform.tables.get(who, draft.table).columns]
    except NotFound:  # the keeper of the library may not see the table, but knows what was agreed
        columns = list(dict.fromkeys([*draft.columns.values(), *draft.key, *([draft.seen] if draft.seen else [])]))
    return frame.page(
        request, "library_offer.html", library=library, table=draft.table, draft=draft, columns=columns, link_id=link
    )


def _link_draft(form: FormData) -> LinkDraft:
    columns: Mapping[str, str] = {
        str(name)[:100]: str(column)[:200]
        for name, column in zip(form.getlist("field"), form.getlist("column"), strict=False)
        if str(column)
    }
    priority = str(form.get("priority") or "5")
    return LinkDraft(
        table=str(form.get("table") or "")[:200],
        columns=dict(columns),
        priority=int(priority) if priority.isascii() and priority.isdecimal() and len(priority) < 4 else 0,  # noqa: PLR2004
        key=tuple(str(name)[:200] for name in form.getlist("rowkey") if str(name)),
        seen=str(form.get("seen") or "")[:200],
    )


def _run(platform: Platform, who: Actor, library: str) -> Text:
    job = platform.jobs.wait(platform.fusion.run(who, library), timeout=PATIENCE)
    if not job.ended:
        return Text("正在归集，稍后刷新本页看结果。", "It is running; reload this page in a moment.")
    if job.error is not None:
        raise Invalid(str(job.error["zh"]), str(job.error["en"]), code=str(job.error["code"]))
    return Text("归集完成，库已更新。", "It has run; the library is up to date.")


def _rules(library: Library) -> Mapping[str, Text]:
    """Return why each blocking rule of a library's model looks at a pair."""
    if not library.matching:
        return {}
    return {block.name: block.why for block in MATCHING[library.matching].model().blocks}


def _may_agree(platform: Platform, who: Actor, library: Library, link: Any) -> bool:
    allows = platform.access.allows
    if link.state.value == "asked":
        return allows(who, Permission.FUSION_SOURCE_AGREE, link.org_id)
    return link.state.value == "offered" and allows(who, Permission.FUSION_LIBRARY_MANAGE, library.org_id)


def _own(platform: Platform, who: Actor) -> list[str]:
    """Return the tables that a person may offer."""
    allows = platform.access.allows
    return [one.name for one in platform.tables.list(who) if allows(who, Permission.FUSION_SOURCE_AGREE, one.org_id)]


def _org_names(platform: Platform) -> Mapping[str, str]:
    return {one.id: one.short for one in platform.access.organisations()}
