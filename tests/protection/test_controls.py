"""Controls of grades over the life of data: rows that say who sees to them, dated, at every door the same."""

from __future__ import annotations

from collections import Counter
from datetime import date

from beijiang.protection import By, ControlRule, Level, Stage, asks, controls
from controlled import changed, ruled

DAY = date(2026, 3, 10)


def test_every_grade_has_one_control_at_every_stage_and_says_who_sees_to_it() -> None:
    found = Counter((one.stage, one.level) for one in controls())
    assert found == Counter((stage, level) for stage in Stage for level in Level)
    assert {rule for one in controls() for rule in one.rules} == set(ControlRule), "a rule that no row asks for is dead"
    for one in controls():
        assert bool(one.enforced_by) is (one.by is not By.DUTY), one
        if one.by is By.DATA:
            assert one.rules or ".csv" in one.enforced_by, one
        else:
            assert not one.rules, one
    assert {one.by for one in controls()} == set(By)


def test_a_control_holds_on_the_days_that_its_row_names() -> None:
    assert asks(ControlRule.MARK, "L3", DAY)
    assert not asks(ControlRule.MARK, "L2", DAY)
    assert asks(ControlRule.MARK, "L2", date(2021, 8, 31)), "of days before its first row the table says nothing"
    with changed(lambda row: {**row, "until": DAY.isoformat() if row["stage"] == "export" else ""}):
        assert asks(ControlRule.MARK, "L3", date(2026, 3, 9))
        assert not asks(ControlRule.MARK, "L3", DAY), "replaced"
    with changed(ruled("export", "L2", "mark")):
        assert asks(ControlRule.MARK, "L2", DAY)
    assert not asks(ControlRule.MARK, "L2", DAY)
