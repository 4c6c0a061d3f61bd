"""The published edges of what hands columns out (``lineage/fixtures/handed.csv``), and those that a graph shows."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from beijiang.lineage import Graph, Kind

FIXTURE = Path(__file__).parent / "lineage" / "fixtures" / "handed.csv"
HANDED = frozenset({Kind.INDICATOR, Kind.APPLICATION, Kind.GRANT, Kind.PUSH})

Edges = set[tuple[str, ...]]


def published(story: str, names: Mapping[str, str] | None = None) -> Edges:
    """Return the edges of a story, its tables under the names that they have in the test."""
    with FIXTURE.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["story"] == story]
    called = names or {}
    return {
        (r["target"], r["column"], called.get(r["source"], r["source"]), r["source_column"], r["use"]) for r in rows
    }


def shown(graph: Graph) -> Edges:
    """Return the edges of a graph that end in something that hands columns out, by what kinds of things its ends are."""
    nodes = {node.id: node for node in graph.nodes}
    told = {key: node.kind.value if node.kind in HANDED else node.name for key, node in nodes.items()}
    return {
        (told[e.target], e.target_column, told[e.source], e.source_column, e.use)
        for e in graph.edges
        if nodes[e.target].kind in HANDED
    }
