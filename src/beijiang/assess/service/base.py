"""What the verbs of assessment share: their parts, today, and words that are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.assess.errors import reason_needed

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock
    from beijiang.standards import Standards

__all__ = ["Base"]

WORDS_LONGEST: Final = 4000


class Base:
    """Holds the parts."""

    def __init__(
        self,
        db: Database,
        access: Access,
        evidence: Evidence,
        standards: Standards,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self.db = db
        self.access = access
        self.evidence = evidence
        self.standards = standards
        self.clock = clock
        self.zone = zone

    @property
    def today(self) -> date:
        """Return the day it is here."""
        return self.clock.now().astimezone(self.zone).date()

    @staticmethod
    def _words(text: str) -> str:
        """Return words that were needed.

        Raises:
            Invalid: there are none (``reason_needed``).

        """
        words = text.strip()[:WORDS_LONGEST]
        if not words:
            raise reason_needed()
        return words
