"""The first chart of a data set says something: means over time, the newest year, a category."""

from decimal import Decimal

from beijiang.opendata.charts import parse, propose, shown
from beijiang.tables import GovernedColumn, MeasureFn


def _columns(**kinds: str) -> list[GovernedColumn]:
    return [GovernedColumn(name, kind, "", "L1", None, masked=False, mask=None) for name, kind in kinds.items()]


def test_readings_become_daily_means() -> None:
    chart = propose(_columns(站点="text", 经度="double", 监测时间="timestamp", AQI="integer"))
    assert chart is not None
    assert (chart.x, chart.y, chart.unit.value, chart.fn.value, chart.form.value) == (
        "监测时间",
        "AQI",
        "day",
        "avg",
        "line",
    )


def test_a_cross_table_shows_its_newest_year() -> None:
    chart = propose(_columns(**{"盟市": "text", "2024年": "decimal", "2025年": "decimal"}))
    assert chart is not None
    assert (chart.x, chart.y, chart.fn.value) == ("盟市", "2025年", "sum")


def test_dates_without_readings_count_rows_per_year() -> None:
    chart = propose(_columns(企业名称="text", 成立日期="date"))
    assert chart is not None
    assert (chart.x, chart.y, chart.unit.value) == ("成立日期", None, "year")


def test_a_category_comes_before_a_name() -> None:
    chart = propose(_columns(景区名称="text", 景区等级="text"))
    assert chart is not None
    assert chart.x == "景区等级"


def test_a_form_left_to_the_platform_fits_its_axis() -> None:
    columns = _columns(盟市="text", 监测时间="timestamp", AQI="integer")
    by_league = parse({"_x": "盟市", "_fn": "avg", "_y": "AQI", "_type": ""}, columns, ())
    over_time = parse({"_x": "监测时间", "_fn": "avg", "_y": "AQI", "_type": ""}, columns, ())
    assert (by_league.form.value, over_time.form.value) == ("bar", "line")


def test_a_mean_is_told_to_two_decimals_and_a_sum_to_its_last_digit() -> None:
    assert shown(Decimal("37.62612343"), MeasureFn.AVG) == Decimal("37.63")
    assert shown(0.000123456, MeasureFn.AVG) == 0.000123
    assert shown(Decimal("37.62612343"), MeasureFn.SUM) == Decimal("37.62612343")
    assert shown(None, MeasureFn.AVG) is None


def test_a_chart_that_nobody_described_is_the_proposed_one() -> None:
    columns = _columns(盟市="text", 监测时间="timestamp", AQI="integer")
    assert parse({}, columns, ()) == propose(columns)
