"""``beijiang lineage``: where columns come from and go to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.lineage.models import Direction
from beijiang.lineage.plain import batches_of
from beijiang.tables import moment_of
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.lineage.service import Lineage

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TABLE = typer.Argument(help="Name of the table.")
_COLUMN = typer.Argument(help="Name of the column.")
_EDGES = (
    Column("source", Text("来自", "from"), whole=True),
    Column("source_column", Text("列", "column")),
    Column("use", Text("如何", "how")),
    Column("target", Text("得出", "makes"), whole=True),
    Column("target_column", Text("列", "column")),
)
_TOUCHED = (
    Column("steps", Text("步", "steps"), right=True),
    Column("kind", Text("类别", "kind")),
    Column("name", Text("名称", "name"), whole=True),
    Column("how", Text("如何", "how")),
)


def commands(get: Callable[[], Lineage], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Lineage: where columns come from and go to; OpenLineage events.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    def moment(words: str) -> datetime | None:
        return moment_of(words, ZoneInfo(get().settings.time_zone)) if words else None

    @group.command("show")
    def show_graph(
        table: str = _TABLE,
        column: str = typer.Option("", help="Only this column."),
        direction: Direction = typer.Option(Direction.BOTH, help="To its origins, to what is made of it, or both."),  # noqa: B008
        depth: int = typer.Option(3, min=1, max=10, help="Steps to go."),
        at: str = typer.Option("", help="As it was at this moment."),
        tables_only: bool = typer.Option(False, "--tables", help="Tables without their columns."),
        person: str = _AS,
    ) -> None:
        """Show what a table or column was made from and what is made of it."""
        graph = get().graph(
            who(person),
            table,
            column,
            direction=direction,
            depth=depth,
            at=moment(at),
            tables_only=tables_only,
        )
        if as_json():
            show(graph.to_json())
            return
        names = {node.id: node.name or node.kind.text.in_language(language()) for node in graph.nodes}
        show([{**e.to_json(), "source": names[e.source], "target": names[e.target]} for e in graph.edges], _EDGES)

    @group.command("impact")
    def impact(table: str = _TABLE, column: str = _COLUMN, person: str = _AS) -> None:
        """Show what a change of a column touches: tables, entries, readers, rules, recipes, libraries, grants, pushes, applications."""
        touched = get().impact(who(person), table, column)
        show([{**one.to_json(), "how": one.how.in_language(language())} for one in touched], _TOUCHED)

    @group.command("path")
    def path(
        from_table: str = _TABLE,
        from_column: str = _COLUMN,
        to_table: str = _TABLE,
        to_column: str = _COLUMN,
        person: str = _AS,
    ) -> None:
        """Show the steps by which one column was made from another."""
        steps = get().path(who(person), (from_table, from_column), (to_table, to_column))
        show([step.to_json() for step in steps], _EDGES)

    @group.command("export")
    def export(
        file: Path = typer.Argument(help="NDJSON file to write."),  # noqa: B008
        table: str = typer.Option("", help="Only writes of this table."),
        since: str = typer.Option("", help="Only writes from this moment on."),
        person: str = _AS,
    ) -> None:
        """Write OpenLineage 2-0-2 events of the platform's writes to a file, one a line."""
        after: int | None = 0
        count = 0
        begin = moment(since)
        with file.open("w", encoding="utf-8") as out:
            while after is not None:
                told, after = get().events(who(person), table=table, since=begin, after=after)
                out.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in told)
                count += len(told)
        say(Text(f"已写出 {count} 个事件：{file}", f"wrote {count} events to {file}"))

    @group.command("import")
    def take_in(
        file: Path = typer.Argument(help="NDJSON file of events, one a line, or a JSON array of them.", exists=True),  # noqa: B008
        person: str = typer.Option(..., "--as", help="Login of the person who sends them, for their department."),
    ) -> None:
        """Take OpenLineage 2-0-2 events of other tools in from a file, 500 at a time, each batch whole or not at all."""
        service, actor = get(), who(person)
        service.may_send(actor)
        new = sum(service.receive(actor, batch) for batch in batches_of(file.read_bytes()))
        say(Text(f"已收到 {new} 个新事件。", f"took {new} new events in."))

    return group
