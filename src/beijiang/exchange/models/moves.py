"""What happens to matters of every kind, by its code; a node of a newer release may know more than this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from beijiang.exchange.models.demands import DemandMove
from beijiang.exchange.models.disputes import DisputeMove
from beijiang.exchange.models.requests import Move
from beijiang.exchange.models.services import ServiceMove
from beijiang.exchange.models.templates import ClaimMove
from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OtherMove", "move_of"]

_LONGEST: Final = 20
"""Characters of a code that are kept."""


class OtherMove(Word):
    """Something that another node told of and this release has no name for: it is kept, and shown by its code."""

    UNNAMED = "unnamed", "未说明的步骤", "a step without a name"

    @classmethod
    def _missing_(cls, value: object) -> Self:
        code = str(value)[:_LONGEST]
        made = str.__new__(cls, code)
        made._name_ = made._value_ = code
        made.text = Text(code, code)
        return made


_KNOWN: Final[Mapping[str, Word]] = {
    move.value: move
    for kind in (ClaimMove, DisputeMove, DemandMove, ServiceMove, Move)
    for move in tuple[Word, ...](kind)
}


def move_of(code: str) -> Word:
    """Return a move of whatever matter by its code; one that this release does not know is its own code."""
    return _KNOWN.get(code) or OtherMove(code)
