"""How a source's own log is followed: a snapshot to begin with, then every committed change, in the order of the commits.

A ``Capture`` belongs to one feed of one source under one name, by which the source knows it. What it has handed out stays in
the source's log until it is confirmed, and it is confirmed only when the rows are safe here; so a run that is cut anywhere
reads the same changes again, and none is lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Conflict, Invalid, Text

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.ingest.connectors.contract import Connector, Feed, Reading, Wanted

__all__ = [
    "CHANGED_AT",
    "COMMITTED",
    "OLD_KEY",
    "OP",
    "TRANSACTION",
    "UNSET",
    "Capture",
    "Changes",
    "FollowsLog",
    "Lag",
    "LogPosition",
    "Op",
    "Reshaped",
    "capture_of",
    "changes_schema",
    "log_lost",
]

OP: Final = "_bj_op"
CHANGED_AT: Final = "_bj_position"
"""Where in the log the change's transaction was committed."""
COMMITTED: Final = "_bj_committed"
"""When, by the source's clock, in UTC."""
TRANSACTION: Final = "_bj_transaction"
UNSET: Final = "_bj_unset"
"""Columns whose value the log leaves out because the update did not touch it."""
OLD_KEY: Final = "_bj_old_key"
"""The key before an update that changed it, as a JSON list of texts."""


class Op(StrEnum):
    """What a change does; an update of a key is a delete followed by an insert of the same commit."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPosition:
    """How far a log has been read. It is part of the commit's note, so it moves with the rows or not at all."""

    at: str
    shape: Mapping[str, str] = field(default_factory=dict)
    """The source's type of each column, as of this position: what was rewritten without a log entry shows in it."""
    seen_at: str = ""
    """The source's clock when the log ended here, or when the last change was committed; in UTC."""

    def to_json(self) -> dict[str, Any]:
        """Return it for the commit's note."""
        return {"at": self.at, "shape": dict(self.shape), "seen_at": self.seen_at}

    @classmethod
    def from_json(cls, value: object) -> LogPosition | None:
        """Rebuild a stored one; None where the table's rows did not come from a log."""
        if not isinstance(value, dict) or "at" not in value:
            return None
        return cls(at=str(value["at"]), shape=value.get("shape") or {}, seen_at=str(value.get("seen_at") or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far behind the end of its log a capture is, measured at the source."""

    bytes: int | None
    """Log that has not been looked at; it need not hold a change of this feed."""
    seconds: float
    """Age of the position: everything committed before is in the table."""
    retained: int | None
    """Log that the source keeps for this capture, on its disk."""
    warnings: tuple[Text, ...] = ()


class Reshaped(Exception):
    """Rows were changed without an entry in the log (a column rewritten, or filled as it was added): only a new snapshot tells."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        super().__init__(", ".join(columns))
        self.columns = columns


class Changes(ABC):
    """A stretch of the log: whole transactions, from a position on."""

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield changes in order, in the schema of ``changes_schema``: every value as its canonical text.

        Raises:
            Reshaped: the stretch cannot be taken, a new snapshot is needed.

        """

    @abstractmethod
    def end(self) -> LogPosition:
        """Return up to where the stretch goes, once all batches were taken."""


class Capture(ABC):
    """The log of a source, as far as it concerns one feed."""

    @abstractmethod
    def check(self, wanted: Wanted) -> None:
        """Look whether the log can be followed, without changing anything.

        Raises:
            Invalid: a setting or a right is missing at the source, or the key is not in its log; says what to do.

        """

    @abstractmethod
    def begin(self, wanted: Wanted) -> AbstractContextManager[tuple[Reading, LogPosition]]:
        """Have the source keep its log from now on; give the rows of exactly this moment, and the moment's position."""

    @abstractmethod
    def changes(self, wanted: Wanted, start: LogPosition, most: int) -> AbstractContextManager[Changes]:
        """Read on from a position that is durable here, about ``most`` changes but always whole transactions.

        Raises:
            Conflict: the log from there on is gone (``capture_log_lost``).

        """

    @abstractmethod
    def nothing_until(self, start: LogPosition) -> LogPosition | None:
        """Return the position up to which the log holds nothing of this feed; None if there is something, or may be.

        Raises:
            Conflict: the log from there on is gone (``capture_log_lost``).

        """

    @abstractmethod
    def confirm(self, position: LogPosition) -> None:
        """Let the source forget its log up to a position; again is harmless."""

    @abstractmethod
    def lag(self, position: LogPosition) -> Lag:
        """Measure how far behind a position is.

        Raises:
            Conflict: the log from there on is gone (``capture_log_lost``).

        """

    @abstractmethod
    def end(self) -> None:
        """Let go of the source's log and leave nothing of this capture there; again is harmless."""


class FollowsLog(ABC):
    """A connector whose sources have a log that can be followed."""

    @abstractmethod
    def capture(self, name: str) -> Capture:
        """Return the source's log under the name by which the source shall know this reader of it."""


def capture_of(connector: Connector, name: str) -> Capture:
    """Return the log of a connector's source.

    Raises:
        Invalid: sources of this kind have no log that could be followed (``capture_unsupported``).

    """
    if isinstance(connector, FollowsLog):
        return connector.capture(name)
    raise Invalid(
        f"{connector.text.zh}没有可跟踪的变更日志。请改用增量或全量。",
        f"{connector.text.en}: there is no log of changes to follow. Take it incrementally or in full.",
        code="capture_unsupported",
    )


def changes_schema(feed: Feed) -> pa.Schema:
    """Return how changes are written down: what happened, where and when, and each column's canonical text."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(OP, pa.string()),
            pa.field(CHANGED_AT, pa.string()),
            pa.field(COMMITTED, pa.string()),
            pa.field(TRANSACTION, pa.string()),
            pa.field(UNSET, pa.list_(pa.string())),
            pa.field(OLD_KEY, pa.string()),
            *(pa.field(c.name, pa.string()) for c in feed.columns),
        ]
    )


def log_lost(why: Text) -> Conflict:
    """Say that changes cannot be had any more, and that a new snapshot mends it."""
    return Conflict(
        f"数据源的日志已接不上：{why.zh}。表没有改变。请重新取一次全部数据：beijiang ingest sync 表名 --whole。",
        f"The source's log cannot be followed on: {why.en}. The table is unchanged. Take a new snapshot: beijiang ingest sync TABLE --whole.",
        code="capture_log_lost",
    )
