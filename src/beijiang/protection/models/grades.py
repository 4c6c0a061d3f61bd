"""Grades of columns: how sensitive, what kind of item, how it was found out, and who corrected it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["ColumnGrade", "Findings", "GradeSource", "Level", "Personal", "higher"]


class Level(StrEnum):
    """Sensitivity of a data item (`standards.md` 7.2)."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"

    @property
    def rank(self) -> int:
        """Return 1 for L1 up to 4 for L4."""
        return int(self.value[1])


def higher(first: Level, second: Level) -> Level:
    """Return the stricter of two levels (就高从严)."""
    return first if first.rank >= second.rank else second


class Personal(StrEnum):
    """Whether an item tells about a person: not, personal, or sensitive personal information."""

    NO = "N"
    PERSONAL = "P"
    SENSITIVE = "S"


class GradeSource(StrEnum):
    """What a grade comes from: the detectors, a person, the data element that the column holds, or the table's assessment."""

    DETECTED = "detected"
    CORRECTED = "corrected"
    ELEMENT = "element"
    ASSESSED = "assessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Why a column got its grade; shares are of the values that are not empty."""

    rows: int
    """Rows that were looked at: all of the table, or the sample."""
    sampled: bool
    values: int
    hits: int = 0
    valid: int = 0
    """Hits whose checksum holds; equal to ``hits`` where the kind has none."""
    by_name: bool = False
    """Whether the column's name speaks for the kind."""
    detector: str = ""

    @property
    def share(self) -> float:
        """Return the share of values that look like the kind."""
        return self.hits / self.values if self.values else 0.0

    @property
    def valid_share(self) -> float:
        """Return the share of hits whose checksum holds."""
        return self.valid / self.hits if self.hits else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, shares included."""
        return {**asdict(self), "share": round(self.share, 4), "valid_share": round(self.valid_share, 4)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Findings:
        """Read stored findings back."""
        return cls(**{k: v for k, v in value.items() if k not in {"share", "valid_share"}})


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGrade:
    """The grade in force of one column, one row of its history."""

    table: str
    column: str
    level: Level
    kind: str
    personal: Personal
    mask: str
    """Name of the default mask of the kind; see ``reference/kinds.csv``."""
    source: GradeSource
    evidence: Findings
    detected_level: Level
    """What the detectors said when this grade was set; a later, stricter finding overrules a correction."""
    reason: str = ""
    revision: int = 1
    table_version: int = 0
    by: str = ""
    at: datetime
