"""The verbs of ingest."""

from __future__ import annotations

import hashlib
import json
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from beijiang.access import Permission
from beijiang.ingest.errors import disk_trouble, name_taken, no_such_file, no_such_run, table_is_made
from beijiang.ingest.models import (
    COLUMNS_CHANGE,
    INGEST_JOB,
    CheckKind,
    FilePreview,
    IngestRequest,
    LandedFile,
    QuarantinePage,
    RawCell,
    ReleaseCheck,
    Run,
    RunMode,
    RunState,
    changed_columns,
)
from beijiang.ingest.service.modes import not_taken, settle_mode
from beijiang.ingest.store import IngestStore, Landing
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.jobs import TERMINAL, JobState
from beijiang.kit import SYSTEM, Invalid, Language, NotFound, Part, Wanted, new_id
from beijiang.tables import TableWriter, WriterKind

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.ingest.models import BatchWatch, Impact
    from beijiang.ingest.readers import ReadOptions
    from beijiang.ingest.service.work import Shop
    from beijiang.jobs import Job, JobRun, Jobs
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.settings import Settings
    from beijiang.standards import Standards
    from beijiang.tables import TableInfo, Tables

__all__ = ["Ingest"]

_NAME: Final = 255
_PAGE: Final = 1000


class Ingest:
    """Take files in: land them, look into them, and put their good rows into a table, whole or not at all."""

    def __init__(  # noqa: PLR0913, PLR0917  # the parts it works with, wired on one page
        self,
        db: Database,
        landing: Landing,
        tables: Tables,
        jobs: Jobs,
        access: Access,
        evidence: Evidence,
        standards: Standards,
        clock: Clock,
        settings: Settings,
        release_checks: Sequence[ReleaseCheck] = (),
    ) -> None:
        self.db = db
        self.landing = landing
        self.tables = tables
        self.jobs = jobs
        self.access = access
        self.evidence = evidence
        self.standards = standards
        self.clock = clock
        self.settings = settings
        self.release_checks = release_checks
        self.impact: Impact | None = None
        self.keeps: Callable[[str], bool] = _keeps_nothing
        """Whether a legal hold keeps what was set aside of a table; asked before it is removed."""
        self.watches: list[BatchWatch] = []
        """Who hears of the readings of streams before they are committed."""

    # Handing in

    def land(self, actor: Actor, source: Path | BinaryIO, file_name: str, org_id: str) -> LandedFile:
        """Keep a file's bytes unchanged under their SHA-256; the same bytes again store nothing and say so.

        Only the department's own deliveries count as "again": what others handed in is nobody's business.

        Raises:
            TooLarge: over ``upload_limit_bytes``.
            Unavailable: the disk is full.

        """
        self.access.require(actor, Permission.INGEST_FILE_LAND, org_id)
        name = _clean_name(file_name)
        if isinstance(source, Path):
            try:
                with source.open("rb") as stream:
                    sha256, size, _ = self.landing.put(stream, self.settings.upload_limit_bytes)
            except OSError as error:
                raise _unreadable(source, error) from error
        else:
            sha256, size, _ = self.landing.put(source, self.settings.upload_limit_bytes)
        now = self.clock.now()
        with self.db.begin() as tx:
            store = IngestStore(tx.connection)
            again = store.delivery(sha256, org_id) is not None
            store.add_delivery(sha256, size, org_id, actor.id, name, now)
            detail: dict[str, JsonValue] = {"name": name, "bytes": size, "org": org_id, "again": again}
            self.evidence.record(tx, actor, "ingest.land", target=sha256, detail=detail)
        return LandedFile(sha256=sha256, name=name, bytes=size, at=now, org_id=org_id, again=again)

    def require_free(self, actor: Actor, table: str, org_id: str) -> None:
        """Return if a department may have rows taken into a table, as far as those that make theirs are concerned.

        Asked before bytes are spent: what would be refused at the end is refused at the beginning.

        Raises:
            Conflict: a recipe, a library, a forecast or a model fills it (``table_is_made``), or that of another department.

        """
        self.access.require(actor, Permission.INGEST_RUN_READ, org_id)
        made = (one for one in self.tables.writers_of(table) if one.kind is not WriterKind.SOURCE)
        writer = next(made, None)
        if writer is not None:
            raise table_is_made(table, writer) if writer.org_id == org_id else name_taken(table)

    def writer_of(self, table: str) -> TableWriter | None:
        """Return the sync, stream, window or harvested file that fills a table; those that make theirs ask first."""
        with self.db.read() as connection:
            sync = SourceStore(connection).sync(table)
            found = StreamStore(connection).source_of(table)
        if sync is not None and sync.table == table:
            found = (sync.id, sync.org_id)
        return None if found is None else TableWriter(WriterKind.SOURCE, found[0], table, found[1])

    def files(self, actor: Actor, *, org_id: str | None = None, limit: int = 100) -> list[LandedFile]:
        """Return what a department handed in (default: the actor's own), newest first."""
        wanted = org_id or actor.org_id
        self.access.require(actor, Permission.INGEST_RUN_READ, wanted)
        with self.db.read() as connection:
            return IngestStore(connection).deliveries(wanted, limit)

    def preview(
        self, actor: Actor, sha256: str, org_id: str, options: ReadOptions | None = None, *, into: str = ""
    ) -> FilePreview:
        """Show the head of every table inside a landed file as raw text; only to the department that handed it in.

        The layout remembered for that department and the table ``into`` is used unless ``options`` name one.
        """
        from beijiang.ingest.readers import HeaderTemplate, ReadOptions
        from beijiang.ingest.service.looking import preview_file

        self.access.require(actor, Permission.INGEST_FILE_PREVIEW, org_id)
        with self.db.read() as connection:
            store = IngestStore(connection)
            file = store.delivery(sha256, org_id)
            remembered = store.template(org_id, into) if into else None
        if file is None:
            raise no_such_file(sha256)
        chosen = options or ReadOptions()
        if chosen.header is None and remembered is not None:
            chosen = replace(chosen, header=HeaderTemplate.from_json(remembered))
        found = preview_file(self.landing, file, chosen)
        with self.db.begin() as tx:
            self.evidence.record(tx, actor, "ingest.preview", target=sha256, detail={"org": org_id})
        return found

    # Runs

    def submit(self, actor: Actor, request: IngestRequest) -> str:
        """Queue a run and return its id; the same request while it is unfinished gives the same run.

        Raises:
            Invalid: no file, a key is missing for a merge, or a check is none.
            NotFound: the department handed in no such file.
            Conflict: every file was appended to this table before, the mode does not fit the table's key, something
                else fills the table, or it is another department's; then nothing else is said about it.

        """
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, request.org_id)
        self.access.require(actor, Permission.JOBS_JOB_SUBMIT, request.org_id)
        self._check(request)
        table = self._table(request.into)
        if table is not None and table.org_id != request.org_id:
            raise name_taken(request.into)
        self.require_free(actor, request.into.strip(), request.org_id)
        settled = settle_mode(request, table)
        with self.db.read() as connection:
            store = IngestStore(connection)
            files = [self._delivered(store, sha256, request.org_id) for sha256 in dict.fromkeys(settled.files)]
            taken = store.taken_in(settled.into, settled.files) if settled.mode is RunMode.APPEND else {}
        if table is not None and taken and not settled.again:
            files = not_taken(files, taken)
        return self.queue(actor, settled, files)

    def queue(
        self,
        actor: Actor,
        settled: IngestRequest,
        files: Sequence[tuple[str, str]],
        work: str = INGEST_JOB,
        *,
        also: Callable[[UnitOfWork, str], None] | None = None,
        tx: UnitOfWork | None = None,
    ) -> str:
        """Queue a settled request as a job of a kind; the same one while it is unfinished gives the same run.

        ``also`` is done with a new run's id in the transaction that makes it.
        With ``tx`` the run is queued in the caller's transaction: both happen or neither does.
        """
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, settled.org_id)
        fingerprint = hashlib.sha256(
            json.dumps([settled.to_json(), actor.id], sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()
        with self.db.begin() if tx is None else nullcontext(tx) as unit:
            store = IngestStore(unit.connection)
            job_id = self.jobs.submit(
                actor, work, {"request": fingerprint}, key=f"{work}:{fingerprint}", org_id=settled.org_id, tx=unit
            )
            known = store.run_of_job(job_id)
            if known is not None:
                return known
            run_id = new_id("run")
            who = (actor.id, actor.name)
            store.add_run(run_id, job_id, settled, files, actor=who, at=self.clock.now())
            if also is not None:
                also(unit, run_id)
            detail: dict[str, JsonValue] = {"run": run_id, "mode": settled.mode.value, "files": [s for s, _ in files]}
            self.evidence.record(unit, actor, "ingest.submit", target=settled.into, detail=detail)
        self.jobs.nudge()
        return run_id

    def _check(self, request: IngestRequest) -> None:
        if not request.files or not request.into.strip():
            raise Invalid("请指定文件和目标表。", "Name files and a target table.", code="nothing_to_do")
        if any(c.kind is CheckKind.REGEX for c in request.checks):
            from beijiang.ingest.service.checks import validate_checks

            validate_checks(request.checks)

    def _table(self, name: str) -> TableInfo | None:
        """Return the target as it is, whoever owns it; the commit decides about the right to write."""
        try:
            return self.tables.get(SYSTEM, name)
        except NotFound:
            return None

    def _delivered(self, store: IngestStore, sha256: str, org_id: str) -> tuple[str, str]:
        found = store.delivery(sha256, org_id)
        if found is None:
            raise no_such_file(sha256)
        return sha256, found.name

    def owner(self, actor: Actor, table: str) -> str | None:
        """Return the department that a table belongs to, if there is one that the actor may see."""
        try:
            return self.tables.get(actor, table).org_id
        except NotFound:
            return None

    def runs(
        self,
        actor: Actor,
        *,
        org_id: str | None = None,
        table: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Run]:
        """Return the runs of a department (default: the actor's own; the platform sees all), newest first."""
        wanted = org_id or actor.org_id
        self.access.require(actor, Permission.INGEST_RUN_READ, wanted)
        with self.db.read() as connection:
            found = IngestStore(connection).runs(org_id=wanted, table=table, limit=min(limit, _PAGE), before=before)
        return self._with_jobs(found)

    def run_part(self, actor: Actor, wanted: Wanted) -> Part[Run]:
        """Return a part of the runs that ``runs`` lists, narrowed, counted and sorted."""
        self.access.require(actor, Permission.INGEST_RUN_READ, actor.org_id)
        with self.db.read() as connection:
            unreported = IngestStore(connection).open_runs(actor.org_id)
        told = {one.id: one for one in self._with_jobs(unreported)}
        states = {run.id: told[run.id].state for run in unreported if told[run.id].state is not run.state}
        with self.db.read() as connection:
            found = IngestStore(connection).part(wanted, actor.org_id, self.clock.now(), states)
        return replace(
            found, rows=[replace(told[run.id], files=run.files) if run.id in told else run for run in found.rows]
        )

    def run(self, actor: Actor, run_id: str) -> Run:
        """Return one run with its report, or with its progress while it goes on.

        Of one that a change of columns stopped, also whom that touches, as far as this actor may know of it now.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        found = self._with_job(self._seen(actor, run_id))
        error = found.error
        if self.impact is None or error is None or error.get("code") not in COLUMNS_CHANGE:
            return found
        detail = error.get("detail")
        kept = detail if isinstance(detail, dict) else {}
        touched: list[JsonValue] = [one.to_json() for one in self.impact.of(actor, found.table, changed_columns(kept))]
        return replace(found, error=error | {"detail": kept | ({"affected": touched} if touched else {})})

    def kept(self, run_id: str) -> Run:
        """Return one run as it was kept, for the platform's own parts.

        Raises:
            NotFound: unknown.

        """
        return self._with_job(self._run(run_id))

    def cancel(self, actor: Actor, run_id: str) -> Run:
        """Stop a run before its commit; nothing of it becomes visible."""
        found = self._seen(actor, run_id)
        self.access.require(actor, Permission.INGEST_RUN_CANCEL, found.org_id)
        self.jobs.cancel(actor, found.job_id)
        return self._with_job(self._run(run_id))

    # What was set aside

    def quarantine(  # filters are named
        self,
        actor: Actor,
        *,
        table: str | None = None,
        run_id: str | None = None,
        reason: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> QuarantinePage:
        """Return quarantined rows of a run, or of all runs of the actor's department into a table, newest run first."""
        from beijiang.ingest.service.looking import quarantine_page

        runs = self._quarantined_runs(actor, table, run_id)
        page = quarantine_page(self.db, self.shop, runs, offset=offset, limit=min(limit, _PAGE), reason=reason)
        with self.db.begin() as tx:
            detail: dict[str, JsonValue] = {"run": run_id, "rows": len(page.rows)}
            self.evidence.record(tx, actor, "ingest.quarantine", target=table or run_id or "", detail=detail)
        return page

    def return_file(self, actor: Actor, run_id: str, *, language: Language = Language.ZH) -> Path:
        """Write the bad rows of a run as a workbook in the supplier's own columns; the caller removes the file.

        Raises:
            NotFound: no such run, or it set nothing aside.

        """
        from beijiang.ingest.service.returning import write_return_file

        run = self._quarantined_runs(actor, None, run_id)[0]
        quarantine = self.shop.quarantine(run_id)
        if not quarantine.exists:
            raise NotFound("这次汇聚没有需要退回的行。", "This run set no row aside.", code="nothing_quarantined")
        try:
            path = write_return_file(run, quarantine, self.settings.home / "cache" / "returns", language)
        except OSError as error:
            raise disk_trouble(error) from error
        with self.db.begin() as tx:
            detail: dict[str, JsonValue] = {"run": run_id, "rows": run.report.get("bad", 0)}
            self.evidence.record(tx, actor, "ingest.return_file", target=run.table, detail=detail)
        return path

    def raw_cell(self, actor: Actor, table: str, file: str, row: int, column: str) -> RawCell:
        """Return what the supplier wrote in a cell; ``file`` is a landed SHA-256, with ``#sheet`` where there is one.

        Raises:
            NotFound: no committed run put that file into the table, or it has no such cell.

        """
        from beijiang.ingest.service.looking import raw_cell

        sha256, _, inner = file.partition("#")
        with self.db.read() as connection:
            store = IngestStore(connection)
            run = next((store.run(r) for r in store.runs_of_file(table, sha256)), None)
        self.access.require(actor, Permission.INGEST_CELL_READ, None if run is None else run.org_id)
        if run is None:
            raise no_such_file(sha256)
        with self.db.begin() as tx:
            detail: dict[str, JsonValue] = {"file": sha256, "row": row, "column": column}
            self.evidence.record(tx, actor, "ingest.raw_cell", target=table, detail=detail)
        return raw_cell(self.shop, run, (sha256, inner), row, column)

    # The work

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do the run that a job stands for; registered in build.py as the work of ``INGEST_JOB``.

        The job only names the run: its report is the department's, while jobs are seen by those who run the platform.
        """
        from beijiang.ingest.service.removing import Removal
        from beijiang.ingest.service.work import Work

        del arguments
        run_id, request = self.request_of(job.id)
        kind = Removal if request.mode is RunMode.REMOVE else Work
        kind(self.shop, job, run_id).do()
        return {"run": run_id}

    def request_of(self, job_id: str) -> tuple[str, IngestRequest]:
        """Return the run that a job stands for, and what it was asked to do."""
        with self.db.read() as connection:
            store = IngestStore(connection)
            run_id = store.run_of_job(job_id)
            if run_id is None:
                raise no_such_run(job_id)
            return run_id, store.request(run_id)

    def wait(self, actor: Actor, run_id: str, on_progress: Any = None) -> Run:
        """Work off a run in this process, or wait for the one that serves this home; return it when it has ended."""
        found = self.run(actor, run_id)
        self.jobs.run_inline(found.job_id, on_progress)
        return self.run(actor, run_id)

    def watch(self, actor: Actor, run_id: str, patience: float) -> Run:
        """Wait up to so many seconds for whoever serves this home to work off a run; return it as it then stands."""
        found = self.run(actor, run_id)
        if not found.ended:
            self.jobs.wait(found.job_id, timeout=patience)
            found = self.run(actor, run_id)
        return found

    def settle(self, tx: UnitOfWork, job: Job) -> None:
        """End the run of a job that ended without its report; ``jobs`` calls it as the job ends, in the same transaction."""
        store = IngestStore(tx.connection)
        run_id = store.run_of_job(job.id)
        run = None if run_id is None else store.run(run_id)
        if run is not None and not run.ended:
            told = self._told(run, job)
            if told.ended_at is not None:
                store.end_run(run.id, told.state, told.ended_at, error=told.error)

    def recover(self) -> int:
        """Clear away what killed processes left: runs whose job is over, half-landed files, staging, old return files.

        Called at start-up, while nobody lands a file; returns how many things were removed.
        """
        with self.db.read() as connection:
            unreported = IngestStore(connection).open_runs(None)
        ended = [job for job in self.jobs.several(SYSTEM, [one.job_id for one in unreported]) if job.state in TERMINAL]
        if ended:
            with self.db.begin(counted=False) as tx:
                for job in ended:
                    self.settle(tx, job)
        over = {job.id for job in ended}
        open_runs = {one.id for one in unreported if one.job_id not in over}
        staging = self.settings.home / "staging"
        left = [p for p in staging.glob("run_*") if p.name not in open_runs] if staging.is_dir() else []
        left += staging.glob("verify_*")
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        returns = self.settings.home / "cache" / "returns"
        shutil.rmtree(returns, ignore_errors=True)
        return len(left) + self.landing.sweep()

    @cached_property
    def shop(self) -> Shop:
        """Return the tools that every run works with."""
        from beijiang.ingest.service.work import Shop

        return Shop(
            db=self.db,
            landing=self.landing,
            tables=self.tables,
            evidence=self.evidence,
            clock=self.clock,
            home=self.settings.home,
            bad_row_limit=self.settings.bad_row_limit,
            release_checks=self.release_checks,
            watches=self.watches,
            keeps=self.keeps,
        )

    def _run(self, run_id: str) -> Run:
        with self.db.read() as connection:
            found = IngestStore(connection).run(run_id)
        if found is None:
            raise no_such_run(run_id)
        return found

    def _seen(self, actor: Actor, run_id: str) -> Run:
        with self.db.read() as connection:
            found = IngestStore(connection).run(run_id)
        if found is None or not self.access.allows(actor, Permission.INGEST_RUN_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_RUN_READ)
            raise no_such_run(run_id)
        return found

    def _quarantined_runs(self, actor: Actor, table: str | None, run_id: str | None) -> list[Run]:
        if run_id is not None:
            run = self._seen(actor, run_id)
            self.access.require(actor, Permission.INGEST_QUARANTINE_READ, run.org_id)
            return [run]
        self.access.require(actor, Permission.INGEST_QUARANTINE_READ, actor.org_id)
        with self.db.read() as connection:
            store = IngestStore(connection)
            found = [store.run(r) for r in store.quarantines(table or "")]
        return [r for r in found if r is not None and actor.org_id in {None, r.org_id}]

    def _with_job(self, run: Run) -> Run:
        """Add what the job knows: progress of a running one, and the end of one that never came to its report."""
        return run if run.ended else self._told(run, self.jobs.job(SYSTEM, run.job_id))

    def _with_jobs(self, runs: Sequence[Run]) -> list[Run]:
        """Add what the jobs know to many runs at once."""
        jobs = {job.id: job for job in self.jobs.several(SYSTEM, [run.job_id for run in runs if not run.ended])}
        return [run if run.job_id not in jobs else self._told(run, jobs[run.job_id]) for run in runs]

    @staticmethod
    def _told(run: Run, job: Job) -> Run:
        progress: dict[str, JsonValue] = {
            "done": job.progress.done,
            "total": job.progress.total,
            "note": {"zh": job.progress.note.zh, "en": job.progress.note.en},
        }
        if job.state not in TERMINAL:
            state = RunState.QUEUED if job.state is JobState.QUEUED else RunState.RUNNING
            return replace(run, state=state, progress=progress)
        state = RunState.CANCELLED if job.state is JobState.CANCELLED else RunState.FAILED
        return replace(run, state=state, ended_at=job.ended_at, error=job.error)


def _clean_name(name: str) -> str:
    """Return the last part of a file's name without anything that is not printable."""
    leaf = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in unicodedata.normalize("NFC", leaf) if c.isprintable()).strip()
    if not shown or shown in {".", ".."}:
        return "file"
    if len(shown) <= _NAME:
        return shown
    stem, dot, suffix = shown.rpartition(".")
    return f"{stem[: _NAME - len(suffix) - 1]}.{suffix}" if dot and len(suffix) < 16 else shown[:_NAME]  # noqa: PLR2004


def _unreadable(path: Path, error: OSError) -> Invalid:
    return Invalid(
        f"无法读取文件“{path.name}”：{'文件不存在' if isinstance(error, FileNotFoundError) else '没有权限或不是文件'}。",
        f'The file "{path.name}" cannot be read: {"it does not exist" if isinstance(error, FileNotFoundError) else "no permission, or no file"}.',
        code="file_unreadable",
    )


def _keeps_nothing(table: str) -> bool:
    del table
    return False
