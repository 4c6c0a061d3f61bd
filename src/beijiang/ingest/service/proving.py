"""The verbs of proof: certificates, comparisons of whole tables as jobs, comparisons of keys, and the keys that left."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beijiang.access import Permission
from beijiang.ingest.models import (
    AUTO,
    VERIFY_JOB,
    Certificate,
    KeyComparison,
    Lateness,
    Overlap,
    Sync,
    SyncMode,
    Tombstone,
    Verdict,
)
from beijiang.ingest.service.comparisons import Comparisons
from beijiang.ingest.store.lateness import LatenessStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.ingest.store.tombstones import KeyStore
from beijiang.kit import SYSTEM, Invalid, Text, guard_formula, new_id

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest.connectors import Connector, FileConnector
    from beijiang.ingest.models import Source
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.ingest.typing import ColumnType
    from beijiang.jobs import Job, JobRun
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["Proving"]

_MEND = "修复核对发现的差异 / mend what a verification found"
_NUMBER = re.compile(r"[+-][0-9]+(\.[0-9]*)?")
_SAYING = Text("核对两边的数据", "Comparing both sides")


class Proving(Comparisons):
    """The part of ``Sources`` that holds tables against their sources."""

    db: Database
    ingest: Ingest
    tables: Tables
    access: Access
    evidence: Evidence
    clock: Clock

    if TYPE_CHECKING:

        def sync(self, actor: Actor, words: str) -> Sync: ...
        def syncs(self, actor: Actor, words: str | None = None) -> list[Sync]: ...
        def run(
            self, actor: Actor, words: str, *, whole: bool = False, keys: bool = False, reason: str = ""
        ) -> str: ...
        def _source_of(self, sync: Sync) -> Source: ...
        def _connector(self, source: Source) -> Connector | FileConnector: ...

    def certificates(self, actor: Actor, words: str | None = None, limit: int = 50) -> list[Certificate]:
        """Return certificates of one sync, or of all of the department's and its streams', newest first."""
        syncs = [self.sync(actor, words)] if words is not None else self.syncs(actor)
        self.access.require(actor, Permission.INGEST_RUN_READ, actor.org_id)
        orgs = {s.id: s.org_id for s in syncs}
        with self.db.read() as connection:
            if words is None:
                orgs |= {s.id: s.org_id for s in StreamStore(connection).streams(actor.org_id)}
            found = SourceStore(connection).certificates([*orgs], limit)
        return [self._shown(actor, c, orgs[c.sync_id]) for c in found]

    def certificate(self, actor: Actor, run_id: str) -> Certificate | None:
        """Return the certificate that closes a run, if it has one."""
        run = self.ingest.run(actor, run_id)
        with self.db.read() as connection:
            found = SourceStore(connection).certificate(run_id)
        return None if found is None else self._shown(actor, found, run.org_id)

    # Whole tables

    def verify(self, actor: Actor, words: str) -> Certificate:
        """Hold the whole table against the source as it is now, and certify what is found; waits for it.

        Rows that the source changed after the last run differ, and are listed; the next run brings them.
        """
        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, sync.org_id)
        return self._shown(actor, self._verified(actor, sync, lambda _rows, _all: None), sync.org_id)

    def verify_later(self, actor: Actor, words: str, *, repair: bool = False) -> str:
        """Queue a comparison of the whole table and return the job's id; one that goes on already is returned.

        With ``repair``, a run over everything follows where something differs; the job's result names it.
        """
        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, sync.org_id)
        self.tables.get(actor, sync.table)  # a table that was never filled is told of at once
        arguments: dict[str, JsonValue] = {"sync": sync.id, "repair": repair}
        key = f"{VERIFY_JOB}:{sync.id}:{repair}"
        return self.ingest.jobs.submit(actor, VERIFY_JOB, arguments, key=key, org_id=sync.org_id)

    def verifications(self, actor: Actor, words: str) -> list[Job]:
        """Return the comparisons of a sync that have not ended, newest first."""
        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_READ, sync.org_id)
        jobs = self.ingest.jobs.jobs(SYSTEM, org_id=sync.org_id, limit=100)
        return [j for j in jobs if j.name == VERIFY_JOB and j.arguments.get("sync") == sync.id and not j.ended]

    def verify_work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do the comparison that a job stands for; registered in build.py as the work of ``VERIFY_JOB``."""
        sync = self.sync(job.actor, str(arguments["sync"]))

        def compare() -> JsonValue:
            found = self._verified(job.actor, sync, lambda rows, whole: job.progress(rows, whole, _SAYING))
            return {"certificate": found.id, "verdict": found.verdict.value}

        result: Any = job.step("compare", compare)
        if arguments["repair"] and result["verdict"] != Verdict.EQUAL:
            whole = sync.mends_whole
            result |= {"run": job.step("repair", lambda: self.run(job.actor, sync.id, whole=whole, reason=_MEND))}
        return result  # type: ignore[no-any-return]

    def repair(self, actor: Actor, words: str) -> str | None:
        """Verify, and queue a run over everything where something differs; return that run's id, if one is needed."""
        if self.verify(actor, words).verdict is Verdict.EQUAL:
            return None
        return self.run(actor, words, whole=self.sync(actor, words).mends_whole, reason=_MEND)

    def _verified(self, actor: Actor, sync: Sync, tick: Callable[[int, int | None], None]) -> Certificate:
        from beijiang.ingest.connectors import FileConnector
        from beijiang.ingest.service.filing import verify_files
        from beijiang.ingest.service.verifying import verified

        folder = self.ingest.settings.home / "staging" / new_id("verify")
        version = self.tables.get(actor, sync.table).version
        made = self._connector(self._source_of(sync))
        if isinstance(made, FileConnector):
            found = verify_files(self, actor, sync, made)
        else:
            found = verified(self.tables, actor, sync, made, folder, version=version, tick=tick)
        with self.db.begin() as tx:
            certificate = self._keep(tx, actor, sync, version, found)
            if found.missed is not None and found.missed["late"]:
                seen = Lateness(sync_id=sync.id, run_id=None, at=certificate.at, **found.missed)
                LatenessStore(tx.connection).add(seen)
        return certificate

    # How late rows come

    def overlap(self, actor: Actor, words: str, kind: ColumnType) -> Overlap | None:
        """Return how far before its position a sync would read now, where it learns that."""
        from beijiang.ingest.service.observing import overlap_of

        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_READ, sync.org_id)
        if sync.overlap != AUTO:
            return None
        with self.db.read() as connection:
            return overlap_of(sync, LatenessStore(connection).of(sync.id), kind)

    # Keys that left

    def compare_keys(self, actor: Actor, words: str, *, reason: str = "") -> str:
        """Queue a run that reads what is new and compares all keys in the same look, whether it is their turn or not.

        Raises:
            Invalid: the sync is not incremental, so its runs bring deletions themselves.

        """
        sync = self.sync(actor, words)
        if sync.mode is not SyncMode.INCREMENTAL:
            raise Invalid(
                f"只有增量取数需要另外比对主键；“{sync.table}”按“{sync.mode.text.zh}”取数，每次都已包含删除。",
                f'Only incremental syncs need a comparison of keys; "{sync.table}" is taken by "{sync.mode.text.en}", whose runs bring deletions themselves.',
                code="full_compares_everything",
            )
        return self.run(actor, sync.id, keys=True, reason=reason)

    def comparisons(self, actor: Actor, words: str, *, limit: int = 50) -> list[KeyComparison]:
        """Return when keys of a sync were compared and how many left, newest first."""
        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_READ, sync.org_id)
        with self.db.read() as connection:
            return KeyStore(connection).of(sync.id, gone=False, limit=limit)

    def tombstones(
        self, actor: Actor, words: str, *, key: Sequence[str] = (), offset: int = 0, limit: int = 100
    ) -> list[Tombstone]:
        """Return keys that left a table with when and by which run, newest first; only those of ``key`` where it is given.

        Keys are values of rows, so they are shown to the department only.
        """
        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_QUARANTINE_READ, sync.org_id)
        found: list[Tombstone] = []
        for made in self._deaths(sync):
            file = self.ingest.shop.tombstones(made.run_id)
            if key:
                found += file.find(made, key)
            elif offset >= made.gone:
                offset -= made.gone
            else:
                found += file.page(made, offset, limit - len(found))
                offset = 0
            if len(found) >= limit:
                break
        with self.db.begin() as tx:
            self.evidence.record(tx, actor, "ingest.tombstones", target=sync.table, detail={"rows": len(found)})
        return found[:limit]

    def tombstone_file(self, actor: Actor, words: str) -> Path:
        """Write all keys that left a table as CSV; the caller removes the file."""
        import csv

        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_QUARANTINE_READ, sync.org_id)
        path = self.ingest.settings.home / "cache" / "returns" / f"{new_id('gone')}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = 0
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            out = csv.writer(stream)
            out.writerow([*(_plain(name) for name in sync.key), "run", "at", "version"])
            for made in self._deaths(sync):
                for batch in self.ingest.shop.tombstones(made.run_id).batches():
                    for values in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                        out.writerow([*map(_plain, values), made.run_id, made.at.isoformat(), made.version])
                        rows += 1
        with self.db.begin() as tx:
            self.evidence.record(tx, actor, "ingest.tombstones", target=sync.table, detail={"rows": rows})
        return path

    def _deaths(self, sync: Sync) -> list[KeyComparison]:
        with self.db.read() as connection:
            return KeyStore(connection).of(sync.id, gone=True, limit=100_000)


def _plain(value: str | None) -> str:
    """Keep a spreadsheet from taking a key for a formula; a number with a sign is none."""
    text = value or ""
    return text if _NUMBER.fullmatch(text) else guard_formula(text)
