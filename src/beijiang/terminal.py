"""What commands print: tables for people, JSON for programs, progress for anything that takes a while."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from beijiang.kit import BeijiangError, Invalid, Language, Text


@dataclass(slots=True)
class _Style:
    as_json: bool = False
    language: Language = Language.ZH


_style = _Style()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a printed table: the key in each row and its heading.

    On a narrow terminal a ``whole`` one is never broken, so that what a person copies from it is right; a ``spare`` one
    is left out before the others become too narrow to read. Numbers (``right``) are whole.
    """

    key: str
    title: Text
    right: bool = False
    whole: bool = False
    spare: bool = False


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


def say(text: Text, *, always: bool = False) -> None:
    """Print one sentence for a person on standard error, so that it never mixes with data; programs get the needed ones."""
    if always or not _style.as_json:
        sys.stderr.write(_harmless(text.in_language(_style.language)) + "\n")


def show(value: Mapping[str, Any] | Sequence[Mapping[str, Any]], columns: Sequence[Column] = ()) -> None:
    """Print one thing or a list of things: JSON when asked for, otherwise a table as wide as it needs and may be."""
    if _style.as_json:
        sys.stdout.write(json_of(value) + "\n")
    elif isinstance(value, Mapping):
        _show_facts(value, columns)
    else:
        _show_table(value, list(columns) or [Column(key, Text(key, key)) for key in (value[0] if value else ())])


def json_of(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON that a terminal can show: what would steer it is escaped, and the value stays the same."""
    text = json.dumps(value, ensure_ascii=False, default=_plain, indent=indent)
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _show_facts(value: Mapping[str, Any], columns: Sequence[Column]) -> None:
    from rich.cells import cell_len, set_cell_size
    from rich.console import Console
    from rich.text import Text as Line

    named = {c.key: c.title.in_language(_style.language) for c in columns}
    titles = {key: _harmless(named.get(key, key)) for key in value}
    width = max(map(cell_len, titles.values()), default=0)
    console = Console()
    for key, item in value.items():
        title = set_cell_size(titles[key], width)
        console.print(Line.assemble((title, "bold"), "  ", _cell(item)), soft_wrap=True)


def _show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Line

    console = Console()
    titles = {c.key: _harmless(c.title.in_language(_style.language)) for c in columns}
    lines = [{c.key: _cell(row.get(c.key)) for c in columns} for row in rows]
    natural = {
        key: max(cell_len(part) for text in (title, *(line[key] for line in lines)) for part in text.split("\n"))
        for key, title in titles.items()
    }
    widths = _widths(columns, natural, console.width) if console.is_terminal else natural
    table = Table(header_style="bold")
    for column in columns:
        if column.key in widths:
            table.add_column(
                Line(titles[column.key]),
                justify="right" if column.right else "left",
                overflow="fold",
                width=widths[column.key],
            )
    for line in lines:
        table.add_row(*(Line(line[key]) for key in widths))
    console.width = max(console.width, _total(widths))
    console.print(table)


_READABLE = 12
"""Cells that a column keeps when its text is folded."""


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + 3 * len(widths) + 1


def _widths(columns: Sequence[Column], natural: Mapping[str, int], room: int) -> dict[str, int]:
    """Fit columns into a terminal: fold the widest texts, leave out what is spare, and never break what is whole."""
    shown = list(columns)
    while True:
        widths = {c.key: natural[c.key] for c in shown}
        folding = [c.key for c in shown if not (c.whole or c.right)]
        while _total(widths) > room and (widest := max(folding, key=widths.__getitem__, default="")):
            if widths[widest] <= _READABLE:
                break
            widths[widest] -= 1
        spare = next((c for c in reversed(shown) if c.spare), None)
        if _total(widths) <= room or spare is None:
            return widths
        shown.remove(spare)


def asked_after(tell: Callable[[], object], token: str) -> str:
    """Show what is decided on and ask; return the token of what was shown, or nothing where nobody answers."""
    if _style.as_json:
        return ""
    import typer  # whoever asks has it loaded

    tell()
    try:
        agreed = typer.confirm(
            Text("以上就是要决定的内容。同意吗？", "This is what you decide on. Do you agree?").in_language(
                _style.language
            )
        )
    except typer.Abort:
        return ""
    if not agreed:
        raise typer.Exit(1)
    return token


def report(error: BeijiangError) -> None:
    """Print why a command failed: one line of JSON for a program, a sentence on standard error for a person."""
    message = error.message(_style.language)
    if _style.as_json:
        body = {"code": error.reason, "message": message, "detail": error.detail, "request_id": None}
        sys.stdout.write(json_of({"error": body}) + "\n")
    else:
        message = _harmless(message)
        sys.stderr.write(message + "\n" if message.startswith(_HELP) else f"✗ {message}\n")


_HELP = "Usage: "
_MISUSES = (
    (re.compile(r"Missing (?:argument|option|parameter) (.+)\."), r"缺少 \1。"),
    (re.compile(r"No such option: (\S+)(.*)"), r"没有选项 \1。"),
    (re.compile(r"No such command (\S+?)\.(?: Did you mean (.+)\?)?"), r"没有命令 \1。"),
    (re.compile(r"Invalid value for (.+?): (?:Value error, )?(.+?)\.?", re.DOTALL), r"\1 的值不对（\2）。"),
    (re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.+)\)"), r"多了参数 \1。"),
    (re.compile(r"Option (\S+) requires an argument\."), r"选项 \1 需要一个值。"),
)


def misuse(message: str, command: str) -> BeijiangError:
    """Say in both languages what is wrong with a command line, and where its usage is explained."""
    if message.startswith(_HELP):
        return Invalid(message, message, code="usage")
    zh = next((found.expand(words) for pattern, words in _MISUSES if (found := pattern.fullmatch(message))), message)
    en = message if message.endswith((".", "?")) else f"{message}."
    return Invalid(f"用法不对：{zh}请看 {command} --help。", f"Wrong usage: {en} See {command} --help.", code="usage")


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


def verbatim(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a person's table for ``show``: its whole numbers may be codes, so nothing is put into them."""
    return {name: str(value) if type(value) is int else value for name, value in row.items()}


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What steers a terminal. Cells and headings come from suppliers' files, words from servers, so it is shown, never sent."""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple, dict)):
        return json_of(value)
    return _harmless(str(value))


def _harmless(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text.expandtabs(4))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
