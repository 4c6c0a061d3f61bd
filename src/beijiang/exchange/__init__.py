"""Sharing and exchange (共享交换): requests, approvals by stages, grants that hold at every access; Flight SQL.

Owns the tables ``exchange_claim``, ``exchange_count``, ``exchange_delegation``, ``exchange_demand``, ``exchange_dispute``, ``exchange_epoch``, ``exchange_grant``, ``exchange_intersection``, ``exchange_mark``, ``exchange_opening``, ``exchange_package``, ``exchange_profile``, ``exchange_push``, ``exchange_push_delivery``, ``exchange_rating``, ``exchange_recall``, ``exchange_recall_duty``, ``exchange_request``, ``exchange_service``, ``exchange_service_breaker``, ``exchange_service_call``, ``exchange_service_probe``, ``exchange_service_rate``, ``exchange_service_version``, ``exchange_serving``, ``exchange_serving_copy``, ``exchange_step``, ``exchange_template`` and
``exchange_usage``. The gate asks ``GrantBook`` at every access, so that what ends has ended with the next request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.exchange import models
from beijiang.exchange.events import DisputeWon, GrantMoved, PushMoved, RequestMoved
from beijiang.exchange.models import *  # noqa: F403 - the front door shows the whole vocabulary

if TYPE_CHECKING:
    from beijiang.exchange.service import (
        INTERSECTION_JOB,
        SERVING_JOB,
        Answer,
        Demands,
        Disputes,
        Exchange,
        FlightSql,
        GrantBook,
        Intersections,
        Openings,
        Packages,
        Pushes,
        PushLimits,
        RatingBook,
        Recalls,
        Services,
        Servings,
        Shares,
        Stops,
        Templates,
        Tracing,
    )
    from beijiang.exchange.service.base import SharingParts
    from beijiang.exchange.service.sharing import ShareParts

__all__ = [
    "INTERSECTION_JOB",
    "SERVING_JOB",
    "Answer",
    "Demands",
    "DisputeWon",
    "Disputes",
    "Exchange",
    "FlightSql",
    "GrantBook",
    "GrantMoved",
    "Intersections",
    "Openings",
    "Packages",
    "PushLimits",
    "PushMoved",
    "Pushes",
    "RatingBook",
    "Recalls",
    "RequestMoved",
    "Services",
    "Servings",
    "ShareParts",
    "Shares",
    "SharingParts",
    "Stops",
    "Templates",
    "Tracing",
]
__all__ += models.__all__


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.exchange import service
    from beijiang.exchange.service import base, sharing

    return getattr(service, name, None) or getattr(base, name, None) or getattr(sharing, name)
