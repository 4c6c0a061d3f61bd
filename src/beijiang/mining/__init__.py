"""Data mining: the SQL work-bench, where people ask the governed tables questions of their own, and documents.

Owns the tables ``query_run`` (everybody's own history), ``saved_query`` (queries by name, with all their revisions),
``notebook`` (with all its versions) and ``text_document`` (documents of organisations, whose bytes are in the home folder under ``texts/``). It runs nothing itself:
every row comes through the SQL gateway of ``protection``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.mining.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.mining.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.mining.service import Exported, Notebooks, Texts, Workbench

__all__ = ["Exported", "Notebooks", "Texts", "Workbench", *_models]  # noqa: PLE0604 - the starred list is spelled out in models


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.mining import service

    return getattr(service, name)
