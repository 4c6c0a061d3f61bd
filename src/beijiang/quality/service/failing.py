"""Rows that fail a rule, as one reader may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.quality.models.grammar import columns_in

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.quality.models import Rule, Run
    from beijiang.quality.service.suggesting import Suggestion
    from beijiang.tables import GovernedTable

__all__ = ["Breaking", "Failing"]


@dataclass(frozen=True, slots=True)
class Failing:
    """Rows that fail a rule, as one reader may see them."""

    rule: Rule
    run: Run
    governed: GovernedTable
    rows: pa.Table
    found: int
    """How many places were found; fewer rows where some are kept from this reader."""
    most: int

    @property
    def cut(self) -> bool:
        """Tell whether there may be more."""
        return self.found >= self.most

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule is about, as far as they are shown."""
        named = self.rule.columns or columns_in(str(self.rule.params.get("expression", "TRUE")))
        shown = {column.name for column in self.governed.columns}
        return tuple(name for name in named if name in shown)


@dataclass(frozen=True, slots=True)
class Breaking:
    """Rows that would break a suggested rule, as one reader may see them."""

    suggestion: Suggestion
    version: int
    governed: GovernedTable
    rows: pa.Table
    found: int
    """How many places were found; fewer rows where some are kept from this reader."""
    most: int

    @property
    def cut(self) -> bool:
        """Tell whether there may be more."""
        return self.found >= self.most
