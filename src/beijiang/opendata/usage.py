"""How much open data is used: counts by month, without any trace of who; small ones are told coarsely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from beijiang.kit import Word

__all__ = ["FEW", "SetUse", "Usage", "UseKind", "coarse", "told_count"]

FEW: Final = 10
"""Counts below this are told as "fewer than ten", others in tens: nobody can tell one visit from another."""


class UseKind(Word):
    """How a data set was used."""

    VIEW = "view", "浏览", "views"
    DOWNLOAD = "download", "下载", "downloads"
    CALL = "call", "接口调用", "API calls"


@dataclass(frozen=True, slots=True)
class SetUse:
    """The use of one data set in the months that were asked for; coarse."""

    dataset_id: str
    title: str
    counts: Mapping[UseKind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The use of the portal or of one data set: per month, in all, and the most used sets; every number is coarse."""

    months: Sequence[str]
    """``2026-11``, the oldest first."""
    by_month: Mapping[UseKind, Sequence[int]]
    totals: Mapping[UseKind, int]
    sets: tuple[SetUse, ...] = ()


def coarse(count: int) -> int:
    """Return 0 for none, 1 for fewer than ten, else the full tens."""
    if count == 0:
        return 0
    return 1 if count < FEW else count // FEW * FEW


def told_count(count: int) -> str:
    """Write a coarse number: ``1`` stands for fewer than ten."""
    return f"<{FEW}" if 0 < count < FEW else f"{count:,}"
