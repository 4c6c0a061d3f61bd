"""Evidence: search the log, verify it, take it away."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from beijiang.access import Permission
from beijiang.console.lists import evidence_table
from beijiang.console.lists.people import RECORDS
from beijiang.console.routes.frame import Frame, number, person
from beijiang.console.routes.listed import listed
from beijiang.console.words import actions
from beijiang.evidence import EvidenceQuery
from beijiang.kit import Invalid, NotFound
from beijiang.web import content_disposition, guard_formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beijiang.build import Platform
    from beijiang.evidence import EvidencePage, EvidenceRecord
    from beijiang.kit import Actor

ASKED = ("actor_id", "org_id", "action", "target", "decision", "since", "until", "before")
CSV = "text/csv; charset=utf-8"
FIELDS = (
    "sequence",
    "id",
    "at",
    "actor_id",
    "actor_name",
    "org_id",
    "action",
    "target",
    "decision",
    "exit",
    "version",
    "rows",
    "grade",
    "purpose",
)


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the auditor."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    zone = ZoneInfo(platform.settings.time_zone)

    def query(request: Request, *, limit: int = 100) -> EvidenceQuery:
        asked = request.query_params
        until = _midnight(asked.get("until", ""), zone)
        return EvidenceQuery(
            actor_id=_who(platform, person(request), asked.get("actor_id", "").strip()),
            org_id=asked.get("org_id", "").strip() or None,
            action=asked.get("action", "").strip() or None,
            target=asked.get("target", "").strip() or None,
            decision=asked.get("decision") or None,
            since=_midnight(asked.get("since", ""), zone),
            until=until + timedelta(days=1) if until else None,
            before=number(asked.get("before")) or None,
            limit=limit,
        )

    def shown(request: Request, found: EvidencePage, asked: Mapping[str, str], report: object) -> Response:
        table = evidence_table(found.records, len(found.records) if found.next else None)
        own = {name: asked[name] for name in ASKED if asked.get(name)}
        return listed(
            frame, platform, request, "evidence.html", table, found=found, asked=own, report=report, actions=actions()
        )

    @pages.get("/evidence")
    def search(request: Request) -> Response:
        found = platform.evidence_reader.search(person(request), query(request, limit=RECORDS))
        return shown(request, found, request.query_params, None)

    @pages.post("/evidence/check")
    def check(request: Request) -> Response:
        who = person(request)
        report = platform.evidence_reader.check(who)
        found = platform.evidence_reader.search(who, EvidenceQuery(limit=20))
        return shown(request, found, {}, report)

    @pages.get("/evidence/export")
    def export(request: Request) -> Response:
        headers = {"Content-Disposition": content_disposition("存证.csv"), "Cache-Control": "no-store"}
        if request.state.head:
            platform.access.require(person(request), Permission.EVIDENCE_LOG_EXPORT)
            return Response(media_type=CSV, headers=headers)
        records = platform.evidence_reader.export(person(request), query(request, limit=1000))
        return StreamingResponse(_csv(records), media_type=CSV, headers=headers)

    return pages


def _who(platform: Platform, asking: Actor, words: str) -> str | None:
    """Return the id behind a login; anything else is taken for an id, so that visitors and keys can be asked for too."""
    try:
        return platform.access.person(asking, words).id if words else None
    except NotFound:
        return words


def _midnight(words: str, zone: ZoneInfo) -> datetime | None:
    """Return where a day of the region begins.

    Raises:
        Invalid: ``bad_date``.

    """
    if not words:
        return None
    try:
        return datetime.combine(date.fromisoformat(words), time(), zone)
    except ValueError:
        raise Invalid(
            "日期应写成 2026-11-23 这样。",
            "Write the date like 2026-11-23.",
            code="bad_date",
            detail={"date": words[:20]},
        ) from None


def _csv(records: Iterable[EvidenceRecord]) -> Iterator[str]:
    yield "\ufeff" + ",".join(FIELDS) + "\n"
    for record in records:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(guard_formula(_text(getattr(record, name))) for name in FIELDS)
        yield line.getvalue()


def _text(value: object) -> str:
    return "" if value is None else str(value)
