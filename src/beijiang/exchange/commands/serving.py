"""``beijiang exchange serving``: indexed copies of what readers page through."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.commands.matters import acting
from beijiang.kit import Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models import ServingView
    from beijiang.exchange.service import Servings
    from beijiang.jobs import Jobs

__all__ = ["servings"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TABLE = typer.Argument(help="Name of the table.")

_COPIES = (
    Column("table", Text("表", "table")),
    Column("version", Text("版本", "version")),
    Column("for", Text("对象", "for")),
    Column("state", Text("状态", "state")),
    Column("indexes", Text("索引", "indexes")),
    Column("rows", Text("行数", "rows")),
    Column("bytes", Text("字节", "bytes")),
    Column("note", Text("说明", "note")),
)


def servings(get: Callable[[], Servings], jobs: Callable[[], Jobs], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of serving copies."""
    group = typer.Typer(help="Serving copies: quicker look-ups and pages for programs.", no_args_is_help=True)
    who = acting(access)

    @group.command("ask")
    def ask(
        table: str = _TABLE,
        column: list[str] = typer.Option([], help="A column that is looked up; give it again for more."),  # noqa: B008
        wait: bool = typer.Option(True, help="Wait until the copies are made."),
        person: str = _AS,
    ) -> None:
        """Have copies of a table made for every reader of it; they follow its releases and grants."""
        _done(get().ask(who(person), table, column), person, wait=wait)

    @group.command("refresh")
    def refresh(
        table: str = _TABLE,
        wait: bool = typer.Option(True, help="Wait until the copies are made."),
        person: str = _AS,
    ) -> None:
        """Make what is missing now, what failed before included."""
        _done(get().refresh(who(person), table), person, wait=wait)

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """Show the tables with copies that you look after."""
        show([row for view in get().views(who(person)) for row in _rows(view)], _COPIES)

    @group.command("show")
    def show_(table: str = _TABLE, person: str = _AS) -> None:
        """Show the copies of a table, and whom each is for."""
        show(_rows(get().view(who(person), table)), _COPIES)

    @group.command("end")
    def end(table: str = _TABLE, person: str = _AS) -> None:
        """Have no copies of a table any more."""
        get().end(who(person), table)
        say(Text("已停用，文件已删除。", "Ended; the files are removed."))

    def _done(view: ServingView, person: str, *, wait: bool) -> None:
        if wait and view.job is not None:
            jobs().run_inline(view.job)
            view = get().view(who(person), view.serving.table)
        show(_rows(view), _COPIES)

    return group


def _rows(view: ServingView) -> list[dict[str, Any]]:
    return [
        {
            "table": view.serving.table,
            "version": copy.version,
            "for": ", ".join(whose),
            "state": copy.state.text,
            "indexes": ", ".join(copy.indexes),
            "rows": copy.rows,
            "bytes": copy.bytes,
            "note": copy.note,
        }
        for copy, whose in view.copies
    ]
