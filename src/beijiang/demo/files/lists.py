"""The smaller lists: divisions, schools, bus stops, weather days and the power use of large consumers."""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.firms import Firm
from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, LoadMode, OpenType, ShareType
from beijiang.demo.files.scene import DEMO_NOTE, County, Scene
from beijiang.demo.files.words import STREETS

__all__ = [
    "BUS_STOPS",
    "POWER_FIRMS",
    "POWER_MONTHS",
    "SCHOOLS",
    "WEATHER_DAYS",
    "write_bus_stops",
    "write_divisions",
    "write_power",
    "write_schools",
    "write_weather",
]

SCHOOLS, BUS_STOPS, WEATHER_DAYS, POWER_FIRMS, POWER_MONTHS = 1_500, 2_500, 92, 500, 24


def write_divisions(scene: Scene) -> HandIn:
    """Write the administrative divisions from the packaged region table: plain UTF-8 CSV, no dirt."""
    columns = ("区划代码", "名称", "英文名称", "级别", "上级代码", "类型", "是否功能区")
    rows = [
        (
            row["code"], row["name"], row["name_en"], row["level"], row["parent"], row["kind"],
            "是" if row["is_functional_zone"] == "true" else "否",
        )
        for row in scene.regions
    ]  # fmt: skip
    path = scene.path("行政区划代码表.csv")
    path.write_bytes(lines([columns, *rows]).encode())
    return HandIn(
        path=path,
        org_key="bigdata",
        table_name="行政区划",
        title="内蒙古自治区行政区划代码",
        summary="自治区、盟市、旗县三级行政区划代码与名称，另含5个统计用功能区；区划事实截至2023年6月30日。",
        columns=columns,
        key_columns=("区划代码",),
        rows=len(rows),
        category="103002",
        update_cycle="6",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=columns,
        licence=OPEN_LICENCE,
    )


def write_schools(scene: Scene) -> HandIn:
    """Write the schools as one JSON object a line; some have no position yet."""
    rng = scene.rng("schools")
    counties = scene.draw_counties(rng, scene.size(SCHOOLS, 30))
    schools = [_school(scene, rng, number, county) for number, county in enumerate(counties, start=1)]
    path = scene.path("学校名录.ndjson")
    path.write_text("".join(json.dumps(school, ensure_ascii=False) + "\n" for school in schools), "utf-8")
    columns = tuple(schools[0])
    return HandIn(
        path=path,
        org_key="education",
        table_name="学校名录",
        title="全区学校名录",
        summary="幼儿园、中小学和中等职业学校的名称、学段、办学性质、在校生和教职工人数以及位置。" + DEMO_NOTE,
        columns=columns,
        key_columns=("学校标识码",),
        rows=len(schools),
        category="201003",
        update_cycle="6",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=columns,
        licence=OPEN_LICENCE,
        planted={"missing_position": sum(1 for school in schools if school["经度"] is None)},
    )


def _school(scene: Scene, rng: Random, number: int, county: County) -> dict[str, object]:
    stage = rng.choices(("幼儿园", "小学", "初级中学", "高级中学", "中等职业学校"), weights=(40, 34, 15, 8, 3))[0]
    pupils = int(60 + rng.random() ** 2 * 2200)
    longitude, latitude = (None, None) if rng.random() < 0.02 else scene.near(rng, county)  # noqa: PLR2004
    mongolian = "蒙古族" if rng.random() < 0.18 else ""  # noqa: PLR2004
    return {
        "学校标识码": f"D15{number:07d}",
        "学校名称": f"{county.name}{rng.choice(STREETS)}{mongolian}{stage}",
        "学段": stage,
        "办学性质": rng.choices(("公办", "民办"), weights=(85, 15))[0],
        "盟市": county.league,
        "旗县": county.name,
        "区划代码": county.code,
        "在校生数": pupils,
        "教职工数": max(4, pupils // 13 + int(rng.random() * 6)),
        "寄宿制": rng.random() < 0.35,  # noqa: PLR2004
        "经度": longitude,
        "纬度": latitude,
    }


def write_bus_stops(scene: Scene) -> HandIn:
    """Write the bus stops as a JSON array of objects."""
    rng = scene.rng("bus stops")
    towns = [county for county in scene.counties if county.is_urban]
    counties = rng.choices(towns, weights=[county.weight for county in towns], k=scene.size(BUS_STOPS, 30))
    stops = []
    for number, county in enumerate(counties, start=1):
        longitude, latitude = scene.near(rng, county, 0.04)
        routes = sorted(rng.sample(range(1, 120), 1 + int(rng.random() * 5)))
        stops.append({
            "站点编号": f"GJ{county.code}{number:05d}",
            "站点名称": f"{rng.choice(STREETS)}{rng.choice(('路口', '小区', '广场', '市场', '医院', '学校'))}",
            "盟市": county.league,
            "旗县": county.name,
            "区划代码": county.code,
            "途经线路": "、".join(f"{route}路" for route in routes),
            "线路数": len(routes),
            "无障碍": rng.random() < 0.4,  # noqa: PLR2004
            "经度": longitude,
            "纬度": latitude,
        })  # fmt: skip
    path = scene.path("公交站点.json")
    path.write_text(json.dumps(stops, ensure_ascii=False, indent=1), "utf-8")
    columns = tuple(stops[0])
    return HandIn(
        path=path,
        org_key="transport",
        table_name="公交站点",
        title="城市公共汽车站点",
        summary="各城市公共汽车站点的名称、途经线路、无障碍设施和位置。" + DEMO_NOTE,
        columns=columns,
        key_columns=("站点编号",),
        rows=len(stops),
        category="201004",
        update_cycle="4",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=columns,
        licence=OPEN_LICENCE,
    )


def write_weather(scene: Scene) -> HandIn:
    """Write daily weather, one station a county, as Parquet: the one department that has modern tools."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = scene.rng("weather")
    rows = [
        row for county in scene.counties for row in _weather(rng, county, max(2, round(WEATHER_DAYS * scene.scale)))
    ]
    schema = pa.schema([
        ("站号", pa.string()), ("站名", pa.string()), ("区划代码", pa.string()),
        ("经度", pa.float64()), ("纬度", pa.float64()), ("观测日期", pa.date32()),
        ("平均气温", pa.float64()), ("最高气温", pa.float64()), ("最低气温", pa.float64()),
        ("降水量", pa.float64()), ("平均风速", pa.float64()), ("相对湿度", pa.int64()),
    ])  # fmt: skip
    path = scene.path("气象站日观测_2026年8-10月.parquet")
    pq.write_table(
        pa.table(dict(zip(schema.names, map(list, zip(*rows, strict=True)), strict=True)), schema=schema), path
    )
    return HandIn(
        path=path,
        org_key="meteorology",
        table_name="气象站日观测",
        title="气象站逐日观测资料",
        summary="各旗县气象站的逐日气温（摄氏度）、降水量（毫米）、平均风速（米/秒）和相对湿度（%），2026年8月1日起。"
        + DEMO_NOTE,
        columns=tuple(schema.names),
        key_columns=("站号", "观测日期"),
        rows=len(rows),
        category="211002",
        update_cycle="2",
        share_type=ShareType.UNCONDITIONAL,
        open_columns=tuple(schema.names),
        licence=OPEN_LICENCE,
        mode=LoadMode.MERGE,
        planted={"missing_rain": sum(1 for row in rows if row[9] is None)},
    )


def _weather(rng: Random, county: County, days: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    drift = 0.0
    for day in range(days):
        drift = drift * 0.7 + (rng.random() - 0.5) * 5
        mean = 23 - (county.latitude - 40) * 0.9 - day * 0.2 + drift
        wet = rng.random() < 0.22  # noqa: PLR2004
        rain = None if rng.random() < 0.01 else round(rng.random() ** 3 * 40, 1) if wet else 0.0  # noqa: PLR2004
        rows.append((
            f"D{county.code[2:]}", f"{county.name}站", county.code, county.longitude, county.latitude,
            date(2026, 8, 1) + timedelta(days=day),
            round(mean, 1), round(mean + 4 + rng.random() * 6, 1), round(mean - 4 - rng.random() * 6, 1),
            rain, round(1 + rng.random() * 6, 1), 30 + int(rng.random() * 60),
        ))  # fmt: skip
    return rows


def write_power(scene: Scene, firms: list[Firm]) -> HandIn:
    """Write monthly power use of large consumers as Excel's "Unicode text": UTF-16 with tabs, 1,234.5 and 12.3%."""
    rng = scene.rng("power")
    columns = (
        "统一社会信用代码",
        "企业名称",
        "行业门类",
        "盟市",
        "统计月份",
        "用电量（万千瓦时）",
        "同比增长",
        "单位产值能耗（吨标准煤/万元）",
    )
    large = [firm for firm in firms if not firm.is_sole_trader][: scene.size(POWER_FIRMS, 10)]
    rows = [row for firm in large for row in _power(rng, firm)]
    path = scene.path("重点用能企业月度用电量.txt")
    path.write_bytes(b"\xff\xfe" + lines([columns, *rows], "\t").encode("utf-16-le"))
    return HandIn(
        path=path,
        org_key="industry",
        table_name="重点用能企业用电量",
        title="重点用能企业月度用电量",
        summary="重点用能企业逐月用电量、同比增长和单位产值能耗，涉及企业经营信息，有条件开放。" + DEMO_NOTE,
        columns=columns,
        key_columns=("统一社会信用代码", "统计月份"),
        rows=len(rows),
        category="207001",
        update_cycle="4",
        share_type=ShareType.CONDITIONAL,
        share_condition="用于能源运行监测和节能管理的政务部门，限本地区企业，期限一年。",
        open_type=OpenType.CONDITIONAL,
        open_condition="实名申请，说明用途；仅供研究使用，不得披露单个企业的数据。",
        open_columns=("行业门类", "盟市", "统计月份", "用电量（万千瓦时）", "同比增长"),
        licence="内蒙古自治区公共数据有条件开放利用协议（演示）",
        mode=LoadMode.MERGE,
        planted={"thousands_separator": sum(1 for row in rows if "," in row[5]), "percent": len(rows)},
    )


def _power(rng: Random, firm: Firm) -> list[list[str]]:
    base, rows = 20 + rng.random() ** 4 * 9000, []
    for month in range(POWER_MONTHS):
        moment = date(2024 + (10 + month) // 12, (10 + month) % 12 + 1, 1)
        use = base * (0.85 + rng.random() * 0.3)
        rows.append([
            firm.code, firm.name, firm.trade, firm.county.league, f"{moment:%Y-%m}",
            f"{use:,.2f}", f"{rng.random() * 30 - 10:.1f}%", f"{0.05 + rng.random():.3f}",
        ])  # fmt: skip
    return rows
