"""Rows by number: what programs ask that page by number and by several columns at once, as CKAN's datastore does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.tables.models.filters import Filter, Sort

__all__ = ["NUMBER", "Sift", "Sifted", "Tallied"]

NUMBER: Final = "_id"
"""The column that numbers the rows of a version from 1, as far as the reader may see them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sift:
    """Which rows, which columns of them, in which order, from which one on; ``NUMBER`` is a column like the others."""

    filters: tuple[Filter, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    """Words that have to stand in a text column, whatever their case; without a name, in any of them."""
    columns: tuple[str, ...] = ()
    """In this order; none means all, the number first."""
    distinct: bool = False
    order: tuple[Sort, ...] = ()
    """Ties, and rows without an order, stand by their numbers."""
    start: int = 0
    size: int = 100

    @property
    def is_plain(self) -> bool:
        """Tell whether all rows are wanted as they stand, so that the place of a row is known."""
        return not (self.filters or self.words or self.distinct or self.order)


@dataclass(frozen=True, slots=True)
class Sifted:
    """A part of what was asked for; ``more`` tells whether something follows it."""

    rows: pa.Table
    more: bool


@dataclass(frozen=True, slots=True)
class Tallied:
    """How many rows fit; an estimate where counting stopped at a limit."""

    rows: int
    estimated: bool = False
