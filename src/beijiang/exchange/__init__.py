"""Sharing and exchange (共享交换): requests, approvals by stages, grants that hold at every access.

Owns the tables ``exchange_demand``, ``exchange_dispute``, ``exchange_rating``, ``exchange_recall``, ``exchange_recall_duty``, ``exchange_request``, ``exchange_grant``, ``exchange_service*``, ``exchange_step``, ``exchange_usage``, ``exchange_delegation`` and
``exchange_epoch``. The gate asks ``GrantBook`` at every access, so that what ends has ended with the next request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.exchange import models
from beijiang.exchange.models import *  # noqa: F403 - the front door shows the whole vocabulary

if TYPE_CHECKING:
    from beijiang.exchange.service import Answer, Demands, Disputes, Exchange, GrantBook, RatingBook, Recalls, Services
    from beijiang.exchange.service.base import SharingParts

__all__ = [
    "Answer",
    "Demands",
    "Disputes",
    "Exchange",
    "GrantBook",
    "RatingBook",
    "Recalls",
    "Services",
    "SharingParts",
]
__all__ += models.__all__


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.exchange import service
    from beijiang.exchange.service import base

    return getattr(service, name, None) or getattr(base, name)
