"""数据标准: elements, code sets, what became of codes, proposals and decisions, import; and the mapping of a table."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import proposal_table
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.kit import BeijiangError, Invalid, NotFound, Text
from beijiang.standards import (
    ELEMENT_FIELDS,
    LEVELS,
    Action,
    ElementQuery,
    EntryKind,
    Planned,
    ProposalState,
    SheetFormat,
    Status,
    flat_element,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beijiang.build import Platform
    from beijiang.kit import Actor

HERE = "/console/standards"
CARRIED_MOST = 700_000
"""Characters of a packed file that a page carries from its preview to its proposal."""
UNPACKED_MOST = 8 << 20
_PAGE = 100
_PLACES = {
    EntryKind.ELEMENT: "elements",
    EntryKind.CODE_SET: "code-sets",
    EntryKind.RULE: "rules",
    EntryKind.CALENDAR: "calendar",
}
_PERSONAL = (
    ("N", Text("否", "none")),
    ("P", Text("个人信息", "personal information")),
    ("S", Text("敏感个人信息", "sensitive personal information")),
)


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the registry."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_elements(pages, frame, platform)
    _add_code_sets(pages, frame, platform)
    _add_regions(pages, frame, platform)
    _add_proposals(pages, frame, platform)
    _add_import(pages, frame, platform)
    return pages


def _add_elements(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    registry = platform.registry

    @pages.get("/standards")
    def elements(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        library: Annotated[str, Query(max_length=60)] = "",
        level: Annotated[str, Query(max_length=2)] = "",
        status: Annotated[str, Query(max_length=10)] = "",
        page: Annotated[int, Query(ge=1, le=1000)] = 1,
    ) -> HTMLResponse:
        who = person(request)
        standing = Status(status) if status in set(Status) else None
        found = registry.elements(who, ElementQuery(q=q, library=library, level=level, status=standing))
        return frame.page(
            request,
            "standards.html",
            found=found[(page - 1) * _PAGE : page * _PAGE],
            total=len(found),
            page=page,
            pages=-(-len(found) // _PAGE),
            q=q,
            library=library,
            level=level,
            status=status,
            libraries=registry.libraries(who),
            levels=LEVELS,
            statuses=Status,
            waiting=_waiting(platform, who),
            may=_rights(platform, who),
        )

    @pages.get("/standards/elements/{element}")
    def element(request: Request, element: str) -> HTMLResponse:
        who = person(request)
        status, versions = registry.element(who, element)
        allows = platform.access.allows(who, Permission.QUALITY_RESULT_READ)
        return frame.page(
            request,
            "standard_element.html",
            versions=versions,
            status=status,
            fields=ELEMENT_FIELDS,
            flat=flat_element,
            used=platform.mappings.used(who, element) if allows else (),
            may=_rights(platform, who),
        )

    @pages.get("/standards/export/{kind}.{form}")
    def export(request: Request, kind: EntryKind, form: SheetFormat, entry: str = "") -> Response:
        chosen = (entry,) if entry else ()
        content = registry.export(person(request), kind, form, language(request), chosen)
        named = {"Content-Disposition": f'attachment; filename="{kind.value}.{form.value}"'}
        return Response(content, media_type=form.media_type, headers=named)


def _add_code_sets(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    registry = platform.registry

    @pages.get("/standards/code-sets")
    def code_sets(request: Request) -> HTMLResponse:
        who = person(request)
        return frame.page(
            request,
            "standard_sets.html",
            found=registry.code_sets(who),
            users=Counter(e.code_set for e in platform.standards.data_elements()),
            waiting=_waiting(platform, who),
            may=_rights(platform, who),
        )

    @pages.get("/standards/code-sets/{code_set}")
    def code_set(
        request: Request,
        code_set: str,
        on: Annotated[str, Query(max_length=10)] = "",
        code: Annotated[str, Query(max_length=60)] = "",
    ) -> HTMLResponse:
        who = person(request)
        day, fault = _day(on)
        status, found = registry.code_set(who, code_set, day)
        became = None
        if code.strip():
            try:
                became = registry.became(who, code_set, code.strip(), day)
            except NotFound as error:
                fault = error.text
        return frame.page(
            request,
            "standard_set.html",
            found=found,
            status=status,
            versions=registry.code_set_versions(who, code_set),
            on=day or registry.books.today(),
            code=code,
            became=became,
            fault=fault,
            users=registry.elements(who, ElementQuery(code_set=code_set)),
            may=_rights(platform, who),
        )


def _add_regions(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/standards/regions")
    def regions(request: Request, on: Annotated[str, Query(max_length=10)] = "") -> HTMLResponse:
        day, fault = _day(on)
        today = platform.registry.books.today()
        return frame.page(
            request,
            "standard_regions.html",
            tree=platform.standards.region_tree(day or today),
            today=today,
            fault=fault,
            waiting=_waiting(platform, person(request)),
        )


def _add_proposals(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    registry = platform.registry

    @pages.get("/standards/proposals")
    def proposals(request: Request, state: Annotated[str, Query(max_length=10)] = "open") -> Response:
        who = person(request)
        wanted = ProposalState(state) if state in set(ProposalState) else None
        table = proposal_table(platform, who, wanted, {o.id: o.short for o in platform.access.organisations()})
        may = _rights(platform, who)
        return listed(
            frame, platform, request, "standard_proposals.html", table, state=state, states=ProposalState, may=may
        )

    @pages.get("/standards/proposals/{proposal}")
    def proposal(request: Request, proposal: str) -> HTMLResponse:
        who = person(request)
        found = registry.proposal(who, proposal)
        return frame.page(
            request,
            "standard_proposal.html",
            found=found,
            changes=registry.differences(who, found),
            own=found.by == who.id,
            may=_rights(platform, who),
        )

    @pages.post("/standards/proposals/{proposal}/{step}")
    def decide(
        request: Request, proposal: str, step: str, reason: Annotated[str, Form(max_length=1000)] = ""
    ) -> RedirectResponse:
        back = f"{HERE}/proposals/{quote(proposal)}"
        steps: dict[str, tuple[Callable[[Actor, str, str], object], Text]] = {
            "approve": (registry.approve, Text("已批准，自生效日期起执行。", "Approved; it counts from its day on.")),
            "return": (registry.send_back, Text("已退回提案人。", "Sent back to its author.")),
            "withdraw": (registry.withdraw, Text("提案已撤回。", "The proposal is withdrawn.")),
        }
        if step not in steps:
            raise NotFound("没有这一步。", "There is no such step.")

        def do() -> tuple[str, Text]:
            verb, words = steps[step]
            verb(person(request), proposal, reason)
            return back, words

        return frame.attempt(request, back, do)

    @pages.get("/standards/propose")
    def ask(request: Request, element: Annotated[str, Query(max_length=130)] = "") -> HTMLResponse:
        who = person(request)
        form: Mapping[str, str] = {}
        base = 0
        if element:
            newest = registry.element(who, element)[1][0]
            form, base = flat_element(newest), newest.edition.version
        return _form(frame, platform, request, form, base)

    @pages.post("/standards/propose")
    async def propose(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        return await run_in_threadpool(_proposed, frame, platform, request, form)

    @pages.post("/standards/retire")
    def retire(
        request: Request,
        kind: Annotated[EntryKind, Form()],
        entry: Annotated[str, Form(max_length=130)],
        reason: Annotated[str, Form(max_length=1000)] = "",
        valid_from: Annotated[str, Form(max_length=10)] = "",
    ) -> RedirectResponse:
        back = f"{HERE}/{_PLACES[kind]}/{quote(entry)}"

        def do() -> tuple[str, Text]:
            who = person(request)
            change = registry.change_of(who, Action.RETIRE, kind, {"id": entry, "code_set": entry})
            made = registry.propose(who, [change], reason, _needed_day(valid_from))
            return f"{HERE}/proposals/{made.id}", _SENT

        return frame.attempt(request, back, do)


def _add_import(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    registry = platform.registry

    @pages.get("/standards/import")
    def ask(request: Request) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.STANDARDS_ENTRY_PROPOSE, who.org_id)
        return frame.page(request, "standard_import.html", planned=None)

    @pages.post("/standards/import")
    def preview(request: Request, file: UploadFile) -> Response:
        who, content = person(request), file.file.read()
        try:
            planned = registry.plan(who, file.filename or "", content)
        except BeijiangError as error:
            if error.status in {401, 403}:
                raise
            return frame.after(request, f"{HERE}/import", error.text, "bad")
        carried = base64.b64encode(zlib.compress(content, 9)).decode()
        return frame.page(
            request,
            "standard_import.html",
            planned=_first_things_first(planned)[:500],
            counts=Counter(one.outcome for one in planned),
            name=(file.filename or "")[:200],
            carried=carried if len(carried) <= CARRIED_MOST else "",
        )

    @pages.post("/standards/import/propose")
    async def propose(request: Request) -> RedirectResponse:
        form = {name: str(value) for name, value in (await request.form()).items()}

        def do() -> tuple[str, Text]:
            made = registry.propose_import(
                person(request),
                form.get("name", "")[:200],
                _unpacked(form.get("carried", "")),
                form.get("reason", "")[:1000],
                _needed_day(form.get("valid_from", "")),
            )
            return f"{HERE}/proposals/{made.id}", _SENT

        return await run_in_threadpool(frame.attempt, request, f"{HERE}/import", do)


_SENT = Text("提案已提交，等待数据局审批。", "The proposal is handed in and waits for the data authority.")


def _proposed(frame: Frame, platform: Platform, request: Request, form: Mapping[str, str]) -> Response:
    """Hand in one element; what is wrong with it is said above the form as it was filled in."""
    who, registry = person(request), platform.registry
    base = int(form["base"]) if form.get("base", "").isdecimal() and len(form["base"]) < 10 else 0  # noqa: PLR2004 - no version has ten digits
    action = Action.CHANGE if base else Action.ADD
    try:
        change = registry.change_of(who, action, EntryKind.ELEMENT, form, base=base)
        day = _needed_day(form.get("valid_from", ""))
        made = registry.propose(who, [change], form.get("reason", ""), day)
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        return _form(frame, platform, request, form, base, error.text)
    return frame.after(request, f"{HERE}/proposals/{made.id}", _SENT)


def _form(
    frame: Frame,
    platform: Platform,
    request: Request,
    form: Mapping[str, str],
    base: int,
    fault: Text | None = None,
) -> HTMLResponse:
    who, tongue = person(request), language(request)
    platform.access.require(who, Permission.STANDARDS_ENTRY_PROPOSE, who.org_id)
    none = ("", "—")
    checks = ("citizen_id", "uscc", "org_code", "luhn", "bank_card")
    sets = [(s.id, f"{s.name.in_language(tongue)} · {s.standard}") for s in platform.standards.code_sets()]
    return frame.page(
        request,
        "standard_propose.html",
        form={name: form.get(name, "") for name in (*ELEMENT_FIELDS, "valid_from", "reason")},
        base=base,
        fault=fault,
        fields=ELEMENT_FIELDS,
        types=[(kind.code, f"{kind.code} {kind.name.in_language(tongue)}") for kind in platform.standards.item_types()],
        sets=[none, *sets],
        checks=[none, *((name, name) for name in checks)],
        levels=[none, *((level, level) for level in LEVELS)],
        personal=[(key, words.in_language(tongue)) for key, words in _PERSONAL],
        today=platform.registry.books.today().isoformat(),
    )


def _first_things_first(planned: Sequence[Planned]) -> list[Planned]:
    order = {"refused": 0, "changed": 1, "added": 2, "unchanged": 3}
    return sorted(planned, key=lambda one: (order[one.outcome], one.row))


def _unpacked(carried: str) -> bytes:
    try:
        packed = base64.b64decode(carried[:CARRIED_MOST], validate=True)
        return zlib.decompressobj().decompress(packed, UNPACKED_MOST)
    except (ValueError, zlib.error):
        raise Invalid(
            "预览已失效，请重新选择文件。", "The preview is broken; choose the file again.", code="bad_form"
        ) from None


def _day(words: str) -> tuple[date | None, Text | None]:
    try:
        return (date.fromisoformat(words) if words else None), None
    except ValueError:
        return None, Text("日期写成 2026-01-31。", "Write days as 2026-01-31.")


def _needed_day(words: str) -> date | None:
    day, fault = _day(words)
    if fault is not None:
        raise Invalid(fault.zh, fault.en, code="registry_field")
    return day


def _waiting(platform: Platform, who: Actor) -> int | None:
    """Count the proposals that wait; None for those who may not see them."""
    if not platform.access.allows(who, Permission.STANDARDS_PROPOSAL_READ):
        return None
    return len(platform.registry.proposals(who, ProposalState.OPEN))


def _rights(platform: Platform, who: Actor) -> dict[str, bool]:
    allows = platform.access.allows
    return {
        "propose": allows(who, Permission.STANDARDS_ENTRY_PROPOSE, who.org_id),
        "approve": allows(who, Permission.STANDARDS_ENTRY_APPROVE),
        "proposals": allows(who, Permission.STANDARDS_PROPOSAL_READ),
    }
