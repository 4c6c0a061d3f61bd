"""Who looks at a ledger of matters, as the database needs to know it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
    actor: Actor,
    known: Collection[str],
    sides: Mapping[Word, Permission],
    moves: Iterable[tuple[_Move, bool]],
) -> MatterReader:
    """Return whose matters an actor sees among the ``known`` departments, and which of the ``moves`` are the actor's.

    A move comes with whether it is taken once only; ``sides`` say by which right a side moves.
    """

    def allowed(permission: Permission) -> list[str]:
        return [org for org in sorted(known) if access.allows(actor, permission, org)]

    orgs = {side: allowed(permission) for side, permission in sides.items()}
    turns = [
        Turn(states=sorted(one.value for one in move.at), side=move.side.value, orgs=orgs[move.side], once=once)
        for move, once in moves
    ]
    seen = allowed(Permission.EXCHANGE_REQUEST_READ)
    return MatterReader(orgs=seen, every=len(seen) == len(known), turns=turns)
