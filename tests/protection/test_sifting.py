"""Rows by number: the walk is the same however it is paged, and a number tells nothing of rows that are held back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from beijiang.kit import ANONYMOUS, Invalid
from beijiang.protection import Audience
from beijiang.tables import NUMBER, Exit, Filter, FilterOp, Sift, Sort, WriteMode

if TYPE_CHECKING:
    from beijiang.tables import GovernedTable
    from conftest import House

FIRMS, PEOPLE = "企业登记信息", "人口库"


def opened(house: House, table: str = FIRMS) -> GovernedTable:
    return house.gate.open(house.steward, table, "", Exit.DATASTORE)


@pytest.fixture
def three_files(house: House) -> House:
    """A table whose version lies in three files of unequal length."""
    house.write_firms(50)
    house.write(FIRMS, house.firms(31, 50), house.FIRMS, mode=WriteMode.APPEND)
    house.write(FIRMS, house.firms(19, 81), house.FIRMS, mode=WriteMode.APPEND)
    return house


def test_any_part_of_any_walk_is_that_part_of_the_whole(three_files: House) -> None:
    whole = opened(three_files).sift(Sift(size=1000)).rows.to_pylist()
    assert [one[NUMBER] for one in whole] == list(range(1, 101))

    @settings(max_examples=25, deadline=None)
    @given(some.integers(0, 120), some.integers(0, 60), some.integers(-3, 120), some.booleans())
    def part(start: int, size: int, low: int, by_name: bool) -> None:
        order = (Sort("企业名称", descending=True),) if by_name else ()
        filters = (Filter(NUMBER, FilterOp.GT, low),) if low % 2 else ()
        fit = [one for one in whole if not filters or one[NUMBER] > low]
        if by_name:
            fit.sort(key=lambda one: one["企业名称"], reverse=True)
        found = opened(three_files).sift(Sift(filters=filters, order=order, start=start, size=size))
        assert found.rows.to_pylist() == fit[start : start + size]
        assert found.more is (len(fit) > start + size)
        assert opened(three_files).sift_count(Sift(filters=filters), 1000).rows == len(fit)
        streamed = opened(three_files).sift_all(Sift(filters=filters, order=order, start=start, size=0))
        assert [one for batch in streamed for one in batch.to_pylist()] == fit[start:]

    part()


@pytest.mark.threat("TM-04")
@pytest.mark.threat("TM-07")
def test_numbers_leave_no_gap_where_rows_are_held_back(house: House) -> None:
    house.write_people(90)
    shown = [Filter("状态", FilterOp.EQ, "公开")]
    house.protection.restrict(house.steward, PEOPLE, shown, audience=Audience.OWN, reason="只看公开的")
    found = opened(house, PEOPLE).sift(Sift(size=1000)).rows
    assert found.column(NUMBER).to_pylist() == list(range(1, 61))
    assert set(found.column("状态").to_pylist()) == {"公开"}
    late = opened(house, PEOPLE).sift(Sift(filters=(Filter(NUMBER, FilterOp.GT, 50),), size=1000)).rows
    assert late.to_pylist() == found.to_pylist()[50:]
    counted = opened(house, PEOPLE).sift_count(Sift(), 10)
    assert (counted.rows, counted.estimated) == (60, False)
    kept = opened(house, PEOPLE).sift(Sift(words=(("状态", "保密"),), size=10))
    assert kept.rows.num_rows == 0
    assert opened(house, PEOPLE).sift(Sift(start=55, size=1000)).rows.to_pylist() == found.to_pylist()[55:]


def test_counting_stops_at_a_limit_and_says_so(three_files: House) -> None:
    asked = Sift(filters=(Filter("企业名称", FilterOp.NOTNULL),))
    exact, guessed = (opened(three_files).sift_count(asked, most) for most in (1000, 20))
    assert (exact.rows, exact.estimated, guessed.estimated) == (100, False, True)
    assert guessed.rows == 100


def test_distinct_values_and_columns_in_the_order_asked(three_files: House) -> None:
    rows: list[dict[str, Any]] = (
        opened(three_files).sift(Sift(columns=("盟市",), distinct=True, size=1000)).rows.to_pylist()
    )
    cities = {one["盟市"] for one in three_files.firms(100)}
    assert [one["盟市"] for one in rows] == [*sorted(cities - {None}), *([None] if None in cities else [])]
    assert opened(three_files).sift(Sift(columns=("盟市", NUMBER), size=1)).rows.column_names == ["盟市", NUMBER]


def test_what_a_visitor_may_not_see_is_no_column(three_files: House) -> None:
    three_files.publish(FIRMS)
    governed = three_files.gate.open(ANONYMOUS, FIRMS, "", Exit.DATASTORE)
    for asked in (
        Sift(columns=("法定代表人证件号码",)),
        Sift(filters=(Filter("法定代表人证件号码", FilterOp.EQ, "1"),)),
        Sift(words=(("法定代表人证件号码", "1"),)),
        Sift(order=(Sort("法定代表人证件号码"),)),
    ):
        with pytest.raises(Invalid) as error:
            governed.sift(asked)
        assert error.value.reason == "unknown_column"
    ids = [one["法定代表人证件号码"] for one in three_files.firms(100)]
    assert all(governed.sift(Sift(words=(("", one),))).rows.num_rows == 0 for one in ids[:5])
