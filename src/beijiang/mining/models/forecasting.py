"""Forecasts: what is declared, what comes out of a series, why nothing may come out, and what a run was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from beijiang.kit import Actor, Text, Word
from beijiang.mining.models.periods import Frequency

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = [
    "BENCHMARKS",
    "NEXT_STEPS",
    "Declared",
    "Effort",
    "Forecast",
    "ForecastDraft",
    "ForecastRun",
    "Forecaster",
    "IndicatorFacts",
    "IndicatorSource",
    "Method",
    "NoForecast",
    "Observation",
    "Point",
    "Prediction",
    "RunCause",
    "Score",
    "SeriesForecast",
    "SourceKind",
    "WhyNot",
]


class SourceKind(Word):
    """What is forecast."""

    TABLE = "table", "数据表", "table"
    INDICATOR = "indicator", "统计指标", "indicator"


class Method(Word):
    """How a series is continued."""

    NAIVE = "naive", "沿用上期", "last value"
    SEASONAL_NAIVE = "seasonal_naive", "沿用上年同期", "same period of last year"
    THETA = "theta", "Theta", "Theta"
    ETS = "ets", "指数平滑 ETS", "exponential smoothing"
    ARIMA = "arima", "ARIMA", "ARIMA"


_TESTS: Final = "_回测"
BENCHMARKS: Final = (Method.NAIVE, Method.SEASONAL_NAIVE)
"""What a method must beat to be believed."""


class Effort(Word):
    """How many methods are tried."""

    QUICK = "quick", "快速（Theta）", "quick (Theta)"
    USUAL = "usual", "常规（Theta、ETS）", "usual (Theta, ETS)"
    THOROUGH = "thorough", "细致（另加 ARIMA，较慢）", "thorough (ARIMA too, slow)"

    @property
    def methods(self) -> tuple[Method, ...]:
        """Return the methods beside the benchmarks."""
        known = (Method.THETA, Method.ETS, Method.ARIMA)
        return known[: {Effort.QUICK: 1, Effort.USUAL: 2, Effort.THOROUGH: 3}[self]]


class WhyNot(Word):
    """Why a series has no forecast."""

    SHORT = "short", "太短", "too short"
    GAPS = "gaps", "缺期太多", "too many gaps"
    DOUBLED = "doubled", "同一期有多个数值", "several values in one period"
    CONSTANT = "constant", "数值不变", "constant"
    REDEFINED = "redefined", "口径已变更", "its definition changed"
    ENDED = "ended", "已停止更新", "no longer updated"


NEXT_STEPS: Final[Mapping[WhyNot, Text]] = {
    WhyNot.SHORT: Text("补充更早的数据，或等积累到所需期数。", "Add earlier periods, or wait until there are enough."),
    WhyNot.GAPS: Text("在来源中补齐所列期间。", "Fill the periods that are named in the source."),
    WhyNot.DOUBLED: Text(
        "把能区分它们的列加入“序列列”，或用加工配方去重、汇总。",
        "Add the column that tells them apart to the series columns, or sum or deduplicate them by a recipe.",
    ),
    WhyNot.CONSTANT: Text("不需要模型：沿用该值即可。", "No model is needed: it stays as it is."),
    WhyNot.REDEFINED: Text(
        "由统计部门按新口径重算以前各期，或等新口径积累到所需期数。",
        "Have the earlier periods restated, or wait until the new definition has enough periods.",
    ),
    WhyNot.ENDED: Text("向来源部门询问是否停报。", "Ask the supplier whether it was given up."),
}


class RunCause(Word):
    """What began a run."""

    WRITTEN = "written", "来源更新", "the source was written"
    ASKED = "asked", "手工", "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastDraft:
    """A forecast as somebody wants it: over which series, how far, into which table."""

    name: str
    source: str
    """A table, or the code of an indicator."""
    target: str
    """The table that it fills; the back-test stands in a second one, ``<target>_回测``."""
    kind: SourceKind = SourceKind.TABLE
    series: tuple[str, ...] = ()
    """Columns whose values tell the series apart."""
    period: str = ""
    value: str = ""
    definition: str = ""
    """Column that says by which definition a value was made; a series is not forecast across a change of it."""
    horizon: int = 0
    """Periods ahead; 0 means what is usual for the frequency."""
    effort: Effort = Effort.USUAL
    on_write: bool = True

    @property
    def tests(self) -> str:
        """Return the table of the back-tests."""
        return f"{self.target}{_TESTS}"

    @staticmethod
    def tested(table: str) -> str:
        """Return the table whose back-tests stand in this one, if it is such a one."""
        return table.removesuffix(_TESTS)

    def to_json(self) -> dict[str, JsonValue]:
        """Return what is declared, apart from names."""
        return {
            "series": list(self.series),
            "period": self.period,
            "value": self.value,
            "definition": self.definition,
            "horizon": self.horizon,
            "effort": self.effort.value,
            "on_write": self.on_write,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(ForecastDraft):
    """One revision of a declared forecast."""

    id: str
    revision: int
    org_id: str
    retired: bool = False
    reason: str = ""
    owner: Actor
    """Who set this revision: runs read what this person may read when they begin."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Observation:
    """One line of a source: which series, which period, what value, by which definition."""

    key: tuple[str, ...]
    period: Any
    value: float | None
    definition: str = ""
    ended: datetime | None = None
    """When the source said something else, or nothing any more; None: it says so now."""


@dataclass(frozen=True, slots=True)
class NoForecast:
    """A series that is not forecast, and why, with the facts."""

    why: WhyNot
    facts: Text

    @property
    def next_step(self) -> Text:
        """Return what would help."""
        return NEXT_STEPS[self.why]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a method says of the next periods: the middle, and intervals of 80 and 95 percent."""

    middle: Sequence[float]
    low80: Sequence[float]
    high80: Sequence[float]
    low95: Sequence[float]
    high95: Sequence[float]


class Forecaster(Protocol):
    """Continues many histories by several methods; the port behind which a library of time series stands."""

    @property
    def version(self) -> str:
        """Return the name and version of what computes."""
        ...

    def predict(
        self, histories: Sequence[Sequence[float]], season: int, horizon: int, methods: Sequence[Method]
    ) -> Sequence[Mapping[Method, Prediction]]:
        """Return for each history what each method says of the next ``horizon`` values.

        A method that cannot continue a history is missing from its answer; equal arguments give equal answers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """How a method did in the back-test: errors against values that it had not seen, and how often the intervals held."""

    mase: float
    """Mean absolute error, as a multiple of what repeating the last year would have made within the history."""
    smape: float
    cover80: float
    cover95: float
    points: int
    """Values that it was tried on."""


@dataclass(frozen=True, slots=True)
class Point:
    """The forecast of one period."""

    period: int
    middle: float
    low80: float
    high80: float
    low95: float
    high95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesForecast:
    """What came out of one series."""

    key: tuple[str, ...]
    method: Method
    points: Sequence[Point]
    scores: Mapping[Method, Score]
    festival: float | None = None
    """How much a period changes if the whole of the Spring Festival lies in it, as a share; None where nothing was found."""
    working_day: float | None = None
    """How much a period changes with one more working day, as a share."""
    origins: int = 0
    filled: int = 0
    """Gaps that were bridged."""

    @property
    def beats_naive(self) -> bool:
        """Tell whether a model did better than both benchmarks; if none did, the better benchmark is what is shown."""
        return self.method not in BENCHMARKS


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRun:
    """One run: a revision of all its forecasts, on named versions of everything."""

    id: str
    forecast_id: str
    number: int
    revision: int
    at: datetime
    cause: RunCause
    by: str
    seconds: float
    frequency: Frequency | None = None
    data_version: str = ""
    calendar: str = ""
    """The digest of the dates of working days and of lunar new years."""
    model: str = ""
    seed: int = 0
    """Nothing is drawn by lot; kept so that a method that does can be repeated."""
    last_period: str = ""
    series: int = 0
    without: Mapping[str, int] = field(default_factory=dict)
    """Series without a forecast, by reason."""
    methods: Mapping[str, int] = field(default_factory=dict)
    mase: float | None = None
    """The median over the series, of the method that is shown."""
    naive_mase: float | None = None
    cover80: float | None = None
    version: int | None = None
    """The version of the target that it wrote; None where it failed."""
    error: Text | None = None

    @property
    def done(self) -> int:
        """Return how many series have a forecast."""
        return self.series - sum(self.without.values())


@dataclass(frozen=True, slots=True)
class IndicatorFacts:
    """An indicator that can be forecast."""

    code: str
    name: Text
    unit: Text
    org_id: str
    frequency: Frequency


class IndicatorSource(Protocol):
    """Supplies the released values of statistical indicators; fulfilled by a floor above."""

    def known(self, actor: Actor) -> Sequence[IndicatorFacts]:
        """Return the indicators that the actor may see."""
        ...

    def facts(self, actor: Actor, code: str) -> IndicatorFacts:
        """Return one; raises ``NotFound`` for unknown and hidden alike."""
        ...

    def values(self, actor: Actor, code: str) -> tuple[Sequence[Observation], str]:
        """Return the values that hold, keyed by region and group, and a digest of their revisions."""
        ...


@dataclass(frozen=True, slots=True)
class Declared:
    """What a declaration comes to before anything is computed."""

    frequency: Frequency
    series: int
    ready: int
    without: Sequence[tuple[tuple[str, ...], NoForecast]]
    first: date
    last_period: str

    @classmethod
    def of(
        cls,
        frequency: Frequency,
        first: int,
        last: int,
        ready: int,
        without: Sequence[tuple[tuple[str, ...], NoForecast]],
    ) -> Self:
        """Return the facts."""
        return cls(frequency, ready + len(without), ready, without, frequency.first_day(first), frequency.label(last))
