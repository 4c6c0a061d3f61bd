"""Facts that the registry publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["ElementsChanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementsChanged(Event):
    """Data elements got new versions; with the least grade of each from now on, empty for none (see ``least_grade``)."""

    levels: Mapping[str, str]
