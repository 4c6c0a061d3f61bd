"""Who looks at a ledger of matters, as the database needs to know it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from beijiang.access import Permission
from beijiang.exchange.models.turns import MatterReader, Turn

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.kit import Actor, Word

__all__ = ["reader_of"]


class _Move(Protocol):
    """What a move of a demand or a dispute says of itself."""

    @property
    def at(self) -> Collection[Word]: ...
    @property
    def side(self) -> Word: ...


def reader_of(
    access: Access,
    people: Sequence[Actor],
    known: Collection[str],
    sides: Mapping[Word, Permission],
    moves: Iterable[tuple[_Move, bool]],
    *,
    own: Collection[Word] = (),
) -> MatterReader:
    """Return whose matters somebody sees among the ``known`` departments, and which of the ``moves`` are theirs.

    ``people`` are the reader and those whom the reader stands in for, who are not stood in for on the sides that are one's
    ``own``, nor in a matter that either has raised. A move comes with whether it is taken once only; ``sides`` say by which right a side moves.
    """
    asked, turns, seen = [*moves], list[Turn](), set[str]()
    for place, one in enumerate(people):
        orgs = {side: [org for org in sorted(known) if access.allows(one, right, org)] for side, right in sides.items()}
        turns += [
            Turn(
                states=sorted(state.value for state in move.at),
                side=move.side.value,
                orgs=orgs[move.side],
                once=once,
                barred=sorted({people[0].id, one.id}) if place else (),
            )
            for move, once in asked
            if not place or move.side not in own
        ]
        seen |= {org for org in known if access.allows(one, Permission.EXCHANGE_REQUEST_READ, org)}
    return MatterReader(orgs=sorted(seen), every=len(seen) == len(known), turns=turns)
