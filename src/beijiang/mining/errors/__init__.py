"""What can go wrong in mining, a file for each of its pieces."""

from beijiang.mining.errors.bench import id_taken, no_query, no_run, unfit
from beijiang.mining.errors.graphs import (
    draft_unfit,
    graph_blind,
    graph_too_large,
    graph_too_long,
    no_graph,
    no_node,
)

__all__ = [
    "draft_unfit",
    "graph_blind",
    "graph_too_large",
    "graph_too_long",
    "id_taken",
    "no_graph",
    "no_node",
    "no_query",
    "no_run",
    "unfit",
]
