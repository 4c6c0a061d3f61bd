"""Assessment of the demo region: a frozen month and the one that runs, sample indicators, a work plan under way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.assess import Period, PeriodKind, Stage, TaskState, ValueDraft, ValueState

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

__all__ = ["add_assessment"]

YEAR: Final = 365
SOURCE: Final = "演示数据，非真实统计 / made up for the demonstration"
ACTUAL: Final = {
    "bigdata_industry_output_growth": "26.3",
    "infrastructure_investment": "71.5",
    "fixed_broadband_household_penetration": "58.2",
    "mobile_broadband_user_penetration": "88.5",
}
BY_CITY: Final = {
    "150100": "31.2",
    "150200": "27.5",
    "150400": "18.4",
    "150500": "16.9",
    "150600": "24.0",
    "150700": "12.7",
    "150900": "33.1",
    "152500": "11.8",
}
PROGRESS: Final = {
    "4.3": (100, "汇聚、治理、服务和开放已在平台运行", ("figure:bigdata_industry_output_growth",)),
    "2.2": (20, "列名项目完成主体建设", ()),
    "4.1": (35, "目录已发布，基础库已归集", ()),
    "3.2": (70, "行动方案已印发", ()),
}
"""Percent, words and proofs of tasks that the bureau leads or helps to lead."""


def add_assessment(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Do what the bureau and its stewards would; what is there already is left as it is."""
    reviewer, publisher = actor("reviewer"), actor("publisher")
    _compute(platform, reviewer)
    _measure(platform, reviewer, publisher)
    _supervise(platform, reviewer, actor("steward.bigdata"))


def _compute(platform: Platform, reviewer: Actor) -> None:
    """Assess last month, freeze it, and begin with the month that runs."""
    assess = platform.assess
    now = Period.holding(assess.today, PeriodKind.MONTH)
    done = {sheet.period: sheet for sheet in assess.sheets(reviewer)}
    if now.before not in done:
        assess.compute(reviewer, now.before)
    if now.before not in done or done[now.before].frozen_at is None:
        assess.freeze(reviewer, now.before)
    assess.compute(reviewer, now)


def _measure(platform: Platform, reviewer: Actor, publisher: Actor) -> None:
    """Load the targets of the plan and give them sample values, reported by one and released by another."""
    figures = platform.figures
    figures.load_plan(reviewer)
    year = Period.parse("2018")
    for code, value in ACTUAL.items():
        if figures.figure(reviewer, code).revisions:
            continue
        drafts = [ValueDraft(code=code, period=year, value=value, stage=Stage.PRELIMINARY, source=SOURCE)]
        if code == "bigdata_industry_output_growth":
            drafts += [
                ValueDraft(code=code, period=year, region=region, value=one, source=SOURCE)
                for region, one in BY_CITY.items()
            ]
            drafts += [
                ValueDraft(code=code, period=Period.parse(str(2018 - back)), value=one, source=SOURCE)
                for back, one in ((3, "14.2"), (2, "19.6"), (1, "23.8"))
            ]
        figures.report(reviewer, drafts)
    waiting = [
        v.id for code in ACTUAL for v in figures.figure(publisher, code).revisions if v.state is ValueState.PROPOSED
    ]
    if waiting:
        figures.decide(publisher, waiting, approve=True)


def _supervise(platform: Platform, reviewer: Actor, steward: Actor) -> None:
    """Take the tasks of 2018 up a month ago for a year: most on their way, one late, one near its day, one done."""
    plan, today = platform.plan, platform.plan.today
    plan.load(
        reviewer, plan=str(today.year), since=today - timedelta(days=30), due_on=today + timedelta(days=YEAR - 30)
    )
    tasks = {lit.task.number: lit.task for lit in plan.tasks(steward)}
    for number, (percent, words, proofs) in PROGRESS.items():
        if not tasks[number].percent:
            tasks[number] = plan.report(steward, tasks[number].id, percent, words, proofs)
    if tasks["4.3"].state is TaskState.REPORTED:
        plan.confirm(reviewer, tasks["4.3"].id, "经核验，同意办结", accept=True)
    for number, day, why in (("3.2", 7, "工作要求提前"), ("2.3", -1, "并入上季度任务")):
        if (tasks[number].due_on - tasks[number].since).days == YEAR:
            plan.move_deadline(reviewer, tasks[number].id, today + timedelta(days=day), why)
