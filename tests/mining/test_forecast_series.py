"""Series: periods as people write them, what makes a series fit to be continued, calendar effects, back-tests."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from random import Random

import pytest

from beijiang.mining import (
    BENCHMARKS,
    Effort,
    Frequency,
    Method,
    Observation,
    Ready,
    Seasons,
    SeriesForecast,
    Sorted,
    WhyNot,
    read_periods,
    sorted_out,
)
from beijiang.mining.service.forecasting.statistical import Statistical
from beijiang.mining.service.forecasting.testing import forecast_all
from beijiang.standards import Standards

JANUARY_2016 = 2016 * 12


@pytest.fixture(scope="module")
def seasons() -> Seasons:
    text = files("beijiang").joinpath("standards", "reference", "lunar_new_year.csv").read_text("utf-8")
    days = tuple(date.fromisoformat(row["on"]) for row in csv.DictReader(text.splitlines()))
    return Seasons(days, Standards().calendar)


@pytest.mark.parametrize(
    ("words", "frequency", "label"),
    [
        ("2026-10", Frequency.MONTH, "2026-10"),
        ("2026年3月", Frequency.MONTH, "2026-03"),
        ("202601", Frequency.MONTH, "2026-01"),
        ("202612", Frequency.MONTH, "2026-12"),
        ("2026/7", Frequency.MONTH, "2026-07"),
        ("2026Q3", Frequency.QUARTER, "2026Q3"),
        ("2026年第三季度", Frequency.QUARTER, "2026Q3"),
        ("2026年1季度", Frequency.QUARTER, "2026Q1"),
        ("2025年", Frequency.YEAR, "2025"),
        (2025, Frequency.YEAR, "2025"),
    ],
)
def test_periods_are_read_as_people_write_them(words: str | int, frequency: Frequency, label: str) -> None:
    found = read_periods([words])
    assert found is not None
    assert found.frequency is frequency
    assert [frequency.label(at) for at in found.ordinals if at is not None] == [label]


def test_days_are_months_quarters_or_years_by_how_they_lie() -> None:
    def frequency(days: Sequence[date]) -> Frequency:
        found = read_periods(days)
        assert found is not None
        return found.frequency

    assert frequency([date(2025, m, 28) for m in range(1, 13)]) is Frequency.MONTH
    assert frequency([date(y, m, 1) for y in (2024, 2025) for m in (3, 6, 9, 12)]) is Frequency.QUARTER
    assert frequency([date(y, 12, 31) for y in range(2015, 2026)]) is Frequency.YEAR


def test_what_is_no_period_is_named_and_a_column_of_names_is_none() -> None:
    found = read_periods(["2025-01", "2025-02", "合计"])
    assert found is not None
    assert (found.unread, found.ordinals[2]) == (["合计"], None)
    assert read_periods(["甲", "乙", "丙", "2025-01"]) is None


def sorted_months(values: Sequence[float | None], changed: int = 0, twice: int | None = None) -> Sorted:
    lines = [
        Observation(("甲",), n, value, "旧" if changed and n < changed else "新") for n, value in enumerate(values)
    ]
    if twice is not None:
        lines.append(lines[twice])
    return sorted_out(lines, [JANUARY_2016 + line.period for line in lines], Frequency.MONTH, 6)


def why(found: Sorted) -> tuple[WhyNot, str]:
    ((_, reason),) = found.without
    assert reason.next_step.zh
    assert reason.next_step.en
    return reason.why, reason.facts.zh


def test_a_series_that_is_not_forecast_says_why() -> None:
    rising = [100.0 + n for n in range(60)]
    assert why(sorted_months(rising[:20])) == (WhyNot.SHORT, "有 20 期，需要 36 期。")
    assert why(sorted_months([5.0] * 60)) == (WhyNot.CONSTANT, "各期都是 5。")
    assert why(sorted_months(rising, twice=3)) == (WhyNot.DOUBLED, "重复的期间：2016-04。")
    lost = [None if 20 <= n < 25 else value for n, value in enumerate(rising)]
    reason, facts = why(sorted_months(lost))
    assert (reason, facts) == (WhyNot.GAPS, "缺 5 期：2017-09、2017-10、2017-11、2017-12、2018-01。")
    assert why(sorted_months(rising, changed=40)) == (
        WhyNot.REDEFINED,
        "口径自 2019-05 起变更。其后有 20 期，需要 36 期。",
    )
    both = [Observation((name,), n, float(n)) for name, until in (("甲", 60), ("乙", 40)) for n in range(until)]
    found = sorted_out(both, [JANUARY_2016 + one.period for one in both], Frequency.MONTH, 6)
    assert why(found) == (WhyNot.ENDED, "最后一期是 2019-04。")
    assert [one.key for one in found.ready] == [("甲",)]


def test_single_gaps_are_bridged_and_an_old_definition_is_left_out() -> None:
    values: list[float | None] = [100.0 + n for n in range(60)]
    values[10] = None
    (ready,) = sorted_months(values).ready
    assert (ready.filled, ready.values[10], len(ready.values)) == (1, 110.0, 60)
    (ready,) = sorted_months([100.0 + n for n in range(60)], changed=12).ready
    assert (ready.first, len(ready.values)) == (JANUARY_2016 + 12, 48)


def test_the_calendar_knows_early_and_late_festivals(seasons: Seasons) -> None:
    january_2023 = Frequency.MONTH.ordinal(date(2023, 1, 1))
    (january, _), (february, _) = seasons.of(Frequency.MONTH, january_2023, 2)
    assert january > 0.3
    assert february < -0.3
    assert abs(january + february) < 0.1
    (june, _), *_ = seasons.of(Frequency.MONTH, january_2023 + 5, 1)
    assert june == 0
    quarters = seasons.of(Frequency.QUARTER, Frequency.QUARTER.ordinal(date(2023, 1, 1)), 4)
    assert all(abs(share) < 0.01 for share, _ in quarters)


def moving(seasons: Seasons, effect: float, months: int = 132, seed: int = 5) -> Ready:
    """Return a monthly series with trend, season, noise, and a festival that moves between January and February."""
    lot = Random(seed)  # noqa: S311 - made-up data
    around = seasons.of(Frequency.MONTH, JANUARY_2016, months)
    values = [
        100 * math.exp(0.004 * n + 0.1 * math.sin(2 * math.pi * n / 12) + effect * share + lot.gauss(0, 0.01))
        for n, (share, _) in enumerate(around)
    ]
    return Ready((f"{seed}",), JANUARY_2016, tuple(values))


def forecasts(ready: Sequence[Ready], seasons: Seasons | None, effort: Effort = Effort.QUICK) -> list[SeriesForecast]:
    made = forecast_all(ready, Frequency.MONTH, 6, effort=effort, seasons=seasons, forecaster=Statistical())
    return list(made)


def test_the_calendar_helps_where_the_festival_moves_and_harms_nowhere_else(seasons: Seasons) -> None:
    # The ends differ by months, so that origins lie before and after a spring.
    moved = [moving(seasons, 0.3, months=123 + seed % 4, seed=seed) for seed in range(6)]
    still = [moving(seasons, 0.0, seed=seed) for seed in range(6)]
    with_calendar, without = forecasts(moved, seasons), forecasts(moved, None)
    helped = [a.scores[Method.THETA].mase / b.scores[Method.THETA].mase for a, b in zip(with_calendar, without, strict=True)]  # fmt: skip
    assert sum(helped) / len(helped) < 0.7, helped
    found = [one.festival for one in with_calendar]
    assert all(share is not None and abs(math.log1p(share) - 0.3) < 0.06 for share in found), found
    assert sum(one.festival is None for one in forecasts(still, seasons)) >= 5


def test_what_is_shown_has_the_least_error_and_naive_is_shown_where_nothing_beats_it(seasons: Seasons) -> None:
    lot = Random(3)  # noqa: S311 - made-up data
    walk = [200.0]
    for _ in range(95):
        walk.append(walk[-1] + lot.choice((-1, 1)) * lot.random() * 4)
    shown = forecasts([moving(seasons, 0.2), Ready(("walk",), JANUARY_2016, tuple(walk))], seasons, Effort.USUAL)
    season, wandering = shown
    assert set(season.scores) == {*BENCHMARKS, Method.THETA, Method.ETS}
    assert season.beats_naive
    for one in shown:
        assert one.scores[one.method].mase == min(score.mase for score in one.scores.values())
        assert one.scores[one.method].points == 18
        assert [p.period for p in one.points] == list(range(one.points[0].period, one.points[0].period + 6))
        assert all(p.low95 <= p.low80 <= p.middle <= p.high80 <= p.high95 for p in one.points)
    assert wandering.beats_naive == (wandering.method not in BENCHMARKS)


def test_intervals_hold_about_as_often_as_they_say(seasons: Seasons) -> None:
    wandering = []
    for seed in range(24):
        lot, level, values = Random(seed), 5.0, []  # noqa: S311 - made-up data
        for n in range(100):
            level += lot.gauss(0.002, 0.02)
            values.append(math.exp(level + 0.1 * math.sin(2 * math.pi * n / 12)))
        wandering.append(Ready((f"{seed}",), JANUARY_2016, tuple(values)))
    shown = forecasts(wandering, seasons, Effort.USUAL)
    held = sum(one.scores[Method.ETS].cover80 for one in shown) / len(shown)
    wider = sum(one.scores[Method.ETS].cover95 for one in shown) / len(shown)
    assert 0.5 < held < 0.95
    assert held < wider


def test_the_back_test_does_not_look_ahead(seasons: Seasons) -> None:
    """What came after an origin changes the errors there, and no forecast from it: a break at the end is missed."""
    calm = moving(seasons, 0.0)
    broken = Ready(calm.key, calm.first, (*calm.values[:-6], *(value * 3 for value in calm.values[-6:])))
    before, after = forecasts([calm], seasons)[0], forecasts([broken], seasons)[0]
    assert after.scores[Method.THETA].mase > 5 * before.scores[Method.THETA].mase


def test_years_and_numbers_below_zero_are_forecast_too() -> None:
    lot = Random(1)  # noqa: S311 - made-up data
    years = Ready(("y",), 2005, tuple(10.0 + n + lot.random() for n in range(20)))
    (found,) = forecast_all([years], Frequency.YEAR, 3, effort=Effort.USUAL, seasons=None, forecaster=Statistical())
    assert len(found.points) == 3
    assert Method.SEASONAL_NAIVE not in found.scores
    below = Ready(
        ("b",), JANUARY_2016, tuple(-50 + 10 * math.sin(n / 12 * 2 * math.pi) + lot.random() for n in range(72))
    )
    (cold,) = forecasts([below], None)
    assert all(point.middle < 0 for point in cold.points)


def test_the_same_series_gives_the_same_forecast(seasons: Seasons) -> None:
    ready = [moving(seasons, 0.2)]
    assert forecasts(ready, seasons) == forecasts(ready, seasons)
