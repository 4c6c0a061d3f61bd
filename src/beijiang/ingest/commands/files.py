"""``beijiang ingest``: take files in, and look at what became of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beijiang.ingest.commands.shown import failure_of, show_quarantine, show_run_facts, show_runs
from beijiang.ingest.models import CheckSpec, IngestRequest, RunMode, RunState
from beijiang.kit import SYSTEM, Actor, BeijiangError, Invalid, Text
from beijiang.terminal import language, progress, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import LandedFile, Run
    from beijiang.ingest.service import Ingest
    from beijiang.jobs import Job

__all__ = ["AS", "actor_of", "commands", "follow", "organisation_of", "show_run", "why"]

AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")


def commands(get: Callable[[], Ingest]) -> typer.Typer:  # a list of small functions
    """Return the command group."""
    group = typer.Typer(
        help="Take data in: land, type, check, commit, certify; quarantine and runs.", no_args_is_help=True
    )

    @group.command("files")
    def files(  # options of a command
        paths: Annotated[list[Path], typer.Argument(help="Files to take in; a folder means every file in it.")],
        into: Annotated[str, typer.Option("--into", help="Table that takes the rows.")],
        key: Annotated[
            list[str] | None, typer.Option("--key", help="Column that identifies a row; again for more columns.")
        ] = None,
        mode: Annotated[
            RunMode,
            typer.Option(
                help="auto merges where there is a key and appends otherwise; history keeps what rows were before; remove takes out the rows whose keys are in the file."
            ),
        ] = RunMode.AUTO,
        encoding: str = typer.Option("auto", help="auto, utf-8, gb18030, gbk, big5, utf-16."),
        sheet: str = typer.Option("", help="Sheet of a workbook, or file inside an archive."),
        delimiter: str = typer.Option("", help="Delimiter of text files; found by itself otherwise."),
        org: str = typer.Option("", help="Department that hands them in: id or name."),
        check: Annotated[
            list[str] | None,
            typer.Option(help="COLUMN=CHECK: citizen_id, uscc, org_code, luhn, not_null, unique, regex:..."),
        ] = None,
        reason: str = typer.Option("", help="Why; kept in the table's history."),
        again: bool = typer.Option(False, "--again", help="Append files that the table has taken in before."),
        accept_plan: str = typer.Option("", help="Token of a schema plan that you have read and accept."),
        person: str = AS,
    ) -> None:
        """Take files into a table. Killed half-way, the same command goes on where it stopped."""
        ingest = get()
        actor = actor_of(ingest, person)
        chosen = _files(paths)
        checks = tuple(CheckSpec.parse(c) for c in check or ())
        org_id = organisation_of(ingest, actor, org, into)
        landed = _land(ingest, actor, chosen, org_id, into.strip())
        request = IngestRequest(
            files=tuple(f.sha256 for f in landed),
            into=into,
            org_id=org_id,
            key=tuple(key or ()),
            mode=mode,
            encoding=encoding,
            sheet=sheet or None,
            delimiter=delimiter or None,
            checks=checks,
            reason=reason,
            again=again,
            accept_plan=accept_plan,
        )
        run = follow(ingest, actor, ingest.submit(actor, request))
        show_run(run)
        if run.state is not RunState.COMMITTED:
            raise why(run)

    @group.command("quarantine")
    def quarantine(  # options of a command
        name: str = typer.Argument(help="Table, or id of a run."),
        out: Annotated[
            Path | None, typer.Option(help="Write the newest run's bad rows as an Excel return file.")
        ] = None,
        reason: str = typer.Option("", help="Only rows with this reason code."),
        limit: int = typer.Option(50, min=1, max=1000, help="How many rows to show."),
        offset: int = typer.Option(0, min=0, help="How many rows to pass over."),
        person: str = AS,
    ) -> None:
        """Show the rows that were set aside, or write them as a return file for the supplier."""
        ingest = get()
        actor = actor_of(ingest, person)
        where = {"run_id": name} if name.startswith("run_") else {"table": name}
        page = ingest.quarantine(actor, **where, reason=reason or None, offset=offset, limit=1 if out else limit)
        if out is not None:
            if not page.rows:
                raise Invalid("没有需要退回的行。", "No row was set aside.", code="nothing_quarantined")
            path = ingest.return_file(actor, page.rows[0].run_id, language=language())
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, out)
            show({"run_id": page.rows[0].run_id, "out": str(out)})
            return
        show_quarantine(page.total, page.by_reason, [row.to_json() for row in page.rows])

    @group.command("runs")
    def runs(
        table: str = typer.Option("", help="Only runs into this table."),
        limit: int = typer.Option(50, min=1, max=500, help="How many to show, newest first."),
        person: str = AS,
    ) -> None:
        """List runs, newest first."""
        ingest = get()
        found = ingest.runs(actor_of(ingest, person), table=table or None, limit=limit)
        show_runs([r.to_json() for r in found])

    @group.command("run")
    def run(run_id: str = typer.Argument(help="Id of the run."), person: str = AS) -> None:
        """Show one run with its report per file."""
        ingest = get()
        show_run(ingest.run(actor_of(ingest, person), run_id))

    @group.command("cancel")
    def cancel(run_id: str = typer.Argument(help="Id of the run."), person: str = AS) -> None:
        """Stop a run before its commit."""
        ingest = get()
        show_run(ingest.cancel(actor_of(ingest, person), run_id))

    @group.command("raw")
    def raw(
        table: str = typer.Argument(help="Table."),
        file: str = typer.Argument(help="SHA-256 of the landed file, with #sheet where there is one."),
        row: int = typer.Argument(min=1, help="Line or sheet row in that file."),
        column: str = typer.Argument(help="Column."),
        person: str = AS,
    ) -> None:
        """Show what the supplier wrote in one cell."""
        ingest = get()
        cell = ingest.raw_cell(actor_of(ingest, person), table, file, row, column)
        show({"column": cell.column, "raw": cell.raw, "changed": cell.changed})

    return group


def actor_of(ingest: Ingest, person: str) -> Actor:
    """Return who acts: a person by login, or the platform for the operator."""
    return ingest.access.actor_for_person(person) if person else SYSTEM


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    if not found:
        raise Invalid("没有找到文件。", "No file was found.", code="nothing_to_do")
    return found


def organisation_of(ingest: Ingest, actor: Actor, wanted: str, into: str) -> str:
    """Return the department: the one named, the actor's own, the table's, or the government of the region."""
    known = ingest.access.organisations()
    if wanted:
        match = [o.id for o in known if wanted in {o.id, o.name_zh, o.name_en, o.short_zh}]
        if len(match) != 1:
            raise Invalid(
                f"没有唯一的机构“{wanted}”。请用 beijiang orgs list 查看标识。",
                f'There is not exactly one organisation "{wanted}". See beijiang orgs list.',
                code="organisation_not_found",
            )
        return match[0]
    if actor.org_id is not None:
        return actor.org_id
    owner = ingest.owner(actor, into)
    if owner is not None:
        return owner
    root = next((o.id for o in known if o.parent_id is None), None)
    if root is None:
        raise Invalid(
            "还没有任何机构。请先运行 beijiang init，或用 --org 指定机构。",
            "There is no organisation yet. Run beijiang init first, or name one with --org.",
            code="organisation_not_found",
        )
    return root


def _land(ingest: Ingest, actor: Actor, paths: Sequence[Path], org_id: str, into: str) -> list[LandedFile]:
    ingest.require_free(actor, into, org_id)
    total = sum(p.stat().st_size for p in paths if p.is_file())
    landed: list[LandedFile] = []
    with progress(Text("落地文件", "Landing files")) as bar:
        done = 0
        for path in paths:
            bar.update(done, total, path.name)
            file = ingest.land(actor, path, path.name, org_id)
            done += file.bytes
            landed.append(file)
    for file in landed:
        if file.again:
            say(
                Text(
                    f"“{file.name}”此前已落地，内容完全相同，没有再存一份。",
                    f'"{file.name}" had landed before with the same bytes; nothing was stored twice.',
                )
            )
    return landed


def follow(ingest: Ingest, actor: Actor, run_id: str) -> Run:
    """Work a run off, or watch the process that does, with a bar."""
    with progress(Text("汇聚", "Taking in")) as bar:

        def moved(job: Job) -> None:
            bar.update(job.progress.done, job.progress.total, job.progress.note.in_language(language()))

        return ingest.wait(actor, run_id, moved)


def why(run: Run) -> BeijiangError:
    """Return the error that a run ended with."""
    return failure_of(run.to_json())


def show_run(run: Run) -> None:
    """Print a run and its files."""
    show_run_facts(run.to_json())
