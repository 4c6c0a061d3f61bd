"""What is harvested from another catalog: its records, what became of each, and the runs that brought them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from beijiang.kit import Text, Word
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor, BeijiangError

__all__ = [
    "COUNTED",
    "HARVEST_JOB",
    "HarvestFile",
    "HarvestPlan",
    "HarvestRecord",
    "HarvestRun",
    "HarvestSetup",
    "HarvestState",
    "HarvestedEntry",
    "HarvestedLink",
    "MapKind",
    "MapRule",
    "Outcome",
    "OutcomeKind",
    "RecordState",
    "Register",
]

HARVEST_JOB: Final = "ingest.harvest"
"""Name under which build.py registers the work of harvests."""


class HarvestState(Word):
    """Where a harvest stands."""

    QUEUED = "queued", "排队中", "queued"
    RUNNING = "running", "进行中", "running"
    DONE = "done", "已完成", "done"
    INCOMPLETE = "incomplete", "未收全", "incomplete"
    """It came to its end, and the other side gave fewer records than it says it has: nothing was marked as vanished."""
    FAILED = "failed", "失败", "failed"
    CANCELLED = "cancelled", "已取消", "cancelled"


class RecordState(Word):
    """What is known of a record of the other catalog."""

    ACTIVE = "active", "在册", "there"
    FAILED = "failed", "未能收入", "could not be taken"
    VANISHED = "vanished", "来源已无", "vanished at the source"
    WITHDRAWN = "withdrawn", "已下线", "taken offline here"


class OutcomeKind(Word):
    """What a harvest did about one record; what stayed as it was is only counted."""

    ADDED = "added", "新增", "added"
    CHANGED = "changed", "更新", "changed"
    FAILED = "failed", "失败", "failed"
    REPEATED = "repeated", "重复", "came twice"
    VANISHED = "vanished", "来源已无", "vanished"
    WITHDRAWN = "withdrawn", "下线", "taken offline"
    RELEASED = "released", "发布", "published"
    WAITING = "waiting", "待补全", "waits for its steward"


class MapKind(Word):
    """Which words of the other catalog are put into our terms."""

    THEME = "theme", "主题", "theme"
    LICENCE = "licence", "许可", "licence"
    CYCLE = "cycle", "更新周期", "update cycle"
    PROVIDER = "provider", "提供方", "provider"


@dataclass(frozen=True, slots=True)
class HarvestedLink:
    """Where a part of a data set, or its page, is to be had at its source."""

    title: str
    url: str
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestedEntry:
    """A record in the terms of our catalog; what nobody has decided stays None."""

    name: str
    summary: str
    provider_id: str
    inner_office: str = ""
    """The office that the source names as publisher."""
    categories: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    licence: str = ""
    update_cycle: str = "9"
    region_code: str | None = None
    keywords: tuple[str, ...] = ()
    time_span: str = ""
    contact: str = ""
    links: tuple[HarvestedLink, ...] = ()
    is_open: bool = False
    """The source is trusted and gives it under an open licence: it is shared and opened without conditions."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def changed_from(self, before: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields in which it differs from what was told at an earlier harvest."""
        now = _listed(self.to_json())
        return frozenset(name for name, value in now.items() if value != before.get(name))


def _listed(value: Any) -> Any:
    """Return a value as it is after a way through JSON."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value


class Register(Protocol):
    """Where harvested entries go; the catalog is one."""

    def take_in(self, tx: UnitOfWork, actor: Actor, told: Sequence[HarvestedEntry]) -> list[str | BeijiangError]:
        """Register new entries; return the id of each, or why it could not be."""
        ...

    def take_over(
        self, tx: UnitOfWork, actor: Actor, told: HarvestedEntry, *, resource_id: str, changed: frozenset[str]
    ) -> None:
        """Change those fields of a registered entry."""
        ...

    def end_harvested(self, tx: UnitOfWork, actor: Actor, resource_id: str, reason: str) -> bool:
        """Take an entry offline whose record is gone; tell whether it was online."""
        ...

    def release_harvested(self, actor: Actor, truster: Actor, resource_id: str) -> Text | None:
        """Take a trusted source's entry to publication; return what it still waits for, if anything."""
        ...

    def bind(self, actor: Actor, resource_id: str, table: str) -> None:
        """Say that a table holds the data of an entry."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestSetup:
    """How harvests of a source are done."""

    trusted_by: str = ""
    """Login of the publisher who vouches for the source; empty: every entry goes through the review."""
    withdraw_after: int = 3
    """A record that was missing in this many harvests on end is taken offline."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the setup for an API answer or the terminal."""
        return {"trusted_by": self.trusted_by, "withdraw_after": self.withdraw_after}


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestRun:
    """One harvest of one source."""

    id: str
    source_id: str
    source_name: str
    org_id: str
    job_id: str
    number: int
    """Rises with each harvest of the source; records keep the last one that saw them."""
    state: HarvestState
    actor_name: str
    submitted_at: datetime
    ended_at: datetime | None
    pages: int
    position: Mapping[str, JsonValue] | None
    """Where the next page is; kept in the commit of each page."""
    total: int | None
    """How many records the other side says it has."""
    accept_vanished: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[Mapping[str, JsonValue], ...] = ()
    error: Mapping[str, JsonValue] | None = None

    @property
    def ended(self) -> bool:
        """Tell whether nothing will happen to it any more."""
        return self.ended_at is not None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the run for an API answer or the terminal."""
        return {
            "id": self.id,
            "source": self.source_name,
            "source_id": self.source_id,
            "org_id": self.org_id,
            "number": self.number,
            "state": self.state.value,
            "submitted_by": self.actor_name,
            "submitted_at": self.submitted_at.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "pages": self.pages,
            "total": self.total,
            "counts": {kind: self.counts.get(kind, 0) for kind in COUNTED},
            "warnings": [dict(w) for w in self.warnings],
            "error": None if self.error is None else dict(self.error),
        }


COUNTED: Final = (
    "seen",
    "added",
    "changed",
    "unchanged",
    "failed",
    "repeated",
    "vanished",
    "withdrawn",
    "released",
    "waiting",
)
"""What is counted in a harvest, in the order in which people read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestRecord:
    """One record of another catalog, and what it became here."""

    source_id: str
    guid: str
    title: str
    url: str
    state: RecordState
    resource_id: str | None
    digest: str
    """Of what it says in our terms; an equal one means that nothing changed."""
    told: Mapping[str, Any]
    page: str
    """SHA-256 of the landed answer that holds the original record."""
    place: int
    seen: int
    missed: int
    reason: Mapping[str, JsonValue] | None
    first_at: datetime
    changed_at: datetime
    to_release: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """Return the record for an API answer or the terminal."""
        links: list[JsonValue] = [dict(link) for link in self.told.get("links", ())]
        return {
            "guid": self.guid,
            "title": self.title,
            "url": self.url,
            "state": self.state.value,
            "resource_id": self.resource_id,
            "links": links,
            "landed": {"sha256": self.page, "place": self.place},
            "missed": self.missed,
            "reason": None if self.reason is None else dict(self.reason),
            "first_at": self.first_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a harvest did about one record, and why."""

    run_id: str
    guid: str
    kind: OutcomeKind
    title: str
    reason: Mapping[str, JsonValue] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the outcome for an API answer or the terminal."""
        reason = None if self.reason is None else dict(self.reason)
        return {"guid": self.guid, "kind": self.kind.value, "title": self.title, "reason": reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRule:
    """How one word of the other catalog is put into our terms, by us or by a steward."""

    kind: MapKind
    value: str
    target: str
    decided_by: str
    """Empty: the platform's own guess."""
    uses: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """Return the rule for an API answer or the terminal."""
        return {"kind": self.kind.value, "value": self.value, "target": self.target, "decided_by": self.decided_by}


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestPlan:
    """What a harvest would do, found by looking and changing nothing."""

    source_name: str
    looked_at: int
    complete: bool
    """The other side was read to its end; otherwise vanished records cannot be told."""
    total: int | None
    counts: Mapping[str, int]
    samples: tuple[Outcome, ...]
    unmapped: tuple[tuple[MapKind, str], ...]
    """Words for which no term of ours is known."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the plan for an API answer or the terminal."""
        return {
            "source": self.source_name,
            "looked_at": self.looked_at,
            "complete": self.complete,
            "total": self.total,
            "counts": {**self.counts},
            "samples": [s.to_json() for s in self.samples],
            "unmapped": [{"kind": kind.value, "value": value} for kind, value in self.unmapped],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestFile:
    """A distribution whose data are taken into a table, again only when they changed."""

    id: str
    source_id: str
    guid: str
    url: str
    table: str
    etag: str = ""
    modified: str = ""
    sha256: str = ""
    run_id: str | None = None
    checked_at: datetime | None = None
    error: Mapping[str, JsonValue] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the file for an API answer or the terminal."""
        return {
            "id": self.id,
            "guid": self.guid,
            "url": self.url,
            "table": self.table,
            "sha256": self.sha256,
            "run": self.run_id,
            "checked_at": None if self.checked_at is None else self.checked_at.isoformat(),
            "error": None if self.error is None else dict(self.error),
        }
