"""The supervised work plan as governed tables, kept by the platform: what is said of them in the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from beijiang.assess import PLAN_TABLES
from beijiang.demo.files.handin import HandIn
from beijiang.demo.files.plain import Named, described

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.platform import Platform

__all__ = ["OWNER", "keep_work_plan"]

OWNER: Final = "bigdata"
INSIDE: Final = "政府内部督办事项，办结后按规定公开。"


def keep_work_plan(platform: Platform, actor: Actor) -> list[HandIn]:
    """Have the platform keep the plan as tables; return what a clerk would say of each."""
    if not platform.plan_tables.sets(actor):
        platform.plan_tables.record_into(actor, here=True)
    return [described(Path(one.table), one, 0) for one in (_TASKS, _PROGRESS, _TARGETS)]


_TASKS: Final = Named(
    table="督办任务",
    title="工作要点督办任务",
    summary="年度工作要点任务按责任部门分列：任务、牵头或配合、起止日期、剩余工作日、进度、亮灯及原因。",
    org_key=OWNER,
    category="307000",
    update_cycle="2",
    columns=(*PLAN_TABLES["督办任务"],),
    key=("任务编号", "责任部门"),
    closed_because=INSIDE,
    is_made_up=False,
)
_PROGRESS: Final = Named(
    table="督办进展",
    title="工作要点督办进展",
    summary="工作要点任务的立项、报送进展、核验办结、期限调整和催办记录。",
    org_key=OWNER,
    category="307000",
    update_cycle="2",
    columns=(*PLAN_TABLES["督办进展"],),
    key=("记录编号",),
    closed_because=INSIDE,
    is_made_up=False,
)
_TARGETS: Final = Named(
    table="督办指标",
    title="工作要点量化指标完成情况",
    summary="工作要点量化指标的目标值、实际值、完成情况、责任部门和依据。",
    org_key=OWNER,
    category="307000",
    update_cycle="6",
    columns=(*PLAN_TABLES["督办指标"],),
    key=("指标代码", "期间"),
    closed_because=INSIDE,
)
