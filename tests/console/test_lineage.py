"""Lineage in the console: the graph with its links, a column followed, what its change touches, exports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.kit import SYSTEM, new_id
from beijiang.tables import CommitRequest, Origin, Use, WriteMode

CARS, COUNTED, AWAY = "校车台账", "校车统计", "卫健引用"
PAGE = f"/console/lineage/{quote(CARS)}"


@pytest.fixture(scope="module", autouse=True)
def tables(office: Any) -> None:
    def write(table: str, row: dict[str, Any], org: str = "education", **derived: tuple[Origin, ...]) -> None:
        path = office.settings.home / "staging" / f"{new_id('t')}.parquet"
        rows = pa.Table.from_pylist([row])
        pq.write_table(rows, path)
        request = CommitRequest(
            table=table,
            org_id=org,
            staged=(path,),
            schema=rows.schema,
            mode=WriteMode.REPLACE,
            run_id=new_id("run"),
            derived=derived,
        )
        office.tables.commit(SYSTEM, request)

    write(CARS, {"编号": "1", "盟市": "赤峰市", "<b>座位": 40})
    group = Origin(CARS, "盟市", Use.GROUP_BY)
    write(
        COUNTED,
        {"盟市": "赤峰市", "车辆": 1},
        盟市=(Origin(CARS, "盟市", Use.IDENTITY), group),
        车辆=(Origin(CARS, "编号", Use.AGGREGATION), group),
    )
    write(AWAY, {"数": 1}, "health", 数=(Origin(COUNTED, "车辆", Use.IDENTITY),))
    office.db.deliver_waiting()


def test_a_steward_follows_a_column(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    assert f'href="/console/lineage/{quote(CARS)}"' in steward.get(f"/console/tables/{quote(CARS)}").text
    page = steward.get(PAGE).text
    assert "血缘图" in page
    assert AWAY not in page  # another department's
    assert "您无权查看" in page
    assert "<b>座位" not in page
    svg = re.search(r"<svg xmlns.*?</svg>", page, re.DOTALL)
    assert svg
    assert " style=" not in svg[0]
    ET.fromstring(svg[0])  # noqa: S314 - our own
    picked = re.search(r'href="([^"]+mark_column=' + quote("编号") + r'[^"]*)"', svg[0])
    assert picked
    page = steward.get(picked[1].replace("&amp;", "&")).text
    assert "若“编号”列变化…" in page
    assert "其列车辆由此列得出" in page
    assert "另有 1 张您无权查看的表" in page
    english = steward.get(f"{PAGE}?lang=en&depth=1&direction=down").text
    assert "Origins on the left" in english
    assert "aggregated" in english
    steward.get(f"{PAGE}?lang=zh-CN")
    assert steward.get(f"{PAGE}?column={quote('没有')}").status_code == 404
    assert steward.get(f"{PAGE}?at=2001-01-01T00:00:00").status_code == 404
    assert steward.get(f"{PAGE}?at=x").status_code == 422
    assert steward.get(f"/console/lineage/{quote(AWAY)}").status_code == 404
    assert desk("sys_admin").get(PAGE).status_code == 403


def test_the_graph_is_taken_along(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    picture = steward.get(f"{PAGE}/export?form=svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    ET.fromstring(picture.text)  # noqa: S314 - our own
    assert "var(" not in picture.text
    listed = steward.get(f"{PAGE}/export?form=csv").text
    assert f"{CARS},编号,aggregation,{COUNTED},车辆" in listed
    assert AWAY not in listed
    told = json.loads(steward.get(f"{PAGE}/export?form=json&tables=yes").text)
    assert {edge["use"] for edge in told["edges"]} == {"", "offers"}
    assert steward.get(f"{PAGE}/export?form=exe").status_code == 422


def test_a_graph_folds_opens_and_is_searched(desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    plain = steward.get(f"{PAGE}?lang=zh-CN&fold=no").text
    assert "data-folded" not in plain
    found = steward.get(f"{PAGE}?lang=zh-CN&find={quote('统计 车辆')}").text
    assert "找到 1 个" in found
    place = re.search(rf'<a href="#(node-[0-9a-f]+)">{COUNTED}</a>', found)
    assert place
    assert f'<g id="{place[1]}">' in found
    assert "图中没有“没有这个”" in steward.get(f"{PAGE}?lang=zh-CN&find={quote('没有这个')}").text
    folded = steward.get(f"{PAGE}?lang=zh-CN&fold=yes").text
    ET.fromstring(re.search(r"<svg xmlns.*?</svg>", folded, re.DOTALL)[0])  # type: ignore[index]  # noqa: S314 - our own
    assert AWAY not in folded  # another department's
