"""Declared graphs, every revision kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from beijiang.db import JsonDocument, Revisions, UtcDateTime, metadata
from beijiang.mining.models.graphs import GraphDraft, RelationGraph

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["GraphStore", "relation_graph"]

relation_graph = Table(
    "relation_graph",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("draft", JsonDocument, nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_relation_graph_current", "is_current"),
)
_G = relation_graph.c


class GraphStore:
    """Read and write declarations on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._kept = Revisions(connection, relation_graph, _graph)

    def add(self, new: RelationGraph, *, retired: bool = False) -> None:
        """Add a revision; it is the one in force from now on."""
        self._kept.put(
            {
                "id": new.id,
                "revision": new.revision,
                "retired": retired,
                "org_id": new.org_id,
                "draft": new.draft.to_json(),
                "set_by": new.by[:200],
                "set_at": new.at,
            }
        )

    def all(self) -> Sequence[RelationGraph]:
        """Return the graphs in force, oldest first."""
        return self._kept.in_force(by=(_G.set_at,))

    def get(self, graph_id: str) -> RelationGraph | None:
        """Return a graph in force."""
        return next(iter(self._kept.in_force(_G.id == graph_id)), None)


def _graph(row: Row[Any]) -> RelationGraph:
    return RelationGraph(
        id=row.id,
        revision=row.revision,
        org_id=row.org_id,
        draft=GraphDraft.from_json(row.draft),
        by=row.set_by,
        at=row.set_at,
    )
