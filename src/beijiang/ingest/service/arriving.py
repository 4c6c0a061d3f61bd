"""A run over files that arrive: fetch and land what is new, then the steps of every run, then the account of the files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest.errors import no_rows
from beijiang.ingest.models import Certificate, RunState, Sync
from beijiang.ingest.readers import RawBatch, SourceTable, open_tables
from beijiang.ingest.service.arrival_proof import Sides, proved
from beijiang.ingest.service.fetching import patiently
from beijiang.ingest.service.reading import Source, plan_of, raw_batches, read_options
from beijiang.ingest.service.staging import stage_parts, staged_files, staged_schema
from beijiang.ingest.service.superseding import without_superseded
from beijiang.ingest.service.taking import Taker
from beijiang.ingest.service.together import typed_together
from beijiang.ingest.service.work import Shop, Work
from beijiang.ingest.store import ArrivalStore, IngestStore
from beijiang.ingest.typing import TypedSchema
from beijiang.kit import BeijiangError, Invalid, Text, new_id
from beijiang.kit.errors import JsonValue
from beijiang.tables import WriteMode

if TYPE_CHECKING:
    from beijiang.ingest.connectors import FileConnector
    from beijiang.ingest.readers import ReadOptions
    from beijiang.jobs import JobRun

__all__ = ["FilesWork"]

_UNREADABLE: Final = "files_unreadable"
_SHARED: Final = 0.5
_LONGEST: Final = 255
_NOTHING: Final[dict[str, JsonValue]] = {
    "read": 0,
    "good": 0,
    "bad": 0,
    "bad_by_reason": {},
    "duplicates": 0,
    "changed_cells": 0,
    "columns": [],
    "files": [],
}


class FilesWork(Work):
    """One attempt at one run whose rows come from files of a source."""

    def __init__(self, shop: Shop, job: JobRun, run_id: str, sync: Sync, connector: FileConnector, limit: int) -> None:
        super().__init__(shop, job, run_id)
        self.sync = sync
        self.connector = connector
        self._limit = limit
        self._refused: dict[str, Text] = {}
        self._opened: dict[str, list[SourceTable]] = {}

    def _steps(self) -> JsonValue:
        self.job.step("fetch", lambda: bool(self._taken and self._land()))
        while self.files:
            try:
                for name, step in (("read", self.read), ("stage", self.stage), ("settle", self.settle)):
                    self.job.step(name, lambda step=step: bool(step()))  # type: ignore[misc]
            except BeijiangError as error:
                if error.reason != _UNREADABLE:
                    raise
                told: Any = (error.detail or {})["files"]
                self._go_on_without({s: Text(why["zh"], why["en"]) for s, why in told.items()})
                continue
            hopeless = self._hopeless()
            if hopeless:
                self._go_on_without(hopeless)
                continue
            if not self.counts()["read"] and (self.mode is not WriteMode.REPLACE or self.table is None):
                break
            if not self.counts()["read"]:
                raise no_rows([name for _, name in self.files])
            self.job.step("publish", self._publish)
            self._stop_if_bad()
            self.job.step("commit", self._commit)
            return self.job.step("finish", self._finish)
        return self.job.step("finish", self._finish_idle)

    # Looking at the source

    @cached_property
    def _taken(self) -> dict[str, Any]:
        return self.space.produce("fetch", self._fetch)

    def _fetch(self, folder: Path) -> dict[str, Any]:
        del folder
        with self.shop.db.read() as connection:
            told = ArrivalStore(connection).told(self.run_id)
        if told is not None:  # another attempt came so far; to look again would find other files
            return told
        head = self.shop.tables.positions(self.actor, self.sync.table).get(self.sync.id)
        with self.shop.db.read() as connection:
            known = ArrivalStore(connection).known(self.sync.id, None if head is None else str(head))
        position = None if head is None else str(head)
        with self.shop.landing.batch() as batch:
            taker = Taker(
                self.sync,
                known,
                position,
                whole=self.request.whole,
                land=lambda stream: batch.put(stream, self._limit),
            )
            taken = patiently(lambda: taker.take(self.connector, now=self.shop.now, tick=self.job.progress))
        found: dict[str, Any] = taken.to_json()
        with self.shop.db.begin() as tx:
            ArrivalStore(tx.connection).add(self.run_id, self.sync.id, found, taken.arrivals, at=self.shop.now())
        return found

    def _land(self) -> bool:
        """Name what was landed as the run's files; again is harmless."""
        files = [(sha256, _shown(name), size) for sha256, name, size in self._taken["files"]]
        with self.shop.db.begin() as tx:
            store = IngestStore(tx.connection)
            if not self.run.files and files:
                told = {sha256: (self.shop.landing.path(sha256).stat().st_size, name) for sha256, name, _ in files}
                store.add_deliveries(told, org_id=self.run.org_id, actor_id=self.actor.id, at=self.shop.now())
                store.add_run_files(self.run_id, [(sha256, name) for sha256, name, _ in files])
                detail: dict[str, JsonValue] = {"run": self.run_id, "files": [*told]}
                self.shop.evidence.record(tx, self.actor, "ingest.arrive", target=self.sync.table, detail=detail)
            run = store.run(self.run_id)
        assert run is not None  # noqa: S101  # it was there a line above
        self.run = run
        return True

    @property
    def files(self) -> list[tuple[str, str]]:
        """The landed files of the run that can be read."""
        return [(sha256, name) for sha256, name in super().files if sha256 not in self._refused]

    # Reading many files, of which some may be broken

    def _go_on_without(self, told: dict[str, Text]) -> None:
        """Leave out files that cannot be read, so that they hold up no other, and begin again with the rest."""
        self._refused |= told
        for step in ("read", "stage", "settle"):
            shutil.rmtree(self.space.folder(step), ignore_errors=True)
        self.__dict__.pop("plan", None)

    def _hopeless(self) -> dict[str, Text]:
        """Return files with too many bad rows, where others have few; if all have, the run stops as any other."""
        limit = self.shop.bad_row_limit
        read: dict[str, list[int]] = {}
        for source, count in zip(self.plan.sources, self.stage()["counts"], strict=True):
            sums = read.setdefault(source.sha256, [0, 0])
            sums[0] += count["read"]
            sums[1] += sum(count["bad"].values())
        over = {s: n for s, n in read.items() if n[1] > limit * n[0]}
        if not over or len(over) == len(read):
            return {}
        return {
            s: Text(
                f"读入 {rows:,} 行，其中 {bad:,} 行有问题，超过上限 {limit:.0%}，整个文件未取",
                f"of {rows:,} rows {bad:,} are bad, over the limit of {limit:.0%}; none of the file was taken",
            )
            for s, (rows, bad) in over.items()
        }

    def _read(self, folder: Path) -> dict[str, Any]:
        pinned, remembered = self._pinned()
        options = read_options(self.request, remembered)
        tables = self._open_all(options, () if pinned is None else pinned.names)
        return plan_of(
            self.request,
            [(sha256, _guarded(table, sha256)) for sha256, table in tables],
            landing=self.shop.landing,
            pinned=pinned,
            folder=folder,
            tick=self._ticker(0.0, 0.5),
        ).to_json()

    def _open_all(self, options: ReadOptions, pinned: Sequence[str]) -> list[tuple[str, SourceTable]]:
        """Open every file, and refuse together those that cannot be read or are another table."""
        bad: dict[str, BeijiangError] = {}
        for sha256, name in self.files:
            try:
                self._opened[sha256] = [
                    t for t in open_tables(self.shop.landing.path(sha256), name, options) if t.columns
                ]
                if not self._opened[sha256]:
                    bad[sha256] = Invalid("文件里没有任何表。", "The file holds no table.", code="no_table")
            except BeijiangError as error:
                if error.transient:
                    raise
                bad[sha256] = error
        good = [(s, t) for s, _ in self.files if s not in bad for t in self._opened[s]]
        usual = tuple(pinned) or _usual([t for _, t in good])
        bad |= {s: found for s, t in good if (found := _unlike(t, usual, self.run.key)) is not None}
        if bad:
            raise _unreadable(bad)
        return good

    def _stage(self, folder: Path) -> dict[str, Any]:
        plan = self.plan
        _, remembered = self._pinned()
        options = read_options(self.request, remembered)
        start = 0.5 if plan.spooled else 0.0
        key = self.run.key
        typing = TypedSchema(tuple(replace(c, nullable=c.name not in key) for c in plan.schema.columns))
        found = stage_parts(
            plan,
            key=key,
            parts=[
                lambda: typed_together(
                    plan.sources, lambda source: self._raw(source, options), typing, self.request.checks
                )
            ],
            folder=folder,
            tick=self._ticker(start, 0.9 - start),
        )
        if self.mode in {WriteMode.MERGE, WriteMode.HISTORY}:
            schema = staged_schema(plan.schema)
            late = without_superseded(folder, self.run.key, plan.sources, schema, folder / "aside")
            found["counts"] = [c | {"superseded": late.get(c["source"], 0)} for c in found["counts"]]
        return found

    def _raw(self, source: Source, options: ReadOptions) -> Iterator[RawBatch]:
        if self.plan.spooled:
            landing, folder = self.shop.landing, self.space.folder("read")
            yield from raw_batches(self.plan, source, landing=landing, options=options, folder=folder)
            return
        if source.sha256 not in self._opened:
            self._opened[source.sha256] = open_tables(self.shop.landing.path(source.sha256), source.name, options)
        tables = self._opened[source.sha256]
        table = next(t for t in tables if t.inner_name == source.inner and t.columns == source.columns)
        yield from _guarded(table, source.sha256).batches()

    # The commit, and the end

    def _commit_words(self) -> dict[str, Any]:
        return {"position": {self.sync.id: self.run_id}}

    def report(self) -> dict[str, JsonValue]:
        """Return the account of the run, with that of the files."""
        late = sum(c.get("superseded", 0) for c in self.stage()["counts"])
        return super().report() | {"superseded": late, "arrivals": self._account()}

    def _account(self) -> dict[str, JsonValue]:
        states: dict[str, JsonValue] = {**self._taken["states"]}
        return {"states": states, "unreadable": len(self._refused), "told": self._taken["told"][:1000]}

    def _before_the_end(self, version: int | None) -> None:
        self._certificate(version)

    def _also_at_the_end(self, tx: Any, version: int | None) -> None:
        store = ArrivalStore(tx.connection)
        store.refuse(self.run_id, self._refused)
        store.settle(self.run_id, all_of_them=version is None)
        certificate = self._certificate(version)
        self._keep_certificate(tx, certificate, {"listing": certificate.body["listing_sha256"]})

    def _finish_idle(self) -> JsonValue:
        """End a run that brings no row: nothing is new, or nothing of it can be read."""
        report = _NOTHING | {"arrivals": self._account()}
        self._certificate(None)
        with self.shop.db.begin() as tx:
            ended = IngestStore(tx.connection).end_run(
                self.run_id, RunState.COMMITTED, self.shop.now(), version=None, report=report
            )
            if ended:
                self._also_at_the_end(tx, None)
                self._record(tx, RunState.COMMITTED, report)
        return report

    def _certificate(self, version: int | None) -> Certificate:
        told = self.space.produce("certify", lambda _folder: self._certify(version))
        return Certificate.of_run(self.sync, self.run_id, told, self.shop.now())

    def _certify(self, version: int | None) -> dict[str, Any]:
        self.job.progress(97, 100, Text("核对行数与校验和", "Comparing counts and checksums"))
        with self.shop.db.read() as connection:
            arrivals = ArrivalStore(connection).arrivals(self.run_id)
        sides = Sides(
            sync=self.sync,
            arrivals=arrivals,
            refused=self._refused,
            account=self._taken,
            version=version,
            counts=self.counts() if version is not None else {"read": 0, "aside": 0},
            staged=staged_files(self.space.folder("settle")) if version is not None else [],
            schema=self.plan.schema if version is not None else None,
            tags=[s.tag for s in self.plan.sources] if version is not None else [],
        )
        return {"id": new_id("crt"), **proved(self.shop.tables, self.actor, sides)}


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST else f"…{name[-_LONGEST + 1 :]}"


def _usual(tables: Sequence[SourceTable]) -> tuple[str, ...]:
    """Return the columns that most tables have, the earliest where several are as frequent."""
    counts: dict[tuple[str, ...], int] = {}
    for table in tables:
        counts[table.columns] = counts.get(table.columns, 0) + 1
    return max(counts, key=lambda c: counts[c]) if counts else ()


def _unlike(table: SourceTable, usual: Sequence[str], key: Sequence[str]) -> BeijiangError | None:
    """Say why a table does not go with the others."""
    lost = [name for name in key if name not in table.columns]
    if lost:
        return Invalid(
            f"“{table.label}”没有主键列：{'、'.join(lost)}。",
            f'"{table.label}" lacks the key column {", ".join(lost)}.',
            code="unknown_columns",
        )
    if len(set(usual) & set(table.columns)) >= _SHARED * len(usual):
        return None
    return Invalid(
        f"“{table.label}”的列与该表不符，可能不是同一种文件。它的列：{'、'.join(table.columns[:20])}。请用文件名样式、压缩包成员样式或工作表选项把它分开。",
        f'"{table.label}" has other columns and may be another kind of file: {", ".join(table.columns[:20])}. Keep it apart by the pattern of names, of members, or the sheet.',
        code="different_tables",
    )


def _unreadable(bad: dict[str, BeijiangError]) -> Invalid:
    told: dict[str, JsonValue] = {s: {"code": e.reason, "zh": e.text.zh, "en": e.text.en} for s, e in bad.items()}
    return Invalid("有文件无法读取。", "Some files cannot be read.", code=_UNREADABLE, detail={"files": told})


def _guarded(table: SourceTable, sha256: str) -> SourceTable:
    return _Guarded(table, sha256)


class _Guarded(SourceTable):
    """A table whose reading says which file it was that could not be read."""

    def __init__(self, table: SourceTable, sha256: str) -> None:
        self._table = table
        self._sha256 = sha256
        for name in ("file_name", "inner_name", "format", "encoding", "columns", "header", "notes", "geometry"):
            setattr(self, name, getattr(table, name))

    def batches(self) -> Iterator[RawBatch]:
        try:
            yield from self._table.batches()
        except BeijiangError as error:
            if error.transient or error.reason == _UNREADABLE:
                raise
            raise _unreadable({self._sha256: error}) from error
