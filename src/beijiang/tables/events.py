"""Facts that the lake publishes."""

from __future__ import annotations

from dataclasses import dataclass, field

from beijiang.kit import Event

__all__ = ["TableWritten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWritten(Event):
    """A version of a table became visible (commit, rollback or compaction; see ``mode``)."""

    table: str
    table_id: str
    org_id: str
    version: int
    mode: str
    rows: int
    rows_added: int
    rows_changed: int
    rows_removed: int
    columns: list[str]
    """Visible columns of this version, in order."""
    columns_changed: bool
    """Whether columns differ from the version before (true for the first)."""
    run_id: str
    actor_id: str
    reason: str
    sources: list[dict[str, str]]
    written_at: str
    column_types: list[str] = field(default_factory=list)
    """Type of each visible column (text, integer, decimal, ...); the catalog proposes item types from it."""
    derived: dict[str, list[list[str]]] = field(default_factory=dict)
    """Columns that were made from columns of other tables: table, name and use of each (``origins_from_json`` reads it)."""
    column_comments: list[str] = field(default_factory=list)
    """Meaning of each visible column, empty where none was given."""
    restores: int | None = None
    """Version whose rows it has again (rollback)."""
