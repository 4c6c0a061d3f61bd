"""What a service of a department answers, as far as the gate needs it: its fields, their grades and types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.protection.models.classify import named_kind
from beijiang.protection.models.grades import ColumnGrade, Findings, GradeSource, Level, higher
from beijiang.protection.models.reference import kinds

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Served", "ServedField", "field_grade"]


@dataclass(frozen=True, slots=True)
class ServedField:
    """One field of an answer; the grade is the stricter of what was said of it and of what its kind asks for."""

    column: str
    type: str
    """text, integer, double, boolean, date or timestamp."""
    level: Level
    kind: str
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A version of a service, under the name that grants know it by."""

    name: str
    version: int
    resource_id: str
    provider_id: str
    fields: tuple[ServedField, ...]
    at: datetime
    """When the version was offered."""

    def field(self, column: str) -> ServedField | None:
        """Return the field of a column."""
        return next((one for one in self.fields if one.column == column), None)

    def grades(self) -> dict[str, ColumnGrade]:
        """Return the grades as the gate has those of tables."""
        none = Findings(rows=0, sampled=False, values=0)
        return {
            one.column: ColumnGrade(
                table=self.name,
                column=one.column,
                level=one.level,
                kind=one.kind,
                personal=kinds()[one.kind].personal,
                mask=kinds()[one.kind].mask,
                source=GradeSource.CORRECTED,
                evidence=none,
                detected_level=one.level,
                table_version=self.version,
                at=self.at,
            )
            for one in self.fields
        }


def field_grade(column: str, type_: str, level: str, kind: str = "") -> tuple[Level, str]:
    """Return the grade and kind of a field: what is said of it, but never less than the name or the kind asks for."""
    named = named_kind(column, type_)
    chosen = kind if kind in kinds() else named
    floor = higher(kinds()[chosen].floor, kinds()[named].floor)
    return higher(Level(level), floor), chosen if chosen != "plain" else named
