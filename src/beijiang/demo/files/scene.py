"""The stage that all writers share: seed, scale, folder, and the facts of the region."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from random import Random

__all__ = ["AREA_CODES", "AS_OF", "DEMO_NOTE", "County", "Scene", "packaged_rows"]

AS_OF = date(2026, 10, 31)
"""The reporting date of all files: fixed, so that the same seed gives the same bytes on any day."""

DEMO_NOTE = "（演示数据，由程序随机生成，不反映真实情况）"

# Share of each league and city in the region's residents, in parts of 10,000 persons (census of 2020, rounded).
_RESIDENTS = {
    "150100": 345,
    "150200": 271,
    "150300": 56,
    "150400": 404,
    "150500": 287,
    "150600": 215,
    "150700": 224,
    "150800": 154,
    "150900": 171,
    "152200": 142,
    "152500": 111,
    "152900": 26,
}

AREA_CODES = {
    "150100": "0471",
    "150200": "0472",
    "150300": "0473",
    "150400": "0476",
    "150500": "0475",
    "150600": "0477",
    "150700": "0470",
    "150800": "0478",
    "150900": "0474",
    "152200": "0482",
    "152500": "0479",
    "152900": "0483",
}


@dataclass(frozen=True, slots=True)
class County:
    """A banner, county, city or district with the rough place of its seat (WGS 84, about a kilometre)."""

    code: str
    name: str
    league_code: str
    league: str
    longitude: float
    latitude: float
    kind: str
    weight: float

    @property
    def area_code(self) -> str:
        """Return the telephone area code."""
        return AREA_CODES[self.league_code]

    @property
    def is_urban(self) -> bool:
        """Tell a district or city from a banner or county."""
        return self.kind in {"市辖区", "县级市"}


def packaged_rows(*parts: str) -> list[dict[str, str]]:
    """Read one packaged CSV."""
    text = files("beijiang").joinpath(*parts).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@dataclass(frozen=True)
class Scene:
    """Hand each writer its own random source, sizes at scale, and the region's counties."""

    folder: Path
    seed: int
    scale: float

    def rng(self, name: str) -> Random:
        """Return a random source that depends on the seed and ``name`` only, so writers do not disturb each other."""
        return Random(f"{self.seed}:{name}")  # noqa: S311 - reproducible data, no secret

    def size(self, full: int, least: int = 20) -> int:
        """Return how many rows ``full`` becomes at this scale."""
        return max(least, round(full * self.scale))

    def path(self, name: str) -> Path:
        """Return the place of a file, inside the folder."""
        return self.folder / name

    @cached_property
    def regions(self) -> list[dict[str, str]]:
        """All rows of the packaged region table."""
        return packaged_rows("standards", "reference", "regions.csv")

    @cached_property
    def leagues(self) -> dict[str, str]:
        """The twelve leagues and cities: code to name."""
        return {row["code"]: row["name"] for row in self.regions if row["level"] == "2"}

    @cached_property
    def ethnic_groups(self) -> dict[str, str]:
        """Code to name (GB/T 3304)."""
        return {row["code"]: row["name_zh"] for row in packaged_rows("standards", "reference", "ethnic_groups.csv")}

    @cached_property
    def lunar_new_years(self) -> list[date]:
        """The first days of the lunar years."""
        return [date.fromisoformat(row["on"]) for row in packaged_rows("standards", "reference", "lunar_new_year.csv")]

    @cached_property
    def counties(self) -> list[County]:
        """The 103 county-level units of GB/T 2260; statistical functional zones are not among them."""
        seats = {row["code"]: row for row in packaged_rows("standards", "reference", "seats.csv")}
        rows = [row for row in self.regions if row["code"] in seats]
        return [self._county(row, seats[row["code"]], rows) for row in rows]

    def _county(self, row: dict[str, str], seat: dict[str, str], rows: list[dict[str, str]]) -> County:
        def share(other: dict[str, str]) -> float:
            return 2.0 if other["kind"] == "市辖区" else 1.0

        league = row["parent"]
        total = sum(share(other) for other in rows if other["parent"] == league)
        return County(
            code=row["code"],
            name=row["name"],
            league_code=league,
            league=self.leagues[league],
            longitude=float(seat["longitude"]),
            latitude=float(seat["latitude"]),
            kind=row["kind"],
            weight=_RESIDENTS[league] * share(row) / total,
        )

    @cached_property
    def _weights(self) -> list[float]:
        return list(accumulate(county.weight for county in self.counties))

    def draw_counties(self, rng: Random, count: int) -> list[County]:
        """Draw counties in proportion to their residents."""
        return rng.choices(self.counties, cum_weights=self._weights, k=count)

    def near(self, rng: Random, county: County, spread: float = 0.05) -> tuple[float, float]:
        """Return longitude and latitude about ``spread`` degrees around a county's seat."""
        return (
            round(county.longitude + (rng.random() + rng.random() - 1) * spread * 1.3, 6),
            round(county.latitude + (rng.random() + rng.random() - 1) * spread, 6),
        )

    def disjoint(self, rng: Random, count: int, sizes: dict[str, int]) -> Iterator[tuple[str, list[int]]]:
        """Yield for each kind of dirt its own row numbers out of ``count``; no row gets two kinds, so counts are exact."""
        chosen = rng.sample(range(count), sum(sizes.values()))
        start = 0
        for kind, size in sizes.items():
            yield kind, sorted(chosen[start : start + size])
            start += size
