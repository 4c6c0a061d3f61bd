"""Showing: a run's series, and one series with its past, its forecast, its back-test, and earlier forecasts against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Text
from beijiang.mining.errors import masked, no_series
from beijiang.mining.models import BENCHMARKS, ForecastDraft, Frequency, Method, NoForecast, Score, WhyNot, read_periods
from beijiang.mining.service.forecasting.base import PURPOSE
from beijiang.mining.service.forecasting.results import RUN
from beijiang.mining.service.forecasting.running import Running
from beijiang.mining.store import ForecastStore
from beijiang.tables import Exit, Filter, FilterOp, TableWriter, WriterKind

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.mining.models import Forecast, ForecastRun

__all__ = ["Expected", "Forecasts", "Kept", "SeriesLine", "SeriesView"]

FIGURES: Final = ("预测值", "下限80", "上限80", "下限95", "上限95")


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """One series of a run: by which method it is forecast, or why it is not."""

    key: tuple[str, ...]
    method: Method | None
    scores: Mapping[Method, Score] = field(default_factory=dict)
    without: NoForecast | None = None
    festival: float | None = None
    working_day: float | None = None
    filled: int = 0

    @property
    def beats_naive(self) -> bool:
        """Tell whether a model did better than the benchmarks."""
        return self.method is not None and self.method not in BENCHMARKS


@dataclass(frozen=True, slots=True)
class Expected:
    """The forecast of one period as a run wrote it."""

    run: int
    at: datetime
    period: str
    middle: float
    low80: float
    high80: float
    low95: float
    high95: float


@dataclass(frozen=True, slots=True)
class Kept:
    """An earlier forecast, and what came true."""

    forecast: Expected
    actual: float

    @property
    def error(self) -> float | None:
        """Return by how much the forecast was off, as a share of what came true."""
        return (self.forecast.middle - self.actual) / abs(self.actual) if self.actual else None

    @property
    def held(self) -> bool:
        """Tell whether the interval of 80 percent held."""
        return self.forecast.low80 <= self.actual <= self.forecast.high80


@dataclass(frozen=True, slots=True)
class SeriesView:
    """All that is shown of one series."""

    forecast: Forecast
    run: ForecastRun
    line: SeriesLine
    past: Sequence[tuple[str, float | None]]
    """Period and value, oldest first, without gaps of periods; as this reader may see the source."""
    expected: Sequence[Expected]
    kept: Sequence[Kept]
    """Earlier forecasts of periods that have come, newest run first."""
    grade: str
    unseen: Text | None = None
    """Why the past is not shown, where it is not."""


class Forecasts(Running):
    """Declare forecasts, have them made, look at them and at how they did."""

    def series(
        self, actor: Actor, forecast_id: str, number: int = 0
    ) -> tuple[ForecastRun | None, Sequence[SeriesLine]]:
        """Return the series of a run (0: the newest), through the gate.

        Raises:
            NotFound: no such forecast or run, or its table is not this actor's to see.

        """
        found = self._seen(actor, forecast_id)
        run = self._run_of(found, number)
        return (run, []) if run is None else (run, self._tested(actor, found, run, ()))

    def writer_of(self, table: str) -> TableWriter | None:
        """Return the forecast in force that fills a table, or keeps its back-tests in it; others ask before they fill one."""
        with self.db.read() as connection:
            store = ForecastStore(connection)
            known = [store.filling(table), store.filling(ForecastDraft.tested(table))]
        found = next((one for one in known if one and not one.retired and table in {one.target, one.tests}), None)
        if found is None:
            return None
        return TableWriter(WriterKind.FORECAST, found.id, found.name, found.org_id, (found.source,))

    def one_series(self, actor: Actor, forecast_id: str, key: Sequence[str], number: int = 0) -> SeriesView:
        """Return one series with everything that is known of it, through the gate.

        Raises:
            NotFound: no such forecast, run or series, or not this actor's to see.

        """
        self.access.require(actor, Permission.MINING_FORECAST_READ, actor.org_id)
        found = self._seen(actor, forecast_id)
        keys = self._keys(found)
        run = self._run_of(found, number)
        if run is None or run.frequency is None or len(key) != len(keys):
            raise no_series()
        filters = tuple(Filter(name, FilterOp.EQ, part) for name, part in zip(keys, key, strict=True))
        lines = self._tested(actor, found, run, filters)
        if not lines:
            raise no_series()
        every, grade = self._expected(actor, found, filters)
        past, unseen = self._past(actor, found, tuple(key), run.frequency)
        came = dict(past)
        kept = [Kept(one, actual) for one in every if (actual := came.get(one.period)) is not None]
        return SeriesView(
            forecast=found,
            run=run,
            line=lines[0],
            past=past,
            expected=sorted((one for one in every if one.run == run.number), key=lambda one: one.period),
            kept=sorted(kept, key=lambda one: (-one.forecast.run, one.forecast.period)),
            grade=grade,
            unseen=unseen,
        )

    def _run_of(self, found: Forecast, number: int) -> ForecastRun | None:
        with self.db.read() as connection:
            store = ForecastStore(connection)
            run = store.run(found.id, number) if number else store.last_done(found.id)
        if number and run is None:
            raise no_series()
        return run

    def _tested(
        self, actor: Actor, found: Forecast, run: ForecastRun, filters: Sequence[Filter]
    ) -> Sequence[SeriesLine]:
        governed = self.tables.open(actor, found.tests, PURPOSE, Exit.PAGE)
        _unmasked(found.tests, governed.columns)
        grouped: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        keys = self._keys(found)
        for batch in governed.batches((Filter(RUN, FilterOp.EQ, run.number), *filters)):
            for row in batch.to_pylist():
                grouped.setdefault(tuple(str(row[name] or "") for name in keys), []).append(row)
        return [_line(key, rows) for key, rows in sorted(grouped.items())]

    def _expected(self, actor: Actor, found: Forecast, filters: Sequence[Filter]) -> tuple[Sequence[Expected], str]:
        governed = self.tables.open(actor, found.target, PURPOSE, Exit.PAGE)
        _unmasked(found.target, governed.columns)
        rows = [row for batch in governed.batches(filters) for row in batch.to_pylist()]
        made = [Expected(int(r[RUN]), r["运行时间"], r["期间"], *(float(r[name]) for name in FIGURES)) for r in rows]
        return made, max((column.grade for column in governed.columns), default="")

    def _past(
        self, actor: Actor, found: Forecast, key: tuple[str, ...], frequency: Frequency
    ) -> tuple[Sequence[tuple[str, float | None]], Text | None]:
        """Return the values of a series as this reader may see them, and why not, where they are not his to see."""
        try:
            lines = self._read(actor, found, key).lines
        except BeijiangError as error:
            return [], error.text
        mine = [line for line in lines if line.key == key]
        periods = read_periods([line.period for line in mine])
        if periods is None:
            return [], None
        values = {at: line.value for at, line in zip(periods.ordinals, mine, strict=True) if at is not None}
        if not values:
            return [], None
        return [(frequency.label(at), values.get(at)) for at in range(min(values), max(values) + 1)], None


def _unmasked(table: str, columns: Sequence[Any]) -> None:
    hidden = [column.name for column in columns if column.masked]
    if hidden:
        raise masked(table, hidden)


def _line(key: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> SeriesLine:
    first = rows[0]
    if first["未预测原因"]:
        facts = Text(first["说明"] or "", first["说明英文"] or "")
        return SeriesLine(key, None, without=NoForecast(WhyNot(first["未预测原因"]), facts))
    scores = {
        Method(row["方法"]): Score(
            float(row["MASE"]), float(row["sMAPE"]), float(row["覆盖80"]), float(row["覆盖95"]), int(row["检验点"])
        )
        for row in rows
    }
    shown = next(Method(row["方法"]) for row in rows if row["采用"])
    return SeriesLine(
        key,
        shown,
        {method: scores[method] for method in Method if method in scores},
        festival=first["春节效应"],
        working_day=first["工作日效应"],
        filled=int(first["补齐期数"] or 0),
    )
