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
from beijiang.mining.service.graphs import Graphs
from beijiang.mining.service.learning import MODEL_JOB, SCORE_JOB, SET_JOB, Learning
from beijiang.mining.service.looking import Looking
from beijiang.mining.service.saving import Saving
from beijiang.mining.service.stream_rules import StreamRules, Timeline

__all__ = [
    "FORECAST_JOB",
    "MODEL_JOB",
    "SCORE_JOB",
    "SET_JOB",
    "Expected",
    "Exported",
    "Forecasts",
    "Graphs",
    "Kept",
    "Learning",
    "SeriesLine",
    "SeriesView",
    "Statistical",
    "StreamRules",
    "Timeline",
    "Workbench",
]


class Workbench(Exporting, Looking, Saving):
    """Ask governed tables questions: run, stop, explain, look back, keep, share, draw, and take the result along."""
