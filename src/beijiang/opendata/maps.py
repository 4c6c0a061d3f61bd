"""Find where a table's rows lie: by coordinates, or by the code or name of a region; counted by the gate, capped.

No boundary is packaged (a public map in China needs an approved map number), so points are drawn on a plain grid of degrees
and regions as a list with bars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from beijiang.kit import Language, Text
from beijiang.kit.errors import JsonValue
from beijiang.tables import Aggregate, Filter, FilterOp, GovernedColumn, GroupBy, Measure, MeasureFn

if TYPE_CHECKING:
    import pyarrow as pa

MAX_POINTS = 2000
MAX_REGIONS = 1000
REGION_BARS = 40
LONGITUDE_WORDS = ("经度", "longitude", "lng", "lon")
LATITUDE_WORDS = ("纬度", "latitude", "lat")
REGION_CODE_WORDS = ("行政区划代码", "区划代码", "地区代码", "盟市代码", "旗县代码", "region_code", "adcode")
REGION_NAME_WORDS = (
    "所在旗县",
    "所属旗县",
    "旗县",
    "所在盟市",
    "所属盟市",
    "盟市",
    "行政区划",
    "地区",
    "所属区域",
    "城市",
)
LABEL_WORDS = ("名称", "站点", "点名", "name")


class MapKind(StrEnum):
    """How rows are placed."""

    POINTS = "points"
    REGIONS = "regions"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlan:
    """Which columns place a row: (longitude, latitude) for points, one column for regions."""

    kind: MapKind
    columns: tuple[str, ...]
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A place and how many rows lie there; degrees as in the source."""

    longitude: float
    latitude: float
    rows: int
    label: str


@dataclass(frozen=True, slots=True)
class RegionCount:
    """A region and how many rows belong to it."""

    code: str
    name: str
    name_en: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """A computed map; ``unplaced`` rows have no place that could be read, ``cut`` when there were more places."""

    plan: MapPlan
    points: tuple[Point, ...] = ()
    regions: tuple[RegionCount, ...] = ()
    unplaced: int = 0
    cut: bool = False
    version: int = 0
    values: Mapping[str, str] = field(default_factory=dict)
    """For regions: the one value of the column behind a code, where there is only one."""

    def as_json(self) -> dict[str, JsonValue]:
        """Return the map as data for programs."""
        points: list[JsonValue] = [
            {"longitude": p.longitude, "latitude": p.latitude, "rows": p.rows, "label": p.label} for p in self.points
        ]
        regions: list[JsonValue] = [
            {"code": r.code, "name": r.name, "name_en": r.name_en, "rows": r.rows} for r in self.regions
        ]
        return {
            "kind": self.plan.kind.value,
            "columns": [*self.plan.columns],
            "version": self.version,
            "points": points,
            "regions": regions,
            "unplaced": self.unplaced,
            "cut": self.cut,
        }


def plan(columns: Sequence[GovernedColumn]) -> MapPlan | None:
    """Choose the columns that place a row; None when the table has none."""
    numbers = [c.name for c in columns if c.type in {"integer", "decimal", "double"}]
    texts = [c.name for c in columns if c.type == "text"]
    if placed := coordinates(numbers):
        return MapPlan(kind=MapKind.POINTS, columns=placed, label=_named(texts, LABEL_WORDS))
    region = _named([c.name for c in columns if c.type in {"text", "integer"} and not c.masked], REGION_CODE_WORDS)
    region = region or _named([c.name for c in columns if c.type == "text" and not c.masked], REGION_NAME_WORDS)
    return MapPlan(kind=MapKind.REGIONS, columns=(region,)) if region else None


def coordinates(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the names that say longitude and latitude."""
    longitude, latitude = _named(names, LONGITUDE_WORDS), _named(names, LATITUDE_WORDS)
    return (longitude, latitude) if longitude and latitude else None


def _named(names: Sequence[str], words: Sequence[str]) -> str | None:
    """Return the first name that is or holds one of the words, the words in order of preference."""
    for word in words:
        exact = [n for n in names if n.lower() == word]
        held = exact or [n for n in names if n.lower().startswith(word) or n.lower().endswith(word)]
        if held:
            return held[0]
    return None


def aggregate(chosen: MapPlan, filters: tuple[Filter, ...]) -> Aggregate:
    """Return the summary to ask of the gate, most rows first, one place more than is shown."""
    groups = tuple(GroupBy(name) for name in chosen.columns)
    count = (Measure(MeasureFn.COUNT),)
    if chosen.kind is MapKind.REGIONS:
        return Aggregate(
            group=groups, measures=count, filters=filters, order=((1, True), (0, False)), limit=MAX_REGIONS + 1
        )
    placed = tuple(Filter(name, FilterOp.NOTNULL) for name in chosen.columns)
    if chosen.label:
        groups += (GroupBy(chosen.label),)
    order = ((len(groups), True), *((i, False) for i in range(len(groups))))
    return Aggregate(group=groups, measures=count, filters=filters + placed, order=order, limit=MAX_POINTS + 1)


def points(chosen: MapPlan, summary: pa.Table, version: int) -> MapView:
    """Read the summary of a point map; pairs that lie off the earth count as unplaced."""
    found: list[Point] = []
    unplaced = 0
    rows = list(zip(*(c.to_pylist() for c in summary.columns), strict=True))
    for row in rows[:MAX_POINTS]:
        longitude, latitude, count = float(row[0]), float(row[1]), int(row[-1])
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90) or (longitude, latitude) == (0.0, 0.0):  # noqa: PLR2004
            unplaced += count
            continue
        found.append(Point(longitude, latitude, count, str(row[2] or "") if chosen.label else ""))
    return MapView(plan=chosen, points=tuple(found), unplaced=unplaced, cut=len(rows) > MAX_POINTS, version=version)


def regions(
    chosen: MapPlan, summary: pa.Table, version: int, lookup: Callable[[str], tuple[str, str, str] | None]
) -> MapView:
    """Read the summary of a region map; ``lookup`` gives (code, name, English name) for a code or name."""
    rows = list(zip(*(c.to_pylist() for c in summary.columns), strict=True))
    counts: dict[tuple[str, str, str], int] = {}
    written: dict[str, list[str]] = {}
    unplaced = 0
    for value, count in rows[:MAX_REGIONS]:
        region = lookup(str(value)) if value is not None else None
        if region is None:
            unplaced += int(count)
        else:
            counts[region] = counts.get(region, 0) + int(count)
            written.setdefault(region[0], []).append(str(value))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0][0]))
    listed = tuple(RegionCount(*region, rows=count) for region, count in ordered)
    single = {code: values[0] for code, values in written.items() if len(values) == 1}
    cut = len(rows) > MAX_REGIONS
    return MapView(plan=chosen, regions=listed, unplaced=unplaced, cut=cut, version=version, values=single)


def drawing(view: MapView, language: Language) -> dict[str, JsonValue]:
    """Return the drawing for the page's script: points for a map, or the largest regions as bars."""
    if view.plan.kind is MapKind.POINTS:
        points: list[JsonValue] = [
            {"name": _named_point(p, language), "lon": p.longitude, "lat": p.latitude, "value": p.rows}
            for p in view.points
        ]
        return {"points": points, "boundary": None}
    first = view.regions[:REGION_BARS]
    names: list[JsonValue] = [r.name if language is Language.ZH else r.name_en for r in first]
    rows = Text("行数", "Rows").in_language(language)
    series: list[JsonValue] = [{"name": rows, "values": [r.rows for r in first]}]
    return {"type": "bar", "x": names, "x_name": "", "series": series, "unit": rows}


def _named_point(point: Point, language: Language) -> str:
    place = point.label or f"{point.longitude:g}, {point.latitude:g}"
    count = Text(f"{point.rows} 行", f"{point.rows} rows").in_language(language)
    return place if point.rows == 1 else f"{place} · {count}"
