"""Time, passed in by constructor so that a test can set it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tell the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)


@dataclass(slots=True)
class FixedClock:
    """A clock that moves only when it is told to."""

    at: datetime

    def now(self) -> datetime:
        """Return the set moment."""
        return self.at

    def advance(self, step: timedelta) -> None:
        """Move on by ``step``."""
        self.at += step
