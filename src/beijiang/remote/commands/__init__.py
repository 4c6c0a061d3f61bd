"""``beijiang remote``: what a consumer, a steward or a developer does on a server from another machine."""

from __future__ import annotations

import typer

from beijiang.remote.commands.asking import add_asking
from beijiang.remote.commands.keeping import add_keeping
from beijiang.remote.commands.reading import add_reading
from beijiang.remote.commands.shown import Listed, Shown
from beijiang.remote.commands.taking import add_taking
from beijiang.remote.commands.writing import add_writing
from beijiang.remote.speaking import Line

__all__ = ["Listed", "Shown", "commands"]

HELP = "A platform on another machine: sign on with a key, find, read, download, hand in, ask."


def commands(shown: Shown) -> typer.Typer:
    """Return the command group; it needs no home."""
    group = typer.Typer(help=HELP, no_args_is_help=True)
    line = Line()

    @group.callback()
    def choose(
        server: str = typer.Option("", "--server", help="Name or address of the server; the chosen one if left out."),
    ) -> None:
        line.named = server

    choose.__doc__ = HELP
    add_keeping(group, line)
    add_reading(group, line, shown)
    add_taking(group, line, shown)
    add_asking(group, line, shown)
    add_writing(group, line, shown)
    return group
