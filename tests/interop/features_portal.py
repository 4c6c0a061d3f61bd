"""Open sets that lie on the map: points, points that are masked, shapes in GeoJSON and WKT; some rows have no place."""

from __future__ import annotations

import json
from typing import Any

from beijiang.access import Role
from opendata.conftest import Portal, as_csv, person

STATIONS, GRID, PARKS, ROADS = "气象站", "珍稀树木", "公园", "公路"
HEAD = ["站号", "名称", "经度", "纬度", "设站日期", "等级"]


def stations() -> list[list[str]]:
    """Return forty stations; the last four have no place: empty, off the earth, metres of a projection, 0/0."""
    rows = [
        [
            f"S{i:03d}",
            f"第{i}站",
            f"{100 + i * 0.5:.4f}",
            f"{38 + i * 0.25:.4f}",
            f"20{i % 20:02d}-0{1 + i % 9}-15",
            str(i % 4),
        ]
        for i in range(36)
    ]
    odd = [["", ""], ["999", "41"], ["4517000.5", "380000.2"], ["0", "0"]]
    return rows + [[f"S{36 + i:03d}", f"第{36 + i}站", x, y, "", "9"] for i, (x, y) in enumerate(odd)]


def parks() -> bytes:
    """Return parks as GeoJSON: ten squares of a degree, one with a hole, one without a geometry."""
    features: list[dict[str, Any]] = []
    for i in range(10):
        west, south = 100 + 2 * i, 40
        ring = [[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]
        rings = [ring]
        if i == 3:
            rings.append(
                [
                    [west + 0.2, south + 0.2],
                    [west + 0.2, south + 0.8],
                    [west + 0.8, south + 0.8],
                    [west + 0.8, south + 0.2],
                    [west + 0.2, south + 0.2],
                ]
            )
        features.append(
            {
                "type": "Feature",
                "properties": {"园名": f"公园{i}", "面积": i + 0.5},
                "geometry": {"type": "Polygon", "coordinates": rings},
            }
        )
    features.append({"type": "Feature", "properties": {"园名": "无界公园", "面积": 1.5}, "geometry": None})
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def spread(portal: Portal) -> Portal:
    """Take the sets in and publish them."""
    trees = [[f"树{i:02d}", f"{110.12345 + i * 0.01:.5f}", f"{41.54321 + i * 0.01:.5f}"] for i in range(12)]
    roads = [[f"G{i}", f"LINESTRING ({100 + i} 42, {101 + i} 43)" if i != 4 else "不详"] for i in range(6)]
    with portal.working():
        portal.take_in(STATIONS, "forest", "气象站.csv", as_csv(HEAD, stations()), key=("站号",))
        portal.ids["stations"] = portal.publish(STATIONS)
        portal.take_in(GRID, "forest", "树.csv", as_csv(["树名", "经度", "纬度"], trees))
        steward = person("steward", "forest", Role.STEWARD)
        for name in ("经度", "纬度"):
            portal.platform.protection.choose_mask(
                steward, GRID, name, "round_to", {"step": "1"}, reason="珍稀树木位置不公开"
            )
        portal.ids["trees"] = portal.publish(GRID)
        portal.take_in(PARKS, "forest", "公园.geojson", parks())
        portal.ids["parks"] = portal.publish(PARKS)
        portal.take_in(ROADS, "forest", "公路.csv", as_csv(["路线", "WKT"], roads))
        portal.ids["roads"] = portal.publish(ROADS)
    return portal
