"""What was counted in the columns of a table, kept so that only new rows need a look the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from beijiang.protection.models.classify import NAMES_DISTINCT, NAMES_SHARE
from beijiang.protection.models.detectors import METRICS, Counts

__all__ = ["Looked"]

SMALL: Final = 20_000
"""Rows up to which a table is always looked at whole: that takes no longer than finding out what is new."""
MOST_SINCE: Final = 0.5
"""Rows looked at by themselves, as a share of those of the last whole look, after which the whole is looked at again."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The counts of the last look at a whole table, and of the new rows since."""

    version: int
    """The version of the table that they belong to."""
    rows: int
    """Rows that the last look at the whole saw."""
    since: int
    """Rows that came since; a row that was changed counts again."""
    sampled: bool
    counts: Mapping[str, Counts]
    """By column; only text and whole numbers are looked at."""

    def may_grow(self, version: int) -> bool:
        """Tell whether the counts of a version can be had from these and a look at its new rows."""
        known = all(
            set(METRICS) <= set(counts.hits) for counts in self.counts.values()
        )  # a newer release looks for more
        return self.version == version - 1 and self.rows > SMALL and known

    def grown(self, version: int, new: Mapping[str, Counts]) -> Looked:
        """Return the counts with those of new rows; how many values differ is at least what either look found."""
        rows = max((counts.rows for counts in new.values()), default=0)
        counts = {name: _sum(found, new[name]) if name in new else found for name, found in self.counts.items()}
        return replace(self, version=version, since=self.since + rows, counts=counts)

    @property
    def holds(self) -> bool:
        """Tell whether the counts say as much as a look at the whole would: few new rows, and no names left uncounted."""
        if self.since > self.rows * MOST_SINCE:
            return False
        return not any(_may_be_names(counts) for counts in self.counts.values())

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Looked:
        """Read stored counts back."""
        return cls(**{**value, "counts": {name: Counts(**held) for name, held in value["counts"].items()}})


def _sum(old: Counts, new: Counts) -> Counts:
    hits = {name: old.hits.get(name, 0) + new.hits.get(name, 0) for name in {**old.hits, **new.hits}}
    return Counts(old.rows + new.rows, old.values + new.values, max(old.distinct, new.distinct), hits)


def _may_be_names(counts: Counts) -> bool:
    """Tell whether a column would hold names if its values, which came in parts, are many."""
    return counts.share("name") >= NAMES_SHARE and counts.distinct < NAMES_DISTINCT <= counts.values
