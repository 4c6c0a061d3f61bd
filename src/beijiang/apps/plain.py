"""Facts of applications as plain values, the same for the JSON API and for ``--json`` at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beijiang.apps.models import AppAlert, JobSpec, JobStanding
    from beijiang.apps.service.checking import OpenedGrant
    from beijiang.kit import Text

__all__ = ["alert_facts", "grant_facts", "job_facts"]


def job_facts(job: JobSpec, standing: JobStanding | None) -> dict[str, Any]:
    """Return a job as plain data."""
    return {
        "name": job.name,
        "query": job.asks,
        "schedule": job.schedule,
        "table": job.table,
        "to": job.to,
        "next_at": None if standing is None or standing.next_at is None else standing.next_at.isoformat(),
        "last_at": None if standing is None or standing.last_at is None else standing.last_at.isoformat(),
        "rows": None if standing is None else standing.rows,
        "seconds": None if standing is None else standing.seconds,
        "raised": standing is not None and standing.raised,
        "error": None if standing is None or standing.error is None else _words(standing.error),
    }


def alert_facts(one: AppAlert) -> dict[str, Any]:
    """Return an alert as plain data."""
    return {
        "id": one.id,
        "job": one.job,
        "text": _words(one.text),
        "rows": one.rows,
        "at": one.at.isoformat(),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }


def grant_facts(one: OpenedGrant) -> dict[str, Any]:
    """Return what a grant opens as plain data."""
    seen = one.seen
    return {
        "table": one.table,
        "grant": one.grant,
        "in_force": seen is not None,
        "columns": []
        if seen is None
        else [{"name": column.name, "grade": column.grade, "masked": column.masked} for column in seen.columns],
        "rows_filtered": seen is not None and seen.filtered,
    }


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
