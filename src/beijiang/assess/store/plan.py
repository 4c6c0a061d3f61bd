"""Tasks of the plan and what happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.assess.models import Act, PlanTask, Progress, Proof, TaskState
from beijiang.assess.store.schema import plan_progress, plan_task
from beijiang.kit import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["PlanStore"]

_T, _P = plan_task.c, plan_progress.c
_TASK = (
    "id", "plan", "number", "place", "joint_words", "measures", "since", "due_on", "percent",
    "reported_at", "changed_at",
)  # fmt: skip
_PROGRESS = ("id", "task_id", "org_id", "percent", "words", "by", "by_name", "at")


class PlanStore:
    """Read and write the plan on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tasks(self) -> list[PlanTask]:
        """Return all tasks, plan by plan, in their order."""
        query = select(plan_task).order_by(_T.plan.desc(), _T.place)
        return [_task(row) for row in self._connection.execute(query)]

    def task(self, task_id: str) -> PlanTask | None:
        """Return one task."""
        row = self._connection.execute(select(plan_task).where(_T.id == task_id)).one_or_none()
        return None if row is None else _task(row)

    def add(self, task: PlanTask) -> None:
        """Add a task."""
        self._connection.execute(insert(plan_task).values(**_values(task)))

    def put(self, task: PlanTask, before: PlanTask) -> bool:
        """Write a task that is still as it was; False where somebody was faster."""
        same = (_T.id == before.id, _T.changed_at == before.changed_at, _T.state == before.state.value)
        return self._connection.execute(update(plan_task).where(*same).values(**_values(task))).rowcount == 1

    def note(self, one: Progress) -> None:
        """Add what happened to a task."""
        values = {name: getattr(one, name) for name in _PROGRESS}
        self._connection.execute(
            insert(plan_progress).values(**values, act=one.act.value, proofs=[str(p) for p in one.proofs])
        )

    def progress(self, task_id: str) -> list[Progress]:
        """Return what happened to a task, the newest first."""
        query = select(plan_progress).where(_P.task_id == task_id).order_by(_P.at.desc(), _P.id.desc())
        return [
            Progress(
                **{name: getattr(row, name) for name in _PROGRESS},
                act=Act(row.act),
                proofs=tuple(Proof.parse(words) for words in row.proofs),
            )
            for row in self._connection.execute(query)
        ]


def _values(task: PlanTask) -> dict[str, Any]:
    return {
        **{name: getattr(task, name) for name in _TASK},
        "part": {"zh": task.part.zh, "en": task.part.en},
        "title_zh": task.title.zh,
        "title_en": task.title.en,
        "summary": {"zh": task.summary.zh, "en": task.summary.en},
        "leads": list(task.leads),
        "joint": list(task.joint),
        "figures": list(task.figures),
        "state": task.state.value,
    }


def _task(row: Row[Any]) -> PlanTask:
    return PlanTask(
        **{name: getattr(row, name) for name in _TASK},
        part=Text(row.part["zh"], row.part["en"]),
        title=Text(row.title_zh, row.title_en),
        summary=Text(row.summary["zh"], row.summary["en"]),
        leads=tuple(row.leads),
        joint=tuple(row.joint),
        figures=tuple(row.figures),
        state=TaskState(row.state),
    )
