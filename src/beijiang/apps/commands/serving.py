"""The terminal's words for the servers that bundles bring along."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import Text
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.apps.models import ServerStanding
    from beijiang.apps.service import AppServers
    from beijiang.kit import Actor

__all__ = ["add_server"]

_SERVER = (
    Column("app", Text("应用", "application"), whole=True),
    Column("version", Text("版本", "version"), right=True),
    Column("state", Text("状态", "state")),
    Column("since", Text("自", "since")),
    Column("starts", Text("启动次数", "starts"), right=True),
    Column("walls", Text("隔离", "walls")),
    Column("error", Text("退出前的最后一行", "last line before it ended")),
)


def add_server(group: typer.Typer, get: Callable[[], AppServers], who: Callable[[str], Actor]) -> None:
    """Add the commands."""

    @group.command("server")
    def server(
        app: str = typer.Argument(help="Id of the application."),
        log: bool = typer.Option(False, "--log", help="Show its last words too."),
        person: str = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts."),
    ) -> None:
        """Show how the server of an application stands, and its log."""
        found, words = get().standing(who(person), app)
        if found is None:
            say(Text("还没有运行过。", "It never ran."))
            return
        facts = _facts(found)
        show({**facts, "log": words} if as_json() and log else [facts], _SERVER)
        if log and not as_json():
            typer.echo(words)

    @group.command("server-restart")
    def restart(
        app: str = typer.Argument(help="Id of the application."),
        person: str = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts."),
    ) -> None:
        """Have the server of an application begun anew at the next request."""
        show([_facts(get().restart(who(person), app))], _SERVER)

    @group.command("server-stop")
    def stop(
        app: str = typer.Argument(help="Id of the application."),
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts."),
    ) -> None:
        """Stop the server of an application until it is started; its pages go on."""
        show([_facts(get().hold(who(person), app, reason))], _SERVER)

    @group.command("server-start")
    def start(
        app: str = typer.Argument(help="Id of the application."),
        person: str = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts."),
    ) -> None:
        """Let the server of an application that was stopped run again, with the next request."""
        show([_facts(get().let_run(who(person), app))], _SERVER)

    @group.command("server-clear")
    def clear(
        app: str = typer.Argument(help="Id of the application."),
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts."),
    ) -> None:
        """Empty the own folder of an application's server for good, and have it begun anew."""
        held = get().clear(who(person), app, reason)
        say(
            Text(
                f"已清空：{held.entries:,} 个文件和目录，{held.bytes:,} 字节。",
                f"Emptied: {held.entries:,} files and folders of {held.bytes:,} bytes.",
            )
        )


def _facts(found: ServerStanding) -> dict[str, Any]:
    return {
        "app": found.app_id,
        "version": found.version,
        "state": found.state.text.in_language(language()),
        "since": found.since.isoformat(),
        "starts": found.starts,
        "walls": " ".join(found.walls),
        "error": found.error,
    }
