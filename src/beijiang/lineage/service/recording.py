"""Keep, for each version of a table, what its columns were made from."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from beijiang.kit import new_id
from beijiang.lineage.models.graph import Edge, Written
from beijiang.lineage.store import LineageStore
from beijiang.tables import TableWritten, WriteMode, origins_from_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beijiang.db import Database

__all__ = ["keep", "record"]

_KEEPING: Final = frozenset(mode for mode in WriteMode if mode is not WriteMode.REPLACE)
"""Rows of before stay, and with them what they were made from."""


def record(db: Database, event: TableWritten) -> None:
    """Keep a version and the edges that hold with it. Idempotent.

    A rollback has the edges of the version that it returns to, a compaction those of the one before; rows that are
    added to others add their edges; a replacement has its own and no others.
    """
    with db.begin() as tx:
        store = LineageStore(tx.connection)
        if store.write(event.table, "", event.version) is not None:
            return
        before = store.newest(event.table, "", event.version)
        if event.mode == WriteMode.ROLLBACK and event.restores is not None:
            before = store.write(event.table, "", event.restores)
        known = [e for _, e in store.edges_of([before.set_id])] if before is not None and event.mode in _KEEPING else []
        fresh = [
            Edge(origin.table, origin.column, event.table, column, origin.use.value)
            for column, origins in origins_from_json(event.derived).items()
            for origin in origins
        ]
        edges = [edge for edge in {*known, *fresh} if edge.target_column in event.columns]
        keep(store, _written(event), edges, before)


def keep(store: LineageStore, written: Written, edges: Iterable[Edge], before: Written | None) -> None:
    """Add a write; where nothing changed, it shares the edges of the one before."""
    listed = sorted(set(edges))
    known = [] if before is None else sorted(edge for _, edge in store.edges_of([before.set_id]))
    if before is not None and listed == known:
        store.add(replace(written, set_id=before.set_id), None)
    else:
        store.add(replace(written, set_id=new_id("lin")), listed)


def _written(event: TableWritten) -> Written:
    types = event.column_types or [""] * len(event.columns)
    comments = event.column_comments or [""] * len(event.columns)
    return Written(
        target=event.table,
        declarer="",
        version=event.version,
        set_id="",
        at=datetime.fromisoformat(event.written_at),
        org_id=event.org_id,
        mode=event.mode,
        run_id=event.run_id,
        actor_id=event.actor_id,
        reason=event.reason,
        rows=event.rows,
        changed=event.rows_added + event.rows_changed + event.rows_removed,
        columns=tuple(zip(event.columns, types, comments, strict=True)),
        sources=tuple(event.sources),
    )
