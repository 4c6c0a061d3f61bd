"""The verbs of mining."""

from beijiang.mining.service.exporting import Exported, Exporting
from beijiang.mining.service.forecasting import (
    FORECAST_JOB,
    Expected,
    Forecasts,
    Kept,
    SeriesLine,
    SeriesView,
    Statistical,
)
from beijiang.mining.service.looking import Looking
from beijiang.mining.service.saving import Saving

__all__ = [
    "FORECAST_JOB",
    "Expected",
    "Exported",
    "Forecasts",
    "Kept",
    "SeriesLine",
    "SeriesView",
    "Statistical",
    "Workbench",
]


class Workbench(Exporting, Looking, Saving):
    """Ask governed tables questions: run, stop, explain, look back, keep, share, draw, and take the result along."""
