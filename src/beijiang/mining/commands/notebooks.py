"""``beijiang notebook``: notebooks as files, their versions, and runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.mining.errors import unfit_notebook
from beijiang.mining.models.notebooks import CellState, NotebookDraft, Sharing
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.mining.models.notebooks import CellOutcome, Notebook
    from beijiang.mining.service import Notebooks

__all__ = ["notebook_commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_ID = typer.Argument(help="Id of the notebook.")
_CELL = typer.Argument(help="Id of the cell.")
_SET = typer.Option([], "--set", help="name=value of a parameter; several.")
_FILE = typer.Argument(help="A notebook as a file (JSON).", exists=True, dir_okay=False)
_SHARING = typer.Option(Sharing.PRIVATE, help="Who else of the department has it.")
_OUT = typer.Option(None, "--out", help="File to write; printed if left out.", dir_okay=False)
_HEADS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("version", Text("版本", "version"), right=True),
    Column("sharing", Text("共享", "shared")),
    Column("by", Text("谁", "who")),
    Column("at", Text("时间", "at"), spare=True),
    Column("note", Text("说明", "note"), spare=True),
)


def notebook_commands(get: Callable[[], Notebooks], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Notebooks: cells of SQL, charts and notes, with parameters.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """Show one's own notebooks and those that the department shares."""
        show([_head(one) for one in get().notebooks(who(person))], _HEADS)

    @group.command("import")
    def import_(file: Path = _FILE, sharing: Sharing = _SHARING, person: str = _AS) -> None:
        """Keep a notebook that is a file."""
        show([_head(get().save(who(person), NotebookDraft.from_json(_read(file), sharing=sharing)))], _HEADS)

    @group.command("change")
    def change(
        notebook: str = _ID,
        file: Path = _FILE,
        base: int = typer.Option(..., help="The version that the change starts from."),
        sharing: Sharing = _SHARING,
        note: str = typer.Option("", help="What was changed."),
        person: str = _AS,
    ) -> None:
        """Make a new version out of a file."""
        draft = NotebookDraft.from_json(_read(file), sharing=sharing, note=note)
        show([_head(get().change(who(person), notebook, draft, base))], _HEADS)

    @group.command("export")
    def export(notebook: str = _ID, out: Path | None = _OUT, person: str = _AS) -> None:
        """Write a notebook as a file; no row is in it."""
        text = json.dumps(get().notebook(who(person), notebook).to_json(), ensure_ascii=False, indent=1)
        if out is None:
            typer.echo(text)
        else:
            out.write_text(text, encoding="utf-8")

    _add_versions(group, get, who)
    _add_running(group, get, who)
    return group


def _add_versions(group: typer.Typer, get: Callable[[], Notebooks], who: Callable[[str], Actor]) -> None:
    @group.command("versions")
    def versions(notebook: str = _ID, person: str = _AS) -> None:
        """Show all versions."""
        show([_head(one) for one in get().versions(who(person), notebook)], _HEADS)

    @group.command("compare")
    def compare(
        notebook: str = _ID,
        older: int = typer.Argument(help="One version."),
        newer: int = typer.Argument(help="The other."),
        person: str = _AS,
    ) -> None:
        """Show how two versions differ."""
        for line in get().compare(who(person), notebook, older, newer):
            typer.echo(line)

    @group.command("restore")
    def restore(notebook: str = _ID, version: int = typer.Argument(help="Version."), person: str = _AS) -> None:
        """Make an older version the newest one."""
        show([_head(get().restore(who(person), notebook, version))], _HEADS)

    @group.command("remove")
    def remove(notebook: str = _ID, person: str = _AS) -> None:
        """Take one's own notebook out of use."""
        get().remove(who(person), notebook)
        say(Text("已移除。", "Removed."))


def _add_running(group: typer.Typer, get: Callable[[], Notebooks], who: Callable[[str], Actor]) -> None:
    @group.command("run")
    def run(
        notebook: str = _ID,
        values: list[str] = _SET,
        purpose: str = typer.Option("", help="What the data are for; part of the record."),
        person: str = _AS,
    ) -> None:
        """Run all cells, one after the other; the first that fails ends it."""
        failed = False
        for one in get().run(who(person), notebook, _values(values), purpose=purpose):
            _print(one)
            failed = one.state is CellState.FAILED
        if failed:
            raise typer.Exit(1)

    @group.command("ask")
    def ask(
        notebook: str = _ID,
        cell: str = _CELL,
        purpose: str = typer.Option(..., help="Code of the purpose."),
        use: str = typer.Option(..., help="Why the data are needed."),
        values: list[str] = _SET,
        person: str = _AS,
    ) -> None:
        """Ask the owners of the data for what a query would give."""
        made = get().ask(who(person), notebook, cell, _values(values), purpose=purpose, use=use)
        say(Text(f"已提出需求 {made}。", f"Request {made} is handed in."), always=True)

    @group.command("python")
    def python(notebook: str = _ID, cell: str = _CELL, values: list[str] = _SET, person: str = _AS) -> None:
        """Show Python that asks the same under a person's own key."""
        typer.echo(get().snippet(who(person), notebook, cell, _values(values)), nl=False)


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise unfit_notebook("这不是笔记本文件。", "This is no file of a notebook.") from None


def _values(pairs: Sequence[str]) -> dict[str, str]:
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}


def _head(one: Notebook) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "version": one.revision,
        "sharing": one.sharing.text.in_language(language()),
        "by": one.by_name,
        "at": one.at,
        "note": one.note,
    }


def _print(one: CellOutcome) -> None:
    title = one.cell.title or one.cell.id
    say(Text(f"— {title}：{one.state.text.zh} {one.grade}", f"- {title}: {one.state.text.en} {one.grade}"))
    if one.error is not None:
        say(one.error, always=True)
    elif one.result is not None:
        columns = [one.result.rows.column(i).to_pylist() for i in range(one.result.rows.num_columns)]
        show([dict(zip(one.result.columns, row, strict=True)) for row in zip(*columns, strict=True)])
    else:
        say(Text(one.cell.text, one.cell.text))
