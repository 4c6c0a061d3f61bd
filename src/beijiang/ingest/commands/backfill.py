"""``beijiang ingest backfill``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.ingest.commands.files import AS, actor_of, follow, show_run, why
from beijiang.ingest.models import CursorRange, RunState
from beijiang.kit import Invalid, Text
from beijiang.terminal import as_json, say, show

if TYPE_CHECKING:
    from beijiang.ingest.service import Sources

__all__ = ["add_backfill"]


def add_backfill(group: typer.Typer, get: Callable[[], Sources]) -> None:
    """Add the verb that reads a part again to ``beijiang ingest``."""

    @group.command("backfill")
    def backfill(  # options of a command
        table: str = typer.Argument(help="Table or sync."),
        since: str = typer.Option(
            "", "--from", help="First value of the cursor: 2026-01-01, 2026-01-01 08:00, a number."
        ),
        until: str = typer.Option("", "--to", help="Last value of the cursor; a day means all of it."),
        everything: bool = typer.Option(False, "--everything", help="Read all that the sync covers again."),
        yes: bool = typer.Option(False, "--yes", help="Do it; without it only the preview is shown."),
        person: str = AS,
    ) -> None:
        """Read a part of a source again: first says how many rows that would be. Later runs go on where they were."""
        sources = get()
        actor = actor_of(sources.ingest, person)
        part = CursorRange(since, until)
        if bool(part) == everything:
            raise Invalid(
                "请用 --from/--to 指明一段，或用 --everything。",
                "Name a part with --from and --to, or say --everything.",
                code="bad_range",
            )
        plan = sources.plan(actor, table, whole=everything, part=part)
        if not yes:
            rows = "?" if plan.rows is None else f"{plan.rows:,}"
            show(plan.to_json()) if as_json() else say(
                Text(
                    f"将重新读取 {rows} 行（{plan.start or '开头'} 至 {plan.end or '最新'}）。加 --yes 执行。",
                    f"{rows} rows would be read again ({plan.start or 'the beginning'} to {plan.end or 'the newest'}). Add --yes to do it.",
                )
            )
            return
        run = follow(
            sources.ingest, actor, sources.run(actor, table, whole=everything, part=part, reason="补取 / back-fill")
        )
        show_run(run)
        if run.state is not RunState.COMMITTED:
            raise why(run)
