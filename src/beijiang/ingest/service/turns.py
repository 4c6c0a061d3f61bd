"""Whose turn it is: a source is read by few runs at once, never in its quiet hours, and every run that waits says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from beijiang.ingest.models import IsWorking, SourceLimits
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.turns import Turn, TurnStore
from beijiang.kit import SYSTEM, Text

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import Database
    from beijiang.jobs import Jobs
    from beijiang.kit import Clock

__all__ = ["Turns"]


class Turns:
    """The line in front of each source."""

    def __init__(self, db: Database, jobs: Jobs, clock: Clock, zone: tzinfo, is_working: IsWorking) -> None:
        self.db = db
        self.jobs = jobs
        self.clock = clock
        self.zone = zone
        self.is_working = is_working

    def admit(self, job_ids: Sequence[str]) -> Mapping[str, Text]:
        """Let go the runs whose turn has come; return why each of the others waits.

        Several processes may ask at once: each source is decided about by one of them at a time, and what was let go
        stays let go, also if its process dies before the run begins.
        """
        with self.db.read() as connection:
            asked = [t for t in TurnStore(connection).of_jobs(job_ids) if t.released_at is None]
        held: dict[str, Text] = {}
        for source_id in dict.fromkeys(t.source_id for t in asked):
            held |= self._of_source(source_id, [t for t in asked if t.source_id == source_id])
        return held

    def admit_comparisons(self, job_ids: Sequence[str]) -> Mapping[str, Text]:
        """Let go comparisons of whole tables outside a source's quiet hours and beside few runs; return why others wait."""
        held: dict[str, Text] = {}
        for job_id in job_ids:
            with self.db.read() as connection:
                sync = SourceStore(connection).sync(str(self.jobs.job(SYSTEM, job_id).arguments["sync"]))
                limits = None if sync is None else TurnStore(connection).limits(sync.source_id)
            if sync is None or limits is None:
                continue
            quiet = self._quiet_until(limits)
            if quiet is not None:
                held[job_id] = _is_quiet(*quiet)
            elif len(running := self.running(sync.source_id)) >= limits.at_once:
                held[job_id] = _is_busy(len(running), limits)
        return held

    def running(self, source_id: str) -> list[Turn]:
        """Return the runs of a source that were let go and have not ended."""
        with self.db.read() as connection:
            known = TurnStore(connection).open_of_source(source_id)
        alive = self.jobs.still_open([t.job_id for t in known])
        return [t for t in known if t.job_id in alive]

    def of_sync(self, sync_id: str) -> list[Turn]:
        """Return the runs of a sync that wait or go on."""
        with self.db.read() as connection:
            known = TurnStore(connection).open_of_sync(sync_id)
        alive = self.jobs.still_open([t.job_id for t in known])
        return [t for t in known if t.job_id in alive]

    def every(self) -> list[Turn]:
        """Return the runs of all syncs that wait or go on."""
        with self.db.read() as connection:
            known = TurnStore(connection).open_syncs()
        alive = self.jobs.still_open([t.job_id for t in known])
        return [t for t in known if t.job_id in alive]

    def _of_source(self, source_id: str, asked: Sequence[Turn]) -> dict[str, Text]:
        with self.db.read() as connection:
            store = TurnStore(connection)
            limits, known = store.limits(source_id), store.open_of_source(source_id)
        alive = self.jobs.still_open([t.job_id for t in known])
        if all(t.job_id in alive for t in known):
            held = _decide(asked, known, limits, self._quiet_until(limits))
            if len(held) == len(asked):
                return held  # nothing to write, which is how it stands most of the time
        with self.db.begin() as tx:
            store = TurnStore(tx.connection)
            store.lock(source_id)
            known = store.open_of_source(source_id)
            alive = self.jobs.still_open([t.job_id for t in known])
            now = self.clock.now()
            store.end([t.run_id for t in known if t.job_id not in alive], now)
            running = [t for t in known if t.job_id in alive]
            held = _decide(asked, running, limits, self._quiet_until(limits))
            for turn in asked:
                if turn.job_id not in held:
                    store.release(turn.run_id, now)
        return held

    def _quiet_until(self, limits: SourceLimits) -> tuple[Text, datetime] | None:
        now = self.clock.now()
        for window in limits.quiet:
            end = window.end_of(now, self.zone, self.is_working)
            if end is not None:
                return window.text, end
        return None


def _decide(
    asked: Sequence[Turn], running: Sequence[Turn], limits: SourceLimits, quiet: tuple[Text, datetime] | None
) -> dict[str, Text]:
    """Say which of the runs in line wait, and why; the first in line goes first."""
    going = [t for t in running if t.run_id not in {a.run_id for a in asked}]
    held: dict[str, Text] = {}
    for turn in asked:
        if quiet is not None:
            held[turn.job_id] = _is_quiet(*quiet)
        elif any(t.sync_id == turn.sync_id for t in going):
            held[turn.job_id] = Text(
                f"等待表“{turn.table}”的上一次取数结束", f'waiting for the run before of table "{turn.table}" to finish'
            )
        elif len(going) >= limits.at_once:
            held[turn.job_id] = _is_busy(len(going), limits)
        else:
            going.append(turn)
    return held


def _is_quiet(window: Text, end: datetime) -> Text:
    return Text(
        f"等待：该数据源在 {window.zh} 不读取，{end:%m-%d %H:%M} 开始",
        f"waiting: this source is not read {window.en}; it begins at {end:%m-%d %H:%M}",
    )


def _is_busy(count: int, limits: SourceLimits) -> Text:
    return Text(
        f"等待：该数据源已有 {count} 个任务在运行（上限 {limits.at_once}）",
        f"waiting: {count} {'run' if count == 1 else 'runs'} of this source {'is' if count == 1 else 'are'} running (at most {limits.at_once})",
    )
