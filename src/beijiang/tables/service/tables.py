"""The verbs of the lake: commit, look, travel back, tidy, repair; rows only through the read policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Access, Permission
from beijiang.db import Database
from beijiang.engine import Engine
from beijiang.evidence import Evidence
from beijiang.kit import Actor, Clock, Conflict, Denied, Invalid, Text, new_id
from beijiang.tables.models import (
    STATE_COMMENTS,
    Among,
    Changed,
    CommitRequest,
    Difference,
    Exit,
    Fingerprint,
    Following,
    GovernedTable,
    Part,
    ReadPolicy,
    Refreshed,
    SchemaPlan,
    TableInfo,
    TableVersion,
    TableWriter,
    WindowPosition,
    WindowSpec,
    WriteMode,
    WriterOf,
    kind_differs,
)
from beijiang.tables.service.changing import Changer
from beijiang.tables.service.comparing import Comparer
from beijiang.tables.service.deriving import Derived, Deriver
from beijiang.tables.service.following import Follower
from beijiang.tables.service.requests import agreed_key, check_request, key_of, without_moments
from beijiang.tables.service.windowing import Windower
from beijiang.tables.store import Lake, TableStore
from beijiang.tables.store.attempts import Attempts
from beijiang.tables.store.delta import open_delta, schema_of
from beijiang.tables.store.lake import no_such_table
from beijiang.tables.store.metadata import TableRow
from beijiang.tables.store.schema import check_schema, plan_schema
from beijiang.tables.store.states import as_of, moment_after
from beijiang.tables.store.writer import Target, Writer

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa
    from sqlglot import exp

    from beijiang.kit.errors import JsonValue

__all__ = ["Tables"]

log = logging.getLogger(__name__)

STALE: Final = timedelta(days=1)


class Tables:
    """Which tables there are, what each version changed, and the one way to write a new one."""

    def __init__(
        self,
        db: Database,
        lake: Lake,
        engine: Engine,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        policy: ReadPolicy,
    ) -> None:
        self._db = db
        self._lake = lake
        self._access = access
        self._evidence = evidence
        self._clock = clock
        self._policy = policy
        self._attempts = Attempts(lake.root / ".attempts")
        self._writer = Writer(engine, self._attempts)
        self._follower = Follower(db, lake, evidence)
        self._comparer = Comparer(lake, engine)
        self._windower = Windower(lake, engine)
        self._deriver = Deriver(lake, engine)
        self._changer = Changer(lake, engine)
        self.writers: Sequence[WriterOf] = ()
        """Who fills tables, each of which is asked for a name."""
        self.refusal: Callable[[str], Text | None] | None = None
        """Says why a table may not be on the platform, None where it may; set in build.py."""

    # Looking

    def list(self, actor: Actor) -> Sequence[TableInfo]:
        """Return the tables whose metadata the actor may see, by name."""
        with self._db.read() as connection:
            rows = [row for row in TableStore(connection).all() if row.version is not None]
        seen = {org: self._may_look(actor, org) for org in {row.org_id for row in rows} | {None}}
        return [row.info() for row in rows if seen[row.org_id]]

    def names(self, actor: Actor) -> Sequence[str]:
        """Return the names of the tables whose metadata the actor may see."""
        return [table.name for table in self.list(actor)]

    def get(self, actor: Actor, name: str) -> TableInfo:
        """Return one table.

        Raises:
            NotFound: missing, or not this actor's to see; both look the same.

        """
        return self._seen(actor, name).info()

    def writers_of(self, name: str) -> Sequence[TableWriter]:
        """Return what fills a table of this name, also one that has no rows yet; asked by all that begin to fill one."""
        return [found for found in (tell(name) for tell in self.writers) if found is not None]

    def history(self, actor: Actor, name: str, limit: int | None = None) -> Sequence[TableVersion]:
        """Return the versions of a table, newest first: who, why, from which files, and what changed."""
        row = self._seen(actor, name)
        with self._db.read() as connection:
            return TableStore(connection).versions(row, limit)

    def schema(self, actor: Actor, name: str) -> pa.Schema | None:
        """Return the pinned columns (hidden ones too) that new rows must fit, or None while there is no such table.

        The moments of a history table are not among them: rows come without.
        """
        self._access.require(actor, Permission.TABLES_TABLE_READ_METADATA)
        with self._db.read() as connection:
            row = TableStore(connection).find(name)
        if row is None or row.version is None or not self._may_look(actor, row.org_id):
            return None
        found = self._lake.snapshot(name)
        return without_moments(found.schema) if found.history else found.schema

    # Comparing: numbers, checksums and keys, for those who write the table

    def positions(self, actor: Actor, name: str) -> Mapping[str, JsonValue]:
        """Return how far each sync has read its source, as of the newest version; nothing while there is no table."""
        row = self._writable(actor, name)
        if row is None:
            return {}
        self._follower.follow(name)  # a writer may have been killed between the rows and their registration
        with self._db.read() as connection:
            return TableStore(connection).newest_position(row.id)

    def fingerprint(
        self,
        actor: Actor,
        name: str,
        columns: Sequence[str],
        key: Sequence[str],
        *,
        part: Part | None = None,
        among: Among | None = None,
        version: int | None = None,
    ) -> Fingerprint:
        """Return what some columns of a version come to; nothing while there is no table."""
        if self._writable(actor, name) is None:
            return Fingerprint()
        return self._comparer.fingerprint(self._lake.snapshot(name, version), columns, key, part, among)

    def kept_texts(
        self,
        actor: Actor,
        name: str,
        key: Sequence[str],
        columns: Sequence[str],
        theirs: Sequence[Path],
        *,
        version: int | None = None,
    ) -> Sequence[Mapping[str, str | None]]:
        """Return what an update that leaves columns out leaves in them, by the keys in ``theirs``; all as canonical text."""
        if self._writable(actor, name) is None:
            return ()
        return self._comparer.texts(self._lake.snapshot(name, version), key, columns, theirs)

    def fingerprint_of(
        self, actor: Actor, files: Sequence[Path], schema: pa.Schema, key: Sequence[str], part: Part | None = None
    ) -> Fingerprint:
        """Return what the rows of staged Parquet files come to, to be held against a table's."""
        self._access.require(actor, Permission.TABLES_TABLE_WRITE, actor.org_id)
        return self._comparer.fingerprint_of(files, schema, key, part)

    def gone(self, actor: Actor, name: str, key: Sequence[str], theirs: Sequence[Path], target: Path) -> int:
        """Write to ``target`` the keys of a table that the files ``theirs`` do not hold; return how many."""
        if self._writable(actor, name) is None:
            return 0
        return self._comparer.gone(self._lake.snapshot(name), key, theirs, target)

    def late(
        self, actor: Actor, name: str, key: Sequence[str], theirs: Sequence[Path], target: Path, *, part: Part
    ) -> int:
        """Write to ``target`` the values of a column that rows of ``theirs`` have in a part, and the table has not; return how many."""
        if self._writable(actor, name) is None:
            return 0
        return self._comparer.late(self._lake.snapshot(name), key, theirs, target, part)

    def differences(  # noqa: PLR0913 - two sides, and which part of them
        self,
        actor: Actor,
        name: str,
        columns: Sequence[str],
        key: Sequence[str],
        theirs: Sequence[Path],
        *,
        buckets: Sequence[int],
        part: Part | None = None,
        version: int | None = None,
    ) -> Sequence[Difference]:
        """Return rows of some key ranges that are not equal in a version and in the files ``theirs``, by their keys."""
        if self._writable(actor, name) is None:
            return ()
        snapshot = self._lake.snapshot(name, version)
        return self._comparer.differences(snapshot, columns, key, theirs, buckets, part)

    def windows(
        self, actor: Actor, source: str, spec: WindowSpec, position: WindowPosition, folder: Path
    ) -> Refreshed | None:
        """Make the windows that changed since ``position`` ready in ``folder``; None where nothing was written since.

        The windows may be written to a table of the same organisation only, and only by who may write the source.
        """
        row = self._writable(actor, source)
        if row is None or row.version == position.version:
            return None
        new = self._lake.snapshot(source)
        with self._db.read() as connection:
            store = TableStore(connection)
            versions = [v for v in store.versions(row) if position.version < v.version <= new.version]
        return self._windower.refresh(spec, position, new, versions, folder=folder)

    def changes(self, actor: Actor, name: str, span: tuple[int, int], how: Following, folder: Path) -> Changed:
        """Write to ``folder`` which rows changed from one version to another, to keep up to date what is made of them.

        Raises:
            Conflict: the change cannot be followed row by row; code and text say why, and all rows have to be worked.

        """
        row = self._written(actor, name)
        with self._db.read() as connection:
            versions = TableStore(connection).versions(row)
        return self._changer.find(name, span, [v for v in versions if span[0] < v.version <= span[1]], how, folder)

    def derive(
        self,
        actor: Actor,
        query: exp.Query,
        tables: Mapping[str, int | None],
        target: Path,
        *,
        untrusted: bool = False,
        staged: Mapping[str, Path] | None = None,
        lent: Collection[str] = (),
    ) -> Derived:
        """Write the rows of a query over ``lake.<table>`` to a file, to be committed to a table of the same organisation.

        ``tables`` names every table of the query with its version (None: the newest). What is written is not masked, so
        only who may write all of them may ask, and what is made of it says so (``CommitRequest.derived``). ``staged``
        names files that earlier calls wrote. ``lent`` are tables of others, of which their departments have agreed that
        this is made: ``fusion`` keeps that agreement and looks at it before every run.

        Raises:
            NotFound: a table has no rows yet.
            Denied: a table is another organisation's.
            Conflict: they belong to different organisations (``several_organisations``).

        """
        self._access.require(actor, Permission.TABLES_TABLE_WRITE, actor.org_id)
        owners = {self._written(actor, name).org_id for name in tables if name not in lent}
        if len(owners) > 1:
            raise Conflict(
                "来源表分属不同部门，不能直接合成一张表。",
                "The tables belong to different organisations and cannot be made into one.",
                code="several_organisations",
            )
        return self._deriver.write(query, tables, target, untrusted=untrusted, staged=staged or {})

    def holding(self, actor: Actor, name: str) -> int:
        """Return how many rows hold now; of a table that keeps no history, all of them."""
        row = self._writable(actor, name)
        return 0 if row is None else self._comparer.holding(self._lake.snapshot(name))

    def as_of(self, actor: Actor, name: str, moment: datetime) -> str:
        """Return the SQL that shows a history table as it was at a moment, to be run where SQL is run.

        Raises:
            Conflict: the table keeps no history (``not_a_history_table``).

        """
        if not self._seen(actor, name).history:
            raise kind_differs(name, keeps_history=False)
        return as_of(name, moment).sql("duckdb")

    def open(
        self,
        actor: Actor,
        name: str,
        purpose: str,
        exit: Exit,  # noqa: A002 - the word of the house for a way out
        version: int | None = None,
    ) -> GovernedTable:
        """Open a table for reading, as the policy allows it to this actor for this purpose at this exit."""
        return self._policy.open(actor, name, purpose, exit, version)

    # Writing

    def plan(self, actor: Actor, request: CommitRequest) -> SchemaPlan:
        """Describe what the request would do to the table's columns, without writing anything."""
        self._access.require(actor, Permission.TABLES_TABLE_WRITE, request.org_id)
        with self._db.read() as connection:
            row = TableStore(connection).find(request.table)
        base = None if row is None else open_delta(self._lake.folder(row.id))
        old = None if base is None else schema_of(base)
        return plan_schema(request.table, old, check_schema(request.schema), request.mode)

    def commit(self, actor: Actor, request: CommitRequest) -> TableVersion:
        """Make the staged rows visible as one version, or nothing at all; the same run never commits twice.

        Raises:
            Invalid: a name, column, type or key cannot be used as it is.
            Conflict: the schema plan stops, the key differs, or the table belongs to another organisation.
            Denied: the table may not be on the platform (``not_on_the_platform``).

        """
        self._access.require(actor, Permission.TABLES_TABLE_WRITE, request.org_id)
        check_request(request)
        self._check_refusal(request.table)
        if request.mode is WriteMode.HISTORY:
            request = replace(request, comments={**request.comments, **STATE_COMMENTS})
        row = self._pinned(self._reserve(request), request)
        self._check_owner(actor, row, request)
        key = agreed_key(row, request)
        note = self._note(actor, request, key)
        if request.mode is WriteMode.HISTORY:
            note["at"] = moment_after(self._clock.now(), [row.written_at]).isoformat()
        upon = None if request.upon is None else -1
        if request.upon:
            upon = self._lake.snapshot(row.name, request.upon).delta_version
        target = Target(self._lake.folder(row.id), row.name, key or request.by, note, upon)
        try:
            self._writer.commit(target, request)
        except Conflict:
            self._follower.follow(row.name)  # what was in the way is seen by whoever looks again
            raise
        return self._follower.version_of(row.name, request.run_id)

    def _check_refusal(self, table: str) -> None:
        why = None if self.refusal is None else self.refusal(table)
        if why is not None:
            raise Denied(why.zh, why.en, code="not_on_the_platform")

    def rollback(self, actor: Actor, name: str, version: int, reason: str) -> TableVersion:
        """Make an older version the newest again, as a version of its own; nothing in between is lost.

        Raises:
            Invalid: no reason given, or the version is already the newest.
            NotFound: no such table or version.
            Denied: the table may not be on the platform (``not_on_the_platform``).

        """
        row = self._seen(actor, name)
        self._access.require(actor, Permission.TABLES_TABLE_ROLLBACK, row.org_id)
        self._check_refusal(name)
        if not reason.strip():
            raise Invalid("回滚需要说明原因。", "A rollback needs a reason.", code="reason_required")
        if version == row.version:
            raise Invalid(
                f"第 {version} 版已是最新版本，无需回滚。",
                f"Version {version} is the newest already.",
                code="already_newest",
            )
        snapshot = self._lake.snapshot(name, version)
        run_id = new_id("run")
        note = {**self._identity(actor, row.org_id, run_id, WriteMode.ROLLBACK, reason), "to": version}
        self._writer.rollback(Target(self._lake.folder(row.id), name, row.key, note), snapshot.delta_version, run_id)
        return self._follower.version_of(name, run_id)

    def compact(self, actor: Actor, name: str) -> TableVersion:
        """Rewrite a table as one file sorted by key, so that look-ups read little; rows stay the same.

        Returns the newest version: a new one, or the present one if it was compacted already.
        """
        row = self._seen(actor, name)
        self._access.require(actor, Permission.TABLES_TABLE_COMPACT, row.org_id)
        with self._db.read() as connection:
            newest = TableStore(connection).versions(row, 1)[0]
        if newest.mode is WriteMode.COMPACT or not newest.rows:
            return newest
        run_id = new_id("run")
        note = self._identity(actor, row.org_id, run_id, WriteMode.COMPACT, "")
        self._writer.compact(Target(self._lake.folder(row.id), name, row.key, note), run_id)
        return self._follower.version_of(name, run_id)

    def recover(self) -> int:
        """Bring the metadata up to the Delta logs and clear away what killed writers left; return versions repaired.

        Called at start-up. It needs no actor: it finishes what an actor was already allowed to do.
        """
        with self._db.read() as connection:
            rows = TableStore(connection).all()
        repaired = 0
        for row in rows:
            repaired += self._follower.follow(row.name)
            if row.version is None and self._clock.now() - row.created_at > STALE:
                self._release(row)
        swept = self._attempts.sweep(self._lake.root)
        if repaired or swept:
            log.warning("recovered %d versions and removed %d files of unfinished writes", repaired, swept)
        return repaired

    # Inside

    def _may_look(self, actor: Actor, org_id: str | None) -> bool:
        return self._access.allows(actor, Permission.TABLES_TABLE_READ_METADATA, org_id)

    def _seen(self, actor: Actor, name: str) -> TableRow:
        with self._db.read() as connection:
            row = TableStore(connection).find(name)
        allowed = self._may_look(actor, None if row is None else row.org_id)
        if row is None or row.version is None or not allowed:
            raise no_such_table(name)
        return row

    def _writable(self, actor: Actor, name: str) -> TableRow | None:
        """Return a written table that the actor may write to, or None where there is none.

        Raises:
            Denied: it is another organisation's, or the actor writes no tables.

        """
        with self._db.read() as connection:
            row = TableStore(connection).find(name)
        self._access.require(actor, Permission.TABLES_TABLE_WRITE, actor.org_id if row is None else row.org_id)
        return row if row is not None and row.version is not None else None

    def _written(self, actor: Actor, name: str) -> TableRow:
        row = self._writable(actor, name)
        if row is None:
            raise no_such_table(name)
        return row

    def _reserve(self, request: CommitRequest) -> TableRow:
        """Find the table, or take its name for the first commit."""
        with self._db.read() as connection:
            row = TableStore(connection).find(request.table)
        if row is not None:
            return row
        values: dict[str, Any] = {
            "id": new_id("tbl"),
            "name": request.table,
            "org_id": request.org_id,
            "key": list(key_of(request)),
            "history": request.mode is WriteMode.HISTORY,
            "comments": dict(request.comments),
            "created_at": self._clock.now(),
        }
        try:
            with self._db.begin() as tx:
                TableStore(tx.connection).reserve(values)
        except IntegrityError:
            log.info("another writer has just made the table")
        with self._db.read() as connection:
            row = TableStore(connection).find(request.table)
        if row is None:
            raise no_such_table(request.table)
        return row

    def _pinned(self, row: TableRow, request: CommitRequest) -> TableRow:
        """Let a table that no commit has made yet be of the key and kind that this one asks for.

        Raises:
            Conflict: a table with rows keeps its history and the request does not, or the other way round.

        """
        keeps = request.mode is WriteMode.HISTORY
        if row.version is None and (row.history, row.key) != (keeps, key_of(request)):
            self._follower.follow(row.name)  # a writer may have been killed between the rows and their registration
            with self._db.begin() as tx:
                store = TableStore(tx.connection)
                store.pin(row.id, key_of(request), history=keeps)
                row = store.find(row.name) or row
        if row.history != keeps:
            raise kind_differs(row.name, keeps_history=row.history)
        return row

    def _release(self, row: TableRow) -> None:
        """Give a name back under which no commit has ever landed, and nobody is at work on one."""
        if self._attempts.at_work(row.id) or open_delta(self._lake.folder(row.id)) is not None:
            return
        with self._db.begin() as tx:
            TableStore(tx.connection).forget_reserved(row.id)

    def _check_owner(self, actor: Actor, row: TableRow, request: CommitRequest) -> None:
        if row.org_id == request.org_id:
            return
        self._access.require(actor, Permission.TABLES_TABLE_WRITE, row.org_id)
        raise Conflict(
            f"表 {row.name} 属于另一个部门，不能以本部门名义写入。请换一个表名，或以该部门名义提交。",
            f"Table {row.name} belongs to another organisation. Use another name, or commit for that organisation.",
            code="other_organisation",
            detail={"org_id": row.org_id},
        )

    def _identity(self, actor: Actor, org_id: str, run_id: str, mode: WriteMode, reason: str) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "mode": mode.value,
            "at": self._clock.now().isoformat(),
            "actor": {"id": actor.id, "name": actor.name, "kind": actor.kind.value, "org_id": actor.org_id},
            "session": actor.session_id,
            "org_id": org_id,
            "reason": reason,
            "sources": [],
            "schema_change": None,
        }

    def _note(self, actor: Actor, request: CommitRequest, key: tuple[str, ...]) -> dict[str, Any]:
        note = self._identity(actor, request.org_id, request.run_id, request.mode, request.reason)
        note["sources"] = [{"sha256": s.sha256, "name": s.name} for s in request.sources]
        note["key"] = list(key)
        note["comments"] = dict(request.comments)
        note["position"] = dict(request.position)
        note["derived"] = {name: [o.to_json() for o in found] for name, found in request.derived.items()}
        return note
