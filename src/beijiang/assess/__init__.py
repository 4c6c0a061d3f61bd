"""Assessment of departments, statistical indicators, and the supervised work plan.

Scores are made of the platform's own facts (catalog, tables, quality, tickets, libraries), which are kept beside them. Owns
the tables ``assess_book``, ``assess_sheet``, ``assess_mark``, ``assess_fact``, ``assess_appeal``, ``assess_figure``,
``assess_figure_value``, ``assess_figure_target``, ``assess_figure_opening``, ``plan_task``, ``plan_progress``,
``plan_draft``, ``plan_draft_line`` and ``plan_table_set``. What it needs of exchange is the
protocol ``ExchangeFacts``, which ``ExchangeRecord`` fulfils; of the portal ``PortalFacts``, of calls ``CallFacts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.assess.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.assess.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.assess.service import (
        Assess,
        CallRecord,
        ExchangeRecord,
        FactSources,
        Figures,
        IndicatorSeries,
        PlanDrafts,
        PlanTables,
        PortalRecord,
        PublicFigures,
        WorkPlan,
    )

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "Assess",
    "CallRecord",
    "ExchangeRecord",
    "FactSources",
    "Figures",
    "IndicatorSeries",
    "PlanDrafts",
    "PlanTables",
    "PortalRecord",
    "PublicFigures",
    "WorkPlan",
    *_models,
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.assess import service

    return getattr(service, name)
