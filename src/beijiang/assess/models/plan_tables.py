"""The work plan as tables: one row a task and department, one a thing that happened, one an indicator with its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from beijiang.kit import Actor, Text

__all__ = ["PLAN_TABLES", "PLAN_TABLES_JOB", "PlanTableSet"]

PLAN_TABLES_JOB: Final = "assess.plan_tables"

PLAN_TABLES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "督办任务": {
        "任务编号": ("text", "工作要点中的编号"),
        "任务": ("text", "任务名称"),
        "部分": ("text", "所属部分"),
        "责任部门": ("text", "牵头或配合的部门"),
        "职责": ("text", "牵头或配合"),
        "开始日期": ("date", "开始日期"),
        "期限": ("date", "完成期限"),
        "剩余工作日": ("whole", "到期限还有几个工作日，负数为逾期"),
        "进度（%）": ("whole", "牵头部门最近报送的进度"),
        "状态": ("text", "推进中、报告完成待确认或已办结"),
        "亮灯": ("text", "红灯、黄灯、绿灯或已办结"),
        "原因": ("text", "亮灯的原因"),
    },
    "督办进展": {
        "记录编号": ("text", "记录的唯一编号"),
        "任务编号": ("text", "工作要点中的编号"),
        "任务": ("text", "任务名称"),
        "部门": ("text", "报送或处理的部门"),
        "事项": ("text", "列入计划、报告进展、确认办结、退回、调整期限或督办"),
        "时间": ("moment", "发生的时间"),
        "进度（%）": ("whole", "报送的进度"),
        "说明": ("text", "报送或处理时写的话"),
    },
    "督办指标": {
        "指标代码": ("text", "统计指标的代码"),
        "指标": ("text", "统计指标的名称"),
        "单位": ("text", "计量单位"),
        "期间": ("text", "目标的期间"),
        "目标": ("text", "目标的写法"),
        "目标值": ("number", "目标的数值"),
        "实际值": ("number", "最近发布的数值"),
        "完成情况": ("text", "达标、未达标或未报送"),
        "责任部门": ("text", "负责指标的部门"),
        "依据": ("text", "口径和依据"),
    },
}
"""Name of each table, its columns in order, each with its type and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTableSet:
    """A department's tables of the work plan: under whose rights they are written, and what they hold now."""

    org_id: str
    owner: Actor
    by_name: str
    set_at: datetime
    digest: str = ""
    written_at: datetime | None = None
    moves: int = 0
    """How often the plan has changed since the tables are kept, or was ordered to be written."""
    moved_at: datetime | None = None
    moves_written: int = 0
    """How many of these changes the tables hold."""
    tried_at: datetime | None = None
    trouble: Text | None = None
    """Why they cannot be written, and what helps."""

    @property
    def stale_since(self) -> datetime | None:
        """Return when the plan last changed, if the tables do not hold that yet."""
        return self.moved_at if self.moves > self.moves_written else None
