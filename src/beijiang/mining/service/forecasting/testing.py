"""Back-tests by a rolling origin, and the choice of what is shown: the same steps for the past as for the future."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.mining.models import BENCHMARKS, Method, Point, Prediction, Score, SeriesForecast
from beijiang.mining.service.forecasting.effects import Effects, effects_of

if TYPE_CHECKING:
    from beijiang.mining.models import Effort, Forecaster, Frequency, Ready, Seasons
    from beijiang.mining.service.forecasting.effects import Numbers

__all__ = ["ORIGINS", "forecast_all"]

ORIGINS: Final = 3
"""How many times the past is forecast: each time from a horizon further on, with what was known then."""
CHUNK: Final = 25
_LARGEST: Final = 700.0


@dataclass(frozen=True, slots=True)
class _Cut:
    """A series as it was known at one time, with what is needed to come back from the scale of its models."""

    known: Numbers
    plain: Numbers
    adjusted: Numbers
    ahead: Numbers
    effects: Effects
    logged: bool


def forecast_all(
    ready: Sequence[Ready],
    frequency: Frequency,
    horizon: int,
    *,
    effort: Effort,
    seasons: Seasons | None,
    forecaster: Forecaster,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[SeriesForecast]:
    """Yield each series' forecast with its back-test; ``progress`` hears how many series are done, and may stop it."""
    for start in range(0, len(ready), CHUNK):
        progress(start)
        some = ready[start : start + CHUNK]
        cuts = [_cuts(one, frequency, horizon, seasons) for one in some]
        flat = [cut for mine in cuts for cut in mine]
        season = frequency.season
        benchmarks = forecaster.predict([cut.plain.tolist() for cut in flat], season, horizon, BENCHMARKS)
        models = forecaster.predict([cut.adjusted.tolist() for cut in flat], season, horizon, effort.methods)
        made = iter(zip(benchmarks, models, strict=True))
        for one, mine in zip(some, cuts, strict=True):
            answers = [_back(cut, *next(made)) for cut in mine]
            yield _chosen(one, mine, answers, season)
    progress(len(ready))


def _cuts(one: Ready, frequency: Frequency, horizon: int, seasons: Seasons | None) -> list[_Cut]:
    """Return the series at each origin, the oldest first, and as it is now."""
    values = np.asarray(one.values, dtype=np.float64)
    count = min(ORIGINS, (len(values) - frequency.least) // horizon)
    around = seasons.of(frequency, one.first, len(values) + horizon) if seasons and frequency.season > 1 else None
    calendar = np.zeros((len(values) + horizon, 2)) if around is None else np.asarray(around, dtype=np.float64)
    ends = [len(values) - horizon * n for n in range(count, -1, -1)]
    logged = bool(values.min() > 0)
    return [_cut(values[:end], calendar[: end + horizon], frequency.season, logged=logged) for end in ends]


def _cut(known: Numbers, calendar: Numbers, season: int, *, logged: bool) -> _Cut:
    plain = np.log(known) if logged else known
    effects = effects_of(plain, calendar[: len(known)], season)
    added = effects.of(calendar)
    return _Cut(known, plain, plain - added[: len(known)], added[len(known) :], effects, logged)


def _back(
    cut: _Cut, benchmarks: Mapping[Method, Prediction], models: Mapping[Method, Prediction]
) -> dict[Method, Numbers]:
    """Return for each method five rows of numbers (middle, both intervals) on the scale of the series."""
    zero = np.zeros(len(cut.ahead))
    found = {}
    for answers, added in ((benchmarks, zero), (models, cut.ahead)):
        for method, one in answers.items():
            rows = np.asarray([one.middle, one.low80, one.high80, one.low95, one.high95]) + added
            found[method] = np.exp(np.minimum(rows, _LARGEST)) if cut.logged else rows
    return found


def _chosen(
    one: Ready, cuts: Sequence[_Cut], answers: Sequence[Mapping[Method, Numbers]], season: int
) -> SeriesForecast:
    """Score the methods on what came after each origin, and show the one with the least error."""
    values = np.asarray(one.values, dtype=np.float64)
    able = [method for method in answers[-1] if all(method in answer for answer in answers)]
    scores = {method: _score(method, values, cuts[:-1], answers, season) for method in able}
    best = min(able, key=lambda method: (scores[method].mase, list(Method).index(method)))
    now, rows = cuts[-1], answers[-1][best]
    points = [Point(one.last + 1 + n, *(float(row[n]) for row in rows)) for n in range(rows.shape[1])]
    return SeriesForecast(
        key=one.key,
        method=best,
        points=points,
        scores=scores,
        festival=_share(now, now.effects.festival),
        working_day=_share(now, now.effects.working_day),
        origins=len(cuts) - 1,
        filled=one.filled,
    )


def _share(cut: _Cut, effect: float) -> float | None:
    """Return an effect as a share of the series, None where there is none."""
    if not effect:
        return None
    return float(np.expm1(effect)) if cut.logged else float(effect / (np.abs(cut.known).mean() or 1.0))


def _score(
    method: Method,
    values: Numbers,
    cuts: Sequence[_Cut],
    answers: Sequence[Mapping[Method, Numbers]],
    season: int,
) -> Score:
    scaled, relative, in80, in95 = [], [], [], []
    for cut, answer in zip(cuts, answers, strict=False):
        rows = answer[method]
        came = values[len(cut.known) : len(cut.known) + rows.shape[1]]
        middle, low80, high80, low95, high95 = rows
        missed = np.abs(came - middle)
        usual = float(np.abs(cut.known[season:] - cut.known[:-season]).mean())
        scaled.append(missed / (usual or 1e-12))
        relative.append(200 * missed / np.maximum(np.abs(came) + np.abs(middle), 1e-12))
        in80.append((low80 <= came) & (came <= high80))
        in95.append((low95 <= came) & (came <= high95))
    return Score(
        mase=float(np.concatenate(scaled).mean()),
        smape=float(np.concatenate(relative).mean()),
        cover80=float(np.concatenate(in80).mean()),
        cover95=float(np.concatenate(in95).mean()),
        points=sum(map(len, scaled)),
    )
