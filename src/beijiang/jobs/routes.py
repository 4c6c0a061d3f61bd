"""The JSON API of jobs: look at them and cancel them. They are submitted by the domains whose work they are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from beijiang.jobs.models import JobState
from beijiang.jobs.service import Jobs

__all__ = ["router"]


def router(jobs: Jobs) -> APIRouter:
    """Return the endpoints below ``/api/v1/jobs``."""
    api = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])

    @api.get("", summary="Jobs of one's own organisation, newest first")
    def list_jobs(
        request: Request,
        org: str | None = None,
        state: JobState | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[str | None, Query(max_length=40, description="Only jobs older than this one")] = None,
    ) -> dict[str, Any]:
        found = jobs.jobs(request.state.actor, org_id=org, state=state, limit=limit, before=before)
        return {"jobs": [job.to_json() for job in found]}

    @api.get("/{job_id}", summary="One job: state, progress, result or error")
    def show_job(request: Request, job_id: str) -> dict[str, Any]:
        return jobs.job(request.state.actor, job_id).to_json()

    @api.post("/{job_id}/cancel", summary="Ask a job to stop")
    def cancel_job(request: Request, job_id: str) -> dict[str, Any]:
        return jobs.cancel(request.state.actor, job_id).to_json()

    return api
