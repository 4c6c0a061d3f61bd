"""Prove this: what the signed log holds about an entry, a request or a grant, each record with its proof and how to check it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from beijiang.console.routes.frame import Frame, person
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform

BACK = {
    "delivery": "/console/pushes?delivery=",
    "demand": "/console/demands/",
    "dispute": "/console/disputes/",
    "entry": "/console/catalog/",
    "grant": "/console/grants/",
    "push": "/console/pushes/",
    "quality_release": "/console/quality/",
    "release_check": "/console/tables/",
    "request": "/console/sharing/requests/",
}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of proofs."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/prove/{kind}/{subject}")
    def prove(request: Request, kind: str, subject: str) -> HTMLResponse:
        who = person(request)
        records = platform.receipts.about(who, kind, subject)
        keys = [str(key) for key in platform.receipts.keys(who)]
        return frame.page(
            request, "prove.html", kind=kind, subject=subject, records=records, keys=keys, back=BACK[kind] + subject
        )

    @pages.get("/prove/{kind}/{subject}/{sequence}/checked")
    def checked(request: Request, kind: str, subject: str, sequence: int) -> HTMLResponse:
        who = person(request)
        found = platform.receipts.checked_about(who, kind, subject, sequence)
        keys = [str(key) for key in platform.receipts.keys(who)]
        return frame.page(
            request, "prove_checked.html", kind=kind, subject=subject, c=found, keys=keys, back=BACK[kind] + subject
        )

    @pages.get("/prove/{kind}/{subject}/{sequence}")
    def proof(request: Request, kind: str, subject: str, sequence: int) -> Response:
        found = platform.receipts.proved_about(person(request), kind, subject, sequence)
        name = content_disposition(f"{found['id']}.receipt.json")
        content = json.dumps(found, ensure_ascii=False, indent=1)
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return Response(content, media_type="application/json", headers=headers)

    return pages
