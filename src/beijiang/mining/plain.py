"""Graphs and answers of theirs as plain values, the same for the JSON API and for ``--json`` at the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beijiang.mining.models import Party, RelationGraph, Shown

__all__ = ["graph_json", "party_json", "shown_json"]


def graph_json(graph: RelationGraph) -> dict[str, Any]:
    """Return a declaration as JSON has it."""
    return {
        "id": graph.id,
        "revision": graph.revision,
        "organisation": graph.org_id,
        "by": graph.by,
        "at": graph.at.isoformat(),
        **graph.draft.to_json(),
    }


def shown_json(shown: Shown) -> dict[str, Any]:
    """Return an answer as JSON has it; relations name their ends."""
    refs = [one.ref for one in shown.parties]
    return {
        "question": shown.question,
        "graph": shown.graph,
        "at": shown.at.isoformat(),
        "total": shown.total,
        "cut": shown.cut,
        "grade": shown.grade,
        "facts": dict(shown.facts),
        "parties": [party_json(one) for one in shown.parties],
        "relations": [
            {
                "from": refs[one.tail],
                "to": refs[one.head],
                "relation": one.relation.value,
                "share": one.share,
                "since": one.since and one.since.isoformat(),
                "until": one.until and one.until.isoformat(),
                "strong": one.strong,
            }
            for one in shown.edges
        ],
        "receipts": list(shown.receipts),
    }


def party_json(party: Party) -> dict[str, Any]:
    """Return a person or an enterprise as JSON has it."""
    return {**asdict(party), "kind": party.kind.value, "reasons": list(party.reasons), "via": list(party.via)}
