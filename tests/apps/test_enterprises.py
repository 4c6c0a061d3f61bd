"""The enterprise application of the demo: whole in both languages, and right about the real registers where they are."""

from __future__ import annotations

import csv
import re
import tomllib
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
from beijiang.demo.files.enterprises import firms_needed, write_enterprises
from beijiang.demo.files.firms import make_firms
from beijiang.demo.files.identity import credit_code
from beijiang.demo.files.people import make_people
from beijiang.demo.files.scene import Scene
from beijiang.demo.tour import Tour
from beijiang.kit import SYSTEM, Actor, new_id
from beijiang.mining import GraphDraft, Holdings, Subjects
from beijiang.platform import Platform
from beijiang.recipes import RecipeDraft, RecipeRun, Step
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

REGISTERS = Path(__file__).parents[2].parent / "shared" / "data" / "enterprises"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "bring-real-registers-into-the-application.md"
TABLE = "企业登记信息"
HELD = "股东出资信息"
HOLDS = pa.schema([("被投资企业", pa.string()), ("股东", pa.string()), ("持股比例", pa.float64())])
SCHEMA = pa.schema(
    [
        ("基本信息_统一社会信用代码", pa.string()),
        ("基本信息_企业名称", pa.string()),
        ("基本信息_成立日期", pa.date32()),
        ("基本信息_登记状态", pa.string()),
        ("基本信息_注销吊销日期", pa.date32()),
        ("基本信息_行业门类", pa.string()),
        ("注册资本", pa.string()),
        ("经营地_盟市", pa.string()),
        ("经营地_旗县", pa.string()),
        ("经营地_经度", pa.decimal128(9, 6)),
        ("经营地_纬度", pa.decimal128(9, 6)),
    ]
)
STATES = ("注销", "存续", "在业", "存续")
CAPITALS = ("1,250(万)", "N/A", "50万人民币", None, "300万美元", "1.5000(万港元)", "20(万元人民币)", "130 万元")
YUAN = {"1,250(万)": 1250, "50万人民币": 50, "20(万元人民币)": 20, "130 万元": 130}


def made_up(n: int) -> dict[str, Any]:
    return {
        "基本信息_统一社会信用代码": credit_code("91", "150102", n),
        "基本信息_企业名称": f"第{n}公司",
        "基本信息_成立日期": date(2000 + n % 7, 1, 1),
        "基本信息_登记状态": STATES[n % 4],
        "基本信息_注销吊销日期": date(2010 + n % 3, 5, 1) if STATES[n % 4] == "注销" else None,
        "基本信息_行业门类": ("制造业", "批发和零售业")[n % 2],
        "注册资本": CAPITALS[n % 8],
        "经营地_盟市": ("呼和浩特市", "包头市", "赤峰市", "通辽市", "乌海市")[n % 5],
        "经营地_旗县": f"旗县{n % 9}",
        "经营地_经度": Decimal("111.700000"),
        "经营地_纬度": Decimal("40.800000"),
    }


RAW = "企业登记原表"
HEADS = (
    "企业名称",
    "统一社会信用代码",
    "注册日期",
    "企业类型",
    "法人代表",
    "注册资金",
    "经营范围",
    "所在省份",
    "地区",
    "注册地址",
)
SHAPED = (
    (
        "呼和浩特市青山羊绒制品有限责任公司",
        "2003-04-02",
        "1,200(万)",
        "羊绒衫制造、销售",
        "呼和浩特",
        "内蒙古自治区呼和浩特市赛罕区昭乌达路",
    ),
    ("包头市鹿城运输有限责任公司", "2003-09-12", "N/A", "道路货物运输", "包头", "包头市昆都仑区钢铁大街"),
    ("包头市九原黑土粮油有限公司", "2004-01-05", "300(万美元)", "粮食收购", "包头", "九原区哈林格尔镇"),
    ("赤峰松山建筑安装有限公司", "2005-12-31", "50万人民币", "房屋建筑工程施工", "赤峰", "赤峰市松山区振兴大街"),
)
"""Invented enterprises in the form in which the yearly registers are handed out."""


def shaped() -> list[dict[str, str]]:
    return [
        dict(
            zip(
                HEADS,
                (name, credit_code("91", "150102", at), day, "N/A", "", money, scope, "内蒙古", place, address),
                strict=True,
            )
        )
        for at, (name, day, money, scope, place, address) in enumerate(SHAPED)
    ]


def real() -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted(REGISTERS.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found.extend(csv.DictReader(file))
    return found


def recipe() -> RecipeDraft:
    """Return the recipe as the page of documentation has it."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    facts = tomllib.loads(block)
    steps = tuple(Step.from_json(one) for one in facts["steps"])
    return RecipeDraft(target=facts["target"], source=facts["source"], steps=steps)


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
    assert first["注册资本（亿元）"] == pytest.approx(5 * sum(YUAN.values()) / 10_000, abs=0.0051)
    assert first["未计资本户数"] == 20
    view = apps.try_page(market.steward, files, "leagues", {"league": "包头市", "year": "2001"})
    counties = view.cards[3].data
    assert counties is not None
    wanted = [n for n in range(40) if made_up(n)["经营地_盟市"] == "包头市" and n % 7 == 1]
    assert sum(row["户数"] for row in counties.rows) == len(wanted)
    assert view.choices["league"] == sorted({made_up(n)["经营地_盟市"] for n in range(40)})
    assert {"注册资本（亿元）", "在营比例（%）"} <= set(counties.rows[0])
    one = apps.try_page(market.steward, files, "industries", {"county": "旗县3"}).cards[1].first
    assert one["户数"] == sum(1 for n in range(40) if n % 9 == 3)
    held = apps.try_page(market.steward, files, "ownership", {"enterprise": "第0公司"}).cards[2].data
    assert held is not None
    assert held.network is not None
    assert held.network.shown is not None
    assert [(one.name, one.share) for one in held.network.shown.parties[1:]] == [("第1公司", 0.6), ("第2公司", 0.3)]


def test_exits_are_counted_by_year_banner_and_industry(market: Market) -> None:
    files = dict(bundled("market-entities"))
    view = market.platform.apps.try_page(market.steward, files, "exits", {})
    moved = {row["年份"]: row for row in (view.cards[1].data.rows if view.cards[1].data else ())}
    gone = [made_up(n) for n in range(40) if made_up(n)["基本信息_注销吊销日期"]]
    for year in (2010, 2011, 2012):
        assert moved[year]["退出户数"] == sum(1 for row in gone if row["基本信息_注销吊销日期"].year == year)
    assert sum(row["退出户数"] for row in moved.values()) == len(gone) == 10
    assert sum(row["新登记户数"] for row in moved.values()) == 40
    assert sum(row["净增户数"] for row in moved.values()) == 30
    listed = view.cards[3].data
    assert listed is not None
    assert sum(row["退出户数"] for row in listed.rows) == 10
    assert {row["旗县"] for row in listed.rows} == {row["经营地_旗县"] for row in gone}
    narrowed = market.platform.apps.try_page(market.steward, files, "exits", {"county": gone[0]["经营地_旗县"]})
    assert narrowed.cards[3].data is not None
    assert {row["旗县"] for row in narrowed.cards[3].data.rows} == {gone[0]["经营地_旗县"]}


def test_it_is_right_about_the_register_of_the_demo_region(tmp_path: Path) -> None:
    built = build(Settings.for_tests(tmp_path / "home"))
    built.first_start()
    built.start()
    try:
        tour = Tour(built)
        tour.people.ensure(["commerce_admin"])
        scene = Scene(tmp_path, 7, 0.004)
        firms = make_firms(scene, make_people(scene, 400), firms_needed(scene))
        tour._take_in(write_enterprises(scene, firms), version=1)
        steward = tour.people.actor("steward.commerce_admin")
        files = dict(bundled("market-entities"))
        first = built.apps.try_page(steward, files, "overview", {}).cards[0].first
        rows = built.sql.run(steward, f'SELECT * FROM "{TABLE}"').rows.to_pylist()
        there = [row for row in rows if row["基本信息_登记状态"] in {"存续", "在业"}]
        assert first["户数"] == len(rows) >= len(firms) - 3, "a wrong check character may set a row aside"
        assert first["在营比例（%）"] == pytest.approx(100 * len(there) / len(rows), abs=0.06)
        assert first["在营比例（%）"] > 80
        yuan = [row["注册资本"] for row in rows if "美元" not in row["注册资本"] and row["注册资本"] != "N/A"]
        assert any("美元" in row["注册资本"] for row in rows)
        wanted = sum(float(re.findall(r"[0-9.]+", one.replace(",", ""))[0]) for one in yuan) / 10_000
        assert first["注册资本（亿元）"] == pytest.approx(wanted, abs=0.01)
        moved = built.apps.try_page(steward, files, "exits", {}).cards[1].data
        assert moved is not None
        assert sum(row["退出户数"] for row in moved.rows) == len(rows) - len(there) > 0
    finally:
        built.stop()
        built.close()


@pytest.fixture
def empty_market(tmp_path: Path) -> Iterator[Market]:
    built = build(Settings.for_tests(tmp_path))
    built.first_start()
    built.jobs.start_worker()
    draft = PersonDraft(login="market", name="专员", org_id="commerce_admin", roles=frozenset({Role.STEWARD}))
    built.access.add_person(SYSTEM, draft)
    yield Market(built, built.access.actor_for_person("market"))
    built.close()


def brought_in(market: Market, rows: list[dict[str, str]]) -> RecipeRun:
    write(market, rows, RAW, pa.schema([(name, pa.string()) for name in HEADS]))
    saved = market.platform.recipes.save(market.steward, recipe(), "汇总历年登记册")
    return market.platform.recipes.run_now(market.steward, saved.id)


def test_the_recipe_brings_registers_of_ten_columns_into_the_application(empty_market: Market) -> None:
    platform, steward = empty_market.platform, empty_market.steward
    assert brought_in(empty_market, shaped()).rows == len(SHAPED)
    files = {name: text for name, text in bundled("market-entities").items() if "ownership" not in name}
    files["app.toml"] = files["app.toml"].replace(', "ownership"]', "]").replace(', "股东出资信息"]', "]")
    files["pages/overview.md"] = re.sub(
        r"```link\npage = \"ownership\".*?```", "", files["pages/overview.md"], flags=re.DOTALL
    )

    def shown(page: str, card: int, **asked: str) -> list[dict[str, Any]]:
        found = platform.apps.try_page(steward, files, page, asked).cards[card].data
        assert found is not None
        return [dict(row) for row in found.rows]

    (first,) = shown("overview", 0)
    assert (first["户数"], first["注册资本（亿元）"], first["未计资本户数"]) == (4, 0.13, 2)
    assert first["在营比例（%）"] is None, "a register without states tells of none"
    counties = {row["旗县"]: (row["盟市"], row["户数"], row["注册资本（亿元）"]) for row in shown("leagues", 3)}
    assert counties["松山区"] == ("赤峰市", 1, 0.01)
    assert counties["赛罕区"] == ("呼和浩特市", 1, 0.12)
    assert counties["九原区"][:2] == ("包头市", 1)
    assert [row["旗县"] for row in shown("leagues", 3, year="2004")] == ["九原区"]
    industries = {row["行业"] for row in shown("industries", 3)}
    assert {"制造业", "建筑业"} <= industries
    assert [row["户数"] for row in shown("industries", 3, county="松山区")] == [1]
    moved = {row["年份"]: (row["新登记户数"], row["退出户数"]) for row in shown("exits", 1)}
    assert moved == {2003: (2, 0), 2004: (1, 0), 2005: (1, 0)}
    assert shown("exits", 3) == []


@pytest.mark.skipif(not REGISTERS.exists(), reason="the real registers are not beside this checkout")
def test_the_recipe_counts_the_real_registers_right(empty_market: Market) -> None:
    rows = real()
    assert brought_in(empty_market, rows).rows == len(rows)
    ask = empty_market.platform.sql.run

    def counted(expression: str) -> Any:
        return ask(empty_market.steward, f'SELECT {expression} AS n FROM "{TABLE}"').rows.to_pylist()[0]["n"]

    assert counted("""count(*) FILTER (WHERE year("基本信息_成立日期") = 2003)""") == sum(
        1 for row in rows if row["注册日期"].startswith("2003")
    )
    for column, share in (("经营地_盟市", 0.97), ("经营地_旗县", 0.80), ("基本信息_行业门类", 0.97)):
        assert counted(f'count("{column}")') >= share * len(rows), column
    text = bundled("market-entities")["queries/summary.sql"].replace("$league", "NULL").replace("$county", "NULL")
    text = text.replace("$industry", "NULL").replace("$year", "NULL")
    (first,) = ask(empty_market.steward, text).rows.to_pylist()
    yuan = [
        float(found[0])
        for row in rows
        if not re.search("美元|港元|英镑", row["注册资金"] or "")
        and (found := re.findall(r"[0-9]+[.]?[0-9]*", (row["注册资金"] or "").replace(",", "")))
    ]
    assert first["注册资本（亿元）"] == pytest.approx(sum(yuan) / 10_000, abs=0.01)
    assert first["未计资本户数"] == len(rows) - len(yuan)
