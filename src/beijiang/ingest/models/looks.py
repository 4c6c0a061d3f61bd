"""A look at a feed before anything is taken from it: its first rows, and how it could be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from beijiang.ingest.models.sources import SyncMode
from beijiang.kit import Text
from beijiang.kit.errors import JsonValue

__all__ = ["FeedPreview", "FeedSuggestion"]


@dataclass(frozen=True, slots=True)
class FeedPreview:
    """The first rows of a feed as text, read live and kept nowhere."""

    feed: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]]

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {"feed": self.feed, "columns": [*self.columns], "rows": [[*row] for row in self.rows]}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSuggestion:
    """How a feed could be taken, and why; a person decides."""

    table: str
    mode: SyncMode
    key: tuple[str, ...]
    cursor: str
    overlap: str
    deletes: bool
    reasons: tuple[Text, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {
            "table": self.table,
            "mode": self.mode.value,
            "key": [*self.key],
            "cursor": self.cursor,
            "overlap": self.overlap,
            "deletes": self.deletes,
            "reasons": [{"zh": r.zh, "en": r.en} for r in self.reasons],
        }
