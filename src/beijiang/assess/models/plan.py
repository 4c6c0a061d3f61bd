"""The supervised work plan: tasks with who leads, deadline, progress with evidence, and lights by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from beijiang.kit import Invalid, Shown, Text, Word

__all__ = [
    "LIGHT_RULE",
    "Act",
    "Light",
    "Lit",
    "PlanTask",
    "Progress",
    "Proof",
    "ProofKind",
    "TaskState",
    "TaskView",
    "light",
]

NEAR: Final = 10
"""Working days before the deadline from which a task that is not done is yellow."""
BEHIND: Final = 20
"""Points by which progress may lag behind the time that has gone by before a task is yellow."""
FAR_BEHIND: Final = 40
"""Points from which it is red."""
SILENT: Final = 60
"""Days without a report from which a task is yellow."""
LIGHT_RULE: Final = Text(
    f"红灯：已逾期未办结，或进度落后时间进度 {FAR_BEHIND} 个百分点以上；黄灯：{NEAR} 个工作日内到期未办结，"
    f"或进度落后 {BEHIND} 个百分点以上，或 {SILENT} 天未报进展；其余为绿灯，办结为已办结。",
    f"Red: overdue, or {FAR_BEHIND} points and more behind the time gone by. Yellow: due within {NEAR} working days, "
    f"or {BEHIND} points and more behind, or no report for {SILENT} days. Otherwise green, until it is done.",
)


class TaskState(Word):
    """Where a task stands."""

    OPEN = "open", "推进中", "under way"
    REPORTED = "reported", "报告完成待确认", "reported as done"
    DONE = "done", "已办结", "done"


class Light(Word):
    """How a task does."""

    RED = "red", "红灯", "red"
    YELLOW = "yellow", "黄灯", "yellow"
    GREEN = "green", "绿灯", "green"
    DONE = "done", "已办结", "done"


class Act(Word):
    """What somebody did with a task."""

    LOAD = "load", "列入计划", "put on the plan"
    REPORT = "report", "报告进展", "reported progress"
    CONFIRM = "confirm", "确认办结", "confirmed as done"
    RETURN = "return", "退回", "sent back"
    MOVE = "move", "调整期限", "moved the deadline"
    URGE = "urge", "督办", "urged"


class ProofKind(Word):
    """What proves progress."""

    ENTRY = "entry", "目录", "catalog entry"
    TABLE = "table", "数据表", "table"
    FIGURE = "figure", "统计指标", "statistical indicator"
    LINK = "link", "链接", "link"


@dataclass(frozen=True, slots=True)
class Proof:
    """Something that proves progress: an entry, a table, an indicator, or an address outside."""

    kind: ProofKind
    ref: str

    @classmethod
    def parse(cls, words: str) -> Proof:
        """Read ``table:name``, ``entry:id``, ``figure:code``, or an http(s) address.

        Raises:
            Invalid: it is none of these (``bad_proof``).

        """
        text = words.strip()
        if text.startswith(("https://", "http://")) and not any(c.isspace() for c in text):
            return cls(ProofKind.LINK, text[:1000])
        kind, colon, ref = text.partition(":")
        if colon and ref.strip() and kind in {"entry", "table", "figure"}:
            return cls(ProofKind(kind), ref.strip()[:400])
        raise Invalid(
            f"佐证“{text[:60]}”无法识别：写作 table:表名、entry:目录标识、figure:指标代码，或 https:// 地址。",
            f'The proof "{text[:60]}" is none: write table:name, entry:id, figure:code, or an https:// address.',
            code="bad_proof",
        )

    def __str__(self) -> str:
        return self.ref if self.kind is ProofKind.LINK else f"{self.kind.value}:{self.ref}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTask:
    """A task of a plan."""

    id: str
    plan: str
    number: str
    place: int
    part: Text
    title: Text
    summary: Text
    """Its measures in words."""
    leads: tuple[str, ...]
    joint: tuple[str, ...]
    joint_words: str
    """Who else takes part and is no single organisation."""
    measures: str
    """Numbers of the systems to be built (`standards.md` 14)."""
    figures: tuple[str, ...]
    """Statistical indicators that measure it."""
    since: date
    due_on: date
    percent: int = 0
    reported_at: datetime | None = None
    state: TaskState = TaskState.OPEN
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One thing that happened to a task."""

    id: str
    task_id: str
    act: Act
    org_id: str | None
    percent: int
    words: str
    proofs: tuple[Proof, ...]
    by: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lit:
    """A task with its light and why."""

    task: PlanTask
    light: Light
    why: Text
    days_left: int
    """Working days; negative when overdue."""


_REPORT: Final = Text("完成报告", "the report of completion")
_DUE: Final = Text("期限", "deadline")
_STATE: Final = Text("状态", "state")


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task with all that happened to it, the newest first."""

    lit: Lit
    progress: Sequence[Progress]

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who confirms that it is done."""
        told = next((one for one in self.progress if one.act is Act.REPORT), None)
        return Shown({_REPORT: told, _DUE: self.lit.task.due_on.isoformat(), _STATE: self.lit.task.state.value})


def light(task: PlanTask, today: date, days_left: int) -> tuple[Light, Text]:
    """Return the light of a task by the rule of ``LIGHT_RULE``, and why."""
    if task.state is TaskState.DONE:
        return Light.DONE, Text("已办结", "done")
    if today > task.due_on:
        if not days_left:
            return Light.RED, Text("期限已过，其后还没有工作日", "overdue, with no working day since")
        return Light.RED, Text(f"已逾期 {-days_left} 个工作日", f"overdue by {-days_left} working days")
    whole = max((task.due_on - task.since).days, 1)
    gone = round(100 * min(max((today - task.since).days, 0) / whole, 1.0))
    behind = Text(f"进度 {task.percent}%，时间已过 {gone}%", f"{task.percent}% done, {gone}% of the time gone")
    lag = gone - task.percent
    if lag >= FAR_BEHIND:
        return Light.RED, behind
    silent = (today - (task.since if task.reported_at is None else task.reported_at.date())).days
    warnings = (
        (days_left <= NEAR, Text(f"还剩 {days_left} 个工作日", f"{days_left} working days left")),
        (lag >= BEHIND, behind),
        (silent > SILENT, Text(f"{silent} 天未报进展", f"no report for {silent} days")),
    )
    warned = next((why for holds, why in warnings if holds), None)
    return (Light.GREEN, behind) if warned is None else (Light.YELLOW, warned)
