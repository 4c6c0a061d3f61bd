"""The algebra of origins: what a value keeps of the columns that it was made from when it is used again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from beijiang.tables import Origin, Use

__all__ = ["NOTHING", "Origins", "Relation", "folded", "lift", "numbered", "unknown"]

Origins = frozenset[Origin]

NOTHING: Final[Origins] = frozenset()

_STRENGTH: Final = {Use.IDENTITY: 0, Use.TRANSFORMATION: 1, Use.AGGREGATION: 2}


@dataclass(frozen=True)
class Relation:
    """Something that rows come from: its columns in order, each with what it was made from."""

    columns: tuple[tuple[str, Origins], ...]
    influences: Origins = NOTHING
    """What decides which rows there are: filters, joins, groups."""
    rest: Origins | None = None
    """Origins of columns whose names cannot be known (``PIVOT`` without its values); none where all are listed."""
    name: str = ""

    def find(self, name: str) -> tuple[str, Origins] | None:
        """Return the column of that name, written as its table has it."""
        found = self._by_name.get(folded(name))
        return found if found is not None or self.rest is None else (name, self.rest)

    @cached_property
    def _by_name(self) -> dict[str, tuple[str, Origins]]:
        return {folded(one[0]): one for one in reversed(self.columns)}

    def everything(self) -> Origins:
        """Return the origins of all columns."""
        return NOTHING.union(*(origins for _, origins in self.columns), self.rest or NOTHING)


def folded(name: str) -> str:
    """Return the form in which DuckDB compares names: letters of one case."""
    return name.lower()


def numbered(columns: list[tuple[str, Origins]]) -> tuple[tuple[str, Origins], ...]:
    """Tell columns of one name apart, as DuckDB does when a query becomes a table: ``a``, ``a_1``."""
    taken: set[str] = set()
    next_number: dict[str, int] = {}
    named: list[tuple[str, Origins]] = []
    for name, origins in columns:
        fresh, base = name, folded(name)
        while folded(fresh) in taken:
            next_number[base] = next_number.get(base, 0) + 1
            fresh = f"{name}_{next_number[base]}"
        taken.add(folded(fresh))
        named.append((fresh, origins))
    return tuple(named)


def unknown(why: str) -> Origins:
    """Return the mark of what could not be resolved; it travels like an origin and is replaced at the end."""
    return frozenset({Origin("", why, Use.IDENTITY)})


def lift(origins: Origins, use: Use) -> Origins:
    """Return the origins of a value made from one that has ``origins``.

    A direct use keeps the strongest (identity, transformation, aggregation) and leaves indirect ones as they are; in an
    indirect one, say a filter, all that the value was made from becomes that.
    """
    if not use.is_direct:
        return frozenset(Origin(o.table, o.column, use) for o in origins)
    strength = _STRENGTH[use]
    return frozenset(
        Origin(o.table, o.column, use) if o.use.is_direct and _STRENGTH[o.use] < strength else o for o in origins
    )
