"""What commands print: tables for people, JSON for programs, progress for anything that takes a while."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from beijiang.kit import Language, Text


@dataclass(slots=True)
class _Style:
    as_json: bool = False
    language: Language = Language.ZH


_style = _Style()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a printed table: the key in each row and its heading."""

    key: str
    title: Text
    right: bool = False


class Progress:
    """A progress line that can be moved on."""

    def __init__(self, bar: Any = None, task: Any = None) -> None:
        self._bar = bar
        self._task = task

    def update(self, done: float, total: float | None = None, note: str = "") -> None:
        """Set how much is done, of how much, and what is going on."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, note=note)


def set_style(*, as_json: bool, language: Language) -> None:
    """Choose the form of all later output; called once by cli.py."""
    _style.as_json = as_json
    _style.language = language


def language() -> Language:
    """Return the language of the terminal."""
    return _style.language


def as_json() -> bool:
    """Tell whether output goes to a program."""
    return _style.as_json


def say(text: Text) -> None:
    """Print one sentence for a person on standard error, so that it never mixes with data."""
    if not _style.as_json:
        sys.stderr.write(text.in_language(_style.language) + "\n")


def show(value: Mapping[str, Any] | Sequence[Mapping[str, Any]], columns: Sequence[Column] = ()) -> None:
    """Print one thing or a list of things: JSON when asked for, otherwise a table."""
    if _style.as_json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False)
    if isinstance(value, Mapping):
        grid = Table.grid(padding=(0, 2))
        titles = {c.key: c.title.in_language(_style.language) for c in columns}
        for key, item in value.items():
            grid.add_row(f"[bold]{titles.get(key, key)}[/bold]", _cell(item))
        console.print(grid)
        return
    chosen = list(columns) or [Column(key, Text(key, key)) for key in (value[0] if value else ())]
    table = Table(header_style="bold")
    for column in chosen:
        table.add_column(
            column.title.in_language(_style.language), justify="right" if column.right else "left", overflow="fold"
        )
    for row in value:
        table.add_row(*(_cell(row.get(column.key)) for column in chosen))
    console.print(table)


@contextmanager
def progress(title: Text) -> Iterator[Progress]:
    """Show a moving bar on standard error while the block runs; silent for programs and pipes."""
    if _style.as_json or not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Progress(bar, bar.add_task(title.in_language(_style.language), total=None, note=""))


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple, dict)):
        return escape(json.dumps(value, ensure_ascii=False, default=_plain))
    return escape(str(value))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
