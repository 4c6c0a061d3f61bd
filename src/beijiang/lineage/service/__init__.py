"""The verbs of lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.lineage.service.exchanging import Exchange
from beijiang.lineage.service.recording import record

if TYPE_CHECKING:
    from beijiang.tables import TableWritten

__all__ = ["Lineage"]


class Lineage(Exchange):
    """Where columns come from and go to: graphs, impact, paths, and OpenLineage events in and out."""

    def on_table_written(self, event: TableWritten) -> None:
        """Keep what a new version was made from; called for every one. Idempotent."""
        record(self.db, event)
