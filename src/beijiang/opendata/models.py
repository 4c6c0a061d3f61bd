"""What a visitor sees: numbers of the whole, one data set with everything known of it, its rows, versions and publishers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from beijiang.catalog import ExtensionValue, OpenType, Promise, SearchHit, SearchPage
from beijiang.kit import Text
from beijiang.opendata.news import News
from beijiang.standards import Licence
from beijiang.tables import GovernedColumn

__all__ = [
    "DataVersion",
    "Dataset",
    "DatasetField",
    "Department",
    "DepartmentPage",
    "FieldState",
    "FileFace",
    "Home",
    "Numbers",
    "Related",
    "RowPage",
    "Theme",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The whole in a line: counted over entries open to all or on conditions; rows and cells over those open to all."""

    datasets: int
    rows: int
    cells: int
    """Rows times columns, by which the volume of open data is judged."""
    with_api: int
    kept: int
    """Scored data sets that are as fresh as promised."""
    scored: int
    updated_today: int

    @property
    def api_share(self) -> float | None:
        """Return the share of data sets with an interface, None when there is none to count."""
        return self.with_api / self.datasets if self.datasets else None

    @property
    def kept_share(self) -> float | None:
        """Return the share of scored data sets that keep their promise."""
        return self.kept / self.scored if self.scored else None


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme of the catalog and how many published data sets it has."""

    id: str
    name: Text
    count: int
    official: Text | None = None
    """The name in the catalog guide, where it is another one."""

    @property
    def category(self) -> Text:
        """Return the name that metadata use."""
        return self.official or self.name


@dataclass(frozen=True, slots=True)
class Department:
    """A department and how many published data sets it has."""

    id: str
    name: Text
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The first page."""

    numbers: Numbers | None
    """Of the whole region; None for a portal of a part of it."""
    count: int
    """Open data sets, on conditions too."""
    themes: tuple[Theme, ...]
    departments: tuple[Department, ...]
    newest: tuple[SearchHit, ...]
    promises: Mapping[str, Promise]
    """By data set, for the newest."""
    news: tuple[News, ...] = ()
    """What the data authority announced last; a portal of a part of the region shows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentPage:
    """A department with its facts and its published data sets."""

    id: str
    name: Text
    code: str | None
    parent: Text | None
    results: SearchPage


class FieldState(StrEnum):
    """What a reader gets of one column."""

    text: Text

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        """Make a member that is its own string and carries its name."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = Text(zh, en)
        return member

    OPEN = "open", "开放", "open"
    MASKED = "masked", "脱敏后开放", "open, masked"
    WITHHELD = "withheld", "不开放", "not open"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetField:
    """One line of the data dictionary."""

    column: str
    name: str
    type: str
    """text, integer, decimal, double, boolean, date, timestamp or geometry; the letter of the guide where not readable."""
    type_name: Text
    description: str
    level: str | None
    kind: str | None
    mask: str | None
    state: FieldState
    code_set: str | None
    meanings: tuple[tuple[str, Text], ...] = ()
    """Permitted values and their meanings, where the item carries a code set."""


@dataclass(frozen=True, slots=True)
class Related:
    """Another entry that this one names."""

    id: str | None
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A published entry with the facts of its release; ``rows`` and ``table_version`` are of the released snapshot."""

    id: str
    title: str
    summary: str
    codes: tuple[str, ...]
    version: int
    provider_id: str
    provider: Text
    provider_code: str
    inner_office: str
    contact: str
    themes: tuple[Theme, ...]
    formats: tuple[str, ...]
    share_type: Text | None
    share_condition: str
    open_type: OpenType
    open_condition: str
    update_cycle: Text
    promise: Promise
    licence: Licence | None
    region: Text | None
    time_span: str
    keywords: tuple[str, ...]
    related: tuple[Related, ...]
    level: str | None
    published_at: datetime | None
    data_at: datetime | None
    table: str | None
    table_version: int | None
    rows: int
    items: tuple[DatasetField, ...]
    readable: bool
    """Whether this reader may have rows."""
    rows_held: bool = False
    """Whether a rule keeps rows back from this reader; ``rows`` counts the others."""
    placed: bool = False
    """Whether a column places the rows on a map."""
    on_earth: bool = False
    """Whether the rows have coordinates or shapes, for tools of maps."""
    region_code: str | None = None
    extensions: tuple[ExtensionValue, ...] = ()
    """Values of the fields that the region declared, as far as everybody may see them."""

    @property
    def open_fields(self) -> tuple[DatasetField, ...]:
        """Return the columns that a reader gets, masked ones too."""
        return tuple(f for f in self.items if f.state is not FieldState.WITHHELD)

    @property
    def masked_count(self) -> int:
        """Return how many columns are masked."""
        return sum(f.state is FieldState.MASKED for f in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage:
    """Rows of one page as plain values, and where the walk goes on."""

    columns: tuple[GovernedColumn, ...]
    rows: tuple[Mapping[str, Any], ...]
    next: str | None
    version: int
    count: int | None = None
    """How many rows match, where it was asked for or is known without counting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVersion:
    """One released version of the rows and what it changed."""

    number: int
    at: datetime
    rows: int
    rows_added: int
    rows_changed: int
    rows_removed: int
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    current: bool = False
    notes: tuple[Text, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class FileFace:
    """A file of one version of the rows, and what its bytes come to."""

    form: str
    version: int
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """Return the last part of its address, which names these bytes and no others."""
        return f"v{self.version}-{self.sha256[:16]}.{self.form}"
