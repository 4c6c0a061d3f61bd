"""The verbs of lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.kit import new_id
from beijiang.lineage.models.graph import Edge, Written
from beijiang.lineage.service.exchanging import Exchange
from beijiang.lineage.service.recording import keep, record
from beijiang.lineage.store import LineageStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.tables import Origin, TableWritten

__all__ = ["Lineage"]


class Lineage(Exchange):
    """Where columns come from and go to: graphs, impact, paths, and OpenLineage events in and out."""

    def on_table_written(self, event: TableWritten) -> None:
        """Keep what a new version was made from; called for every one. Idempotent."""
        record(self.db, event)

    def declare(
        self,
        target: str,
        org_id: str,
        origins: Mapping[str, Sequence[Origin]],
        *,
        run_id: str,
        person: str,
        rows: int | None = None,
    ) -> None:
        """Keep what a thing of the platform's own was made from that is no table: a training set, an indicator, a grant.

        ``target`` names it like an address (``mining://models/ID``). The department sees it as everything that it declares.
        Without columns it is made from nothing any more: it has ended. A ``run_id`` that was told last is not told again;
        without ``rows`` nothing was made, and only how it is made is told, if that is new.
        """
        edges = [
            Edge(origin.table, origin.column, target, column, origin.use.value)
            for column, found in origins.items()
            for origin in found
        ]
        declarer = target.partition("://")[0]

        def is_told(store: LineageStore, before: Written | None) -> bool:
            if rows is not None:
                return before is not None and before.run_id == run_id
            known = [] if before is None else sorted(edge for _, edge in store.edges_of([before.set_id]))
            return known == sorted(set(edges))

        with self.db.read() as connection:  # most often nothing is new, and nobody has to wait for that
            store = LineageStore(connection)
            if is_told(store, store.newest(target, declarer)):
                return
        with self.db.begin() as tx:
            store = LineageStore(tx.connection)
            before = store.newest(target, declarer)
            if is_told(store, before):
                return
            written = Written(
                target=target,
                declarer=declarer,
                version=1 if before is None else before.version + 1,
                set_id=new_id("lin"),
                at=self.clock.now(),
                org_id=org_id,
                mode="declare" if origins else "end",
                run_id=run_id or new_id("run"),
                actor_id=person,
                rows=rows or 0,
                columns=tuple((column, "", "") for column in origins),
            )
            keep(store, written, edges, before)
