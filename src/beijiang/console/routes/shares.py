"""Profiles of Delta Sharing (数据共享协议): the file by which a client connects, from the page of a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from beijiang.access import KeyDraft, Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.exchange import Way, shared_name
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.exchange import GrantView
    from beijiang.kit import Actor

NEW: Final = "new"
KEY_DAYS: Final = 90
READS: Final = frozenset({str(Permission.PROTECTION_ROWS_READ_GRANTED), str(Permission.PROTECTION_ROWS_READ_SHARED)})


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return what answers the card on the page of a grant."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.post("/grants/{grant_id}/profile", response_model=None)
    def profile(
        request: Request, grant_id: str, key: Annotated[str, Form(max_length=60)] = ""
    ) -> Response | RedirectResponse:
        who = person(request)
        view = platform.exchange.grant(who, grant_id)
        try:
            made = platform.shares.issue_profile(who, _new_key(platform, who, view) if key == NEW else key)
        except BeijiangError as error:
            return frame.after(request, f"/console/grants/{quote(grant_id)}", error.text, "bad")
        headers = {"Content-Disposition": f'attachment; filename="{made.key_id}.share"', "Cache-Control": "no-store"}
        return Response(orjson.dumps(made.to_json()), media_type="application/json", headers=headers)

    return pages


def _new_key(platform: Platform, who: Actor, view: GrantView) -> str:
    """Issue a key that reads what is shared and does nothing else; its own secret is needed by nobody."""
    name = f"Delta Sharing {view.grant.resource_name}"[:100]
    days = min(KEY_DAYS, platform.settings.api_key_days)
    return platform.access.issue_key(who, KeyDraft(name=name, scopes=READS, days=days))[0].id


def card(platform: Platform, who: Actor, view: GrantView) -> dict[str, object] | None:
    """Return what the card shows: where the table stands in the shares, and the keys; None where the grant opens no share."""
    grant = view.grant
    if Way.DELTA not in grant.terms.ways or who.org_id != grant.org_id or view.standing.value != "active":
        return None
    keys = platform.shares.profiles(who) if platform.access.allows(who, Permission.ACCESS_KEY_ISSUE) else {}
    return {
        "at": f"{grant.purpose}.{shared_name(grant.provider_id)}.{shared_name(grant.table)}",
        "keys": [(key, name, issued) for key, (name, issued) in keys.items()],
    }
