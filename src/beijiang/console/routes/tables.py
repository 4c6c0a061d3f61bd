"""Tables: columns with their grades, a governed preview, history, rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.lists import lake_table
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import names
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.protection import (
    AUDIENCE_NAMES,
    EVERYBODY,
    PARAMETERS,
    Audience,
    ColumnRole,
    MaskChoice,
    MaskFunction,
    ReleaseReport,
    Roles,
    controls,
    kinds,
)
from beijiang.tables import VALID_TO, Exit, Filter, FilterOp, moment_of

if TYPE_CHECKING:
    from beijiang.build import Platform

PREVIEW_ROWS = 20


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the lake's tables."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/tables")
    def tables(request: Request) -> Response:
        table = lake_table(platform.tables.list(person(request)), names(platform), platform.clock.now())
        return listed(frame, platform, request, "tables.html", table)

    @pages.get("/tables/{name}")
    def table(
        request: Request, name: str, after: str | None = None, now: Annotated[str, Query(max_length=4)] = ""
    ) -> HTMLResponse:
        who = person(request)
        info = platform.tables.get(who, name)
        grades, rules, preview, governed, fault = {}, None, None, None, None
        waits: frozenset[str] = frozenset()
        masks: tuple[MaskChoice, ...] = ()
        roles: Roles | None = None
        reports: tuple[ReleaseReport, ...] = ()
        try:
            grades = {grade.column: grade for grade in platform.protection.grades(who, name)}
            waits = frozenset(v.lowering.column for v in platform.protection.grading(who, name).waiting)
            masks = platform.protection.masks(who, name)
            roles, reports = platform.releases.roles(who, name), platform.releases.reports(who, name)
            rules = platform.protection.rules(who, name)  # before the gate: a rule may be why it shows nothing
            governed = platform.tables.open(who, name, "preview", Exit.PREVIEW)
            holding = [Filter(VALID_TO, FilterOp.ISNULL)] if now and info.history else []
            preview = governed.page(filters=holding, limit=PREVIEW_ROWS, after=after)
        except BeijiangError as error:
            fault = error.text
        resource = platform.catalog.resource_for_table(name)
        return frame.page(
            request,
            "table.html",
            info=info,
            grades=grades,
            rules=rules,
            waits=waits,
            masks=masks,
            roles=roles,
            reports=reports,
            controls=controls(),
            column_roles=tuple(ColumnRole),
            mask_functions=tuple(MaskFunction),
            mask_parameters={f: tuple(names) for f, names in PARAMETERS.items()},
            audiences=AUDIENCE_NAMES,
            everybody=EVERYBODY,
            operators=tuple(FilterOp),
            kind_names={kind.id: kind.name for kind in kinds().values()},
            governed=governed,
            preview=preview,
            now=bool(now),
            fault=fault,
            resource=resource,
            history=platform.tables.history(who, name, 20),
            mending=next((c for c in frame.console.mending(who) if c.table == name), None),
            may=_rights(platform, request, info.org_id),
        )

    @pages.get("/tables/{name}/as-of")
    def as_of(request: Request, name: str, at: Annotated[str, Query(max_length=40)]) -> RedirectResponse:
        """Hand the query of a moment to the query page; a moment without a zone is one of the platform's."""
        who = person(request)
        text = platform.tables.as_of(who, name, moment_of(at, ZoneInfo(platform.settings.time_zone)))
        return RedirectResponse(f"/console/sql?{urlencode({'text': text})}", 303)

    @pages.post("/tables/{name}/grade")
    def correct(
        request: Request,
        name: str,
        column: Annotated[str, Form(max_length=400)],
        level: Annotated[str, Form(max_length=4)],
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}"

        def step() -> tuple[str, Text]:
            done = platform.protection.correct(person(request), name, column, level=level, reason=reason)
            if done.lowering is None:
                return back, Text(f"“{column}”现为 {done.grade.level}。", f"{column} is {done.grade.level} now.")
            return back, Text(
                f"已提交“{column}”的降级（{done.lowering.words}），须由另一名审核人员同意；此前仍为 {done.grade.level}。",
                f"Proposed to lower {column} ({done.lowering.words}); another person has to agree, and it stays {done.grade.level} until then.",
            )

        return frame.attempt(request, back, step)

    @pages.get("/tables/{name}/rollback")
    def ask_rollback(request: Request, name: str, version: Annotated[int, Query(ge=1)]) -> HTMLResponse:
        who = person(request)
        info = platform.tables.get(who, name)
        target = next((v for v in platform.tables.history(who, name) if v.version == version), None)
        return frame.page(request, "rollback.html", info=info, target=target, version=version)

    @pages.post("/tables/{name}/rollback")
    def rollback(
        request: Request, name: str, version: Annotated[int, Form(ge=1)], reason: Annotated[str, Form(max_length=1000)]
    ) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}"

        def step() -> tuple[str, Text]:
            made = platform.tables.rollback(person(request), name, version, reason)
            words = (
                f"版本 {made.version} 与版本 {version} 内容相同。",
                f"Version {made.version} equals version {version}.",
            )
            return back, Text(*words)

        return frame.attempt(request, back, step)

    @pages.post("/tables/{name}/compact")
    def compact(request: Request, name: str) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}"

        def step() -> tuple[str, Text]:
            platform.tables.compact(person(request), name)
            return back, Text("已压实。", "Compacted.")

        return frame.attempt(request, back, step)

    _add_rules(pages, frame, platform)
    _add_masks(pages, frame, platform)
    return pages


def _add_rules(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/tables/{name}/row-rules")
    def restrict(
        request: Request,
        name: str,
        column: Annotated[str, Form(max_length=400)],
        op: Annotated[FilterOp, Form()],
        value: Annotated[str, Form(max_length=2000)] = "",
        audience: Annotated[str, Form(max_length=20)] = "",
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}#row-rules"

        def step() -> tuple[str, Text]:
            who = person(request)
            only = Filter(column, op, None if op in {FilterOp.ISNULL, FilterOp.NOTNULL} else value)
            made = platform.protection.restrict(who, name, [only], audience=_audience(audience), reason=reason)
            hides = platform.protection.rules(who, name).hidden.get(made.id)
            return back, Text(f"行规则已生效，隐去 {hides} 行。", f"The row rule holds now; it hides {hides} rows.")

        return frame.attempt(request, back, step)

    @pages.post("/tables/{name}/row-rules/{rule}/lift")
    def lift(
        request: Request, name: str, rule: str, reason: Annotated[str, Form(max_length=1000)] = ""
    ) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}#row-rules"

        def step() -> tuple[str, Text]:
            platform.protection.lift(person(request), rule, reason, table=name)
            return back, Text("行规则已解除。", "The row rule is lifted.")

        return frame.attempt(request, back, step)


def _add_masks(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/tables/{name}/masks")
    def choose(
        request: Request,
        name: str,
        column: Annotated[str, Form(max_length=400)],
        function: Annotated[str, Form(max_length=40)],
        parameters: Annotated[str, Form(max_length=2000)] = "",
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}#masks"

        def step() -> tuple[str, Text]:
            given = dict(
                one.strip().partition("=")[::2] for one in parameters.replace("，", ",").split(",") if one.strip()
            )
            made = platform.protection.choose_mask(person(request), name, column, function, given, reason=reason)
            later = Text(
                "比默认显示得多，对外须待下次发布后生效。",
                "It may show more than the default, so outsiders get it with the next publication.",
            )
            said = Text(f"“{column}”现按 {made.words} 脱敏。", f"{column} is masked by {made.words} now.")
            return back, Text(said.zh + later.zh, f"{said.en} {later.en}") if made.weaker else said

        return frame.attempt(request, back, step)

    @pages.post("/tables/{name}/masks/drop")
    def drop(
        request: Request,
        name: str,
        column: Annotated[str, Form(max_length=400)],
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}#masks"

        def step() -> tuple[str, Text]:
            platform.protection.drop_mask(person(request), name, column, reason)
            return back, Text(f"“{column}”恢复默认脱敏。", f"{column} has its default mask again.")

        return frame.attempt(request, back, step)


def _audience(word: str) -> Audience | None:
    try:
        return Audience(word) if word else None
    except ValueError:
        raise Invalid("没有这种读者。", "There is no such audience.", code="unknown_audience") from None


def _rights(platform: Platform, request: Request, org_id: str) -> dict[str, bool]:
    allows = platform.access.allows
    who = person(request)
    return {
        "correct": allows(who, Permission.PROTECTION_GRADE_CORRECT, org_id),
        "rollback": allows(who, Permission.TABLES_TABLE_ROLLBACK, org_id),
        "private": allows(who, Permission.PROTECTION_PRIVATE_OFFER, org_id),
        "sql": allows(who, Permission.PROTECTION_SQL_RUN, who.org_id),
        "compact": allows(who, Permission.TABLES_TABLE_COMPACT, org_id),
        "recipes": allows(who, Permission.RECIPES_RECIPE_MANAGE, org_id),
    }
