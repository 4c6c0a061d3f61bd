"""How one audience sees one table: each column raw, masked or withheld, and the literal row filter."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from beijiang.protection.models.reference import handling
from beijiang.tables import Filter

if TYPE_CHECKING:
    from beijiang.protection.models.grades import ColumnGrade, Level

__all__ = ["Audience", "Obligation", "RowRule", "Sight", "Treatment", "treatment_of"]


class Audience(StrEnum):
    """In which standing an actor reads; the gate takes the highest that the policies grant."""

    OPEN = "open"
    SHARED = "shared"
    REVIEW = "review"
    OWN = "own"
    PLATFORM = "platform"


class Treatment(StrEnum):
    """What becomes of a column."""

    RAW = "raw"
    MASKED = "masked"
    WITHHELD = "withheld"


def treatment_of(audience: Audience, level: Level, kind: str) -> Treatment:
    """Look up the treatment; a case that the table does not know is withheld."""
    table = handling()
    found = table.get((audience, level, kind)) or table.get((audience, level, "*"))
    return Treatment(found) if found else Treatment.WITHHELD


@dataclass(frozen=True, slots=True)
class Obligation:
    """The treatment of one column that may be seen."""

    column: str
    grade: ColumnGrade
    treatment: Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """A literal row filter on a table, for everybody or for one audience; rules of one table are joined by AND."""

    id: str
    table: str
    audience: Audience | None
    filters: tuple[Filter, ...]
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The outcome of a decision; its digest is in receipts and page tokens."""

    audience: Audience
    table: str
    version: int
    obligations: tuple[Obligation, ...]
    withheld: tuple[str, ...]
    row_filters: tuple[Filter, ...] = field(default=())

    @property
    def digest(self) -> str:
        """Name exactly these obligations: audience, version, columns, masks and row filter."""
        columns = [[o.column, o.treatment, o.grade.mask, o.grade.level] for o in self.obligations]
        filters = [[f.column, f.op, repr(f.value)] for f in self.row_filters]
        body = json.dumps([self.audience, self.table, self.version, columns, filters], ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()

    @property
    def grade(self) -> str:
        """Return the highest grade among the columns shown, L1 when there is none."""
        return max((o.grade.level for o in self.obligations), default="L1")
