"""Runs of a library: what came of the sources, where they agree and where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from beijiang.kit import Text, Word

__all__ = ["FieldReport", "FusionRun", "RunTrigger", "SourceReport"]


class RunTrigger(Word):
    """What began a run."""

    WRITTEN = "written", "来源表更新", "a source was written"
    ASKED = "asked", "手工", "by hand"


@dataclass(frozen=True, slots=True)
class FieldReport:
    """One element over all golden records: how many have a value, and for how many the records have different ones."""

    name: str
    filled: int
    conflicting: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source: its records, and by element how many have a value and how many another than the golden one."""

    link_id: str
    table: str
    version: int
    records: int
    filled: Mapping[str, int]
    differing: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionRun:
    """One run: what it read, what it wrote, and what it found."""

    id: str
    library_id: str
    revision: int
    at: datetime
    """When it began: what was decided or agreed from then on is not in it."""
    trigger: RunTrigger
    by: str
    seconds: float
    version: int | None = None
    """The version of the library's table that it wrote; None where it failed."""
    records: int = 0
    subjects: int = 0
    matched: int = 0
    """Pairs of records without a key in common that were held to be the same."""
    waiting: int = 0
    """Pairs that wait for a person."""
    sources: Sequence[SourceReport] = ()
    fields: Sequence[FieldReport] = ()
    matching: Mapping[str, Any] = field(default_factory=dict)
    """How the pairs were found: blocking rules with their pairs, weights of the comparisons, seconds; plain data."""
    error: Text | None = None

    @property
    def merged(self) -> int:
        """Return how many records are not the first of their subject."""
        return self.records - self.subjects
