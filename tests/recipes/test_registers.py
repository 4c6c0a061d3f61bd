"""On 27 yearly registers of real enterprises: capital, regions and credit codes, as the issue's bars ask."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from beijiang.recipes import RecipeDraft, StepKind

sys.path.insert(0, str(Path(__file__).parent))
from recipe_bureau import Kitchen, step


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
        step(StepKind.REGION, "注册地址", code="统一社会信用代码", place="地区"),
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
    tried = house.platform.recipes.preview(house.steward, RecipeDraft(target="x", source=source, steps=steps))
    assert [c.changed for c in tried.counts] == [c.changed for c in run.counts]
