"""``beijiang tables``: look at tables and their versions, roll back, compact."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.tables.models import moment_of
from beijiang.terminal import Column, as_json, language, progress, show

if TYPE_CHECKING:
    from beijiang.tables.models import TableVersion
    from beijiang.tables.service import Tables

__all__ = ["commands"]

_TABLES = (
    Column("name", Text("表", "table"), whole=True),
    Column("org_id", Text("部门", "organisation"), whole=True),
    Column("version", Text("版本", "version"), right=True),
    Column("rows", Text("行数", "rows"), right=True),
    Column("bytes", Text("字节", "bytes"), right=True, spare=True),
    Column("columns", Text("列数", "columns"), right=True, spare=True),
    Column("history", Text("保留历史", "keeps history"), spare=True),
    Column("written_at", Text("更新时间", "written"), whole=True, spare=True),
)
_COLUMNS = (
    Column("name", Text("列", "column"), whole=True),
    Column("type", Text("类型", "type")),
    Column("key", Text("主键", "key")),
    Column("comment", Text("含义", "meaning")),
)
_VERSIONS = (
    Column("version", Text("版本", "version"), right=True),
    Column("at", Text("时间", "at"), whole=True),
    Column("actor", Text("操作人", "by")),
    Column("mode", Text("方式", "mode"), spare=True),
    Column("rows", Text("行数", "rows"), right=True),
    Column("change", Text("变化", "change")),
    Column("reason", Text("原因", "reason")),
    Column("sources", Text("来源文件", "source files")),
)


def commands(get: Callable[[], Tables]) -> typer.Typer:
    """Return the command group; the operator of the machine acts as the platform itself."""
    group = typer.Typer(help="Lake tables: list, show, history, rollback, compact.", no_args_is_help=True)

    @group.command("list")
    def list_tables() -> None:
        """List the tables with their newest version and size."""
        show([_summary(info) for info in get().list(SYSTEM)], _TABLES)

    @group.command("show")
    def show_table(name: str = typer.Argument(help="Name of the table.")) -> None:
        """Show one table: its columns, key and newest version."""
        info = get().get(SYSTEM, name)
        columns = [
            {"name": c.name, "type": c.type, "key": c.name in info.key, "comment": c.comment} for c in info.columns
        ]
        if as_json():
            show({**_summary(info), "id": info.id, "key": list(info.key), "columns": columns})
            return
        show(_summary(info), _TABLES)
        show(columns, _COLUMNS)

    @group.command("history")
    def history(
        name: str = typer.Argument(help="Name of the table."),
        limit: int = typer.Option(50, min=1, help="How many versions to show, newest first."),
    ) -> None:
        """Show who wrote which version, why, from which files, and what changed."""
        show([_version(v) for v in get().history(SYSTEM, name, limit)], _VERSIONS)

    @group.command("as-of")
    def as_of(
        name: str = typer.Argument(help="Name of a table that keeps its history."),
        moment: str = typer.Argument(help="Moment with its offset: 2026-01-31T08:00+08:00."),
    ) -> None:
        """Print the SQL that shows a table as it was at a moment; run it with beijiang sql."""
        show({"sql": get().as_of(SYSTEM, name, moment_of(moment))})

    @group.command("rollback")
    def rollback(
        name: str = typer.Argument(help="Name of the table."),
        to: int = typer.Option(..., "--to", min=1, help="The version to go back to."),
        reason: str = typer.Option(..., help="Why; kept in the history and in the evidence."),
    ) -> None:
        """Make an older version the newest again, as a new version."""
        with progress(Text("正在回滚", "Rolling back")):
            version = get().rollback(SYSTEM, name, to, reason)
        show(_version(version), _VERSIONS)

    @group.command("compact")
    def compact(name: str = typer.Argument(help="Name of the table.")) -> None:
        """Rewrite a table as one file sorted by key, so that look-ups read little."""
        with progress(Text("正在压实", "Compacting")):
            version = get().compact(SYSTEM, name)
        show(_version(version), _VERSIONS)

    return group


def _summary(info: Any) -> dict[str, Any]:
    return {
        "name": info.name,
        "org_id": info.org_id,
        "version": info.version,
        "rows": info.rows,
        "bytes": info.bytes,
        "columns": len(info.columns),
        "history": info.history,
        "written_at": info.written_at,
    }


def _version(version: TableVersion) -> dict[str, Any]:
    change = version.schema_change
    return {
        "version": version.version,
        "at": version.at,
        "actor": version.actor_name,
        "mode": version.mode.value,
        "rows": version.rows,
        "change": f"+{version.rows_added} ~{version.rows_changed} -{version.rows_removed}",
        "rows_added": version.rows_added,
        "rows_changed": version.rows_changed,
        "rows_removed": version.rows_removed,
        "reason": version.reason,
        "sources": "、".join(source.name for source in version.sources),
        "schema_change": [] if change is None else [line.in_language(language()) for line in change.lines()],
    }
