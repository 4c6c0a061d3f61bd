"""The verbs of forecasts."""

from beijiang.mining.service.forecasting.running import FORECAST_JOB
from beijiang.mining.service.forecasting.showing import Expected, Forecasts, Kept, SeriesLine, SeriesView
from beijiang.mining.service.forecasting.statistical import Statistical

__all__ = ["FORECAST_JOB", "Expected", "Forecasts", "Kept", "SeriesLine", "SeriesView", "Statistical"]
