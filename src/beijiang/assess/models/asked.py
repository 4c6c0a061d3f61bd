"""What assessment needs of exchange; where nothing was due or closed, an indicator has no facts and is never zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from beijiang.kit import Word

__all__ = [
    "CallFacts",
    "Called",
    "Closed",
    "Due",
    "ExchangeFacts",
    "LinkageFacts",
    "Met",
    "NodeDone",
    "PortalFacts",
    "Probed",
]


class Met(Word):
    """How far a closed demand was met, by the one who had it (`standards.md` 2.11)."""

    MATCHED = "matched", "已满足", "matched"
    PARTIAL = "partial", "部分满足", "partial"
    UNMATCHED = "unmatched", "未满足", "unmatched"
    UNSUPPLIED = "unsupplied", "逾期未供数", "not supplied by its day"
    UNJUDGED = "unjudged", "已供数，逾期未评价，视为满足", "supplied; nobody judged it in time, so it counts as met"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that a department had to answer by a day: a request for data, or a claim task."""

    org_id: str
    id: str
    name: str
    due_on: date
    answered_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A demand that was closed, and how far it was met; ``org_id`` is the department that had to meet it."""

    org_id: str
    id: str
    name: str
    closed_on: date
    met: Met


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A service that was probed: how often it answered as declared, and how often it was asked."""

    org_id: str
    id: str
    name: str
    well: int
    probes: int


class NodeDone(Protocol):
    """What the people of a unit did from a platform of their own, a linked node."""

    @property
    def node_id(self) -> str:
        """Return its id."""

    @property
    def name(self) -> str:
        """Return its name."""

    @property
    def region_code(self) -> str:
        """Return the code of its region; empty where it has none."""

    @property
    def entries(self) -> int:
        """Return how often they told of a catalog entry."""

    @property
    def requests(self) -> int:
        """Return how often they wrote about requests for data."""

    @property
    def last(self) -> datetime | None:
        """Return when last; None: not at all."""


class LinkageFacts(Protocol):
    """The facts of linked nodes."""

    def deeds(self, since: datetime, until: datetime) -> Sequence[NodeDone]:
        """Return what each linked node below did from a moment on and before another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A table or a service of a department, and how often others had something of it."""

    org_id: str
    id: str
    name: str
    calls: int
    service: bool = False


class PortalFacts(Protocol):
    """The facts of the portal, per department and days (both inclusive)."""

    def messages(self, since: date, until: date) -> Sequence[Due]:
        """Return the words of the public whose answer was due in these days."""


class CallFacts(Protocol):
    """How often departments' data were called, in days (both inclusive)."""

    def calls(self, since: date, until: date) -> Sequence[Called]:
        """Return the tables and services that other departments, or the public, had something of."""


class ExchangeFacts(Protocol):
    """The facts of exchange, per department and days (both inclusive)."""

    def replies(self, since: date, until: date) -> Sequence[Due]:
        """Return the requests for data whose answer was due in these days."""

    def demands(self, since: date, until: date) -> Sequence[Closed]:
        """Return the demands that were closed in these days and judged by who had them."""

    def claim_tasks(self, since: date, until: date) -> Sequence[Due]:
        """Return the claim tasks that were due in these days."""

    def probes(self, since: date, until: date) -> Sequence[Probed]:
        """Return the services that were probed in these days."""
