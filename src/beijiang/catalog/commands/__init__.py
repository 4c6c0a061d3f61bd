"""``beijiang catalog``: look for entries, complete them, and take them through the review."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.catalog.commands import deciding, directory, fields, review
from beijiang.catalog.commands.deciding import seen_of
from beijiang.catalog.commands.told import GAPS, ITEMS, ONE, RESOURCES, show_hits
from beijiang.catalog.commands.whom import AS, ENTRY, SEEN, actor_of, find_entry
from beijiang.catalog.models import (
    OpenType,
    ResourceEdit,
    SearchQuery,
    ShareMethod,
    ShareType,
    State,
)
from beijiang.catalog.plain import as_gap, as_hit, as_plain, as_resource
from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog.models import Resource
    from beijiang.catalog.service import Catalog

__all__ = ["commands"]

_ADVICE = (
    Column("field", Text("字段", "field")),
    Column("value", Text("建议", "advice")),
    Column("decided", Text("已定", "decided")),
    Column("why", Text("理由", "why")),
)
_TASKS = (
    Column("what", Text("待办", "task")),
    Column("name", Text("目录", "entry")),
    Column("provider", Text("提供方", "provider"), spare=True),
    Column("due_on", Text("期限", "due")),
    Column("days_left", Text("剩余工作日", "working days left"), right=True),
    Column("resource_id", Text("标识", "id"), whole=True),
)


def commands(get: Callable[[], Catalog], get_access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="Catalog entries: find, complete, review, release, withdraw.", no_args_is_help=True)
    _looking(app, get, get_access)
    _changing(app, get, get_access)
    _deciding(app, get, get_access)
    deciding.add(app, get, get_access)
    review.add(app, get, get_access)
    directory.add(app, get, get_access)
    fields.add(app, get, get_access)
    return app


def _looking(app: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    @app.command("list")
    def list_resources(
        state: list[State] = typer.Option([], help="Only in this state; may be given more than once."),
        org: str = typer.Option("", help="Only of this organisation."),
        limit: int = typer.Option(500, min=1, max=10_000, help="How many to show."),
        person: str = AS,
    ) -> None:
        """List entries, latest change first."""
        found = get().list(actor_of(get_access, person), states=state, org_id=org or None, limit=limit)
        show([_line(one) for one in found], RESOURCES)
        _say_if_cut(len(found), limit)

    @app.command("show")
    def show_resource(entry: str = ENTRY, person: str = AS) -> None:
        """Show one entry, its items, and what it still lacks."""
        actor = actor_of(get_access, person)
        found = find_entry(get(), actor, entry)
        gaps = get().missing(actor, found.id)
        if as_json():
            show({**as_resource(found), "missing": [as_gap(gap) for gap in gaps]})
            return
        show(_line(found), ONE)
        show([_item(found, number) for number in range(len(found.entry.items))], ITEMS)
        if gaps:
            lines = [{"blocking": g.blocking, "field": g.field, "what": g.text.in_language(language())} for g in gaps]
            show(lines, GAPS)

    @app.command()
    def search(
        words: str = typer.Argument("", help="What to look for: words, pinyin, initials, field names."),
        page: int = typer.Option(1, min=1, help="Page of the result."),
        person: str = AS,
    ) -> None:
        """Search the catalog."""
        found = get().search(actor_of(get_access, person), SearchQuery(text=words, page=page))
        show_hits({**as_plain(found), "hits": [as_hit(hit) for hit in found.hits]}, words)

    @app.command()
    def tasks(person: str = AS) -> None:
        """List what somebody is waited for."""
        found = get().tasks_for(actor_of(get_access, person))
        rows = [
            {
                "what": task.kind.text.in_language(language()),
                "name": task.name,
                "provider": task.provider_name,
                "due_on": task.due_on,
                "days_left": task.days_left,
                "resource_id": task.resource_id,
            }
            for task in found
        ]
        show(rows, _TASKS)


def _changing(app: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    @app.command()
    def edit(
        entry: str = ENTRY,
        name: str = typer.Option(None, help="Name of the resource."),
        summary: str = typer.Option(None, help="Summary, at most 256 characters."),
        category: list[str] = typer.Option([], help="Division (six digits); the first one given is primary."),
        share_type: ShareType = typer.Option(None, help="How it is shared inside government."),
        share_condition: str = typer.Option(None, help="Condition of a conditional sharing."),
        no_share_basis: str = typer.Option(None, help="Legal basis of not sharing."),
        share_method: ShareMethod = typer.Option(None, help="Database, file or service."),
        open_type: OpenType = typer.Option(None, help="How it is opened to the public."),
        open_condition: str = typer.Option(None, help="Condition, or the reason for not opening."),
        open_item: list[str] = typer.Option([], help="Column to open; all others are closed."),
        licence: str = typer.Option(None, help="Licence of open data, for example CC-BY-4.0."),
        update_cycle: str = typer.Option(None, help="Code of the update cycle (1 real time ... 10 static)."),
        keyword: list[str] = typer.Option([], help="Keyword."),
        field: list[str] = typer.Option([], help="Declared field as KEY=VALUE; an empty value takes it away."),
        person: str = AS,
    ) -> None:
        """Change an entry; a published one begins a new version."""
        actor = actor_of(get_access, person)
        change = ResourceEdit(
            name=name,
            summary=summary,
            categories=tuple(category) or None,
            share_type=share_type,
            share_condition=share_condition,
            no_share_basis=no_share_basis,
            share_method=share_method,
            open_type=open_type,
            open_condition=open_condition,
            open_items=tuple(open_item) or None,
            licence=licence,
            update_cycle=update_cycle,
            keywords=tuple(keyword) or None,
            extensions=fields.filled(field),
        )
        _tell(get().edit(actor, find_entry(get(), actor, entry).id, change))

    @app.command()
    def advise(
        entry: str = ENTRY,
        take: bool = typer.Option(False, help="Fill in all that is not decided yet."),
        person: str = AS,
    ) -> None:
        """Say what an entry could say where nobody has decided, and why."""
        actor = actor_of(get_access, person)
        found = find_entry(get(), actor, entry)
        if take:
            _tell(get().take_advice(actor, found.id))
            return
        advice = get().advice(actor, found.id)
        lines = [
            {
                "field": a.field,
                "value": as_plain(a.value),
                "decided": a.decided,
                "why": a.reason.in_language(language()),
            }
            for a in advice
        ]
        show(as_plain(advice) if as_json() else lines, _ADVICE)

    @app.command()
    def submit(entry: str = ENTRY, person: str = AS) -> None:
        """Hand an entry to the bureau for review."""
        actor = actor_of(get_access, person)
        _tell(get().submit(actor, find_entry(get(), actor, entry).id))

    @app.command()
    def endorse(entry: str = ENTRY, seen: str = SEEN, person: str = AS) -> None:
        """Stand behind an entry as reviewer of its department."""
        actor = actor_of(get_access, person)
        found = find_entry(get(), actor, entry)
        _tell(get().endorse(actor, found.id, seen=seen_of(found, seen)))


def _deciding(app: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    @app.command()
    def approve(entry: str = ENTRY, seen: str = SEEN, person: str = AS) -> None:
        """Register an entry: its codes are made, and it waits for publication."""
        actor = actor_of(get_access, person)
        found = find_entry(get(), actor, entry)
        _tell(get().approve(actor, found.id, seen=seen_of(found, seen)))

    @app.command("return")
    def return_for_mending(
        entry: str = ENTRY,
        reason: list[str] = typer.Option(..., help="Why; may be given more than once."),
        for_good: bool = typer.Option(False, help="Refuse the registration altogether."),
        person: str = AS,
    ) -> None:
        """Send an entry back with reasons."""
        actor = actor_of(get_access, person)
        _tell(get().return_for_mending(actor, find_entry(get(), actor, entry).id, reason, for_good=for_good))

    @app.command()
    def release(
        entry: str = ENTRY,
        people: list[str] = typer.Option([], "--as", help="Login of a person; give all whose steps are to be taken."),
    ) -> None:
        """Take an entry through submission, review and publication, as the people given, as far as they may.

        Exit status 1 when a step still waits for somebody else.
        """
        actors = [actor_of(get_access, login) for login in people] or [SYSTEM]
        catalog = get()
        found = find_entry(catalog, actors[0], entry)
        waiting = catalog.release_as(actors, found.id)
        _tell(catalog.get(actors[0], found.id))
        if waiting is not None:
            say(waiting, always=True)
            raise typer.Exit(1)

    @app.command()
    def withdraw(
        entry: str = ENTRY,
        reason: str = typer.Option(..., help="Why; the history and the evidence keep it."),
        for_good: bool = typer.Option(False, help="End the entry; its codes are never used again."),
        person: str = AS,
    ) -> None:
        """Take a published entry offline."""
        actor = actor_of(get_access, person)
        _tell(get().withdraw(actor, find_entry(get(), actor, entry).id, reason, for_good=for_good))


def _line(found: Resource) -> dict[str, Any]:
    entry = found.entry
    return {
        "id": found.id,
        "name": entry.name,
        "provider": entry.provider_name,
        "table": found.table,
        "state": found.state.text.in_language(language()) if not as_json() else found.state.value,
        "version": found.version,
        "open_type": _word(entry.open_type),
        "level": entry.level,
        "rows": found.facts.rows,
        "code": str(found.codes[0]) if found.codes else None,
        "revision": found.revision,
    }


def _word(value: OpenType | ShareType | None) -> str | None:
    if value is None:
        return None
    return value.value if as_json() else value.text.in_language(language())


def _item(found: Resource, number: int) -> dict[str, Any]:
    item = found.entry.items[number]
    return {
        "#": number + 1,
        "column": item.column,
        "name": item.name,
        "type": item.type,
        "grade": item.level or "",
        "share": _word(found.entry.share_type_of(item)),
        "open": _word(found.entry.open_type_of(item)),
    }


def _say_if_cut(count: int, limit: int) -> None:
    if count == limit:
        say(Text(f"只列出最近修改的 {limit} 条。", f"Only the {limit} latest changes are listed."), always=True)


def _tell(found: Resource) -> None:
    show(as_resource(found) if as_json() else _line(found), ONE)
