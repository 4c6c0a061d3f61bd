"""An entry with its place in the world: state, codes, versions, the table it describes, and what is being waited for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from beijiang.catalog.models.attributes import Level, OpenType, Personal, ShareType
from beijiang.catalog.models.entry import Entry, digest
from beijiang.catalog.models.lifecycle import Action, State, TaskKind
from beijiang.kit import Shown, Text


@dataclass(frozen=True, slots=True)
class Code:
    """A resource code (`standards.md` 2.4); it lives on the category map and is never used again."""

    prefix: str
    sequence: int
    is_primary: bool

    def __str__(self) -> str:
        return f"{self.prefix}/{self.sequence}"

    @staticmethod
    def parts(text: str) -> tuple[str, int] | None:
        """Split a written code into prefix and sequence; None when it is no code of the national form."""
        found = _CODE.fullmatch(text)
        return (found.group(1), int(found.group(2))) if found else None


_CODE = re.compile(r"([123]\d{2}\d{3}[0-9A-Za-z]*)/(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Grade:
    """What protection found out about one column."""

    level: Level
    kind: str | None
    personal: Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What the platform knows of the table behind an entry."""

    version: int = 0
    rows: int = 0
    columns: tuple[str, ...] = ()
    data_at: datetime | None = None
    """When rows last changed; a compaction does not count."""
    sources: tuple[str, ...] = ()
    rows_held: bool = False
    """Whether a rule keeps rows back from outsiders, so that ``rows`` is not told to them."""


_SHOWN: Final = {
    "name": Text("名称", "name"),
    "summary": Text("摘要", "summary"),
    "items": Text("信息项", "items"),
    "share_type": Text("共享类型", "kind of sharing"),
    "share_condition": Text("共享条件", "conditions of sharing"),
    "open_type": Text("开放类型", "kind of opening"),
    "open_condition": Text("开放条件", "conditions of opening"),
    "licence": Text("许可", "licence"),
}
_REST: Final = Text("其他内容", "other contents")
_STATE: Final = Text("状态", "state")
_SUBMITTED: Final = Text("提交人", "who submitted it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of the catalog: its working entry and everything that the platform keeps about it."""

    id: str
    table: str | None
    entry: Entry
    state: State
    revision: int
    """Rises with every change; an edit that names an older one is refused."""
    version: int | None
    """The published version that serves now, even while a new one is being compiled."""
    versions: int
    released_table_version: int | None
    facts: TableFacts
    grades: Mapping[str, Grade]
    codes: tuple[Code, ...]
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    submitted_by: str | None
    approved_by: str | None
    reviewer_org: str | None
    endorsed_by: str | None
    reasons: tuple[str, ...]
    """Why it was returned, refused or taken offline."""

    @property
    def shown(self) -> Shown:
        """Return what a reviewer decides on: the entry as it is now, and where it stands."""
        parts = asdict(self.entry)
        told: dict[Text, object] = {name: parts.pop(field) for field, name in _SHOWN.items()}
        return Shown({**told, _REST: parts, _STATE: self.state, _SUBMITTED: self.submitted_by})

    @property
    def is_serving(self) -> bool:
        """Tell whether a published version is in force."""
        return self.version is not None

    @property
    def provider_id(self) -> str:
        """Return the organisation that answers for it."""
        return self.entry.provider_id

    @property
    def drift(self) -> Drift:
        """Compare the entry's items with the columns that the table has now."""
        have = set(self.facts.columns)
        named = {item.column for item in self.entry.items}
        added = tuple(c for c in self.facts.columns if c not in named)
        return Drift(added, tuple(i.column for i in self.entry.items if have and i.column not in have))


@dataclass(frozen=True, slots=True)
class Drift:
    """Columns that the entry does not know yet, and items whose column is gone."""

    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


@dataclass(frozen=True, slots=True)
class Release:
    """Which version of a table outsiders may read, and which of its columns; the gate decides by it.

    ``open_items`` are those of the published version, less what was graded L3 or higher since; ``shared_items`` are
    what departments need no approval for, whatever their grade: masks are the gate's business.
    """

    resource_id: str
    version_no: int
    table: str
    table_version: int
    open_type: OpenType
    open_items: frozenset[str]
    level: Level | None
    share_type: ShareType = ShareType.NOT_SHARED
    shared_items: frozenset[str] = frozenset()
    provider_id: str = ""
    licence: str = ""
    items: frozenset[str] = frozenset()
    """All columns that the published version describes."""
    grades: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Level and kind of each column as they were reviewed with the published version."""
    published_at: datetime | None = None
    refused_items: frozenset[str] = frozenset()
    """Columns that are not shared, with a basis: nobody may ask for them, and no grant that was given before opens them."""
    then: Release | None = None
    """What was offered with this version of the table when readers last had it as the newest, where that was under another
    entry or the version is an earlier one. The gate follows the stricter of both."""
    conditional_items: frozenset[str] = frozenset()
    """Columns that the public may have on conditions, under a grant; less what became too sensitive since."""
    until: datetime | None = None
    """Of what was offered then: when readers were moved on; None where nothing came after it."""


@lru_cache(maxsize=1024)
def _contents(document: str) -> tuple[Entry, tuple[str, ...]]:
    """Return entry and codes of a published text; the same text is read by every request, and parsed once."""
    found = json.loads(document)
    return Entry.from_json(found["entry"]), tuple(found["codes"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published version: its canonical JSON never changes, and ``intact`` says whether its digest still fits."""

    resource_id: str
    number: int
    document: str
    digest: str
    profile: str
    table_version: int
    published_at: datetime
    published_by: str

    @property
    def intact(self) -> bool:
        """Tell whether the stored text is what was published."""
        return digest(self.document) == self.digest

    @property
    def entry(self) -> Entry:
        """Return the entry as it was published."""
        return _contents(self.document)[0]

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the resource codes, the primary one first."""
        return _contents(self.document)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step in an entry's life."""

    at: datetime
    actor_id: str
    actor_name: str
    action: Action
    source: State
    target: State
    note: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that keeps an entry from being submitted (``blocking``), or that a reviewer should look at."""

    field: str
    text: Text
    blocking: bool = True
    column: str | None = None
    rule: str = ""
    """The rule of law that asks for it; empty where the platform does."""
    basis: str = ""
    verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that somebody is waited for, with its due date by the working-day calendar."""

    id: int
    kind: TaskKind
    resource_id: str
    name: str
    provider_id: str
    provider_name: str
    opened_at: datetime
    due_on: date
    provisional: bool
    """The due date was counted without the official calendar of its year."""
    days_left: int
    """Working days; negative when overdue."""
    basis: str
    verified: bool


class PromiseState(StrEnum):
    """Whether the update promise is kept."""

    ON_TIME = "on_time"
    LATE = "late"
    UNSCORED = "unscored"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Promise:
    """The update cycle that was promised against what happened."""

    cycle: str
    cycle_name: Text
    state: PromiseState
    data_at: datetime | None
    next_due: datetime | None
    days_late: int
    text: Text


class ChangeKind(StrEnum):
    """What happened to a field or an item between two versions."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions; ``column`` is None for the entry's own fields."""

    kind: ChangeKind
    field: str
    column: str | None
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one version to another, and from which table version to which."""

    resource_id: str
    before: int
    after: int | None
    """None is the entry as it is being compiled."""
    table_versions: tuple[int, int]
    changes: tuple[Change, ...] = field(default=())


__all__ = [
    "Change",
    "ChangeKind",
    "Code",
    "Comparison",
    "Drift",
    "Gap",
    "Grade",
    "Promise",
    "PromiseState",
    "Release",
    "Resource",
    "Step",
    "TableFacts",
    "Task",
    "Version",
]
