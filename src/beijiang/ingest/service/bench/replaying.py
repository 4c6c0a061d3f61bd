"""Take mended rows in: landed as a file of their own, then a run like any other. Nothing goes in twice."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.ingest.models import (
    REPLAY_JOB,
    BenchQuery,
    BenchRow,
    IngestRequest,
    MendState,
    Origin,
    ReplayPlan,
    RunMode,
    RunState,
)
from beijiang.ingest.service.bench.looking import RunView
from beijiang.ingest.service.bench.sending import SendingBack
from beijiang.ingest.store import IngestStore
from beijiang.ingest.store.bench import BenchStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.kit import SYSTEM, Conflict, Invalid

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.jobs import JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Replaying"]

_MOST: Final = 50_000
"""Rows of one replay; what is left over waits for the next."""


class Replaying(SendingBack):
    """Take mended rows in."""

    def plan_replay(self, actor: Actor, query: BenchQuery) -> ReplayPlan:
        """Say what taking the mended rows of a table (or of what a query means) in would do."""
        views = self._views(actor, query, Permission.INGEST_QUARANTINE_READ)
        ready: Counter[RunMode] = Counter()
        wrong, busy = 0, 0
        for view in reversed(views):
            for row in self._batches(view, _mended(query)):
                if view.rules is not None and row.ready and row.blocked is None:
                    ready[view.rules.mode] += 1
                wrong += not row.ready and row.blocked is None
                busy += row.replay in view.live if row.replay else 0
        table = query.table or (views[0].run.table if views else "")
        rules = next((v.rules for v in views if v.rules is not None), None)
        mode = next(iter(ready), RunMode.APPEND if rules is None else rules.mode)
        with self.db.read() as connection:
            from_source = SourceStore(connection).sync(table) is not None
        later = ready.total() - ready[mode]
        return ReplayPlan(table, ready[mode], wrong, busy, mode.value, from_source, later)

    def replay(self, actor: Actor, query: BenchQuery, *, reason: str = "") -> str:
        """Queue a run that takes in every mended row with nothing wrong in it; return the run's id.

        The rows are landed as a file of their own that names, for each, the run, file and line it came from and the
        columns that were corrected. Originals are resolved by the run; a row that still fails is set aside anew, with
        its new reason. Asked again while the run goes on, the same run is returned. Rows that name others to be taken out
        do not go with those that come in: of the two the earlier ones are taken, the others by the next replay.

        Raises:
            Invalid: no row is ready.
            Conflict: somebody else takes some of them in at this moment.

        """
        from beijiang.ingest.service.bench.replay_work import file_of

        views = self._views(actor, query, Permission.INGEST_QUARANTINE_MEND)
        picked = [(view, row) for view in reversed(views) for row in self._batches(view, _mended(query))]
        waiting = sorted({row.replay for view, row in picked if row.replay is not None and row.replay in view.live})
        chosen = _alike([(view, row) for view, row in picked if row.ready and row.blocked is None])[:_MOST]
        if not chosen and waiting:
            return waiting[0]
        if not chosen:
            raise Invalid(
                "没有可以入库的行。请先修正，并确认没有标红的单元格。",
                "No row is ready. Mend some first, until no cell is marked.",
                code="nothing_to_do",
            )
        run, rules = chosen[0][0].run, chosen[0][0].rules
        assert rules is not None  # noqa: S101  # a row without a table is blocked
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, run.org_id)
        rows = [row for _, row in chosen]
        sha256, name = self._land(actor, run.org_id, run.table, file_of(rows, rules.schema.names))
        checks = tuple(dict.fromkeys(c for view, _ in chosen for c in view.request.checks))
        request = IngestRequest(
            files=(sha256,),
            into=run.table,
            org_id=run.org_id,
            key=rules.key,
            mode=rules.mode,
            checks=checks,
            reason=reason or "补正隔离区的行 / rows mended in quarantine",
            again=True,
        )
        facts = _facts(rows, sha256)
        free = self._came_to_nothing(chosen)

        def claim(tx: UnitOfWork, run_id: str) -> None:
            self._claim(tx, rows, run_id, free)
            self.evidence.record(tx, actor, "ingest.replay", target=run.table, detail={"run": run_id, **facts})

        return self.ingest.queue(actor, request, [(sha256, name)], REPLAY_JOB, also=claim)

    def origins(self, actor: Actor, run_id: str) -> list[tuple[Origin, str]]:
        """Return where the rows of a replay were first set aside and what became of each; none for any other run."""
        run = self.ingest.run(actor, run_id)
        self.access.require(actor, Permission.INGEST_RUN_READ, run.org_id)
        with self.db.read() as connection:
            bench = BenchStore(connection)
            claimed = bench.claimed(run_id)
            mends = {r: bench.mends(r, seqs) for r, seqs in claimed.items()}
        found = []
        for origin_run, seqs in sorted(claimed.items()):
            rows = self.ingest.shop.quarantine(origin_run).chosen(within=list(seqs)).collect()
            for row in rows.iter_rows(named=True):
                origin = Origin(origin_run, row["seq"], row["file_name"], row["line"])
                found.append((origin, mends[origin_run][row["seq"]].outcome or ""))
        return found

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do the run that a job stands for; registered in build.py as the work of ``REPLAY_JOB``."""
        from beijiang.ingest.service.bench.replay_work import ReplayRemoval, ReplayWork

        del arguments
        run_id, request = self.ingest.request_of(job.id)
        kind = ReplayRemoval if request.mode is RunMode.REMOVE else ReplayWork
        kind(self.ingest.shop, job, run_id).do()
        return {"run": run_id}

    # Inside

    def _land(self, actor: Actor, org_id: str, table: str, content: bytes) -> tuple[str, str]:
        """Keep the file of a replay; the same rows with the same corrections are the same bytes."""
        sha256, size, _ = self.ingest.landing.put(io.BytesIO(content), len(content))
        name = f"补正 {table}.parquet"[-255:]
        with self.db.begin() as tx:
            store = IngestStore(tx.connection)
            if store.delivery(sha256, org_id) is None:
                store.add_delivery(sha256, size, org_id, actor.id, name, self.clock.now())
        return sha256, name

    def _came_to_nothing(self, chosen: Sequence[tuple[RunView, BenchRow]]) -> list[str]:
        """Return earlier replays of these rows that failed or were cancelled."""
        tried = {row.replay for _, row in chosen if row.replay}
        runs = [self.ingest.run(SYSTEM, r) for r in tried]
        return [r.id for r in runs if r.ended and r.state is not RunState.COMMITTED]

    def _claim(self, tx: UnitOfWork, rows: Sequence[BenchRow], run_id: str, free: Sequence[str]) -> None:
        lines: dict[str, dict[int, int]] = {}
        for line, row in enumerate(rows, 1):
            lines.setdefault(row.row.run_id, {})[row.row.seq] = line
        bench = BenchStore(tx.connection)
        if sum(bench.claim(run, of_run, run_id, free) for run, of_run in lines.items()) < len(rows):
            raise Conflict(
                "有人正在把其中一些行入库。请刷新后再试。",
                "Somebody else takes some of these rows in at this moment. Reload and try again.",
                code="already_replayed",
            )


def _alike(ready: list[tuple[RunView, BenchRow]]) -> list[tuple[RunView, BenchRow]]:
    """Return the rows that change their table as the first one does: one run has one mode."""
    modes = [None if view.rules is None else view.rules.mode for view, _ in ready]
    return [one for one, mode in zip(ready, modes, strict=True) if mode is modes[0]]


def _mended(query: BenchQuery) -> BenchQuery:
    return BenchQuery(
        table=query.table,
        run_id=query.run_id,
        reason=query.reason,
        column=query.column,
        file=query.file,
        state=MendState.FIXED,
        rows=query.rows,
    )


def _facts(rows: Sequence[BenchRow], sha256: str) -> dict[str, JsonValue]:
    """Return what the evidence says of a replay: which columns of how many rows, and the file that holds every one."""
    corrected = Counter(c.column for row in rows for c in row.cells if c.changed)
    per_run = Counter(row.row.run_id for row in rows)
    by_column: dict[str, JsonValue] = {**dict(sorted(corrected.items()))}
    by_run: dict[str, JsonValue] = {**dict(sorted(per_run.items()))}
    return {"file": sha256, "rows": len(rows), "corrected": by_column, "from": by_run}
