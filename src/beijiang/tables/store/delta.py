"""One Delta folder: opened behind guards, changed by whole commits that either land or leave nothing visible."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from beijiang.kit import Unavailable
from beijiang.tables.store.files import DataFile, flush
from beijiang.tables.store.schema import check_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

__all__ = [
    "COMMIT_KEY",
    "Change",
    "Landed",
    "Lost",
    "bounds_of",
    "files_of",
    "land",
    "open_delta",
    "read_commits",
    "restore",
    "schema_of",
]

COMMIT_KEY: Final = "beijiang"
"""Key in a commit's info under which everything is kept that the metadata database needs to follow the log."""
READER_FEATURES: Final = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
"""Table features that do not change what the listed Parquet files mean. Deletion vectors and column mapping do."""
KEEP: Final = "interval 3650 days"


class Lost(Exception):
    """Another writer took the version that this commit was made for; the caller tries again."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A commit that is in the log: its version and the note that we wrote into it."""

    delta_version: int
    note: dict[str, Any]


def open_delta(folder: Path, version: int | None = None) -> DeltaTable | None:
    """Open the table in ``folder``, or return None where no commit has landed yet.

    Raises:
        Unavailable: ``unsupported_table`` when reading its files one by one would give wrong rows (deletion vectors,
            column mapping, partitions, unknown reader features), ``version_expired`` when the version is gone.

    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    if not (folder / "_delta_log").is_dir():
        return None
    try:
        table = DeltaTable(folder, version=version)
    except TableNotFoundError:
        return None
    except DeltaError as exc:
        raise Unavailable(
            "这个数据版本已不可读取（可能已过保留期）。请选择较新的版本。",
            "This version can no longer be read (it may be past its retention). Choose a newer one.",
            code="version_expired",
        ) from exc
    _guard(table)
    return table


def _guard(table: DeltaTable) -> None:
    protocol = table.protocol()
    features = set(protocol.reader_features or ())
    metadata = table.metadata()
    mapped = metadata.configuration.get("delta.columnMapping.mode", "none") != "none"
    if features - READER_FEATURES or mapped or metadata.partition_columns:
        raise Unavailable(
            "这张表使用了平台不支持的 Delta 特性（如删除向量、列映射或分区），不能安全读取。请用写入它的工具重写为普通表。",
            "This table uses Delta features that cannot be read safely (deletion vectors, column mapping, partitions). Rewrite it as a plain table with the tool that wrote it.",
            code="unsupported_table",
            detail={"features": [*sorted(features - READER_FEATURES)]},
        )


def land(folder: Path, base: DeltaTable | None, change: Change) -> int:
    """Commit a change on top of ``base`` as exactly the next version, and flush the log to disk.

    Raises:
        Lost: another writer landed first; nothing of this change is visible.

    """
    from deltalake.exceptions import DeltaError

    try:
        version = _create(folder, change) if base is None else _write(base, change)
    except (DeltaError, OSError) as exc:
        raise _lost_or_broken(folder, base) from exc
    flush_log(folder)
    return version


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The actions of one commit."""

    schema: pa.Schema
    adds: Sequence[DataFile] = ()
    removes: Sequence[DataFile] = ()
    overwrite: bool = False
    """Remove every file and take the schema as it is."""
    data_change: bool = True
    note: Mapping[str, Any]
    run_id: str
    name: str = ""
    comments: Mapping[str, str] | None = None


def _properties(note: Mapping[str, Any], run_id: str | None) -> Any:
    from deltalake.transaction import CommitProperties, Transaction

    return CommitProperties(
        custom_metadata={COMMIT_KEY: json.dumps(note, ensure_ascii=False)},
        max_commit_retries=0,  # the next version or none: a lost race is answered by doing the work again
        app_transactions=[Transaction(run_id, 1)] if run_id else None,
    )


def _create(folder: Path, change: Change) -> int:
    from deltalake.transaction import create_table_with_add_actions

    folder.mkdir(parents=True, exist_ok=True)
    create_table_with_add_actions(
        str(folder),
        _delta_schema(change.schema, change.comments or {}),
        _adds(change),
        mode="error",
        name=change.name,
        description=change.name,
        configuration={"delta.logRetentionDuration": KEEP, "delta.deletedFileRetentionDuration": KEEP},
        commit_properties=_properties(change.note, change.run_id),
    )
    return 0


def _write(base: DeltaTable, change: Change) -> int:
    from deltalake.transaction import RemoveAction

    now = int(datetime.now(UTC).timestamp() * 1000)
    actions: list[Any] = list(_adds(change))
    actions += [RemoveAction(file.name, change.data_change, now, file.bytes, {}) for file in change.removes]
    new = _delta_schema(change.schema, change.comments or {})
    if not change.overwrite:
        added = [field for field in new.fields if field.name not in {f.name for f in base.schema().fields}]
        if added:  # its own version of the log, which no version of ours points to
            base.alter.add_columns(added, commit_properties=_properties({"columns": [f.name for f in added]}, None))
        new = base.schema()
    base.create_write_transaction(
        actions,
        "overwrite" if change.overwrite else "append",
        new,
        commit_properties=_properties(change.note, change.run_id),
    )
    return int(base.version())


def restore(folder: Path, base: DeltaTable, version: int, note: Mapping[str, Any], run_id: str) -> int:
    """Make the files and columns of an older version the newest again.

    Raises:
        Lost: another writer landed first.

    """
    from deltalake.exceptions import DeltaError

    try:
        base.restore(version, commit_properties=_properties(note, run_id))
    except (DeltaError, OSError) as exc:
        raise _lost_or_broken(folder, base) from exc
    flush_log(folder)
    return int(base.version())


def _lost_or_broken(folder: Path, base: DeltaTable | None) -> Exception:
    newest = open_delta(folder)
    before = -1 if base is None else base.version()
    if newest is not None and newest.version() > before:
        return Lost()
    return Unavailable(
        "写入未能完成，数据没有任何变化。请检查磁盘空间后重试。",
        "The write could not be completed and nothing has changed. Check the disk space and try again.",
        code="commit_failed",
    )


def read_commits(folder: Path, table: DeltaTable, after: int) -> list[Landed]:
    """Return our own commits later than version ``after``, oldest first; commits without our note are no versions.

    The log's own entries are read, not the library's history: that one may already see a commit of another writer that is
    newer than the opened version, and would then count wrongly.
    """
    found = []
    for version in range(after + 1, table.version() + 1):
        entry = folder / "_delta_log" / f"{version:020d}.json"
        for line in entry.read_text(encoding="utf-8").splitlines() if entry.exists() else ():
            info = json.loads(line).get("commitInfo")
            if info is not None and COMMIT_KEY in info:
                note = json.loads(info[COMMIT_KEY])
                found += [Landed(version, note)] if "run_id" in note else []
    return found


def files_of(table: DeltaTable) -> dict[str, DataFile]:
    """Return the files of a version by their decoded names, in the order in which they were added."""
    actions = table.get_add_actions()
    names = [unquote(name) for name in actions.column("path").to_pylist()]
    rows = actions.column("num_records").to_pylist()
    sizes = actions.column("size_bytes").to_pylist()
    added = actions.column("modification_time").to_pylist()
    times = [int(moment.timestamp() * 1000) if isinstance(moment, datetime) else int(moment or 0) for moment in added]
    entries = sorted(zip(times, names, rows, sizes, strict=True))
    return {n: DataFile(n, int(r or 0), int(b), "", t) for t, n, r, b in entries}


def bounds_of(table: DeltaTable, names: Sequence[str]) -> tuple[dict[str, tuple[Any, Any]], ...]:
    """Return per file (in the order of ``names``) the lowest and highest value of each column that has them."""
    actions = table.get_add_actions(flatten=True)
    paths = [unquote(name) for name in actions.column("path").to_pylist()]
    found: dict[str, dict[str, tuple[Any, Any]]] = {name: {} for name in paths}
    columns = set(actions.schema.names)
    for column in (name.removeprefix("min.") for name in columns if name.startswith("min.")):
        if f"max.{column}" not in columns:
            continue
        lows = actions.column(f"min.{column}").to_pylist()
        highs = actions.column(f"max.{column}").to_pylist()
        for path, low, high in zip(paths, lows, highs, strict=True):
            found[path][column] = (low, high)
    return tuple(found[name] for name in names)


def flush_log(folder: Path) -> None:
    """Flush the log's newest entries and its folder, so that a committed version survives a power cut."""
    log = folder / "_delta_log"
    newest = sorted(log.glob("*.json"))[-2:]
    for path in (*newest, log, folder):
        flush(path)


def _adds(change: Change) -> list[Any]:
    from deltalake.transaction import AddAction

    now = int(datetime.now(UTC).timestamp() * 1000)
    return [AddAction(file.name, file.bytes, {}, now, change.data_change, file.stats) for file in change.adds]


def _delta_schema(schema: pa.Schema, comments: Mapping[str, str]) -> Any:
    from deltalake import Field, Schema

    fields = []
    for field in schema:
        marks = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        if comments.get(field.name):
            marks["comment"] = comments[field.name]
        fields.append(Field(field.name, Field.from_arrow(field).type, nullable=True, metadata=marks))
    return Schema(fields)


def schema_of(table: DeltaTable) -> pa.Schema:
    """Return the columns of an opened table in lake types."""
    import pyarrow as pa

    return check_schema(pa.schema(table.schema().to_arrow()))
