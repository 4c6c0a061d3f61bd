"""``beijiang federation troubles`` and ``retention``: what is looked after by itself on links to other nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, language, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.federation.service import LinkWatch

__all__ = ["add_watch"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TROUBLES = (
    Column("subject", Text("节点", "node"), whole=True),
    Column("kind", Text("种类", "kind")),
    Column("text", Text("情况", "what")),
    Column("opened_at", Text("自", "since")),
    Column("acknowledged_by", Text("已确认", "acknowledged"), spare=True),
)
_KEPT = (
    Column("letters", Text("信件", "letters")),
    Column("limit", Text("办结后保存", "kept after they were settled")),
    Column("basis", Text("依据", "basis")),
    Column("until", Text("清除早于", "older go"), spare=True),
    Column("due", Text("到期待清除", "past it"), right=True),
)


def add_watch(group: typer.Typer, get: Callable[[], LinkWatch], access: Callable[[], Access]) -> None:
    """Add the commands to the group."""

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("troubles")
    def troubles(person: str = _AS) -> None:
        """List what is wrong with linked nodes: who is late, of whom no more entries are taken."""
        found = get().troubles(who(person))
        show([{**one.to_json(), "text": one.text.in_language(language())} for one in found], _TROUBLES)

    @group.command("retention")
    def retention(person: str = _AS) -> None:
        """Show how long letters are kept, by which law, and how many are past it; the server clears them once a day."""
        tongue = language()
        rows = [
            {**one.to_json(), "letters": one.text.in_language(tongue), "limit": one.limit.in_language(tongue)}
            for one in get().kept(who(person))
        ]
        show(rows, _KEPT)
