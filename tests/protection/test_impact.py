"""A change of columns names whom it would hit: tables made from them, the entry that offers them, and who reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from beijiang.kit import ANONYMOUS
from beijiang.protection import ColumnImpact
from beijiang.tables import Exit

if TYPE_CHECKING:
    from conftest import House

FIRMS = "企业登记信息"


def found(house: House, *columns: str) -> list[tuple[str, str, str]]:
    impact = ColumnImpact(house.protection, house.catalog, house.access, house.evidence, house.clock)
    return [(a.kind.value, a.name, a.text.en) for a in impact.of(FIRMS, columns)]


def test_tables_entries_and_readers_of_a_column_are_named(house: House) -> None:
    house.write_firms()
    assert found(house, "企业名称") == [("resource", FIRMS, "not published yet")]
    house.publish(FIRMS)
    schema = pa.schema([("盟市", pa.string()), ("数量", pa.int64())])
    rows = [{"盟市": "包头市", "数量": 3}]
    house.write("盟市统计", rows, schema, derived={"盟市": (FIRMS, "盟市"), "数量": (FIRMS, "注册资本")})
    for _ in range(2):
        house.gate.open(ANONYMOUS, FIRMS, "", Exit.PAGE).page()
    house.gate.open(house.steward, FIRMS, "", Exit.PAGE).page()
    assert found(house, "盟市", "成立日期") == [
        ("table", "盟市统计", "its columns 盟市 are made from these columns"),
        ("resource", FIRMS, "published, and offers 盟市, 成立日期"),
        ("consumer", "公众 / the public", "read it 2 times in the last 90 days"),
        ("consumer", house.access.organisation("market").name_zh, "read it 1 times in the last 90 days"),
    ]
    assert ("resource", FIRMS, "published, without these columns") in found(house, "尚无此列")
