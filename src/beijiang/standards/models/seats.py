"""Where banners are: the seat of each banner, county and district, so that a map can have a point for it without a boundary."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["seat_of"]


def seat_of(place: str) -> tuple[float, float] | None:
    """Return longitude and latitude of a banner's seat, in degrees to about a kilometre; None for what is no banner.

    ``place`` is its whole name or its code of six digits (GB/T 2260); names of banners are unique in the region.
    """
    return _seats().get(place.strip())


@lru_cache(maxsize=1)
def _seats() -> Mapping[str, tuple[float, float]]:
    folder = files("beijiang").joinpath("standards", "reference")
    names = {row["code"]: row["name"] for row in _rows(folder.joinpath("regions.csv").read_text("utf-8"))}
    found: dict[str, tuple[float, float]] = {}
    for row in _rows(folder.joinpath("seats.csv").read_text("utf-8")):
        found[row["code"]] = found[names[row["code"]]] = float(row["longitude"]), float(row["latitude"])
    return found


def _rows(text: str) -> csv.DictReader[str]:
    return csv.DictReader(text.splitlines())
