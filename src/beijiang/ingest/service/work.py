"""The work of one run: read, stage, settle, commit, finish. Each step can be cut at any instant and done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beijiang.ingest.errors import bad_rows_over_limit, no_rows, no_such_run
from beijiang.ingest.models import (
    DUPLICATE_SAME,
    CheckKind,
    IngestRequest,
    ReleaseCheck,
    RunMode,
    RunState,
    StagedTable,
)
from beijiang.ingest.service.duplicates import settle
from beijiang.ingest.service.reading import ReadPlan, decide_plan, pinned_schema, raw_batches, read_options
from beijiang.ingest.service.staging import CHANGES_FILE, QUARANTINE_FILE, stage, staged_files, staged_schema
from beijiang.ingest.service.workspace import Workspace, place
from beijiang.ingest.store import IngestStore, Landing
from beijiang.ingest.store.quarantine import Quarantine, key_text
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.tombstones import Tombstones
from beijiang.kit import Actor, BeijiangError, NotFound, Refused, Text
from beijiang.kit.errors import JsonValue
from beijiang.tables import HIDDEN, CommitRequest, SourceFile, TableInfo, WriteMode

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.ingest.models import BatchWatch, Certificate
    from beijiang.jobs import JobRun
    from beijiang.kit import Clock
    from beijiang.tables import Tables

__all__ = ["Shop", "Work"]


@dataclass(frozen=True, slots=True)
class Shop:
    """The tools that every run works with."""

    db: Database
    landing: Landing
    tables: Tables
    evidence: Evidence
    clock: Clock
    home: Path
    bad_row_limit: float
    release_checks: Sequence[ReleaseCheck] = ()
    watches: Sequence[BatchWatch] = ()
    keeps: Callable[[str], bool] = lambda _: False

    def quarantine(self, run_id: str) -> Quarantine:
        """Return the rows that a run set aside."""
        return Quarantine(self.home / "quarantine" / f"{run_id}.parquet")

    def changes(self, run_id: str) -> Path:
        """Return where the raw texts of a run's rewritten cells are."""
        return self.home / "changes" / f"{run_id}.parquet"

    def tombstones(self, run_id: str) -> Tombstones:
        """Return the keys that a run took out of its table because the source has them no more."""
        return Tombstones(self.home / "tombstones" / f"{run_id}.parquet")

    def now(self) -> datetime:
        """Return the present moment."""
        return self.clock.now()


class Work:
    """One attempt at one run."""

    def __init__(self, shop: Shop, job: JobRun, run_id: str) -> None:
        self.shop = shop
        self.job = job
        self.run_id = run_id
        self.actor: Actor = job.actor
        with shop.db.begin() as tx:
            store = IngestStore(tx.connection)
            found = store.run(run_id)
            if found is None:
                raise no_such_run(run_id)
            self.run = found
            self.request: IngestRequest = store.request(run_id)
            store.set_state(run_id, RunState.RUNNING)
        self.space = Workspace(shop.home / "staging" / run_id, job.attempt)
        self._moved = 0

    def do(self) -> JsonValue:
        """Do what is left of the run and return its report; a run that ended stays as it is."""
        if self.run.ended:
            self.space.remove()
            return self.run.report
        try:
            report = self._steps()
        except BeijiangError as error:
            self._fail(error)
            raise
        self.space.remove()
        return report

    def _steps(self) -> JsonValue:
        for name, step in (("read", self.read), ("stage", self.stage), ("settle", self.settle)):
            self.job.step(name, lambda step=step: bool(step()))  # type: ignore[misc]
        self._stop_if_empty()
        self.job.step("publish", self._publish)
        self._stop_if_bad()
        self.job.step("commit", self._commit)
        return self.job.step("finish", self._finish)

    def _stop_if_empty(self) -> None:
        """Stop where there was nothing to read: a table is not emptied by an empty file."""
        if not self.counts()["read"]:
            raise no_rows([name for _, name in self.files])

    # What was asked for

    @cached_property
    def table(self) -> TableInfo | None:
        """The table as it is before the commit, if there is one."""
        try:
            return self.shop.tables.get(self.actor, self.request.into)
        except NotFound:
            return None

    @property
    def files(self) -> list[tuple[str, str]]:
        """The landed files of the run, each once."""
        return list(dict(self.run.files).items())

    @property
    def mode(self) -> WriteMode:
        """How the table is changed: the run's mode, decided when it was submitted."""
        return {
            RunMode.APPEND: WriteMode.APPEND,
            RunMode.MERGE: WriteMode.MERGE,
            RunMode.REPLACE: WriteMode.REPLACE,
            RunMode.HISTORY: WriteMode.HISTORY,
        }[self.run.mode]

    # The steps

    def read(self) -> dict[str, Any]:
        """Open the files and decide columns and types."""
        return self.space.produce("read", self._read)

    def _read(self, folder: Path) -> dict[str, Any]:
        pinned, remembered = self._pinned()
        plan = decide_plan(
            self.request,
            self.files,
            landing=self.shop.landing,
            options=read_options(self.request, remembered),
            pinned=pinned,
            folder=folder,
            tick=self._ticker(0.0, 0.5),
        )
        return plan.to_json()

    def _pinned(self) -> tuple[Any, dict[str, Any] | None]:
        with self.shop.db.read() as connection:
            store = IngestStore(connection)
            notes = store.schema(self.request.into)
            header = store.template(self.request.org_id, self.request.into)
        if self.mode is WriteMode.REPLACE:
            return None, header
        arrow = self.shop.tables.schema(self.actor, self.request.into)
        return pinned_schema(arrow, notes, HIDDEN), header

    @cached_property
    def plan(self) -> ReadPlan:
        """What step one decided."""
        return ReadPlan.from_json(self.read())

    def stage(self) -> dict[str, Any]:
        """Type all rows into staged files."""
        return self.space.produce("stage", self._stage)

    def _stage(self, folder: Path) -> dict[str, Any]:
        plan = self.plan
        _, remembered = self._pinned()
        options = read_options(self.request, remembered)
        start = 0.5 if plan.spooled else 0.0
        return stage(
            plan,
            key=self.run.key,
            checks=self.request.checks,
            raw=lambda source: raw_batches(
                plan, source, landing=self.shop.landing, options=options, folder=self.space.folder("read")
            ),
            folder=folder,
            tick=self._ticker(start, 0.9 - start),
        )

    def settle(self) -> dict[str, Any]:
        """Leave one row per key."""
        return self.space.produce("settle", self._settle)

    def _settle(self, folder: Path) -> dict[str, Any]:
        self.stage()
        unique = [c.column for c in self.request.checks if c.kind is CheckKind.UNIQUE]
        return settle(self.plan, key=self.run.key, unique=unique, staged=self.space.folder("stage"), folder=folder)

    def _publish(self) -> JsonValue:
        """Put quarantine and raw texts under their lasting names; nobody sees them before the run ends."""
        self.settle()
        if self.counts()["bad"] or self.counts()["duplicates"]:
            place(self.space.folder("settle") / QUARANTINE_FILE, self.shop.quarantine(self.run_id).path)
        if self.stage()["changed_cells"]:
            place(self.space.folder("stage") / CHANGES_FILE, self.shop.changes(self.run_id))
        return True

    def _commit(self) -> JsonValue:
        good = self.settle()["good"]
        self.job.progress(95, 100, Text(f"提交 {good:,} 行", f"Committing {good:,} rows"))
        if self._nothing_to_commit(good):
            rows = 0 if self.table is None else self.table.rows
            return {"rows": rows, "rows_added": 0, "rows_changed": 0, "rows_removed": 0}
        self._ask_release_checks(good)
        version = self.shop.tables.commit(
            self.actor,
            CommitRequest(
                table=self.request.into,
                org_id=self.request.org_id,
                mode=self.mode,
                run_id=self.run_id,
                key=self.run.key,
                reason=self.request.reason,
                sources=tuple(SourceFile(s, n) for s, n in self.files),
                accept_plan=self.request.accept_plan,
                upon=self.request.upon,
                **{
                    "staged": tuple(staged_files(self.space.folder("settle"))),
                    "schema": staged_schema(self.plan.schema),
                    **self._commit_words(),
                },
            ),
        )
        return {
            "version": version.version,
            "rows": version.rows,
            "rows_added": version.rows_added,
            "rows_changed": version.rows_changed,
            "rows_removed": version.rows_removed,
        }

    def _nothing_to_commit(self, good: int) -> bool:
        return not good and self.table is not None and self.mode is not WriteMode.REPLACE

    def _commit_words(self) -> dict[str, Any]:
        """Return what a kind of run adds to its commit, or says otherwise."""
        return {}

    def _ask_release_checks(self, good: int) -> None:
        staged = StagedTable(
            table=self.request.into,
            org_id=self.request.org_id,
            run_id=self.run_id,
            files=tuple(staged_files(self.space.folder("settle"))),
            columns=self.plan.schema.names,
            rows=good,
        )
        found = [text for check in self.shop.release_checks for text in check.check(staged)]
        if found:
            raise Refused(
                f"发布检查未通过，没有写入任何数据：{'；'.join(t.zh for t in found)}",
                f"A release check forbids the commit; nothing was written: {'; '.join(t.en for t in found)}",
                code="release_check_failed",
            )

    def _finish(self) -> JsonValue:
        """Write down what became of the run. Everything here is done in one transaction or not at all."""
        committed = self._commit()  # the same run commits once: again it returns the version it made
        resolved = self._resolutions()
        report = self.report() | (committed if isinstance(committed, dict) else {})
        version = report.pop("version", None)
        number = version if isinstance(version, int) else None
        self._before_the_end(number)
        now = self.shop.now()
        with self.shop.db.begin() as tx:
            store = IngestStore(tx.connection)
            ended = store.end_run(
                self.run_id,
                RunState.COMMITTED,
                now,
                version=number,
                report=report,
                quarantined=self.counts()["aside"],
            )
            if ended:
                self._also_at_the_end(tx, number)
                self._pin(store, now)
                self._remember(store, now)
                for run_id, rows in resolved.items():
                    store.resolve(run_id, rows, self.run_id, now)
                self._record(tx, RunState.COMMITTED, report)
        return report | {"version": version}

    def _pin(self, store: IngestStore, now: datetime) -> None:
        """Keep what the columns of the table are."""
        store.pin_schema(self.request.into, self.plan.schema.to_json(), now)

    def _remember(self, store: IngestStore, now: datetime) -> None:
        """Keep how the supplier's file was laid out, for the next one."""
        if self.plan.sources:
            store.remember_template(self.request.org_id, self.request.into, self.plan.sources[0].header, now)

    def _before_the_end(self, version: int | None) -> None:
        """Do what a kind of run has to do between its commit and its end."""

    def _also_at_the_end(self, tx: Any, version: int | None) -> None:
        """Write down what a kind of run has to say, in the transaction that ends it."""

    def _keep_certificate(self, tx: UnitOfWork, certificate: Certificate, facts: Mapping[str, JsonValue]) -> None:
        """Store the certificate of the run with its evidence, in the transaction that ends the run."""
        SourceStore(tx.connection).add_certificate(certificate)
        told: dict[str, JsonValue] = {
            "run": self.run_id,
            "certificate": certificate.id,
            "verdict": certificate.verdict.value,
            "version": certificate.version,
            **facts,
        }
        self.shop.evidence.record(tx, self.actor, "ingest.certify", target=certificate.table, detail=told)

    def _resolutions(self) -> dict[str, list[int]]:
        """Find quarantined rows of earlier runs whose keys are among the good rows of this one."""
        if not self.run.key:
            return {}
        import polars as pl

        with self.shop.db.read() as connection:
            store = IngestStore(connection)
            earlier = [r for r in store.quarantines(self.request.into) if r != self.run_id]
            known = {r: store.resolved(r) for r in earlier}
        found: dict[str, list[int]] = {}
        files = staged_files(self.space.folder("settle"))
        for run_id in earlier:
            quarantine = self.shop.quarantine(run_id)
            if not quarantine.exists:
                continue
            open_rows = quarantine.keyed().filter(~pl.col("seq").is_in(list(known[run_id])))
            if open_rows.is_empty():
                continue
            keys = pl.scan_parquet(files).select(key_text(list(self.run.key)).alias("key"))
            hits = open_rows.lazy().join(keys, on="key", how="semi").select("seq").collect()
            if not hits.is_empty():
                found[run_id] = hits["seq"].to_list()
        return found

    # The account

    def counts(self) -> dict[str, int]:
        """Add up: read = good + bad + duplicates; ``aside`` is everything in quarantine."""
        staged, settled = self.stage(), self.settle()
        read = sum(c["read"] for c in staged["counts"])
        bad = sum(sum(c["bad"].values()) for c in staged["counts"])
        same = sum(x["rows"] for x in settled["left"] if x["reason"] == DUPLICATE_SAME)
        late = sum(x["rows"] for x in settled["left"] if x["reason"] != DUPLICATE_SAME)
        total = {"read": read, "good": settled["good"], "bad": bad + late, "duplicates": same}
        superseded = sum(c.get("superseded", 0) for c in staged["counts"])
        if total["read"] != total["good"] + total["bad"] + total["duplicates"] + superseded:
            msg = f"the account of run {self.run_id} does not balance: {total}"
            raise AssertionError(msg)
        return total | {"aside": total["bad"] + same}

    def report(self) -> dict[str, JsonValue]:
        """Return the account of the run, in all and per table of each file."""
        counts = self.counts()
        by_reason: Counter[str] = Counter()
        files: list[JsonValue] = []
        for source, count in zip(self.plan.sources, self.stage()["counts"], strict=True):
            reasons: Counter[str] = Counter(count["bad"])
            left = {x["reason"]: x["rows"] for x in self.settle()["left"] if x["source"] == source.index}
            same = left.pop(DUPLICATE_SAME, 0)
            reasons.update(left)
            by_reason.update(reasons)
            bad = sum(reasons.values())
            files.append(
                {
                    "sha256": source.sha256,
                    "name": source.name,
                    "inner": source.inner,
                    "format": source.format,
                    "encoding": source.encoding,
                    "columns": [*source.columns],
                    "read": count["read"],
                    "good": count["read"] - bad - same - count.get("superseded", 0),
                    "bad": bad,
                    "bad_by_reason": dict(sorted(reasons.items())),
                    "duplicates": same,
                    **({"superseded": count["superseded"]} if count.get("superseded") else {}),
                    "notes": [{"code": code, "zh": zh, "en": en} for code, zh, en in source.notes],
                }
            )
        return {
            "read": counts["read"],
            "good": counts["good"],
            "bad": counts["bad"],
            "bad_by_reason": dict(sorted(by_reason.items())),
            "duplicates": counts["duplicates"],
            "changed_cells": self.stage()["changed_cells"],
            "columns": [{"name": c.name, "type": c.type.value} for c in self.plan.schema.columns],
            "files": files,
        }

    def _stop_if_bad(self) -> None:
        counts = self.counts()
        if counts["bad"] and counts["bad"] > self.shop.bad_row_limit * counts["read"]:
            reasons = self.report()["bad_by_reason"]
            assert isinstance(reasons, dict)  # noqa: S101  # the report is made a few lines above
            raise bad_rows_over_limit(counts["read"], counts["bad"], self.shop.bad_row_limit, reasons)

    def _fail(self, error: BeijiangError) -> None:
        """Write down why the run ended without a commit; what it set aside stays for the supplier."""
        stopped = error.reason == "bad_rows_over_limit"
        state = RunState.STOPPED if stopped else RunState.FAILED
        told: dict[str, JsonValue] = {"code": error.reason, "zh": error.text.zh, "en": error.text.en}
        told["transient"] = error.transient
        report = self.report() if stopped else None
        with self.shop.db.begin() as tx:
            ended = IngestStore(tx.connection).end_run(
                self.run_id,
                state,
                self.shop.now(),
                report=report,
                error=told | {"detail": error.detail},
                quarantined=self.counts()["aside"] if stopped else 0,
            )
            if ended:
                self._record(tx, state, {"code": error.reason})
        if not stopped and not self.shop.keeps(self.request.into):
            self.shop.quarantine(self.run_id).path.unlink(missing_ok=True)
        self.shop.changes(self.run_id).unlink(missing_ok=True)
        self.space.remove()

    def _record(self, tx: Any, state: RunState, facts: dict[str, JsonValue]) -> None:
        kept: dict[str, JsonValue] = {
            k: facts[k] for k in ("read", "good", "bad", "duplicates", "rows", "code") if k in facts
        }
        self.shop.evidence.record(
            tx, self.actor, f"ingest.{state.value}", target=self.request.into, detail={"run": self.run_id, **kept}
        )

    def _ticker(self, start: float, share: float) -> Callable[[int, Text], None]:
        """Return the reporter of one step: it is told how many bytes of text were moved on."""
        whole = max(1, sum(self.shop.landing.path(s).stat().st_size for s, _ in self.files))
        moved = 0

        def tick(size: int, note: Text) -> None:
            nonlocal moved
            moved += size
            part = min(moved / whole, 1.0)
            self.job.progress(int((start + share * part) * 100), 100, note)

        return tick
