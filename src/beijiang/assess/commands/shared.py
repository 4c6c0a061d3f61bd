"""What the commands of assessment share: options, files, who acts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.standards import SheetFormat
from beijiang.terminal import say

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.quality import HandedOut

__all__ = ["AS", "OUT", "PERIOD", "Who", "day_of", "form_of", "who_by", "write"]

AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
OUT = typer.Option(None, "--out", help="File to write; .csv or .xlsx.")
PERIOD = typer.Argument(help="2026-10, 2026Q3 or 2026.")
Who = Callable[[str], Actor]


def who_by(access: Callable[[], Access]) -> Who:
    """Return what finds the person to act as."""
    return lambda login: access().actor_for_person(login) if login else SYSTEM


def day_of(words: str) -> date:
    """Read a day.

    Raises:
        Invalid: it is none.

    """
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise Invalid("日期写作 2026-03-31。", "A day is written 2026-03-31.", code="bad_option") from None


def form_of(out: Path) -> SheetFormat:
    """Return the form of a file by its name.

    Raises:
        Invalid: it ends in neither.

    """
    try:
        return SheetFormat(out.suffix.removeprefix(".").lower())
    except ValueError:
        raise Invalid(
            "文件名须以 .csv、.xlsx 或 .pdf 结尾。", "The file's name ends in .csv, .xlsx or .pdf.", code="bad_option"
        ) from None


def write(file: HandedOut, out: Path) -> None:
    """Write a file and say so."""
    out.write_bytes(file.content)
    say(Text(f"已写入 {out}。", f"Written to {out}."))
