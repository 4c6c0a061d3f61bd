"""Let the metadata follow the Delta log: the log is the truth, and a crash between the two loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import OperationalError

from beijiang.db import Database, UnitOfWork
from beijiang.evidence import Evidence
from beijiang.kit import Actor, ActorKind, Unavailable
from beijiang.tables.events import TableWritten
from beijiang.tables.models import Column, TableVersion, WriteMode, origins_from_json
from beijiang.tables.store import Lake, TableStore
from beijiang.tables.store.delta import Landed, open_delta, read_commits, schema_of
from beijiang.tables.store.lake import no_such_table
from beijiang.tables.store.metadata import TableRow
from beijiang.tables.store.schema import visible_columns

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Follower"]


class Follower:
    """Turn landed commits into versions, evidence and events, each exactly once."""

    def __init__(self, db: Database, lake: Lake, evidence: Evidence) -> None:
        self._db = db
        self._lake = lake
        self._evidence = evidence

    def version_of(self, name: str, run_id: str) -> TableVersion:
        """Bring the metadata up to the log and return the version that the run has landed.

        Raises:
            Unavailable: ``metadata_behind``, when the version is in the log and the metadata database cannot be written.

        """
        try:
            self.follow(name)
        except OperationalError as exc:
            raise Unavailable(
                "数据已写入，但登记未能完成。请检查磁盘空间与元数据库；恢复后重新提交同一任务或重启平台即可补登，不会重复写入。",
                "The rows are written, but could not be registered. Check the disk and the metadata database, then submit the same run again or restart: it is registered then, and not written twice.",
                code="metadata_behind",
            ) from exc
        with self._db.read() as connection:
            store = TableStore(connection)
            row = store.find(name)
            version = None if row is None else store.by_run(row, run_id)
        if version is None:
            msg = f"run {run_id} is not in the log of its table"
            raise RuntimeError(msg)
        return version

    def follow(self, name: str) -> int:
        """Store every commit of the log that the metadata do not know yet, each with evidence and event."""
        with self._db.read() as connection:
            row = TableStore(connection).find(name)
        if row is None:
            return 0
        folder = self._lake.folder(row.id)
        newest = open_delta(folder)
        landed = [] if newest is None else read_commits(folder, newest, row.delta_version)
        if not landed:
            return 0
        schemas = {entry.delta_version: _schema_at(self._lake, row.id, entry) for entry in landed}
        with self._db.begin() as tx:
            store = TableStore(tx.connection)
            now = store.find(name, for_update=True)
            if now is None:
                return 0
            new = [entry for entry in landed if entry.delta_version > now.delta_version]
            for entry in new:
                now = self._adopt_one(tx, now, entry, schemas[entry.delta_version])
        return len(new)

    def _adopt_one(self, tx: UnitOfWork, row: TableRow, entry: Landed, schema: pa.Schema) -> TableRow:
        note = entry.note
        store = TableStore(tx.connection)
        comments = {**row.comments, **note.get("comments", {})}
        columns = visible_columns(schema, comments)
        number = (row.version or 0) + 1
        position = _position_after(store, row, note)
        store.add_version(row, {**_version_values(entry, number), "position": position}, columns)
        history = row.history or note["mode"] == WriteMode.HISTORY
        store.set_words(row.id, comments, row.key or note.get("key", ()), history=history)
        tx.publish(_written(row, number, note, columns))
        detail = {k: note[k] for k in ("mode", "run_id", "rows", "rows_added", "rows_changed", "rows_removed")}
        self._evidence.record(
            tx,
            _actor_of(note),
            f"tables.{'commit' if note['mode'] in _COMMITS else note['mode']}",
            target=row.name,
            detail={**detail, "table_id": row.id, "version": number, "sources": note["sources"]},
            purpose=note["reason"],
        )
        found = store.find(row.name)
        return row if found is None else found


def _position_after(store: TableStore, row: TableRow, note: Mapping[str, Any]) -> dict[str, Any]:
    """Return the positions that hold with a version: a rollback takes them back with the rows, so that nothing is missed."""
    if note["mode"] == WriteMode.ROLLBACK:
        return dict(store.position_at(row.id, note["to"]))
    return {**store.newest_position(row.id), **note.get("position", {})}


_COMMITS: Final = frozenset(mode.value for mode in WriteMode if mode not in {WriteMode.ROLLBACK, WriteMode.COMPACT})


def _schema_at(lake: Lake, table_id: str, entry: Landed) -> pa.Schema:
    delta = open_delta(lake.folder(table_id), entry.delta_version)
    if delta is None:
        raise no_such_table(table_id)
    return schema_of(delta)


def _actor_of(note: Mapping[str, Any]) -> Actor:
    actor = note["actor"]
    return Actor(
        id=actor["id"],
        name=actor["name"],
        kind=ActorKind(actor["kind"]),
        org_id=actor["org_id"],
        session_id=note["session"],
    )


def _version_values(entry: Landed, number: int) -> dict[str, Any]:
    note = entry.note
    plain = ("mode", "rows", "rows_added", "rows_changed", "rows_removed", "bytes", "reason", "sources")
    return {
        "version": number,
        "delta_version": entry.delta_version,
        "at": datetime.fromisoformat(note["at"]),
        "actor_id": note["actor"]["id"],
        "actor_name": note["actor"]["name"],
        "schema_change": note["schema_change"],
        "run_id": note["run_id"],
        **{name: note[name] for name in plain},
    }


def _written(row: TableRow, number: int, note: Mapping[str, Any], columns: tuple[Column, ...]) -> TableWritten:
    before = [(c.name, c.type) for c in row.columns]
    return TableWritten(
        table=row.name,
        table_id=row.id,
        org_id=row.org_id,
        version=number,
        mode=note["mode"],
        rows=note["rows"],
        rows_added=note["rows_added"],
        rows_changed=note["rows_changed"],
        rows_removed=note["rows_removed"],
        columns=[c.name for c in columns],
        column_types=[c.type for c in columns],
        derived={
            name: [o.to_json() for o in found] for name, found in origins_from_json(note.get("derived", {})).items()
        },
        column_comments=[c.comment for c in columns],
        columns_changed=before != [(c.name, c.type) for c in columns],
        run_id=note["run_id"],
        actor_id=note["actor"]["id"],
        reason=note["reason"],
        sources=note["sources"],
        written_at=note["at"],
        restores=note.get("to"),
    )
