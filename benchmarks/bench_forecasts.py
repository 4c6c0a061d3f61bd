"""Forecasts of 1,000 monthly series with back-test: ours against bare statsforecast with the same models and windows.

Both sides do Naive, SeasonalNaive, Theta and AutoETS(AZA) on logarithms, at three origins a horizon apart and now, with
intervals of 80 and 95 percent, in one process. Ours also finds the calendar's effects at every origin, scores all methods
and chooses; bare statsforecast is its own ``cross_validation`` (refitting) and ``forecast``, without scores. The sides take
turns, block by block, so that a busy machine slows both. The bar of issue 7: 1.3x.

    PYTHONPATH=src python benchmarks/bench_forecasts.py [SERIES]
"""

from __future__ import annotations

import csv
import math
import sys
import time
from datetime import date
from importlib.resources import files
from random import Random

import numpy as np
from report import Line, show

from beijiang.mining import Effort, Frequency, Ready, Seasons
from beijiang.mining.service.forecasting.statistical import Statistical
from beijiang.mining.service.forecasting.testing import ORIGINS, forecast_all
from beijiang.standards import Standards

MONTHS = 96
HORIZON = 6
BLOCK = 50
BAR = 1.3
FIRST = Frequency.MONTH.ordinal(date(2018, 1, 1))


def seasons() -> Seasons:
    text = files("beijiang").joinpath("standards", "reference", "lunar_new_year.csv").read_text("utf-8")
    days = tuple(date.fromisoformat(row["on"]) for row in csv.DictReader(text.splitlines()))
    return Seasons(days, Standards().calendar)


def made(count: int, calendar: Seasons) -> list[Ready]:
    """Return series of every kind: steep and flat, calm and restless, with and without a season and the festival."""
    around = calendar.of(Frequency.MONTH, FIRST, MONTHS)
    out = []
    for number in range(count):
        lot = Random(number)  # noqa: S311 - made-up data
        growth, swing, effect = lot.gauss(0.004, 0.004), lot.random() * 0.2, lot.choice((0.0, 0.2, -0.15))
        noise, level, values = 0.005 + lot.random() * 0.04, math.log(50 + 1000 * lot.random()), []
        for n in range(MONTHS):
            level += growth + lot.gauss(0, noise / 3)
            season = swing * math.sin(2 * math.pi * (n + number) / 12)
            values.append(math.exp(level + season + effect * around[n][0] + lot.gauss(0, noise)))
        out.append(Ready((f"{number}",), FIRST, tuple(values)))
    return out


def ours(series: list[Ready], calendar: Seasons) -> int:
    done = forecast_all(
        series, Frequency.MONTH, HORIZON, effort=Effort.USUAL, seasons=calendar, forecaster=Statistical()
    )
    return sum(one.beats_naive for one in done)


def bare(series: list[Ready]) -> int:
    import pandas as pd
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, Naive, SeasonalNaive, Theta

    frame = pd.DataFrame(
        {
            "unique_id": np.repeat([one.key[0] for one in series], MONTHS),
            "ds": np.tile(pd.date_range("2018-01-01", periods=MONTHS, freq="MS"), len(series)),
            "y": np.log([value for one in series for value in one.values]),  # noqa: PD011 - no frame
        }
    )
    models = [
        Naive(),
        SeasonalNaive(season_length=12),
        Theta(season_length=12, decomposition_type="additive"),
        AutoETS(season_length=12, model="AZA"),
    ]
    whole = StatsForecast(models=models, freq="MS", n_jobs=1)
    tested = whole.cross_validation(
        df=frame, h=HORIZON, n_windows=ORIGINS, step_size=HORIZON, level=[80, 95], refit=True
    )
    return len(tested) + len(whole.forecast(df=frame, h=HORIZON, level=[80, 95]))


def main(count: int) -> None:
    calendar = seasons()
    series = made(count, calendar)
    ours(series[:2], calendar)
    bare(series[:2])
    spent = {"ours": [0.0, 0.0], "bare statsforecast": [0.0, 0.0]}
    better = 0
    for start in range(0, count, BLOCK):
        some = series[start : start + BLOCK]
        for name in ("ours", "bare statsforecast") if start // BLOCK % 2 else ("bare statsforecast", "ours"):
            wall, cpu = time.perf_counter(), time.process_time()
            if name == "ours":
                better += ours(some, calendar)
            else:
                bare(some)
            spent[name][0] += time.perf_counter() - wall
            spent[name][1] += time.process_time() - cpu
    (our_wall, our_cpu), (bare_wall, bare_cpu) = spent["ours"], spent["bare statsforecast"]
    show(
        f"Forecasts of {count:,} monthly series of {MONTHS} months, {ORIGINS} origins and now; a model wins in {better:,}",
        [
            Line("by the clock", our_wall, "bare statsforecast", bare_wall, BAR),
            Line("by the processor", our_cpu, "bare statsforecast", bare_cpu, BAR),
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
