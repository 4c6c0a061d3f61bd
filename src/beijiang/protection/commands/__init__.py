"""``beijiang protection``: grades, masks, row rules, and the release check."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.protection.commands import grades, levels, releases
from beijiang.protection.commands.private import private

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.protection.service import Protection, Releases

__all__ = ["commands", "private"]


def commands(
    get: Callable[[], Protection], access: Callable[[], Access], checks: Callable[[], Releases]
) -> typer.Typer:
    """Return the command group of protection."""
    group = typer.Typer(
        help="Grades and masks of columns, rules on rows, release checks: see them, change them.", no_args_is_help=True
    )
    grades.add(group, get, access)
    levels.add(group, get, access)
    releases.add(group, checks, access)
    return group
