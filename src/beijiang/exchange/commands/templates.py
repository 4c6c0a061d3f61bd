"""``beijiang exchange template`` and ``claim``: standard entries for the units below, and their claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.commands.matters import acting
from beijiang.exchange.models import ClaimMove, TemplateDraft
from beijiang.kit import Text
from beijiang.terminal import Column, asked_after, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models import ClaimTask
    from beijiang.exchange.service import Templates

__all__ = ["claims", "templates"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TEMPLATE = typer.Argument(help="Id of the standard entry.")
_TASK = typer.Argument(help="Id of the claim task.")
_RESOURCE = typer.Argument(help="Id of the entry that becomes the standard.")
_TIER = typer.Option([], "--tier", help="All units of this tier: 2 league or city, 3 county; again for more.")
_NAME = typer.Option("", "--name", help="Only units with this in their name.")
_ORG = typer.Option([], "--org", help="A further unit; again for more.")
_BASIS = typer.Option("", help="Document that the standard rests on.")

_SEEN = typer.Option(None, help="The `seen` of the task as you read it; without it you are shown and asked.")
_TEMPLATES = (
    Column("id", Text("标准目录号", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("version", Text("版本", "version")),
    Column("state", Text("状态", "state")),
    Column("tasks", Text("认领情况", "claims")),
    Column("basis", Text("依据", "basis")),
)
_TASKS = (
    Column("id", Text("任务号", "id"), whole=True),
    Column("name", Text("标准目录", "standard entry")),
    Column("version", Text("版本", "version")),
    Column("org", Text("部门", "unit")),
    Column("state", Text("状态", "state")),
    Column("due", Text("期限", "due")),
    Column("resource", Text("认领目录", "entry"), whole=True),
)
_DEVIATIONS = (
    Column("column", Text("数据项", "item")),
    Column("what", Text("与标准的差异", "how it differs")),
)


def templates(get: Callable[[], Templates], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of standard entries."""
    group = typer.Typer(help="Standard entries: what units below compile of their own.", no_args_is_help=True)
    who = acting(access)

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """List the standard entries issued by or for your organisation."""
        lines = [
            {
                "id": one.id,
                "name": one.entry.name,
                "version": one.version,
                "state": "retired" if one.retired else "issued",
                "tasks": ", ".join(f"{state.value} {count}" for state, count in counts.items()),
                "basis": one.basis,
            }
            for one, counts in get().templates(who(person))
        ]
        show(lines, _TEMPLATES)

    @group.command("issue")
    def issue(
        resource: str = _RESOURCE,
        tier: list[int] = _TIER,
        name: str = _NAME,
        org: list[str] = _ORG,
        basis: str = _BASIS,
        plan: bool = typer.Option(False, "--plan", help="Only show who would be asked."),
        person: str = _AS,
    ) -> None:
        """Issue an entry as the standard for the units below, or its next version."""
        draft = TemplateDraft(resource_id=resource, tiers=frozenset(tier), words=name, orgs=frozenset(org), basis=basis)
        if plan:
            found = get().plan(who(person), draft)
            show([{"org": unit} for unit in found.units], (Column("org", Text("部门", "unit")),))
            return
        made = get().issue(who(person), draft)
        told = Text(f"已下发 {made.id} 第 {made.version} 版。", f"Issued {made.id}, version {made.version}.")
        say(told)

    @group.command("show")
    def show_(template: str = _TEMPLATE, person: str = _AS) -> None:
        """Show the tasks of a standard entry, unit by unit."""
        service = get()
        show([_task(service, one) for one in service.template(who(person), template).tasks], _TASKS)

    @group.command("retire")
    def retire(template: str = _TEMPLATE, words: str = typer.Option(..., help="Why."), person: str = _AS) -> None:
        """Retire a standard entry."""
        get().retire(who(person), template, words)
        say(Text("已废止。", "Retired."))

    return group


def claims(get: Callable[[], Templates], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of claim tasks."""
    group = typer.Typer(help="Claims: take standard entries over for your unit.", no_args_is_help=True)
    who = acting(access)

    @group.command("waiting")
    def waiting(person: str = _AS) -> None:
        """Show the tasks that wait for you."""
        service = get()
        show([_task(service, one) for one in service.waiting(who(person))], _TASKS)

    @group.command("show")
    def show_(task: str = _TASK, person: str = _AS) -> None:
        """Show one task, and where the unit's entry differs from the standard."""
        service = get()
        view = service.task(who(person), task)
        show([_task(service, view.task)], _TASKS)
        show([{"column": one.column, "what": one.text} for one in view.deviations], _DEVIATIONS)

    @group.command("take")
    def take(
        task: str = _TASK,
        entry: str = typer.Option("", help="Id of an entry of the unit; without it a new one is made."),
        person: str = _AS,
    ) -> None:
        """Claim a standard entry; the entry is brought to the standard."""
        service = get()
        show([_task(service, service.claim(who(person), task, entry))], _TASKS)

    @group.command("decline")
    def decline(
        task: str = _TASK,
        words: str = typer.Option(..., help="Why."),
        named: str = typer.Option("", help="Id of the department that has to claim instead."),
        person: str = _AS,
    ) -> None:
        """Say that a standard entry does not apply, or whose it is."""
        service = get()
        show([_task(service, service.decline(who(person), task, words, named))], _TASKS)

    @group.command("decide")
    def decide(
        task: str = _TASK,
        move: ClaimMove = typer.Argument(help="excuse, move or back."),  # noqa: B008
        words: str = typer.Option("", help="What is said with it."),
        seen: str = _SEEN,
        person: str = _AS,
    ) -> None:
        """Decide on what a unit said. Without --seen it is shown first."""
        service, actor = get(), who(person)
        if seen is None:
            view = service.task(actor, task)
            told = {**_task(service, view.task), "named": view.task.named, "words": [one.words for one in view.steps]}
            seen = asked_after(lambda: show(told, _TASKS), view.task.shown.token)
        show([_task(service, service.decide(actor, task, move, words, seen=seen))], _TASKS)

    return group


def _task(service: Templates, one: ClaimTask) -> dict[str, Any]:
    due = service.due(one)
    return {
        "id": one.id,
        "name": one.name,
        "version": one.template_version,
        "org": one.org_id,
        "state": one.state,
        "due": None if due is None else due.last_day.isoformat(),
        "resource": one.resource_id or None,
        "seen": one.shown.token,
    }
