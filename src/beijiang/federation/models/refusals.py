"""Entries of a node below that were refused: what is known of each, and when it is asked for again."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files

__all__ = ["RefusedEntry", "rests"]


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry as it was told when it was refused."""

    code: str
    """Why."""
    org_id: str
    """The organisation that would stand here for its department."""
    digest: str
    """What both sides know by which words it was told; others are another matter."""
    at: datetime


@cache
def _lengths() -> tuple[tuple[date, timedelta], ...]:
    text = files("beijiang").joinpath("federation", "reference", "refusals.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple((date.fromisoformat(row["since"]), timedelta(days=int(row["days"]))) for row in rows)


def rests(day: date) -> timedelta:
    """Return for how long what was refused is not asked for again, by the rule in force on a day, while nothing has changed."""
    return max((one for one in _lengths() if one[0] <= day), key=lambda one: one[0])[1]
