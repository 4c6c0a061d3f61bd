"""The port's adapter for statsforecast: its models are asked one history at a time, in this process, without frames."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from beijiang.mining.models import Method, Prediction

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Statistical"]

LEVELS: Final = [80, 95]


class Statistical:
    """Continues histories with Naive, SeasonalNaive, Theta, AutoETS and AutoARIMA of statsforecast."""

    @cached_property
    def version(self) -> str:
        """Return name and version of the library."""
        from importlib.metadata import version

        return f"statsforecast {version('statsforecast')}"

    def predict(
        self, histories: Sequence[Sequence[float]], season: int, horizon: int, methods: Sequence[Method]
    ) -> Sequence[Mapping[Method, Prediction]]:
        """Return what each method says of the next values of each history; see ``Forecaster``."""
        import numpy as np

        makers = {method: _MODELS[method] for method in methods if season > 1 or method is not Method.SEASONAL_NAIVE}
        answers = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # models warn of what the back-test shows better
            for history in histories:
                values = np.asarray(history, dtype=np.float64)
                found = {method: _asked(make(season), values, horizon) for method, make in makers.items()}
                answers.append({method: one for method, one in found.items() if one is not None})
        return answers


def _naive(_season: int) -> Any:
    from statsforecast.models import Naive

    return Naive()


def _seasonal_naive(season: int) -> Any:
    from statsforecast.models import SeasonalNaive

    return SeasonalNaive(season_length=season)


def _theta(season: int) -> Any:
    from statsforecast.models import Theta

    return Theta(season_length=season, decomposition_type="additive")


def _ets(season: int) -> Any:
    """Return ETS with additive errors and season: growth and swings in percent are the logarithm's part."""
    from statsforecast.models import AutoETS

    return AutoETS(season_length=season, model="AZA" if season > 1 else "AZN")


def _arima(season: int) -> Any:
    from statsforecast.models import AutoARIMA

    return AutoARIMA(season_length=season)


_MODELS: Final[Mapping[Method, Callable[[int], Any]]] = {
    Method.NAIVE: _naive,
    Method.SEASONAL_NAIVE: _seasonal_naive,
    Method.THETA: _theta,
    Method.ETS: _ets,
    Method.ARIMA: _arima,
}


def _asked(model: Any, values: npt.NDArray[np.float64], horizon: int) -> Prediction | None:
    """Return what a model says, or None if it cannot work on this history."""
    try:
        found = model.forecast(y=values, h=horizon, level=LEVELS)
    except Exception:  # noqa: BLE001 - what a model raises on a history is nothing that it promises
        return None
    parts = [found[name].tolist() for name in ("mean", "lo-80", "hi-80", "lo-95", "hi-95")]
    return Prediction(*parts) if all(math.isfinite(value) for part in parts for value in part) else None
