"""Words that several lists narrow by: how old a row is, and how its time stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.console.listing import Coded
from beijiang.kit import NEW_FOR, Text

if TYPE_CHECKING:
    from datetime import date, datetime

    from beijiang.standards import Deadline

__all__ = ["DAYS", "LATE", "MINE", "OLDER", "RECENT", "SOON", "age", "age_name", "last_day", "pace", "short"]

_UNDER: Final = 60
"""Characters of a second line."""

DAYS: Final = NEW_FOR.days
"""What happened in so many days is new."""
RECENT: Final = Coded("recent", Text(f"近 {DAYS} 天", f"last {DAYS} days"))
OLDER: Final = Coded("older", Text("更早", "older"))
MINE: Final = Coded("mine", Text("等我处理", "mine to do"))
LATE: Final = Coded("late", Text("已超期", "late"))
SOON: Final = Coded("soon", Text("临近到期", "due soon"))


def age_name(code: str) -> Text:
    """Return what an age is called."""
    return (RECENT if code == RECENT.value else OLDER).text


def age(moment: datetime | None, now: datetime) -> Coded | None:
    """Tell whether something happened within the last days."""
    if moment is None:
        return None
    return RECENT if now - moment <= NEW_FOR else OLDER


def short(words: str) -> str:
    """Return what fits into a second line."""
    return words if len(words) <= _UNDER else f"{words[: _UNDER - 1]}…"


def last_day(found: Deadline | None) -> date | None:
    """Return the day on whose end something is due."""
    return None if found is None else found.last_day


def pace(found: Deadline | None) -> str:
    """Return how a time that runs is marked: bad when it is over, warn when it soon is."""
    return "" if found is None else {"overdue": "bad", "warned": "warn"}.get(found.state.value, "")
