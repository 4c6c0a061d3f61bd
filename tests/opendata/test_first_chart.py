"""The first chart of a data set says something: means over time, the newest year, a category."""

from beijiang.opendata.charts import propose
from beijiang.tables import GovernedColumn


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
