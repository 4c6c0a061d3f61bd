"""Where rows are few, columns are looked at one under the other: what is counted is the same as side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.protection.service import surveying
from beijiang.protection.service.ruling import visible_types
from beijiang.protection.service.surveying import Surveyor
from beijiang.standards.checks import citizen_check_character

sys.path.insert(0, str(Path(__file__).parent))
from discovery_corpus import corpus


@pytest.fixture
def both(make_house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a table and return what is counted in it in each of the two ways."""
    house = make_house(tmp_path)
    surveyor = Surveyor(house.lake, house.engine)

    def counted(table: pa.Table) -> tuple[Any, Any]:
        house.write("表", table.to_pylist(), table.schema)
        snapshot = house.lake.snapshot("表")
        types = visible_types(snapshot)
        found = []
        for few in (table.num_rows, -1):
            monkeypatch.setattr(surveying, "FEW_ROWS", few)
            found.append(surveyor._whole(snapshot, {n: w for n, w in types.items() if w in surveying.BY_TYPE}))
        return found[0], found[1]

    yield counted
    house.close()


def test_the_same_is_found_in_all_columns_of_the_corpus(both: Any) -> None:
    columns = [column for _, columns in corpus(60, 11, small=True) for column in columns]
    named = {f"列{at}": column.values[:50] for at, column in enumerate(columns) if len(column.values) >= 50}
    assert len(named) > surveying.COLUMNS_AT_ONCE, "more than one query"
    below, beside = both(pa.table(named))
    assert below == beside
    hits = {name for counts in below.counts.values() for name, number in counts.hits.items() if number}
    assert len(hits) > 20, "nothing to compare"


def test_kinds_nulls_and_empty_words_are_counted_alike(both: Any) -> None:
    table = pa.table(
        {
            "文": [None, "", " 13800138000 ", "13800138000"],
            "字": ["", None, "赤峰市", "赤峰市"],
            "数": [13800138000, None, 0, -5],
            "年": [1999, 2024, None, 2024],
            "比": [111.7, None, float("nan"), 40.8],
            "日": pa.array([0, None, 19000, 1], pa.date32()),
            "空": pa.array([None] * 4, pa.string()),
        }
    )
    below, beside = both(table)
    assert below == beside
    assert set(below.counts) == set(table.column_names)


def test_a_table_without_rows_is_looked_at_too(both: Any) -> None:
    below, beside = both(pa.table({"文": pa.array([], pa.string()), "字": pa.array([], pa.string())}))
    assert below == beside
    assert {counts.rows for counts in below.counts.values()} == {0}


def test_second_thoughts_count_among_the_values_of_their_pattern_only(both: Any) -> None:
    body = "15010219800101001"
    valid = body + citizen_check_character(body)
    wrong = body + ("1" if valid.endswith("0") else "0")
    table = pa.table(
        {
            "日": ["1950 年前后", "19500101", "2020-01-01", None, "", "１９５００１０１", "𠀀" * 9],
            "址": ["::", "a:b:c", "10.0.0.1", "192.168.1.1", "1.2.3", None, "二：三"],
            "照": ["Q19991231", "E19991231", "E00012345", "AB0001", "E1999123", "", None],
            "注": [f"证号{valid}。", f"证号{wrong}。", valid, f"0{valid}", f"x{valid}", "长" * 5000, "１" * 18],
        }
    )
    below, beside = both(table)
    assert below == beside
    hits = {name: counts.hits for name, counts in below.counts.items()}
    assert [hits["日"][name] for name in ("date", "date_old")] == [2, 1]
    assert [hits["址"][name] for name in ("ip", "ip_wide")] == [2, 1]
    assert [hits["照"][name] for name in ("passport", "passport_dated", "passport_counted")] == [2, 1, 1]
    assert [hits["注"][name] for name in ("id", "id_valid", "embedded", "embedded_id")] == [1, 1, 2, 1]
