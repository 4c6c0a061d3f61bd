"""``beijiang exchange count``: a number, no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.exchange.commands.matters import acting
from beijiang.exchange.commands.told import proved
from beijiang.kit import Text
from beijiang.protection import doubt_text, read_where
from beijiang.terminal import say

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.service import Exchange

__all__ = ["add_counts"]


def add_counts(group: typer.Typer, get: Callable[[], Exchange], access: Callable[[], Access]) -> None:
    """Add the command to those of exchange."""
    who = acting(access)

    @group.command("count")
    def count(
        table: str = typer.Argument(help="Name of the table."),
        where: list[str] = typer.Option([], help="COLUMN=VALUE or COLUMN__op=VALUE, on items of the grant."),  # noqa: B008
        purpose: str = typer.Option("", help="Code of the purpose, if grants for several are held."),
        person: str = typer.Option("", "--as", help="Login of the person to act as."),
    ) -> None:
        """Tell how many rows meet conditions; a small number is not told."""
        found = get().count(who(person), table, [read_where(one) for one in where], purpose)
        number = Text(f"少于 {found.least}", f"fewer than {found.least}")
        if found.count is not None:
            number = Text(str(found.count), str(found.count))
        say(
            Text(
                f"约 {number.zh} 行（第 {found.version} 版）。{proved(found).zh}",
                f"about {number.en} rows (version {found.version}). {proved(found).en}",
            )
        )
        if found.in_doubt:
            say(doubt_text(found.in_doubt))
