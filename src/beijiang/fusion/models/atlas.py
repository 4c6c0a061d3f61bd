"""Where things are: geometries in a tree, asked what contains a spot and what is nearest to it.

Coordinates are degrees (CGCS2000 or WGS 84, the same within a metre), longitude first. Distances are in kilometres along
the mean sphere, exact to points, and to lines and areas as straight as their edges are in the plane around the spot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Invalid

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FARTHEST", "Atlas", "Found", "Spot"]

FARTHEST: Final = 500.0
"""Kilometres around a spot that may be searched."""
_RADIUS: Final = 6371.0
"""Of the mean sphere, in kilometres."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the earth."""

    lon: float
    lat: float

    def __post_init__(self) -> None:
        if not (-180 <= self.lon <= 180 and -85 <= self.lat <= 85):  # noqa: PLR2004 - degrees
            raise Invalid(
                f"坐标不对：经度 {self.lon}、纬度 {self.lat}。经度在前，单位为度，如 111.67, 40.82。",
                f"Not a place: longitude {self.lon}, latitude {self.lat}. Degrees, longitude first, as 111.67, 40.82.",
                code="bad_spot",
            )


@dataclass(frozen=True, slots=True)
class Found:
    """A thing near a spot."""

    name: str
    km: float
    """To its nearest point; 0 where the spot is in it."""
    inside: bool


class Atlas:
    """Geometries by name, in a tree (STR) of their boxes."""

    def __init__(self, names: Sequence[str], texts: Sequence[str | None]) -> None:
        """Take geometries as GeoJSON or WKT; what is neither, or empty, is left out and counted."""
        import numpy as np
        import shapely

        shapes = _read(texts)
        there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        self.left_out = int(len(shapes) - there.sum())
        self._names = np.asarray(names, dtype=object)[there]
        self._shapes = shapes[there]
        self._tree = shapely.STRtree(self._shapes)

    def near(self, spot: Spot, km: float, limit: int) -> list[Found]:
        """Return what is within some kilometres, what contains the spot and the smallest first, then the nearest."""
        import numpy as np
        import shapely

        if not 0 < km <= FARTHEST:
            raise Invalid(
                f"距离须大于 0，至多 {FARTHEST:g} 公里。",
                f"A distance is above 0 and {FARTHEST:g} km at most.",
                code="bad_distance",
            )
        high = math.degrees(km / _RADIUS)
        wide = high / max(math.cos(math.radians(min(abs(spot.lat) + high, 89.0))), 0.01)
        here = shapely.box(spot.lon - wide, spot.lat - high, spot.lon + wide, spot.lat + high)
        at = self._tree.query(here)
        if not len(at):
            return []

        plane = shapely.transform(self._shapes[at], partial(_around, spot))
        apart, sizes = shapely.distance(plane, shapely.Point(0, 0)), shapely.area(plane)
        inside = (apart == 0) & (sizes > 0)
        order = np.lexsort((np.where(inside, sizes, 0), np.round(apart, 9), ~inside))
        near = [i for i in order if apart[i] <= km][:limit]
        return [Found(str(self._names[at[i]]), float(apart[i]), bool(inside[i])) for i in near]


def _around(spot: Spot, points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return points in the plane in which every distance and direction from the spot is true (azimuthal equidistant)."""
    import numpy as np

    lon, lat = np.radians(points[:, 0] - spot.lon), np.radians(points[:, 1])
    here = math.radians(spot.lat)
    east, north = np.cos(lat) * np.sin(lon), math.cos(here) * np.sin(lat) - math.sin(here) * np.cos(lat) * np.cos(lon)
    apart = np.arctan2(np.hypot(east, north), math.sin(here) * np.sin(lat) + math.cos(here) * np.cos(lat) * np.cos(lon))
    stretch = _RADIUS / np.sinc(apart / np.pi)  # apart / sin(apart), and 1 at the spot itself
    return np.stack([east * stretch, north * stretch], axis=1)


def _read(texts: Sequence[str | None]) -> np.ndarray[Any, Any]:
    import numpy as np
    import shapely

    words = np.asarray([(text or "").strip() or None for text in texts], dtype=object)
    json = np.asarray([text is not None and text.startswith("{") for text in words], dtype=bool)
    shapes = np.full(len(words), None, dtype=object)
    shapes[json] = shapely.from_geojson(words[json], on_invalid="ignore")
    shapes[~json] = shapely.from_wkt(words[~json], on_invalid="ignore")
    return shapes
