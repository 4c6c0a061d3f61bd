"""What an application is told when somebody signed out, and how far the telling came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from beijiang.kit import Word

__all__ = ["FAREWELLS_MOST", "FAREWELL_PAUSES", "Farewell", "FarewellState"]

FAREWELL_PAUSES: Final = tuple(timedelta(seconds=one) for one in (5, 30, 120, 600, 3600))
"""How long a farewell waits after each failure; after the last it is given up."""
FAREWELLS_MOST: Final = 1000
"""So many wait for one application at most; what comes on top is given up at once, and said so."""


class FarewellState(Word):
    """How far the telling came."""

    WAITING = "waiting", "待通知", "waits"
    TOLD = "told", "已通知", "told"
    GIVEN_UP = "given_up", "未能通知", "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """One sign-on that ended, of which its application is told."""

    id: str
    """Is the ``jti`` of every try, so that an application knows a second one."""
    client_id: str
    family_id: str
    person_id: str
    state: FarewellState
    attempts: int
    made_at: datetime
    next_at: datetime
    ended_at: datetime | None = None
    error: str = ""
    """Why the newest try failed."""
