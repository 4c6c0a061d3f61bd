"""Quality after GB/T 36344: rules on tables, what they counted in each version, scores, and what readers do not get.

Also which data element each column holds and how far it conforms, tickets that send data back to their supplier, and
monitors that notice what is out of the usual. Owns the tables ``quality_rule``, ``quality_run``,
``quality_fact``, ``quality_release``, ``quality_scorecard``, ``quality_mapping``, ``quality_mapping_said``,
``quality_conformity``, ``quality_ticket``, ``quality_ticket_step``, ``quality_ticket_policy``, ``quality_observation``,
``quality_finding``, ``quality_monitor``, ``quality_declined`` and ``quality_aged``. It sees numbers
and places of rows only (``tables.Measures``); rows that fail a rule are shown by the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.quality.events import DoubtMoved, MappingMoved, VersionJudged
from beijiang.quality.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.quality.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.quality.service import (
        AGING_JOB,
        LIKELY,
        QUALITY_JOB,
        Breaking,
        ColumnView,
        Failing,
        HandedOut,
        Mappings,
        MonitorReport,
        Monitors,
        Profiles,
        Quality,
        Report,
        Runner,
        Standing,
        Suggester,
        Suggestion,
        Tickets,
        TicketView,
        Tried,
        by_organisation,
        record_file,
        tickets_file,
    )

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "AGING_JOB",
    "LIKELY",
    "QUALITY_JOB",
    "Breaking",
    "ColumnView",
    "DoubtMoved",
    "Failing",
    "HandedOut",
    "MappingMoved",
    "Mappings",
    "MonitorReport",
    "Monitors",
    "Profiles",
    "Quality",
    "Report",
    "Runner",
    "Standing",
    "Suggester",
    "Suggestion",
    "TicketView",
    "Tickets",
    "Tried",
    "VersionJudged",
    "by_organisation",
    "record_file",
    "tickets_file",
    *_models,
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.quality import service

    return getattr(service, name)
