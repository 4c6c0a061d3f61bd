"""``/api/v1/apps/{app}``: the jobs of an application and the alerts that they raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from beijiang.apps.plain import alert_facts, job_facts
from beijiang.kit import Actor
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.apps.service import AppJobs

__all__ = ["jobs"]


def jobs(service: AppJobs) -> APIRouter:
    """Return the endpoints."""
    routes = APIRouter(prefix="/api/v1/apps", tags=["apps"])

    @routes.get("/{app}/jobs", summary="The jobs of the version in use, and where they stand")
    def list_(request: Request, app: str) -> dict[str, Any]:
        return {"jobs": [job_facts(*one) for one in service.standing(_actor(request), app)]}

    @routes.post("/{app}/jobs/{job}/run", status_code=202, summary="Have a job run now")
    def run(request: Request, app: str, job: str) -> dict[str, Any]:
        return {"job": service.run(_actor(request), app, job)}

    @routes.post(
        "/{app}/versions/{number}/fill", status_code=202, summary="Fill the tables that a version's pages read"
    )
    def fill(request: Request, app: str, number: Whole) -> dict[str, Any]:
        return {"jobs": [*service.fill(_actor(request), app, number)]}

    @routes.get("/{app}/alerts", summary="The latest alerts of an application")
    def alerts(request: Request, app: str) -> dict[str, Any]:
        return {"alerts": [alert_facts(one) for one in service.alerts(_actor(request), app)]}

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
