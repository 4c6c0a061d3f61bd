"""``beijiang find``: one search over all that a person may see in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, language, show

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["find_command"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_WORDS = typer.Argument("", help="Chinese, pinyin or initials; nothing: what was touched last.")
_COLUMNS = (
    Column("kind", Text("类别", "kind")),
    Column("name", Text("名称", "name"), whole=True),
    Column("note", Text("说明", "note")),
    Column("href", Text("地址", "address"), spare=True),
)


def find_command(get: Callable[[], Platform]) -> Callable[..., None]:
    """Return the command."""

    def find(words: str = _WORDS, person: str = _AS) -> None:
        """Find anything that a person may see in the console, and what can be done."""
        from beijiang.console.service import Console

        platform = get()
        actor = platform.access.actor_for_person(person) if person else SYSTEM
        found = Console(platform).find(actor, words)
        show(
            [
                {
                    "kind": one.kind.text.in_language(language()),
                    "name": one.name.in_language(language()),
                    "note": one.note.in_language(language()),
                    "href": one.href,
                }
                for one in found
            ],
            _COLUMNS,
        )

    return find
