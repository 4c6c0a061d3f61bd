"""What departments think of data that they got: stars, words, and the provider's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["STARS", "Rating", "Ratings"]

STARS: Final = range(1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """The newest word of one department on one entry."""

    resource_id: str
    org_id: str
    stars: int
    words: str
    by_name: str
    at: datetime
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """All ratings of an entry, newest first, and what the reader may do."""

    resource_id: str
    ratings: tuple[Rating, ...]
    may_rate: bool
    may_answer: bool

    @property
    def average(self) -> float | None:
        """Return the mean of the stars, None without any."""
        return sum(one.stars for one in self.ratings) / len(self.ratings) if self.ratings else None
