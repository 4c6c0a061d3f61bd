"""The monthly indicators are forecast, as the statistics bureau would declare it: by league and indicator, with its definitions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beijiang.demo.files import HandIn
from beijiang.demo.files.handin import OPEN_LICENCE, ShareType
from beijiang.demo.files.monthly import TABLE
from beijiang.kit import NotFound
from beijiang.mining import Effort, ForecastDraft

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

__all__ = ["add_forecasts"]


_PURPOSE: Final = "供各部门研判月度走势、编制工作安排时参考。"
_LIMITS: Final = "不作为考核依据；重大政策、灾害和口径变更当期不适用。"
_SUMMARIES: Final = {
    "": "各盟市月度主要经济指标今后各月的预测值和 80%、95% 区间，按运行次数保留历次结果。",
    "_回测": "各预测方法在过去数据上滚动检验的误差和区间覆盖率，以及没有预测的序列和原因。",
}


def add_forecasts(platform: Platform, actor: Callable[[str], Actor], publish: Callable[[HandIn], None]) -> None:
    """Declare the forecast, make it and publish its two tables, unless an earlier build did."""
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
    if not forecasts.card(steward, found.id).entries:
        forecasts.describe(steward, found.id, _PURPOSE, _LIMITS)
    for ending, summary in _SUMMARIES.items():
        publish(_about(platform, steward, draft.target + ending, summary))


def _about(platform: Platform, steward: Actor, table: str, summary: str) -> HandIn:
    """Return what the bureau says of a table that the forecast fills."""
    schema = platform.tables.schema(steward, table)
    columns = [name for name in schema.names if not name.startswith("_")] if schema else []
    return HandIn(
        path=Path(table),
        org_key="statistics",
        table_name=table,
        title=table,
        summary=summary,
        columns=(*columns,),
        key_columns=(),
        rows=0,
        category="307000",
        update_cycle="4",
        share_type=ShareType.UNCONDITIONAL,
        licence=OPEN_LICENCE,
        open_columns=(*columns,),
    )
