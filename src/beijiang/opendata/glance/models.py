"""What is told of a data set at a glance, and of what changed between two of its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.opendata.glance.arrivals import Calendar
    from beijiang.opendata.glance.gaps import Gap
    from beijiang.opendata.glance.goodness import Goodness
    from beijiang.tables import GovernedColumn

__all__ = ["Changes", "ColumnChange", "ColumnChangeKind", "Glimpse", "LastChange", "SampleRow"]


@dataclass(frozen=True, slots=True)
class LastChange:
    """What the newest version did to the rows."""

    version: int
    before: int | None
    at: datetime
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What stands on top of every page of a data set."""

    goodness: Goodness | None = None
    last: LastChange | None = None
    calendar: Calendar | None = None
    gaps: tuple[Gap, ...] = ()


class ColumnChangeKind(Word):
    """What happened to a column."""

    ADDED = "added", "新增的列", "new column"
    REMOVED = "removed", "去掉的列", "column removed"
    TYPE = "type", "类型变了", "type changed"
    VALUES = "values", "值有变化", "values changed"


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """One column between two versions, in plain words."""

    column: str
    kind: ColumnChangeKind
    text: Text
    rows: int = 0


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A row as it is now that is new or changed, and the columns that differ from before."""

    new: bool
    values: Mapping[str, Any]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed between two versions; counts are None where they cannot be told, and ``gaps`` say why."""

    dataset_id: str
    title: str
    before: int
    after: int
    before_at: datetime
    after_at: datetime
    rows: tuple[int, int]
    added: int | None
    changed: int | None
    removed: int | None
    key: tuple[str, ...]
    """The columns by which rows were matched, as far as they are open."""
    columns: tuple[ColumnChange, ...]
    heads: tuple[GovernedColumn, ...]
    sample: tuple[SampleRow, ...]
    gaps: tuple[Gap, ...]
