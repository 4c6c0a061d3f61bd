"""Facts that quality publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["DoubtMoved", "MappingMoved", "VersionJudged"]


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
    """Of the service's entry where there is no table."""
    title: str
    raised: bool
    outcome: str = ""
    """What it ended in: ``correct``, ``confirm_right``, ``withdraw`` or ``close``; empty while it goes on."""
    columns: tuple[str, ...] = ()
    """What was in doubt; empty for the table as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingMoved(Event):
    """Which data element each column of a table holds was decided, or what an element asks for changed: all of it, as it is now."""

    table: str
    held: Mapping[str, str]
    """The id of the element, by column."""
    levels: Mapping[str, str]
    """The least grade of the element, by column; empty where it asks for none."""
    by: str
    by_name: str
    reason: str
    number: int = 0
    """Of two announcements of a table the one with the higher number is the later; 0: from before they were numbered."""
