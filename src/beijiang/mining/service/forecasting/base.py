"""What the verbs of forecasts share: their parts, who may see what, and the source read as the asker may read it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import NotFound
from beijiang.mining.errors import (
    column_missing,
    masked,
    no_forecast,
    no_periods,
    too_many_series,
    unfit_forecast,
)
from beijiang.mining.models import Frequency, Observation, Seasons, Sorted, SourceKind, newest, read_periods, sorted_out
from beijiang.mining.store import ForecastStore
from beijiang.tables import VALID_FROM, VALID_TO, Exit, Filter, FilterOp

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.jobs import Jobs
    from beijiang.kit import Actor, Clock
    from beijiang.mining.models import Forecast, ForecastDraft, Forecaster, IndicatorSource
    from beijiang.settings import Settings
    from beijiang.standards import Standards
    from beijiang.tables import GovernedTable, Tables

__all__ = ["INDICATOR_KEYS", "PURPOSE", "SERIES_MOST", "Base", "Source"]

_seasons_of = lru_cache(maxsize=2)(Seasons)

PURPOSE: Final = "forecast"
INDICATOR_KEYS: Final = ("地区代码", "分组")
SERIES_MOST: Final = 5_000
HORIZON_MOST: Final = 24


@dataclass(frozen=True, slots=True)
class Source:
    """A source as it was read: its lines, and which version of it they are."""

    lines: Sequence[Observation]
    version: str
    frequency: Frequency | None = None
    """Where it is known beforehand."""


class Base:
    """Holds the parts; asks for access; reads."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        tables: Tables,
        indicators: IndicatorSource,
        forecaster: Forecaster,
        standards: Standards,
        access: Access,
        evidence: Evidence,
        jobs: Jobs,
        clock: Clock,
        zone: ZoneInfo,
        settings: Settings,
    ) -> None:
        self.db = db
        self.tables = tables
        self.indicators = indicators
        self.forecaster = forecaster
        self.standards = standards
        self.access = access
        self.evidence = evidence
        self.jobs = jobs
        self.clock = clock
        self.zone = zone
        self.settings = settings
        self.turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        """Runs of one forecast come one after the other."""

    @property
    def seasons(self) -> Seasons:
        """Return the calendar as it is now; what is reckoned of it is kept until it changes."""
        return _seasons_of(self._lunar_new_years, self.standards.calendar)

    @cached_property
    def _lunar_new_years(self) -> tuple[date, ...]:
        return tuple(date.fromisoformat(row["on"]) for row in self.standards.table("lunar_new_year"))

    def _seen(
        self, actor: Actor, forecast_id: str, permission: Permission = Permission.MINING_FORECAST_READ
    ) -> Forecast:
        """Return a forecast in force on which the actor may do this; unknown and hidden look the same.

        It may be named by its id or by the table that it fills.
        """
        with self.db.read() as connection:
            store = ForecastStore(connection)
            found = store.get(forecast_id) or store.filling(forecast_id)
        if (
            found is None
            or found.retired
            or not self.access.allows(actor, Permission.MINING_FORECAST_READ, found.org_id)
        ):
            self.access.require(actor, Permission.MINING_FORECAST_READ)
            raise no_forecast()
        self.access.require(actor, permission, found.org_id)
        return found

    def _owned(self, actor: Actor, draft: ForecastDraft) -> str:
        """Return the organisation of a source whose series the actor may forecast.

        Raises:
            NotFound: no such source, or it is hidden.
            Denied: it is another organisation's.

        """
        if draft.kind is SourceKind.INDICATOR:
            org_id = self.indicators.facts(actor, draft.source).org_id
        else:
            try:
                org_id = self.tables.get(actor, draft.source).org_id
            except NotFound:
                self.access.require(actor, Permission.MINING_FORECAST_READ)
                raise
        self.access.require(actor, Permission.MINING_FORECAST_MANAGE, org_id)
        return org_id

    def _keys(self, draft: ForecastDraft) -> tuple[str, ...]:
        """Return the columns that tell series apart."""
        return INDICATOR_KEYS if draft.kind is SourceKind.INDICATOR else draft.series

    def _read(self, actor: Actor, draft: ForecastDraft, key: Sequence[str] = ()) -> Source:
        """Return the lines of a source as the actor may read them now: a table through the gate, an indicator as released.

        With a ``key``, lines of other series may be left out.

        Raises:
            NotFound: unknown or hidden.
            Refused: a column is masked for this actor (``forecast_masked``).
            Invalid: a column is missing.

        """
        if draft.kind is SourceKind.INDICATOR:
            facts = self.indicators.facts(actor, draft.source)
            lines, version = self.indicators.values(actor, draft.source)
            return Source(lines, version, facts.frequency)
        governed = self.tables.open(actor, draft.source, PURPOSE, Exit.PAGE)
        return Source(_lines(governed, draft, key), str(governed.version))

    def _sorted(self, draft: ForecastDraft, source: Source) -> Sorted:
        """Return the series of a source.

        Raises:
            Invalid: the column of periods holds none or has others among them, or there are too many series.

        """
        periods = read_periods([line.period for line in source.lines])
        if periods is None:
            raise no_periods(draft.source, draft.period)
        if periods.unread:
            count = len(periods.unread)  # the values themselves are shown by the gate alone
            raise unfit_forecast(
                f"期间列中有不是{periods.frequency.text.zh}期间的值 {count} 种。请先用加工配方剔除或改正这些行。",
                f"The column of periods is {periods.frequency.text.en}, but holds {count} other values. Remove or mend these rows by a recipe first.",
            )
        frequency = source.frequency or periods.frequency
        series = len({line.key for line in source.lines})
        if series > SERIES_MOST:
            raise too_many_series(series, SERIES_MOST)
        return sorted_out(source.lines, periods.ordinals, frequency, draft.horizon or frequency.usual_horizon)


def _lines(governed: GovernedTable, draft: ForecastDraft, key: Sequence[str]) -> Sequence[Observation]:
    wanted = [*draft.series, draft.period, draft.value, *([draft.definition] if draft.definition else [])]
    shown = {column.name: column for column in governed.columns}
    for name in wanted:
        if name not in shown:
            raise column_missing(draft.source, name)
    if hidden := [name for name in wanted if shown[name].masked]:
        raise masked(draft.source, hidden)
    filters = [
        Filter(name, FilterOp.EQ, part)
        for name, part in zip(draft.series, key, strict=False)
        if part and shown[name].type == "text"
    ]
    dated = governed.history and VALID_TO in shown and not shown[VALID_TO].masked
    rows = governed if dated or draft.period == VALID_FROM else governed.of_now()
    lines = []
    for batch in rows.batches(filters, list(dict.fromkeys([*wanted, *([VALID_TO] if dated else [])]))):
        columns = {name: batch.column(name).to_pylist() for name in wanted}
        keys = list(zip(*(columns[name] for name in draft.series), strict=True)) or [()] * batch.num_rows
        said = columns[draft.definition] if draft.definition else [""] * batch.num_rows
        ended = batch.column(VALID_TO).to_pylist() if dated else [None] * batch.num_rows
        for parts, period, value, word, end in zip(
            keys, columns[draft.period], columns[draft.value], said, ended, strict=True
        ):
            if period is None:
                continue
            words = tuple("" if part is None else str(part) for part in parts)
            lines.append(Observation(words, period, _number(value), "" if word is None else str(word), end))
    return newest(lines) if governed.history else lines


def _number(value: Any) -> float | None:
    """Return a value as a number; text of a number counts, anything else is a gap."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return float(value.replace(",", "") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
