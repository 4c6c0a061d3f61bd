"""The options that say what is given less: at a decision, at a change of a grant, and at the plans of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from beijiang.exchange.models import Narrowing
from beijiang.protection import read_where

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.exchange.models import Way

__all__ = ["CALLS", "EARLIER", "MASKED", "ROWS", "WHERE", "WITHOUT", "WITHOUT_WAY", "narrowing_of"]

WITHOUT = typer.Option([], "--without", help="Column that is not given.")
MASKED = typer.Option([], "--masked", help="Column that is given masked only.")
WITHOUT_WAY = typer.Option([], "--without-way", help="Way that is not opened.")
EARLIER = typer.Option(None, "--until", help="Last day, if earlier.", formats=["%Y-%m-%d"])
WHERE = typer.Option([], "--where", help="Condition on the rows: COLUMN=VALUE or COLUMN__op=VALUE.")
CALLS = typer.Option(None, help="Calls a day at most.", min=1)
ROWS = typer.Option(None, help="Rows a day at most.", min=1)


def narrowing_of(
    without: list[str],
    masked: list[str],
    without_way: list[Way],
    until: datetime | None,
    where: list[str],
    calls: int | None,
    rows: int | None,
) -> Narrowing:
    """Return what options take away."""
    return Narrowing(
        without=frozenset(without),
        masked=frozenset(masked),
        without_ways=frozenset(without_way),
        until=None if until is None else until.date(),
        filters=tuple(read_where(text) for text in where),
        calls_per_day=calls,
        rows_per_day=rows,
    )
