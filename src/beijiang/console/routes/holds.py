"""Legal holds: what is kept for a proceeding, for the administrators of security and audit, two of them for every step."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, Seen, language, person
from beijiang.console.routes.sharing import Said, Short
from beijiang.evidence import HoldDraft, HoldKind, HoldState
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.evidence import Hold

HERE = "/console/holds"


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, holds = APIRouter(prefix="/console", include_in_schema=False), platform.holds

    @pages.get("/holds")
    def all_(request: Request, kind: str = "", name: str = "", basis: str = "") -> HTMLResponse:
        who = person(request)
        found = holds.all(who)
        people = {one.id: one.name for one in platform.access.people(who)}
        return frame.page(
            request,
            "holds.html",
            waiting=[one for one in found if one.state in {HoldState.ASKED, HoldState.LIFTING}],
            keeping=[one for one in found if one.state is HoldState.HOLDS],
            over=[one for one in found if one.state in {HoldState.LIFTED, HoldState.DECLINED}],
            mine=len(holds.to_decide(who)),
            me=who.id,
            called=lambda one: people.get(one, one),
            kinds=[(one.value, one.text.in_language(language(request))) for one in HoldKind],
            typed={"kind": kind, "name": name, "basis": basis},
            may_read=platform.access.allows(who, Permission.EVIDENCE_LOG_READ),
            records=_records,
        )

    @pages.post("/holds")
    def ask(
        request: Request, kind: Short = "", name: Short = "", basis: Said = "", to_come: Short = ""
    ) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            wanted = HoldKind(kind) if kind in {*HoldKind} else HoldKind.TARGET
            made = holds.ask(person(request), HoldDraft(wanted, name, basis, bool(to_come)))
            return HERE, Text(
                f"“{made.name}”即刻起保全，请另一位管理员确认。",
                f"“{made.name}” is kept from now on; another administrator confirms.",
            )

        typed = urlencode({"kind": kind, "name": name[:200], "basis": basis[:300]})
        return frame.attempt(request, f"{HERE}?{typed}", take)

    @pages.post("/holds/{hold_id}/confirm")
    def confirm(request: Request, hold_id: str, agree: Short = "") -> RedirectResponse:
        return frame.attempt(
            request, HERE, lambda: _said(holds.confirm(person(request), hold_id, agree=agree == "yes"))
        )

    @pages.post("/holds/{hold_id}/lift")
    def lift(request: Request, hold_id: str, basis: Said = "") -> RedirectResponse:
        return frame.attempt(request, HERE, lambda: _said(holds.ask_lift(person(request), hold_id, basis)))

    @pages.post("/holds/{hold_id}/confirm-lift")
    def confirm_lift(request: Request, hold_id: str, agree: Short = "", seen: Seen = "") -> RedirectResponse:
        return frame.attempt(
            request, HERE, lambda: _said(holds.confirm_lift(person(request), hold_id, agree=agree == "yes", seen=seen))
        )

    return pages


def _said(one: Hold) -> tuple[str, Text]:
    return HERE, Text(f"“{one.name}”：{one.state.text.zh}。", f"“{one.name}”: {one.state.text.en}.")


def _records(one: Hold) -> str:
    """Return the page of the log that lists what a hold keeps."""
    return f"/console/evidence?{urlencode({'actor_id' if one.kind is HoldKind.PERSON else 'target': one.name})}"
