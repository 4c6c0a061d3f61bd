"""``beijiang assess plan``: the supervised work plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.assess.commands.shared import AS, OUT, day_of, form_of, who_by, write
from beijiang.assess.models import LIGHT_RULE, PLAN_TABLES
from beijiang.kit import Text
from beijiang.terminal import Column, asked_after, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.assess.models import Lit, PlanTableSet, Progress, TaskView
    from beijiang.assess.service import PlanTables, WorkPlan

__all__ = ["add_plan"]

_TASK = typer.Argument(help="Id of the task.")
_WORDS = typer.Option(..., help="What to say; kept in the evidence.")
_PROOFS = typer.Option([], "--proof", help="table:name, entry:id, figure:code or an address; several.")
_SEEN = typer.Option(None, help="The `seen` of the task as you read it; without it you are shown and asked.")
_TASKS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("number", Text("编号", "number")),
    Column("title", Text("任务", "task")),
    Column("leads", Text("牵头", "lead"), spare=True),
    Column("due_on", Text("期限", "due")),
    Column("percent", Text("进度", "progress"), right=True),
    Column("light", Text("灯", "light")),
    Column("why", Text("原因", "why")),
)
_SETS = (
    Column("org_id", Text("部门", "department"), whole=True),
    Column("tables", Text("数据表", "tables")),
    Column("by", Text("负责人", "answers"), spare=True),
    Column("since", Text("自", "since"), spare=True),
    Column("written_at", Text("最近写入", "written")),
    Column("stale_since", Text("待写入自", "stale since")),
    Column("trouble", Text("为何没有写入", "why it rests"), spare=True),
)
_PROGRESS = (
    Column("at", Text("时间", "at")),
    Column("by", Text("谁", "by")),
    Column("act", Text("做了什么", "what")),
    Column("percent", Text("进度", "progress"), right=True),
    Column("words", Text("说明", "words")),
    Column("proofs", Text("佐证", "proofs")),
)


def add_plan(
    group: typer.Typer, get: Callable[[], WorkPlan], kept: Callable[[], PlanTables], access: Callable[[], Access]
) -> None:
    """Add the commands of the work plan."""
    plan = typer.Typer(help="The supervised work plan: tasks, progress, lights.", no_args_is_help=True)
    who = who_by(access)

    @plan.command("list")
    def list_(out: Path | None = OUT, person: str = AS) -> None:
        """Show the tasks with their lights."""
        if out is not None:
            write(get().export(who(person), form_of(out), language()), out)
            return
        show([_lit(one) for one in get().tasks(who(person))], _TASKS)
        say(LIGHT_RULE)

    @plan.command("show")
    def show_(task: str = _TASK, person: str = AS) -> None:
        """Show what happened to a task, the newest first."""
        view = get().task(who(person), task)
        show([{**_progress(one), "seen": view.shown.token} for one in view.progress], _PROGRESS)

    @plan.command("load")
    def load(
        name: str = typer.Option("2018", help="Name of the plan."),
        since: str = typer.Option("2018-01-01", help="First day, YYYY-MM-DD."),
        due: str = typer.Option("2018-12-31", help="Deadline."),
        person: str = AS,
    ) -> None:
        """Put the packaged tasks of 2018 on the plan, those that are not there yet."""
        added = get().load(who(person), plan=name, since=day_of(since), due_on=day_of(due))
        say(Text(f"新增 {added} 项任务。", f"{added} tasks added."))

    @plan.command("report")
    def report(
        task: str = _TASK,
        percent: int = typer.Argument(help="0 to 100."),
        words: str = _WORDS,
        proof: list[str] = _PROOFS,
        person: str = AS,
    ) -> None:
        """Report progress with evidence."""
        get().report(who(person), task, percent, words, proof)
        show([_lit(get().task(who(person), task).lit)], _TASKS)

    @plan.command("confirm")
    def confirm(
        task: str = _TASK,
        accept: bool = typer.Option(..., "--accept/--return", help="It is done, or the report goes back with words."),
        words: str = typer.Option("", help="What to say."),
        seen: str = _SEEN,
        person: str = AS,
    ) -> None:
        """Confirm that a task is done, or send the report back. Without --seen it is shown first."""
        actor = who(person)
        if accept and seen is None:
            view = get().task(actor, task)
            seen = asked_after(lambda: _tell(view), view.shown.token)
        get().confirm(actor, task, words, accept=accept, seen=seen)
        show([_lit(get().task(who(person), task).lit)], _TASKS)

    @plan.command("deadline")
    def deadline(
        task: str = _TASK, due: str = typer.Argument(help="YYYY-MM-DD."), words: str = _WORDS, person: str = AS
    ) -> None:
        """Give a task another deadline."""
        get().move_deadline(who(person), task, day_of(due), words)
        show([_lit(get().task(who(person), task).lit)], _TASKS)

    @plan.command("urge")
    def urge(task: str = _TASK, words: str = _WORDS, person: str = AS) -> None:
        """Urge the departments that lead a task."""
        get().urge(who(person), task, words)
        say(Text("已督办。", "They are told."))

    _add_tables(plan, kept, access)
    group.add_typer(plan, name="plan")


def _add_tables(plan: typer.Typer, kept: Callable[[], PlanTables], access: Callable[[], Access]) -> None:
    who = who_by(access)

    @plan.command("tables")
    def tables(person: str = AS) -> None:
        """Show which departments have the plan written into tables, and when that was last done."""
        show([_set(one) for one in kept().sets(who(person))], _SETS)

    @plan.command("record")
    def record(person: str = AS) -> None:
        """Have the plan written into tables of your department, now and whenever it changes."""
        show([_set(kept().record_into(who(person), here=True))], _SETS)

    @plan.command("take-over")
    def take_over(org: str = typer.Argument(help="Id of the department."), person: str = AS) -> None:
        """Answer for a department's tables of the plan from now on, and have them written at once."""
        show([_set(kept().take_over(who(person), org, here=True))], _SETS)

    @plan.command("unrecord")
    def unrecord(
        org: str = typer.Argument(help="Id of the department."),
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = AS,
    ) -> None:
        """Have the plan written into tables no more; the tables stay as they are."""
        kept().stop(who(person), org, reason)
        say(
            Text(
                "督办计划不再写入数据表，已有的表保持不变。",
                "The plan is written no more; the tables stay as they are.",
            )
        )


def _set(one: PlanTableSet) -> dict[str, Any]:
    return {
        "org_id": one.org_id,
        "tables": "、".join(PLAN_TABLES),
        "by": one.by_name,
        "since": one.set_at,
        "written_at": one.written_at,
        "stale_since": one.stale_since,
        "trouble": None if one.trouble is None else one.trouble.in_language(language()),
    }


def _lit(one: Lit) -> dict[str, Any]:
    tongue, task = language(), one.task
    due: date = task.due_on
    return {
        "id": task.id,
        "number": task.number,
        "title": task.title.in_language(tongue),
        "leads": "、".join(task.leads),
        "due_on": due,
        "percent": task.percent,
        "light": one.light.text.in_language(tongue),
        "why": one.why.in_language(tongue),
    }


def _tell(view: TaskView) -> None:
    show([_lit(view.lit)], _TASKS)
    show([_progress(one) for one in view.progress], _PROGRESS)


def _progress(one: Progress) -> dict[str, Any]:
    return {
        "at": one.at,
        "by": one.by_name,
        "act": one.act.text.in_language(language()),
        "percent": one.percent,
        "words": one.words,
        "proofs": " ".join(str(proof) for proof in one.proofs),
    }
