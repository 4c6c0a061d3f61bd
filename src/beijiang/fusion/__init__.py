"""Fusion: base and theme libraries, in which the records of many sources about one person, firm or place become one.

Owns the tables ``fusion_*``. A library's rows stand in lake tables of its own and are shown by the gate only; what they are made
of says how sensitive they are (``CommitRequest.derived``). No row of a source is read unless both sides have agreed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.fusion.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.fusion.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.fusion.service import FUSION_JOB, Compared, Fusion, Member, Place, Places, Subject, Subjects, Together

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "FUSION_JOB",
    "Compared",
    "Fusion",
    "Member",
    "Place",
    "Places",
    "Subject",
    "Subjects",
    "Together",
    *_models,
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.fusion import service

    return getattr(service, name)
