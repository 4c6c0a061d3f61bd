"""Mending what was set aside: rows with their corrections, one correction for many rows, what went back, what goes in again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from beijiang.ingest.models.files import QuarantinedRow
from beijiang.kit import Invalid, Text, half_width
from beijiang.kit.errors import JsonValue

__all__ = [
    "AS_IT_STANDS",
    "REPLAY_JOB",
    "BenchCell",
    "BenchPage",
    "BenchQuery",
    "BenchRow",
    "Fix",
    "FixDone",
    "FixKind",
    "FixPreview",
    "FixSample",
    "MendState",
    "Origin",
    "ReplayPlan",
    "Sending",
    "TableCount",
]

REPLAY_JOB: Final = "ingest.replay"
"""Name under which build.py registers the work of runs that take mended rows in."""
AS_IT_STANDS: Final = ""
"""Column of a correction that changes no cell: a person looked and says that the row is right."""


class MendState(StrEnum):
    """Where a quarantined row stands."""

    OPEN = "open"
    FIXED = "fixed"
    """Corrections are kept as a draft; nothing has gone into the table yet."""
    SENT_BACK = "sent_back"
    DISMISSED = "dismissed"
    RESOLVED = "resolved"
    """A later run brought it, mended here or by its supplier."""
    SUPERSEDED = "superseded"
    """The whole table was replaced since; the newer run has its own rows set aside."""

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _STATES[self]


_STATES: Final = {
    MendState.OPEN: Text("待处理", "open"),
    MendState.FIXED: Text("已修正，待入库", "mended, waits"),
    MendState.SENT_BACK: Text("已退回", "sent back"),
    MendState.DISMISSED: Text("已忽略", "dismissed"),
    MendState.RESOLVED: Text("已解决", "resolved"),
    MendState.SUPERSEDED: Text("已被新数据取代", "superseded"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchQuery:
    """Which quarantined rows are meant: of a table or a run, by what is wrong, or one by one."""

    table: str = ""
    run_id: str = ""
    reason: str = ""
    column: str = ""
    file: str = ""
    state: MendState | None = None
    rows: tuple[tuple[str, int], ...] = ()
    """Pairs of run and number in it; empty means all that meet the other conditions."""


@dataclass(frozen=True, slots=True)
class BenchCell:
    """One cell of a quarantined row: what the supplier wrote, what it will be, and what is wrong with that."""

    column: str
    raw: str
    text: str
    problem: Text | None = None

    @property
    def changed(self) -> bool:
        """Tell whether a correction changes it."""
        return self.raw != self.text


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row of a replay was first set aside."""

    run_id: str
    seq: int
    file_name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """A quarantined row on the bench."""

    row: QuarantinedRow
    table: str
    state: MendState
    cells: tuple[BenchCell, ...]
    extra: tuple[str, ...] = ()
    """Cells beyond the last column, in a row that is too wide."""
    note: str = ""
    by: str = ""
    at: datetime | None = None
    sending: str | None = None
    replay: str | None = None
    """The run that takes it in, or took it in."""
    origin: Origin | None = None
    blocked: Text | None = None
    """Why it cannot be mended here; None if it can."""

    @property
    def ready(self) -> bool:
        """Tell whether it is mended and nothing is wrong with it any more."""
        return self.state is MendState.FIXED and not any(c.problem for c in self.cells)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the row for an API answer or the terminal."""
        cells: list[JsonValue] = [
            {
                "column": c.column,
                "raw": c.raw,
                "text": c.text,
                "problem": None if c.problem is None else {"zh": c.problem.zh, "en": c.problem.en},
            }
            for c in self.cells
        ]
        origin: dict[str, JsonValue] | None = None
        if self.origin is not None:
            where = self.origin
            origin = {"run_id": where.run_id, "seq": where.seq, "file": where.file_name, "line": where.line}
        return {
            **self.row.to_json(),
            "table": self.table,
            "state": self.state.value,
            "ready": self.ready,
            "cells": cells,
            "extra": [*self.extra],
            "note": self.note,
            "by": self.by,
            "at": self.at.isoformat() if self.at else None,
            "sending": self.sending,
            "replay": self.replay,
            "origin": origin,
        }


@dataclass(frozen=True, slots=True)
class BenchPage:
    """Some rows of the bench, how many there are, and by what they can be told apart."""

    total: int
    rows: tuple[BenchRow, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableCount:
    """How many rows of one table stand where."""

    table: str
    org_id: str
    open: int
    fixed: int
    sent_back: int
    dismissed: int
    resolved: int

    def to_json(self) -> dict[str, JsonValue]:
        """Return the counts for an API answer or the terminal."""
        return {
            "table": self.table,
            "org_id": self.org_id,
            "open": self.open,
            "fixed": self.fixed,
            "sent_back": self.sent_back,
            "dismissed": self.dismissed,
            "resolved": self.resolved,
        }


class FixKind(StrEnum):
    """One correction for many rows."""

    TRIM = "trim"
    HALF_WIDTH = "half_width"
    REPLACE = "replace"
    SET = "set"
    DATE = "date"

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _KINDS[self]


_KINDS: Final = {
    FixKind.TRIM: Text("去掉首尾空白", "trim blanks"),
    FixKind.HALF_WIDTH: Text("全角改半角", "full width to half width"),
    FixKind.REPLACE: Text("替换文字", "replace text"),
    FixKind.SET: Text("改为同一个值", "set one value"),
    FixKind.DATE: Text("按格式识别日期", "read a date by its format"),
}
_TOKENS: Final = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}  # fmt: skip
_TOKEN: Final = re.compile("|".join(_TOKENS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What is done to one column of every row that is meant."""

    kind: FixKind
    column: str
    find: str = ""
    """Text to look for (``replace``), or the format of the dates (``date``): YYYY MM M DD D HH mm ss."""
    text: str = ""
    """What it becomes (``replace``, ``set``)."""

    def check(self) -> None:
        """Refuse a correction that lacks what its kind needs.

        Raises:
            Invalid: ``bad_fix``.

        """
        if not self.column:
            raise Invalid("请选择要更正的列。", "Choose the column to correct.", code="bad_fix")
        if self.kind is FixKind.REPLACE and not self.find:
            raise Invalid("请写明要替换的文字。", "Say which text is to be replaced.", code="bad_fix")
        if self.kind is FixKind.DATE and not {"%d", "%m"} <= set(re.findall("%[a-zA-Z]", self._format)):
            raise Invalid(
                "请写明日期的格式，如 DD/MM/YYYY、YYYYMMDD、YYYY年M月D日。",
                "Write the format of the dates, such as DD/MM/YYYY, YYYYMMDD or YYYY年M月D日.",
                code="bad_fix",
            )

    @property
    def _format(self) -> str:
        return _TOKEN.sub(lambda found: _TOKENS[found[0]], self.find.strip().replace("%", "%%"))

    def apply(self, value: str) -> str:
        """Return what a cell becomes; one that the correction does not fit stays as it is."""
        if self.kind is FixKind.TRIM:
            return value.strip().strip("\u3000\u200b\ufeff").strip()
        if self.kind is FixKind.HALF_WIDTH:
            return half_width(value)
        if self.kind is FixKind.REPLACE:
            return value.replace(self.find, self.text)
        if self.kind is FixKind.SET:
            return self.text
        form = self._format
        try:
            # The day is what is wanted; its zone is that of the region, as of every cell.
            read = datetime.strptime(value.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            return value
        return read.strftime("%Y-%m-%d %H:%M:%S" if "%H" in form else "%Y-%m-%d")

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for storage and answers."""
        return {"kind": self.kind.value, "column": self.column, "find": self.find, "text": self.text}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fix:
        """Rebuild a stored one."""
        return cls(**{**value, "kind": FixKind(value["kind"])})


@dataclass(frozen=True, slots=True)
class FixSample:
    """What a correction would do to one row."""

    run_id: str
    seq: int
    line: int
    before: str
    after: str
    problem: Text | None


@dataclass(frozen=True, slots=True)
class FixPreview:
    """What a correction would do, before it does anything."""

    fix: Fix
    matched: int
    changed: int
    passing: int
    """Rows with nothing wrong after it."""
    samples: tuple[FixSample, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        samples: list[JsonValue] = [
            {
                "run_id": s.run_id,
                "seq": s.seq,
                "line": s.line,
                "before": s.before,
                "after": s.after,
                "problem": None if s.problem is None else {"zh": s.problem.zh, "en": s.problem.en},
            }
            for s in self.samples
        ]
        counts: dict[str, JsonValue] = {"matched": self.matched, "changed": self.changed, "passing": self.passing}
        return {**self.fix.to_json(), **counts, "samples": samples}


@dataclass(frozen=True, slots=True, kw_only=True)
class FixDone:
    """A correction that was made to many rows; it can be taken back until they go in."""

    id: str
    table: str
    org_id: str
    fix: Fix
    rows: int
    by: str
    at: datetime
    undoable: bool = True

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {
            "id": self.id,
            "table": self.table,
            **self.fix.to_json(),
            "rows": self.rows,
            "by": self.by,
            "at": self.at.isoformat(),
            "undoable": self.undoable,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Rows that went back to their supplier together, and what has come of them."""

    id: str
    table: str
    org_id: str
    note: str
    rows: int
    by: str
    at: datetime
    back: int = 0
    """Rows that a later run has brought."""
    runs: tuple[str, ...] = ()
    """The runs that brought them."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {
            "id": self.id,
            "table": self.table,
            "note": self.note,
            "rows": self.rows,
            "by": self.by,
            "at": self.at.isoformat(),
            "back": self.back,
            "runs": [*self.runs],
        }


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What taking the mended rows in would do."""

    table: str
    ready: int
    wrong: int
    """Mended, and still something is wrong with them: they stay."""
    busy: int
    """On their way in already."""
    mode: str
    from_source: bool
    """A source fills the table: what is not mended there too comes again with the next whole run."""
    later: int = 0
    """Rows that are ready and go in by the next replay, as they change the table in another way than ``mode``."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {
            "table": self.table,
            "ready": self.ready,
            "wrong": self.wrong,
            "busy": self.busy,
            "mode": self.mode,
            "from_source": self.from_source,
            "later": self.later,
        }
