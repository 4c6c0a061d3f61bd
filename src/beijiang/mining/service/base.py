"""What the verbs of the work-bench share: their parts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from beijiang.kit import new_id
from beijiang.protection import files

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import Catalog
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock
    from beijiang.protection import Gate, Protection, SqlGateway
    from beijiang.settings import Settings

__all__ = ["Base"]


class Base:
    """Holds the parts."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        sql: SqlGateway,
        gate: Gate,
        protection: Protection,
        catalog: Catalog,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.db = db
        self.sql = sql
        self.gate = gate
        self.protection = protection
        self.catalog = catalog
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.settings = settings
        self.files = files.FileMaker(settings.time_zone)
        self.looking = threading.Lock()
        """Held by the thread that looks for queries to be stopped."""
        self.forgot_at: float | None = None
        self.process = new_id("process")
        """Tells the open runs of this process from those of others, a command at the terminal beside a server."""
