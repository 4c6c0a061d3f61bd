"""The verbs of window tables: declare one on the table of a stream, and have it follow every version of that table."""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.ingest.models import WINDOW_JOB, StreamWindow
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import BeijiangError, Conflict, NotFound, new_id
from beijiang.tables import (
    WINDOW_END,
    WINDOW_START,
    CommitRequest,
    Origin,
    Use,
    WindowPosition,
    WindowSpec,
    WriteMode,
)

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.evidence import Evidence
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.ingest.service.streams import Streams
    from beijiang.jobs import JobRun, Jobs
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Refreshed, Tables, TableWritten

__all__ = ["Windows"]


class Windows:
    """Aggregates over time, kept up to date: a batch makes the windows anew that it touches, late readings included."""

    def __init__(
        self, ingest: Ingest, streams: Streams, tables: Tables, jobs: Jobs, access: Access, evidence: Evidence
    ) -> None:
        self.db = ingest.db
        self.clock = ingest.clock
        self.ingest = ingest
        self.streams = streams
        self.tables = tables
        self.jobs = jobs
        self.access = access
        self.evidence = evidence
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def windows(self, actor: Actor, stream: str | None = None) -> list[StreamWindow]:
        """Return the window tables of one stream, or of all of the department's."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        of = None if stream is None else self.streams.stream(actor, stream).id
        with self.db.read() as connection:
            found = StreamStore(connection).windows(stream_id=of)
        return [w for w in found if actor.org_id in {None, w.org_id}]

    def window(self, actor: Actor, words: str) -> StreamWindow:
        """Return one window by its id or table.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            found = StreamStore(connection).windows(words=words)
        if not found or not self.access.allows(actor, Permission.INGEST_SOURCE_READ, found[0].org_id):
            self.access.require(actor, Permission.INGEST_SOURCE_READ)
            raise NotFound(
                f"没有窗口表“{words[:60]}”。", f'There is no window table "{words[:60]}".', code="window_not_found"
            )
        return found[0]

    def add(self, actor: Actor, stream: str, table: str, spec: WindowSpec) -> StreamWindow:
        """Declare a window table; it is filled from everything that the stream's table holds, then follows it.

        Raises:
            Invalid: columns or lengths that do not fit.
            Conflict: the table is filled from elsewhere, or is another department's.

        """
        found = self.streams.stream(actor, stream)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, found.org_id)
        self.access.require(actor, Permission.JOBS_JOB_SUBMIT, found.org_id)
        self.streams.check_windows(found, spec)
        name = table.strip()
        if name == found.table or self.tables.schema(actor, name) is not None:
            raise Conflict(
                f"表“{name}”已存在。窗口表须用新的表名。",
                f'Table "{name}" exists already; a window table has a name of its own.',
                code="table_exists",
            )
        if self.ingest.owner(actor, name) not in {None, found.org_id}:
            raise Conflict("目标表属于其他部门。", "The table is another department's.", code="other_organisation")
        self.ingest.require_free(actor, name, found.org_id)
        window_id = new_id("win")
        values = {
            "id": window_id,
            "stream_id": found.id,
            "table_name": name,
            "spec": spec.to_json(),
            "created_at": self.clock.now(),
        }
        try:
            with self.db.begin() as tx:
                store = StreamStore(tx.connection)
                store.require_free(name)
                if SourceStore(tx.connection).sync(name) is not None:
                    raise _taken(name)
                store.add_window(values, actor)
                detail: dict[str, JsonValue] = {"source": found.table, "table": name, "spec": spec.to_json()}
                self.evidence.record(tx, actor, "ingest.window_add", target=window_id, detail=detail)
        except IntegrityError as error:
            raise _taken(name) from error
        made = self.window(actor, window_id)
        self._submit(made, "new")
        return made

    def remove(self, actor: Actor, words: str) -> None:
        """Let a window table follow no more; it stays as it is."""
        window = self.window(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, window.org_id)
        with self.db.begin() as tx:
            StreamStore(tx.connection).forget_window(window.id)
            self.evidence.record(tx, actor, "ingest.window_remove", target=window.id, detail={"table": window.table})

    # What the platform's own parts call

    def on_table_written(self, event: TableWritten) -> None:
        """Have the windows of a table follow its new version; again is harmless."""
        with self.db.read() as connection:
            mine = [w for w in StreamStore(connection).windows() if w.source == event.table]
        for window in mine:
            self._submit(window, str(event.version))

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Bring one window table up to its source; registered in build.py as the work of ``WINDOW_JOB``."""
        with self.db.read() as connection:
            found = StreamStore(connection).windows(words=str(arguments["window"]))
        if not found:
            return {"removed": True}
        window = found[0]
        with self._turns[window.id]:
            try:
                note = self._refresh(job, window)
            except BeijiangError as error:
                self._note(window, {"error": {"code": error.reason, "zh": error.text.zh, "en": error.text.en}})
                raise
        self._note(window, note)
        return note

    def _submit(self, window: StreamWindow, version: str) -> None:
        key = f"{WINDOW_JOB}:{window.id}:{version}"
        self.jobs.submit(window.owner, WINDOW_JOB, {"window": window.id}, key=key, org_id=window.org_id)

    def _refresh(self, job: JobRun, window: StreamWindow) -> dict[str, Any]:
        actor = self.access.current(window.owner)
        self.ingest.require_free(actor, window.table, window.org_id)
        stored: Any = self.tables.positions(actor, window.table).get(window.id)
        position = WindowPosition(**stored) if stored else WindowPosition()
        spec = WindowSpec.from_json(window.spec)
        folder = self.ingest.settings.home / "staging" / f"{window.id}-{job.id}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            made = self.tables.windows(actor, window.source, spec, position, folder)
            if made is None:  # also where a process died after its commit, before its note
                kept = {name: value for name, value in window.note.items() if name != "error"}
                return {**kept, "source": position.to_json()}
            return self._commit(actor, window, spec, made)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _commit(self, actor: Actor, window: StreamWindow, spec: WindowSpec, made: Refreshed) -> dict[str, Any]:
        version = self.tables.commit(
            actor,
            CommitRequest(
                table=window.table,
                org_id=window.org_id,
                staged=made.files,
                schema=made.schema,
                mode=WriteMode.MERGE,
                run_id=new_id("run"),
                key=spec.key,
                reason=f"随“{window.source}”第 {made.position.version} 版更新",
                comments=_comments(spec),
                removed=made.removed,
                derived=_origins(window.source, spec),
                position={window.id: made.position.to_json()},
            ),
        )
        return {"version": version.version, "windows": made.windows, "source": made.position.to_json()}

    def _note(self, window: StreamWindow, note: dict[str, Any]) -> None:
        with self.db.begin() as tx:
            StreamStore(tx.connection).note_window(window.id, {**note, "at": self.clock.now().isoformat()})


def _comments(spec: WindowSpec) -> dict[str, str]:
    return {
        WINDOW_START: f"窗口（{spec.size} 秒，每 {spec.slide} 秒一个）的开始，含",
        WINDOW_END: "窗口的结束，不含",
        **{m.name: str(m).partition("=")[2] for m in spec.measures},
    }


def _origins(source: str, spec: WindowSpec) -> dict[str, tuple[Origin, ...]]:
    """Say of each column which one of the source it was made from; a count tells of moments."""
    moment = (Origin(source, spec.time, Use.TRANSFORMATION),)
    return {
        **{group: (Origin(source, group, Use.IDENTITY),) for group in spec.groups},
        WINDOW_START: moment,
        WINDOW_END: moment,
        **{m.name: (Origin(source, m.column or spec.time, Use.AGGREGATION),) for m in spec.measures},
    }


def _taken(name: str) -> Conflict:
    return Conflict(
        f"表“{name}”已有数据来源（一数一源）。请换一张表。",
        f'Table "{name}" is filled from a source already (one source per item). Choose another.',
        code="table_has_source",
    )
