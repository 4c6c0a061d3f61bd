"""Facts that quality publishes."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["DoubtMoved", "VersionJudged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionJudged(Event):
    """The rules of a table were held against a version; what came of it is the run's."""

    table: str
    version: int
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtMoved(Event):
    """A reader's doubt about values of a table was raised, or is settled; who has the data should know."""

    ticket_id: str
    table: str
    title: str
    raised: bool
