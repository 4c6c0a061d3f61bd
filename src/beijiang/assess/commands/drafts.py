"""``beijiang assess draft``: a work plan read from a document, decided line by line, taken over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.assess.commands.shared import AS, day_of, who_by
from beijiang.kit import Text
from beijiang.terminal import Column, asked_after, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.assess.models import DraftLine, PlanDraft
    from beijiang.assess.service import PlanDrafts

__all__ = ["add_drafts"]

_DRAFT = typer.Argument(help="Id of the draft.")
_SET = typer.Option([], "--set", help="field=value in place of what was read, as leads=science;ndrc; several.")
_SEEN = typer.Option(None, help="The `seen` of the line as you read it; without it you are shown and asked.")
_LINES = (
    Column("place", Text("行", "line"), right=True),
    Column("number", Text("编号", "number")),
    Column("title", Text("任务", "task")),
    Column("leads", Text("牵头", "lead")),
    Column("joint", Text("配合", "joint"), spare=True),
    Column("targets", Text("目标", "targets"), spare=True),
    Column("due_on", Text("期限", "due")),
    Column("verdict", Text("结论", "verdict")),
    Column("source", Text("原文", "source"), spare=True),
)
_LISTS = frozenset({"leads", "joint", "targets"})


def add_drafts(group: typer.Typer, get: Callable[[], PlanDrafts], access: Callable[[], Access]) -> None:
    """Add the commands of drafts."""
    draft = typer.Typer(
        help="A work plan read from a document: check it line by line, take it over.", no_args_is_help=True
    )
    who = who_by(access)

    @draft.command("read")
    def read(
        document: str = typer.Argument(help="Id of the document."),
        plan: str = typer.Option("", help="Name of the plan; the document's year if left out."),
        since: str = typer.Option("", help="First day, YYYY-MM-DD."),
        due: str = typer.Option("", help="Deadline of tasks that state none."),
        person: str = AS,
    ) -> None:
        """Read the tasks of a document into a draft."""
        first, last = (day_of(one) if one else None for one in (since, due))
        _show(get().read(who(person), document, plan=plan, since=first, due_on=last))

    @draft.command("list")
    def list_(person: str = AS) -> None:
        """Show the drafts of one's department."""
        tongue = language()
        show(
            [
                {
                    "id": d.id,
                    "plan": d.plan,
                    "document": d.document,
                    "state": d.state.text.in_language(tongue),
                    "at": d.at,
                }
                for d in get().drafts(who(person))
            ]
        )

    @draft.command("show")
    def show_(draft_id: str = _DRAFT, person: str = AS) -> None:
        """Show a draft line by line."""
        _show(get().draft(who(person), draft_id))

    @draft.command("decide")
    def decide(
        draft_id: str = _DRAFT,
        line: int = typer.Argument(help="Number of the line."),
        accept: bool = typer.Option(..., "--accept/--reject", help="Whether it becomes a task."),
        values: list[str] = _SET,
        note: str = typer.Option("", help="What to say."),
        seen: str = _SEEN,
        person: str = AS,
    ) -> None:
        """Accept or reject a line. Without --seen it is shown first."""
        said: dict[str, Any] = {}
        for pair in values:
            name, _, value = pair.partition("=")
            said[name] = [one.strip() for one in value.split(";") if one.strip()] if name in _LISTS else value
        actor = who(person)
        if seen is None:
            found = next((one for one in get().draft(actor, draft_id).lines if one.place == line), None)
            seen = "" if found is None else asked_after(lambda: show(_line(found), _LINES), found.shown.token)
        show([_line(get().decide(actor, draft_id, line, said or None, note, accept=accept, seen=seen))], _LINES)

    @draft.command("take")
    def take(draft_id: str = _DRAFT, person: str = AS) -> None:
        """Put the accepted lines on the work plan."""
        added = get().take(who(person), draft_id)
        say(Text(f"新增 {added} 项任务。", f"{added} tasks added."))

    @draft.command("drop")
    def drop(draft_id: str = _DRAFT, person: str = AS) -> None:
        """Give up a draft."""
        get().drop(who(person), draft_id)
        say(Text("已放弃。", "Dropped."))

    group.add_typer(draft, name="draft")


def _show(one: PlanDraft) -> None:
    show([_line(line) for line in one.lines], _LINES)
    say(Text(f"草稿 {one.id}，待核对 {one.waiting} 行。", f"Draft {one.id}, {one.waiting} lines to be checked."))


def _line(one: DraftLine) -> dict[str, Any]:
    said = one.said
    return {
        "place": one.place,
        "number": said.number,
        "title": said.title,
        "leads": "、".join(said.leads),
        "joint": "、".join([*said.joint, *([said.joint_words] if said.joint_words else [])]),
        "targets": "；".join(map(str, said.targets)),
        "due_on": said.due_on or "",
        "verdict": one.verdict.text.in_language(language()),
        "source": " ".join(one.sentences),
        "seen": one.shown.token,
    }
