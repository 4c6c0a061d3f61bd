"""How long records are kept at least, and what an erasure would take. The limits themselves are rules of law (``standards``)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Protocol

from beijiang.kit import Text

__all__ = ["Clock", "Kept", "before", "clocks", "spoken"]


class Rule(Protocol):
    """What evidence needs of a rule of law, which stands on a higher floor."""

    @property
    def value(self) -> str:
        """Return the number."""

    @property
    def unit(self) -> str:
        """Return what the number counts: day, month or year."""

    @property
    def basis(self) -> str:
        """Return the article of law."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Which records a rule of retention holds, by the beginnings of their actions; none means all others."""

    rule: str
    actions: tuple[str, ...]
    text: Text


@dataclass(frozen=True, slots=True)
class Kept:
    """One clock as it stands: the rule, since when records must be kept, and how many older ones still have their text."""

    clock: Clock
    limit: Text
    basis: str
    until: datetime
    due: int


_UNITS = {"day": ("日", "day"), "month": ("个月", "month"), "year": ("年", "year")}


def spoken(rule: Rule) -> Text:
    """Return how long a rule asks for, in words."""
    zh, en = _UNITS[rule.unit]
    return Text(f"{rule.value} {zh}", f"{rule.value} {en}" + ("" if rule.value == "1" else "s"))


@cache
def clocks(domain: str = "evidence") -> Sequence[Clock]:
    """Return the clocks of the packaged table of a domain, the general one last."""
    text = files("beijiang").joinpath(domain, "reference", "retention.csv").read_text("utf-8")
    return tuple(
        Clock(row["rule"], tuple(row["actions"].split()), Text(row["zh"], row["en"]))
        for row in csv.DictReader(text.splitlines())
    )


def before(now: datetime, rule: Rule) -> datetime:
    """Return the moment before which records are older than a rule asks for; the last day of a shorter month counts."""
    number = int(rule.value)
    if rule.unit == "day":
        return now - timedelta(days=number)
    months = now.year * 12 + now.month - 1 - number * (12 if rule.unit == "year" else 1)
    first = now.replace(year=months // 12, month=months % 12 + 1, day=1)
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.replace(day=min(now.day, (following - timedelta(days=1)).day))
