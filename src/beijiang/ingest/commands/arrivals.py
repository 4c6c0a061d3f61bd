"""The part of ``beijiang sources`` and ``beijiang ingest`` that speaks of files that arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.ingest.commands.files import AS, actor_of
from beijiang.ingest.models import FileOrder, FileRules, RunMode, SyncDraft, SyncMode
from beijiang.kit import Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import SyncPlan
    from beijiang.ingest.service import Sources

__all__ = ["add_files", "show_files"]

_FILES = (
    Column("name", Text("文件", "file")),
    Column("bytes", Text("字节", "bytes"), right=True),
    Column("modified", Text("修改时间", "modified")),
    Column("state", Text("状态", "state")),
    Column("why", Text("原因", "why")),
)
_MODE = typer.Option(
    metavar="[auto|append|merge|history|replace]",
    help="append, merge (with a key), history (merge, earlier states kept) or replace; auto: merge with a key, otherwise append.",
)


def add_files(group: typer.Typer, get: Callable[[], Sources]) -> None:
    """Add the verb that takes files of a folder."""

    @group.command("take-files")
    def take_files(  # options of a command
        name: str = typer.Argument(help="Source in which files arrive: name or id."),
        folder: str = typer.Argument(".", help="Folder of the source; . is its own."),
        into: str = typer.Option(help="Table that takes the rows."),
        pattern: Annotated[list[str] | None, typer.Option(help="*.csv, **/*.xlsx; again for more.")] = None,
        member: Annotated[list[str] | None, typer.Option(help="Members of archives to take; all if none.")] = None,
        done: str = typer.Option("", help="Marker that a file waits for: .done beside it, or a name like _SUCCESS."),
        quiet: int = typer.Option(5, help="Seconds for which a file without a marker stays as it is."),
        mode: Annotated[RunMode, _MODE] = RunMode.AUTO,
        newest: bool = typer.Option(False, "--newest", help="Only the newest file makes the table (replace)."),
        order: Annotated[FileOrder, typer.Option(help="Which file is later: by time of change or by name.")] = (
            FileOrder.TIME
        ),
        limit: int = typer.Option(10_000, help="Files that one run takes."),
        key: Annotated[list[str] | None, typer.Option(help="Column that identifies a row; again for more.")] = None,
        encoding: str = typer.Option("auto", help="utf-8, gb18030, ..."),
        sheet: str = typer.Option("", help="Sheet of workbooks; all if empty."),
        delimiter: str = typer.Option("", help="Delimiter of text files; found if empty."),
        title_rows: Annotated[int | None, typer.Option(help="Rows above the header.")] = None,
        header_rows: Annotated[int | None, typer.Option(help="Rows of the header.")] = None,
        check: Annotated[list[str] | None, typer.Option(help="COLUMN=CHECK; again for more.")] = None,
        person: str = AS,
    ) -> None:
        """Say that files of a folder are to be taken into a table, each once, as they arrive."""
        rules = FileRules(
            patterns=tuple(pattern or ("*",)),
            members=tuple(member or ()),
            done=done,
            quiet=quiet,
            mode=mode,
            newest=newest,
            order=order,
            limit=limit,
            encoding=encoding,
            sheet=sheet,
            delimiter=delimiter,
            title_rows=title_rows,
            header_rows=header_rows,
            checks=tuple(check or ()),
        )
        registry = get()
        draft = SyncDraft(
            source_id=name, feed=folder, table=into, mode=SyncMode.FILES, key=tuple(key or ()), files=rules
        )
        show(registry.take(actor_of(registry.ingest, person), draft).to_json())
        say(Text(f"下一步：beijiang ingest plan {into}", f"Next: beijiang ingest plan {into}"))


def show_files(plan: SyncPlan) -> None:
    """Print where each file stands, and how many would be taken."""
    show([_row(f.to_json()) for f in plan.files], _FILES)
    counts = Counter(f.state.text.in_language(language()) for f in plan.files)
    told = "、".join(f"{state} {n:,}" for state, n in counts.items()) or "0"
    say(Text(f"目录中：{told}。", f"In the folder: {told}."))


def _row(file: dict[str, Any]) -> dict[str, Any]:
    from beijiang.ingest.models import FileState

    why = file["why"]["zh" if str(language()).startswith("zh") else "en"]
    return {**file, "state": FileState(file["state"]).text.in_language(language()), "why": why}
