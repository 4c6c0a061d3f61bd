"""Review at the terminal: what is said about an entry, and what changed between two versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.catalog.commands.whom import AS, ENTRY, actor_of, find_entry
from beijiang.catalog.plain import as_plain, as_thread
from beijiang.kit import Text
from beijiang.terminal import Column, as_json, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog.models import Thread
    from beijiang.catalog.service import Catalog

__all__ = ["add"]

_THREADS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("item", Text("数据项", "item")),
    Column("version", Text("送审版本", "for version"), right=True, spare=True),
    Column("who", Text("谁", "who")),
    Column("text", Text("批注", "comment")),
    Column("open", Text("未了结", "open")),
)
_CHANGES = (
    Column("kind", Text("变化", "change")),
    Column("column", Text("数据项", "item")),
    Column("field", Text("字段", "field")),
    Column("before", Text("之前", "before")),
    Column("after", Text("之后", "after")),
)
_THREAD = typer.Argument(help="Id of the thread.")
_SAID = typer.Argument(help="What to say.")


def add(app: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    """Add the commands to the catalog's."""

    @app.command()
    def compare(
        entry: str = ENTRY,
        before: int = typer.Argument(min=1, help="Number of the earlier version."),
        after: int = typer.Argument(None, min=1, help="Number of the later version; without it the working entry."),
        person: str = AS,
    ) -> None:
        """Show what changed between two versions of an entry."""
        actor = actor_of(get_access, person)
        found = get().compare(actor, find_entry(get(), actor, entry).id, before, after)
        show(as_plain(found) if as_json() else [as_plain(change) for change in found.changes], _CHANGES)

    @app.command()
    def remarks(entry: str = ENTRY, person: str = AS) -> None:
        """List what is said about an entry under review."""
        actor = actor_of(get_access, person)
        found = get().threads(actor, find_entry(get(), actor, entry).id)
        show(
            [as_thread(one) for one in found] if as_json() else [line for one in found for line in _lines(one)],
            _THREADS,
        )

    @app.command()
    def remark(
        entry: str = ENTRY,
        text: str = _SAID,
        item: str = typer.Option("", help="Column of the item that it is about; without it the entry itself."),
        person: str = AS,
    ) -> None:
        """Comment on an entry or one of its items."""
        actor = actor_of(get_access, person)
        _tell(get().remark(actor, find_entry(get(), actor, entry).id, text, column=item or None))

    @app.command()
    def reply(thread: str = _THREAD, text: str = _SAID, person: str = AS) -> None:
        """Answer a comment."""
        _tell(get().reply(actor_of(get_access, person), thread, text))

    @app.command()
    def resolve(thread: str = _THREAD, person: str = AS) -> None:
        """Say that a comment is settled."""
        _tell(get().resolve(actor_of(get_access, person), thread))


def _tell(found: Thread) -> None:
    show(as_thread(found) if as_json() else _lines(found), _THREADS)


def _lines(found: Thread) -> list[dict[str, Any]]:
    about = {"id": found.id, "item": found.column or "", "version": found.version, "open": found.is_open}
    return [{**about, "who": remark.actor_name, "text": remark.text} for remark in found.remarks]
