"""One count of a person's home, and what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beijiang.build import Platform
    from beijiang.kit import Actor

__all__ = ["Maker", "Tile", "TileKind"]


class TileKind(Word):
    """What a count is about."""

    WAITING = "waiting", "等我处理", "waits for me"
    LATE = "late", "已经迟了", "is late"
    WRONG = "wrong", "出了问题", "went wrong"
    CHANGED = "changed", "有了变化", "changed"


@dataclass(frozen=True, slots=True)
class Tile:
    """One count, and the list that it counts."""

    kind: TileKind
    words: Text
    count: int
    href: str
    more: bool = False
    """Whether there are more than were counted."""


Maker = Callable[["Platform", "Actor"], "Iterator[Tile]"]
"""What counts for a person."""
