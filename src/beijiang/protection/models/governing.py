"""Who waits and who runs: the words of the governor of people's queries."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from beijiang.kit import Word
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.protection.models.granting import OwnGrant
    from beijiang.settings import Settings

__all__ = ["Listed", "QueryClass", "QueryOrder", "QueryState", "Queued", "places"]

MIB: Final = 1 << 20
SHARE: Final = 0.8
"""Part of the machine's memory that queries, engine and server may take together (security.md 10.1)."""
SERVER_MB: Final = 1024


class QueryClass(Word):
    """Through which door a query came; each has its weight when several wait."""

    INTERACTIVE = "interactive", "页面", "pages"
    API = "api", "接口", "API"
    BACKGROUND = "background", "后台", "background"

    @property
    def weight(self) -> int:
        """Return how many turns it gets while the background gets one."""
        return {"interactive": 4, "api": 2, "background": 1}[self.value]


class QueryState(Word):
    """Where a query stands that has not ended."""

    CHECKING = "checking", "检查中", "being checked"
    WAITING = "waiting", "排队中", "waiting"
    RUNNING = "running", "运行中", "running"
    READING = "reading", "结果读取中", "its answer is being read"
    ELSEWHERE = "elsewhere", "在其他进程中", "in another process"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOrder:
    """How a query is to be run; what it says stands apart from it."""

    door: QueryClass = QueryClass.INTERACTIVE
    exit: Exit = Exit.SQL
    id: str = ""
    """By which it is stopped; made up if empty."""
    whose: str = ""
    """On whose account it is counted; the reader's own if empty."""
    waits: Callable[[], None] | None = None
    """Called before it waits for a place, which one that is answered from memory does not."""
    names: Callable[[str], str] | None = None
    """Turns a name that the query gives a table into the name that it is kept under; empty means there is none."""
    listed: Mapping[str, Listed] = field(default_factory=dict)
    """Lists that the query may name as if they were tables."""
    own: Mapping[str, OwnGrant] = field(default_factory=dict)
    """The grants of the application that asks for the reader, by the tables that it reads under them."""
    rows: int = 0
    """Rows that are handed over at most; 0 means as many as the settings say."""
    seconds: float = 0.0
    """How long it runs at most; 0 means as long as the settings say."""
    account: str = ""
    """On whose account it goes among all that come under one name, as visitors do."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of facts that everybody may know, with names for its columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | None, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One query that has not ended: whose it is and where it stands, nothing of what it asks."""

    id: str
    person_id: str
    person: str
    org_id: str | None
    door: QueryClass
    state: QueryState
    since: datetime
    seconds: float
    """How long it has been in its state."""


def places(settings: Settings) -> int:
    """Return how many queries run at once: one a core, fewer where their memory would not fit beside the engine's."""
    if settings.query_at_once:
        return settings.query_at_once
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    left = physical * SHARE - settings.engine_memory_mb - SERVER_MB
    return max(1, min(os.cpu_count() or 1, int(left // settings.query_memory_mb)))
