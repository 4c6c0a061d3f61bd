"""Relations of a card drawn as a graph, in the way that the graphs of mining are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Language
from beijiang.mining import ON_THE_PAGE, NodeKind, Party, Relation, Shown, ShownEdge, drawn

if TYPE_CHECKING:
    from beijiang.apps.models import Card

__all__ = ["picture", "relations"]

UNNAMED: Final = "—"
KINDS: Final = {one.text.zh: one for one in NodeKind}


def picture(card: Card, word: Callable[[Any], str], language: Language) -> str:
    """Return the relations of a card as one SVG element; ``word`` gives a value as the reader sees it."""
    return drawn(relations(card, word), language=language, colours=ON_THE_PAGE)


def relations(card: Card, word: Callable[[Any], str]) -> Shown:
    """Return who is related to whom: what the first row leads to comes first, its holders one step away, and so on."""
    facts, rows = card.block.facts, card.data.rows if card.data else ()
    pairs = [(word(row[facts["from"]]) or UNNAMED, word(row[facts["to"]]) or UNNAMED) for row in rows]
    steps = _steps(pairs)
    kinds = _kinds(facts, rows, pairs)
    names = sorted(steps, key=lambda name: steps[name])
    places = {name: place for place, name in enumerate(names)}
    edges = [
        ShownEdge(tail=places[above], head=places[below], relation=Relation.HOLDING, share=_share(facts, row))
        for (above, below), row in zip(pairs, rows, strict=True)
    ]
    parties = [
        Party(ref=str(places[name]), name=name, kind=kinds.get(name, NodeKind.FIRM), distance=steps[name])
        for name in names
    ]
    day = datetime.now(UTC).date()
    return Shown(
        question="chain-up", graph="", at=day, parties=tuple(parties), edges=edges, total=max(0, len(parties) - 1)
    )


def _steps(pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return how many steps each is above what the graph is about; what no step leads to stands beside it."""
    steps = {pairs[0][1]: 0} if pairs else {}
    edge = list(steps)
    while edge:
        above = [one for one, below in pairs if below in edge and one not in steps]
        steps |= {one: steps[below] + 1 for one, below in pairs if below in edge and one not in steps}
        edge = above
    return steps | {one: 0 for pair in pairs for one in pair if one not in steps}


def _kinds(
    facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[str, str]]
) -> dict[str, NodeKind]:
    if "kind" not in facts:
        return {}
    return {
        above: KINDS.get(str(row[facts["kind"]]), NodeKind.FIRM) for (above, _), row in zip(pairs, rows, strict=True)
    }


def _share(facts: Mapping[str, Any], row: Mapping[str, Any]) -> float | None:
    value = row.get(facts["value"]) if "value" in facts else None
    return float(value) / 100.0 if isinstance(value, int | float | Decimal) else None
