"""Fusion: base and theme libraries, in which the records of many sources about one person or firm become one."""

from __future__ import annotations

from beijiang.fusion.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.fusion.models import __all__ as _models

__all__ = [*_models]  # noqa: PLE0604 - the starred list is spelled out in models
