"""Whole numbers as the API takes them: each with an end, so that none is too long for a column or for a program that reads it."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

__all__ = ["Number", "Ordinal", "Place", "Whole"]

_COLUMN: Final = 2_147_483_647
"""The largest number that a whole-number column of every database holds."""
_EXACT: Final = 9_007_199_254_740_991
"""The largest number that every reader of JSON keeps exactly (RFC 8259, 6)."""

Whole = Annotated[int, Field(ge=-_COLUMN - 1, le=_COLUMN)]
"""A number whose own limits the service knows, and says in words."""
Number = Annotated[int, Field(ge=0, le=_COLUMN)]
"""How many, or how long."""
Ordinal = Annotated[int, Field(ge=1, le=_COLUMN)]
"""A version, a revision, a page."""
Place = Annotated[int, Field(ge=0, le=_EXACT)]
"""A place among rows or records, of which there may be more than a column counts."""
