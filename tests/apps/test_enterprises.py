"""The enterprise application of the demo: whole in both languages, and right about the real registers where they are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.access import PersonDraft, Role
from beijiang.apps import parse_bundle
from beijiang.build import build
from beijiang.demo.applications import bundled
from beijiang.demo.files.identity import credit_code
from beijiang.kit import SYSTEM, Actor, new_id
from beijiang.mining import GraphDraft, Holdings, Subjects
from beijiang.platform import Platform
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

REGISTERS = Path(__file__).parents[2].parent / "shared" / "data" / "enterprises"
TABLE = "企业登记信息"
HELD = "股东出资信息"
HOLDS = pa.schema([("被投资企业", pa.string()), ("股东", pa.string()), ("持股比例", pa.float64())])
SCHEMA = pa.schema(
    [
        ("基本信息_统一社会信用代码", pa.string()),
        ("基本信息_企业名称", pa.string()),
        ("基本信息_成立日期", pa.date32()),
        ("基本信息_登记状态", pa.string()),
        ("基本信息_行业门类", pa.string()),
        ("注册资本", pa.string()),
        ("经营地_盟市", pa.string()),
        ("经营地_旗县", pa.string()),
        ("经营地_经度", pa.decimal128(9, 6)),
        ("经营地_纬度", pa.decimal128(9, 6)),
    ]
)


def made_up(n: int) -> dict[str, Any]:
    return {
        "基本信息_统一社会信用代码": credit_code("91", "150102", n),
        "基本信息_企业名称": f"第{n}公司",
        "基本信息_成立日期": date(2000 + n % 7, 1, 1),
        "基本信息_登记状态": "存续" if n % 4 else "注销",
        "基本信息_行业门类": ("制造业", "批发和零售业")[n % 2],
        "注册资本": ("1,250(万)", "N/A", "50万人民币", None)[n % 4],
        "经营地_盟市": ("呼和浩特市", "包头市", "赤峰市", "通辽市", "乌海市")[n % 5],
        "经营地_旗县": f"旗县{n % 9}",
        "经营地_经度": Decimal("111.700000"),
        "经营地_纬度": Decimal("40.800000"),
    }


def real() -> list[dict[str, Any]]:
    """Return the rows of the real registers; industry and banner are not in them."""
    found: list[dict[str, Any]] = []
    for path in sorted(REGISTERS.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found.extend(_registered(row) for row in csv.DictReader(file))
    return found


def _registered(row: dict[str, str]) -> dict[str, Any]:
    return {
        **made_up(0),
        "基本信息_企业名称": row["企业名称"],
        "基本信息_成立日期": date.fromisoformat(row["注册日期"]),
        "注册资本": row["注册资金"],
        "经营地_盟市": row["地区"],
    }


@dataclass
class Market:
    platform: Platform
    steward: Actor


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("market")))
    built.first_start()
    draft = PersonDraft(login="market", name="专员", org_id="commerce_admin", roles=frozenset({Role.STEWARD}))
    _, code = built.access.add_person(SYSTEM, draft)
    built.access.change_password(
        built.access.sign_in("market", code, "tests").actor, code, "Steppe-under-a-wide-sky-26"
    )
    found = Market(built, built.access.actor_for_person("market"))
    write(found, [made_up(n) for n in range(40)])
    codes = [made_up(n)["基本信息_统一社会信用代码"] for n in range(3)]
    chain = [
        {"被投资企业": codes[0], "股东": codes[1], "持股比例": 60.0},
        {"被投资企业": codes[1], "股东": codes[2], "持股比例": 50.0},
    ]
    write(found, chain, HELD, HOLDS)
    subjects = Subjects(table=TABLE, key="基本信息_统一社会信用代码", name="基本信息_企业名称")
    holdings = Holdings(table=HELD, held="被投资企业", share="持股比例", holder_firm="股东")
    draft = GraphDraft(name="全区企业关系图", shared=True, subjects=subjects, holdings=holdings)
    built.graphs.declare(found.steward, draft)
    yield found
    built.close()


def write(office: Market, rows: list[dict[str, Any]], table: str = TABLE, schema: pa.Schema = SCHEMA) -> None:
    path = office.platform.settings.home / "staging" / f"{new_id('firms')}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    request = CommitRequest(
        table=table,
        org_id="commerce_admin",
        staged=(path,),
        schema=schema,
        mode=WriteMode.REPLACE,
        run_id=new_id("run"),
    )
    office.platform.tables.commit(SYSTEM, request)


def test_the_bundle_is_whole_has_three_pages_an_end_point_a_map_and_drills_down() -> None:
    read = parse_bundle(bundled("market-entities"))
    blocks = [block for page in read.pages.values() for block in page.blocks]
    kinds = {block.kind.value for block in blocks}
    assert len(read.pages) >= 3
    assert read.api
    assert kinds == {"number", "text", "chart", "map", "table", "filter", "link", "timeline", "network"}
    assert any("link" in block.facts for block in blocks)
    assert all(page.title.en.isascii() for page in read.pages.values())


def test_it_passes_its_checks_and_counts_right(market: Market) -> None:
    apps = market.platform.apps
    files = dict(bundled("market-entities"))
    found = apps.check(market.steward, files)
    assert found.good, [fault.line_in(1) for fault in found.faults]
    first = apps.try_page(market.steward, files, "overview", {}).cards[0].first
    assert first["户数"] == 40
    assert first["在营比例（%）"] == 75.0
    assert first["注册资本（亿元）"] == pytest.approx((10 * 1250 + 10 * 50) / 10_000)
    view = apps.try_page(market.steward, files, "leagues", {"league": "包头市", "year": "2001"})
    counties = view.cards[3].data
    assert counties is not None
    wanted = [n for n in range(40) if made_up(n)["经营地_盟市"] == "包头市" and n % 7 == 1]
    assert sum(row["户数"] for row in counties.rows) == len(wanted)
    assert view.choices["league"] == sorted({made_up(n)["经营地_盟市"] for n in range(40)})
    held = apps.try_page(market.steward, files, "ownership", {"enterprise": "第0公司"}).cards[2].data
    assert held is not None
    assert held.network is not None
    assert held.network.shown is not None
    assert [(one.name, one.share) for one in held.network.shown.parties[1:]] == [("第1公司", 0.6), ("第2公司", 0.3)]


@pytest.mark.skipif(not REGISTERS.exists(), reason="the real registers are not beside this checkout")
def test_it_counts_the_real_registers_right(market: Market) -> None:
    rows = real()
    write(market, rows)
    apps, files = market.platform.apps, dict(bundled("market-entities"))
    by_year = apps.try_page(market.steward, files, "overview", {}).cards[4].data
    assert by_year is not None
    assert sum(row["新登记户数"] for row in by_year.rows) == len(rows)
    year = {row["年份"]: row["新登记户数"] for row in by_year.rows}
    assert year[2003] == sum(1 for row in rows if row["基本信息_成立日期"].year == 2003)
    total = apps.try_page(market.steward, files, "overview", {"league": "包头"}).cards[0].first
    capital = [
        float(found[0])
        for row in rows
        if row["经营地_盟市"] == "包头"
        and (found := re.findall(r"[0-9]+[.]?[0-9]*", (row["注册资本"] or "").replace(",", "")))
    ]
    assert total["注册资本（亿元）"] == pytest.approx(sum(capital) / 10_000, abs=0.01)
