"""A change of columns names whom it would hit: tables made from them, the entry that offers them, and who reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from beijiang.kit import ANONYMOUS
from beijiang.protection import ColumnImpact
from beijiang.tables import Exit, Origin, Use, origins_from_json

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
    house.write(
        "盟市统计", rows, schema, derived={"盟市": (Origin(FIRMS, "盟市"),), "数量": (Origin(FIRMS, "注册资本"),)}
    )
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


def test_a_column_made_of_several_is_as_sensitive_as_the_strictest(house: House) -> None:
    house.write_firms()
    sample = house.protection.grades_of(FIRMS)
    strict = max(sample.values(), key=lambda grade: grade.level.rank)
    mild = min(sample.values(), key=lambda grade: grade.level.rank)
    assert strict.level.rank > mild.level.rank
    origins = (Origin(FIRMS, mild.column, Use.FILTER), Origin(FIRMS, strict.column, Use.TRANSFORMATION))
    schema = pa.schema([("户", pa.string()), ("说明", pa.string())])
    house.write("拼接", [{"户": "a", "说明": "b"}], schema, derived={"户": origins, "说明": origins[:1]})
    made = house.protection.grades_of("拼接")
    assert made["户"].level is strict.level
    assert made["说明"].level is mild.level


def test_origins_are_read_as_they_were_written_at_first() -> None:
    assert origins_from_json({"列": ["表", "源列"], "空": []}) == {"列": (Origin("表", "源列"),)}
    both = (Origin("表", "甲", Use.JOIN), Origin("表", "乙", Use.IDENTITY))
    assert origins_from_json({"列": [origin.to_json() for origin in both]}) == {"列": both}
