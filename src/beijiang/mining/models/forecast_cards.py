"""The model card of a forecast: what it is for, on which data it stands, how it did when tested, where it ends, who approved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from beijiang.kit import Shown, Text, Word

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue
    from beijiang.mining.models.forecasting import Forecast, ForecastRun

__all__ = ["CardEntry", "CardState", "ForecastCard", "found_limits"]

_COVER: Final = 0.1
"""So much below what they promise, intervals are too narrow."""


class CardState(Word):
    """Where what is said of a forecast stands."""

    WAITING = "waiting", "待审核", "waits for review"
    APPROVED = "approved", "已批准", "approved"
    RETURNED = "returned", "已退回", "sent back"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry:
    """What somebody said of a forecast, and what another decided on it."""

    id: str
    forecast_id: str
    number: int
    revision: int
    """The revision of the forecast that it is of."""
    purpose: str
    limits: str
    by_id: str
    by: str
    at: datetime
    state: CardState = CardState.WAITING
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastCard:
    """A forecast with its card; what was measured is that of the newest run that wrote its forecasts."""

    forecast: Forecast
    run: ForecastRun | None
    entries: Sequence[CardEntry]
    """Oldest first."""

    @property
    def waiting(self) -> CardEntry | None:
        """Return what waits for review."""
        newest = self.entries[-1] if self.entries else None
        return newest if newest is not None and newest.state is CardState.WAITING else None

    @property
    def approved(self) -> CardEntry | None:
        """Return what was approved last."""
        return next((one for one in reversed(self.entries) if one.state is CardState.APPROVED), None)

    @property
    def holds(self) -> bool:
        """Tell whether the revision in force is an approved one."""
        return self.approved is not None and self.approved.revision == self.forecast.revision

    @property
    def limits(self) -> tuple[Text, ...]:
        """Return the limits that the newest run itself shows."""
        return found_limits(self.run)

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who approves it."""
        waiting, run = self.waiting, self.run
        said = None if waiting is None else (waiting.number, waiting.purpose, waiting.limits)
        tested = None if run is None else (run.number, run.data_version, run.mase, run.naive_mase, run.cover80)
        return Shown(
            {
                Text("用途和限制", "purpose and limits"): said,
                Text("预测的声明", "the declaration"): (self.forecast.revision, self.forecast.to_json()),
                Text("数据版本和回测", "data version and back-test"): tested,
            }
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the card for an API answer or the terminal."""
        run = self.run
        return {
            "forecast": self.forecast.id,
            "name": self.forecast.name,
            "source": self.forecast.source,
            "target": self.forecast.target,
            "revision": self.forecast.revision,
            "holds": self.holds,
            "approved": _entry(self.approved),
            "waiting": _entry(self.waiting),
            "run": None if run is None else run.number,
            "data_version": "" if run is None else run.data_version,
            "model": "" if run is None else run.model,
            "calendar": "" if run is None else run.calendar,
            "series": 0 if run is None else run.series,
            "forecast_series": 0 if run is None else run.done,
            "mase": None if run is None else run.mase,
            "naive_mase": None if run is None else run.naive_mase,
            "cover80": None if run is None else run.cover80,
            "found_limits": [{"zh": one.zh, "en": one.en} for one in self.limits],
            "seen": self.shown.token,
        }


def found_limits(run: ForecastRun | None) -> tuple[Text, ...]:
    """Return what a run itself says against believing its forecasts."""
    if run is None:
        return (Text("还没有运行过，没有回测。", "It has not run yet; there is no back-test."),)
    found = []
    if run.mase is not None and run.naive_mase is not None and run.mase >= run.naive_mase:
        found.append(
            Text(
                f"中位误差 {run.mase:.2f} 未优于朴素方法 {run.naive_mase:.2f}。",
                f"The median error of {run.mase:.2f} is no better than that of the naive methods, {run.naive_mase:.2f}.",
            )
        )
    if run.cover80 is not None and run.cover80 < 0.8 - _COVER:
        found.append(
            Text(
                f"80% 区间在回测中只包含了 {run.cover80:.0%}，偏窄。",
                f"The 80% intervals held only {run.cover80:.0%} in the back-test; they are too narrow.",
            )
        )
    if run.done < run.series:
        left = run.series - run.done
        found.append(
            Text(f"{run.series} 条序列中有 {left} 条没有预测。", f"{left} of {run.series} series have no forecast.")
        )
    return tuple(found)


def _entry(one: CardEntry | None) -> dict[str, JsonValue] | None:
    if one is None:
        return None
    return {
        "number": one.number,
        "revision": one.revision,
        "purpose": one.purpose,
        "limits": one.limits,
        "by": one.by,
        "at": one.at.isoformat(),
        "state": one.state.value,
        "decided_by": one.decided_by,
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "note": one.note,
    }
