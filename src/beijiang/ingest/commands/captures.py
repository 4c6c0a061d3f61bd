"""The verbs of ``beijiang ingest`` that follow the log of a source."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.ingest.commands.files import AS, actor_of, follow, why
from beijiang.ingest.models import RunState
from beijiang.kit import BeijiangError, Text
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import Run
    from beijiang.ingest.service import Captures

__all__ = ["add_captures"]

_LAG = (
    Column("seconds", Text("落后（秒）", "seconds behind"), right=True),
    Column("bytes", Text("未读日志（字节）", "log not read yet, bytes"), right=True),
    Column("retained", Text("数据源为此保留（字节）", "kept at the source, bytes"), right=True),
    Column("position", Text("位置", "position")),
)
_STRETCH = (
    Column("run", Text("任务", "run")),
    Column("version", Text("版本", "version"), right=True),
    Column("added", Text("新增", "added"), right=True),
    Column("changed", Text("修改", "changed"), right=True),
    Column("removed", Text("删除", "removed"), right=True),
    Column("position", Text("位置", "position")),
)
_PATIENCE = 60.0


def add_captures(group: typer.Typer, get: Callable[[], Captures]) -> None:
    """Add the verbs to ``beijiang ingest``."""

    @group.command("lag")
    def lag(table: str = typer.Argument(help="Table, or id of the sync."), person: str = AS) -> None:
        """Measure how far a table that follows a log is behind its source."""
        captures = get()
        found = captures.lag(actor_of(captures.ingest, person), table)
        if found is None:
            say(
                Text(
                    "尚未开始。下一步：beijiang ingest sync " + table, "Not begun. Next: beijiang ingest sync " + table
                )
            )
            return
        told = found.to_json()
        shown = {**told, "seconds": told["lag_seconds"], "bytes": told["lag_bytes"], "retained": told["retained_bytes"]}
        show(told if as_json() else shown, _LAG)
        for warning in () if as_json() else found.warnings:
            say(warning)

    @group.command("follow")
    def follow_(
        table: str = typer.Argument(help="Table, or id of the sync."),
        every: float = typer.Option(2.0, min=0.1, max=3600, help="Seconds between two looks at the log."),
        seconds: float = typer.Option(0.0, "--for", min=0, help="Stop after so many seconds; 0: until interrupted."),
        person: str = AS,
    ) -> None:
        """Follow a source's log until interrupted: each look takes what it holds by then, as one version."""
        captures = get()
        actor = actor_of(captures.ingest, person)
        until = time.monotonic() + seconds if seconds else float("inf")
        silent_since: float | None = None
        while time.monotonic() < until:
            begun = time.monotonic()
            try:
                run_id = captures.catch_up(actor, table)
                if run_id is not None:
                    run = follow(captures.ingest, actor, run_id)
                    if run.state is not RunState.COMMITTED:
                        raise why(run)
                    show(run.to_json() if as_json() else _stretch(run), _STRETCH)
                silent_since = None
            except BeijiangError as error:
                silent_since = silent_since or begun
                if not error.transient or begun - silent_since > _PATIENCE:
                    raise
                say(Text(error.text.in_language(language()), error.text.in_language(language())))
            time.sleep(max(0.0, min(every - (time.monotonic() - begun), until - time.monotonic())))


def _stretch(run: Run) -> dict[str, Any]:
    report: Any = run.report
    return {
        "run": run.id,
        "version": run.version,
        "added": report.get("rows_added"),
        "changed": report.get("rows_changed"),
        "removed": report.get("rows_removed"),
        "position": report["captured"]["to"],
    }
