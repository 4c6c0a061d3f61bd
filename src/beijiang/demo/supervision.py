"""The supervised work plan as governed tables: what the assessment holds is handed in like any other data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beijiang.assess import met
from beijiang.demo.files.handin import HandIn
from beijiang.demo.files.plain import Named, PlainCell, write_plain
from beijiang.demo.files.scene import Scene

if TYPE_CHECKING:
    from beijiang.assess import Lit
    from beijiang.kit import Actor
    from beijiang.platform import Platform

__all__ = ["OWNER", "write_work_plan"]

OWNER: Final = "bigdata"
INSIDE: Final = "政府内部督办事项，办结后按规定公开。"


def write_work_plan(platform: Platform, actor: Actor, folder: Path) -> list[HandIn]:
    """Write tasks by department, what was reported of them, and targets beside actuals, as they stand today."""
    folder.mkdir(mode=0o700, exist_ok=True)
    scene = Scene(folder, seed=0, scale=1.0)
    names = {one.id: one.short for one in platform.access.organisations()}
    tasks = platform.plan.tasks(actor)
    return [
        write_plain(scene, _TASKS, _task_rows(tasks, names)),
        write_plain(scene, _PROGRESS, _progress_rows(platform, actor, tasks, names)),
        write_plain(scene, _TARGETS, _target_rows(platform, actor, names)),
    ]


_TASKS: Final = Named(
    table="督办任务",
    title="工作要点督办任务",
    summary="年度工作要点任务按责任部门分列：任务、牵头或配合、起止日期、剩余工作日、进度、亮灯及原因。",
    org_key=OWNER,
    category="307000",
    update_cycle="2",
    columns=("任务编号", "任务", "部分", "责任部门", "职责", "开始日期", "期限", "剩余工作日", "进度（%）", "状态", "亮灯", "原因"),
    key=("任务编号", "责任部门"),
    closed_because=INSIDE,
    is_made_up=False,
)  # fmt: skip
_PROGRESS: Final = Named(
    table="督办进展",
    title="工作要点督办进展",
    summary="工作要点任务的立项、报送进展、核验办结、期限调整和催办记录。",
    org_key=OWNER,
    category="307000",
    update_cycle="2",
    columns=("记录编号", "任务编号", "任务", "部门", "事项", "时间", "进度（%）", "说明"),
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
    columns=("指标代码", "指标", "单位", "期间", "目标", "目标值", "实际值", "完成情况", "责任部门", "依据"),
    key=("指标代码", "期间"),
    closed_because=INSIDE,
)


def _task_rows(tasks: Sequence[Lit], names: Mapping[str, str]) -> Iterator[list[PlainCell]]:
    for lit in tasks:
        task = lit.task
        for duty, orgs in (("牵头", task.leads), ("配合", task.joint)):
            for org in orgs:
                yield [
                    f"任务{task.number}", task.title.zh, task.part.zh, names.get(org, org), duty, task.since, task.due_on,
                    lit.days_left, task.percent, task.state.text.zh, lit.light.text.zh, lit.why.zh,
                ]  # fmt: skip


def _progress_rows(
    platform: Platform, actor: Actor, tasks: Sequence[Lit], names: Mapping[str, str]
) -> Iterator[list[PlainCell]]:
    for lit in tasks:
        task = lit.task
        for one in platform.plan.task(actor, task.id).progress:
            org = names.get(one.org_id or "", one.org_id or "平台")
            at = one.at.astimezone(platform.plan.zone).replace(tzinfo=None)
            yield [one.id, f"任务{task.number}", task.title.zh, org, one.act.text.zh, at, one.percent, one.words or "—"]


def _target_rows(platform: Platform, actor: Actor, names: Mapping[str, str]) -> Iterator[list[PlainCell]]:
    for row in platform.figures.figures(actor):
        target, figure = row.target, row.figure
        if target is None:
            continue
        state = "未报送" if row.value is None else "达标" if met(target, row.value, figure.better) else "未达标"
        yield [
            figure.code, figure.name.zh, figure.unit.zh, str(target.period), f"{target.operator.value}{target.value}", float(target.value),
            None if row.value is None else float(row.value.number), state, names.get(figure.org_id, figure.org_id), figure.basis,
        ]  # fmt: skip
