"""All SQL on the metadata tables of mining, a file for each of its pieces."""

from beijiang.mining.store.forecast_cards import ForecastCardStore
from beijiang.mining.store.forecasting import ForecastStore
from beijiang.mining.store.graphs import GraphStore
from beijiang.mining.store.learning import LearningStore, ViewStore
from beijiang.mining.store.notebooks import NotebookStore
from beijiang.mining.store.queries import RunStore, SavedStore
from beijiang.mining.store.reading_alerts import CopyStore, ReadingAlertStore
from beijiang.mining.store.stream_rules import RuleStore
from beijiang.mining.store.texts import TextStore

__all__ = [
    "CopyStore",
    "ForecastCardStore",
    "ForecastStore",
    "GraphStore",
    "LearningStore",
    "NotebookStore",
    "ReadingAlertStore",
    "RuleStore",
    "RunStore",
    "SavedStore",
    "TextStore",
    "ViewStore",
]
