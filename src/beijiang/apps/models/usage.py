"""How an application is used, in coarse numbers: by day and version, of nobody in particular."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = ["Usage", "coarse"]

FEW: Final = 10
"""Viewers under which no number is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One day of one version."""

    app_id: str
    version: int
    day: date
    opens: int = 0
    viewers: int = 0
    """At most so many different ones: each process counts its own, and nobody is known from one day to the next."""
    failed: int = 0
    denied: int = 0
    slow: int = 0
    """Cards, requests to end-points and runs of jobs that failed or were not allowed, and cards that came after their page."""
    readings: int = 0
    seconds: float = 0.0
    scanned: int = 0
    """Runs of the engine that pages, end-points and jobs caused, what they took, and rows of the tables that they read."""
    requests: int = 0
    errors: int = 0
    served_seconds: float = 0.0
    sent: int = 0
    """Requests to the server that it brings along, those that it did not answer or answered with 5xx, time and bytes of the answers."""

    calls: int = 0
    runs: int = 0
    """Requests to its end-points, and runs of its jobs; what failed, was not allowed or was read of them is counted with the cards."""

    def plus(self, other: Usage) -> Usage:
        """Return both together, under the day and version of the first."""
        return Usage(
            app_id=self.app_id,
            version=self.version,
            day=self.day,
            opens=self.opens + other.opens,
            viewers=self.viewers + other.viewers,
            failed=self.failed + other.failed,
            denied=self.denied + other.denied,
            slow=self.slow + other.slow,
            readings=self.readings + other.readings,
            seconds=self.seconds + other.seconds,
            scanned=self.scanned + other.scanned,
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            served_seconds=self.served_seconds + other.served_seconds,
            sent=self.sent + other.sent,
            calls=self.calls + other.calls,
            runs=self.runs + other.runs,
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain data; few viewers are told as fewer than ten."""
        return {
            "version": self.version,
            "day": self.day.isoformat(),
            "opens": self.opens,
            "viewers": coarse(self.viewers),
            "failed": self.failed,
            "denied": self.denied,
            "slow": self.slow,
            "readings": self.readings,
            "seconds": round(self.seconds, 3),
            "scanned": self.scanned,
            "requests": self.requests,
            "errors": self.errors,
            "served_seconds": round(self.served_seconds, 3),
            "sent": self.sent,
            "calls": self.calls,
            "runs": self.runs,
        }


def coarse(viewers: int) -> str:
    """Return a number of viewers so that nobody is told apart: fewer than ten, or whole tens."""
    return f"<{FEW}" if viewers < FEW else f"{viewers // FEW * FEW}+"
