"""What a client of Flight SQL holds between its calls: prepared statements and tickets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["FlightState", "FlightTable", "Order", "Prepared", "like"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A query that may be fetched: by whom, with which values, and for what."""

    owner: tuple[str, str]
    """The person and the key; nobody else can use it."""
    sql: str
    purpose: str
    values: tuple[Any, ...] = ()
    schema: Any = None
    """Its columns (``pyarrow.Schema``) as they were promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A statement that was prepared; ``schema`` is None until the values of its parameters are known."""

    handle: bytes
    order: Order
    parameters: int
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightTable:
    """A table that the reader may ask, under the name of its department."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightState:
    """How the server does: where it listens, and how many answers are being read."""

    address: str
    """Empty where the settings want none."""
    running: bool
    """Whether it runs in this very process."""
    tls: bool
    reading: int
    handles: int


def like(pattern: str | None, word: str) -> bool:
    """Tell whether a word fits a pattern of ``%`` and ``_``; every word fits none. It takes no more than length times length."""
    if pattern is None:
        return True
    reached = {0}
    for letter in pattern:
        if letter == "%":
            reached = set(range(min(reached), len(word) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(word) and letter in {"_", word[at]}}
        if not reached:
            return False
    return len(word) in reached
