"""On 27 yearly registers of real enterprises: capital, regions and credit codes, as the issue's bars ask."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from beijiang.recipes import RecipeDraft, StepKind

sys.path.insert(0, str(Path(__file__).parent))
from recipe_bureau import Kitchen, step

PARTS = (
    ("乡镇街道", "镇|乡|苏木|街道", 0.95),
    ("村社区", "村|嘎查|社区", 0.89),
    ("路街巷", "路|街|巷", 0.95),
    ("门牌号", "[0-9]+号(?!楼|街坊)", 0.70),
)
"""Parts of an address, what an address says that names one, and the share of those in which it is read."""


def test_real_registers_are_read(house: Kitchen, shared_data: Path) -> None:
    """Bars: capital parsed 99 %, region to city level 97 %, to county level 80 %."""
    files = sorted((shared_data / "enterprises").glob("*.csv"))
    first = pacsv.read_csv(files[0]).schema.names
    options = pacsv.ConvertOptions(column_types={name: pa.string() for name in first})
    whole = pa.concat_tables(
        pacsv.read_csv(file, parse_options=pacsv.ParseOptions(newlines_in_values=True), convert_options=options)
        for file in files
    )
    assert whole.num_rows > 19_000
    source = house.raw(whole.to_pylist(), "企业登记原始", schema=whole.schema)
    steps = (
        step(StepKind.BLANK, "企业类型", "注册资金"),
        step(StepKind.NAME, "企业名称"),
        step(StepKind.CREDIT_CODE, "统一社会信用代码"),
        step(StepKind.DATE, "注册日期"),
        step(StepKind.MONEY, "注册资金", amount="金额", currency="币种"),
        step(StepKind.REGION, "注册地址", code="统一社会信用代码", place="地区", parts="yes"),
        step(StepKind.TRADE, "企业名称", scope="经营范围"),
    )
    run = house.run(house.save(source, *steps, target="企业登记已清洗"))
    assert run.rows == whole.num_rows
    assert [count.faulty for count in run.counts][:6] == [None, None, 0, 0, 0, 0]
    rows = house.rows("企业登记已清洗")
    given = [row for row in rows if row["注册资金"] is not None]
    assert len(given) > 13_000
    assert sum(row["金额"] is not None for row in given) >= 0.99 * len(given)
    assert {row["币种"] for row in given} == {"CNY", "USD", "HKD", "GBP"}
    assert sum(row["盟市"] is not None for row in rows) >= 0.97 * len(rows)
    assert sum(row["旗县区"] is not None for row in rows) >= 0.80 * len(rows)
    assert sum(row["组织形式"] is not None for row in rows) >= 0.97 * len(rows)
    assert sum(row["行业门类代码"] is not None for row in rows) >= 0.97 * len(rows)
    for part, word, bar in PARTS:
        told = [row for row in rows if row["注册地址"] and re.search(word, row["注册地址"])]
        share = sum(row[part] is not None for row in told) / len(told)
        assert share >= bar, f"{part}: {share:.3f} of {len(told)} addresses that name one"
    tried = house.platform.recipes.preview(house.steward, RecipeDraft(target="x", source=source, steps=steps))
    assert [c.changed for c in tried.counts] == [c.changed for c in run.counts]


def test_townships_of_today_are_told_by_the_words_that_they_end_with(house: Kitchen, shared_data: Path) -> None:
    """Of the towns, subdistricts and sums on the list of 2023; parks and farms that are counted beside them have no such word."""
    names = pacsv.read_csv(shared_data / "regions" / "towns.csv").column("name").to_pylist()
    towns = [name for name in names if name.endswith(("街道", "镇", "乡", "苏木"))]
    assert len(towns) > 1_000
    rows = [{"序号": i, "地址": f"呼和浩特市新城区{town}迎宾路12号"} for i, town in enumerate(towns)]
    source = house.raw(rows, "乡镇地址", schema=pa.schema([("序号", pa.int64()), ("地址", pa.string())]))
    house.run(house.save(source, step(StepKind.REGION, "地址", parts="yes"), target="乡镇地址已拆分"))
    made = {row["序号"]: row for row in house.rows("乡镇地址已拆分")}
    wrong = [town for i, town in enumerate(towns) if made[i]["乡镇街道"] != town]
    assert len(wrong) <= 0.01 * len(towns), wrong
    assert all(row["门牌号"] == "12号" for i, row in made.items() if towns[i] not in wrong)
