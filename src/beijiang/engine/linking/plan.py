"""What a linker is told: columns to make, which pairs to look at, what to compare and how to learn its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = ["LEFT", "RECORD", "RIGHT", "SOURCE", "Block", "Comparison", "Level", "LinkPlan"]

LEFT: Final = "_l"
RIGHT: Final = "_r"
"""Ends of a column's name in the tests of a level: the same column of one record and of the other."""
RECORD: Final = "record"
SOURCE: Final = "source"
"""What every prepared record has besides the columns that the plan makes: its id, and where it came from."""


@dataclass(frozen=True, eq=False)
class Level:
    """One degree of likeness: a test on columns that end in ``_l`` and ``_r``."""

    name: str
    """Stable word, unique within its comparison, e.g. ``same_sound``."""
    test: exp.Expr
    m: float
    """How often it holds among records of one person or firm, until that is learned."""
    u: float
    """How often it holds among records of others, until that is learned."""
    rarity: str = ""
    """Column whose rare values count for more than common ones where this level holds; empty: all count the same."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """How one field of two records is compared; the first level that holds counts, and ``different`` if none does."""

    field: str
    missing: exp.Expr
    """Holds where nothing can be said, because one of both records does not tell."""
    levels: tuple[Level, ...]
    """From the most alike to the least."""
    different: float | None = None
    """How often no level holds among records of one, where that is known better than it can be learned: two valid
    citizen numbers are two persons, and too few matches tell otherwise for a sample to show it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A reason to look at a pair at all: both records have the same values in these columns, none of them NULL."""

    name: str
    columns: tuple[str, ...]
    most: int = 200
    """Values that more records share than this bring no pairs: they tell nobody apart, and pairs grow by the square."""


@dataclass(frozen=True, eq=False)
class LinkPlan:
    """Everything that decides which pairs come out, with what probability; the same plan and rows give the same pairs."""

    prepare: exp.Query
    """Reads ``lake.records`` and the look-ups (``lake.<name>``); gives ``record``, ``source`` and the columns compared."""
    comparisons: tuple[Comparison, ...]
    blocks: tuple[Block, ...]
    training: tuple[tuple[str, ...], ...]
    """Columns by which pairs are picked to learn from; what compares one of these columns is not learned from them."""
    lookups: Mapping[str, pa.Table] = field(default_factory=dict)
    across: bool = False
    """Only pairs of records of different sources, where each source is known to hold nobody twice."""
    prior: float = 1e-6
    """Probability that two records picked at random are of one, where too few records are there to count it."""
    certain: tuple[tuple[str, ...], ...] = ()
    """Columns whose equality almost always means the same one, to count how many matches there are; see ``recall``."""
    recall: float = 0.7
    """Share of all matches that ``certain`` finds."""
    floor: float = 0.01
    """Pairs less probable than this are not handed over."""
    most_pairs: int = 200_000_000
    """A plan that would look at more pairs is refused before it starts (``too_many_pairs``)."""
    training_pairs: int = 1_000_000
    """About how many pairs are looked at for each thing that is learned."""
    least_records: int = 2_000
    """Fewer records teach nothing: their pairs are judged by the weights that the levels start with."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns by which pairs are picked, each once."""
        return tuple(dict.fromkeys(column for block in self.blocks for column in block.columns))
