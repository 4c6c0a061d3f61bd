"""The directory as a file at the terminal: out and in, in the national layout."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.catalog.commands.whom import AS, actor_of
from beijiang.catalog.models import DIRECTORY_COLUMNS, State
from beijiang.catalog.plain import as_plain
from beijiang.kit import Invalid, Text
from beijiang.standards import SheetFormat
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog.service import Catalog

__all__ = ["add", "form_of", "show_taken"]

_FAULTS = (
    Column("line", Text("行", "line"), right=True),
    Column("field", Text("列", "column")),
    Column("what", Text("问题", "what is wrong")),
)


def add(app: typer.Typer, get: Callable[[], Catalog], get_access: Callable[[], Access]) -> None:
    """Add the commands to the catalog's."""

    @app.command("export")
    def export(
        path: Path = typer.Argument(help="File to write: .xlsx, .csv or .pdf.", dir_okay=False),
        state: list[State] = typer.Option([], help="Only in this state; may be given more than once."),
        org: str = typer.Option("", help="Only of this organisation."),
        person: str = AS,
    ) -> None:
        """Write the directory as a spreadsheet in the national layout."""
        actor = actor_of(get_access, person)
        content = get().export_directory(actor, form_of(path), states=state, org_id=org or None, language=language())
        path.write_bytes(content)
        say(Text(f"已写入 {path}", f"Wrote {path}"))

    @app.command("import")
    def take(
        path: Path = typer.Argument(help="Spreadsheet or CSV file (UTF-8 or GBK).", exists=True, dir_okay=False),
        check: bool = typer.Option(False, help="Only say what it would do."),
        person: str = AS,
    ) -> None:
        """Register and change entries as a spreadsheet says, all of them or none; exit status 1 where anything is wrong."""
        actor = actor_of(get_access, person)
        taken = get().take_directory(actor, path.name, path.read_bytes(), only_check=check)
        show_taken(as_plain(taken), get().directory_columns(actor))


def show_taken(taken: Mapping[str, Any], columns: Mapping[str, Text] = DIRECTORY_COLUMNS) -> None:
    """Print what a file did or would do, and what is wrong in which line; exit status 1 where anything is."""
    if as_json():
        show(taken)
    else:
        added, changed, same = (len(taken[one]) for one in ("added", "changed", "same"))
        say(
            Text(
                f"新增 {added}，修改 {changed}，未变 {same}{'' if taken['done'] else '（没有保存）'}",
                f"{added} added, {changed} changed, {same} the same{'' if taken['done'] else ' (nothing was kept)'}",
            ),
            always=True,
        )
        show([_fault(one, columns) for one in taken["faults"]], _FAULTS)
    if taken["faults"]:
        raise typer.Exit(1)


def _fault(one: Mapping[str, Any], columns: Mapping[str, Text]) -> dict[str, Any]:
    what = Text(**one["text"]).in_language(language())
    return {"line": one["line"], "field": _named(one["field"], columns), "what": what}


def _named(field: str, columns: Mapping[str, Text]) -> str:
    return columns[field].in_language(language()) if field in columns else field


def form_of(path: Path) -> SheetFormat:
    """Return the form that a file's name asks for."""
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in set(SheetFormat):
        raise Invalid(
            "文件名应以 .xlsx、.csv 或 .pdf 结尾。",
            "The name of the file ends with .xlsx, .csv or .pdf.",
            code="bad_form",
        )
    return SheetFormat(suffix)
