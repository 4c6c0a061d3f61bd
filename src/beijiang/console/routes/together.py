"""Several share requests approved with one confirmation, which says what follows from each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from beijiang.console.routes.frame import Frame, number, person
from beijiang.console.routes.sharing import HERE, Many, Said, Short, names
from beijiang.exchange import purposes
from beijiang.kit import BeijiangError, Text, Unauthenticated

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.exchange import Request as ShareRequest
    from beijiang.kit import Actor

__all__ = ["Done", "router"]

MOST = 50
BACK = f"{HERE}?show=mine"
_MATTERS = Text("共享申请", "Share requests")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one of several matters."""

    name: str
    href: str
    ok: bool
    words: Text


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the page that confirms and carries out an approval of many."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.post("/sharing/approve", response_model=None)
    def approve(
        request: Request,
        one: Many = [],  # noqa: B006
        revision: Many = [],  # noqa: B006
        words: Said = "",
        sure: Short = "",
    ) -> Response:
        who = person(request)
        waiting = {found.id: found for found in platform.exchange.waiting(who)}
        chosen = [request_id for request_id in dict.fromkeys(one) if request_id in waiting][:MOST]
        if not chosen:
            nothing = Text("请先勾选等您审批的申请。", "Tick requests that are yours to decide first.")
            return frame.after(request, BACK, nothing, "warn")
        if sure == "yes" and len(revision) == len(one):
            seen = dict(zip(one, revision, strict=True))
            done = [_approve(platform, who, waiting[key], number(seen[key]), words) for key in chosen]
            return frame.page(request, "together_done.html", done=done, back=BACK, matters=_MATTERS)
        return frame.page(
            request,
            "together.html",
            asked=[waiting[key] for key in chosen],
            ends={key: _is_last(waiting[key]) for key in chosen},
            left_out=len(set(one)) - len(chosen),
            names=names(platform),
            purposes=purposes(),
            back=BACK,
        )

    return pages


def _is_last(found: ShareRequest) -> bool:
    return found.at_stage + 1 >= len(found.stages)


def _approve(platform: Platform, who: Actor, found: ShareRequest, revision: int, words: str) -> Done:
    """Approve one as it was seen; what is refused is told, and the others go on."""
    here = f"{HERE}/requests/{found.id}"
    try:
        after = platform.exchange.approve(who, found.id, words, revision=revision)
    except Unauthenticated:
        raise
    except BeijiangError as error:
        return Done(found.resource_name, here, ok=False, words=error.text)
    return Done(found.resource_name, here, ok=True, words=after.state.text)
