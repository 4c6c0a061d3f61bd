"""Conditions on visible columns, and an order by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

__all__ = ["AnyPart", "Filter", "FilterOp", "Sort", "Value"]

Value: TypeAlias = "str | int | float | bool | Decimal | date | datetime | Sequence[str | int | float] | None"


class FilterOp(StrEnum):
    """How a filter compares; a NULL satisfies ``isnull`` only."""

    EQ = "eq"
    NE = "ne"
    CONTAINS = "contains"
    STARTSWITH = "startswith"
    ENDSWITH = "endswith"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN_ = "in"
    NOTIN = "notin"
    ISNULL = "isnull"
    NOTNULL = "notnull"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one visible column; filters of a read are joined by AND and act on the masked value."""

    column: str
    op: FilterOp
    value: Value = None


@dataclass(frozen=True, slots=True)
class AnyPart(Filter):
    """A text column contains one of the texts of ``value``; many of them cost little more than a few. For streams only."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Order of a page by one visible column; NULL comes last either way."""

    column: str
    descending: bool = False
