"""What a writer hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

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
    derived: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Columns that were made from a column of another table, with its table and name: they are as sensitive as it is."""
    position: Mapping[str, JsonValue] = field(default_factory=dict)
    """How far each sync has read its source, by the sync's id: it moves with the rows, forwards and back, or not at all."""
