"""``beijiang ingest mend``: mend what was set aside, send it back, dismiss it, take it in again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.ingest.commands.files import AS, actor_of, follow, show_run, why
from beijiang.ingest.models import BenchQuery, Fix, FixKind, MendState, RunState
from beijiang.kit import Invalid, Text
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import BenchRow
    from beijiang.ingest.service import Bench

__all__ = ["add_mending"]

_COUNTS = (
    Column("table", Text("表", "table")),
    Column("open", Text("待处理", "open"), right=True),
    Column("fixed", Text("已修正", "mended"), right=True),
    Column("sent_back", Text("已退回", "sent back"), right=True),
    Column("dismissed", Text("已忽略", "dismissed"), right=True),
    Column("resolved", Text("已解决", "resolved"), right=True),
)
_ROWS = (
    Column("row", Text("行", "row"), whole=True),
    Column("file", Text("文件", "file"), spare=True),
    Column("line", Text("行号", "line"), right=True),
    Column("state", Text("状态", "state")),
    Column("cells", Text("问题", "what is wrong")),
)
_FIX = (
    Column("matched", Text("相符", "matched"), right=True),
    Column("changed", Text("将改变", "would change"), right=True),
    Column("passing", Text("改后合格", "right afterwards"), right=True),
)
_SENDINGS = (
    Column("id", Text("编号", "id"), whole=True),
    Column("table", Text("表", "table")),
    Column("rows", Text("行", "rows"), right=True),
    Column("back", Text("已补回", "came back"), right=True),
    Column("at", Text("时间", "at")),
    Column("note", Text("说明", "note"), spare=True),
)
_REASON = typer.Option("", help="Only rows with this reason code.")
_COLUMN = typer.Option("", help="Only rows whose fault stands in this column.")
_FILE = typer.Option("", help="Only rows of this file.")
_WHERE = typer.Argument(help="Table, id of a run, or rows as RUN:NUMBER separated by commas.")


def add_mending(group: typer.Typer, get: Callable[[], Bench]) -> None:
    """Add ``mend`` to the commands of ingest."""
    mend = typer.Typer(help="Mend rows that were set aside, and take them in.", no_args_is_help=True)
    group.add_typer(mend, name="mend")
    _add_looking(mend, get)
    _add_mending(mend, get)
    _add_sending(mend, get)
    _add_replaying(mend, get)


def _add_looking(mend: typer.Typer, get: Callable[[], Bench]) -> None:
    @mend.command("tables")
    def tables(person: str = AS) -> None:
        """Count the rows of each table: open, mended, sent back, dismissed, resolved."""
        bench = get()
        show([c.to_json() for c in bench.counts(actor_of(bench.ingest, person))], _COUNTS)

    @mend.command("rows")
    def rows(  # options of a command
        where: str = _WHERE,
        reason: str = _REASON,
        column: str = _COLUMN,
        file: str = _FILE,
        state: Annotated[MendState | None, typer.Option(help="Only rows that stand here.")] = None,
        offset: int = typer.Option(0, min=0, help="How many rows to pass over."),
        limit: int = typer.Option(50, min=1, max=1000, help="How many rows to show."),
        person: str = AS,
    ) -> None:
        """Show rows with what is wrong in each cell."""
        bench = get()
        query = _query(where, reason=reason, column=column, file=file, state=state)
        page = bench.rows(actor_of(bench.ingest, person), query, offset=offset, limit=limit)
        if as_json():
            show({"total": page.total, "states": dict(page.states), "rows": [r.to_json() for r in page.rows]})
            return
        show([_row(r) for r in page.rows], _ROWS)
        say(Text(f"共 {page.total:,} 行", f"{page.total:,} rows"))


def _add_mending(mend: typer.Typer, get: Callable[[], Bench]) -> None:
    @mend.command("set")
    def set_(
        row: str = typer.Argument(help="Row as RUN:NUMBER."),
        cells: Annotated[
            list[str] | None, typer.Argument(help="COLUMN=TEXT; none says that the row is right as it stands.")
        ] = None,
        dry_run: bool = typer.Option(False, "--dry-run", help="Only look what would be wrong; keep nothing."),
        person: str = AS,
    ) -> None:
        """Correct cells of one row, as a draft."""
        bench = get()
        ((run, seq),) = _rows_of(row)
        verb = bench.check if dry_run else bench.correct
        found = verb(actor_of(bench.ingest, person), run, seq, _cells(cells or ()))
        show(found.to_json() if as_json() else [_row(found)], _ROWS)

    @mend.command("fix")
    def fix(  # options of a command
        where: str = _WHERE,
        target: str = typer.Option(help="Column to correct."),
        kind: FixKind = typer.Option(help="What to do."),  # noqa: B008  # how Typer reads options
        find: str = typer.Option("", help="Text to look for, or the format of dates: YYYY MM DD HH mm ss."),
        text: str = typer.Option("", help="What it becomes (replace, set)."),
        reason: str = _REASON,
        column: str = _COLUMN,
        file: str = _FILE,
        apply: bool = typer.Option(False, "--apply", help="Do it; without it, only say what it would do."),
        person: str = AS,
    ) -> None:
        """Make one correction to many rows; first see what it would do."""
        bench = get()
        actor = actor_of(bench.ingest, person)
        query = _query(where, reason=reason, column=column, file=file)
        wanted = Fix(kind=kind, column=target, find=find, text=text)
        if apply:
            done = bench.fix(actor, query, wanted)
            show(done.to_json())
            say(
                Text(f"撤销：beijiang ingest mend undo {done.id}", f"Take it back: beijiang ingest mend undo {done.id}")
            )
            return
        found = bench.preview_fix(actor, query, wanted)
        show(found.to_json() if as_json() else [found.to_json()], _FIX)

    @mend.command("undo")
    def undo(
        what: str = typer.Argument(help="A correction (fix_...), or rows as RUN:NUMBER."), person: str = AS
    ) -> None:
        """Take back a correction of many rows, or the drafts and dismissals of single rows."""
        bench = get()
        actor = actor_of(bench.ingest, person)
        rows = bench.undo(actor, what) if what.startswith("fix_") else bench.revert(actor, _query(what))
        show({"rows": rows})

    @mend.command("dismiss")
    def dismiss(
        where: str = _WHERE,
        because: str = typer.Option(help="Why they are not wanted; recorded."),
        reason: str = _REASON,
        column: str = _COLUMN,
        file: str = _FILE,
        person: str = AS,
    ) -> None:
        """Decide that rows are not wanted, with the reason."""
        bench = get()
        query = _query(where, reason=reason, column=column, file=file)
        show({"rows": bench.dismiss(actor_of(bench.ingest, person), query, because)})


def _add_sending(mend: typer.Typer, get: Callable[[], Bench]) -> None:
    @mend.command("send-back")
    def send_back(  # options of a command
        where: str = _WHERE,
        out: Path = typer.Option(help="File for the supplier: .xlsx or .csv."),  # noqa: B008  # how Typer reads options
        note: str = typer.Option("", help="What the supplier should know."),
        reason: str = _REASON,
        column: str = _COLUMN,
        file: str = _FILE,
        person: str = AS,
    ) -> None:
        """Send rows back to their supplier: write their file and mark them with the date."""
        bench = get()
        actor = actor_of(bench.ingest, person)
        query = _query(where, reason=reason, column=column, file=file)
        sending = bench.send_back(actor, query, note)
        form = "csv" if out.suffix.lower() == ".csv" else "xlsx"
        path = bench.sending_file(actor, sending.id, form=form, language=language())
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, out)
        show({**sending.to_json(), "out": str(out)})

    @mend.command("sendings")
    def sendings(table: str = typer.Option("", help="Only of this table."), person: str = AS) -> None:
        """List what was sent back, and how many rows have come back since."""
        bench = get()
        show([s.to_json() for s in bench.sendings(actor_of(bench.ingest, person), table)], _SENDINGS)


def _add_replaying(mend: typer.Typer, get: Callable[[], Bench]) -> None:
    @mend.command("replay")
    def replay(
        where: str = _WHERE,
        plan: bool = typer.Option(False, "--plan", help="Only say what it would do."),
        reason: str = typer.Option("", help="Why; kept in the table's history."),
        person: str = AS,
    ) -> None:
        """Take the mended rows in, as a run like any other; nothing goes in twice."""
        bench = get()
        actor = actor_of(bench.ingest, person)
        if plan:
            show(bench.plan_replay(actor, _query(where)).to_json())
            return
        run = follow(bench.ingest, actor, bench.replay(actor, _query(where), reason=reason))
        show_run(run)
        if run.state is not RunState.COMMITTED:
            raise why(run)


def _query(
    where: str, *, reason: str = "", column: str = "", file: str = "", state: MendState | None = None
) -> BenchQuery:
    words: dict[str, Any] = {"reason": reason, "column": column, "file": file, "state": state}
    if where.startswith("run_"):
        return BenchQuery(rows=_rows_of(where), **words) if ":" in where else BenchQuery(run_id=where, **words)
    return BenchQuery(table=where, **words)


def _rows_of(words: str) -> tuple[tuple[str, int], ...]:
    pairs = [word.strip().rpartition(":") for word in words.split(",")]
    if any(not run or not seq.isdecimal() for run, _, seq in pairs):
        raise Invalid("行写作 任务编号:序号。", "A row is written RUN:NUMBER.", code="bad_row")
    return tuple((run, int(seq)) for run, _, seq in pairs)


def _cells(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if any(not sign for _, sign, _ in pairs):
        raise Invalid("单元格写作 列=内容。", "A cell is written COLUMN=TEXT.", code="bad_cell")
    return {column: text for column, _, text in pairs}


def _row(row: BenchRow) -> dict[str, Any]:
    told = [c.problem.in_language(language()) for c in row.cells if c.problem is not None]
    if not told and row.state is not MendState.FIXED:
        told = [row.row.text.in_language(language())]
    return {
        "row": f"{row.row.run_id}:{row.row.seq}",
        "file": row.row.file_name,
        "line": row.row.line,
        "state": row.state.text.in_language(language()),
        "cells": "；".join(told),
    }
