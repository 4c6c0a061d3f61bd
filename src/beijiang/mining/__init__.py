"""Data mining: the SQL work-bench, where people ask the governed tables questions of their own, and forecasts of series.

Owns the tables ``query_run`` (everybody's own history), ``saved_query`` (queries by name, with all their revisions), ``forecast``
and ``forecast_run``. It reads nothing itself: every row comes through the gate or the SQL gateway of ``protection``. What it
needs of statistical indicators is the protocol ``IndicatorSource``, which ``assess`` fulfils.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.mining.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.mining.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.mining.service import (
        FORECAST_JOB,
        Expected,
        Exported,
        Forecasts,
        Kept,
        SeriesLine,
        SeriesView,
        Statistical,
        Workbench,
    )

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "FORECAST_JOB",
    "Expected",
    "Exported",
    "Forecasts",
    "Kept",
    "SeriesLine",
    "SeriesView",
    "Statistical",
    "Workbench",
    *_models,
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.mining import service

    return getattr(service, name)
