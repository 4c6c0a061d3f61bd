"""Large graphs made readable: what belongs together is one box with a count, until somebody opens it; and finding in them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from beijiang.kit.text import normalise
from beijiang.lineage.models.graph import Edge, Graph, Kind, Node

__all__ = ["MANY", "folded", "holding", "in_order"]

MANY: Final = 60
"""From so many boxes on a graph is folded before anybody asked for it."""
_SWEEPS: Final = 4


def folded(graph: Graph, named: Callable[[str], str], opened: Collection[str] = ()) -> Graph:
    """Put the things of one department that are equally far from the start into one box.

    What belongs to no department is put together with its like. The start is never folded, nor is a department in ``opened``.
    """
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.id != graph.start and _owner(node) not in opened:
            groups.setdefault(f"group:{node.distance}:{_owner(node)}", []).append(node)
    stands_for: dict[str, Node] = {}
    for key, nodes in groups.items():
        if len(nodes) > 1:
            owner = _owner(nodes[0])
            name = f"{named(owner)} · {len(nodes)}"
            box = Node(key, Kind.GROUP, name, (), nodes[0].distance, nodes[0].org_id, link=owner)
            stands_for |= {node.id: box for node in nodes}
    kept = {edge: _moved(edge, stands_for) for edge in graph.edges}
    return replace(
        graph,
        nodes=tuple(dict.fromkeys(stands_for.get(node.id, node) for node in graph.nodes)),
        edges=tuple(dict.fromkeys(edge for edge in kept.values() if edge.source != edge.target)),
    )


def _owner(node: Node) -> str:
    return node.org_id or node.kind.value


def _moved(edge: Edge, stands_for: dict[str, Node]) -> Edge:
    """Lead an edge to the boxes that stand for its ends; what a folded box takes or gives has no column."""
    source, target = stands_for.get(edge.source), stands_for.get(edge.target)
    if source is None and target is None:
        return edge
    return replace(
        edge,
        source=edge.source if source is None else source.id,
        source_column=edge.source_column if source is None else "",
        target=edge.target if target is None else target.id,
        target_column=edge.target_column if target is None else "",
    )


def holding(graph: Graph, words: str) -> tuple[Node, ...]:
    """Return the nodes in whose name or columns every word stands."""
    wanted = normalise(words).split()
    if not wanted:
        return ()
    texts = {node.id: normalise("\n".join((node.name, *node.columns))) for node in graph.nodes}
    return tuple(node for node in graph.nodes if all(word in texts[node.id] for word in wanted))


def in_order(graph: Graph) -> list[list[Node]]:
    """Return the layers from left to right, each in an order in which few lines cross: by where the neighbours stand."""
    layers: dict[int, list[Node]] = {}
    for node in graph.nodes:
        layers.setdefault(node.distance, []).append(node)
    near: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        near[edge.source].append(edge.target)
        near[edge.target].append(edge.source)
    ranks = [layers[distance] for distance in sorted(layers)]
    for sweep in range(_SWEEPS):
        for layer in ranks if sweep % 2 else reversed(ranks):
            place = {node.id: at / max(1, len(one) - 1) for one in ranks for at, node in enumerate(one)}
            here = {node.id for node in layer}
            outer = {node.id: [place[one] for one in near[node.id] if one not in here] for node in layer}
            middle = {key: sum(found) / len(found) if found else place[key] for key, found in outer.items()}
            layer.sort(key=lambda node: middle[node.id])
    return ranks
