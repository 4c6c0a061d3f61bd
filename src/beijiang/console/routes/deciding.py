"""Several entries registered or published with one confirmation, which says what follows from each and what cannot be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from beijiang.catalog import DECIDED_MOST, seen_once
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.sharing import Many, Short
from beijiang.console.routes.together import Done
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.catalog import Decided

__all__ = ["router"]

BACK = "/console/catalog?_only.turn=mine"
_NOTHING = Text("请先勾选目录条目。", "Tick entries first.")
_MATTERS = Text("目录", "Catalog")


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the page that plans and takes decisions on many entries."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.post("/catalog-decisions", response_model=None)
    def decide(
        request: Request,
        one: Many = [],  # noqa: B006
        seen: Many = [],  # noqa: B006
        sure: Short = "",
    ) -> Response:
        who = person(request)
        chosen = [*dict.fromkeys(one)]
        if not chosen:
            return frame.after(request, BACK, _NOTHING, "warn")
        if sure == "yes" and len(seen) == len(one):
            done = platform.catalog.decide_together(who, seen_once(zip(one, seen, strict=True)))
            told = [_done(decided) for decided in done]
            return frame.page(request, "together_done.html", done=told, back=BACK, matters=_MATTERS)
        planned = platform.catalog.plan_decisions(who, chosen[:DECIDED_MOST])
        return frame.page(
            request,
            "entries_together.html",
            ready=[found for found in planned if found.why is None],
            others=[found for found in planned if found.why is not None],
            left_out=max(0, len(chosen) - DECIDED_MOST),
            back=BACK,
        )

    return pages


def _done(found: Decided) -> Done:
    words = found.why or (Text("", "") if found.state is None else found.state.text)
    return Done(
        found.name or found.resource_id, f"/console/catalog/{found.resource_id}", ok=found.why is None, words=words
    )
