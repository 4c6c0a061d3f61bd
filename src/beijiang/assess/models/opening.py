"""Statistical indicators that everybody may read: who opened one and why, and what the public sees of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from beijiang.assess.models.figures import Figure, Stage, Value
from beijiang.assess.models.periods import Period, PeriodKind
from beijiang.kit import Text

__all__ = ["FREQUENCIES", "STATUSES", "TOTAL", "OpenFigure", "Opening", "group_code", "time_of"]

TOTAL: Final = "_T"
FREQUENCIES: Final = {PeriodKind.YEAR: "A", PeriodKind.QUARTER: "Q", PeriodKind.MONTH: "M"}
STATUSES: Final = {Stage.FINAL: "A", Stage.PRELIMINARY: "P", Stage.FLASH: "E"}
"""How final a value is, in SDMX's code list of observation status: normal, provisional, estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The decision that an indicator's released values are public."""

    code: str
    reason: str
    by: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenFigure:
    """An indicator that is public, with the values that hold, oldest first."""

    figure: Figure
    values: Sequence[Value]
    opening: Opening

    @property
    def flow(self) -> str:
        """Return the id of its dataflow."""
        return self.figure.code.upper()

    @property
    def version(self) -> str:
        """Return the version of its dataflow: that of the definition."""
        return f"{self.figure.version}.0"

    @property
    def groups(self) -> dict[str, Text]:
        """Return code and name of its groups, the total first; empty where it has none."""
        named = dict.fromkeys([*self.figure.dimensions, *(v.dimension for v in self.values if v.dimension)])
        if not named:
            return {}
        return {TOTAL: Text("合计", "Total"), **{group_code(one): Text(one, one) for one in named}}

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return the dimensions of a series key, in order."""
        return ("FREQ", "REF_AREA", "BREAKDOWN") if self.groups else ("FREQ", "REF_AREA")

    def key(self, value: Value) -> tuple[str, ...]:
        """Return the series that a value belongs to."""
        key = (FREQUENCIES[value.period.kind], value.region)
        return (*key, group_code(value.dimension) if value.dimension else TOTAL) if self.groups else key

    @property
    def changed(self) -> datetime:
        """Return when the public last got something else to read."""
        return max([self.opening.at, self.figure.at, *(v.decided_at for v in self.values if v.decided_at)])


def group_code(name: str) -> str:
    """Return the code of a group, which stays when other groups come and go."""
    return "G" + hashlib.sha256(name.encode()).hexdigest()[:8].upper()


def time_of(period: Period) -> str:
    """Return a period as SDMX writes it: 2026, 2026-Q3, 2026-10."""
    return str(period).replace("Q", "-Q")
