"""What readers think of an application: stars and words, of nobody in particular, and what its makers answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.kit.errors import JsonValue

__all__ = ["STARS", "AppRating", "AppRatings", "Stars"]

STARS: Final = range(1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRating:
    """The newest word of one reader on one application; its id names nobody."""

    id: str
    app_id: str
    person_id: str
    stars: int
    words: str
    at: datetime
    answer: str = ""
    answered_at: datetime | None = None
    hidden: str = ""
    """Why it is hidden; empty where it is shown."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain data, without whose it is."""
        return {
            "id": self.id,
            "stars": self.stars,
            "words": self.words,
            "at": self.at.date().isoformat(),
            "answer": self.answer,
            "answered_at": None if self.answered_at is None else self.answered_at.date().isoformat(),
            "hidden": self.hidden,
        }


@dataclass(frozen=True, slots=True)
class Stars:
    """How many gave how many stars; hidden ratings do not count."""

    counts: Mapping[int, int]

    @property
    def count(self) -> int:
        """Return how many rated."""
        return sum(self.counts.values())

    @property
    def average(self) -> float | None:
        """Return the mean, None without any."""
        return sum(stars * count for stars, count in self.counts.items()) / self.count if self.count else None

    def to_json(self) -> dict[str, JsonValue]:
        """Return them as plain data."""
        average = self.average
        return {
            "count": self.count,
            "average": None if average is None else round(average, 2),
            "stars": {str(n): self.counts.get(n, 0) for n in STARS},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRatings:
    """The ratings of an application, newest first, and what the reader may do."""

    app_id: str
    stars: Stars
    ratings: Sequence[AppRating]
    mine: AppRating | None
    may_rate: bool
    may_answer: bool
    may_hide: bool

    def to_json(self) -> dict[str, JsonValue]:
        """Return them as plain data."""
        return {
            **self.stars.to_json(),
            "ratings": [one.to_json() for one in self.ratings],
            "mine": None if self.mine is None else self.mine.to_json(),
        }
