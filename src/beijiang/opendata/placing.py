"""Which columns place a row on the earth and in time, how they are read, and what of them touches a box or a moment.

Coordinates are degrees of longitude and latitude as the gate shows them: a masked place is as coarse here as anywhere. What is
no place on the earth (nothing, text that cannot be read, metres of a projection, 0/0) is no place at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beijiang.opendata import maps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from beijiang.opendata.models import DatasetField
    from beijiang.tables import GovernedColumn

__all__ = ["Box", "Moments", "Placement", "chosen", "extent_of", "fitting", "geometry_of", "perhaps", "read_shapes"]

GEOMETRY_WORDS: Final = ("geometry", "geom", "the_geom", "wkt", "geojson", "几何", "几何图形", "空间范围", "边界")
WEST, SOUTH, EAST, NORTH = -180.0, -90.0, 180.0, 90.0
Test = Callable[["pa.RecordBatch"], "npt.NDArray[np.bool_]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The columns that place a row: longitude and latitude, or one with a geometry; and the one that tells when."""

    columns: tuple[str, ...]
    moment: str | None = None
    """The first column with a date or a moment."""

    @property
    def is_point(self) -> bool:
        """Tell whether two columns give a point."""
        return len(self.columns) == 2  # noqa: PLR2004 - longitude and latitude


@dataclass(frozen=True, slots=True)
class Box:
    """A box of degrees; where it crosses the antimeridian its west is greater than its east."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Moments:
    """From when until when, both inclusive; None is an open end."""

    begin: datetime | None
    end: datetime | None


def chosen(columns: Sequence[GovernedColumn]) -> Placement | None:
    """Choose the columns that place a row; None where there are none."""
    moment = next((c.name for c in columns if c.type in {"date", "timestamp"}), None)
    shapes = [c.name for c in columns if c.type == "geometry"]
    shapes = shapes or [c.name for c in columns if c.type == "text" and c.name.lower() in GEOMETRY_WORDS]
    if shapes:
        return Placement(columns=(shapes[0],), moment=moment)
    plan = maps.plan(columns)
    if plan is None or plan.kind is not maps.MapKind.POINTS:
        return None
    return Placement(columns=plan.columns, moment=moment)


def perhaps(fields: Sequence[DatasetField]) -> bool:
    """Tell whether the published dictionary speaks of places, before any row is opened."""
    shapes = any(f.type in {"G", "geometry"} or f.column.lower() in GEOMETRY_WORDS for f in fields)
    return shapes or maps.coordinates([f.column for f in fields]) is not None


def read_shapes(texts: Sequence[str | None]) -> npt.NDArray[Any]:
    """Return the geometries of texts in GeoJSON or WKT; None for what is no place on the earth."""
    import numpy as np
    import shapely

    found = np.full(len(texts), None, dtype=object)
    plain = [(text or "").strip() for text in texts]
    written = np.array([text.startswith("{") for text in plain], dtype=bool)
    for mask, read in ((written, shapely.from_geojson), (~written, shapely.from_wkt)):
        if mask.any():
            words = np.array([text or None for text, one in zip(plain, mask, strict=True) if one], dtype=object)
            found[mask] = read(words, on_invalid="ignore")
    bounds = shapely.bounds(found)
    on_earth = (bounds[:, 0] >= WEST) & (bounds[:, 1] >= SOUTH) & (bounds[:, 2] <= EAST) & (bounds[:, 3] <= NORTH)
    found[~on_earth] = None
    return found


def fitting(placement: Placement, box: Box | None, moments: Moments | None, zone: str) -> Test:
    """Return the test of rows; what has no place fits every box, what has no moment every time (OGC 17-069r4, 7.15.3, 7.15.4)."""

    def fits(batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        import numpy as np

        kept = np.ones(batch.num_rows, dtype=bool)
        if box is not None:
            kept &= _touches(placement, batch, box)
        if moments is not None and placement.moment is not None:
            kept &= _within(batch.column(placement.moment), moments, zone)
        return kept

    return fits


def extent_of(placement: Placement, batch: pa.RecordBatch) -> tuple[float, float, float, float] | None:
    """Return the box around what lies on the earth in a part of the rows."""
    import numpy as np
    import shapely

    if placement.is_point:
        x, y = _degrees(placement, batch)
        bounds = np.column_stack((x, y, x, y))
    else:
        bounds = shapely.bounds(read_shapes(batch.column(placement.columns[0]).to_pylist()))
    bounds = bounds[~np.isnan(bounds).any(axis=1)]
    if not len(bounds):
        return None
    low, high = bounds.min(axis=0), bounds.max(axis=0)
    return float(low[0]), float(low[1]), float(high[2]), float(high[3])


def geometry_of(placement: Placement, rows: pa.Table) -> list[dict[str, Any] | None]:
    """Return the geometry of each row as GeoJSON; None where it has none."""
    import numpy as np
    import orjson
    import shapely

    if placement.is_point:
        x, y = _degrees(placement, rows)
        return [
            None if np.isnan(a) else {"type": "Point", "coordinates": [a, b]}
            for a, b in zip(x.tolist(), y.tolist(), strict=True)
        ]
    written = shapely.to_geojson(read_shapes(rows.column(placement.columns[0]).to_pylist()))
    return [None if text is None else orjson.loads(text) for text in written]


def _degrees(
    placement: Placement, rows: pa.RecordBatch | pa.Table
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return longitudes and latitudes, both not a number where the row has no place."""
    import numpy as np
    import pyarrow as pa

    x, y = (
        np.asarray(rows.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64).copy()
        if isinstance(rows, pa.RecordBatch)
        else np.asarray(rows.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64).copy()
        for name in placement.columns
    )
    placed = (x >= WEST) & (x <= EAST) & (y >= SOUTH) & (y <= NORTH) & ~((x == 0) & (y == 0))
    x[~placed] = y[~placed] = np.nan
    return x, y


def _touches(placement: Placement, batch: pa.RecordBatch, box: Box) -> npt.NDArray[np.bool_]:
    import numpy as np
    import shapely

    sides = [(box.west, box.east)] if box.west <= box.east else [(box.west, EAST), (WEST, box.east)]
    if placement.is_point:
        x, y = _degrees(placement, batch)
        inside = np.zeros(len(x), dtype=bool)
        for west, east in sides:
            inside |= (x >= west) & (x <= east)
        inside &= (y >= box.south) & (y <= box.north)
        return inside | np.isnan(x)
    shapes = read_shapes(batch.column(placement.columns[0]).to_pylist())
    touched = shapely.is_missing(shapes)
    for west, east in sides:
        touched |= shapely.intersects(shapes, shapely.box(west, box.south, east, box.north))
    found: npt.NDArray[np.bool_] = touched
    return found


def _within(column: pa.Array, moments: Moments, zone: str) -> npt.NDArray[np.bool_]:
    """Tell which moments lie within; a date is its whole day where the platform is."""
    import numpy as np

    here = ZoneInfo(zone)
    known: list[bool] = []
    for value in column.to_pylist():
        if value is None:
            known.append(True)
            continue
        begin, end = _span(value, here)
        known.append((moments.begin is None or end >= moments.begin) and (moments.end is None or begin <= moments.end))
    return np.array(known, dtype=bool)


def _span(value: date | datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware, aware
    begin = datetime(value.year, value.month, value.day, tzinfo=zone)
    return begin, begin + timedelta(days=1) - timedelta(microseconds=1)
