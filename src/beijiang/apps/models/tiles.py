"""The leagues as tiles in their rough places: a map that is read at a glance and draws no boundary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

__all__ = ["Tile", "tiles"]

STEPS: Final = 5
_PLACES: Final[Mapping[str, tuple[int, int]]] = {
    "呼伦贝尔": (7, 1),
    "兴安": (7, 2),
    "锡林郭勒": (5, 2),
    "通辽": (7, 3),
    "赤峰": (6, 3),
    "阿拉善": (1, 3),
    "巴彦淖尔": (2, 3),
    "包头": (3, 3),
    "呼和浩特": (4, 3),
    "乌兰察布": (5, 3),
    "乌海": (2, 4),
    "鄂尔多斯": (3, 4),
}
"""Column from the west and row from the north, by name without 市 or 盟."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A league in its place, with the row that speaks of it and how strong its colour is: 1 for little, 5 for much."""

    column: int
    line: int
    name: str
    step: int
    row: Mapping[str, Any]


def tiles(rows: Sequence[Mapping[str, Any]], region: str, value: str) -> list[Tile]:
    """Return a tile for every row that names a league, none where fewer than half of the rows do."""
    named = [(place, row) for row in rows if (place := _PLACES.get(str(row[region] or "").rstrip("市盟"))) is not None]
    if 2 * len(named) < len(rows):
        return []
    numbers = [float(row[value]) for _, row in named if isinstance(row[value], int | float | Decimal)]
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 0.0)
    made = [Tile(*place, str(row[region]), _step(row[value], low, high), row) for place, row in named]
    return sorted(made, key=lambda tile: (tile.line, tile.column))


def _step(value: Any, low: float, high: float) -> int:
    """Return the class of a value among classes of equal width, 0 for none."""
    if not isinstance(value, int | float | Decimal):
        return 0
    return 1 if high == low else min(STEPS, 1 + int(STEPS * (float(value) - low) / (high - low)))
