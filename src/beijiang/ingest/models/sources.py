"""Sources, what is taken from them into which table, and the certificate of what arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from beijiang.ingest.models.arriving import FileRules, Sighting
from beijiang.ingest.models.files import RunMode
from beijiang.ingest.models.impact import Affected
from beijiang.ingest.models.lateness import Overlap
from beijiang.ingest.models.streams import Stream
from beijiang.kit import Text
from beijiang.kit.errors import JsonValue

__all__ = [
    "SEALED_FOR",
    "SYNC_FILE_SUFFIX",
    "SYNC_JOB",
    "VERIFY_JOB",
    "AllowedTarget",
    "Certificate",
    "Source",
    "SourceDraft",
    "StatesPlan",
    "Sync",
    "SyncDraft",
    "SyncMode",
    "SyncPlan",
    "Verdict",
]

SYNC_JOB: Final = "ingest.sync"
"""Name under which build.py registers the work of runs from sources."""
VERIFY_JOB: Final = "ingest.verify"
"""The same for comparisons of whole tables."""
SEALED_FOR: Final = "connector"
SYNC_FILE_SUFFIX: Final = ".parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDraft:
    """What a person says of a source; secrets are among the options and leave them before anything is stored."""

    name: str
    kind: str
    org_id: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place outside from which a department's data come. Its secrets are sealed and never shown."""

    id: str
    name: str
    kind: str
    org_id: str
    options: Mapping[str, JsonValue]
    secrets: Mapping[str, str]
    """Option name to sealed text."""
    created_at: datetime
    created_by: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the source for an API answer or the terminal: of its secrets only that they are set."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "org_id": self.org_id,
            "options": {**self.options},
            "secrets_set": [*sorted(self.secrets)],
            "created_at": self.created_at.isoformat(),
            "created_by": self.created_by,
        }


class SyncMode(StrEnum):
    """How much of a feed one run reads."""

    FULL = "full"
    """Everything; the table becomes what the source is."""
    INCREMENTAL = "incremental"
    """What a cursor says is new or changed, with some overlap, merged by key."""
    FILES = "files"
    """Files that are new or changed, each once."""
    CAPTURE = "capture"
    """Everything once, then every change that the source's own log tells, deletions included."""

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _MODES[self]


_MODES: Final = {
    SyncMode.FULL: Text("全量", "full"),
    SyncMode.INCREMENTAL: Text("增量", "incremental"),
    SyncMode.FILES: Text("逐个取文件", "files as they arrive"),
    SyncMode.CAPTURE: Text("日志捕获", "change capture"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDraft:
    """What a person wants to be taken from a source."""

    source_id: str
    feed: str
    table: str
    mode: SyncMode = SyncMode.FULL
    key: tuple[str, ...] = ()
    """Empty: the source's primary key, where it has one."""
    columns: tuple[str, ...] = ()
    """Empty: all, also those that the source gets later."""
    cursor: str = ""
    overlap: str = ""
    """How far before the last position a run reads again: seconds for times, days for dates, a number for numbers; ``auto`` learns it."""
    deletes: bool = False
    """Compare all keys at incremental runs, so that rows deleted at the source leave the table."""
    deletes_every: int = 1
    """At each of them, or at every second, third ... one."""
    history: bool = False
    """Keep every state that a row ever had, with the moments from and up to which it held."""
    files: FileRules | None = None
    """Which files are taken and how; for sources in which files arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One feed of a source that is taken into one table."""

    id: str
    source_id: str
    source_name: str
    org_id: str
    feed: str
    table: str
    mode: SyncMode
    key: tuple[str, ...]
    columns: tuple[str, ...]
    cursor: str
    overlap: str
    deletes: bool
    deletes_every: int
    created_at: datetime
    history: bool = False
    files: FileRules | None = None

    @property
    def write_mode(self) -> RunMode:
        """Return how its runs change the table."""
        if self.files is not None:
            return self.files.mode
        if self.history:
            return RunMode.HISTORY
        return RunMode.REPLACE if self.mode is SyncMode.FULL else RunMode.MERGE

    @property
    def mends_whole(self) -> bool:
        """Tell whether reading everything again mends a difference; where files are appended it would repeat rows."""
        return self.files is None or self.files.mode is not RunMode.APPEND

    def to_json(self) -> dict[str, JsonValue]:
        """Return the sync for an API answer or the terminal."""
        return {
            "id": self.id,
            "source": self.source_name,
            "org_id": self.org_id,
            "feed": self.feed,
            "table": self.table,
            "mode": self.mode.value,
            "key": [*self.key],
            "columns": [*self.columns],
            "cursor": self.cursor,
            "overlap": self.overlap,
            "deletes": self.deletes,
            "deletes_every": self.deletes_every,
            "history": self.history,
            "created_at": self.created_at.isoformat(),
            **({"files": self.files.to_json()} if self.files is not None else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StatesPlan:
    """What a run would do to a table that keeps its history, as far as that can be told without reading the rows."""

    held: int
    """States that hold now."""
    begins: int | None
    """States that would be added; None where only the run can tell."""
    ends: int | None
    """States that would be closed; None where only the run can tell."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {"held": self.held, "begins": self.begins, "ends": self.ends}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """What a run would do, before it does anything."""

    sync: Sync
    creates: bool
    """The table does not exist yet."""
    columns: Sequence[Mapping[str, JsonValue]]
    """Name, the source's type, ours, comment, and whether the table has it."""
    start: str | None
    """Canonical text of the cursor from which rows are read; None reads everything."""
    rows: int | None
    """Rows that the source says would be read, where it can count."""
    stops: str
    """Why a run would stop, in Chinese; empty if it would not."""
    warnings: Sequence[Text] = ()
    """What does not stop it and should be looked after."""
    files: Sequence[Sighting] = ()
    """Where each file stands, for sources in which files arrive."""
    end: str | None = None
    """Canonical text of the cursor up to which rows are read; None reads to the newest."""
    overlap: Overlap | None = None
    """How far before the position it would read, where that is learned."""
    compares_keys: bool = False
    """All keys would be compared, so that rows deleted at the source leave."""
    states: StatesPlan | None = None
    """Of a table that keeps its history: states that hold, and that would begin and end."""
    affected: Sequence[Affected] = ()
    """Who would feel it that columns go or change their type."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the plan for an API answer or the terminal."""
        return {
            "sync": self.sync.id,
            "feed": self.sync.feed,
            "table": self.sync.table,
            "mode": self.sync.mode.value,
            "creates": self.creates,
            "start": self.start,
            "end": self.end,
            "rows": self.rows,
            "columns": [dict(c) for c in self.columns],
            "stops": self.stops,
            **({"files": [f.to_json() for f in self.files]} if self.sync.files is not None else {}),
            "overlap": None if self.overlap is None else self.overlap.to_json(),
            "compares_keys": self.compares_keys,
            **({"states": self.states.to_json()} if self.states is not None else {}),
            "affected": [a.to_json() for a in self.affected],
            "warnings": [{"zh": w.zh, "en": w.en} for w in self.warnings],
        }


class Verdict(StrEnum):
    """What a certificate comes to."""

    EQUAL = "equal"
    """Count and checksum are equal in every key range."""
    EXPLAINED = "explained"
    """Every row that differs is accounted for: set aside with a reason, or changed at the source since."""
    DIFFERENT = "different"
    """Rows differ and nothing explains it; they are listed."""

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _VERDICTS[self]


_VERDICTS: Final = {
    Verdict.EQUAL: Text("一致", "equal"),
    Verdict.EXPLAINED: Text("差异已说明", "explained"),
    Verdict.DIFFERENT: Text("不一致", "different"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Proof of what a table holds of a source, at one version and position."""

    id: str
    sync_id: str
    """The sync or the stream that fills the table."""
    run_id: str | None
    """The run that it closes; None for a verification that was asked for."""
    table: str
    version: int
    at: datetime
    verdict: Verdict
    body: Mapping[str, JsonValue]
    """``source``, ``landed`` and ``table`` with rows and checksum each; ``ranges`` that differ; ``differences`` by key."""

    @classmethod
    def of_run(cls, sync: Sync | Stream, run_id: str, told: Mapping[str, Any], at: datetime) -> Certificate:
        """Rebuild what closes a run from what its last step wrote down: ``id``, ``version``, ``verdict`` and ``body``."""
        return cls(
            id=told["id"],
            sync_id=sync.id,
            run_id=run_id,
            table=sync.table,
            version=told["version"],
            at=at,
            verdict=Verdict(told["verdict"]),
            body=told["body"],
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the certificate for an API answer or the terminal."""
        return {
            "id": self.id,
            "sync": self.sync_id,
            "run": self.run_id,
            "table": self.table,
            "version": self.version,
            "at": self.at.isoformat(),
            "verdict": self.verdict.value,
            **self.body,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedTarget:
    """A machine and port of a private network, or a folder, that the security administrator opened."""

    id: str
    host: str
    port: int
    network: str
    folder: str
    uses: tuple[str, ...]
    """What for: values of ``outbound.Use``."""
    org_id: str
    plain_http: bool
    reason: str
    added_by: str
    added_at: datetime

    def to_json(self) -> dict[str, JsonValue]:
        """Return the target for an API answer or the terminal."""
        return {
            "id": self.id,
            "host": self.host,
            "port": self.port,
            "network": self.network,
            "folder": self.folder,
            "uses": [*self.uses],
            "org_id": self.org_id,
            "plain_http": self.plain_http,
            "reason": self.reason,
            "added_by": self.added_by,
            "added_at": self.added_at.isoformat(),
        }
