"""Data mining: the SQL work-bench, where people ask the governed tables questions of their own, and models that learn from them.

Owns the tables ``query_run`` (everybody's own history), ``saved_query`` (queries by name, with all their revisions),
``feature_view``, ``training_set``, ``learned_model``, ``score_plan`` and ``score_run``. Every row comes through ``protection``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.mining.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.mining.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.mining.service import MODEL_JOB, SCORE_JOB, SET_JOB, Exported, Learning, Workbench

__all__ = ["MODEL_JOB", "SCORE_JOB", "SET_JOB", "Exported", "Learning", "Workbench", *_models]  # noqa: PLE0604 - the starred list is spelled out in models


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.mining import service

    return getattr(service, name)
