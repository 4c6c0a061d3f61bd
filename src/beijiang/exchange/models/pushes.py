"""Pushes: what was granted is brought to a place of the consumer's, again and again, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from beijiang.exchange.models.grants import Grant
    from beijiang.ingest import Timing
    from beijiang.kit.errors import JsonValue

__all__ = [
    "TRIED_FOR",
    "Push",
    "PushDelivery",
    "PushDeliveryState",
    "PushDraft",
    "PushMode",
    "PushMove",
    "PushPlan",
    "PushQuery",
    "PushState",
    "PushView",
    "back_off",
]

TRIED_FOR: Final = timedelta(hours=48)
"""How long a delivery is tried again before it is a dead letter: a far side that is down for a day, and then some, misses nothing."""
_FIRST: Final = 60
_LONGEST: Final = 2 * 3600
_TIMES: Final = 4


class PushMode(Word):
    """How much a delivery brings."""

    FULL = "full", "全量", "everything anew"
    CHANGES = "changes", "增量（含删除）", "what changed, deletions too"


class PushState(Word):
    """How a subscription stands."""

    ACTIVE = "active", "推送中", "active"
    HELD = "held", "暂不推送", "rests"
    PAUSED = "paused", "已暂停", "paused"
    STOPPED = "stopped", "提供方已叫停", "stopped by the provider"
    ENDED = "ended", "已结束", "ended"


class PushMove(Word):
    """What a person did with a subscription."""

    ADD = "add", "登记", "registered"
    CHANGE = "change", "修改", "changed"
    PAUSE = "pause", "暂停", "paused"
    RESUME = "resume", "恢复", "resumed"
    END = "end", "结束", "ended"
    NOW = "now", "立即推送", "pushed at once"
    REPLAY = "replay", "重新投递", "replayed"
    DROP = "drop", "放弃投递", "dropped"


class PushDeliveryState(Word):
    """What became of a delivery."""

    WAITING = "waiting", "待投递", "waits"
    RUNNING = "running", "投递中", "on its way"
    DONE = "done", "已送达", "delivered"
    MERGED = "merged", "并入后一次", "merged into the next"
    DEAD = "dead", "死信", "dead letter"
    DROPPED = "dropped", "已放弃", "dropped"

    @property
    def is_open(self) -> bool:
        """Tell whether it is still to be delivered."""
        return self in {PushDeliveryState.WAITING, PushDeliveryState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDraft:
    """What a consumer registers; secrets are among the options and leave them before anything is stored."""

    grant_id: str
    name: str
    kind: str
    target: str = ""
    """The table or folder at the far side."""
    options: Mapping[str, Any] = field(default_factory=dict)
    mode: PushMode = PushMode.CHANGES
    timing: Timing | None = None
    """None: at every new version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One subscription: what goes where, and how far it has come. Its secrets are sealed and never shown."""

    id: str
    grant_id: str
    org_id: str
    provider_id: str
    table: str
    resource_name: str
    name: str
    kind: str
    target: str
    options: Mapping[str, JsonValue]
    secrets: Mapping[str, str]
    mode: PushMode
    timing: Timing | None
    owner_id: str
    """Who answers for it, and under whose rights the gate is asked."""
    owner_name: str
    created_at: datetime
    state: PushState = PushState.ACTIVE
    why: Text | None = None
    """Why nothing leaves, where it does not."""
    sequence: int = 0
    """The number of the last delivery that was begun."""
    version: int | None = None
    """The version that is at the far side."""
    shape: str = ""
    """Columns, masks and filter under which it was delivered; others need everything anew."""
    delivered_at: datetime | None = None
    next_at: datetime | None = None
    """When the schedule has its next moment."""
    slow: bool = False
    """Its last attempt failed or took long: such subscriptions share a part of the workers."""
    lease: str = ""
    lease_until: datetime | None = None
    """Which process works at it, and until when that holds unless it says more."""
    place: int = 1
    """Counts the places that it went to, and the times that it was to begin anew: a delivery to an earlier one tells nothing."""
    owner_key: str = ""
    """The API key under which its owner directs it, where it was not the person in person: it goes when the key does."""
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDelivery:
    """One delivery: from which version to which, how often it was tried, and what the far side holds."""

    id: str
    push_id: str
    sequence: int
    mode: PushMode
    before: int | None
    version: int
    shape: str
    state: PushDeliveryState = PushDeliveryState.WAITING
    attempts: int = 0
    sent: bool = False
    """Something may have arrived without our knowing: set before the first byte, taken back by a plain refusal."""
    next_at: datetime
    error: Mapping[str, JsonValue] | None = None
    rows: int = 0
    gone: int = 0
    moved: int = 0
    """Rows that are on their way at this moment."""
    receipt: str = ""
    proof: Mapping[str, JsonValue] | None = None
    """What the far side was found to hold: ``equal`` and the numbers of both sides."""
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def why(self) -> Text | None:
        """Return why it failed last."""
        return None if self.error is None else Text(str(self.error.get("zh", "")), str(self.error.get("en", "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPlan:
    """What a subscription would do, before anything is stored or sent."""

    grant: Grant
    version: int | None
    """What would be delivered first; None where nothing is served now."""
    mode: PushMode
    rows: int | None
    columns: tuple[tuple[str, str], ...]
    """Names and types of the columns that would go."""
    masked: tuple[str, ...]
    key: tuple[str, ...]
    there: Text
    """What would happen at the far side."""
    next_at: datetime | None
    warnings: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PushView:
    """A subscription with its deliveries, and what the reader may do."""

    push: Push
    grant: Grant
    deliveries: tuple[PushDelivery, ...]
    released: int | None
    """The version that readers have now."""
    may_manage: bool
    may_stop: bool
    in_doubt: tuple[str, ...] = ()
    """Columns of the grant that are being looked into (校核), whatever way they went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushQuery:
    """Which subscriptions are wanted."""

    words: str = ""
    grant_id: str = ""
    state: PushState | None = None
    limit: int = 500


def back_off(attempt: int, scatter: float) -> timedelta:
    """Return the pause after an attempt: a minute, then four times as long each time, up to two hours; scattered by 0 to 1."""
    plain = min(_FIRST * _TIMES ** (attempt - 1), _LONGEST)
    return timedelta(seconds=plain * (0.75 + 0.5 * scatter))
