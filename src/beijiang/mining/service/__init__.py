"""The verbs of mining."""

from beijiang.mining.service.bench import Workbench
from beijiang.mining.service.exporting import Exported
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
from beijiang.mining.service.notebooks import Notebooks
from beijiang.mining.service.stream_rules import StreamRules, Timeline
from beijiang.mining.service.texts import Texts

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
    "Notebooks",
    "SeriesLine",
    "SeriesView",
    "Statistical",
    "StreamRules",
    "Texts",
    "Timeline",
    "Workbench",
]
