"""What the law asks: rules with their versions and proposals, and which profile of law counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, number, person
from beijiang.kit import Text
from beijiang.standards import (
    INSTALLATION,
    RULE_FIELDS,
    Action,
    EntryKind,
    ProposalState,
    RuleKind,
    RuleQuery,
    day_of,
    flat_rule,
)

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

HERE = "/console/standards"
_UNITS = {
    "working_day": Text("个工作日", "working days"),
    "day": Text("日", "days"),
    "hour": Text("小时", "hours"),
    "month": Text("个月", "months"),
    "year": Text("年", "years"),
    "percent": Text("%", "%"),
    "person": Text("人", "persons"),
}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of rules and profiles."""
    pages, laws = APIRouter(prefix="/console", include_in_schema=False), platform.registry

    @pages.get("/standards/rules")
    def rules(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        profile: Annotated[str, Query(max_length=40)] = "",
        kind: Annotated[str, Query(max_length=40)] = "",
        unverified: bool = False,
    ) -> HTMLResponse:
        who, tongue = person(request), language(request)
        query = RuleQuery(q=q, profile=profile, kind=kind, unverified=unverified)
        found = laws.rules(who, query)
        return frame.page(
            request,
            "standard_rules.html",
            found=found,
            open=sum(not one.rule.verified for one in found),
            query=query,
            profiles=[(one.profile.id, one.profile.name.in_language(tongue)) for one in laws.profiles(who)],
            kinds=tuple(RuleKind),
            kind_words={one.value: one.text for one in RuleKind},
            units=_UNITS,
            waiting=_waiting(platform, who),
        )

    @pages.get("/standards/rules/{rule}")
    def rule(request: Request, rule: str) -> HTMLResponse:
        who = person(request)
        status, versions = laws.rule(who, rule)
        return frame.page(
            request,
            "standard_rule.html",
            status=status,
            versions=versions,
            fields=RULE_FIELDS,
            flat=flat_rule(versions[0]),
            may={"propose": platform.access.allows(who, Permission.STANDARDS_ENTRY_PROPOSE, who.org_id)},
        )

    @pages.post("/standards/rules/{rule}")
    async def propose(request: Request, rule: str) -> RedirectResponse:
        given, back = await request.form(), f"{HERE}/rules/{quote(rule)}"

        def step() -> tuple[str, Text]:
            who = person(request)
            now = flat_rule(laws.rule(who, rule)[1][0])
            form = {name: str(given.get(name, now[name])) for name in RULE_FIELDS} | {"id": rule, "kind": now["kind"]}
            change = laws.change_of(who, Action.CHANGE, EntryKind.RULE, form, base=number(given.get("base")))
            day = day_of(str(given.get("valid_from") or ""), "valid_from")
            made = laws.propose(who, [change], str(given.get("reason") or ""), day)
            return f"{HERE}/proposals/{made.id}", Text(
                "提案已提交，等待另一人审批。", "Proposed; somebody else decides."
            )

        return await run_in_threadpool(frame.attempt, request, back, step)

    @pages.get("/standards/profiles")
    def profiles(request: Request) -> HTMLResponse:
        who, tongue = person(request), language(request)
        found = laws.profiles(who)
        names = {o.id: o.short for o in platform.access.organisations()}
        return frame.page(
            request,
            "standard_profiles.html",
            found=found,
            choices=laws.choices(who),
            names=names,
            options=[(one.profile.id, one.profile.name.in_language(tongue)) for one in found],
            orgs=[(INSTALLATION, Text("全平台", "everybody").in_language(tongue)), *names.items()],
            waiting=_waiting(platform, who),
            may={"choose": platform.access.allows(who, Permission.STANDARDS_PROFILE_CHOOSE)},
        )

    @pages.post("/standards/profiles")
    def choose(
        request: Request,
        profile: Annotated[str, Form(max_length=40)],
        since: Annotated[str, Form(max_length=10)],
        org: Annotated[str, Form(max_length=60)] = INSTALLATION,
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"{HERE}/profiles"

        def step() -> tuple[str, Text]:
            day = day_of(since, "valid_from") or platform.clock.now().date()
            made = laws.choose(person(request), profile, day, reason, org)
            return back, Text(f"自 {made.since} 起适用。", f"It counts from {made.since} on.")

        return frame.attempt(request, back, step)

    return pages


def _waiting(platform: Platform, who: Actor) -> int | None:
    """Return how many proposals wait, None for who may not see them."""
    if not platform.access.allows(who, Permission.STANDARDS_PROPOSAL_READ):
        return None
    return len(platform.registry.proposals(who, ProposalState.OPEN))
