"""The monthly indicators are forecast, as the statistics bureau would declare it: by league and indicator, with its definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from beijiang.demo.files.monthly import TABLE
from beijiang.kit import NotFound
from beijiang.mining import Effort, ForecastDraft

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

__all__ = ["add_forecasts"]


def add_forecasts(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Declare the forecast and make it, unless an earlier build did."""
    forecasts, steward = platform.forecasts, actor("steward.statistics")
    draft = ForecastDraft(
        name="各盟市月度主要经济指标预测",
        source=TABLE,
        target=f"{TABLE}_预测",
        series=("地区", "指标"),
        period="月份",
        value="数值",
        definition="统计口径",
        effort=Effort.QUICK,
    )
    try:
        found = forecasts.forecast(steward, draft.target)
    except NotFound:
        found = forecasts.save(steward, draft, "演示")
    if not any(run.version for run in forecasts.runs(steward, found.id)):
        platform.jobs.wait(forecasts.run(steward, found.id))
