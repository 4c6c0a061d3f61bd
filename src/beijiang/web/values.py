"""Cells of tables as JSON has them."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

__all__ = ["plain_value"]


def plain_value(value: Any) -> Any:
    """Return a cell as JSON has it; decimals and moments are texts, so that nothing of them is lost."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
