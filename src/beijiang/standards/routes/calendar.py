"""``/api/v1/standards/calendar``: the working-day calendar, its years with their documents, and which years are wanting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request

from beijiang.kit import Actor
from beijiang.standards.models import flat_day, flat_year

if TYPE_CHECKING:
    from beijiang.standards.models import CalendarYear
    from beijiang.standards.service import Registry

__all__ = ["calendar_router"]


def calendar_router(service: Registry) -> APIRouter:
    """Return the endpoints; reading is public, as the calendar is. Years come in by ``/import`` or ``/proposals``."""
    api = APIRouter(prefix="/api/v1/standards", tags=["standards"])

    @api.get("/calendar", summary="Years whose holidays and make-up days are in, and years that are wanting")
    def years(request: Request) -> dict[str, Any]:
        who: Actor = request.state.actor
        found = service.calendar_years(who)
        return {
            "years": [{**_year(one), "status": status.value} for status, one in found],
            "wanting": list(service.years_wanting(who)),
        }

    @api.get("/calendar/{year}", summary="A year's holidays and make-up working days, all versions, newest first")
    def year(request: Request, year: Annotated[int, Path(ge=1900, le=2199)]) -> dict[str, Any]:
        status, versions = service.calendar_year(request.state.actor, year)
        return {
            "year": year,
            "status": status.value,
            "versions": [{**_year(one), "days": [flat_day(day) for day in one.days]} for one in versions],
        }

    return api


def _year(one: CalendarYear) -> dict[str, Any]:
    edition = one.edition
    return {
        **flat_year(one),
        "version": edition.version,
        "valid_from": edition.valid_from,
        "valid_to": edition.valid_to,
        "reason": edition.reason,
        "proposal": edition.proposal or None,
    }
