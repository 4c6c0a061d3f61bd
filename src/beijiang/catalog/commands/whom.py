"""Who acts at the terminal, and which entry is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Actor, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.access import Access
    from beijiang.catalog.models import Resource
    from beijiang.catalog.service import Catalog

__all__ = ["AS", "ENTRY", "actor_of", "find_entry"]

AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
SEEN = typer.Option(None, help="The `seen` of the entry as you read it; without it you are shown and asked.")
ENTRY = typer.Argument(help="Id of the entry, name of its table, or name of the entry.")


def actor_of(get_access: Callable[[], Access], login: str) -> Actor:
    """Return the person of a login, or the platform."""
    return get_access().actor_for_person(login) if login else SYSTEM


def find_entry(catalog: Catalog, actor: Actor, what: str) -> Resource:
    """Find an entry by id, by the name of its table, or by its own name, among those that the actor may see."""
    if what.startswith("res_"):
        return catalog.get(actor, what)
    of_table = catalog.resource_for_table(what)
    if of_table is not None:
        return catalog.get(actor, of_table.id)
    named = [found for found in catalog.list(actor, limit=10_000) if found.entry.name == what]
    if len(named) != 1:
        raise NotFound(
            f"没有名为“{what}”的目录（或有多条同名）。请用 beijiang catalog search 查找，并使用标识。",
            f"There is no entry “{what}”, or more than one. Look with beijiang catalog search and use the id.",
            code="unknown_resource",
        )
    return named[0]
