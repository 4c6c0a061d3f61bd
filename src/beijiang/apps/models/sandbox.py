"""Synthetic rows of the shape that an entry publishes: from its items and the standards alone, never from a value.

The same resource and row number give the same row, so that pages fit together and tests repeat.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

__all__ = ["SANDBOX_ROWS", "ShapedItem", "synthetic_rows"]

SANDBOX_ROWS: Final = 1000
"""How many rows a sandbox has."""
_FIRST: Final = date(2020, 1, 1)
_DAYS: Final = 2000
_EMPTY: Final = 0.1
"""The share of empty cells of an item that no standard calls an identifier."""
_WORDS: Final = "草原云山河川林湖光明安和平新民兴华东南西北"
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapedItem:
    """What is published of one item that decides how its values look."""

    column: str
    type: str
    """As the row API names it: text, integer, decimal, double, boolean, date, timestamp."""
    length: int | None = None
    codes: tuple[str, ...] = ()
    check: str = ""
    """The check algorithm of its data element."""
    grade: str = ""


def synthetic_rows(resource_id: str, items: Sequence[ShapedItem], start: int, size: int) -> list[Mapping[str, Any]]:
    """Return rows ``start`` and on; none beyond the last."""
    return [
        {item.column: _cell(item, random.Random(f"{resource_id}/{number}/{item.column}"), number) for item in items}  # noqa: S311 - no secret
        for number in range(start, min(start + size, SANDBOX_ROWS))
    ]


def _cell(item: ShapedItem, dice: random.Random, number: int) -> Any:
    if not item.check and dice.random() < _EMPTY:
        return None
    if item.codes:
        return dice.choice(item.codes)
    if item.check:
        return _checked(item, dice)
    return _plain(item, dice, number)


def _plain(item: ShapedItem, dice: random.Random, number: int) -> Any:
    day = _FIRST + timedelta(days=dice.randrange(_DAYS))
    numbers = {
        "integer": dice.randrange(10 ** min(item.length or 4, 9)),
        "decimal": f"{dice.randrange(10**6) / 100:.2f}",
        "double": round(dice.random() * 1000, 3),
        "boolean": bool(dice.getrandbits(1)),
        "date": day.isoformat(),
        "timestamp": f"{day.isoformat()}T{dice.randrange(24):02d}:00:00",
    }
    words = ("样例" + "".join(dice.choices(_WORDS, k=4)) + str(number + 1))[: item.length or 20]
    return numbers.get(item.type, words)


def _checked(item: ShapedItem, dice: random.Random) -> str:
    """Return a number of the right form; that of a citizen names a region that there is none of, so that it is nobody's."""
    if item.check == "citizen_id":
        day = _FIRST - timedelta(days=dice.randrange(7000, 20_000))
        head = f"159999{day:%Y%m%d}{dice.randrange(1000):03d}"
        return head + "10X98765432"[sum(int(d) * w for d, w in zip(head, _WEIGHTS, strict=True)) % 11]
    length = item.length or 18
    return "9" + "".join(dice.choices(_LETTERS, k=max(1, length - 1)))
