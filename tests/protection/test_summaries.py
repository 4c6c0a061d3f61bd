"""Groups are cut to weeks, quarters and steps, and kept to those that are named, without any text of SQL."""

from __future__ import annotations

from decimal import Decimal

import pytest

from beijiang.kit import Invalid
from beijiang.protection.models.summary import summary_query
from beijiang.tables import Aggregate, DateUnit, GroupBy, Measure, MeasureFn

TYPES = {"城市": "text", "日": "date", "金额": "decimal"}


def sql(spec: Aggregate) -> str:
    return summary_query(spec, TYPES, spec.limit)[0].sql("duckdb")


@pytest.mark.threat("TM-03")
def test_a_named_group_is_a_literal() -> None:
    spec = Aggregate(group=(GroupBy("城市", only=("x'); DROP TABLE y --", None)),))
    assert "'x''); DROP TABLE y --'" in sql(spec)
    assert "IS NULL" in sql(spec)


def test_no_named_group_is_no_row() -> None:
    assert "FALSE" in sql(Aggregate(group=(GroupBy("城市", only=()),)))


@pytest.mark.parametrize(
    "group",
    [
        GroupBy("城市", width=Decimal(10)),
        GroupBy("金额", width=Decimal(0)),
        GroupBy("金额", width=Decimal(-1)),
        GroupBy("金额", width=Decimal("NaN")),
        GroupBy("金额", DateUnit.WEEK),
        GroupBy("日", DateUnit.WEEK, width=Decimal(1)),
    ],
)
def test_a_cut_that_does_not_fit_is_refused(group: GroupBy) -> None:
    with pytest.raises(Invalid) as refused:
        sql(Aggregate(group=(group,)))
    assert refused.value.reason == "group_unit"


def test_only_numbers_have_a_median() -> None:
    with pytest.raises(Invalid) as refused:
        sql(Aggregate(measures=(Measure(MeasureFn.MEDIAN, "城市"),)))
    assert refused.value.reason == "measure_type"
    assert "COUNT(DISTINCT" in sql(Aggregate(measures=(Measure(MeasureFn.DISTINCT, "城市"),)))
