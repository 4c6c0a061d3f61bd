"""Tables, their columns and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from beijiang.tables.models.commit import SourceFile, WriteMode
from beijiang.tables.models.schema import SchemaPlan
from beijiang.tables.models.states import subject_of

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.kit.errors import JsonValue

FILE_COLUMN: Final = "_bj_file"
ROW_COLUMN: Final = "_bj_row"
HIDDEN: Final = frozenset({FILE_COLUMN, ROW_COLUMN})
"""Technical columns of each table: the landed file's SHA-256 and the line in it. Never shown among the columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as people see it; ``type`` is text, integer, decimal, double, boolean, date, timestamp or geometry."""

    name: str
    type: str
    nullable: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table at its newest version, without any row of it."""

    id: str
    name: str
    org_id: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    version: int
    rows: int
    bytes: int
    created_at: datetime
    written_at: datetime
    history: bool = False
    """Whether its rows are states with ``valid_from`` and ``valid_to``; then ``key`` includes ``valid_from``."""

    @property
    def subject(self) -> tuple[str, ...]:
        """Return the columns that say what a row is about, of which there is one row, or one that holds now."""
        return subject_of(self.key) if self.history else self.key


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One version: who made it, why, from which files, and what it changed. Versions count 1, 2, 3 without a gap."""

    table: str
    version: int
    at: datetime
    actor_id: str
    actor_name: str
    mode: WriteMode
    rows: int
    rows_added: int
    rows_changed: int
    rows_removed: int
    bytes: int
    reason: str
    sources: tuple[SourceFile, ...]
    schema_change: SchemaPlan | None
    run_id: str
    position: Mapping[str, JsonValue]
    """How far each sync has read its source, as of this version."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The immutable files of one version; only the gate and the lake itself may hold one."""

    table: str
    table_id: str
    version: int
    files: tuple[str, ...]
    schema: pa.Schema
    """All columns, the hidden ones included; see ``HIDDEN``."""
    rows: int
    bytes: int
    written_at: datetime
    delta_version: int
    """The version of the Delta log behind it; ours count without gaps, the log's do not."""
    key: tuple[str, ...] = ()
    history: bool = False
    """Whether its rows are states, of which those without ``valid_to`` hold now."""
    file_rows: tuple[int, ...] = ()
    """How many rows each file holds, in the order of ``files``."""
