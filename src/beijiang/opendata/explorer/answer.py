"""A computed view: its columns and rows, what was left out, and the cross of two groupings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beijiang.opendata.explorer.view import By, View
from beijiang.tables import Measure

__all__ = ["Answer", "Field", "Pivot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of the answer: a column of the rows, a grouping, or a measure."""

    key: str
    """As the address writes it: ``成立日期:month``, ``sum:注册资本``."""
    type: str
    by: By | None = None
    measure: Measure | None = None
    masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pivot:
    """Two groupings crossed; totals are of everything, also of groups that are not shown."""

    rows: tuple[Any, ...]
    columns: tuple[Any, ...]
    cells: Mapping[tuple[int, int], Any]
    row_totals: tuple[Any, ...]
    column_totals: tuple[Any, ...]
    total: Any
    more_columns: bool = False
    """Whether there are groups of the second grouping that are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gate gave for a view. A step of numbers is given by its lower end."""

    view: View
    drawn: View
    """The view with the widths of steps that were chosen."""
    fields: tuple[Field, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: bool = False
    """Whether there are groups, or rows, that are not shown."""
    others: tuple[Any, ...] | None = None
    """The measures over all groups that are not shown; None for one that does not follow from the whole and the shown."""
    pivot: Pivot | None = None
    gathered: bool = False
    """Whether points that lie close together were gathered to one."""
    places: Mapping[Any, tuple[str, str, str]] = field(default_factory=dict)
    """For a map by region: code, name and English name by the value of the grouping."""
    version: int = 0
    receipt: str = ""
