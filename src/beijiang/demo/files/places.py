"""Places on the map: forest-fire watch points, cultural venues and scenic spots."""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random

from beijiang.demo.files.archive import gbk_zip
from beijiang.demo.files.dbf import DbfValue, Field, dbf_bytes
from beijiang.demo.files.delimited import lines
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, ShareType
from beijiang.demo.files.identity import landline
from beijiang.demo.files.scene import AS_OF, DEMO_NOTE, County, Scene
from beijiang.demo.files.words import STREETS, VILLAGES

__all__ = ["SPOTS", "VENUES", "WATCH_POINTS", "spot_rows", "write_spots", "write_venues", "write_watch_points"]

WATCH_POINTS, VENUES, SPOTS = 800, 1_200, 320
_FORESTED = {"150700": 9, "152200": 4, "150400": 3, "150500": 2, "152500": 1, "150200": 1}


def write_watch_points(scene: Scene, *, surveyed: bool = False) -> HandIn:
    """Write the lookouts as GeoJSON points; a few have no position until the department has ``surveyed`` them."""
    rng = scene.rng("watch points")
    count = scene.size(WATCH_POINTS, 20)
    wooded = [county for county in scene.counties if county.league_code in _FORESTED]
    counties = rng.choices(wooded, weights=[_FORESTED[county.league_code] for county in wooded], k=count)
    features = [_watch_point(scene, rng, number, county) for number, county in enumerate(counties, start=1)]
    lost = [] if surveyed else rng.sample(features, max(1, count // 100))
    for feature in lost:
        feature["geometry"] = None
    path = scene.path("森林防火瞭望点（补测坐标）.geojson" if surveyed else "森林防火瞭望点.geojson")
    collection = {"type": "FeatureCollection", "name": "森林防火瞭望点", "features": features}
    path.write_text(json.dumps(collection, ensure_ascii=False, separators=(",", ":")), "utf-8")
    properties: dict[str, object] = features[0]["properties"]  # type: ignore[assignment]
    columns = tuple(properties)
    return HandIn(
        path=path,
        org_key="forestry",
        table_name="森林防火瞭望点",
        title="森林草原防火瞭望点分布",
        summary="林区防火瞭望塔和瞭望点的位置、海拔、瞭望半径、值守方式与通信方式。" + DEMO_NOTE,
        columns=columns,
        key_columns=("瞭望点编号",),
        rows=count,
        category="103001",
        update_cycle="6",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=(*columns, "经度", "纬度"),
        licence=OPEN_LICENCE,
        planted={} if surveyed else {"missing_geometry": len(lost)},
    )


def _watch_point(scene: Scene, rng: Random, number: int, county: County) -> dict[str, object]:
    longitude, latitude = scene.near(rng, county, 0.6)
    hill = f"{rng.choice(VILLAGES)}{rng.choice(('山', '岭', '沟', '河', '林场'))}"
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        "properties": {
            "瞭望点编号": f"LWD-{county.code}-{number:04d}",
            "名称": f"{hill}瞭望{rng.choice(('塔', '点', '台'))}",
            "盟市": county.league,
            "旗县": county.name,
            "区划代码": county.code,
            "海拔（米）": 400 + int(rng.random() * 1200),
            "瞭望半径（公里）": round(8 + rng.random() * 22, 1),
            "建成年份": 1975 + int(rng.random() * 51),
            "值守方式": rng.choice(("常年值守", "防火期值守", "无人值守（视频）")),
            "通信方式": rng.choice(("超短波", "公网", "卫星", "北斗短报文")),
        },
    }


_VENUE_FIELDS = (
    Field("场馆编号", "C", 14),
    Field("场馆名称", "C", 60),
    Field("场馆类别", "C", 16),
    Field("盟市", "C", 20),
    Field("旗县", "C", 40),
    Field("区划代码", "C", 6),
    Field("地址", "C", 80),
    Field("联系电话", "C", 14),
    Field("开放时间", "C", 40),
    Field("免费开放", "L", 1),
    Field("建筑面积", "N", 10, 1),
    Field("经度", "N", 11, 6),
    Field("纬度", "N", 10, 6),
    Field("更新日期", "D", 8),
)
_VENUE_KINDS = ("图书馆", "文化馆", "博物馆", "美术馆", "苏木乡镇文化站", "非遗传习所", "乌兰牧骑宫", "草原书屋")


def write_venues(scene: Scene) -> HandIn:
    """Write the venues as a dBase table in a ZIP whose member names are GBK; some records are marked as deleted."""
    rng = scene.rng("venues")
    count = scene.size(VENUES, 30)
    rows = [(False, _venue(scene, rng, n, county)) for n, county in enumerate(scene.draw_counties(rng, count), start=1)]
    deleted = max(1, count // 200)
    rows += [(True, values) for _, values in rng.sample(rows, deleted)]
    path = scene.path("文化场馆.zip")
    path.write_bytes(gbk_zip({"文化场馆.dbf": dbf_bytes(_VENUE_FIELDS, rows, changed=AS_OF)}))
    columns = tuple(field.name for field in _VENUE_FIELDS)
    return HandIn(
        path=path,
        org_key="tourism",
        table_name="文化场馆",
        title="全区公共文化场馆名录",
        summary="图书馆、文化馆、博物馆、文化站、非遗传习所等公共文化场馆的名称、类别、地址、开放时间和位置。"
        + DEMO_NOTE,
        columns=columns,
        key_columns=("场馆编号",),
        rows=count,
        category="201001",
        update_cycle="8",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=columns,
        licence=OPEN_LICENCE,
        planted={"deleted_record": deleted, "missing_area": sum(1 for _, v in rows[:count] if v[10] is None)},
    )


def _venue(scene: Scene, rng: Random, number: int, county: County) -> list[DbfValue]:
    kind = rng.choice(_VENUE_KINDS)
    longitude, latitude = scene.near(rng, county, 0.08)
    return [
        f"WH{county.code}{number:05d}",
        f"{county.name}{rng.choice(VILLAGES)}{kind}",
        kind,
        county.league,
        county.name,
        county.code,
        f"{county.name}{rng.choice(STREETS)}路{1 + int(rng.random() * 199)}号",
        landline(rng, county.area_code),
        rng.choice(
            ("周二至周日9:00-17:00", "全年8:30-17:30", "周一至周五9:00-17:30", "夏季8:30-18:00，冬季9:00-17:00")
        ),
        rng.random() < 0.85,  # noqa: PLR2004 - most are free
        None if rng.random() < 0.05 else round(80 + rng.random() ** 3 * 20_000, 1),  # noqa: PLR2004
        longitude,
        latitude,
        AS_OF - timedelta(days=int(rng.random() * 700)),
    ]


SPOT_COLUMNS = ("景区编号", "景区名称", "质量等级", "盟市", "旗县", "区划代码", "评定日期", "门票价格（元）", "最大承载量（人次/日）", "经度", "纬度", "咨询电话")  # fmt: skip


def spot_rows(scene: Scene) -> list[list[str]]:
    """Return the rows of the register of scenic spots; other tables speak of the same spots."""
    rng = scene.rng("spots")
    counties = scene.draw_counties(rng, scene.size(SPOTS, 20))
    return [_spot(scene, rng, number, county) for number, county in enumerate(counties, start=1)]


def write_spots(scene: Scene) -> HandIn:
    """Write the scenic spots as tab-separated GB18030 with a title line on top."""
    rows = spot_rows(scene)
    path = scene.path("A级旅游景区名录.txt")
    text = f"内蒙古自治区A级旅游景区名录（截至{AS_OF.year}年{AS_OF.month}月）\r\n" + lines([SPOT_COLUMNS, *rows], "\t")
    path.write_bytes(text.encode("gb18030"))
    return HandIn(
        path=path,
        org_key="tourism",
        table_name="旅游景区",
        title="全区A级旅游景区名录",
        summary="全区A级旅游景区的名称、等级、评定日期、门票、最大承载量和位置。" + DEMO_NOTE,
        columns=SPOT_COLUMNS,
        key_columns=("景区编号",),
        rows=len(rows),
        category="201002",
        update_cycle="5",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=SPOT_COLUMNS,
        licence=OPEN_LICENCE,
        planted={"title_line": 1, "free_of_charge_in_words": sum(1 for cells in rows if cells[7] == "免费")},
    )


def _spot(scene: Scene, rng: Random, number: int, county: County) -> list[str]:
    longitude, latitude = scene.near(rng, county, 0.3)
    rated = date(2005, 1, 1) + timedelta(days=int(rng.random() * 7700))
    sight = rng.choice(("草原", "湿地", "森林公园", "沙漠", "湖", "古城遗址", "地质公园", "温泉", "民俗村", "冰雪世界"))
    return [
        f"JQ{county.code}{number:04d}",
        f"{rng.choice(VILLAGES)}{rng.choice(VILLAGES)}{sight}旅游区",
        rng.choices(("2A", "3A", "4A", "5A"), weights=(40, 40, 18, 2))[0],
        county.league,
        county.name,
        county.code,
        f"{rated.year}.{rated.month}.{rated.day}",
        "免费" if rng.random() < 0.3 else str(10 * (1 + int(rng.random() * 18))),  # noqa: PLR2004
        f"{500 * (1 + int(rng.random() * 60)):,}",
        f"{longitude}",
        f"{latitude}",
        landline(rng, county.area_code),
    ]
