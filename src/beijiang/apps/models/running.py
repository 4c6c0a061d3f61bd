"""Where a job of an application stands, and the alerts that were raised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from beijiang.apps.models.jobs import AT, EVERY, MONTHLY, WEEKLY
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = ["AppAlert", "JobStanding", "timing_of"]

_MINUTES = {"m": 1, "h": 60, "d": 1440}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """One job of an application that is in use; ``next_at`` is None where it does not run."""

    app_id: str
    name: str
    schedule: str
    next_at: datetime | None
    last_at: datetime | None = None
    rows: int | None = None
    """How many rows the last run had."""
    seconds: float | None = None
    raised: bool = False
    """Whether its alert stands: it is told once, and again after it was gone."""
    error: Text | None = None
    """Why the last run failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAlert:
    """One alert as it was raised; it ends when the condition no longer holds."""

    id: str
    app_id: str
    job: str
    text: Text
    rows: int
    at: datetime
    ended_at: datetime | None = None


def timing_of(schedule: str) -> dict[str, JsonValue]:
    """Return a schedule as written in a bundle, as the facts of a timing of ``ingest``."""
    if every := EVERY.fullmatch(schedule):
        return {"kind": "every", "minutes": int(every[1]) * _MINUTES[every[2]]}
    if at := AT.fullmatch(schedule):
        return {"kind": at[1].replace("-", "_"), "at": [f"{at[2]}:{at[3]}"]}
    if weekly := WEEKLY.fullmatch(schedule):
        return {"kind": "weekly", "days": [int(weekly[1])], "at": [f"{weekly[2]}:{weekly[3]}"]}
    monthly = MONTHLY.fullmatch(schedule)
    assert monthly is not None  # noqa: S101 - a bundle whose schedules are none of these is not read
    return {"kind": "monthly", "days": [int(monthly[1])], "at": [f"{monthly[2]}:{monthly[3]}"]}
