"""Facts that exchange publishes."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["DisputeWon", "RequestMoved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWon(Event):
    """A dispute about a correction ended for who raised it; the ticket has to be worked at again."""

    dispute_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMoved(Event):
    """A request that came from another node moved, or what was granted on it; the other node should know."""

    request_id: str
