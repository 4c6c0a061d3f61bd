"""Lineage: where a column came from and where it goes to.

``columns_of`` reads it from a query; ``Lineage`` keeps it for every version of every table, shows it, and speaks
OpenLineage. Owns the tables ``lineage_write``, ``lineage_edge`` and ``lineage_event``. Names and counts only: no row
passes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.lineage.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.lineage.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.lineage.service import Lineage

__all__ = ["Lineage", *_models]  # noqa: PLE0604 - the starred list is spelled out in models


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.lineage import service

    return getattr(service, name)
