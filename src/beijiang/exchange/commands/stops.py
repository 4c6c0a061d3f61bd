"""``beijiang exchange stops``: what of a grant is not shared any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.exchange.commands.matters import acting
from beijiang.kit import Text
from beijiang.terminal import Column, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.service import Stops

__all__ = ["add_stops"]

_COLUMNS = (
    Column("item", Text("数据项", "item")),
    Column("reason", Text("原因", "why")),
    Column("since", Text("停止于", "since")),
    Column("ended_at", Text("恢复于", "shared again")),
)


def add_stops(group: typer.Typer, get: Callable[[], Stops], access: Callable[[], Access]) -> None:
    """Add the command to those of exchange."""
    who = acting(access)

    @group.command("stops")
    def stops(
        grant: str = typer.Argument(help="Id of the grant."),
        person: str = typer.Option("", "--as", help="Login of the person to act as."),
    ) -> None:
        """Show what of a grant is not shared any more, since when and why."""
        show([one.to_json() for one in get().of(who(person), grant)], _COLUMNS)
