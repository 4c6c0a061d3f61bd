"""Writes, the edges that hold since each, and events of others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select

from beijiang.lineage.models.graph import OWN_DECLARERS, Edge, Written
from beijiang.lineage.store.schema import lineage_edge, lineage_event, lineage_write

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

__all__ = ["LineageStore"]

_W, _E, _V = lineage_write.c, lineage_edge.c, lineage_event.c
_PIECE: Final = 400
"""Names in one question to the database."""


class LineageStore:
    """Read and write lineage on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Writing

    def write(self, target: str, declarer: str, version: int) -> Written | None:
        """Return one write."""
        query = select(lineage_write).where(_W.target == target, _W.declarer == declarer, _W.version == version)
        return _first(self._connection.execute(query).one_or_none())

    def newest(self, target: str, declarer: str, before: int | None = None) -> Written | None:
        """Return the newest write of a dataset by one declarer, or the newest before a version."""
        query = select(lineage_write).where(_W.target == target, _W.declarer == declarer)
        if before is not None:
            query = query.where(_W.version < before)
        return _first(self._connection.execute(query.order_by(_W.version.desc()).limit(1)).one_or_none())

    def add(self, written: Written, edges: Iterable[Edge] | None) -> None:
        """Add a write; ``edges`` is given where they are new."""
        self._connection.execute(
            insert(lineage_write).values(
                target=written.target,
                declarer=written.declarer,
                version=written.version,
                set_id=written.set_id,
                at=written.at,
                org_id=written.org_id,
                mode=written.mode,
                run_id=written.run_id,
                actor_id=written.actor_id,
                reason=written.reason,
                rows=written.rows,
                changed=written.changed,
                columns=[list(column) for column in written.columns],
                sources=[dict(source) for source in written.sources],
            )
        )
        rows = [
            {
                "set_id": written.set_id,
                "place": place,
                "target": edge.target,
                "target_column": edge.target_column,
                "source": edge.source,
                "source_column": edge.source_column,
                "use": edge.use,
            }
            for place, edge in enumerate(edges or ())
        ]
        if rows:
            self._connection.execute(insert(lineage_edge), rows)

    # Looking

    def as_of(self, at: datetime) -> dict[tuple[str, str], tuple[str, str]]:
        """Return, for each dataset and declarer, the set of edges that held at a moment, and its organisation."""
        newest = (
            select(_W.target, _W.declarer, func.max(_W.version).label("version"))
            .where(_W.at <= at)
            .group_by(_W.target, _W.declarer)
            .subquery()
        )
        query = select(_W.target, _W.declarer, _W.set_id, _W.org_id).join(
            newest,
            (_W.target == newest.c.target) & (_W.declarer == newest.c.declarer) & (_W.version == newest.c.version),
        )
        return {(row.target, row.declarer): (row.set_id, row.org_id) for row in self._connection.execute(query)}

    def holding(self, target: str, at: datetime) -> Written | None:
        """Return the platform's own version of a table that was newest at a moment."""
        query = select(lineage_write).where(_W.target == target, _W.declarer == "", _W.at <= at)
        return _first(self._connection.execute(query.order_by(_W.version.desc()).limit(1)).one_or_none())

    def edges_of(self, sets: Iterable[str]) -> list[tuple[str, Edge]]:
        """Return the edges of some sets, each with its set."""
        return self._edges(_E.set_id, sets)

    def edges_from(self, sources: Iterable[str]) -> list[tuple[str, Edge]]:
        """Return the edges that go out from some datasets, of whatever time, each with its set."""
        return self._edges(_E.source, sources)

    def _edges(self, column: Any, values: Iterable[str]) -> list[tuple[str, Edge]]:
        listed = sorted(set(values))
        found: list[tuple[str, Edge]] = []
        for begin in range(0, len(listed), _PIECE):
            query = select(lineage_edge).where(column.in_(listed[begin : begin + _PIECE]))
            found += [(row.set_id, _edge(row)) for row in self._connection.execute(query)]
        return found

    def sources_between(self, target: str, at: datetime, limit: int) -> list[dict[str, str]]:
        """Return the files that a table's rows came from up to a moment, newest first, each once."""
        query = select(_W.sources).where(_W.target == target, _W.declarer == "", _W.at <= at)
        seen: dict[str, dict[str, str]] = {}
        for row in self._connection.execute(query.order_by(_W.version.desc()).limit(200)):
            for source in row.sources:
                seen.setdefault(source["sha256"], source)
        return list(seen.values())[:limit]

    def writes(
        self, table: str, since: datetime | None, until: datetime | None, after: int, limit: int
    ) -> list[Written]:
        """Return the platform's own writes in order of time, a page of them."""
        query: Select[Any] = select(lineage_write).where(_W.declarer.in_(OWN_DECLARERS))
        if table:
            query = query.where(_W.target == table)
        if since is not None:
            query = query.where(_W.at >= since)
        if until is not None:
            query = query.where(_W.at < until)
        query = query.order_by(_W.at, _W.target, _W.version).offset(after).limit(limit)
        return [_written(row) for row in self._connection.execute(query)]

    # Events of others

    def knows_event(self, org_id: str, run_id: str, event_type: str, event_time: str) -> bool:
        """Tell whether an event came already."""
        query = select(_V.sequence).where(
            _V.org_id == org_id, _V.run_id == run_id, _V.event_type == event_type, _V.event_time == event_time
        )
        return self._connection.execute(query).first() is not None

    def add_event(self, values: dict[str, Any]) -> None:
        """Keep an event as it came."""
        self._connection.execute(insert(lineage_event).values(**values))

    def events_of_run(self, org_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return what came of one run, in the order in which it came."""
        query = select(_V.body).where(_V.org_id == org_id, _V.run_id == run_id).order_by(_V.sequence)
        return [row.body for row in self._connection.execute(query)]


def _edge(row: Row[Any]) -> Edge:
    return Edge(row.source, row.source_column, row.target, row.target_column, row.use)


def _first(row: Row[Any] | None) -> Written | None:
    return None if row is None else _written(row)


def _written(row: Row[Any]) -> Written:
    return Written(
        target=row.target,
        declarer=row.declarer,
        version=row.version,
        set_id=row.set_id,
        at=row.at,
        org_id=row.org_id,
        mode=row.mode,
        run_id=row.run_id,
        actor_id=row.actor_id,
        reason=row.reason,
        rows=row.rows,
        changed=row.changed,
        columns=tuple((name, kind, comment) for name, kind, comment in row.columns),
        sources=tuple(row.sources),
    )
