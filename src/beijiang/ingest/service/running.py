"""The verbs that read sources: what a run would do, a run, and its work."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beijiang.access import Permission
from beijiang.ingest.connectors import Connector, Feed, FileConnector, Wanted, Window
from beijiang.ingest.models import SYNC_JOB, CursorRange, IngestRequest, Sync, SyncMode, SyncPlan, changed_columns
from beijiang.ingest.service.filing import file_request, plan_files, run_files
from beijiang.ingest.service.foreseeing import states_of
from beijiang.ingest.service.logs import captured_plan
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.turns import TurnStore
from beijiang.kit import Conflict, Invalid, NotFound
from beijiang.tables import HIDDEN

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database, UnitOfWork
    from beijiang.ingest.models import Overlap, Source
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.ingest.typing import ColumnType
    from beijiang.jobs import JobRun
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Fingerprint, Tables

__all__ = ["Running"]


class Running:
    """The part of ``Sources`` that reads them."""

    db: Database
    ingest: Ingest
    tables: Tables
    access: Access
    clock: Clock

    if TYPE_CHECKING:

        def sync(self, actor: Actor, words: str) -> Sync: ...
        def overlap(self, actor: Actor, words: str, kind: ColumnType) -> Overlap | None: ...
        def _source_of(self, sync: Sync) -> Source: ...
        def _connector(self, source: Source) -> Connector | FileConnector: ...

    def plan(self, actor: Actor, words: str, *, whole: bool = False, part: CursorRange | None = None) -> SyncPlan:
        """Say what a run would do: columns, from where it reads, and how many rows the source counts.

        With ``part`` that is a part read again, whatever the position; a source that cannot count is read for it.
        """
        from beijiang.ingest.service.fetching import checked_feed, start_of
        from beijiang.ingest.service.observing import keys_are_due

        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, sync.org_id)
        arrow = self.tables.schema(actor, sync.table)
        known = {} if arrow is None else {n: arrow.field(n).type for n in arrow.names if n not in HIDDEN}
        made = self._connector(self._source_of(sync))
        if isinstance(made, FileConnector):
            return plan_files(self, actor, sync, made, whole=whole)
        stops, changing = "", list[str]()
        try:
            feed = checked_feed(made, sync, list(known))
        except Conflict as stop:
            stops, feed, changing = stop.text.zh, made.describe(sync.feed), changed_columns(stop.detail)
        column = feed.column(sync.cursor)
        start, end = (None, None) if not part else self._bounds(sync, part, feed)
        overlap = None if column is None else self.overlap(actor, sync.id, column.spec.type)
        if column is not None and not whole and not part:
            size = sync.overlap if overlap is None else overlap.size
            start = start_of(self.tables.positions(actor, sync.table).get(sync.id), size, column.spec.type)
        with self.db.read() as connection:
            due = column is not None and keys_are_due(connection, sync)
        window = Window(sync.cursor, start, end) if column is not None else None
        wanted = Wanted(feed=feed, key=sync.key, window=window)
        followed = None
        if sync.mode is SyncMode.CAPTURE:
            position = self.tables.positions(actor, sync.table).get(sync.id)
            followed = captured_plan(self.db, sync, made, wanted, None if whole else position)
        rows, counted = None, None
        if followed is None or followed.start is None:
            rows, counted = _counted(made, wanted, read=bool(part), sum_too=sync.history and arrow is not None)
        columns: list[dict[str, JsonValue]] = [
            {
                "name": c.name,
                "native": c.native,
                "type": c.spec.type.value,
                "comment": c.comment,
                "known": c.name in known,
                "changed": c.name in known and str(known[c.name]) != str(c.spec.to_arrow().type),
            }
            for c in feed.columns
        ]
        changing += [str(c["name"]) for c in columns if c["changed"]]
        impact = self.ingest.impact
        plan = SyncPlan(
            sync=sync,
            creates=arrow is None,
            columns=columns,
            start=start,
            rows=rows,
            stops=stops,
            end=end,
            overlap=overlap,
            compares_keys=due,
            states=states_of(self.tables, actor, wanted, sync, counted, rows=rows, whole=followed is None and not due),
            affected=impact.of(actor, sync.table, changing) if impact is not None and changing else (),
        )
        if followed is None:
            return plan
        return replace(plan, start=followed.start, stops=stops or followed.stops, warnings=followed.warnings)

    def run(
        self,
        actor: Actor,
        words: str,
        *,
        whole: bool = False,
        keys: bool = False,
        reason: str = "",
        part: CursorRange | None = None,
        tx: UnitOfWork | None = None,
    ) -> str:
        """Queue a run and return its id; it begins when its source has room for it.

        ``whole`` reads everything that the sync covers, not only what is new; ``keys`` compares all keys; ``part`` reads
        that part again (back-fill) and leaves the position where it is. With ``tx`` it is queued in the caller's transaction.
        """
        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, sync.org_id)
        since, until = (None, None) if not part else self._bounds(sync, part)
        request = IngestRequest(
            files=(),
            into=sync.table,
            org_id=sync.org_id,
            key=sync.key,
            mode=sync.write_mode,
            reason=reason,
            sync=sync.id,
            whole=whole,
            since=since,
            until=until,
            keys=keys,
        )
        self.ingest.require_free(actor, sync.table, sync.org_id)
        with self.db.begin() if tx is None else nullcontext(tx) as unit:
            run_id = self.ingest.queue(actor, file_request(request, sync.files), [], SYNC_JOB, tx=unit)
            TurnStore(unit.connection).add(run_id, sync.id, sync.source_id, self.clock.now())
        self.ingest.jobs.nudge()
        return run_id

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do the run that a job stands for; registered in build.py as the work of ``SYNC_JOB``."""
        from beijiang.ingest.service.capturing import CaptureWork
        from beijiang.ingest.service.syncing import SyncWork

        del arguments
        run_id, request = self.ingest.request_of(job.id)
        with self.db.read() as connection:
            store = SourceStore(connection)
            sync = store.sync(request.sync)
            source = None if sync is None else store.source(sync.source_id)
        if sync is None or source is None:
            raise NotFound("取数任务已被删除。", "The sync has been removed.", code="sync_not_found")
        made = self._connector(source)
        if isinstance(made, FileConnector):
            run_files(self, job, run_id, sync, made)
        else:
            kind = CaptureWork if sync.mode is SyncMode.CAPTURE else SyncWork
            kind(self.ingest.shop, job, run_id, sync, made).do()
        return {"run": run_id}

    def _bounds(self, sync: Sync, part: CursorRange, feed: Feed | None = None) -> tuple[str | None, str | None]:
        """Return the ends of a part in the cursor's own texts."""
        known = feed or self._connector(self._source_of(sync)).describe(sync.feed)
        column = known.column(sync.cursor)
        if column is None:
            raise Invalid(
                f"表“{sync.table}”是全量取数，没有游标，不能只补一段。请全部重取。",
                f'Table "{sync.table}" is taken in full and has no cursor, so no part of it can be read. Read everything again.',
                code="cursor_required",
            )
        return part.bounds(column.spec.type.value, ZoneInfo(self.ingest.settings.time_zone))


def _counted(made: Connector, wanted: Wanted, *, read: bool, sum_too: bool) -> tuple[int | None, Fingerprint | None]:
    """Return how many rows are wanted, as the source counts, and with ``sum_too`` what they come to, which takes long.

    Where it cannot count, the rows are ``read`` for it, or their number is not known.
    """
    with made.open(wanted) as reading:
        counted = reading.fingerprint() if sum_too else None
        rows = reading.count() if counted is None else counted.rows
        if rows is None and read:
            rows = sum(batch.num_rows for batch in reading.batches())
        return rows, counted
