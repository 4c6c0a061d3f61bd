"""Cards: a block of a page with the answer that its reader got, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from beijiang.apps.models.words import CardState
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.apps.models.blocks import Block
    from beijiang.mining import Party, Shown

__all__ = ["Card", "CardData", "Network"]

_NUMBER: Final = (int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a graph of relations says of one party, or which parties the reader's words may mean."""

    shown: Shown | None = None
    meant: tuple[Party, ...] = ()
    asked: bool = True
    """Whether the reader named a party at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardData:
    """The answer of a query: names of its columns and rows, how it is graded, how old it is."""

    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    masked: tuple[str, ...]
    grade: str
    as_of: datetime | None
    """When the oldest of the data was written."""
    made_at: datetime | None
    """When the answer was made, by whoever asked first."""
    receipt: str
    reading: str
    """Names the run of the engine that made it; cards that were read together have one name."""
    seconds: float
    """How long that run took."""
    scanned: int
    """Rows of its tables, before any filter."""
    shared: int
    """How many queries it answered."""
    cached: bool
    truncated: bool
    in_doubt: tuple[str, ...] = ()
    """Columns that rest on values that are being looked into (校核)."""
    network: Network | None = None
    """The answer of a graph of relations, which has no rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One block of a page as its reader gets it."""

    number: int
    block: Block
    state: CardState
    data: CardData | None = None
    why: Text | None = None
    """Why there is nothing to see."""
    old: bool = False

    @property
    def first(self) -> Mapping[str, Any]:
        """Return the first row, empty where there is none."""
        return self.data.rows[0] if self.data and self.data.rows else {}

    @property
    def said(self) -> str:
        """Return what the first rule that holds says, of a text by rule."""
        rule = self._rule()
        return str(rule["say"] if rule else self.block.facts.get("otherwise", ""))

    @property
    def tone(self) -> str:
        """Return how a text by rule looks."""
        return str((self._rule() or {}).get("tone", "info"))

    def _rule(self) -> Mapping[str, Any] | None:
        return next(
            (r for r in self.block.facts["when"] if _holds(self.first.get(r["column"]), r["op"], r["value"])), None
        )


def _holds(value: Any, operator: str, wanted: Any) -> bool:
    """Compare as numbers, or as text where one of them is none; nothing holds of an empty value."""
    if value is None:
        return False
    try:
        left: Any = float(value)
        right: Any = float(wanted)
    except (TypeError, ValueError):
        left, right = str(value), str(wanted)
    held: bool = {
        ">": left > right,
        ">=": left >= right,
        "<": left < right,
        "<=": left <= right,
        "==": left == right,
        "!=": left != right,
    }[operator]
    return held
