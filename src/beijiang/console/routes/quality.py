"""Quality: the board, a table's rules and results, suggestions, failing rows, the scorecard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, Seen, language, person
from beijiang.console.routes.quality_suggested import add_suggestions
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.quality import (
    KINDS,
    Kind,
    Origin,
    RuleDraft,
    Severity,
    TicketQuery,
    TicketState,
    by_organisation,
    points,
)

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.kit import Actor
    from beijiang.quality import Ticket

PATIENCE = 3.0
"""Seconds that a page waits for a check that was asked for."""
_ALGORITHMS = {
    "citizen_id": Text("公民身份号码 GB 11643", "citizen number, GB 11643"),
    "uscc": Text("统一社会信用代码 GB 32100", "credit code, GB 32100"),
    "org_code": Text("组织机构代码 GB 11714", "organisation code, GB 11714"),
    "luhn": Text("Luhn（ISO/IEC 7812）", "Luhn (ISO/IEC 7812)"),
    "bank_card": Text("银行卡号", "bank card"),
}
_UNITS = {"day": Text("日", "day"), "month": Text("月", "month"), "year": Text("年", "year")}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of quality."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/quality")
    def board(request: Request) -> HTMLResponse:
        who = person(request)
        found = platform.quality.board(who)
        departments = sorted(by_organisation(found).items(), key=lambda one: one[1][1] or 0)
        return frame.page(
            request,
            "quality.html",
            board=found,
            points=points,
            departments=departments,
            failing=sum(1 for s in found if s.run is not None and any(f.rule_id for f in s.run.failed)),
            names=_names(platform),
            may=_rights(platform, who, None),
        )

    @pages.get("/quality/{name}")
    def table(request: Request, name: str) -> HTMLResponse:
        who = person(request)
        report = platform.quality.report(who, name)
        facts = {} if report.run is None else {f.rule_id: f for f in report.run.facts if f.rule_id}
        return frame.page(
            request,
            "quality_table.html",
            report=report,
            points=points,
            rules=platform.quality.rules(who, name),
            facts=facts,
            trend=[(f"v{version}", total) for _, version, total in report.trend if total is not None],
            dimension_names=_dimensions(platform),
            indicator_names={i.code: i.name for i in platform.standards.quality_indicators()},
            kinds=KINDS,
            unusual=platform.monitors.standing(who, name),
            tickets=_open_tickets(platform, who, report.table),
            may=_rights(platform, who, report.org_id),
        )

    @pages.get("/quality/{name}/profile")
    def profile(request: Request, name: str, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> HTMLResponse:
        found = platform.profiles.profile(person(request), name, page)
        return frame.page(request, "quality_profile.html", found=found)

    @pages.post("/quality/{name}/check")
    def check(request: Request, name: str) -> RedirectResponse:
        back = f"/console/quality/{quote(name)}"

        def step() -> tuple[str, Text]:
            job = platform.jobs.wait(platform.quality.check(person(request), name), timeout=PATIENCE)
            if not job.ended:
                return back, Text("检查还在进行，稍后刷新本页。", "The check goes on; reload this page in a moment.")
            if job.error is not None:
                raise Invalid(str(job.error["zh"]), str(job.error["en"]), code=str(job.error["code"]))
            return back, Text("检查完成。", "Checked.")

        return frame.attempt(request, back, step)

    @pages.post("/quality/{name}/release")
    def release(
        request: Request,
        name: str,
        version: Annotated[int, Form(ge=1)],
        reason: Annotated[str, Form(max_length=1000)] = "",
        seen: Seen = "",
    ) -> RedirectResponse:
        back = f"/console/quality/{quote(name)}"

        def step() -> tuple[str, Text]:
            platform.quality.release(person(request), name, version, reason, seen=seen)
            return back, Text(f"第 {version} 版已放行。", f"Version {version} is released.")

        return frame.attempt(request, back, step)

    @pages.get("/quality-runs/{run}/rules/{rule}")
    def rows(request: Request, run: str, rule: str) -> HTMLResponse:
        who = person(request)
        found = platform.quality.failing(who, run, rule)
        first = [c for c in found.governed.columns if c.name in found.columns]
        others = [c for c in found.governed.columns if c.name not in found.columns]
        table, info = found.rule.table, platform.tables.get(who, found.rule.table)
        rights = _rights(platform, who, info.org_id)
        return frame.page(
            request,
            "quality_rows.html",
            found=found,
            columns=[*first, *others],
            here=f"/console/quality-runs/{quote(run)}/rules/{quote(rule)}",
            ticket=_open_tickets(platform, who, table).get(rule),
            may_send=rights["manage"] or rights["supervise"],
        )

    _add_rules(pages, frame, platform)
    add_suggestions(pages, frame, platform)
    _add_scorecards(pages, frame, platform)
    return pages


def _add_rules(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/quality/{name}/add")
    def ask(
        request: Request, name: str, kind: Kind = Kind.NOT_NULL, like: Annotated[str, Query(max_length=16)] = ""
    ) -> HTMLResponse:
        given = platform.quality.suggestion(person(request), name, like).draft if like else RuleDraft(kind=kind)
        return _form(frame, platform, request, name, given)

    @pages.post("/quality/{name}/add")
    async def add(request: Request, name: str) -> Response:
        form = await request.form()
        save = form.get("step") == "save"
        return await run_in_threadpool(_tried_or_saved, frame, platform, request, name, _draft(form), save=save)

    @pages.post("/quality/{name}/rules/{rule}/retire")
    def retire(
        request: Request, name: str, rule: str, reason: Annotated[str, Form(max_length=1000)] = ""
    ) -> RedirectResponse:
        back = f"/console/quality/{quote(name)}"

        def step() -> tuple[str, Text]:
            ended = platform.quality.retire(person(request), rule, reason)
            return back, Text(f"规则“{ended.name}”已停用。", f'Rule "{ended.name}" is retired.')

        return frame.attempt(request, back, step)


def _tried_or_saved(
    frame: Frame, platform: Platform, request: Request, name: str, given: RuleDraft, *, save: bool
) -> Response:
    """Count by a rule, or put it in force; what is wrong with it is said above the form as it was filled in."""
    who, back = person(request), f"/console/quality/{quote(name)}"
    try:
        if not save:
            return _form(frame, platform, request, name, given, tried=platform.quality.try_out(who, name, given))
        made = platform.quality.add(who, name, given)
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        return _form(frame, platform, request, name, given, fault=error.text)
    words = Text(
        f"规则“{made.name}”已保存，下次检查起生效。", f'Rule "{made.name}" is saved; it counts from the next check on.'
    )
    return frame.after(request, back, words)


def _add_scorecards(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/quality-scorecards")
    def scorecards(request: Request, preset: Annotated[str, Query(max_length=10)] = "") -> HTMLResponse:
        who = person(request)
        cards = platform.quality.scorecards(who)
        return frame.page(
            request,
            "quality_scorecards.html",
            cards=cards,
            presets=platform.quality.presets(),
            preset=preset,
            base=platform.quality.preset(preset) if preset else cards[0],
            dimension_names=_dimensions(platform),
            may=_rights(platform, who, None),
        )

    @pages.post("/quality-scorecards")
    async def set_scorecard(request: Request) -> RedirectResponse:
        form, back = await request.form(), "/console/quality-scorecards"

        def step() -> tuple[str, Text]:
            who, base = person(request), str(form.get("base") or "")[:10]
            begun = platform.quality.preset(base) if base else platform.quality.scorecards(who)[0]
            name, cap = str(form.get("name") or "")[:100], str(form.get("cap") or "").strip()
            card = replace(
                begun,  # weights of single indicators have no field here and stay
                name=Text(name, name),
                dimensions={code: _weight(form.get(f"d{code}")) for code in _dimensions(platform)},
                critical_cap=_weight(cap) if cap else None,
            )
            made = platform.quality.set_scorecard(who, card, str(form.get("reason") or "")[:1000])
            return back, Text(f"评分卡第 {made.version} 版已生效。", f"Scorecard version {made.version} is in force.")

        return await run_in_threadpool(frame.attempt, request, back, step)


def _form(
    frame: Frame,
    platform: Platform,
    request: Request,
    name: str,
    given: RuleDraft,
    *,
    tried: Any = None,
    fault: Text | None = None,
) -> HTMLResponse:
    who = person(request)
    info = platform.tables.get(who, name)
    platform.access.require(who, Permission.QUALITY_RULE_MANAGE, info.org_id)
    tongue, here = language(request), f"/console/quality/{quote(name)}/add"
    indicators = {i.code: f"{i.code} {i.name.in_language(tongue)}" for i in platform.standards.quality_indicators()}
    elements = platform.standards.data_elements()
    return frame.page(
        request,
        "quality_add.html",
        info=info,
        kind=given.kind,
        kinds=[(k.value, f"{here}?kind={k.value}", k.text.in_language(tongue)) for k in Kind],
        spec=KINDS[given.kind],
        given=given,
        tried=tried,
        fault=fault,
        algorithms=[(key, text.in_language(tongue)) for key, text in _ALGORITHMS.items()],
        code_sets=[(s.id, f"{s.name.in_language(tongue)} · {s.standard}") for s in platform.standards.code_sets()],
        elements=[(f"{e.library}.{e.field}", f"{e.name.in_language(tongue)} · {e.library}") for e in elements],
        tables=[(t.name, t.name) for t in platform.tables.list(who) if t.name != info.name],
        units=[(key, text.in_language(tongue)) for key, text in _UNITS.items()],
        severities=[(s.value, s.text.in_language(tongue)) for s in Severity],
        indicators=[(code, indicators[code]) for code in KINDS[given.kind].indicators],
    )


def _draft(form: FormData) -> RuleDraft:
    def words(name: str, most: int = 2000) -> str:
        return str(form.get(name) or "").strip()[:most]

    try:
        kind, severity = Kind(words("kind")), Severity(words("severity"))
        threshold = float(words("threshold") or "100") / 100
    except ValueError:
        raise Invalid(
            "表单不完整，请重新填写。", "The form is not complete; fill it in again.", code="bad_form"
        ) from None
    params: Mapping[str, Any] = {p.name: words(f"p_{p.name}") for p in KINDS[kind].params if words(f"p_{p.name}")}
    return RuleDraft(
        kind=kind,
        columns=tuple(str(value)[:400] for value in form.getlist("column")),
        params=params,
        name=words("name", 200),
        severity=severity,
        threshold=threshold,
        indicator=words("indicator", 4),
        where=words("where"),
    )


def _weight(words: object) -> float:
    try:
        return float(str(words or "1"))
    except ValueError:
        raise Invalid("权重应为数字。", "A weight is a number.", code="bad_weight") from None


def _dimensions(platform: Platform) -> dict[str, Text]:
    return {i.code[:2]: i.dimension for i in platform.standards.quality_indicators()}


def _names(platform: Platform) -> dict[str, str]:
    return {o.id: o.short for o in platform.access.organisations()}


def _open_tickets(platform: Platform, who: Actor, table: str) -> dict[str, Ticket]:
    """Return the open tickets of a table's rules, by the rule."""
    states = frozenset(state for state in TicketState if not state.is_over)
    found, _ = platform.tickets.tickets(who, TicketQuery(table=table, states=states, origin=Origin.RUN))
    return {t.rule_id: t for t in found if t.rule_id is not None}


def _rights(platform: Platform, who: Actor, org_id: str | None) -> dict[str, bool]:
    allows = platform.access.allows
    return {
        "manage": allows(who, Permission.QUALITY_RULE_MANAGE, org_id),
        "rows": allows(who, Permission.QUALITY_ROWS_READ, org_id),
        "release": allows(who, Permission.QUALITY_VERSION_RELEASE, org_id),
        "supervise": allows(who, Permission.QUALITY_TICKET_SUPERVISE, org_id),
        "scorecard": allows(who, Permission.QUALITY_SCORECARD_MANAGE),
    }
