"""``beijiang jobs``: look at durable work and cancel it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.jobs.models import JobState
from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, as_json, language, show

if TYPE_CHECKING:
    from beijiang.jobs.models import Job
    from beijiang.jobs.service import Jobs

__all__ = ["commands"]

_JOBS = (
    Column("id", Text("作业", "job"), whole=True),
    Column("name", Text("类别", "kind")),
    Column("state", Text("状态", "state")),
    Column("share", Text("进度", "progress"), right=True),
    Column("note", Text("正在", "doing"), spare=True),
    Column("submitted_by", Text("提交人", "by"), spare=True),
    Column("submitted_at", Text("提交时间", "submitted")),
    Column("ended_at", Text("结束时间", "ended"), spare=True),
    Column("error", Text("错误", "error")),
)


def commands(get: Callable[[], Jobs]) -> typer.Typer:
    """Return the command group; the operator of the machine acts as the platform itself."""
    group = typer.Typer(help="Durable jobs: list, show, cancel.", no_args_is_help=True)

    @group.command("list")
    def list_jobs(
        state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
        limit: int = typer.Option(50, min=1, max=500, help="How many to show, newest first."),
    ) -> None:
        """List jobs, newest first."""
        show([_row(job) for job in get().jobs(SYSTEM, state=state, limit=limit)], _JOBS)

    @group.command("show")
    def show_job(job_id: str = typer.Argument(help="Id of the job.")) -> None:
        """Show one job with its result or error."""
        job = get().job(SYSTEM, job_id)
        show(job.to_json() if as_json() else _row(job), _JOBS)

    @group.command("cancel")
    def cancel_job(job_id: str = typer.Argument(help="Id of the job.")) -> None:
        """Ask a job to stop; one that waits ends at once."""
        show(_row(get().cancel(SYSTEM, job_id)), _JOBS)

    return group


def _row(job: Job) -> dict[str, Any]:
    if as_json():
        return dict(job.to_json())
    share = job.share
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state.value,
        "share": "" if share is None else f"{share:.0%}",
        "note": job.progress.note.in_language(language()),
        "submitted_by": job.actor.name,
        "submitted_at": job.submitted_at,
        "ended_at": job.ended_at,
        "error": "" if job.error is None else job.error["code"],
    }
