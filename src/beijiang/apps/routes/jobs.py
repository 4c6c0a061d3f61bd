"""``/api/v1/apps/{app}``: the jobs of an application and the alerts that they raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from beijiang.kit import Actor

if TYPE_CHECKING:
    from beijiang.apps.models import AppAlert, JobSpec, JobStanding
    from beijiang.apps.service import AppJobs
    from beijiang.kit import Text

__all__ = ["alert_facts", "job_facts", "jobs"]


def jobs(service: AppJobs) -> APIRouter:
    """Return the endpoints."""
    routes = APIRouter(prefix="/api/v1/apps", tags=["apps"])

    @routes.get("/{app}/jobs", summary="The jobs of the version in use, and where they stand")
    def list_(request: Request, app: str) -> dict[str, Any]:
        return {"jobs": [job_facts(*one) for one in service.standing(_actor(request), app)]}

    @routes.post("/{app}/jobs/{job}/run", status_code=202, summary="Have a job run now")
    def run(request: Request, app: str, job: str) -> dict[str, Any]:
        return {"job": service.run(_actor(request), app, job)}

    @routes.get("/{app}/alerts", summary="The latest alerts of an application")
    def alerts(request: Request, app: str) -> dict[str, Any]:
        return {"alerts": [alert_facts(one) for one in service.alerts(_actor(request), app)]}

    return routes


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


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
