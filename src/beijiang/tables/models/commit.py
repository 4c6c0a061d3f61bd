"""What a writer hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.kit.errors import JsonValue


class WriteMode(StrEnum):
    """How a commit, or one of the platform's own acts, changes a table."""

    APPEND = "append"
    MERGE = "merge"
    REPLACE = "replace"
    HISTORY = "history"
    """As merge, but no state is lost: one that no longer holds is closed, and the new one is added beside it."""
    ROLLBACK = "rollback"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A landed file that the rows came from."""

    sha256: str
    name: str


class Use(StrEnum):
    """How a column serves to make another: directly or, from ``JOIN`` on, by deciding which rows and values it gets.

    The words are the transformation subtypes of OpenLineage's column lineage facet 1-2-0.
    """

    IDENTITY = "identity"
    TRANSFORMATION = "transformation"
    AGGREGATION = "aggregation"
    JOIN = "join"
    GROUP_BY = "group_by"
    FILTER = "filter"
    SORT = "sort"
    WINDOW = "window"
    CONDITIONAL = "conditional"

    @property
    def is_direct(self) -> bool:
        """Tell whether values of the one become values of the other."""
        return self in {Use.IDENTITY, Use.TRANSFORMATION, Use.AGGREGATION}


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A column of another table that serves to make a column."""

    table: str
    column: str
    use: Use = Use.TRANSFORMATION

    def to_json(self) -> list[str]:
        """Return table, column and use."""
        return [self.table, self.column, self.use.value]

    @classmethod
    def from_json(cls, value: Sequence[str]) -> Origin:
        """Read what ``to_json`` gave, or table and column alone, as they were written at first."""
        table, column, *use = value
        return cls(table, column, Use(use[0]) if use else Use.TRANSFORMATION)


def origins_from_json(value: Mapping[str, Any]) -> dict[str, tuple[Origin, ...]]:
    """Read the origins of columns; at first a column had one, without a list around it."""
    return {
        column: (Origin.from_json(found),) if isinstance(found[0], str) else tuple(map(Origin.from_json, found))
        for column, found in value.items()
        if found
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRequest:
    """Finished rows for one table, to be made visible as one version or not at all.

    The staged files are Parquet in exactly ``schema`` (a file may lack columns of it; they read as NULL). They are
    linked into the table, not moved, so a commit that is repeated after a crash finds them again. Moments are
    ``timestamp[us, tz=UTC]``; naive ones are refused (``naive_timestamp``).
    """

    table: str
    org_id: str
    staged: tuple[Path, ...]
    schema: pa.Schema
    mode: WriteMode
    run_id: str
    """Idempotency: one run commits once, however often it asks."""
    key: tuple[str, ...] = ()
    """Columns that identify a row; required by merge and history, pinned by the first commit that names them."""
    reason: str = ""
    sources: tuple[SourceFile, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)
    """Column name to its meaning, kept in the table's metadata."""
    accept_plan: str = ""
    """Token of a stopping ``SchemaPlan`` that a person has read and accepted (replace only)."""
    removed: tuple[Path, ...] = ()
    """Parquet files of the keys of rows that leave in the same commit (merge; with history their states are closed); unknown keys are ignored."""
    complete: bool = False
    """The staged rows are all that holds now: what they do not hold is closed (history only)."""
    derived: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """Columns that were made from columns of other tables, and how: they are as sensitive as the strictest of those."""
    by: tuple[str, ...] = ()
    """Columns by which this merge tells the rows of a table without a key apart; its writer answers for it, and nothing is pinned."""
    upon: int | None = None
    """The version of the table that the rows were made for (0: it has none yet): if another is the newest, nothing is written (``table_moved_on``)."""
    position: Mapping[str, JsonValue] = field(default_factory=dict)
    """How far each sync has read its source, by the sync's id: it moves with the rows, forwards and back, or not at all."""
