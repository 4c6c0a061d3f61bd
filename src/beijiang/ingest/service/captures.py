"""The verbs of captures: how far behind a source's log a table is, and catching up until nothing is left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.ingest.connectors.capture import LogPosition
from beijiang.ingest.models import CaptureState, SyncMode
from beijiang.ingest.service.logs import log_of, measured, start_from
from beijiang.ingest.store.captures import CaptureStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from beijiang.ingest.connectors.capture import Capture
    from beijiang.ingest.models import Sync
    from beijiang.ingest.service.sources import Sources
    from beijiang.kit import Actor

__all__ = ["Captures"]

_STALE: Final = timedelta(days=1)


class Captures:
    """Tables that follow the log of their source."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.ingest = sources.ingest

    def lag(self, actor: Actor, words: str) -> CaptureState | None:
        """Measure how far behind its source's log a table is; None before its first run.

        Raises:
            Invalid: the sync follows no log (``no_capture``).
            Conflict: the log was lost; a new snapshot is needed (``capture_log_lost``).

        """
        sync = self._sync(actor, words)
        self._sources.access.require(actor, Permission.INGEST_RUN_SUBMIT, sync.org_id)
        found = self._measure(actor, sync)
        if found is not None:
            with self._sources.db.begin() as tx:
                CaptureStore(tx.connection).note(found)
        return found

    def last(self, actor: Actor, words: str) -> CaptureState | None:
        """Return what was last measured, without asking the source."""
        sync = self._sync(actor, words)
        self._sources.access.require(actor, Permission.INGEST_SOURCE_READ, sync.org_id)
        with self._sources.db.read() as connection:
            return CaptureStore(connection).state(sync.id)

    def catch_up(self, actor: Actor, words: str) -> str | None:
        """Queue a run if the log holds something for the table, and return its id; otherwise move on in the log."""
        sync = self._sync(actor, words)
        self._sources.access.require(actor, Permission.INGEST_RUN_SUBMIT, sync.org_id)
        start, follows = self._start(actor, sync)
        if start is None:
            return self._sources.run(actor, sync.id)
        capture = self._capture(sync)
        ahead = capture.nothing_until(start)
        if ahead is None:
            return self._sources.run(actor, sync.id)
        if ahead.at != start.at:
            capture.confirm(start)
            state = measured(sync, capture, ahead, follows, self._sources.clock.now())
            with self._sources.db.begin() as tx:
                CaptureStore(tx.connection).note(state)
            capture.confirm(ahead)
        return None

    def left_behind(self) -> list[str]:
        """Return the tables whose log nobody has read for a day, so that it fills the source's disk; asked by the examination."""
        before = self._sources.clock.now() - _STALE
        with self._sources.db.read() as connection:
            stale = {s.sync_id for s in CaptureStore(connection).seen_before(before)}
            every = SourceStore(connection).syncs()
        return [s.table for s in every if s.id in stale]

    def _measure(self, actor: Actor, sync: Sync) -> CaptureState | None:
        start, follows = self._start(actor, sync)
        if start is None:
            return None
        return measured(sync, self._capture(sync), start, follows, self._sources.clock.now())

    def _start(self, actor: Actor, sync: Sync) -> tuple[LogPosition | None, str]:
        table = LogPosition.from_json(self._sources.tables.positions(actor, sync.table).get(sync.id))
        with self._sources.db.read() as connection:
            noted = CaptureStore(connection).state(sync.id)
        return start_from(table, noted), "" if table is None else table.at

    def _capture(self, sync: Sync) -> Capture:
        return log_of(self._sources.connector_of(sync), sync)

    def _sync(self, actor: Actor, words: str) -> Sync:
        sync = self._sources.sync(actor, words)
        if sync.mode is not SyncMode.CAPTURE:
            raise Invalid(
                f"表“{sync.table}”的取数方式是{sync.mode.text.zh}，不跟踪日志。",
                f'Table "{sync.table}" is taken in mode {sync.mode.text.en} and follows no log.',
                code="no_capture",
            )
        return sync
