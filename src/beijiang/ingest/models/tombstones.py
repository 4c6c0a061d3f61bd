"""What became of keys that a source no longer has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from beijiang.kit.errors import JsonValue

__all__ = ["KeyComparison", "Tombstone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyComparison:
    """One comparison of all keys of a source with those of its table, made by a run in one look."""

    run_id: str
    sync_id: str
    table: str
    at: datetime
    version: int | None
    """The version without the rows that left; None where none did."""
    keys: int
    """How many keys the source had."""
    gone: int
    """How many left the table."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {
            "run": self.run_id,
            "sync": self.sync_id,
            "table": self.table,
            "at": self.at.isoformat(),
            "version": self.version,
            "keys": self.keys,
            "gone": self.gone,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A key that left: when, and by which run."""

    key: Mapping[str, str | None]
    run_id: str
    at: datetime
    version: int | None

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {"key": dict(self.key), "run": self.run_id, "at": self.at.isoformat(), "version": self.version}
