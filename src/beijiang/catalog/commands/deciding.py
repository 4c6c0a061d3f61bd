"""What somebody decides on at the terminal: all of an entry that the ``seen`` stands for, shown before it is asked."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from beijiang.catalog.commands.whom import AS, actor_of
from beijiang.catalog.models import DECIDED_MOST, Action, TaskKind, seen_once
from beijiang.catalog.plain import as_plain, as_planned
from beijiang.kit import Invalid, Text
from beijiang.terminal import Column, as_json, asked_after, language, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog.models import Decided, Planned, Resource
    from beijiang.catalog.service import Catalog
    from beijiang.kit import Actor

__all__ = ["add", "seen_of"]

_ACTIONS = {Action.APPROVE: Text("审核通过", "register"), Action.PUBLISH: Text("发布", "publish")}
_PLAN = (
    Column("name", Text("目录", "entry")),
    Column("provider", Text("提供方", "provider"), spare=True),
    Column("step", Text("将要", "will")),
    Column("follows", Text("结果，或为何不能", "what follows, or why not")),
    Column("resource_id", Text("标识", "id"), whole=True),
)
_DONE = (
    Column("name", Text("目录", "entry")),
    Column("done", Text("已办", "done")),
    Column("words", Text("现在", "now")),
    Column("resource_id", Text("标识", "id"), whole=True),
)
_BLANK = Text("", "")
_SHOWN = (
    Column("item", Text("数据项", "item")),
    Column("field", Text("字段", "field"), whole=True),
    Column("value", Text("内容", "content")),
)
_WHOLE = (_PLAN[0], *_SHOWN)


def seen_of(found: Resource, seen: str | None) -> str:
    """Return what was seen: as it was given, or as it is shown now to who is asked."""
    return asked_after(lambda: show([*_facts(found)], _SHOWN), found.shown.token) if seen is None else seen


def add(app: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    """Add the command that decides on several entries to the catalog's."""

    @app.command()
    def decide(
        entries: list[str] = typer.Argument(None, help="Ids of entries; without any, those that wait for the person."),
        only_plan: bool = typer.Option(
            False, "--plan", help="Only show what would be done, and what cannot be and why."
        ),
        seen: list[str] = typer.Option([], help="ENTRY=SEEN as the plan says it; may be given more than once."),
        person: str = AS,
    ) -> None:
        """Register or publish several entries with one confirmation, each on record by itself.

        Without --seen the plan and all of each entry are shown and asked about; with it no ENTRIES and no --plan. Exit status 1 when one was not decided.
        """
        if seen and (only_plan or entries):
            raise _two_ways()
        actor, catalog = actor_of(get_access, person), get()
        told = seen_once(_pair(one) for one in seen)
        if not told:
            found = catalog.plan_decisions(actor, entries or _waiting(catalog, actor))
            ready = {one.resource_id: one.resource for one in found if one.resource is not None and one.why is None}
            if only_plan or as_json() or not ready:
                _show(found)
                raise typer.Exit(0 if only_plan else 1)
            if not asked_after(lambda: _show(found), "yes"):
                raise typer.Exit(1)
            told = {name: one.shown.token for name, one in ready.items()}
        done = catalog.decide_together(actor, told)
        show([as_plain(one) if as_json() else _decided(one) for one in done], _DONE)
        if any(one.why is not None for one in done):
            raise typer.Exit(1)


def _waiting(catalog: Catalog, actor: Actor) -> list[str]:
    """Return the entries that wait for a decision of the actor, the most urgent first."""
    found = [task.resource_id for task in catalog.tasks_for(actor) if task.kind in {TaskKind.REVIEW, TaskKind.PUBLISH}]
    return found[:DECIDED_MOST]


def _two_ways() -> Invalid:
    return Invalid(
        "--seen 就是决定本身，不能与目录标识或 --plan 同用。只查看请去掉 --seen；办理请只写 --seen。",
        "--seen decides, on the entries that it names: to look only, leave it out; to decide, give neither ENTRIES nor --plan.",
        code="seen_and_plan",
    )


def _show(found: Sequence[Planned]) -> None:
    """Show the plan, and then all of each entry that can be decided on: that is what a ``seen`` stands for."""
    show([as_planned(one) if as_json() else _planned(one) for one in found], _PLAN)
    whole = [one.resource for one in found if one.resource is not None and one.why is None]
    if whole and not as_json():
        show([{"name": one.entry.name, **fact} for one in whole for fact in _facts(one)], _WHOLE)


def _pair(told: str) -> tuple[str, str]:
    name, sign, seen = told.partition("=")
    if not sign:
        raise Invalid(
            f"“{told}”应写成“标识=seen”。请先用 --plan --json 读出。",
            f"Write {told} as ENTRY=SEEN; read both with --plan --json first.",
            code="bad_seen",
        )
    return name, seen


def _planned(found: Planned) -> dict[str, Any]:
    why, follows, action = found.why, found.follows, found.action
    entry = None if found.resource is None else found.resource.entry
    return {
        "name": "" if entry is None else entry.name,
        "provider": "" if entry is None else entry.provider_name,
        "step": "" if action is None or why is not None else _ACTIONS[action].in_language(language()),
        "follows": (why or follows or _BLANK).in_language(language()),
        "resource_id": found.resource_id,
    }


def _decided(found: Decided) -> dict[str, Any]:
    words = found.why or (found.state.text if found.state is not None else _BLANK)
    return {
        "name": found.name,
        "done": found.why is None,
        "words": words.in_language(language()),
        "resource_id": found.resource_id,
    }


def _facts(found: Resource) -> Iterator[dict[str, Any]]:
    entry = as_plain(found.entry)
    items = entry.pop("items")
    for field, value in {**entry, "state": found.state.value, "submitted_by": found.submitted_by}.items():
        yield {"item": "", "field": field, "value": _words(value)}
    for item in items:
        for field, value in item.items():
            if value not in (None, "", False):
                yield {"item": item["column"], "field": field, "value": _words(value)}


def _words(value: Any) -> Any:
    """Write a list as lines: links of their parts, the rest by itself."""
    if not isinstance(value, list):
        return value
    return "\n".join(" ".join(map(str, one.values())) if isinstance(one, dict) else str(one) for one in value)
