"""Whether two sets of rows are equal, told without handing over a row: counts and sums of checksums per key range."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

__all__ = ["BUCKETS", "NULL_MARK", "SEPARATOR", "Among", "Difference", "DifferenceKind", "Fingerprint", "Part", "Tally"]

BUCKETS: Final = 256
"""Key ranges: the first byte of the MD5 of the key's canonical text (of the whole row's, where there is no key)."""
NULL_MARK: Final = "\x01"
SEPARATOR: Final = "\x1f"
"""The canonical text of a row: those of its columns with this between them, NULL written as the mark."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows, and the sum of the first 60 bits of the MD5 of each row's canonical text."""

    rows: int = 0
    checksum: int = 0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a set of rows comes to in each key range: equal for equal rows, in whatever order and files they are."""

    tallies: Mapping[int, Tally] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return the number of all rows."""
        return sum(t.rows for t in self.tallies.values())

    @property
    def checksum(self) -> str:
        """Return one short text that stands for all tallies."""
        parts = [f"{b}:{t.rows}:{t.checksum}" for b, t in sorted(self.tallies.items()) if t.rows]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def differing(self, other: Fingerprint) -> list[int]:
        """Return the key ranges in which two sides are not equal."""
        nothing = Tally()
        return [b for b in range(BUCKETS) if self.tallies.get(b, nothing) != other.tallies.get(b, nothing)]

    def to_json(self) -> dict[str, list[int]]:
        """Return the tallies for storage."""
        return {str(b): [t.rows, t.checksum] for b, t in sorted(self.tallies.items()) if t.rows}

    @classmethod
    def from_json(cls, value: Mapping[str, Sequence[int]]) -> Fingerprint:
        """Rebuild a stored fingerprint."""
        return cls({int(b): Tally(int(t[0]), int(t[1])) for b, t in value.items()})


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table: a column between two canonical texts (both inclusive, None unbounded), or without a value."""

    column: str
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Among:
    """Some rows of a table: those that came from some landed files, or those whose key staged files hold."""

    files: tuple[str, ...] = ()
    """Values of ``_bj_file``."""
    keys: tuple[Path, ...] = ()
    """Parquet files with the key's columns."""


class DifferenceKind(StrEnum):
    """How a row of two sides differs."""

    MISSING = "missing"
    """The other side has it and the table does not."""
    EXTRA = "extra"
    """The table has it and the other side does not."""
    ALTERED = "altered"
    """Both have it, with different values."""
    DOUBLED = "doubled"
    """The table has it more than once; told for each copy beyond the first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not equal on both sides, by its key; no other value of it is told."""

    kind: DifferenceKind
    key: tuple[str | None, ...]
    columns: tuple[str, ...] = ()
    """Of an altered row: the columns whose values differ."""
