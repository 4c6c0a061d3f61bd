"""Streams of messages, what waits in them, and the window tables that are kept up to date from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from beijiang.kit import Actor, Text
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "SEALED_FOR_STREAMS",
    "STREAM_JOB",
    "STREAM_VERIFY_JOB",
    "WINDOW_JOB",
    "ArrivedBatch",
    "BatchWatch",
    "Receipt",
    "Segment",
    "Signature",
    "Stream",
    "StreamDraft",
    "StreamKind",
    "StreamState",
    "StreamWindow",
]

STREAM_JOB: Final = "ingest.stream"
"""Name under which build.py registers the work of micro-batches."""
STREAM_VERIFY_JOB: Final = "ingest.stream_verify"
"""Name under which build.py registers comparisons of a stream's table with its landed segments."""
WINDOW_JOB: Final = "ingest.windows"
"""Name under which build.py registers the work that brings window tables up to date."""
SEALED_FOR_STREAMS: Final = "stream"


class StreamKind(StrEnum):
    """How messages come."""

    WEBHOOK = "webhook"
    """Senders post them to an address of the platform."""
    MQTT = "mqtt"
    """The platform subscribes to topics of a broker."""

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _KINDS[self]


_KINDS: Final = {
    StreamKind.WEBHOOK: Text("推送接口", "webhook"),
    StreamKind.MQTT: Text("MQTT 订阅", "MQTT subscription"),
}


class StreamState(StrEnum):
    """What people want of a stream."""

    RUNNING = "running"
    PAUSED = "paused"
    """Nothing is received; what was received before goes on into the table."""

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _STATES[self]


_STATES: Final = {
    StreamState.RUNNING: Text("运行中", "running"),
    StreamState.PAUSED: Text("已暂停", "paused"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDraft:
    """What a person says of a stream; secrets are among the options and leave them before anything is stored."""

    name: str
    kind: StreamKind
    org_id: str
    table: str
    key: tuple[str, ...] = ()
    """Empty: every message is a row of its own. Otherwise a later message with the same key replaces the earlier."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Messages that keep arriving and are taken into one table."""

    id: str
    name: str
    kind: StreamKind
    org_id: str
    table: str
    key: tuple[str, ...]
    options: Mapping[str, JsonValue]
    secrets: Mapping[str, str]
    """Option name to sealed text."""
    state: StreamState
    owner: Actor
    """Whoever started it last: its batches are taken in under this name, with the rights of the day."""
    created_at: datetime
    created_by: str
    live: Mapping[str, JsonValue]
    """What the process that serves it wrote down last: connected, received, per_second, last_message_at, ..."""
    trouble: Mapping[str, JsonValue] | None
    """Why it does not go on, until it does again."""
    lease_until: datetime | None
    """Up to when the process that receives for it has promised to be alive."""
    position: int = 0
    """Number of the last segment whose rows are in the table."""
    landed: int = 0
    """Deliveries landed so far."""

    @property
    def is_ill(self) -> bool:
        """Tell whether it does not go on as it should, by what the platform or the other side says."""
        return self.trouble is not None or self.live.get("trouble") is not None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stream for an API answer or the terminal: of its secrets only that they are set."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind.value,
            "org_id": self.org_id,
            "table": self.table,
            "key": [*self.key],
            "options": {**self.options},
            "secrets_set": [*sorted(self.secrets)],
            "state": self.state.value,
            "owner": self.owner.name,
            "created_at": self.created_at.isoformat(),
            "created_by": self.created_by,
            "live": {**self.live},
            "trouble": None if self.trouble is None else {**self.trouble},
            "position": self.position,
            "landed": self.landed,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender gets once its delivery is on disk."""

    id: str
    messages: int
    again: bool
    """The same delivery was received before, so it counts once."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the receipt for an API answer."""
        return {"id": self.id, "messages": self.messages, "again": self.again}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a sender without an API key puts into the headers of a request."""

    value: str
    timestamp: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A closed piece of a stream that is kept among the landed files."""

    seq: int
    sha256: str
    deliveries: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedBatch:
    """Readings of closed segments: on disk and typed, on their way into the stream's table."""

    stream_id: str
    table: str
    last: int
    """Number of its last segment; the position of whoever has heard it."""
    rows: Callable[[Sequence[str], int], pa.Table]
    """Give some columns of what came after a segment, in the order in which it came."""


class BatchWatch(Protocol):
    """What wants to hear of readings as they arrive; it keeps its own position, for a batch that is cut is told again."""

    def hear(self, batch: ArrivedBatch) -> None:
        """Take note of a batch; an error puts the batch off, and it is told again."""
        ...

    def heard(self, stream_id: str) -> int | None:
        """Return up to which segment it has heard of a stream; None where it does not listen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamWindow:
    """A table of aggregates over windows of time, made from the table of a stream."""

    id: str
    stream_id: str
    org_id: str
    source: str
    """The stream's table."""
    table: str
    spec: Mapping[str, JsonValue]
    created_at: datetime
    owner: Actor
    note: Mapping[str, JsonValue]
    """What its last refresh came to: source version, windows written, late readings; or why it failed."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the window for an API answer or the terminal."""
        return {
            "id": self.id,
            "stream": self.stream_id,
            "source": self.source,
            "table": self.table,
            "spec": {**self.spec},
            "created_at": self.created_at.isoformat(),
            "note": {**self.note},
        }
