"""``beijiang sql``: queries over governed tables, their history, saved queries, exports, and the queue."""

from __future__ import annotations

import csv
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from signal import SIGINT, signal
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, BeijiangError, Text, new_id
from beijiang.mining.models import ExportForm, SavedDraft
from beijiang.protection import QueryClass, doubt_text
from beijiang.terminal import Column, as_json, language, report, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.mining.models import QueryRun, SavedQuery
    from beijiang.mining.service import Workbench
    from beijiang.protection import SqlResult

__all__ = ["commands"]

INTERRUPTED = 130


class OutputFormat(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_QUERY = typer.Argument(help='One SELECT over catalogued tables, e.g. SELECT * FROM "企业登记信息" LIMIT 5.')
_FORMAT = typer.Option(OutputFormat.TABLE, "--format", help="How to print the answer.")
_FORM = typer.Option(ExportForm.XLSX, "--format", help="Kind of file.")
_PURPOSE = typer.Option("", help="What the data are for; part of the record.")
_SAVED = typer.Argument(help="Id of the saved query.")
_RUNS = (
    Column("at", Text("时间", "at")),
    Column("state", Text("结果", "result")),
    Column("rows", Text("行数", "rows"), right=True),
    Column("seconds", Text("秒", "seconds"), right=True),
    Column("grade", Text("级别", "grade")),
    Column("sql", Text("语句", "query"), whole=True),
    Column("receipt", Text("回执", "receipt"), spare=True),
    Column("error", Text("错误", "error"), spare=True),
)
_QUEUE = (
    Column("id", Text("标识", "id"), whole=True),
    Column("person", Text("谁", "who")),
    Column("door", Text("来路", "door")),
    Column("state", Text("状态", "state")),
    Column("seconds", Text("秒", "seconds"), right=True),
)
_KEPT = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("folder", Text("文件夹", "folder")),
    Column("shared", Text("共享", "shared")),
    Column("owner", Text("谁", "whose")),
    Column("revision", Text("修订", "revision"), right=True),
    Column("sql", Text("语句", "query"), spare=True),
)
_COLUMNS = (
    Column("column", Text("列", "column"), whole=True),
    Column("grade", Text("级别", "grade")),
    Column("masked", Text("脱敏", "masked")),
)


def commands(get: Callable[[], Workbench], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group; a first word that is no command is taken for a query to run."""
    group = typer.Typer(
        help="Query governed tables with SQL; masks and rights hold as everywhere.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("run")
    def run(query: str = _QUERY, person: str = _AS, output: OutputFormat = _FORMAT, purpose: str = _PURPOSE) -> None:
        """Run a query; the word run may be left out. Ctrl-C stops it."""
        bench, actor = get(), who(person)
        with _stopped_by_hand(bench) as query_id:
            _print(bench.run(actor, query, purpose, door=QueryClass.INTERACTIVE, query_id=query_id), output)

    @group.command("explain")
    def explain(query: str = _QUERY, person: str = _AS) -> None:
        """Show what a query reads and how the columns of its result are graded; nothing is run."""
        found = get().explain(who(person), query)
        show([{"column": c.name, "grade": c.grade, "masked": c.masked} for c in found.columns], _COLUMNS)
        tables = ", ".join(f"{one.table} (v{one.version})" for one in found.reads) or "-"
        say(Text(f"读取 {tables}；结果级别 {found.grade}。", f"Reads {tables}; the result is graded {found.grade}."))

    @group.command("export")
    def export(
        query: str = _QUERY,
        output: Path = typer.Option(..., help="File to write."),  # noqa: B008
        form: ExportForm = _FORM,
        person: str = _AS,
        purpose: str = _PURPOSE,
    ) -> None:
        """Write the result to a file that carries its grade, the person, the time and the receipt."""
        bench, actor = get(), who(person)
        with _stopped_by_hand(bench) as query_id:
            made = bench.export(actor, query, form, purpose, query_id=query_id)
        with output.open("wb") as file:
            for piece in made.content:
                file.write(piece)
        rows, grade = made.result.rows.num_rows, made.result.grade
        say(
            Text(
                f"已写入 {output}：{rows:,} 行，级别 {grade}，回执 {made.result.receipt}。",
                f"Written to {output}: {rows:,} rows, graded {grade}, receipt {made.result.receipt}.",
            )
        )
        if made.result.in_doubt:
            say(doubt_text(made.result.in_doubt))

    @group.command("history")
    def history(
        words: str = typer.Argument("", help="Words that the query holds."),
        limit: int = typer.Option(20, min=1, max=500, help="How many, newest first."),
        person: str = _AS,
    ) -> None:
        """Show the runs of a person, newest first."""
        show([_run(one) for one in get().history(who(person), words, limit)], _RUNS)

    @group.command("queue")
    def queue(person: str = _AS) -> None:
        """Show the queries that have not ended: whose, since when, where they stand."""
        show(
            [
                {
                    "id": one.id,
                    "person": one.person,
                    "door": one.door.text.in_language(language()),
                    "state": one.state.text.in_language(language()),
                    "seconds": round(one.seconds, 1),
                }
                for one in get().queue(who(person))
            ],
            _QUEUE,
        )

    @group.command("cancel")
    def cancel(query: str = typer.Argument(help="Id of the query, as the queue shows it."), person: str = _AS) -> None:
        """Stop a query, also one that a server runs."""
        get().stop(who(person), query)
        say(Text("已要求停止。", "It was asked to stop."))

    _add_saved(group, get, who)
    return group


def _add_saved(group: typer.Typer, get: Callable[[], Workbench], who: Callable[[str], Actor]) -> None:
    @group.command("saved")
    def saved(words: str = typer.Argument("", help="Words to look for."), person: str = _AS) -> None:
        """Show saved queries: one's own and those that the own organisation shares."""
        show([_kept(one) for one in get().saved(who(person), words)], _KEPT)

    @group.command("save")
    def save(
        name: str = typer.Argument(help="What to call it."),
        query: str = _QUERY,
        folder: str = typer.Option("", help="Folder to keep it in."),
        description: str = typer.Option("", help="What it answers."),
        shared: bool = typer.Option(False, "--shared", help="Let the own organisation see and run it."),
        person: str = _AS,
    ) -> None:
        """Keep a query by name."""
        draft = SavedDraft(name=name, text=query, description=description, folder=folder, shared=shared)
        show(_kept(get().save(who(person), draft)), _KEPT)

    @group.command("run-saved")
    def run_saved(
        query: str = _SAVED, person: str = _AS, output: OutputFormat = _FORMAT, purpose: str = _PURPOSE
    ) -> None:
        """Run a saved query."""
        bench, actor = get(), who(person)
        text = bench.one_saved(actor, query).text
        with _stopped_by_hand(bench) as query_id:
            _print(bench.run(actor, text, purpose, query_id=query_id), output)

    @group.command("remove")
    def remove(query: str = _SAVED, person: str = _AS) -> None:
        """Take a saved query out of use; its revisions stay on record."""
        get().remove(who(person), query)
        say(Text("已移除。", "It was removed."))


@contextmanager
def _stopped_by_hand(bench: Workbench) -> Iterator[str]:
    """Give a query an id, and have Ctrl-C stop it instead of leaving its child behind."""
    query_id = new_id("query")
    pressed = threading.Event()

    def stop(*_: object) -> None:
        """Stop it in a thread: this one may be interrupted with a lock in its hand."""
        pressed.set()
        threading.Thread(target=bench.sql.governor.stop, args=(query_id,)).start()

    before = signal(SIGINT, stop)
    try:
        yield query_id
    except BeijiangError as error:
        if not pressed.is_set():
            raise
        report(error)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal(SIGINT, before)


def _run(one: QueryRun) -> dict[str, Any]:
    return {
        "at": one.asked_at,
        "state": one.state.text.in_language(language()),
        "rows": one.rows,
        "seconds": round(one.seconds, 2),
        "grade": one.grade,
        "sql": " ".join(one.text.split()),
        "receipt": one.receipt,
        "error": one.error,
    }


def _kept(one: SavedQuery) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "folder": one.folder,
        "shared": one.shared,
        "owner": one.owner,
        "revision": one.revision,
        "sql": " ".join(one.text.split()),
    }


def _print(result: SqlResult, output: OutputFormat) -> None:
    columns = [result.rows.column(i).to_pylist() for i in range(result.rows.num_columns)]
    rows = list(zip(*columns, strict=True))
    if output is OutputFormat.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows([_text_safe(value) for value in row] for row in rows)
    elif output is OutputFormat.JSON and not as_json():
        answer = {"columns": list(result.columns), "rows": rows, "truncated": result.truncated}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, default=str) + "\n")
    else:
        show([dict(zip(result.columns, map(_as_stored, row), strict=True)) for row in rows])
    if result.in_doubt:
        say(doubt_text(result.in_doubt), always=True)
    if result.truncated:
        say(Text(f"只显示前 {len(rows)} 行。", f"Only the first {len(rows)} rows are shown."), always=True)


def _as_stored(value: Any) -> Any:
    """Print a number of the answer as it is: separators belong to our own counts, and a year is none."""
    return value if as_json() or isinstance(value, bool) or not isinstance(value, int) else str(value)


def _text_safe(value: Any) -> Any:
    """Keep a spreadsheet from running a cell: text that begins like a formula gets a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
