"""Data mining (数据挖掘): the SQL work-bench and what is built on governed tables: models, forecasts, graphs, texts, rules on streams.

Owns the tables ``feature_view``, ``forecast``, ``forecast_card``, ``forecast_run``, ``learned_model``, ``notebook``, ``query_run``,
``reading_alert``, ``reading_alert_step``, ``relation_graph``, ``saved_query``, ``score_plan``, ``score_run``,
``stream_alert_copy``, ``stream_rule``, ``stream_rule_sensor``, ``stream_rule_standing``, ``text_document`` and
``training_set``.
Every row that leaves comes through the gate of ``protection``; readings are judged where they arrive, on word of ``ingest``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.mining.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.mining.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.mining.service import (
        FORECAST_JOB,
        MODEL_JOB,
        SCORE_JOB,
        SET_JOB,
        Expected,
        Exported,
        Forecasts,
        Graphs,
        Kept,
        Learning,
        Notebooks,
        SeriesLine,
        SeriesView,
        Statistical,
        StreamRules,
        Texts,
        Timeline,
        Workbench,
    )

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "Expected",
    "Exported",
    "FORECAST_JOB",
    "Forecasts",
    "Graphs",
    "Kept",
    "Learning",
    "MODEL_JOB",
    "Notebooks",
    "SCORE_JOB",
    "SET_JOB",
    "SeriesLine",
    "SeriesView",
    "Statistical",
    "StreamRules",
    "Texts",
    "Timeline",
    "Workbench",
    *_models,
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.mining import service

    return getattr(service, name)
