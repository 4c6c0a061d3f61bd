"""Facts that assessment publishes."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["PlanMoved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMoved(Event):
    """A task of the work plan, or a figure or target that measures it, is another; tables that are kept of them follow."""

    subject: str
    """Id of the task, name of the plan, or code of the indicator."""
