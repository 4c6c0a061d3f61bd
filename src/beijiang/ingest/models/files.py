"""What is handed in, what is asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from beijiang.kit import Invalid, Text
from beijiang.kit.errors import JsonValue

__all__ = [
    "DUPLICATE_SAME",
    "INGEST_JOB",
    "KEY_SEPARATOR",
    "CheckKind",
    "CheckSpec",
    "FilePreview",
    "IngestRequest",
    "LandedFile",
    "QuarantinePage",
    "QuarantinedRow",
    "RawCell",
    "ReleaseCheck",
    "Run",
    "RunMode",
    "RunState",
    "StagedTable",
    "TablePreview",
    "file_tag",
]

INGEST_JOB: Final = "ingest"
"""Name under which build.py registers the work of this domain."""
DUPLICATE_SAME: Final = "duplicate_same"
"""Reason of a row that repeats another one cell by cell: set aside and counted, but not an error of the supplier."""
KEY_SEPARATOR: Final = "\x1f"


def file_tag(sha256: str, inner: str) -> str:
    """Return what ``_bj_file`` holds: the landed file, and the sheet or member inside it if there is one."""
    return f"{sha256}#{inner}" if inner else sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedFile:
    """Bytes that are kept unchanged under their SHA-256."""

    sha256: str
    name: str
    bytes: int
    at: datetime
    org_id: str
    again: bool
    """The same bytes had landed before: nothing was stored a second time."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the file for an API answer or the terminal."""
        return {
            "sha256": self.sha256,
            "name": self.name,
            "bytes": self.bytes,
            "at": self.at.isoformat(),
            "org_id": self.org_id,
            "again": self.again,
        }


class RunMode(StrEnum):
    """How good rows change the table."""

    AUTO = "auto"
    """Merge where there is a key, otherwise append."""
    APPEND = "append"
    MERGE = "merge"
    REPLACE = "replace"
    HISTORY = "history"
    """Merge, and keep every state that a row ever had, with the moments from and up to which it held."""
    REMOVE = "remove"
    """Take out the rows whose keys stand in the file; the version before still has them."""


class CheckKind(StrEnum):
    """A check that a request declares for a column; rows that fail go to quarantine."""

    CITIZEN_ID = "citizen_id"
    LUHN = "luhn"
    NOT_NULL = "not_null"
    ORG_CODE = "org_code"
    REGEX = "regex"
    UNIQUE = "unique"
    USCC = "uscc"


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One declared check: ``统一社会信用代码=uscc``, ``手机=regex:1[3-9][0-9]{9}``."""

    column: str
    kind: CheckKind
    pattern: str = ""
    """For ``regex``: the whole value must match. Linear-time syntax, no look-around."""

    @classmethod
    def parse(cls, text: str) -> CheckSpec:
        """Read ``COLUMN=CHECK`` as typed in the terminal or a form."""
        column, sign, rest = text.partition("=")
        name, _, pattern = rest.partition(":")
        known = {k.value for k in CheckKind}
        if not sign or not column or name not in known or (name == CheckKind.REGEX) != bool(pattern):
            raise Invalid(
                f"无法识别检查“{text}”。写法：列名=检查，检查可为 {'、'.join(sorted(known))}；regex 后接冒号和表达式。",
                f'"{text}" is no check. Write COLUMN=CHECK with one of {", ".join(sorted(known))}; regex is followed by a colon and the pattern.',
                code="bad_check",
                detail={"check": text},
            )
        return cls(column, CheckKind(name), pattern)

    def __str__(self) -> str:
        return f"{self.column}={self.kind.value}" + (f":{self.pattern}" if self.pattern else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """What to do with landed files."""

    files: tuple[str, ...]
    """SHA-256 of each; the order decides nothing but the order of columns."""
    into: str
    org_id: str
    key: tuple[str, ...] = ()
    mode: RunMode = RunMode.AUTO
    encoding: str = "auto"
    sheet: str | None = None
    delimiter: str | None = None
    header: Mapping[str, Any] | None = None
    """A header template confirmed in the preview (``title_rows``, ``header_rows``, ``columns``)."""
    checks: tuple[CheckSpec, ...] = ()
    reason: str = ""
    again: bool = False
    """Append rows of files that this table has already taken in."""
    accept_plan: str = ""
    """Token of a schema plan that a person has read and accepted (replace only)."""
    sync: str = ""
    """Id of the sync whose source is read; such a run begins without files and lands what it reads."""
    whole: bool = False
    """Read everything that a sync covers, not only what is new."""
    members: tuple[str, ...] = ()
    """Patterns of the members of archives that are read; empty reads all."""
    since: str | None = None
    until: str | None = None
    """Canonical texts of the cursor: read this part again and leave the position as it is."""
    keys: bool = False
    """Compare all keys at this run, whether it is their turn or not."""
    upon: int | None = None
    """The version of the table that the rows were made for; where it has another by then, nothing is written."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the request for storage; equal requests give equal values."""
        header: dict[str, JsonValue] | None = dict(self.header) if self.header is not None else None
        return {
            "files": [*self.files],
            "into": self.into,
            "org_id": self.org_id,
            "key": [*self.key],
            "mode": self.mode.value,
            "encoding": self.encoding,
            "sheet": self.sheet,
            "delimiter": self.delimiter,
            "header": header,
            "checks": [str(c) for c in self.checks],
            "reason": self.reason,
            "again": self.again,
            "accept_plan": self.accept_plan,
            "sync": self.sync,
            "whole": self.whole,
            **({"members": [*self.members]} if self.members else {}),
            "since": self.since,
            "until": self.until,
            "keys": self.keys,
            **({"upon": self.upon} if self.upon is not None else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> IngestRequest:
        """Rebuild a stored request."""
        return cls(
            **{
                **value,
                "files": tuple(value["files"]),
                "key": tuple(value["key"]),
                "members": tuple(value.get("members", ())),
                "mode": RunMode(value["mode"]),
                "checks": tuple(CheckSpec.parse(c) for c in value["checks"]),
            }
        )


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMMITTED = "committed"
    """Its good rows are a version of the table (or changed nothing in it)."""
    STOPPED = "stopped"
    """Too many bad rows: read to the end, quarantined, nothing committed."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One taking-in of some files into one table, and its report."""

    id: str
    job_id: str
    table: str
    org_id: str
    actor_name: str
    mode: RunMode
    key: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    """Pairs of SHA-256 and the supplier's file name."""
    state: RunState
    submitted_at: datetime
    ended_at: datetime | None
    version: int | None
    report: dict[str, JsonValue] = field(default_factory=dict)
    """``read`` = ``good`` + ``bad`` + ``duplicates``, ``bad_by_reason``, ``files``, ``columns``, ``changed_cells``, ..."""
    error: dict[str, JsonValue] | None = None
    progress: dict[str, JsonValue] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Tell whether nothing will happen to it any more."""
        return self.state not in {RunState.QUEUED, RunState.RUNNING}

    def to_json(self) -> dict[str, JsonValue]:
        """Return the run for an API answer or the terminal."""
        return {
            "id": self.id,
            "job_id": self.job_id,
            "table": self.table,
            "org_id": self.org_id,
            "submitted_by": self.actor_name,
            "mode": self.mode.value,
            "key": [*self.key],
            "files": [{"sha256": s, "name": n} for s, n in self.files],
            "state": self.state.value,
            "submitted_at": self.submitted_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "version": self.version,
            "report": self.report,
            "error": self.error,
            "progress": self.progress,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """One row that was set aside, and whether a later run brought a good row with its key."""

    run_id: str
    seq: int
    file_sha256: str
    file_name: str
    inner: str
    line: int
    column: str | None
    reason: str
    text: Text
    columns: tuple[str, ...]
    cells: tuple[str | None, ...] | None
    """The cells in the supplier's column order, where they could be told apart."""
    raw: str | None
    """The record as one text, where they could not."""
    key: str | None
    resolved_by: str | None
    """The later run that brought a good row with the same key."""

    @classmethod
    def stored(
        cls, run_id: str, row: Mapping[str, Any], columns: Sequence[str], resolved_by: str | None
    ) -> QuarantinedRow:
        """Rebuild a row of a run's quarantine; ``columns`` are those of the table that it stood in."""
        return cls(
            run_id=run_id,
            seq=row["seq"],
            file_sha256=row["file"],
            file_name=row["file_name"],
            inner=row["inner"],
            line=row["line"],
            column=row["column"],
            reason=row["reason"],
            text=Text(row["zh"], row["en"]),
            columns=tuple(columns),
            cells=None if row["cells"] is None else tuple(row["cells"]),
            raw=row["raw"],
            key=row["key"],
            resolved_by=resolved_by,
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the row for an API answer or the terminal."""
        return {
            "run_id": self.run_id,
            "seq": self.seq,
            "file": self.file_name,
            "sha256": self.file_sha256,
            "inner": self.inner,
            "line": self.line,
            "column": self.column,
            "reason": self.reason,
            "message": {"zh": self.text.zh, "en": self.text.en},
            "columns": [*self.columns],
            "cells": None if self.cells is None else [*self.cells],
            "raw": self.raw,
            "key": self.key,
            "resolved_by": self.resolved_by,
        }


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Some quarantined rows and how many there are in all."""

    total: int
    rows: tuple[QuarantinedRow, ...]
    by_reason: dict[str, int]


@dataclass(frozen=True, slots=True)
class RawCell:
    """What the supplier wrote in one cell, and whether typing rewrote it."""

    column: str
    raw: str | None
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePreview:
    """The head of one table inside a file, with the types that its first rows suggest."""

    inner: str
    format: str
    encoding: str | None
    delimiter: str | None
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    row_numbers: tuple[int, ...]
    bad: tuple[dict[str, JsonValue], ...]
    header: dict[str, JsonValue]
    notes: tuple[Text, ...]
    row_estimate: int | None


@dataclass(frozen=True, slots=True)
class FilePreview:
    """What a landed file holds."""

    file: LandedFile
    tables: tuple[TablePreview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedTable:
    """Good rows that wait for their commit."""

    table: str
    org_id: str
    run_id: str
    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rows: int


class ReleaseCheck(Protocol):
    """Look at good rows before they are committed; ``quality`` implements it."""

    def check(self, staged: StagedTable) -> Sequence[Text]:
        """Return what forbids the commit; nothing when it may go on."""
        ...
