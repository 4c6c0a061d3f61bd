"""Facts that quality publishes."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["VersionJudged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionJudged(Event):
    """The rules of a table were held against a version; what came of it is the run's."""

    table: str
    version: int
    run_id: str
