"""The two tables that a forecast fills: what is expected, and how the methods did on the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.mining.models import SourceKind
from beijiang.tables import Origin, Use

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from beijiang.mining.models import ForecastDraft, Frequency, NoForecast, SeriesForecast

__all__ = ["RESERVED", "Results"]

RUN: Final = "运行"
EXPECTED: Final = {
    "期间": "所预测的期间",
    "期间起": "期间的第一天",
    "预测值": "预测的中间值",
    "下限80": "80% 预测区间的下限",
    "上限80": "80% 预测区间的上限",
    "下限95": "95% 预测区间的下限",
    "上限95": "95% 预测区间的上限",
    "方法": "所用方法",
}
TESTED: Final = {
    "方法": "所用方法；没有预测的序列为空",
    "采用": "这种方法的预测是否展示",
    "MASE": "平均绝对误差，以历史上沿用上年同期的误差为 1",
    "sMAPE": "对称平均绝对百分比误差（%）",
    "覆盖80": "80% 预测区间实际包含的比例",
    "覆盖95": "95% 预测区间实际包含的比例",
    "检验点": "滚动检验所用的数值个数",
    "春节效应": "整个春节落在一期内时该期的变化（比例）；空为未发现",
    "工作日效应": "多一个工作日时该期的变化（比例）；空为未发现",
    "补齐期数": "缺失后按直线补齐的期数",
    "未预测原因": "没有预测的原因代码；有预测的为空",
    "说明": "没有预测时的具体情况",
    "说明英文": "同上，英文",
}
RESERVED: Final = frozenset({RUN, "运行时间", *EXPECTED, *TESTED})


@dataclass(frozen=True, slots=True)
class Results:
    """Makes the rows of one run."""

    draft: ForecastDraft
    keys: tuple[str, ...]
    frequency: Frequency
    number: int
    at: datetime

    def expected(self, made: Sequence[SeriesForecast]) -> pa.Table:
        """Return what is expected: a row for each series and period."""
        import pyarrow as pa

        numbers = ("预测值", "下限80", "上限80", "下限95", "上限95")
        fields = [(RUN, pa.int64()), ("运行时间", pa.timestamp("us", "UTC"))]
        fields += [(name, pa.string()) for name in self.keys]
        fields += [("期间", pa.string()), ("期间起", pa.date32()), *((name, pa.float64()) for name in numbers)]
        rows = []
        for one in made:
            for point in one.points:
                figures = (point.middle, point.low80, point.high80, point.low95, point.high95)
                rows.append(
                    {
                        RUN: self.number,
                        "运行时间": self.at,
                        **dict(zip(self.keys, one.key, strict=True)),
                        "期间": self.frequency.label(point.period),
                        "期间起": self.frequency.first_day(point.period),
                        **dict(zip(numbers, figures, strict=True)),
                        "方法": one.method.value,
                    }
                )
        return pa.Table.from_pylist(rows, schema=pa.schema([*fields, ("方法", pa.string())]))

    def tested(self, made: Sequence[SeriesForecast], without: Sequence[tuple[tuple[str, ...], NoForecast]]) -> pa.Table:
        """Return how the methods did, a row for each series and method, and why series have no forecast."""
        import pyarrow as pa

        numbers = {"MASE", "sMAPE", "覆盖80", "覆盖95", "春节效应", "工作日效应"}
        whole = {"检验点", "补齐期数"}
        kinds = {
            name: pa.float64() if name in numbers else pa.int64() if name in whole else pa.string() for name in TESTED
        }
        kinds["采用"] = pa.bool_()
        schema = pa.schema([(RUN, pa.int64()), *((name, pa.string()) for name in self.keys), *kinds.items()])
        rows = [row for one in made for row in self._scores(one)]
        rows += [
            {
                **self._key(key),
                "未预测原因": reason.why.value,
                "说明": reason.facts.zh,
                "说明英文": reason.facts.en,
            }
            for key, reason in without
        ]
        return pa.Table.from_pylist(rows, schema=schema)

    def _scores(self, one: SeriesForecast) -> list[dict[str, Any]]:
        return [
            {
                **self._key(one.key),
                "方法": method.value,
                "采用": method is one.method,
                "MASE": score.mase,
                "sMAPE": score.smape,
                "覆盖80": score.cover80,
                "覆盖95": score.cover95,
                "检验点": score.points,
                "春节效应": one.festival,
                "工作日效应": one.working_day,
                "补齐期数": one.filled,
            }
            for method, score in one.scores.items()
        ]

    def _key(self, key: tuple[str, ...]) -> dict[str, Any]:
        return {RUN: self.number, **dict(zip(self.keys, key, strict=True))}

    def origins(self, columns: Sequence[str]) -> Mapping[str, tuple[Origin, ...]]:
        """Return what each column was made of, so that it is as sensitive as that; an indicator is released already."""
        if self.draft.kind is SourceKind.INDICATOR:
            return {}
        table = self.draft.source
        value = Origin(table, self.draft.value, Use.AGGREGATION)
        period = Origin(table, self.draft.period, Use.TRANSFORMATION)
        found: dict[str, tuple[Origin, ...]] = {}
        for name in columns:
            if name in self.keys:
                found[name] = (Origin(table, name, Use.IDENTITY),)
            elif name in {RUN, "运行时间"}:
                continue
            else:
                found[name] = (period,) if name in {"期间", "期间起"} else (value, period)
        return found

    @staticmethod
    def comments() -> Mapping[str, str]:
        """Return what the columns mean."""
        return {RUN: "第几次运行", "运行时间": "运行的时刻", **EXPECTED, **TESTED}
