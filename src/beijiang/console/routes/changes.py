"""Plans of decisions on pages: what approving a request, or changing a grant, would do, before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.sharing import HERE, Lessened, Said, Short, names
from beijiang.exchange import Move
from beijiang.kit import BeijiangError, Text
from beijiang.opendata import told

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["router"]

_MOVES: Mapping[str, Move] = {
    "narrow": Move.CUT,
    "suspend": Move.SUSPEND,
    "resume": Move.RESUME,
    "revoke": Move.REVOKE,
    "give_up": Move.GIVE_UP,
}
_DONE: Mapping[str, Text] = {
    "approve": Text("同意", "Approve"),
    "narrow": Text("收窄", "Narrow"),
    "suspend": Text("暂停", "Suspend"),
    "resume": Text("恢复", "Let it go on"),
    "revoke": Text("撤销", "Revoke"),
    "give_up": Text("放弃", "Give up"),
}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of plans."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    exchange = platform.exchange

    @pages.post("/sharing/requests/{request_id}/plan", response_model=None)
    def decision(
        request: Request,
        request_id: str,
        less: Lessened,
        words: Said = "",
        revision: Short = "",
    ) -> HTMLResponse | RedirectResponse:
        back = f"{HERE}/requests/{quote(request_id)}"
        who = person(request)
        try:
            plan = exchange.plan_decision(who, request_id, less.read())
        except BeijiangError as error:
            return _refused(frame, request, back, error)
        kept = [("words", words), ("revision", revision), *less.kept()]
        one = exchange.request(who, request_id).request
        return _page(frame, platform, request, "approve", plan, back, f"{back}/decide", one.resource_name, kept)

    @pages.post("/grants/{grant_id}/plan", response_model=None)
    def change(
        request: Request,
        grant_id: str,
        do: Annotated[Literal["narrow", "suspend", "resume", "give_up", "revoke"], Form()],
        less: Lessened,
        words: Said = "",
    ) -> HTMLResponse | RedirectResponse:
        back = f"/console/grants/{quote(grant_id)}"
        try:
            plan = exchange.plan_change(person(request), grant_id, _MOVES[do], less.read())
        except BeijiangError as error:
            return _refused(frame, request, back, error)
        return _page(
            frame, platform, request, do, plan, back, back, plan.grant.resource_name, [("words", words), *less.kept()]
        )

    return pages


def _refused(frame: Frame, request: Request, back: str, error: BeijiangError) -> RedirectResponse:
    """Send back to where the decision is taken, with the reason; what is hidden stays so."""
    if error.status in {401, 403, 404}:
        raise error

    def step() -> tuple[str, Text]:
        raise error

    return frame.attempt(request, back, step)


def _page(
    frame: Frame, platform: Platform, request: Request, do: str, plan: object, back: str, act: str, name: str,
    kept: Sequence[tuple[str, str]],
) -> HTMLResponse:  # fmt: skip
    less = plan.less  # type: ignore[attr-defined]
    return frame.page(
        request,
        "sharing_change.html",
        plan=plan,
        less=less,
        rows=[told(one, language(request)) for one in less.filters],
        do=do,
        done=_DONE[do],
        back=back,
        act=act,
        name=name,
        kept=kept,
        names=names(platform),
    )
